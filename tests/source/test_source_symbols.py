"""What a file defines, and which of it a docstring is wanted for."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.source.files import SourceFile, parse_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import Policies, Symbol, comments_above, dotted, last_name, symbols, wanted


def source(text: str, path: str = "shop/cart.py") -> SourceFile:
    return parse_source(Path(path), textwrap.dedent(text).encode())


def symbol(text: str, qualname: str, path: str = "shop/cart.py") -> Symbol:
    """The last of that name."""
    return [one for one in symbols(source(text, path)) if one.qualname == qualname][-1]


DEFINED = [
    pytest.param("", [""], id="nothing"),
    pytest.param("def f(): pass\nclass C:\n  def m(self): pass", ["", "f", "C", "C.m"], id="in order"),
    pytest.param(
        "class A:\n  class B:\n    async def m(self): ...", ["", "A", "A.B", "A.B.m"], id="class in class"
    ),
    pytest.param(
        "def f():\n  def g(): ...\n  class C:\n    def m(self): ...",
        ["", "f", "f.<locals>.g", "f.<locals>.C", "f.<locals>.C.m"],
        id="in a function",
    ),
    pytest.param(
        "if a:\n  def f(): ...\nelif b:\n  def f(): ...\nelse:\n  def g(): ...", ["", "f", "f", "g"], id="if"
    ),
    pytest.param(
        "try:\n  def a(): ...\nexcept E:\n  def b(): ...\nelse:\n  def c(): ...\nfinally:\n  def d(): ...",
        ["", "a", "b", "c", "d"],
        id="try",
    ),
    pytest.param("class C:\n  with x:\n    def a(self): ...", ["", "C", "C.a"], id="with"),
    pytest.param("for x in y:\n  def a(): ...\nelse:\n  def b(): ...", ["", "a", "b"], id="for"),
    pytest.param(
        "match x:\n  case 1:\n    def a(): ...\n  case _:\n    def b(): ...", ["", "a", "b"], id="match"
    ),
]


@pytest.mark.parametrize(("text", "expected"), DEFINED)
def test_symbols_come_in_source_order(text: str, expected: list[str]) -> None:
    assert [one.qualname for one in symbols(source(text))] == expected


def test_a_symbol_knows_its_place() -> None:
    text = '''
    class Cart:
        if True:
            @property
            @cached
            def total(self):
                """
                The sum.
                """
                def helper(): ...
    '''
    total, helper = symbol(text, "Cart.total"), symbol(text, "Cart.total.<locals>.helper")
    assert (total.kind, total.name, total.is_method, total.owner_name) == ("function", "total", True, "Cart")
    assert (total.first_line, total.line) == (4, 6)
    assert total.docstring == "\n            The sum.\n            "
    assert [type(parent).__name__ for parent in total.parents] == ["Module", "ClassDef", "If"]
    assert (helper.is_method, helper.owner, helper.owner_name) == (False, None, "Cart.total")
    assert symbol(text, "Cart").docstring is None


def test_a_module_is_named_as_it_is_imported() -> None:
    for path, name in [("shop/cart.py", "cart"), ("shop/__init__.py", "shop")]:
        module = symbol("'''Doc.'''", "", path)
        assert (module.name, module.line, module.first_line, module.docstring) == (name, 1, 1, "Doc.")


def test_a_thousand_elifs_are_no_problem() -> None:
    tree = ast.Module([ast.parse("def f(): ...").body[0]], [])
    for _ in range(3000):
        tree = ast.Module([ast.If(ast.Constant(1), [ast.Pass()], tree.body)], [])
    deep = SourceFile(Path("x.py"), b"", "", "utf-8", tree)
    assert [one.qualname for one in symbols(deep)] == ["", "f"]


ALL = ("functions", "classes", "modules")
POLICIES = [
    pytest.param("def f(): ...", "f", None, None, id="a public function"),
    pytest.param("class C: ...", "C", None, None, id="a public class"),
    pytest.param("x = 1", "", None, None, id="a module"),
    pytest.param("", "", None, "the module is empty", id="an empty module"),
    pytest.param("def _f(): ...", "_f", "private", "its name is private", id="private"),
    pytest.param(
        "class _C:\n def f(self): ...", "_C.f", "private", "its name is private", id="in a private class"
    ),
    pytest.param(
        "class C:\n def __init__(self): ...", "C.__init__", "dunders", "it is a dunder", id="a dunder"
    ),
    pytest.param("class C:\n def __x(self): ...", "C.__x", "private", "its name is private", id="mangled"),
    pytest.param("class _C:\n def __len__(self): ...", "_C.__len__", None, "its name is private", id="both"),
    pytest.param(
        "def f():\n def g(): ...", "f.<locals>.g", "nested", "it is defined inside a function", id="nested"
    ),
    pytest.param(
        "def f():\n class C:\n  def g(): ...",
        "f.<locals>.C.g",
        "nested",
        "it is defined inside a function",
        id="deep",
    ),
    pytest.param(
        "@typing.overload\ndef f(x: int): ...", "f", "overloads", "it is an overload", id="an overload"
    ),
    pytest.param("@overload\ndef f(x): ...\ndef f(x): ...", "f", None, None, id="what overloads stand for"),
    pytest.param("class C:\n @property\n def p(self): ...", "C.p", None, None, id="a getter"),
    pytest.param(
        "class C:\n @p.setter\n def p(self, v): ...",
        "C.p",
        "setters",
        "the getter of the property speaks for it",
        id="a setter",
    ),
    pytest.param(
        "class C:\n @p.deleter\n def p(self): ...",
        "C.p",
        "setters",
        "the getter of the property speaks for it",
        id="a deleter",
    ),
    pytest.param(
        "class C(B):\n @override\n def f(self): ...",
        "C.f",
        "overrides",
        "it overrides a method",
        id="an override",
    ),
    pytest.param(
        "class B:\n def f(self):\n  'Doc.'\nclass C(B):\n def f(self): ...",
        "C.f",
        "overrides",
        "it overrides a method that has a docstring",
        id="a method documented in its base",
    ),
    pytest.param(
        "class B:\n def f(self): ...\nclass C(B):\n def f(self): ...",
        "C.f",
        None,
        None,
        id="an undocumented base",
    ),
    pytest.param("class P(Protocol):\n def f(self): ...", "P.f", None, None, id="a member of a protocol"),
    pytest.param(
        "if TYPE_CHECKING:\n def f(): ...", "f", None, "it exists for type checkers only", id="TYPE_CHECKING"
    ),
    pytest.param("if t.TYPE_CHECKING: ...\nelse:\n def f(): ...", "f", None, None, id="not TYPE_CHECKING"),
]


@pytest.mark.parametrize(("text", "qualname", "policy", "reason"), POLICIES)
def test_policies_decide(text: str, qualname: str, policy: str | None, reason: str | None) -> None:
    one = symbol(text, qualname)
    index = PackageIndex([one.source])
    assert wanted(one, ALL, Policies(), index) == reason
    if policy:
        assert wanted(one, ALL, Policies(**{policy: True}), index) is None


def test_only_the_kinds_asked_for_are_wanted() -> None:
    index = PackageIndex()
    assert (
        wanted(symbol("class C: ...", "C"), ["functions"], Policies(), index) == "classes are not asked for"
    )
    assert wanted(symbol("x = 1", ""), ["functions"], Policies(), index) == "modules are not asked for"
    assert (
        wanted(symbol("def f(): ...", "f"), ["modules"], Policies(), index) == "functions are not asked for"
    )


FILES = [
    pytest.param("shop/cart.py", None, None, id="a module"),
    pytest.param("shop/_cart.py", None, None, id="a private module"),
    pytest.param("shop/cart.pyi", "stubs", "the file is a stub", id="a stub"),
    pytest.param("shop/test_cart.py", "tests", "the file belongs to the tests", id="test_*"),
    pytest.param("shop/cart_test.py", "tests", "the file belongs to the tests", id="*_test"),
    pytest.param("conftest.py", "tests", "the file belongs to the tests", id="conftest"),
    pytest.param("tests/helpers.py", "tests", "the file belongs to the tests", id="in tests/"),
    pytest.param("shop/test/helpers.py", "tests", "the file belongs to the tests", id="in test/"),
    pytest.param("shop/testing/latest.py", None, None, id="no test at all"),
]


@pytest.mark.parametrize(("path", "policy", "reason"), FILES)
def test_files_are_left_out(path: str, policy: str | None, reason: str | None) -> None:
    one = symbol("def f(): ...", "f", f"/home/tests/{path}")
    index = PackageIndex(root=Path("/home/tests"))
    assert wanted(one, ALL, Policies(), index) == reason
    if policy:
        assert wanted(one, ALL, Policies(**{policy: True}), index) is None


MARK = "# workflow-hub: skip"
SKIPPED = [
    pytest.param(f"def f(): ...  {MARK}\ndef g(): ...", ["f"], id="on the def line"),
    pytest.param(f"{MARK}\ndef f(): ...\ndef g(): ...", ["f"], id="on the line above"),
    pytest.param(
        f"x = 1\n{MARK}: generated\n# by hand\n@d\ndef f(): ...\ndef g(): ...", ["f"], id="above decorators"
    ),
    pytest.param(f"@d\n{MARK}\ndef f(): ...\ndef g(): ...", ["f"], id="between decorator and def"),
    pytest.param(f"@d  {MARK}\ndef f(): ...\ndef g(): ...", ["f"], id="on the decorator"),
    pytest.param(f"def f(\n  a,\n):  {MARK}\n  pass\ndef g(): ...", ["f"], id="at the end of the header"),
    pytest.param(f"class C:  {MARK}\n  def m(self): ...\ndef g(): ...", ["C"], id="on the class line"),
    pytest.param(f"class C:\n  {MARK}\n  def m(self): ...\n  def n(self): ...", ["C.m"], id="in the class"),
    pytest.param(f"{MARK}\n\ndef f(): ...\ndef g(): ...", ["", "f", "g"], id="the whole file"),
    pytest.param(
        f"\n#!/usr/bin/python\n{MARK}\n'''Doc.'''\ndef f(): ...", ["", "f"], id="the whole file, in a block"
    ),
    pytest.param(f"{MARK}", [""], id="a file of one comment"),
    pytest.param(f"import x\n\n{MARK}\n\ndef f(): ...", [], id="between the lines"),
    pytest.param(f"def f(x='{MARK}'): ...", [], id="in a string"),
    pytest.param(f"x = '''\n{MARK}'''\ndef f(): ...", [], id="in a string above"),
    pytest.param("# workflow-hub: skipper\ndef f(): ...", [], id="another word"),
]


@pytest.mark.parametrize(("text", "expected"), SKIPPED)
def test_comments_say_skip(text: str, expected: list[str]) -> None:
    found = source(text)
    index = PackageIndex([found])
    skipped = [
        one.qualname for one in symbols(found) if "skip`" in (wanted(one, ALL, Policies(), index) or "")
    ]
    assert skipped == expected


def test_a_file_that_the_tokenizer_does_not_take_to_its_end_is_still_searched() -> None:
    found = source(f"def f(): ...  {MARK}\nx = 1\n")
    broken = SourceFile(found.path, found.data, found.text + "(", found.encoding, found.tree)
    assert wanted(list(symbols(broken))[1], ALL, Policies(), PackageIndex()) is not None


COMMENTS = [
    pytest.param("# a\n# b\ndef f(): ...", ["# a", "# b"], id="a block"),
    pytest.param("# a\n\n# b\n@d\ndef f(): ...", ["# b"], id="directly above the decorator"),
    pytest.param("# a\n\ndef f(): ...", [], id="a blank line between"),
    pytest.param("x = 1  # a\ndef f(): ...", [], id="on another statement"),
    pytest.param("x = '''\n# a'''\n# b\ndef f(): ...", ["# b"], id="a string that looks like one"),
    pytest.param("if x:\n  pass\n  # a\n  def f(): ...", ["# a"], id="in a block of code"),
]


@pytest.mark.parametrize(("text", "expected"), COMMENTS)
def test_comments_above(text: str, expected: list[str]) -> None:
    assert comments_above(symbol(text, "f")) == expected


NAMES = [
    pytest.param("a", "a", "a", id="a name"),
    pytest.param("a.b.c", "a.b.c", "c", id="dots"),
    pytest.param("a.b(1)", None, "b", id="a call"),
    pytest.param("a().b", None, "b", id="of a call"),
    pytest.param("a[0]", None, "", id="an item"),
]


@pytest.mark.parametrize(("text", "whole", "last"), NAMES)
def test_names(text: str, whole: str | None, last: str) -> None:
    node = ast.parse(text, mode="eval").body
    assert (dotted(node), last_name(node)) == (whole, last)


@given(
    st.lists(
        st.sampled_from(["class C:", "def f():", "if x:", "try:", "with x:", "async def g():"]), max_size=8
    )
)
def test_any_nesting_gives_each_definition_once(headers: list[str]) -> None:
    lines = [" " * depth + header for depth, header in enumerate(headers)]
    lines.append(" " * len(headers) + "pass")
    lines += [
        " " * depth + "finally: pass"
        for depth, header in reversed(list(enumerate(headers)))
        if header == "try:"
    ]
    found = list(symbols(source("\n".join(lines))))[1:]
    defining = [header for header in headers if header.startswith(("class", "def", "async"))]
    assert [one.name for one in found] == [header.split()[-1][0] for header in defining]
    assert [one.line for one in found] == [
        number for number, line in enumerate(lines, 1) if line.strip() in defining
    ]
