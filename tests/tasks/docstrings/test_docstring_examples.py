"""Examples: who gets one, which drafts are tried, what of their output is shown, and where it stands."""

from __future__ import annotations

import doctest
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.source.facts import Facts, facts_of
from workflow_hub.source.files import parse_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import Symbol, symbols
from workflow_hub.tasks.docstrings.examples import (
    draft_fault,
    draft_schema,
    form,
    output_fault,
    wants_example,
    with_example,
)
from workflow_hub.tasks.docstrings.parts import Style
from workflow_hub.tasks.docstrings.sections import documented


def symbol_in(code: str, name: str, path: str = "shop.py") -> tuple[Symbol, Facts]:
    source = parse_source(Path(path), code.encode())
    symbol = next(one for one in symbols(source) if one.qualname == name)
    return symbol, facts_of(symbol, PackageIndex())


IN_CLASS = "class C:\n    {}\n    def f(self{}):\n        return 1\n"
# (code, the name in it, what the example is made of; None where there is none)
FORMS = [
    pytest.param("def f(a): return a", "f", ("f(", ")"), id="a function"),
    pytest.param("def f(): return 1", "f", ("f()",), id="without parameters"),
    pytest.param("def f(a): yield a", "f", ("list(f(", "))"), id="a generator"),
    pytest.param("@cache\ndef f(a): return a", "f", ("f(", ")"), id="cached"),
    pytest.param("def f(a): print(a)", "f", None, id="gives nothing"),
    pytest.param("async def f(a): return a", "f", None, id="async"),
    pytest.param("def _f(a): return a", "_f", None, id="private"),
    pytest.param("@wrapped\ndef f(a): return a", "f", None, id="made into something else"),
    pytest.param("def f(a):\n    '''>>> f(1)'''\n    return a", "f", None, id="has one"),
    pytest.param("def g():\n    def f(a): return a", "g.<locals>.f", None, id="inside a function"),
    pytest.param("class C:\n    class D:\n        def f(self): return 1", "C.D.f", None, id="deep inside"),
    pytest.param("class C:\n    x = 1", "C", None, id="a class"),
    pytest.param(IN_CLASS.format("", ", a"), "C.f", ("C(", ").f(", ")"), id="a method"),
    pytest.param(IN_CLASS.format("", ""), "C.f", ("C(", ").f()"), id="a method without parameters"),
    pytest.param(IN_CLASS.format("@property", ""), "C.f", ("C(", ").f"), id="a property"),
    pytest.param(IN_CLASS.format("@classmethod", ", a"), "C.f", ("C.f(", ")"), id="a class method"),
    pytest.param(IN_CLASS.format("@staticmethod", ", a"), "C.f", ("C.f(", ")"), id="a static method"),
    pytest.param("class _C:\n    def f(self): return 1", "_C.f", None, id="of a private class"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "name", "parts"), FORMS)
def test_who_gets_an_example_and_of_which_form(code: str, name: str, parts: tuple[str, ...] | None) -> None:
    symbol, facts = symbol_in(code, name)
    assert wants_example(symbol, facts) is (parts is not None)
    if parts is not None:
        assert form(symbol, facts) == parts


@pytest.mark.parametrize("path", ["__main__.py", "_shop.py"])
def test_a_module_that_is_private_has_no_examples(path: str) -> None:
    assert not wants_example(*symbol_in("def f(a): return a", "f", path))


PRICED = "class Price: pass\nclass Cart:\n    def add(self, price, count=1):\n        return Price(price)\n"
IN_FORM = [
    pytest.param("Cart('EUR').add('a', 2)", True, id="texts and numbers"),
    pytest.param("Cart().add([Price(1.5)], count=-2)", True, id="a class, and a parameter by name"),
    pytest.param("Cart(None).add({'a': (1, True)})", True, id="containers"),
    pytest.param("Cart('EUR')", False, id="without the method"),
    pytest.param("print(Cart(1).add(1))", False, id="within another call"),
    pytest.param('Cart("EUR").add(1)', False, id="other quotes"),
    pytest.param("Cart(1).add(1);", False, id="more behind it"),
    pytest.param("Cart(x).add(y)", False, id="names"),
]


@pytest.mark.parametrize(("draft", "fits"), IN_FORM)
def test_a_server_that_keeps_to_patterns_drafts_that_form_alone(draft: str, fits: bool) -> None:
    schema = draft_schema(*symbol_in(PRICED, "Cart.add"))
    assert schema["type"] == ["string", "null"]
    assert bool(re.search(schema["pattern"], draft)) is fits


SHOP = "import math\nRATE = 2\n_SECRET = 3\nclass Cart: pass\ndef total(prices, tax=0): return sum(prices)\n"
DRAFTS = [
    pytest.param("total([1, 2])", None, id="a call"),
    pytest.param("total([1, 2], tax=RATE)", None, id="with a constant"),
    pytest.param("round(total([price * 2 for price in range(3)]))", None, id="within a builtin"),
    pytest.param("total([math.pi])", None, id="with an import"),
    pytest.param("total([Cart()])", None, id="with a class"),
    pytest.param("total([1, 2]", "was no expression", id="no Python"),
    pytest.param("x = total([1, 2])", "was no expression", id="a statement"),
    pytest.param("total([1]); total([2])", "was no expression", id="two statements"),
    pytest.param("import os", "was no expression", id="an import"),
    pytest.param("(" * 5000, "was too long", id="too long"),
    pytest.param("total([1,\n2])", "was too long", id="two lines"),
    pytest.param("sum([1, 2])", "did not use total", id="another function"),
    pytest.param("total(prices)", "named prices, which is not there", id="a stranger"),
    pytest.param("total(_SECRET)", "named _SECRET, which is not there", id="a private name"),
    pytest.param("total.__globals__", "named __globals__, which is private", id="a private attribute"),
    pytest.param("total(open('x'))", "named open, which is not there", id="a file"),
    pytest.param("total(eval('1'))", "named eval, which is not there", id="code"),
    pytest.param("total(...)", "was a placeholder", id="dots"),
    pytest.param("total((x := [1]))", "was more than a call", id="walrus"),
    pytest.param("total(lambda: 1)", "was more than a call", id="lambda"),
]


@pytest.mark.parametrize(("draft", "fault"), DRAFTS)
def test_which_drafts_are_tried(draft: str, fault: str | None) -> None:
    assert draft_fault(draft, symbol_in(SHOP, "total")[0]) == fault


@given(st.text(max_size=20) | st.text("total()[]'1,. ", max_size=20))
def test_any_draft_is_judged(draft: str) -> None:
    fault = draft_fault(draft, symbol_in(SHOP, "total")[0])
    if fault is None:
        compile(draft, "draft", "eval")
        assert "total" in draft and "\n" not in draft


TODAY = date(2031, 5, 4)
OUTPUTS = [
    pytest.param("3\n", None, id="a value"),
    pytest.param("hello\n3\n", None, id="what was printed, and a value"),
    pytest.param("'a\\\\b'\n", None, id="a backslash"),
    pytest.param("'größer als 日本'\n", None, id="not only ASCII"),
    pytest.param("", "showed nothing", id="nothing"),
    pytest.param("1\n2\n3\n4\n5\n", "showed too much", id="many lines"),
    pytest.param("x" * 61 + "\n", "showed too much", id="a long line"),
    pytest.param("<C object at 0x7fe3>\n", "showed what changes", id="an address"),
    pytest.param("'0x7fe34a'\n", "showed what changes", id="what looks like one"),
    pytest.param("'4 May 2031'\n", "showed what changes", id="a date of today"),
    pytest.param("a\n\nb\n", "showed what cannot be seen", id="an empty line"),
    pytest.param("a \nb\n", "showed what cannot be seen", id="a blank at an end"),
    pytest.param("a\x1b[31mb\n", "showed what cannot be seen", id="a colour"),
    pytest.param('\'"""\'\n', "showed what would be read as something else", id="triple quotes"),
    pytest.param("...\n", "showed what would be read as something else", id="dots"),
    pytest.param(">>> f\n", "showed what would be read as something else", id="a prompt"),
]


@pytest.mark.parametrize(("output", "fault"), OUTPUTS)
def test_which_outputs_are_shown(output: str, fault: str | None) -> None:
    assert output_fault("f(1)", (output, output), TODAY, 60) == fault


def test_what_differs_or_is_long_or_was_typed() -> None:
    assert output_fault("f(1)", ("1\n", "2\n"), TODAY, 60) == "did not come out the same twice"
    assert output_fault("f('" + "x" * 60 + "')", ("1\n", "1\n"), TODAY, 60) == "showed too much"
    assert output_fault("f(2031)", ("2031\n", "2031\n"), TODAY, 60) is None


PLACED = [
    pytest.param("Say.", Style.GOOGLE, "Say.\n\nExample:\n    >>> f(1)\n    2", id="google"),
    pytest.param("Say.", Style.NUMPY, "Say.\n\nExamples\n--------\n>>> f(1)\n2", id="numpy"),
    pytest.param("Say.", Style.SPHINX, "Say.\n\n>>> f(1)\n2", id="sphinx"),
    pytest.param(
        "Say.\n\n:param a: it", Style.GOOGLE, "Say.\n\n:param a: it\n\n>>> f(1)\n2", id="its own style holds"
    ),
]


@pytest.mark.parametrize(("text", "style", "whole"), PLACED)
def test_an_example_stands_at_the_end_in_the_style(text: str, style: Style, whole: str) -> None:
    assert with_example(text, ">>> f(1)\n2", style) == whole
    said = documented(text)
    assert documented(whole).parameters == said.parameters and documented(whole).summary


@pytest.mark.parametrize("style", Style)
@given(st.sampled_from([0, "x", "a\\b", "\t", "'", "größe", (1, 2), {"a": [None]}, 1.5, b"\x00"]))
def test_doctest_reads_what_is_shown(style: Style, value: object) -> None:
    draft = f"f({value!r})"
    text = with_example("Give it back.", f">>> {draft}\n{value!r}", style)
    test = doctest.DocTestParser().get_doctest(text, {"f": lambda given: given}, "f", None, 0)
    assert len(test.examples) == 1
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda said: None).failed == 0
