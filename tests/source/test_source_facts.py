"""What is known of functions, classes and modules before a model is asked."""

from __future__ import annotations

import ast
import random
import re
import statistics
import sysconfig
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_hub.errors import SourceRefused
from workflow_hub.source.attributes import Attribute
from workflow_hub.source.facts import Facts, facts_of, identity_of
from workflow_hub.source.files import SourceFile, parse_source, read_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import Policies, Symbol, symbols, wanted
from workflow_hub.source.trim import estimate_tokens

STDLIB = Path(sysconfig.get_path("stdlib"))


def source(text: str, path: str = "shop/cart.py") -> SourceFile:
    return parse_source(Path(path), textwrap.dedent(text).encode())


def symbol(text: str, qualname: str = "f") -> Symbol:
    return next(one for one in symbols(source(text)) if one.qualname == qualname)


def facts(text: str, qualname: str = "f") -> Facts:
    one = symbol(text, qualname)
    return facts_of(one, PackageIndex([one.source]))


PARAMETERS = [
    pytest.param("def f(): ...", "f", [], id="none"),
    pytest.param(
        "def f(a, /, b: int, c='x', *d: str, e, g=None, **h: X): ...",
        "f",
        [
            ("a", "positional_only", None, None),
            ("b", "positional", "int", None),
            ("c", "positional", None, "'x'"),
            ("*d", "star", "str", None),
            ("e", "keyword_only", None, None),
            ("g", "keyword_only", None, "None"),
            ("**h", "double_star", "X", None),
        ],
        id="every kind",
    ),
    pytest.param(
        "def f(a=1, /, *, b): ...",
        "f",
        [("a", "positional_only", None, "1"), ("b", "keyword_only", None, None)],
        id="a default before the slash",
    ),
    pytest.param("class C:\n def m(self, a): ...", "C.m", [("a", "positional", None, None)], id="a method"),
    pytest.param("class C:\n def m(self, /): ...", "C.m", [], id="self as positional-only"),
    pytest.param(
        "class C:\n def m(*args): ...", "C.m", [("*args", "star", None, None)], id="self among args"
    ),
    pytest.param(
        "class C:\n @classmethod\n def m(cls, a): ...", "C.m", [("a", "positional", None, None)], id="cls"
    ),
    pytest.param(
        "class C:\n @staticmethod\n def m(a): ...", "C.m", [("a", "positional", None, None)], id="static"
    ),
    pytest.param(
        "def m(self, a): ...", "m", [("a", "positional", None, None)], id="a method without a class"
    ),
    pytest.param("def m(cls, a): ...", "m", [("cls",), ("a",)], id="what decorates a class"),
    pytest.param("def m(a, self): ...", "m", [("a",), ("self",)], id="self in another place"),
    pytest.param("class C:\n def m(self):\n  def g(own): ...", "C.m.<locals>.g", [("own",)], id="not bound"),
    pytest.param(
        "class C:\n def __init__(self, a): ...", "C", [("a", "positional", None, None)], id="of a class"
    ),
    pytest.param("class C: ...", "C", [], id="of a class without __init__"),
]


@pytest.mark.parametrize(("text", "qualname", "expected"), PARAMETERS)
def test_parameters(text: str, qualname: str, expected: list[tuple[str | None, ...]]) -> None:
    found = facts(text, qualname).parameters
    assert [
        (one.shown, one.kind, one.annotation, one.default)[: len(wanted)]
        for one, wanted in zip(found, expected, strict=True)
    ] == expected


RESULTS = [
    pytest.param("def f(): pass", (None, False, False), id="nothing"),
    pytest.param("def f(): return 1", (None, True, False), id="a value"),
    pytest.param("def f():\n if x: return\n return None", (None, False, False), id="None only"),
    pytest.param("def f():\n def g(): return 1", (None, False, False), id="of a function inside"),
    pytest.param("def f() -> int: ...", ("int", True, False), id="an annotation"),
    pytest.param("def f() -> None: return g()", ("None", False, False), id="annotated as None"),
    pytest.param("def f() -> 'None': ...", ("'None'", False, False), id="quoted None"),
    pytest.param("def f() -> NoReturn: ...", ("NoReturn", False, False), id="NoReturn"),
    pytest.param("def f() -> t.Never: ...", ("t.Never", False, False), id="Never of a module"),
    pytest.param("def f() -> typing.Never: ...", ("typing.Never", False, False), id="Never"),
    pytest.param("def f() -> int | None: ...", ("int | None", True, False), id="perhaps None"),
    pytest.param("def f():\n yield 1", (None, False, True), id="a generator"),
    pytest.param(
        "def f() -> Iterator[int]:\n x = yield", ("Iterator[int]", False, True), id="annotated generator"
    ),
    pytest.param("def f():\n yield from x\n return 1", (None, True, True), id="a generator with a value"),
    pytest.param("def f(): return (lambda: (yield))", (None, True, False), id="a yield in a lambda"),
    pytest.param("def f():\n x = g((yield))", (None, False, True), id="a yield in an expression"),
]


@pytest.mark.parametrize(("text", "expected"), RESULTS)
def test_results(text: str, expected: tuple[str | None, bool, bool]) -> None:
    found = facts(text)
    assert (found.returns, found.returns_value, found.yields) == expected


RAISES = [
    pytest.param("def f(): raise KeyError", "f", ["KeyError"], id="a function"),
    pytest.param("def f(): raise NotImplementedError", "f", ["NotImplementedError"], id="not implemented"),
    pytest.param(
        "class C:\n @abc.abstractmethod\n def f(self):\n  if x: raise KeyError\n  raise NotImplementedError",
        "C.f",
        ["KeyError"],
        id="an abstract method",
    ),
    pytest.param(
        "class C:\n def f(self):\n  'Doc.'\n  raise NotImplementedError", "C.f", [], id="abstract in effect"
    ),
    pytest.param(
        "class C:\n def f(self):\n  raise KeyError", "C.f", ["KeyError"], id="a method that always raises"
    ),
    pytest.param(
        "class E(KeyError): ...\ndef f():\n try: raise E\n except LookupError: ...",
        "f",
        [],
        id="caught by its base",
    ),
    pytest.param(
        "class failed(Exception): ...\ndef f(): raise failed(1)", "f", ["failed"], id="a lower-case class"
    ),
]


@pytest.mark.parametrize(("text", "qualname", "expected"), RAISES)
def test_raises(text: str, qualname: str, expected: list[str]) -> None:
    assert [one.name for one in facts(text, qualname).raises] == expected


def test_everything_around_a_method() -> None:
    found = facts(
        '''
        from tax import rate

        class Cart(Base):
            """Things to buy. And more."""

            # -----------------
            # Rounded half even,
            # as banks do.
            # noqa: E501
            @cache(maxsize=4)
            async def total(self, net: int) -> int:
                """Old."""
                # internal
                return net * rate("standard")
        ''',
        "Cart.total",
    )
    assert found.signature == "async def total(self, net: int) -> int"
    assert (found.kind, found.qualname, found.is_async) == ("function", "Cart.total", True)
    assert found.decorators == ("cache(maxsize=4)",)
    assert found.comment == "Rounded half even, as banks do."
    assert (found.owner, found.owner_doc) == ("Cart", "Things to buy.")
    assert found.body == "return net * rate('standard')"


COMMENTS = [
    pytest.param("# why", "why", id="a comment"),
    pytest.param("#!/usr/bin/python\n# -*- coding: utf-8 -*-\n# pragma: no cover", None, id="pragmas"),
    pytest.param(
        "# type: ignore\n# pylint: disable=x\n# fmt: off\n# TODO: more\n# ====", None, id="lint and rulers"
    ),
    pytest.param("#: why\n## this", ": why this", id="other signs"),
    pytest.param("# " + "x" * 999, "x" * 299 + "…", id="a long one"),
]


@pytest.mark.parametrize(("comment", "expected"), COMMENTS)
def test_the_comment_above_is_told_without_noise(comment: str, expected: str | None) -> None:
    assert facts(f"{comment}\ndef f(): ...").comment == expected


def test_a_class_tells_what_it_holds() -> None:
    found = facts(
        """
        # One line.
        @dataclass(frozen=True)
        class Line(Base, Generic[T]):
            sku: str
            price: Money = field(default=ZERO)
            _cache: int = 0
            plain = 1

            def __init__(self, sku: str, /, *, price=None): ...
            def total(self): ...
            @overload
            def find(self): ...
            def find(self): ...
            def _hidden(self): ...
        """,
        "Line",
    )
    assert (found.kind, found.signature) == ("class", "class Line(Base, Generic[T])")
    assert found.bases == ("Base", "Generic[T]")
    assert found.methods == ("total", "find")
    assert found.init == "def __init__(self, sku: str, /, *, price=None)"
    assert found.attributes == (Attribute("sku", "str"), Attribute("price", "Money"))
    assert (found.comment, found.owner, found.decorators) == ("One line.", None, ("dataclass(frozen=True)",))
    assert {"sku", "total", "_hidden", "plain", "Base"} <= found.names


def test_a_class_inside_of_a_class_has_its_owner() -> None:
    text = "class A:\n 'Outer.'\n class Color(enum.IntEnum):\n  RED = 1\n  BLUE = auto()\n  _ignore_ = []"
    found = facts(text, "A.Color")
    assert (found.owner, found.owner_doc) == ("A", "Outer.")


def test_a_module_tells_what_it_defines() -> None:
    found = facts("# why\nimport os\nLIMIT = 3\ndef f(): ...\nif x:\n  class C:\n    def m(self): ...", "")
    assert (found.kind, found.signature, found.qualname) == ("module", "module cart", "")
    assert [one.name for one in found.callees] == ["f", "C"]
    assert found.comment is None
    assert {"os", "LIMIT", "f", "C", "m", "cart"} <= found.names
    assert found.body == "def f()\nclass C"
    assert facts("LIMIT = 3\ndef _f(): ...", "").body == "LIMIT = 3\ndef _f(): ..."


KNOWN = '''
import os.path as p
from .money import Money as Cash
LIMIT, other = 3, {"key word": 1}

class Cart(Base):
    """Words of documentation."""
    size: int
    def __init__(self): self.lines = []
    def f(self, net: Net, *, deep=Default) -> Result:
        """unheard."""
        # remembered
        value = net.attr(option="two words")
        return value
def elsewhere(): hidden = 1
'''


def test_names_are_what_the_code_knows() -> None:
    names = facts(KNOWN, "Cart.f").names
    assert set("f net Net deep Default Result value attr option two words remembered".split()) <= names
    assert set("Cart Base size lines __init__ self".split()) <= names
    assert {"p", "os", "path", "Cash", "Money", "LIMIT", "other", "key", "word", "elsewhere"} <= names
    assert {"len", "ValueError", "None", "while", "match"} <= names
    assert names.isdisjoint({"hidden", "unheard", "documentation", "timeout"})


def test_names_on_a_shared_line_are_kept() -> None:
    assert "value" in facts("def f(value): 'unheard'").names
    assert "x" in facts("def f(\n  value\n): 'unheard'; x = 1").names


SAME = [
    pytest.param('    """Doc."""\n', id="a docstring"),
    pytest.param("    # comment\n", id="a comment"),
    pytest.param("\n\n", id="blank lines"),
]
BASE = (
    "class C:\n  def m(self):\n    x = 1\n    return x\ndef f(a, b=2):\n    def g(): return 1\n    return g\n"
)


@pytest.mark.parametrize("text", SAME)
def test_identity_ignores_what_says_nothing(text: str) -> None:
    head, tail = BASE.split("def f(a, b=2):\n")
    assert identity_of(symbol(BASE)) == identity_of(
        symbol(f"{text.strip()}\n{head}\n\ndef f(a, b=2):\n{text}{tail}")
    )
    assert facts(BASE).identity == identity_of(symbol(BASE))


CHANGED = [
    pytest.param("def f(a, b=3):", "f", id="a default"),
    pytest.param("def f(a, b='2'):", "f", id="a type of a default"),
    pytest.param("def f(a, b=True):", "f", id="a flag"),
    pytest.param("def f(a, *, b=2):", "f", id="a star"),
    pytest.param("# why\ndef f(a, b=2):", "f", id="the comment above"),
    pytest.param("@d\ndef f(a, b=2):", "f", id="a decorator"),
    pytest.param("async def f(a, b=2):", "f", id="async"),
]


@pytest.mark.parametrize(("header", "qualname"), CHANGED)
def test_identity_changes_with_what_matters(header: str, qualname: str) -> None:
    changed = BASE.replace("def f(a, b=2):", header)
    assert identity_of(symbol(changed, qualname)) != identity_of(symbol(BASE, qualname))
    assert identity_of(symbol(changed, "C.m")) == identity_of(symbol(BASE, "C.m"))


def test_identity_tells_classes_constants_and_literals_apart() -> None:
    texts = [
        "class A:\n def f(self): return 1",
        "class B:\n def f(self): return 1",
        "class A:\n def f(self): return 1.0",
        "class A:\n def f(self): return (1,)",
        "class A:\n def f(self): return [1]",
        "class A:\n def f(self): return None",
        "class A:\n def f(self): return",
        "class A:\n def f(self): return {None: 1}",
        "class A:\n def f(self): return {**1}",
        "class A:\n def f(self): return '\\ud800'",
        f"class A:\n def f(self): return 0x{'f' * 9999}",
        "class A:\n def f(self):\n  global a, b",
        "class A:\n def f(self):\n  global ab",
    ]
    identities = [identity_of(symbol(text, f"{text[6]}.f")) for text in texts]
    assert len(set(identities)) == len(texts)


def test_the_body_can_be_left_out() -> None:
    for qualname, least in (("f", "..."), ("C", "..."), ("", "C\nf")):
        one = symbol(BASE, qualname)
        assert facts_of(one, PackageIndex(), body_tokens=0).body == ""
        assert facts_of(one, PackageIndex(), body_tokens=1).body == least


def test_what_is_nested_too_deeply_is_refused() -> None:
    one = symbol(f"def f(): return 1{' + 1' * 1500}")
    with pytest.raises(SourceRefused, match=r"shop/cart\.py:1: f is nested too deeply"):
        facts_of(one, PackageIndex())


def sample(count: int) -> Iterator[SourceFile]:
    """Files of the standard library, the same in every run; those that Python cannot read left aside."""
    found = (path for path in STDLIB.rglob("*.py") if "site-packages" not in path.parts)
    files = sorted(path for path in found if path.stat().st_size < 60_000)
    for path in random.Random(7).sample(files, count):
        try:
            yield read_source(path)
        except SourceRefused as error:
            assert "bad" in path.name or "lib2to3" in path.parts or "test" in path.parts, error


def test_the_standard_library_is_understood() -> None:
    index = PackageIndex(root=STDLIB)
    looked_at = 0
    for found in sample(300):
        for at, one in enumerate(symbols(found)):
            wanted(one, ("functions", "classes", "modules"), Policies(), index)
            if at % 20 == 0:
                known = facts_of(one, index)
                assert estimate_tokens(known.body) <= 200
                assert "\n" not in known.signature
                looked_at += 1
    assert looked_at > 300


def with_docstrings(text: str) -> str:
    """The same code with a docstring wherever one is missing, and more blank lines and comments."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        can_have = isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        if can_have and ast.get_docstring(node, clean=False) is None:
            node.body.insert(0, ast.Expr(ast.Constant("A docstring: with `names`.")))
    return "# head\n\n" + ast.unparse(ast.fix_missing_locations(tree)).replace("\n\n", "\n\n\n")


def test_identity_of_the_standard_library_ignores_docstrings() -> None:
    compared = 0
    for found in sample(40):
        try:
            documented = source(with_docstrings(found.text))
            pairs = list(zip(symbols(source(ast.unparse(found.tree))), symbols(documented), strict=True))
        except (ValueError, RecursionError):
            continue  # ast.unparse cannot write this file
        for plain, other in pairs:
            assert plain.qualname == other.qualname
            assert identity_of(plain) == identity_of(other)
            compared += 1
    assert compared > 300


STATEMENTS = [
    "x = 1",
    "return a",
    "raise E(a)",
    "yield x",
    "class C:\n    y: int",
    "def g(b): return b",
    "'text'",
]


@given(
    st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=6),
    st.integers(0, 5),
    st.sampled_from(["'D'", "r'''\nD\n'''"]),
)
@settings(deadline=None)
def test_identity_ignores_docstrings_and_blank_lines(statements: list[str], gap: int, docstring: str) -> None:
    body = textwrap.indent("\n".join(["a = 0", *statements]), "    ")
    spaced = body.replace("\n", "\n" * (gap + 1))
    plain = symbol(f"def f(a):\n{body}\n")
    other = symbol("\n" * gap + f"def f(\n    a\n):\n{textwrap.indent(docstring, '    ')}\n{spaced}\n")
    assert identity_of(plain) == identity_of(other)
    index = PackageIndex()
    assert facts_of(plain, index).body == facts_of(other, index).body


def shown(found: Facts) -> str:
    """All that a prompt could say of a function."""
    lines = [
        found.owner or "",
        found.owner_doc or "",
        found.comment or "",
        *found.decorators,
        found.signature,
    ]
    lines += [f"{one.name}: {one.says}" for one in found.callees[:4] if one.says]
    lines += found.callers
    lines += [f"{one.name}: {one.guard}" for one in found.raises]
    return re.sub(r"\n+", "\n", "\n".join([*lines, found.body]))


def test_items_are_small() -> None:
    tokens = []
    index = PackageIndex(root=STDLIB)
    for package in ("json", "email", "logging", "http"):
        for path in sorted((STDLIB / package).glob("*.py")):
            for one in symbols(read_source(path)):
                if wanted(one, ("functions",), Policies(), index) is None:
                    tokens.append(estimate_tokens(shown(facts_of(one, index))))
    assert statistics.median(tokens) <= 150
    assert max(tokens) <= 600
