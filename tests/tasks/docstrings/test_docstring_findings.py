from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from doubles.nasty_code import PIECES, write_nasty_files

from workflow_hub.config import Docstrings
from workflow_hub.errors import SourceRefused
from workflow_hub.report.finding import Finding, Fix, Spot
from workflow_hub.source.files import SourceFile, read_source
from workflow_hub.source.literal import clean
from workflow_hub.source.symbols import KINDS, Policies
from workflow_hub.tasks.docstrings.apply import Applier
from workflow_hub.tasks.docstrings.audit import Judged, audit, severities
from workflow_hub.tasks.docstrings.find import targets
from workflow_hub.tasks.docstrings.task import Docstring, Target
from workflow_hub.values import Done

EVERYTHING = Docstrings(
    kinds=tuple(KINDS.values()), **{name: True for name in Policies.__dataclass_fields__ if name != "stubs"}
)
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
PARTLY = 'def f(a, b):\n    """Say.\n\n    Args:\n        a: x\n    """\n    return b\n'


def proposals(path: Path, *, text: str = "Say what it does.", write: bool = False) -> list[Finding]:
    """The finding of every docstring that goes in: `text`, put above what is there."""
    outcomes: list[Any] = []
    applier = Applier(path.parent, 88, write, lambda patch: None, outcomes.append)
    for found in targets([path], path.parent, EVERYTHING):
        assert isinstance(found, Target)
        words = clean(found.symbol.docstring or "")
        made = f"{text}\n\n{words}" if words else text
        applier.take(Done(found, Docstring(made, {"b": "was left open"})))
    applier.finish()
    return [one.result.finding for one in outcomes if isinstance(one, Done)]


# (code, rule, message, line, column, where the fix begins and ends, the code that is shown)
CASES = [
    pytest.param(
        "x = 1\n\n\nclass A:\n    async def f(self):\n        return 1\n",
        ("docstring-missing", "function A.f has no docstring", 5, 5),
        (Spot(6, 1, 1), Spot(6, 1, 1)),
        "    async def f(self):\n        return 1",
        id="a method",
    ),
    pytest.param(
        "@wraps\n@cached\ndef f(): return 'ä', 1\n",
        ("docstring-missing", "function f has no docstring", 3, 1),
        (Spot(3, 9, 9), Spot(3, 9, 9)),
        "def f(): return 'ä', 1",
        id="one line, decorated",
    ),
    pytest.param(
        "def fäß(é): return é\n",
        ("docstring-missing", "function fäß has no docstring", 1, 1),
        (Spot(1, 12, 15), Spot(1, 12, 15)),
        "def fäß(é): return é",
        id="columns and bytes",
    ),
    pytest.param(
        PARTLY,
        ("docstring-incomplete", "the docstring of function f lacks returns", 1, 1),
        (Spot(2, 8, 8), Spot(2, 8, 8)),
        PARTLY.rstrip(),
        id="parts are lacking",
    ),
    pytest.param(
        "def f(" + "".join(f"\n    a{number}," for number in range(20)) + "\n):\n    return 1\n\n\ny = 2\n",
        ("docstring-missing", "function f has no docstring", 1, 1),
        (Spot(23, 1, 1), Spot(23, 1, 1)),
        "def f(" + "".join(f"\n    a{number}," for number in range(20)) + "\n):\n    return 1",
        id="a long signature",
    ),
    pytest.param(
        "def f():\n" + "    pass\n" * 30,
        ("docstring-missing", "function f has no docstring", 1, 1),
        (Spot(2, 1, 1), Spot(2, 1, 1)),
        "def f():\n" + "\n".join(["    pass"] * 11),
        id="a long body",
    ),
]


@pytest.mark.parametrize(("code", "says", "fix", "shown"), CASES)
def test_a_docstring_that_is_proposed(
    tmp_path: Path, code: str, says: tuple[str, str, int, int], fix: tuple[Spot, Spot], shown: str
) -> None:
    (tmp_path / "a.py").write_text(code)
    found = next(one for one in proposals(tmp_path / "a.py") if "function" in one.message)
    assert (found.rule, found.message, found.line, found.column) == says
    assert found.fix is not None
    assert (found.fix.start, found.fix.end) == fix
    assert (found.severity, found.path, found.code) == ("info", "a.py", shown)


def listed_in(path: Path, settings: Docstrings) -> list[Finding]:
    judged = audit([path], path.parent, settings, severities(settings, str))
    return [finding for one in judged if isinstance(one, Judged) for finding in one.findings]


def test_what_is_missing_has_the_fingerprint_of_what_is_proposed(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("class A:\n    def f(self):\n        return 1\n\n\ndef g(): ...\n")
    settings = EVERYTHING.model_copy(update={"kinds": ("functions", "classes")})
    listed = listed_in(path, settings)
    assert [(one.message, one.severity) for one in listed] == [
        ("class A has no docstring", "error"),
        ("function A.f has no docstring", "error"),
        ("function g has no docstring", "error"),
    ]
    before = {one.fingerprint for one in listed}
    assert before < {one.fingerprint for one in proposals(path)}
    path.write_text("import os\n\n\n" + path.read_text())
    assert {one.fingerprint for one in listed_in(path, settings)} == before


def applied(source: SourceFile, fixes: list[Fix], *, by_bytes: bool) -> bytes:
    """The file with the fixes in, by nothing but what the fixes say of their places."""
    text = source.text
    lines = LINE.findall(text)

    def offset(spot: Spot) -> int:
        line = lines[spot.line - 1]
        inside = len(line.encode()[: spot.utf8_column - 1].decode()) if by_bytes else spot.column - 1
        return sum(map(len, lines[: spot.line - 1])) + inside

    for fix in sorted(fixes, key=lambda one: (one.start.line, one.start.column), reverse=True):
        text = text[: offset(fix.start)] + fix.text + text[offset(fix.end) :]
    return text.encode(source.encoding)


@pytest.mark.parametrize("by_bytes", [False, True], ids=["columns", "bytes"])
def test_the_fixes_alone_make_the_file_that_is_written(tmp_path: Path, by_bytes: bool) -> None:
    write_nasty_files(tmp_path, len(PIECES), seed=11)
    changed = 0
    for path in sorted(tmp_path.rglob("*.py")):
        try:
            source = read_source(path)
        except SourceRefused:  # some are in no encoding at all
            continue
        found = proposals(path, text="Sagt, was es tut.", write=True)
        fixes = [one.fix for one in found if one.fix is not None]
        assert len(fixes) == len(found)
        made = applied(source, fixes, by_bytes=by_bytes)
        assert made == path.read_bytes(), path
        changed += made != source.data
    assert changed > len(PIECES) / 2
