"""Docstring styles: what is rendered is found again, and what a human wrote stays."""

# ruff: noqa: E501  (one case, one line)
from __future__ import annotations

import ast
import string

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from workflow_hub.source.literal import clean, literal
from workflow_hub.tasks.docstrings.parts import Documented, Entry, Parts, Style, bare
from workflow_hub.tasks.docstrings.sections import detect, documented
from workflow_hub.tasks.docstrings.styles import merge, render

PARTS = Parts(
    "add an item to the cart",
    (
        Entry("item", "What is added.", "Item"),
        Entry(
            "*more", "Further items, each of which is added in the order in which they were given.", "Item"
        ),
        Entry("quantity", "How many."),
    ),
    Entry("", "The new total.", "Decimal"),
    None,
    (Entry("ValueError", "If the quantity is negative."), Entry("shop.errors.SoldOut", "If none is left.")),
)

GOOGLE = """\
Add an item to the cart.

Args:
    item (Item): What is added.
    *more (Item): Further items, each of which is
        added in the order in which they were
        given.
    quantity: How many.

Returns:
    Decimal: The new total.

Raises:
    ValueError: If the quantity is negative.
    shop.errors.SoldOut: If none is left."""

NUMPY = """\
Add an item to the cart.

Parameters
----------
item : Item
    What is added.
*more : Item
    Further items, each of which is added in the
    order in which they were given.
quantity
    How many.

Returns
-------
Decimal
    The new total.

Raises
------
ValueError
    If the quantity is negative.
shop.errors.SoldOut
    If none is left."""

SPHINX = """\
Add an item to the cart.

:param item: What is added.
:type item: Item
:param more: Further items, each of which is added
    in the order in which they were given.
:type more: Item
:param quantity: How many.
:returns: The new total.
:rtype: Decimal
:raises ValueError: If the quantity is negative.
:raises shop.errors.SoldOut: If none is left."""


@pytest.mark.parametrize(
    ("style", "text"),
    [
        pytest.param(Style.GOOGLE, GOOGLE, id="google"),
        pytest.param(Style.NUMPY, NUMPY, id="numpy"),
        pytest.param(Style.SPHINX, SPHINX, id="sphinx"),
    ],
)
def test_render_writes_the_style(style, text):
    assert render(PARTS, style, width=50) == text


HELD = Parts(
    "a line of the cart", attributes=(Entry("sku", "What is sold.", "str"), Entry("price", "Its price."))
)
ATTRIBUTES = {
    Style.GOOGLE: "Attributes:\n    sku (str): What is sold.\n    price: Its price.",
    Style.NUMPY: "Attributes\n----------\nsku : str\n    What is sold.\nprice\n    Its price.",
    Style.SPHINX: ":ivar sku: What is sold.\n:vartype sku: str\n:ivar price: Its price.",
}


@pytest.mark.parametrize("style", Style)
def test_attributes_in_every_style(style):
    text = f"A line of the cart.\n\n{ATTRIBUTES[style]}"
    assert render(HELD, style) == text
    assert documented(text) == said(style, True, attributes="sku price")
    assert merge(text, HELD, style) == text


@pytest.mark.parametrize(
    ("parts", "style", "text"),
    [
        pytest.param(Parts(), Style.GOOGLE, "", id="nothing"),
        pytest.param(Parts(" \n"), Style.SPHINX, "", id="a blank summary"),
        pytest.param(Parts("is it done?"), Style.NUMPY, "Is it done?", id="a question keeps its mark"),
        pytest.param(
            Parts("see (the page.)"), Style.NUMPY, "See (the page.)", id="a full stop within brackets"
        ),
        pytest.param(Parts("the total:"), Style.NUMPY, "The total.", id="a colon at the end"),
        pytest.param(
            Parts("iter_rows gives rows"), Style.NUMPY, "iter_rows gives rows.", id="identifiers keep case"
        ),
        pytest.param(
            Parts("iPhone of\nthe user"), Style.NUMPY, "iPhone of the user.", id="mixed case is kept"
        ),
        pytest.param(
            Parts("Returns: the total"), Style.GOOGLE, "Returns the total.", id="no section by accident"
        ),
        pytest.param(Parts(":param x: total"), Style.GOOGLE, "Param x: total.", id="no field by accident"),
        pytest.param(Parts("--- total"), Style.GOOGLE, "Total.", id="no underline by accident"),
        pytest.param(
            Parts("give it", returns=Entry("", "it")),
            Style.GOOGLE,
            "Give it.\n\nReturns:\n    it",
            id="no type",
        ),
        pytest.param(
            Parts("give it", returns=Entry("", "it")),
            Style.NUMPY,
            "Give it.\n\nReturns\n-------\nit",
            id="no type, numpy",
        ),
        pytest.param(
            Parts("give it", yields=Entry("", "it", "int")),
            Style.SPHINX,
            "Give it.\n\n:yields: it",
            id="yields",
        ),
        pytest.param(
            Parts("give it", yields=Entry("", "it", "list[int,\n str]")),
            Style.GOOGLE,
            "Give it.\n\nYields:\n    list[int, str]: it",
            id="a type on two lines",
        ),
        pytest.param(
            Parts(None, (Entry("x", ""),)),
            Style.GOOGLE,
            "Args:\n    x:",
            id="a parameter alone, without a text",
        ),
    ],
)
def test_render_of_little(parts, style, text):
    assert render(parts, style) == text


def test_types_can_be_left_out_except_in_numpy():
    assert "Decimal" not in render(PARTS, Style.GOOGLE, types=False)
    assert "Decimal" not in render(PARTS, Style.SPHINX, types=False)
    assert "Decimal" in render(PARTS, Style.NUMPY, types=False)


def said(style=None, summary=False, parameters="", returns=False, yields=False, raises="", attributes=""):
    return Documented(
        style,
        summary,
        frozenset(parameters.split()),
        returns,
        yields,
        frozenset(raises.split()),
        frozenset(attributes.split()),
    )


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        pytest.param("", said(), id="empty"),
        pytest.param("Return the sum, or raise ValueError: it depends.", said(None, True), id="prose"),
        pytest.param(
            "Add.\n\n    Note: x is a number.\n    returns: nothing", said(None, True), id="prose with colons"
        ),
        pytest.param(
            "Add.\n    Arguments:\n        x, y (int): two numbers\n          from above\n        \\*args - more\n"
            "    Keyword Args:\n        **kw: others\n    Returns: the sum\n    Raises: ValueError if x is negative\n    ",
            said(Style.GOOGLE, True, "x y args kw", True, raises="ValueError"),
            id="google, by hand",
        ),
        pytest.param(
            "Add.\n\nargs:\nx: a number\ny: one more\n\nreturns:\nthe sum\n\nraises:\nOSError: never",
            said(Style.GOOGLE, True, "x y", True, raises="OSError"),
            id="google, nothing indented",
        ),
        pytest.param(
            "Args:\n        x: a\n\n        y: b\n\n    Yields:\n        int: one\n\n    Example:\n        Args: no",
            said(Style.GOOGLE, False, "x y", yields=True),
            id="google, no summary",
        ),
        pytest.param(
            "Do.\n\nRaises:\n    ValueError, KeyError: bad\n    :class:`~a.B`: worse\n    If it is so.",
            said(Style.GOOGLE, True, raises="ValueError KeyError a.B"),
            id="google, several exceptions",
        ),
        pytest.param(
            "Do.\n\nParameters\n----------\nx, y : int\n    Two.\n*args\n    More.\n\nOther Parameters\n"
            "----------------\nz: int\n    Third.\n\nReturns\n-------\nint\n    Sum.\n\nSee Also\n--------\nother : thing",
            said(Style.NUMPY, True, "x y args z", True),
            id="numpy",
        ),
        pytest.param(
            "Do.\n\nParameters\n----------\nargs : tuple\n    Those.\n\nRaises:\n    KeyError: no\n",
            said(Style.GOOGLE, True, "args", raises="KeyError"),
            id="numpy, then google: a tie",
        ),
        pytest.param(
            "Do.\n\nParams\n======\n  x : int\n    A.\n  y : int\n    B.\n\nRaise\n=====\nValueError\n    No.",
            said(Style.NUMPY, True, "x y", raises="ValueError"),
            id="numpy, sloppy",
        ),
        pytest.param(
            "Do.\n\n:param x: one\ngoes on\n\n   and on\n:param dict[str, int] y: two\n:param \\*args: more\n:type z: int\n"
            ":return: sum\n:rtype: int\n:raises ValueError, a.KeyError: no\n:raises: OSError: if so",
            said(Style.SPHINX, True, "x y args", True, raises="ValueError a.KeyError OSError"),
            id="sphinx",
        ),
        pytest.param(
            "Do.\n\n@param x: one\n@return: sum\n@raise ValueError: no\n@yield: x",
            said(Style.SPHINX, True, "x", True, True, "ValueError"),
            id="epytext",
        ),
        pytest.param(
            ":param x:\n:return:\n", said(Style.SPHINX, False, "x", True), id="an unfilled template"
        ),
        pytest.param("Do.\n\n:rtype: int", said(Style.SPHINX, True), id="only a type"),
        pytest.param(
            "Do.\n\n  :param x: one\nProse.", said(Style.SPHINX, True, "x"), id="a field further in"
        ),
        pytest.param("Do.\n\nExamples:\n    x", said(None, True), id="examples are no style"),
        pytest.param("Do.\n\nReturns\n-------", said(Style.NUMPY, True, returns=True), id="an empty section"),
    ],
)
def test_documented(docstring, expected):
    assert documented(docstring) == expected


@pytest.mark.parametrize(
    ("docstrings", "style"),
    [
        pytest.param([], None, id="none"),
        pytest.param(["Do it.", ""], None, id="no evidence"),
        pytest.param([GOOGLE, NUMPY, "Do.", NUMPY], Style.NUMPY, id="the majority"),
        pytest.param([SPHINX, GOOGLE], Style.GOOGLE, id="a tie goes to the first"),
    ],
)
def test_detect(docstrings, style):
    assert detect(docstrings) is style


X, Y = Entry("x", "One.", "int"), Entry("y", "Two.", "int")
BAD = Entry("ValueError", "If bad.")


@pytest.mark.parametrize(
    ("docstring", "parts", "style", "expected"),
    [
        pytest.param("Do.", Parts("Other.", (X,)), Style.GOOGLE, "Do.\n\nArgs:\n    x (int): One.", id="after the summary"),
        pytest.param("", Parts("do it", (X,)), Style.SPHINX, "Do it.\n\n:param x: One.\n:type x: int", id="from nothing"),
        pytest.param("", Parts(raises=(BAD,)), Style.GOOGLE, "Raises:\n    ValueError: If bad.", id="no summary at all"),
        pytest.param(
            "Do.\n\nArgs:\n  x: mine\n    still mine\n\nExample:\n  >>> do()\n",
            Parts(parameters=(X, Y), raises=(BAD,)),
            Style.NUMPY,
            "Do.\n\nArgs:\n  x: mine\n    still mine\n  y (int): Two.\n\nRaises:\n    ValueError: If bad.\n\n"
            "Example:\n  >>> do()",
            id="its own style and indentation",
        ),
        pytest.param(
            "Do.\n\nReturns:\n    it\nRaises:\n    KeyError: no",
            Parts(parameters=(X,), raises=(BAD,)),
            Style.SPHINX,
            "Do.\n\nArgs:\n    x (int): One.\n\nReturns:\n    it\nRaises:\n    KeyError: no\n    ValueError: If bad.",
            id="before the first that comes after",
        ),
        pytest.param(
            "Do.\n\nArgs:\ny: mine",
            Parts(parameters=(X,)),
            Style.NUMPY,
            "Do.\n\nArgs:\ny: mine\nx (int): One.",
            id="not indented",
        ),
        pytest.param(
            "Do.\n\nArgs:\ny: mine",
            Parts(parameters=(Entry("Yields", "One."),)),
            Style.NUMPY,
            "Do.\n\nArgs:\ny: mine\n\nArgs:\n    Yields: One.",
            id="not indented, and named like a section",
        ),
        pytest.param(
            "Do.\nReturns: it",
            Parts(parameters=(X,)),
            Style.GOOGLE,
            "Do.\nReturns: it\n\nArgs:\n    x (int): One.",
            id="prose that only looks like a section",
        ),
        pytest.param(
            "Do.\n\nArgs:\n    y: mine\nReturns:\n    it\n",
            Parts(yields=Entry("", "It.")),
            Style.GOOGLE,
            "Do.\n\nArgs:\n    y: mine\nReturns:\n    it\n\nYields:\n    It.",
            id="after the last that comes before",
        ),
        pytest.param(
            "Do.\n\nParameters\n----------\nx\n    Mine.\n\nNotes\n-----\nText.",
            Parts(parameters=(X, Y), returns=Entry("", "It.", "int")),
            Style.GOOGLE,
            "Do.\n\nParameters\n----------\nx\n    Mine.\ny : int\n    Two.\n\nReturns\n-------\nint\n    It.\n\n"
            "Notes\n-----\nText.",
            id="numpy",
        ),
        pytest.param(
            "Do.\n\n:type x: float\n:rtype: float\n:raises KeyError: no",
            Parts(parameters=(X, Y), returns=Entry("", "It.", "int")),
            Style.GOOGLE,
            "Do.\n\n:type x: float\n:param x: One.\n:param y: Two.\n:type y: int\n:rtype: float\n:returns: It.\n"
            ":raises KeyError: no",
            id="sphinx, without a type twice",
        ),
        pytest.param(
            "Do.\n\n@raise KeyError: no\n\nProse.",
            Parts(parameters=(Entry("*a", "All."),), yields=Entry("", "It.", "int"), raises=(BAD,)),
            Style.GOOGLE,
            "Do.\n\n@param a: All.\n@yield: It.\n@raise KeyError: no\n@raise ValueError: If bad.\n\nProse.",
            id="epytext keeps its mark",
        ),
        pytest.param(
            "Do.\n\nArgs:\n    sku: It.", HELD, Style.GOOGLE,
            "Do.\n\nArgs:\n    sku: It.\n\nAttributes:\n    price: Its price.", id="an attribute that is a parameter",
        ),
        pytest.param(
            "Do.\n\n@ivar sku: It.\n@param x: x", HELD, Style.GOOGLE,
            "Do.\n\n@ivar sku: It.\n@param x: x\n@ivar price: Its price.", id="an attribute in epytext",
        ),
        pytest.param(
            "Do.\n\n:vartype price: int\n:returns: it", Parts(attributes=(Entry("price", "It.", "int"),)), Style.SPHINX,
            "Do.\n\n:vartype price: int\n:ivar price: It.\n:returns: it", id="an attribute with its type",
        ),
        pytest.param(
            ":returns: it", Parts("give it"), Style.GOOGLE, "Give it.\n\n:returns: it", id="a summary on top"
        ),
        pytest.param(
            "Do.\n\nRaises:\n    shop.ValueError: no", Parts(raises=(BAD,)), Style.GOOGLE,
            "Do.\n\nRaises:\n    shop.ValueError: no", id="an exception by its last name",
        ),
    ],
)  # fmt: skip
def test_merge(docstring, parts, style, expected):
    assert merge(docstring, parts, style) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("x", "x"), ("*args", "args"), (r"\*\*kw", "kw"), ("``*a``", "a"), (" x_1 ", "x_1")],
)
def test_bare(name, expected):
    assert bare(name) == expected


names = st.one_of(
    st.sampled_from(["x", "args", "returns", "raises", "type", "note", "self_1", "größe", "Yields"]),
    st.text(string.ascii_letters + "_", min_size=1, max_size=8),
)
words = st.one_of(
    st.sampled_from(
        [
            "Args:",
            "Returns:",
            "Raises:",
            "raises",
            ":",
            ":param",
            "x:",
            ":returns:",
            "@return:",
            "Keyword",
            "----",
            "===",
            "Parameters",
            "Other",
            "Note:",
            "(int)",
            "ValueError:",
            "-",
            "a,",
            "See",
            "Also:",
            "\\",
            '"""',
            "`x`",
            "*",
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
    st.text(string.ascii_lowercase, min_size=1, max_size=9),
)
texts = st.lists(words, min_size=1, max_size=30).map(" ".join)
sentences = texts.filter(lambda text: any(word.isalpha() for word in text.split()))
types = st.one_of(
    st.none(), st.sampled_from(["int", "dict[str, int]", "Callable[[int], str]", ":class:`A`", "a | b"])
)
entries = st.builds(Entry, names, texts, types)
starred = st.builds(
    lambda stars, entry: Entry(stars + entry.name, entry.text, entry.type),
    st.sampled_from(["", "*", "**"]),
    entries,
)
unnamed = st.builds(Entry, st.just(""), texts, types)
errors = st.builds(
    Entry, st.sampled_from(["ValueError", "a.b.Missing", "OSError", "Refused", "E"]), texts, st.none()
)
all_parts = st.builds(
    Parts,
    st.one_of(st.none(), sentences),
    st.lists(starred, max_size=4, unique_by=lambda entry: bare(entry.name)).map(tuple),
    st.one_of(st.none(), unnamed),
    st.one_of(st.none(), unnamed),
    st.lists(errors, max_size=3, unique_by=lambda entry: entry.name).map(tuple),
    st.lists(entries, max_size=3, unique_by=lambda entry: entry.name).map(tuple),
)
styles = st.sampled_from(list(Style))


def what(parts):
    """What `documented` has to find of these parts, its style aside."""
    return (
        bool(parts.summary),
        {bare(entry.name) for entry in parts.parameters},
        parts.returns is not None,
        parts.yields is not None,
        {entry.name for entry in parts.raises},
        {entry.name for entry in parts.attributes},
    )


def found(docstring):
    said = documented(docstring)
    return (
        said.summary,
        set(said.parameters),
        said.returns,
        said.yields,
        set(said.raises),
        set(said.attributes),
    )


def as_python_reads_it(text):
    return ast.literal_eval(literal(text, indent=" " * 8))


@settings(max_examples=120, deadline=None)
@given(all_parts, styles, st.integers(30, 100), st.sampled_from([2, 4]), st.booleans())
def test_what_is_rendered_is_found(parts, style, width, indent_width, types):
    text = render(parts, style, width=width, indent_width=indent_width, types=types)
    assume(text)
    docstring = as_python_reads_it(text)
    assert found(docstring) == what(parts)
    sections = parts.parameters or parts.returns or parts.yields or parts.raises or parts.attributes
    assert documented(docstring).style is (style if sections else None)
    assert not any(line != line.rstrip() for line in text.split("\n"))


plain = st.lists(st.text(string.ascii_lowercase, min_size=1, max_size=9), min_size=1, max_size=40).map(
    " ".join
)


@settings(max_examples=50, deadline=None)
@given(plain, plain, styles, st.integers(30, 100))
@example("a", "aaaaaaaa warnings", Style.GOOGLE, 30)
def test_lines_fit_into_the_width(summary, text, style, width):
    parts = Parts(summary, (Entry("x", text, "int"),), Entry("", text), None, (Entry("KeyError", text),))
    rendered = render(parts, style, width=width)
    assert all(len(line) <= width for line in rendered.split("\n"))
    assert literal(rendered, indent="").split("\n")[0] == '"""' + rendered.split("\n")[0]
    assert len(rendered.split("\n")[0]) <= width - 3


lines = st.one_of(
    st.sampled_from(
        [
            "",
            "Args:",
            "    x: one",
            "    *args (int): all",
            "Returns:",
            "    the sum",
            "Returns: it",
            "Raises:",
            "    KeyError",
            "Parameters",
            "----------",
            "x, y : int",
            "    Text.",
            "Returns",
            "-------",
            ":param x: one",
            ":returns: it",
            "@raise KeyError: no",
            ":rtype: int",
            "Prose: with a colon",
            "x: y",
            "  deeper",
            "Notes",
            "-----",
            "Example:",
            "        deepest",
            "Usage",
            "=====",
            "raises:",
            "ValueError if so",
            "Yields:",
            "Attributes:",
            ":ivar x: one",
            ":vartype x: int",
            "Keyword Args:",
        ]
    ),
    st.text(string.printable.replace("\r", ""), max_size=20),
)
human = st.lists(lines, max_size=14).map("\n".join)


def is_subsequence(few, many):
    rest = iter(many)
    return all(line in rest for line in few)


@settings(max_examples=200, deadline=None)
@given(human, all_parts, styles)
def test_merge_keeps_every_line_and_adds_what_lacks(docstring, parts, style):
    merged = merge(docstring, parts, style)
    if clean(docstring):
        assert is_subsequence(clean(docstring).split("\n"), merged.split("\n"))
    assume(merged)
    read = as_python_reads_it(merged)
    before, after = documented(docstring), documented(read)
    assert before.parameters <= after.parameters
    assert before.raises <= after.raises
    assert before.attributes <= after.attributes
    assert (before.summary, before.returns, before.yields) <= (after.summary, after.returns, after.yields)
    assert after.lacks(parts) == Parts()
    assert merge(read, parts, style) == merged


@settings(max_examples=60, deadline=None)
@given(all_parts, all_parts, styles, styles)
def test_merge_of_our_own_docstrings(first, second, style, other):
    text = render(first, style)
    assume(text)
    merged = merge(as_python_reads_it(text), second, other)
    assert is_subsequence(text.split("\n"), merged.split("\n"))
    assert documented(as_python_reads_it(merged)).lacks(second) == Parts()
    assert documented(as_python_reads_it(merged)).lacks(first) == Parts()
