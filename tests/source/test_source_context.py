"""What a function calls, by its relevance, and how others call it."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow_hub.source.context import home_of
from workflow_hub.source.facts import Facts, facts_of
from workflow_hub.source.files import read_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols


def facts(folder: Path, code: str, qualname: str = "f") -> Facts:
    path = folder / "cart.py"
    path.write_text(code)
    found = next(one for one in symbols(read_source(path)) if one.qualname == qualname)
    return facts_of(found, PackageIndex(root=folder))


RANKED = """
from money import pay
def first(): ...
def result(): 'Result.'
def load_file(): 'Load a file.'
def load():
    first()
    load_file()
    pay()
    return [result(), first][1:]
"""


def test_callees_come_by_their_relevance(tmp_path: Path) -> None:
    (tmp_path / "money.py").write_text("def pay():\n  'Pay now!'")
    found = facts(tmp_path, RANKED, "load").callees
    assert [(one.name, one.says) for one in found] == [
        ("result", "Result."),
        ("load_file", "Load a file."),
        ("first", ""),
        ("pay", "Pay now!"),
    ]
    path = tmp_path / "cart.py"
    homes = {home_of(one) for one in symbols(read_source(path))} | {(tmp_path / "money.py", "pay")}
    assert {one.home for one in found} < homes


def test_not_every_callee_is_told(tmp_path: Path) -> None:
    defined = "\n".join(f"def g{number}():\n  'Do {number}.'" for number in range(20))
    called = "\n".join(f"  g{number}()\n  g0()" for number in range(20))
    found = facts(tmp_path, f"{defined}\ndef f():\n{called}").callees
    assert [one.says for one in found] == [f"Do {number}." for number in range(12)]


CALLERS = [
    pytest.param(
        "def a(x):\n f(x, 3)\ndef b(y):\n f(y)\ndef c():\n f('x', n=1)",
        ["f('x', n=1)", "f(x, 3)"],
        id="most telling",
    ),
    pytest.param("def a(x):\n f(x, 3)\n f(x, 3)", ["f(x, 3)"], id="once"),
    pytest.param("def a():\n f()", [], id="without arguments"),
    pytest.param("def a(x):\n f(x.read())", [], id="without a literal"),
    pytest.param("x = f(3)", [], id="outside of functions"),
    pytest.param("def a(f):\n f(3)", [], id="another of that name"),
    pytest.param(
        "class C:\n def f(self, n): self.f(1)\n def g(self): self.f(2)", [], id="a method of that name"
    ),
    pytest.param("def a():\n f('" + "x" * 200 + "')", ["f('" + "x" * 37 + "…')"], id="a long one"),
]


@pytest.mark.parametrize(("code", "expected"), CALLERS)
def test_callers_show_how_a_function_is_called(tmp_path: Path, code: str, expected: list[str]) -> None:
    assert list(facts(tmp_path, f"def f(x, n=0):\n f(x, n)\n{code}\n").callers) == expected


def test_callers_of_a_method(tmp_path: Path) -> None:
    code = "class C:\n def f(self, n): self.f(1)\n def g(self): self.f(2)\n"
    assert facts(tmp_path, code, "C.f").callers == ("self.f(2)",)
