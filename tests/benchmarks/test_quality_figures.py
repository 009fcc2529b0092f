"""The figures of the quality benchmark: each on docstrings of which one can say at once what is right."""

from __future__ import annotations

import ast
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality import figures
from quality.figures import Tally
from quality.said import Said, read
from quality.source import Function, functions


def function(code: str) -> Function:
    return functions(ast.parse(dedent(code)))[0]


# (code, documented parameters, exact?)
PARAMETERS = [
    pytest.param("def f(a, b): ...", ("a", "b"), True, id="both"),
    pytest.param("def f(a, b): ...", ("b", "a"), False, id="another order"),
    pytest.param("def f(a, b): ...", ("a",), False, id="one is missing"),
    pytest.param("def f(a): ...", ("a", "b"), False, id="one is made up"),
    pytest.param("def f(): ...", (), True, id="none"),
    pytest.param("def f(a, /, b, *rest, c, **more): ...", ("a", "b", "rest", "c", "more"), True, id="kinds"),
    pytest.param("class C:\n    def f(self, a): ...", ("a",), True, id="self is nobody's news"),
    pytest.param("class C:\n    @staticmethod\n    def f(a): ...", ("a",), True, id="static"),
    pytest.param("class C:\n    def f(*all): ...", ("all",), True, id="self among the rest"),
]


@pytest.mark.parametrize(("code", "said", "exact"), PARAMETERS)
def test_parameters_are_exact_in_names_and_order(code: str, said: tuple[str, ...], exact: bool) -> None:
    assert figures.names_parameters(Said(parameters=said), function(code)) is exact


# (code, tells of a return, of a yield, do they agree?)
GIVES = [
    pytest.param("def f(): return 1", True, False, True, id="a value, told"),
    pytest.param("def f(): return 1", False, False, False, id="a value, not told"),
    pytest.param("def f(): return", True, False, False, id="no value, told"),
    pytest.param("def f(): return None", False, False, True, id="None is no value"),
    pytest.param("def f(): yield 1", False, True, True, id="a generator, told"),
    pytest.param("def f(): yield 1", True, False, False, id="a generator, told as a return"),
    pytest.param("def f(): yield from x", False, True, True, id="yield from"),
    pytest.param(
        "def f():\n    yield 1\n    return 2", False, True, True, id="its last value may stay untold"
    ),
    pytest.param("def f():\n    yield 1\n    return 2", True, True, True, id="and may be told"),
    pytest.param(
        "def f():\n    def g(): return 1\n    g()", False, False, True, id="what a nested function returns"
    ),
    pytest.param("def f():\n    g(lambda: (yield))", False, False, True, id="what a lambda yields"),
    pytest.param("class C:\n    @property\n    def f(self): return 1", False, False, True, id="a property"),
    pytest.param(
        "class C:\n    @property\n    def f(self): return 1", True, False, True, id="a property, told"
    ),
]


@pytest.mark.parametrize(("code", "returns", "yields", "agree"), GIVES)
def test_returns_and_yields_agree_with_the_body(code: str, returns: bool, yields: bool, agree: bool) -> None:
    assert figures.gives_agree(Said(returns=returns, yields=yields), function(code)) is agree


# (found, labelled, tally)
TALLIES = [
    pytest.param(set(), set(), Tally(), id="nothing at all"),
    pytest.param({"A", "B"}, {"B", "C"}, Tally(1, 1, 1), id="one of each"),
]


@pytest.mark.parametrize(("found", "labelled", "expected"), TALLIES)
def test_a_tally_counts_right_wrong_and_missed(found: set[str], labelled: set[str], expected: Tally) -> None:
    assert figures.tally(found, labelled) == expected


def test_tallies_add_up_to_precision_and_recall() -> None:
    total = Tally(3, 1, 0) + Tally(0, 0, 2)
    assert (total.precision, total.recall) == (3 / 4, 3 / 5)
    assert (Tally().precision, Tally().recall) == (1.0, 1.0)


# (prose, the names in it that the module does not know)
NAMES = [
    pytest.param("Add the price to the cart.", [], id="no code"),
    pytest.param("Set total_price on the cart.", [], id="a name of the module"),
    pytest.param("Set grand_total on the cart.", ["grand_total"], id="snake_case from nowhere"),
    pytest.param("Call addItem or ItemError.", ["addItem", "ItemError"], id="camelCase from nowhere"),
    pytest.param("Uses `frobnicate` inside.", ["frobnicate"], id="in backquotes"),
    pytest.param("Uses ``len`` and `total_price`.", [], id="a builtin in backquotes"),
    pytest.param("Calls frobnicate() first.", ["frobnicate"], id="called"),
    pytest.param("Reads os.environ once.", ["environ"], id="dotted: the module is Python's"),
    pytest.param("For example, e.g. one, i.e. it.", [], id="abbreviations"),
    pytest.param("A read/write flag on GitHub.", [], id="ordinary words"),
    pytest.param("Raises NotImplementedError.", [], id="a built-in exception"),
]


@pytest.mark.parametrize(("prose", "unknown"), NAMES)
def test_names_that_do_not_exist(prose: str, unknown: list[str]) -> None:
    module = "def add(cart, price):\n    cart.total_price += price\n"
    assert figures.unknown_names(Said(prose=(prose,)), module) == unknown


# (function, summary, does it only restate?)
RESTATING = [
    pytest.param("def add_item(x): ...", "Add an item.", True, id="the name in words"),
    pytest.param("def add_item(x): ...", "Adds the given item to the object.", True, id="with hollow words"),
    pytest.param("def add_item(x): ...", "Add an item to the cart.", False, id="and something new"),
    pytest.param("def normalize(x): ...", "Normalizes.", True, id="another ending"),
    pytest.param("def validation(x): ...", "Validate.", True, id="a noun and its verb"),
    pytest.param(
        "class Cart:\n    def add(self): ...", "Add to the cart.", True, id="the class's name counts"
    ),
    pytest.param("def getHTTPHeader(x): ...", "Get HTTP header.", True, id="capitals"),
    pytest.param("def f(x): ...", "", True, id="no summary"),
    pytest.param("def f(x): ...", "This function performs the process.", True, id="nothing but hollow words"),
]


@pytest.mark.parametrize(("code", "summary", "expected"), RESTATING)
def test_a_summary_that_only_restates_the_name(code: str, summary: str, expected: bool) -> None:
    assert figures.restates(Said(summary), function(code)) is expected


# (text, is it a placeholder?)
PLACEHOLDERS = [
    pytest.param("TODO(somebody): describe.", True, id="todo"),
    pytest.param("<description>", True, id="in angle brackets"),
    pytest.param("[your text here]", True, id="in brackets"),
    pytest.param("_summary_", True, id="an editor's template"),
    pytest.param("...", True, id="dots"),
    pytest.param("Description of the parameter.", True, id="description of the parameter"),
    pytest.param("N/A", True, id="not applicable"),
    pytest.param("the description of the error that is shown", False, id="a description of something"),
    pytest.param("true where a < b and b > a", False, id="a comparison"),
    pytest.param("description of the header", False, id="what a parameter is"),
    pytest.param("the values of ``[key]`` and ``<a>``", False, id="code"),
    pytest.param("Iterator[None] over [your things]", True, id="in brackets beside a type"),
    pytest.param("Iterator[None], each of eras[width]", False, id="a type"),
    pytest.param("todos of the day", False, id="a word that holds todo"),
]


@pytest.mark.parametrize(("text", "expected"), PLACEHOLDERS)
def test_placeholders(text: str, expected: bool) -> None:
    assert figures.has_placeholder(Said(prose=("Add a line.", text))) is expected


CODE = "class C:\n    def f(self):\n        return 1\n"
# (the module afterwards, is its code the same?)
AFTER = [
    pytest.param(CODE, True, id="nothing"),
    pytest.param("class C:\n    def f(self):\n        '''Do.'''\n        return 1\n", True, id="a docstring"),
    pytest.param("'''M.'''\nclass C:\n    '''C.'''\n    def f(self):\n        return 1\n", True, id="others"),
    pytest.param("class C:\n    def f(self):  # why\n        return (1)\n", True, id="layout"),
    pytest.param("class C:\n    def f(self):\n        return 2\n", False, id="another value"),
    pytest.param(
        "class C:\n    def f(self):\n        '''Do.'''\n        '''x'''\n        return 1\n", False, id="two"
    ),
]


@pytest.mark.parametrize(("after", "same"), AFTER)
def test_code_is_the_same_but_for_docstrings(after: str, same: bool) -> None:
    assert figures.same_code(CODE, after) is same


def test_a_share_of_no_cases_is_nothing() -> None:
    assert (figures.share([]), figures.share([True, False, False, True])) == (0.0, 0.5)


GOOGLE = """Sum it up.

Args:
    *prices: what things cost
    rate (float): the tax

Returns:
    float: the sum

Raises:
    shop.Empty: if there is nothing
"""
NUMPY = """Sum it up.

Parameters
----------
*prices
    what things cost
rate : float
    the tax

Returns
-------
the sum

Raises
------
Empty
    if there is nothing
"""
SPHINX = """Sum it up.

:param \\*prices: what things cost
:param rate: the tax
:returns: the sum
:raises ~shop.Empty: if there is nothing
"""


@pytest.mark.parametrize("docstring", [GOOGLE, NUMPY, SPHINX], ids=["google", "numpy", "sphinx"])
def test_a_docstring_is_read_in_every_style(docstring: str) -> None:
    said = read(docstring)
    assert said.summary == "Sum it up."
    assert said.parameters == ("prices", "rate")
    assert said.raises == {"Empty"}
    assert (said.returns, said.yields) == (True, False)
    assert "what things cost" in said.prose
    assert any("sum" in text and text != said.summary for text in said.prose)


def test_a_section_that_is_said_to_be_empty_is_none() -> None:
    said = read(
        "Go on.\n\nArgs:\n    None.\n\nReturns:\n    None\n\nRaises:\n    StopIteration: at the end\n"
    )
    assert said == Said("Go on.", raises=frozenset({"StopIteration"}), prose=("Go on.", "at the end"))


# (docstring, told of a return, of a yield)
GIVEN = [
    pytest.param("Do.\n\nYields:\n    a line\n", False, True, id="google"),
    pytest.param("Do.\n\nYields\n------\na line\n", False, True, id="numpy"),
    pytest.param("Do.\n\n:yields: a line\n", False, True, id="sphinx"),
    pytest.param("Do.\n\nYields:\n    a line\n\nReturns:\n    the rest\n", True, True, id="both"),
]


@pytest.mark.parametrize(("docstring", "returns", "yields"), GIVEN)
def test_what_is_yielded_is_not_what_is_returned(docstring: str, returns: bool, yields: bool) -> None:
    said = read(docstring)
    assert (said.returns, said.yields) == (returns, yields)


@given(
    st.text() | st.lists(st.sampled_from([*GOOGLE.split("\n"), *NUMPY.split("\n"), ":param:"])).map("\n".join)
)
def test_whatever_a_model_writes_can_be_read(docstring: str) -> None:
    assert all(word in docstring for word in read(docstring).summary.split())
