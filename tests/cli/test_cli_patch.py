"""`docstrings --patch FILE` and `--report FORMAT:FILE`: one run, every file that somebody wants of it."""

from __future__ import annotations

import json
from pathlib import Path

import junitparser
import pytest
from cli_help import at, bytes_of, each, folder_with, git, is_canary, on_first, run
from doubles.dmr import DmrDouble

TEA = "def boil(kettle):\n    return kettle.heat()\n"

# (the folder that the patch is made in, flags beside --patch, what stdout begins with, whether files change)
RUNS = [
    pytest.param(".", (), "packages/tea/a.py:1: function boil", False, id="at the top"),
    pytest.param("packages/tea", (), "a.py:1: function boil", False, id="in a folder"),
    pytest.param("packages/tea", ("--format", "sarif"), '{\n  "$schema"', False, id="with a report"),
    pytest.param("packages/tea", ("--output", "text"), "", False, id="with a report elsewhere"),
    pytest.param("packages/tea", ("--write",), "", True, id="of what is edited"),
]


def repository(within: Path) -> Path:
    top = folder_with(within)
    folder = top / "packages" / "tea"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text(TEA)
    git("init", "-q", cwd=top)
    git("add", ".", cwd=top)
    return top


def test_the_patch_goes_into_its_file_whatever_the_report_does(tmp_path: Path) -> None:
    def check(here: str, flags: tuple[str, ...], out: str, edits: bool) -> None:
        top = repository(tmp_path)
        patch = tmp_path / f"{top.name}.patch"
        done = run("docstrings", ".", "--patch", patch, *flags, cwd=top / here, env=at(dmr))
        assert (done.code, done.text[: len(out)]) == (0, out), done.err
        assert bool(done.text) is bool(out)
        assert (git("diff", "--name-only", cwd=top) != "") is edits
        after = git("diff", cwd=top)
        if edits:
            git("checkout", "-q", ".", cwd=top)
        for place in (top, top / "packages" / "tea"):
            git("apply", str(patch), cwd=place)
            assert '"""' in (top / "packages/tea/a.py").read_text()
            assert not edits or git("diff", cwd=top) == after
            git("apply", "-R", str(patch), cwd=place)

    with DmrDouble() as dmr:
        each(RUNS, check)


def test_a_patch_of_nothing_is_an_empty_file(tmp_path: Path) -> None:
    here = folder_with(tmp_path, a='def boil():\n    """Boil."""\n')
    with DmrDouble() as dmr:
        done = run("docstrings", ".", "--patch", "p", cwd=here, env=at(dmr))
    assert (done.code, (here / "p").read_bytes()) == (0, b"")


def test_one_run_gives_every_report(tmp_path: Path) -> None:
    here = folder_with(tmp_path, a=TEA)
    more = ("--report", "junit:junit.xml", "--report", "sarif:with:colon", "--report", "text:text")
    with DmrDouble() as dmr:
        done = run("docstrings", "a.py", "--format", "github", *more, cwd=here, env=at(dmr))
        assert sum(not is_canary(one.body) for one in dmr.chats) == 1
    assert done.text.startswith("::notice file=a.py,line=1")
    assert junitparser.JUnitXml.fromfile(str(here / "junit.xml")).tests == 1
    assert len(json.loads((here / "with:colon").read_text())["runs"][0]["results"]) == 1
    assert (here / "text").read_text() == "a.py:1: function boil has no docstring [docstring-missing]\n"


def test_check_reports_too(tmp_path: Path) -> None:
    here = folder_with(tmp_path, a=TEA)
    done = run("docstrings", ".", "--check", "--report", "json:report.json", "-q", cwd=here)
    assert (done.code, done.text.count("\n"), done.err) == (1, 1, "")
    assert len(json.loads((here / "report.json").read_text())["findings"]) == 1


def test_a_report_that_cannot_be_written_keeps_the_others(tmp_path: Path) -> None:
    here = folder_with(tmp_path, a=TEA)
    (here / "gone").mkdir()

    def take_away() -> None:
        (here / "gone").rmdir()

    reports = ("--report", "json:kept", "--report", "json:gone/one", "--report", "text:kept2")
    with DmrDouble(answer=on_first(take_away)) as dmr:
        done = run("docstrings", "a.py", "--patch", "p", *reports, cwd=here, env=at(dmr))
    assert (done.code, done.text[:5]) == (2, "a.py:")
    assert "gone/one cannot be written" in done.err
    assert all((here / name).stat().st_size for name in ("kept", "kept2", "p"))


# (flags, what the message says)
REFUSED = [
    pytest.param(("--patch", "no/where"), "there is no folder no", id="a patch into nowhere"),
    pytest.param(("--patch", "."), "is a directory", id="a patch into a folder"),
    pytest.param(("--patch", "p", "--check"), "leave --check or --patch out", id="a patch of a check"),
    pytest.param(("--report", "sarif"), "'sarif' is not FORMAT:FILE", id="no file"),
    pytest.param(("--report", "sarif:"), "is not FORMAT:FILE", id="an empty file"),
    pytest.param(("--report", "word:x"), "with a format of text, json", id="no such format"),
    pytest.param(("--report", "text:no/where"), "there is no folder no", id="a report into nowhere"),
    pytest.param(("--patch", "x", "--report", "text:x"), "x is to be written twice", id="one file for two"),
    pytest.param(("--output", "x", "--report", "text:./x"), "written twice", id="however it is spelt"),
    pytest.param(("--write", "--patch", "p", ".."), "--write alone", id="a patch of what is outside"),
]


def test_what_makes_no_sense_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    here = folder_with(tmp_path, a=TEA)
    (tmp_path / "outside.py").write_text(TEA)
    before = bytes_of(here)

    def check(flags: tuple[str, ...], says: str) -> None:
        done = run("docstrings", "a.py", *flags, cwd=here, env=at(dmr))
        assert (done.code, done.out) == (2, b"")
        assert says in done.err

    with DmrDouble() as dmr:
        each(REFUSED, check)
        assert dmr.requests == []
    assert bytes_of(here) == before
