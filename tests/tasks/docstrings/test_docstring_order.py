"""What is called comes before its callers, and otherwise the order of the file holds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.config import Docstrings
from workflow_hub.tasks.docstrings.find import files, targets
from workflow_hub.tasks.docstrings.task import Target

ALL = Docstrings(kinds=("functions", "classes", "modules"), private=True)
# (code, the names in the order in which they are asked)
ORDERS = [
    pytest.param("def a(): ...\ndef b(): ...", "a b", id="no calls"),
    pytest.param("def a(): b()\ndef b(): c()\ndef c(): ...", "c b a", id="a chain"),
    pytest.param("def a(): c()\ndef b(): ...\ndef c(): ...\ndef d(): ...", "b c d a", id="one call"),
    pytest.param("def a(): b()\ndef b(): a()", "b a", id="a circle"),
    pytest.param("def a(): a()", "a", id="itself"),
    pytest.param("def a(): b()\ndef b():\n 'Doc.'\n return 1", "b a", id="what lacks only a part"),
    pytest.param("def a(): b()\ndef b():\n 'Doc.'", "a", id="what is documented"),
    pytest.param(
        "class C:\n def m(self): self.n()\n def n(self): ...\ndef f(): C()", "C C.n C.m f", id="methods"
    ),
    pytest.param("'''{}'''\ndef _a(): b()\ndef b(): ...", "b _a", id="a documented module"),
]


def asked(folder: Path, code: str) -> list[str]:
    (folder / "shop.py").write_text(code)
    found = [one for one in targets(files(["."], folder, ALL), folder, ALL) if isinstance(one, Target)]
    return [one.symbol.qualname for one in found]


@pytest.mark.parametrize(("code", "expected"), ORDERS)
def test_what_is_called_comes_first(tmp_path: Path, code: str, expected: str) -> None:
    head = "" if code.startswith("'''") else "'''Doc.'''\n"
    assert asked(tmp_path, head + code) == expected.split()


def test_a_module_comes_last_of_all(tmp_path: Path) -> None:
    assert asked(tmp_path, "def a(): b()\ndef b(): ...\ndef _c(): a()") == ["b", "a", "", "_c"]


def test_a_chain_may_be_as_long_as_it_likes(tmp_path: Path) -> None:
    code = "'''Doc.'''\n" + "".join(f"def f{number}(): f{number + 1}()\n" for number in range(1500))
    assert asked(tmp_path, code) == [f"f{number}" for number in reversed(range(1500))]


@given(st.lists(st.lists(st.integers(0, 7), max_size=3), min_size=1, max_size=8))
def test_nobody_comes_before_what_it_calls(
    tmp_path_factory: pytest.TempPathFactory, calls: list[list[int]]
) -> None:
    # Calls go down in the file only, so that there are no circles.
    lines = ["'''Doc.'''"]
    for number, called in enumerate(calls):
        body = [f"f{other}()" for other in called if number < other < len(calls)]
        lines.append(f"def f{number}(): {'; '.join(body or ['...'])}")
    order = asked(tmp_path_factory.mktemp("shop"), "\n".join(lines) + "\n")
    assert sorted(order) == [f"f{number}" for number in range(len(calls))]
    for number, called in enumerate(calls):
        for other in called:
            if number < other < len(calls):
                assert order.index(f"f{other}") < order.index(f"f{number}")
