"""What a phrase claims, held against the code: what it returns, raises, needs, and stands for by default."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_docstring_truth import known_in

from workflow_hub.tasks.docstrings.claims import contradiction
from workflow_hub.tasks.docstrings.kinds import ANYTHING, kinds_of_annotation, kinds_of_value
from workflow_hub.tasks.docstrings.slots import slots_of

NONE, NUMBER = "def f(a) -> None:\n    print(a)\n", "def f(a) -> int:\n    return a\n"
MAYBE, OPEN = "def f(a) -> int | None:\n    return a\n", "def f(a):\n    return a.get(1)\n"
TEXTS, TABLE = "def f(a) -> list[str]:\n    return a\n", "def f(a) -> dict[str, int]:\n    return a\n"
TRUTH, TEXT = "def f(a) -> bool:\n    return a\n", "def f(a) -> str:\n    return a\n"
LISTED = "def f(a):\n    if a:\n        return [a]\n    return sorted(a)\n"
FALLS_OFF = "def f(a):\n    if a:\n        return [a]\n"
ALWAYS = "def f(a):\n    if a:\n        return [a]\n    elif a is 0:\n        return []\n    else: raise E"
BOTH = "def f(a):\n    if a:\n        x = 1\n        return [x]\n    else:\n        x = 2\n        return [x]"
WITHIN = "def f(a):\n    with a:\n        return [1]\n"
ROWS = "def f(a):\n    for row in a:\n        yield row\n"
ROWS_TYPED = "def f(a) -> Iterator[tuple[int, str]]:\n    yield from a\n"
HANDED = "def f(a) -> Iterator[int]:\n    return iter(a)\n"
LATER, OPENED = "async def f(a):\n    return await a\n", "def f(a):\n    return a.submit_task()\n"
RAISES = "def f(a):\n    if a:\n        raise FileNotFoundError(a)\n    return 1\n"
CATCHES = "def f(a):\n    try:\n        return int(a)\n    except ValueError:\n        return 0\n"
OWN = "class MyError(Exception): ...\ndef f(a):\n    return a or MyError\n"
LOOKS_UP, DIVIDES = "def f(a):\n    return a['x']\n", "def f(a):\n    return 1 / a\n"
BUILDS = "def f(a):\n    return a or KeyError('x')\n"
STUB = "def f(a):\n    raise NotImplementedError\n"
PROPERTY = "class C:\n    @property\n    def f(self):\n        print(1)\n"

NOT_NONE = ("Returns None", "which it does not")

# (code, slot, text, the words that are not so, and what is)
CLAIMS = [
    pytest.param(NUMBER, "summary", "Returns None at last.", NOT_NONE, id="none"),
    pytest.param(
        NUMBER,
        "summary",
        "Adds, and returns nothing.",
        ("returns nothing", "which it does not"),
        id="nothing",
    ),
    pytest.param(NUMBER, "summary", "Returns None if a is empty.", None, id="none, on a condition"),
    pytest.param(MAYBE, "summary", "Returns None at last.", None, id="none is admitted"),
    pytest.param(OPEN, "summary", "Returns None at last.", None, id="none cannot be excluded"),
    pytest.param(FALLS_OFF, "summary", "Adds, and returns None.", None, id="runs off its end"),
    pytest.param(WITHIN, "summary", "Adds, and returns None.", None, id="a context may swallow an exception"),
    pytest.param(
        ALWAYS,
        "summary",
        "Adds, and returns None.",
        ("returns None", "which it does not"),
        id="never off its end",
    ),
    pytest.param(
        BOTH,
        "summary",
        "Adds, and returns None.",
        ("returns None", "which it does not"),
        id="both branches return",
    ),
    pytest.param(NONE, "summary", "Returns None at last.", None, id="none it is"),
    pytest.param(
        NONE,
        "summary",
        "Return the sum of all.",
        ("Return", "though it returns nothing"),
        id="returns nothing",
    ),
    pytest.param(
        NONE,
        "summary",
        "Computes and returns the sum.",
        ("Computes and returns", "though it returns nothing"),
        id="and returns",
    ),
    pytest.param(NONE, "summary", "Return to the first page.", None, id="goes back"),
    pytest.param(NUMBER, "summary", "Return the sum of all.", None, id="a value"),
    pytest.param(STUB, "summary", "Return the sum of all.", None, id="left to others"),
    pytest.param(PROPERTY, "summary", "Return the sum of all.", None, id="a property"),
    pytest.param(ROWS, "summary", "Return the rows one by one.", None, id="a generator"),
    pytest.param(ROWS, "summary", "Yield the rows one by one.", None, id="yields"),
    pytest.param(HANDED, "summary", "Yield the rows one by one.", None, id="gives an iterator"),
    pytest.param(OPEN, "summary", "Yield the rows one by one.", None, id="may give an iterator"),
    pytest.param(NUMBER, "summary", "Yields the rows.", ("Yields", "which it does not"), id="does not yield"),
    pytest.param(NUMBER, "summary", "Yield control to others.", None, id="gives way"),
    pytest.param(
        TABLE, "returns", "a list of prices", ("list", "where it is dict[str, int]"), id="list for dict"
    ),
    pytest.param(TABLE, "returns", "dictionary of prices", None, id="a dictionary"),
    pytest.param(TABLE, "returns", "list price of each", None, id="a list price"),
    pytest.param(
        TABLE,
        "summary",
        "Return a sorted list of prices.",
        ("list", "where it is dict[str, int]"),
        id="in the summary",
    ),
    pytest.param(TABLE, "summary", "Print a sorted list of prices.", None, id="not what is returned"),
    pytest.param(
        TEXTS,
        "returns",
        "the dictionary that was read",
        ("dictionary", "where it is list[str]"),
        id="dict for list",
    ),
    pytest.param(TEXTS, "returns", "tuple of texts", ("tuple", "where it is list[str]"), id="tuple for list"),
    pytest.param(TEXTS, "returns", "strings that were read", None, id="what is in the list"),
    pytest.param(
        TEXTS, "returns", "string that was read", ("string", "where it is list[str]"), id="string for list"
    ),
    pytest.param(
        LISTED,
        "returns",
        "a dictionary of prices",
        ("dictionary", "where it is list"),
        id="without annotation",
    ),
    pytest.param(OPEN, "returns", "a dictionary of prices", None, id="anything"),
    pytest.param(TRUTH, "returns", "True if a is empty", None, id="truth"),
    pytest.param(TRUTH, "returns", "whether a is empty", None, id="whether"),
    pytest.param(TEXT, "returns", "True if a is empty", ("True if", "where it is str"), id="truth for text"),
    pytest.param(
        TEXT, "summary", "Return whether a is empty.", ("whether", "where it is str"), id="whether for text"
    ),
    pytest.param(TEXT, "summary", "Check whether a is empty.", None, id="whether, not returned"),
    pytest.param(ROWS_TYPED, "yields", "a list of cells", None, id="list for the tuple that is yielded"),
    pytest.param(
        ROWS_TYPED,
        "yields",
        "a mapping of cells",
        ("mapping", "where it is tuple[int, str]"),
        id="mapping for tuple",
    ),
    pytest.param(ROWS_TYPED, "summary", "Return a list of rows.", None, id="of a generator"),
    pytest.param(
        "def f(a: dict): pass", "a", "list of prices", ("list", "where it is dict"), id="a parameter"
    ),
    pytest.param("def f(a: bool): pass", "a", "True if it is over", None, id="a parameter that is true"),
    pytest.param("def f(a: str): pass", "a", "whether it is over", None, id="a parameter that says whether"),
    pytest.param("def f(*a: dict): pass", "a", "list of prices", None, id="a starred parameter"),
    pytest.param("def f(a: 'Price'): pass", "a", "list of prices", None, id="a type of its own"),
    pytest.param(LATER, "summary", "Asynchronously wait for a.", None, id="async"),
    pytest.param(OPENED, "summary", "Asynchronously wait for a.", None, id="hands a task on"),
    pytest.param(
        NUMBER, "summary", "Add one asynchronously.", ("asynchronously", "which it is not"), id="not async"
    ),
    pytest.param(
        NUMBER, "summary", "A coroutine of numbers.", ("coroutine", "which it is not"), id="no coroutine"
    ),
    pytest.param(RAISES, "summary", "Reads, and raises FileNotFoundError.", None, id="raises"),
    pytest.param(
        RAISES, "summary", "Reads, raising an OSError at last.", None, id="a base of what it raises"
    ),
    pytest.param(RAISES, "summary", "Reads, and raises an Exception.", None, id="any exception"),
    pytest.param(
        RAISES,
        "summary",
        "Reads, and raises KeyError.",
        ("raises KeyError", "which it does not"),
        id="another",
    ),
    pytest.param(
        RAISES,
        "summary",
        "Raises OSError or ValueError.",
        ("raises ValueError", "which it does not"),
        id="one of two",
    ),
    pytest.param(RAISES, "summary", "A hook that raises KeyError.", None, id="somebody else raises"),
    pytest.param(RAISES, "summary", "Raises the price of all.", None, id="raises something else"),
    pytest.param(RAISES, "raises FileNotFoundError", "raises KeyError too", None, id="what the slot says"),
    pytest.param(
        CATCHES,
        "summary",
        "Reads, or raises ValueError.",
        ("raises ValueError", "which it does not"),
        id="caught",
    ),
    pytest.param(BUILDS, "summary", "Reads, or raises KeyError.", None, id="looks like it"),
    pytest.param(OWN, "summary", "Reads, or raises MyError.", None, id="an own exception that is spoken of"),
    pytest.param(LOOKS_UP, "summary", "Reads, or raises KeyError.", None, id="by Python itself"),
    pytest.param(
        LOOKS_UP,
        "summary",
        "Raises ZeroDivisionError.",
        ("raises ZeroDivisionError", "which it does not"),
        id="nothing is divided",
    ),
    pytest.param(DIVIDES, "summary", "Raises ZeroDivisionError.", None, id="something is divided"),
    pytest.param(STUB, "summary", "Reads, or raises KeyError.", None, id="others may raise"),
    pytest.param(
        "def f(a): pass",
        "a",
        "optional name of it",
        ("optional", "though it has no default"),
        id="not optional",
    ),
    pytest.param(
        "def f(a: int): pass",
        "a",
        "name of it, optional",
        ("optional", "though it has no default"),
        id="not optional, with a type",
    ),
    pytest.param("def f(a: int | None): pass", "a", "optional name of it", None, id="may be none"),
    pytest.param("def f(a: 'X'): pass", "a", "optional name of it", None, id="of a type that may be"),
    pytest.param("def f(a=1): pass", "a", "optional name of it", None, id="optional"),
    pytest.param(
        "def f(*, a=1): pass", "a", "which of the optional ones to show", None, id="something else is"
    ),
    pytest.param("def f(**a): pass", "a", "optional names", None, id="starred"),
    pytest.param(
        "def f(a): pass",
        "a",
        "name, defaults to x",
        ("defaults to x", "though it has no default"),
        id="no default",
    ),
    pytest.param("def f(a=5): pass", "a", "how often, defaults to 5", None, id="its default"),
    pytest.param("def f(a=5.0): pass", "a", "how often, defaults to 5.", None, id="its default, in short"),
    pytest.param(
        "def f(a=5): pass", "a", "how often (default 7)", ("default 7", "where it is 5"), id="another default"
    ),
    pytest.param("def f(a='x'): pass", "a", "how, by default `x`", None, id="not said as a default"),
    pytest.param("def f(a='x'): pass", "a", "how, defaults to `x`", None, id="a text as default"),
    pytest.param(
        "def f(a='x'): pass",
        "a",
        "how, default is 'y'",
        ("default is 'y'", "where it is 'x'"),
        id="another text",
    ),
    pytest.param("def f(a='.'): pass", "a", "where, defaults to the current folder", None, id="in words"),
    pytest.param("def f(a=True): pass", "a", "how, defaults to false", None, id="in small letters"),
    pytest.param(
        "def f(a=True): pass",
        "a",
        "how, defaults to False",
        ("defaults to False", "where it is True"),
        id="the other way round",
    ),
    pytest.param("def f(a=None): pass", "a", "how, defaults to 5", None, id="the body puts it there"),
    pytest.param("def f(a=LIMIT): pass", "a", "how, defaults to 5", None, id="by name"),
    pytest.param("def f(**a): pass", "a", "how, defaults to 5", None, id="starred defaults"),
    pytest.param("class f: pass", "summary", "Returns None, raises KeyError, yields.", None, id="a class"),
]


@pytest.mark.parametrize(("code", "slot", "text", "claim"), CLAIMS)
def test_claims_that_the_code_speaks_against(
    code: str, slot: str, text: str, claim: tuple[str, str] | None
) -> None:
    known = known_in(code, "C.f" if code.startswith("class C") else "f")
    found = contradiction(text, slots_of(known.facts, None)[slot], known)
    assert (found and (found.words, found.truth)) == claim


ANNOTATIONS = [
    pytest.param(None, {ANYTHING}, id="none at all"),
    pytest.param("str", {"text"}, id="name"),
    pytest.param("None", {"none"}, id="nothing"),
    pytest.param("Optional[int]", {"number", "none"}, id="optional"),
    pytest.param("typing.Union[int, list[str]]", {"number", "list"}, id="union"),
    pytest.param("'int | None'", {"number", "none"}, id="quoted"),
    pytest.param("Literal['a', 1]", {"text", "number"}, id="literal"),
    pytest.param("Annotated[bytes, 'x']", {"bytes"}, id="annotated"),
    pytest.param("collections.Counter[str]", {"mapping"}, id="dotted"),
    pytest.param("Price", {ANYTHING}, id="unknown"),
    pytest.param("int | Price", {"number", ANYTHING}, id="unknown beside a known one"),
    pytest.param("f()", {ANYTHING}, id="an expression"),
    pytest.param("'('", {ANYTHING}, id="no Python"),
]


@pytest.mark.parametrize(("annotation", "kinds"), ANNOTATIONS)
def test_what_an_annotation_admits(annotation: str | None, kinds: set[str]) -> None:
    assert kinds_of_annotation(annotation) == kinds


VALUES = [
    (None, "none"), (True, "truth"), ("x", "text"), (b"x", "bytes"), (1, "number"), (1.5, "number"),
    ([1], "list"), ({1}, "set"), ({1: 2}, "mapping"), ((1, 2), "tuple"),
]  # fmt: skip
EXPRESSIONS = [
    ("[x for x in a]", "list"), ("{x for x in a}", "set"), ("{x: x for x in a}", "mapping"),
    ("(x for x in a)", "iterator"), ("f'{a}'", "text"), ("a < b", "truth"), ("not a", "truth"),
    ("sorted(a)", "list"), ("len(a)", "number"), ("dict(a)", "mapping"), ("g(a)", ANYTHING), ("a", ANYTHING),
]  # fmt: skip


@pytest.mark.parametrize(("code", "kind"), [*((repr(value), kind) for value, kind in VALUES), *EXPRESSIONS])
def test_what_an_expression_comes_to(code: str, kind: str) -> None:
    node = ast.parse(code, mode="eval").body
    assert kinds_of_value(node) == {kind}
    either = ast.parse(f"{code} if a else None", mode="eval").body
    assert kinds_of_value(either) == {kind, "none"}


CODES = [param.values[0] for param in CLAIMS]
PIECES = st.sampled_from(
    "Returns None|yields|list of|True if|raises|ValueError|optional|defaults to|5|`x`|a|(default|or".split(
        "|"
    )
)


@given(st.sampled_from(CODES), st.lists(PIECES | st.text(max_size=6), max_size=7).map(" ".join))
def test_any_text_is_judged_and_what_is_said_is_in_it(code: str, text: str) -> None:
    known = known_in(str(code), "C.f" if str(code).startswith("class C") else "f")
    for slot in slots_of(known.facts, None).values():
        claim = contradiction(text, slot, known)
        assert claim is None or claim.words.split()[-1] in text
