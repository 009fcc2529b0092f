"""Which exceptions leave a function through what it calls, with the evidence for each."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_hub.source.escapes import Raised
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import parse_source, read_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols

PACKAGE = {
    "shop/__init__.py": "",
    "shop/errors.py": """
        class ShopError(Exception): ...
        class Empty(ShopError): ...
        class Gone(ShopError, LookupError): ...
        class Late(external.Delay): ...
    """,
    "shop/parse.py": """
        from . import errors
        from .errors import Gone as Missing
        def parse(text):
            if not text:
                raise errors.Empty(text)
            return text
        def read(name):
            if name < 0: raise ValueError(name)
            if name > 9: raise Missing
        def deep(text): return parse(text)
        def late(): raise errors.Late
        def rows():
            yield 1
            raise errors.Empty
        async def fetch(): raise errors.Empty
        async def pages():
            yield 1
            raise errors.Empty
        @contextmanager
        def opened():
            raise errors.Empty
            yield
        class Reader:
            def __init__(self, size):
                if size < 0: raise ValueError("size")
            def line(self):
                raise errors.Empty
            def todo(self):
                raise NotImplementedError
            @abstractmethod
            def later(self):
                print(self)
                raise NotImplementedError
            def over(self): raise KeyError
        class Error(Exception): ...
        def fail():
            if 1: raise Error
        def made(text) -> errors.Empty:
            if text is None: raise TypeError
            return errors.Empty(text)
        def quoted() -> "errors.Empty": ...
        def built_in() -> KeyError: ...
        def unsaid(): ...
        def never() -> NoReturn: ...
        def elsewhere() -> Delay: ...
        def one_of() -> errors.Empty | None: ...
        class Problem(Exception):
            @classmethod
            def of(cls, text) -> Self: ...
            def again(self) -> "Problem": raise self.of(1)
            @classmethod
            def fresh(cls): raise cls(1)
        class Shelf(Reader, Generic[T]): ...
        class Box(Shelf[int]): ...
    """,
}
HEAD = """
from contextlib import suppress
from shop import errors, parse as p
from .parse import *
from .errors import ShopError as Base, Gone, Empty
class Error(Exception): ...
class Own(Reader):
    def over(self): ...
"""


def build(root: Path) -> Path:
    for name, text in PACKAGE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return root


def leaving(root: Path, code: str, name: str, depth: int = 1) -> tuple[Raised, ...]:
    path = build(root) / "shop" / "cart.py"
    path.write_text(HEAD + textwrap.dedent(code))
    found = [one for one in symbols(read_source(path)) if one.qualname == name]
    return facts_of(found[-1], PackageIndex(root=root), raises_through=depth).raises


def body(text: str) -> str:
    return "def f(x, y=None):\n" + textwrap.indent(textwrap.dedent(text), "    ")


def method(text: str) -> str:
    head = "class Sub(Own):\n    def line(self): super().line()\n    def f(self, x):\n"
    return head + textwrap.indent(textwrap.dedent(text), " " * 8)


# (code, exceptions with their paths)
PATHS: list[Any] = [
    pytest.param(body("parse(x)"), "Empty<parse", id="a function"),
    pytest.param(body("p.parse(x)"), "Empty<parse", id="of a module"),
    pytest.param(body("read(x)"), "ValueError<read Gone<read", id="two, in the order of the callee"),
    pytest.param(body("read(x)\nraise ValueError"), "Gone<read ValueError", id="its own comes first"),
    pytest.param(body("raise errors.Empty\nparse(x)"), "errors.Empty", id="what is never reached"),
    pytest.param(body("parse(x)\nraise errors.Empty"), "errors.Empty", id="once under two names"),
    pytest.param(body("return [parse(y) for y in x]"), "Empty<parse", id="in a list"),
    pytest.param(body("return (parse(y) for y in x)"), "", id="in a generator that nobody asks"),
    pytest.param(body("return any(parse(y) for y in x)"), "Empty<parse", id="in one that is asked"),
    pytest.param(body("return (y for y in parse(x))"), "Empty<parse", id="its first part runs at once"),
    pytest.param(body("return lambda: parse(x)"), "", id="in a lambda"),
    pytest.param(body("def g(): parse(x)\nreturn g"), "", id="in a function inside"),
    pytest.param(body("def parse(x): ...\nparse(x)"), "", id="a function inside of that name"),
    pytest.param(body("from other import parse\nparse(x)"), "", id="an import inside of that name"),
    pytest.param(body("parse = x\nparse(x)"), "", id="a variable of that name"),
    pytest.param(body("x.parse(y)"), "", id="of what nobody knows"),
    pytest.param(body("nowhere(x)\nparse()(x)\nx[0](y)"), "Empty<parse", id="what leads nowhere"),
    pytest.param(body("y = x if parse(x) else 0"), "Empty<parse", id="in a condition"),
    pytest.param(body("if x: pass\nelif parse(x): pass"), "Empty<parse", id="in an elif"),
    pytest.param(body("while parse(x): pass"), "Empty<parse", id="in a while"),
    pytest.param(
        body("match parse(x):\n  case y if read(y): ..."),
        "Empty<parse ValueError<read Gone<read",
        id="in a match",
    ),
    pytest.param(body("with open(parse(x)) as y: ..."), "Empty<parse", id="in a with"),
    pytest.param(body("try: y()\nfinally: parse(x)"), "Empty<parse", id="in a finally"),
    pytest.param(body("y: int = parse(x)"), "Empty<parse", id="with an annotation"),
    pytest.param(body("fail()"), "Error<fail", id="a class of another module of that name"),
    # Depth.
    pytest.param(body("deep(x)"), "", id="too deep"),
    # Handlers.
    pytest.param(body("try: parse(x)\nexcept errors.Empty: ..."), "", id="caught"),
    pytest.param(body("try: parse(x)\nexcept Empty: ..."), "", id="caught by another name of it"),
    pytest.param(body("try: parse(x)\nexcept Base: ..."), "", id="caught by a renamed base"),
    pytest.param(body("try: parse(x)\nexcept Gone: ..."), "Empty<parse", id="not caught by a sister"),
    pytest.param(body("try: read(x)\nexcept LookupError: ..."), "ValueError<read", id="by a built-in base"),
    pytest.param(body("try: late()\nexcept Delay: ..."), "", id="by a base of elsewhere"),
    pytest.param(body("try: fail()\nexcept Error: ..."), "Error<fail", id="not by a namesake"),
    pytest.param(body("try: fail()\nexcept p.Error: ..."), "", id="by the true one"),
    pytest.param(body("with suppress(Base): parse(x)"), "", id="suppressed"),
    pytest.param(body("try: parse(x)\nexcept y: ..."), "Empty<parse", id="by a variable"),
    pytest.param(body("try: parse(x)\nexcept: ..."), "", id="by a bare except"),
    pytest.param(body("try: parse(x)\nexcept* Base: ..."), "", id="in a group"),
    pytest.param(body("try: parse(x)\nexcept Base: raise"), "Empty<parse Base", id="raised again"),
    pytest.param(body("try: parse(x)\nexcept Empty: raise"), "Empty", id="as what it is"),
    pytest.param(body("try: parse(x)\nexcept Exception as e: raise e"), "Empty<parse", id="as a name"),
    pytest.param(
        body("try: parse(x)\nexcept Exception as e: raise OSError from e"), "OSError", id="as another"
    ),
    pytest.param(body("try: x()\nexcept KeyError: parse(x)"), "Empty<parse", id="in a handler"),
    pytest.param(body("try: parse(x)\nfinally: return y"), "", id="dropped by finally"),
    pytest.param(body("try: parse(x)\nfinally:\n  if y: return y"), "Empty<parse", id="perhaps dropped"),
    # What runs when.
    pytest.param(body("rows()"), "", id="a generator that nobody asks"),
    pytest.param(body("for y in rows(): ..."), "Empty<rows", id="a loop over it"),
    pytest.param(body("return list(rows())"), "Empty<rows", id="a list of it"),
    pytest.param(body("yield from rows()"), "Empty<rows", id="handed on"),
    pytest.param(body("return {y: 1 for y in rows()}"), "Empty<rows", id="a dict of it"),
    pytest.param(body("first, *rest = rows()"), "Empty<rows", id="unpacked"),
    pytest.param(body("print(*rows())"), "Empty<rows", id="spread out"),
    pytest.param(body("with opened(): ..."), "Empty<opened", id="a context manager"),
    pytest.param(body("return opened()"), "", id="one that nobody enters"),
    pytest.param("async " + body("await fetch()"), "Empty<fetch", id="a coroutine"),
    pytest.param("async " + body("return fetch()"), "", id="one that nobody awaits"),
    pytest.param("async " + body("async for y in pages(): ..."), "Empty<pages", id="an async generator"),
    pytest.param("async " + body("return [y async for y in pages()]"), "Empty<pages", id="a list of it"),
    pytest.param("async " + body("return pages()"), "", id="one that nobody asks"),
    # Classes.
    pytest.param(body("Reader(x)"), "ValueError<Reader", id="a constructor"),
    pytest.param(body("Own(x)"), "ValueError<Reader", id="one of a base"),
    pytest.param(body("Own.line(x)"), "Empty<Reader.line", id="a method by its class"),
    pytest.param(method("self.line()"), "", id="through a method of its own"),
    pytest.param(method("super().line()"), "Empty<Reader.line", id="super"),
    pytest.param(method("self.todo()\nself.later()"), "", id="abstract methods"),
    pytest.param(method("self.over()"), "", id="a method that a base overrides"),
    pytest.param(method("self.nothing()\nself.line.x()\nself(x)"), "", id="what a class does not have"),
    pytest.param(method("type(self)(x)\nself.__class__(x)"), "", id="a class that nobody knows"),
    pytest.param(
        "class Sub(Own):\n  @classmethod\n  def f(cls): return cls(1)", "ValueError<Reader", id="cls"
    ),
    pytest.param(
        "class Sub(Own):\n  def __call__(self): raise KeyError\n  def f(self): self()",
        "KeyError<Sub.__call__",
        id="self",
    ),
    pytest.param("def f(self): self.line()", "", id="self without a class"),
    pytest.param(body("Box(x)"), "ValueError<Reader", id="a base of a base in brackets"),
    # What makes the exception.
    pytest.param(body("raise made(x)"), "TypeError<made Empty", id="a function that says what it returns"),
    pytest.param(body("raise p.quoted()"), "Empty", id="in quotes"),
    pytest.param(body("raise built_in()"), "KeyError", id="a built-in one"),
    pytest.param(body("try: raise quoted()\nexcept Base: ..."), "", id="caught by a base"),
    pytest.param(body("raise Problem.of(x)"), "Problem", id="a class method"),
    pytest.param("class Sub(Problem):\n  def f(self): raise self.of(1)", "Problem", id="a method of a base"),
    pytest.param(body("raise unsaid()"), "", id="one that does not say"),
    pytest.param(body("raise never()"), "", id="one that never returns"),
    pytest.param(body("raise elsewhere()"), "", id="a class that nobody knows"),
    pytest.param(body("raise one_of()"), "", id="one of several"),
    pytest.param(
        "class Sub(Problem):\n  def f(self):\n    e = super().of(1)\n    raise e",
        "Problem",
        id="super, in a variable",
    ),
    pytest.param(body("raise super().of(x)"), "", id="super without a class"),
    pytest.param(
        method("raise NotImplementedError('no')"), "", id="an abstract method, where `*` is imported"
    ),
    pytest.param(body("Problem.fresh()"), "Problem<Problem.fresh", id="cls"),
    pytest.param(body("Problem.again()"), "Problem<Problem.again", id="made on self"),
]


@pytest.mark.parametrize(("code", "expected"), PATHS)
def test_what_leaves_through_calls(tmp_path: Path, code: str, expected: str) -> None:
    name = "Sub.f" if code.startswith("class Sub") else "f"
    found = leaving(tmp_path, code, name)
    assert " ".join("<".join([one.name, *one.path]) for one in found) == expected


CODE = """
def load(text):
    deep(text)
    return check(text)

def check(text):
    if len(text) > 3 or text == "x":
        raise ValueError(text)
    load(text)
"""


@pytest.mark.parametrize(
    ("depth", "expected"),
    [
        (0, []),
        (1, [Raised("ValueError", "len(text) > 3 or text == 'x'", 12, ("check",), "shop.cart:16")]),
        (
            2,
            [
                Raised("Empty", "not text", 11, ("deep", "parse"), "shop.parse:6"),
                Raised("ValueError", "len(text) > 3 or text == 'x'", 12, ("check",), "shop.cart:16"),
            ],
        ),
    ],
)
def test_each_has_its_evidence_and_circles_end(tmp_path: Path, depth: int, expected: list[Raised]) -> None:
    assert list(leaving(tmp_path, CODE, "load", depth)) == expected
    assert leaving(tmp_path, CODE, "load", 9)[:2] == leaving(tmp_path, CODE, "load", 2)[:2]


REASONS = [
    pytest.param(Raised("KeyError", None, 1), "", id="nothing known"),
    pytest.param(Raised("KeyError", "not x", 1), "if not x", id="a condition"),
    pytest.param(Raised("KeyError", "except OSError", 1), "except OSError", id="a handler"),
    pytest.param(Raised("KeyError", "case None", 1, ("g",)), "from g(), case None", id="a case"),
    pytest.param(Raised("KeyError", "x" * 99, 1), f"if {'x' * 79}…", id="a long condition"),
    pytest.param(Raised("KeyError", None, 1, ("g", "C.h")), "from g() -> C.h()", id="a path"),
]


@pytest.mark.parametrize(("raised", "reason"), REASONS)
def test_the_reason_for_a_reader(raised: Raised, reason: str) -> None:
    assert raised.reason == reason


def test_a_property_is_told_from_its_setter(tmp_path: Path) -> None:
    code = """
        class Sub:
            @property
            def f(self): return parse(self)
            @f.setter
            def f(self, value): read(value)
    """
    assert [one.name for one in leaving(tmp_path, code, "Sub.f")] == ["ValueError", "Gone"]


# -- against what happens ------------------------------------------------------------------------

CLASSES = ("LookupError", "KeyError", "OSError", "Odd", "Odder")
PRELUDE = "class Odd(OSError): ...\nclass Odder(Odd, KeyError): ...\n"
RUNS = 800


def indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


@st.composite
def blocks(draw: st.DrawFn, depth: int, handlers: tuple[str, ...]) -> list[str]:
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 2))):
        lines += draw(statements(depth, handlers))
    return lines


@st.composite
def statements(draw: st.DrawFn, depth: int, handlers: tuple[str, ...]) -> list[str]:
    kinds = ["pass", "return", "call", "call", "raise"]
    kinds += ["again", "by name"] if handlers else []
    kinds += ["if", "try", "try", "for", "with", "finally"] if depth else []
    match draw(st.sampled_from(kinds)):
        case "return":
            return ["return"]
        case "call":
            return [f"f{draw(st.integers(0, 3))}()"]
        case "raise":
            return [f"raise {draw(st.sampled_from(CLASSES))}"]
        case "again":
            return ["raise"]
        case "by name":
            return [f"raise {draw(st.sampled_from(handlers))}"]
        case "if":
            orelse = draw(blocks(depth - 1, handlers)) if draw(st.booleans()) else ["pass"]
            return ["if maybe():", *indented(draw(blocks(depth - 1, handlers))), "else:", *indented(orelse)]
        case "for":
            end = draw(st.sampled_from(["break", "continue", "pass"]))
            return ["for _ in some():", *indented([*draw(blocks(depth - 1, handlers)), end])]
        case "with":
            inner = draw(blocks(depth - 1, handlers))
            name = draw(st.sampled_from(CLASSES))
            return [f"with suppress({name}):", *indented([f"unknown({name})", *inner])]
        case "finally":
            last = draw(blocks(depth - 1, handlers))
            return ["try:", *indented(draw(blocks(depth - 1, handlers))), "finally:", *indented(last)]
        case "try":
            return draw(attempts(depth, handlers))
    return ["pass"]


@st.composite
def attempts(draw: st.DrawFn, depth: int, handlers: tuple[str, ...]) -> list[str]:
    """A try whose body may also raise, from somewhere unknown, what each of its handlers names."""
    caught: list[str] = []
    for name in draw(st.lists(st.sampled_from([*CLASSES, "Exception"]), min_size=1, max_size=2)):
        if not any(is_kin(name, other) for other in caught):
            caught.append(name)
    lines = ["try:", *indented([f"unknown({', '.join(caught)})", *draw(blocks(depth - 1, handlers))])]
    for name in caught:
        own = f"e{len(handlers)}"
        inner = draw(blocks(depth - 1, (*handlers, own)))
        lines += [f"except {name} as {own}:", *indented([f"named({own}, {name})", *inner])]
    return [*lines, "else:", *indented(draw(blocks(depth - 1, handlers)))]


SPACE: dict[str, Any] = {"suppress": suppress}
exec(PRELUDE, SPACE)


def is_kin(name: str, other: str) -> bool:
    classes = [eval(one, SPACE) for one in (name, other)]
    return issubclass(*classes)


@st.composite
def programs(draw: st.DrawFn) -> str:
    lines: list[str] = []
    for number in range(4):
        lines += [f"def f{number}():", *indented(draw(blocks(2, ())))]
    return PRELUDE + "\n".join(lines) + "\n"


class Choices:
    """Runs through every sequence of choices that a program can be given, one after the other."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []
        self.at = 0

    def one_of(self, count: int) -> int:
        if self.at == len(self.made):
            self.made.append([0, count])
        self.at += 1
        return self.made[self.at - 1][0]

    def __iter__(self) -> Iterator[None]:
        for _ in range(RUNS):
            self.at = 0
            yield
            del self.made[self.at :]
            while self.made and self.made[-1][0] + 1 == self.made[-1][1]:
                self.made.pop()
            if not self.made:
                return
            self.made[-1][0] += 1
        raise OverflowError


def executed(program: str, name: str, depth: int) -> set[str]:
    """What leaves the function, over every choice; a call may do nothing, and does so below `depth`."""
    choices = Choices()
    level = 0

    def called(function: Any) -> Any:
        def call() -> None:
            nonlocal level
            if level >= depth or not choices.one_of(2):
                return
            level += 1
            try:
                function()
            finally:
                level -= 1

        return call

    def unknown(*classes: Any) -> None:
        if chosen := choices.one_of(len(classes) + 1):
            error = classes[chosen - 1]()
            error.unknown = True
            raise error

    def named(error: Any, cls: Any) -> None:
        # What a handler names is known from there on; Exception is no name.
        if cls is not Exception:
            error.unknown = False

    space: dict[str, Any] = {
        "suppress": suppress,
        "maybe": lambda: choices.one_of(2),
        "some": lambda: range(choices.one_of(2)),
        "unknown": unknown,
        "named": named,
    }
    exec(program, space)
    start = space[name]
    space.update({f"f{number}": called(space[f"f{number}"]) for number in range(4)})
    found: set[str] = set()
    for _ in choices:
        try:
            start()
        except Exception as error:
            if not getattr(error, "unknown", False):
                found.add(type(error).__name__)
    return found


def read(program: str, name: str, depth: int) -> dict[str, Raised]:
    source = parse_source(Path("<code>"), program.encode())
    one = next(one for one in symbols(source) if one.qualname == name)
    return {one.name: one for one in facts_of(one, PackageIndex(), raises_through=depth).raises}


@given(programs())
@settings(max_examples=120, deadline=None)
def test_what_is_read_is_what_happens(program: str) -> None:
    for name, depth in itertools.product(("f0", "f1"), (0, 1, 2)):
        found = read(program, name, depth)
        try:
            assert found.keys() == executed(program, name, depth)
        except OverflowError:
            continue  # too many choices to go through
        for one in found.values():
            assert not one.path or one.name not in read(program, name, len(one.path) - 1)
