"""What a docstring quotes of code that changed since is put right where that is certain, and stays else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import parse_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols
from workflow_hub.tasks.docstrings.mend import Repair
from workflow_hub.tasks.docstrings.reading import read
from workflow_hub.tasks.docstrings.requote import requoted
from workflow_hub.tasks.docstrings.stale import Version, changes


def version(code: str) -> Version:
    source = parse_source(Path("a.py"), code.encode())
    symbol = next(one for one in symbols(source) if one.kind == "function")
    return Version(facts_of(symbol, PackageIndex()), symbol.node)


def put_right(docstring: str, then: str, now: str) -> Repair:
    old, new = version(then), version(now)
    found = changes(old, new, read(docstring), lambda name: [name])
    return requoted(docstring, found, new.facts)


def entry(text: str) -> str:
    return f"Boil it.\n\nArgs:\n    {text}"


NUMBER = ("def f(heat=3): ...", "def f(heat=4): ...")
TYPED = ("def f(heat: int): ...", "def f(heat: float): ...")

# (what the docstring says, the code then, the code now, what the docstring says instead)
CASES = [
    pytest.param(
        entry("heat: how much, 3 by default"), *NUMBER, entry("heat: how much, 4 by default"), id="told"
    ),
    pytest.param(entry("heat: (default: 3)"), *NUMBER, entry("heat: (default: 4)"), id="in brackets"),
    pytest.param(
        entry("heat: how much; 3 unless set"), *NUMBER, entry("heat: how much; 4 unless set"), id="unless"
    ),
    pytest.param(entry("heat: `3` is enough"), *NUMBER, entry("heat: `4` is enough"), id="as code"),
    pytest.param(
        entry("heat: how hot\n        (`heat=3`)"),
        *NUMBER,
        entry("heat: how hot\n        (`heat=4`)"),
        id="=",
    ),
    pytest.param(entry("heat: for 3 pots"), *NUMBER, None, id="some number"),
    pytest.param(entry("heat: 3 pots, 3 by default"), *NUMBER, None, id="two of them"),
    pytest.param(entry("heat: default 3"), "def f(heat=3): ...", "def f(heat): ...", None, id="no default"),
    pytest.param(entry("heat (int): an int"), *TYPED, entry("heat (float): an int"), id="google type"),
    pytest.param(entry("heat: an int"), *TYPED, None, id="a type in words"),
    pytest.param(
        entry("heat (dict[str, int]): x"),
        "def f(heat: dict[str, int]): ...",
        "def f(heat: dict[str, float]): ...",
        entry("heat (dict[str, float]): x"),
        id="google type with a comma",
    ),
    pytest.param(
        "Boil it.\n\nParameters\n----------\nheat : int\n    an int",
        *TYPED,
        "Boil it.\n\nParameters\n----------\nheat : float\n    an int",
        id="numpy type",
    ),
    pytest.param(
        "Boil it.\n\n:param int heat: an int",
        *TYPED,
        "Boil it.\n\n:param float heat: an int",
        id="sphinx type",
    ),
    pytest.param(
        "Boil it.\n\n:param heat: it\n:type heat: int",
        *TYPED,
        "Boil it.\n\n:param heat: it\n:type heat: float",
        id="sphinx type apart",
    ),
    pytest.param(
        "Boil it.\n\nReturns:\n    int: an int",
        "def f() -> int: return 1",
        "def f() -> str: return 1",
        "Boil it.\n\nReturns:\n    str: an int",
        id="google return type",
    ),
    pytest.param(
        "Boil it.\n\nReturns\n-------\nint\n    how long",
        "def f() -> int: return 1",
        "def f() -> str: return 1",
        "Boil it.\n\nReturns\n-------\nstr\n    how long",
        id="numpy return type",
    ),
    pytest.param(
        "Boil it.\n\n:returns: an int\n:rtype: int",
        "def f() -> int: return 1",
        "def f() -> str: return 1",
        "Boil it.\n\n:returns: an int\n:rtype: str",
        id="sphinx return type",
    ),
    pytest.param(
        "Boil it.\n\nReturns:\n    how long, an int",
        "def f() -> int: return 1",
        "def f() -> str: return 1",
        None,
        id="a return type in words",
    ),
    pytest.param(
        "Boil for `time`, at a time.",
        "def f(time): ...",
        "def f(time_s): ...",
        "Boil for `time_s`, at a time.",
        id="a name in the prose",
    ),
    pytest.param("Boil for `time`.", "def f(time): ...", "def f(pot): ...", None, id="perhaps another thing"),
    pytest.param(
        "Boil it.\n\nRaises:\n    ValueError: x\n    KeyError: y",
        "def f(a):\n    if a: raise ValueError\n    raise KeyError",
        "def f(a):\n    raise KeyError",
        "Boil it.\n\nRaises:\n    KeyError: y",
        id="an exception that went",
    ),
    pytest.param(
        entry("a: x"), "def f(a): ...", "def f(a):\n    return a", None, id="what takes words is not done"
    ),
]


@pytest.mark.parametrize(("docstring", "then", "now", "expected"), CASES)
def test_a_quotation_is_put_right_where_it_is_certain(
    docstring: str, then: str, now: str, expected: str | None
) -> None:
    made = put_right(docstring, then, now)
    assert made.text == (expected or docstring)
    assert bool(made.done) == (expected is not None)
    assert put_right(made.text, now, now) == Repair(made.text, (), frozenset())


WORDS = st.text(alphabet="abc 34`=(),.:", max_size=30)


@given(WORDS, WORDS, st.integers(0, 99), st.integers(0, 99))
def test_nothing_but_a_default_changes(before: str, behind: str, old: int, new: int) -> None:
    docstring = "\n".join(read(entry(f"heat: {before} {old} {behind}")).lines)
    made = put_right(docstring, f"def f(heat={old}): ...", f"def f(heat={new}): ...")
    if made.text == docstring:
        assert made.done == ()
        return
    at = next(at for at, pair in enumerate(zip(made.text, docstring, strict=False)) if pair[0] != pair[1])
    start = max(made.text.rfind(sign, 0, at + 1) for sign in " `=(,") + 1
    assert made.text == docstring[:start] + str(new) + docstring[start + len(str(old)) :]
