from __future__ import annotations

from keyword import iskeyword
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.source.facts import Facts, facts_of
from workflow_hub.source.files import parse_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols
from workflow_hub.tasks.docstrings.parts import Entry, Parts
from workflow_hub.tasks.docstrings.sections import documented
from workflow_hub.tasks.docstrings.slots import Slot, parts_of, slots_of, yielded


def facts(code: str, name: str | None = None) -> Facts:
    """The facts of the symbol called `name`, or of the first that is no module."""
    source = parse_source(Path("a.py"), code.encode())
    found = [one for one in symbols(source) if (one.qualname == name if name is not None else one.qualname)]
    return facts_of(found[0], PackageIndex())


# (code, the keys that are asked for)
KEYS = [
    pytest.param("def f(): pass", "summary", id="bare"),
    pytest.param("def f(a, *args, b=1, **more): return a", "summary a args b more returns", id="all kinds"),
    pytest.param("def f(a):\n    yield a", "summary a yields", id="generator"),
    pytest.param("def f(a) -> None:\n    print(a)", "summary a", id="returns nothing"),
    pytest.param("def f():\n    raise ValueError('x')", "summary,raises ValueError", id="raises"),
    pytest.param("async def f(a):\n    return a", "summary a returns", id="async"),
    pytest.param(
        "def f(summary, returns, yields, x): return x",
        "summary,parameter summary,parameter returns,parameter yields,x,returns",
        id="parameters named like our own words",
    ),
    pytest.param(
        "def f(*summary, **returns): pass", "summary,parameter summary,parameter returns", id="starred ones"
    ),
    pytest.param("class C:\n    def __init__(self, a): self._a = a", "summary", id="class"),
    pytest.param(
        "class C:\n    a: int\n    b: int  #: Doc.\n    returns: int\n",
        "summary,a,attribute returns",
        id="attributes, less those that speak for themselves",
    ),
    pytest.param(
        "class C:\n" + "".join(f"    a{number}: int\n" for number in range(31)), "summary", id="a table"
    ),
]


@pytest.mark.parametrize(("code", "keys"), KEYS)
def test_what_is_asked_of_a_function(code: str, keys: str) -> None:
    wanted = keys.split(",") if "," in keys else keys.split(" ")
    found = slots_of(facts(code), None)
    assert list(found) == wanted
    assert [slot.key for slot in found.values()] == wanted


@pytest.mark.parametrize(
    "decorator", ["property", "cached_property", "functools.cached_property", "abc.property"]
)
def test_a_property_reads_as_a_value(decorator: str) -> None:
    code = f"class C:\n    @{decorator}\n    def size(self) -> int:\n        return 1\n"
    assert list(slots_of(facts(code, "C.size"), None)) == ["summary"]


def test_a_module_has_a_summary_only() -> None:
    assert list(slots_of(facts("x = 1", ""), None)) == ["summary"]


CODE = "def f(a, *args, b: int = 1):\n    if not a:\n        raise errors.Empty\n    return [b]\n"
# (what the docstring says, what is left to ask)
LACKS = [
    pytest.param("Sum.", ["a", "args", "b", "returns", "raises errors.Empty"], id="summary"),
    pytest.param(
        "Sum.\n\nArgs:\n    a: x\n    *args: y\n", ["b", "returns", "raises errors.Empty"], id="some"
    ),
    pytest.param(
        "Sum.\n\n:param a: x\n:param b: y\n:returns: z\n:raises Empty: w",
        ["args"],
        id="an exception by last name",
    ),
    pytest.param(
        "Args:\n    a: x\n    args: y\n    b: z\n\nReturns:\n    w\n\nRaises:\n    Empty: v\n",
        ["summary"],
        id="no summary",
    ),
    pytest.param(
        "S.\n\nArgs:\n    a: x\n    args: y\n    b: z\n\nReturns:\n    w\n\nRaises:\n    Empty: v\n",
        [],
        id="all",
    ),
]


@pytest.mark.parametrize(("docstring", "keys"), LACKS)
def test_only_what_is_not_said_is_asked(docstring: str, keys: list[str]) -> None:
    assert list(slots_of(facts(CODE), documented(docstring))) == keys


def test_slots_carry_names_and_types() -> None:
    found = slots_of(facts("def f(*rows: str) -> int:\n    return len(rows)\n"), None)
    assert found["rows"] == Slot("parameter", "*rows", "str")
    assert found["returns"] == Slot("returns", type="int")


@pytest.mark.parametrize(
    ("annotation", "inner"),
    [
        (None, None),
        ("Iterator[int]", "int"),
        ("Generator[tuple[int, str], None, bool]", "tuple[int, str]"),
        ("typing.AsyncIterator[dict[str, int]]", "dict[str, int]"),
        ("'Iterator[int]'", "int"),
        ("'Rows'", "Rows"),
        ("'not (python'", "not (python"),
        ("Rows", "Rows"),
        ("Iterator", "Iterator"),
    ],
)
def test_what_an_iterator_yields(annotation: str | None, inner: str | None) -> None:
    assert yielded(annotation) == inner


SLOTS = slots_of(facts(CODE), None)


def test_answers_become_parts_in_order_and_open_ones_are_left_out() -> None:
    texts = {
        "b": "bee",
        "summary": "Sum.",
        "a": None,
        "raises errors.Empty": "if empty",
        "args": "",
        "x": "?",
    }
    assert parts_of(SLOTS, texts) == Parts(
        summary="Sum.", parameters=(Entry("b", "bee", "int"),), raises=(Entry("errors.Empty", "if empty"),)
    )
    everything = dict.fromkeys(SLOTS, "said")
    assert [entry.name for entry in parts_of(SLOTS, everything).parameters] == ["a", "*args", "b"]
    assert parts_of(SLOTS, everything).returns == Entry("", "said")
    made = slots_of(facts("def f() -> Iterator[int]:\n    yield 1\n"), None)
    assert parts_of(made, {"yields": "one"}).yields == Entry("", "one", "int")
    assert parts_of(SLOTS, {}) == Parts()
    held = slots_of(facts("class C:\n    a: int\n    b: int\n"), None)
    assert parts_of(held, {"b": "bee"}).attributes == (Entry("b", "bee", "int"),)


NAMES = st.from_regex(r"[a-z_]{1,7}", fullmatch=True) | st.sampled_from(
    ["summary", "returns", "yields", "raises"]
)


@given(st.lists(NAMES, unique=True, max_size=5), st.sampled_from(["", "*", "**"]), st.booleans())
def test_every_part_has_a_key_of_its_own(names: list[str], stars: str, yields: bool) -> None:
    names = [name for name in names if not iskeyword(name) and name != "_" * len(name)]
    signature = ", ".join([*names[:-1], *(stars + name for name in names[-1:])])
    end = "yield 1" if yields else "return 1"
    found = slots_of(facts(f"def f({signature}):\n    {end}\n"), None)
    assert len(found) == len(names) + 2
    assert [slot.name.lstrip("*") for slot in found.values() if slot.kind == "parameter"] == names
