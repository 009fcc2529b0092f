"""Old debt does not fail the build, new debt does: baselines and limits of `docstrings --check`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_help import Ran, each, folder_with, git, run

CODE = (
    'def boil(cup):\n    return cup\n\n\ndef pour(cup):\n    return cup\n\n\ndef sip(cup):\n    """Sip."""\n'
)


def check(folder: Path, *arguments: str) -> Ran:
    return run("docstrings", "--check", *arguments, cwd=folder)


def test_a_baseline_lets_old_findings_pass_and_no_new_ones(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=CODE, b=CODE)
    written = check(folder, ".", "--baseline", "debt.json", "--write-baseline")
    assert (written.code, written.out) == (0, b"") and "findings that debt.json knows now: 4" in written.err
    (folder / "a.py").write_text("import os\n\n\n" + CODE + "\n\ndef new(cup): ...\n")
    second = check(folder, ".", "--baseline", "debt.json")
    assert (second.code, second.text) == (1, "a.py:16: function new has no docstring [docstring-missing]\n")
    assert "4 known by debt.json" in second.err
    (folder / "a.py").write_text(CODE.replace("def boil(cup):\n", 'def boil(cup):\n    """Boil."""\n'))
    (folder / "b.py").unlink()
    better = check(folder, ".", "--baseline", "debt.json")
    assert (better.code, better.out) == (0, b"")
    assert "3 of debt.json found no more; --write-baseline takes them out" in better.err
    check(folder, ".", "--baseline", "debt.json", "--write-baseline")
    assert [one["item"] for one in json.loads((folder / "debt.json").read_text())["findings"].values()] == [
        "a.py::pour"
    ]


def test_what_is_not_looked_at_stays_in_the_baseline(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=CODE, b=CODE, c=CODE)
    check(folder, ".", "--baseline", "debt.json", "--write-baseline")
    before = (folder / "debt.json").read_text()
    (folder / "c.py").write_text("def broken(:\n")
    git("init", "-q", cwd=folder)
    for arguments in (("a.py",), ("--changed",), ("c.py",)):
        done = check(folder, *arguments, "--baseline", "debt.json")
        assert "found no more" not in done.err
    assert check(folder, "a.py", "c.py", "--baseline", "debt.json", "--write-baseline").code == 3
    assert (folder / "debt.json").read_text() == before


def test_the_share_of_what_is_documented_is_in_the_reports(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=CODE, b='"""Words."""\n')
    report = check(folder, ".", "--format", "json", "--report", "markdown:summary.md").report
    assert report["summary"]["coverage"] == {"documented": 1, "wanted": 3, "percent": 33.3}
    assert "\nDocumented: 1 of 3 (33.3 %).\n" in (folder / "summary.md").read_text()
    nothing = check(folder, "b.py", "--format", "json").report
    assert "coverage" not in nothing["summary"]


# (settings, exit code, what is said)
LIMITS = [
    pytest.param("{}", 1, "Documented: 1 of 3 (33.3 %).", id="none"),
    pytest.param("{max: {docstring-missing: 2}}", 0, "2 findings: 2 info.", id="as many as may be"),
    pytest.param("{max: {docstring-missing: 1}}", 1, "2, more than the 1 of docstrings.max", id="more"),
    pytest.param("{rules: {docstring-missing: off}}", 0, "no findings.", id="off"),
    pytest.param("{rules: {docstring-missing: off}, fail_under: 33}", 0, "(33.3 %)", id="enough"),
    pytest.param(
        "{rules: {docstring-missing: off}, fail_under: 34}", 1, "33.3 %, less than the 34 %", id="too few"
    ),
    pytest.param("{rules: {docstring-missing: warning}}", 0, "2 findings: 2 warning.", id="less grave"),
    pytest.param(
        "{baseline: debt.json}", 2, "no baseline debt.json; --write-baseline makes it", id="no file"
    ),
    pytest.param("{rules: {param-order: of}}", 2, "workflow-hub.yaml:1: docstrings.rules", id="no level"),
    pytest.param(
        "{rules: {param-oder: off}}", 2, "unknown rule param-oder; did you mean param-order?", id="no rule"
    ),
    pytest.param("{max: {param-order: -1}}", 2, "workflow-hub.yaml:1: docstrings.max", id="no number"),
]


def test_limits_are_settings(tmp_path: Path) -> None:
    def one(settings: str, code: int, said: str) -> None:
        folder = folder_with(tmp_path, a=CODE)
        (folder / "workflow-hub.yaml").write_text(f"docstrings: {settings}\n")
        done = check(folder, ".")
        assert (done.code, said in done.err) == (code, True), done.err

    each(LIMITS, one)


# (arguments, what is said)
REFUSED = [
    pytest.param((".", "--check", "--write-baseline"), "needs --baseline FILE, or the setting", id="no file"),
    pytest.param((".", "--baseline", "x.json"), "go with --check", id="no check"),
    pytest.param(
        ("--check", "--changed", "--baseline", "x.json", "--write-baseline"),
        "has to see everything",
        id="changed",
    ),
    pytest.param((".", "--check", "--baseline", "a.py"), "a.py is no baseline", id="another file"),
]


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, a=CODE)
    git("init", "-q", cwd=folder)

    def one(arguments: tuple[str, ...], said: str) -> None:
        done = run("docstrings", *arguments, cwd=folder)
        assert (done.code, done.out, said in done.err) == (2, b"", True), done.err

    each(REFUSED, one)
