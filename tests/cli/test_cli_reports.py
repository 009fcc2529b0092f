"""Every format of `workflow-hub docstrings`, as its readers take it from stdout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import html5lib
import junitparser
import pytest
from cli_help import Ran, at, bytes_of, each, git, run
from doubles.dmr import DmrDouble

CODE = "def boil(kettle):\n    return kettle.heat()\n\n\ndef pour(kettle):\n    return kettle.cup\n"

# (format, how many findings and failures its reader finds)
FORMATS: dict[str, Callable[[str], int]] = {
    "json": lambda text: (
        len(json.loads(text)["findings"])
        + sum(one["status"] == "failed" for one in json.loads(text)["outcomes"])
    ),
    "sarif": lambda text: sum(
        len(run["results"]) + len(run["invocations"][0]["toolExecutionNotifications"])
        for run in json.loads(text)["runs"]
    ),
    "rdjson": lambda text: len(json.loads(text)["diagnostics"]),
    "github": lambda text: sum(line.startswith("::") for line in text.splitlines()),
    "gitlab": lambda text: len(json.loads(text)),
    "junit": lambda text: junitparser.JUnitXml.fromstring(text.encode()).tests,
    "markdown": lambda text: text.count("\n| ") - text.count("\n| severity") - text.count("\n| | "),
    "html": lambda text: len(
        html5lib.parse(text, namespaceHTMLElements=False).findall(".//article")
        + html5lib.parse(text, namespaceHTMLElements=False).findall(".//tbody/tr")
    ),
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(CODE)
    (tmp_path / "b.py").write_text("def broken(:\n")
    return tmp_path


@pytest.mark.parametrize("check", [True, False], ids=["check", "run"])
def test_stdout_is_the_report_and_nothing_else(here: Path, check: bool) -> None:
    before = bytes_of(here)

    def reported(form: str, dmr: DmrDouble) -> Ran:
        flags = ("--check",) if check else ()
        return run("docstrings", ".", *flags, "--format", form, cwd=here, env=at(dmr))

    with DmrDouble() as dmr:
        each(
            [pytest.param(form, count, id=form) for form, count in FORMATS.items()],
            lambda form, count: check_one(reported(form, dmr), count),
        )
    assert bytes_of(here) == before


def check_one(done: Ran, count: Callable[[str], int]) -> None:
    assert done.code == 3, "a file that cannot be read makes it incomplete"
    assert count(done.text) == 3
    assert "b.py" in done.text and "syntax error" in done.text
    assert done.text.endswith("\n") and "failed" in done.err


def test_output_takes_the_report(here: Path) -> None:
    done = run("docstrings", ".", "--check", "--format", "junit", "--output", "junit.xml", cwd=here)
    assert done.out == b""
    assert junitparser.JUnitXml.fromfile(str(here / "junit.xml")).failures == 2


# (flags, exit code)
CODES = [
    pytest.param(("--check",), 1, id="missing docstrings are errors"),
    pytest.param(("--check", "--fail-on", "info"), 1, id="and count as less"),
    pytest.param((), 0, id="what is proposed is not"),
    pytest.param(("--format", "sarif", "--fail-on", "warning"), 0, id="nor a warning"),
    pytest.param(("--fail-on", "info"), 1, id="but an info"),
    pytest.param(("--write", "--fail-on", "info"), 0, id="what is written is nothing any more"),
]


def test_fail_on_decides_over_the_exit_code(tmp_path: Path) -> None:
    def check(flags: tuple[str, ...], code: int) -> None:
        folder = tmp_path / "_".join(("at", *flags))
        folder.mkdir()
        (folder / "a.py").write_text(CODE)
        assert run("docstrings", "a.py", *flags, cwd=folder, env=at(dmr)).code == code

    with DmrDouble() as dmr:
        each(CODES, check)


def test_what_was_written_is_no_finding_but_can_be_looked_at(here: Path) -> None:
    (here / "b.py").unlink()
    (here / "c.py").write_text(CODE)
    with DmrDouble() as dmr:
        page = run("docstrings", "a.py", "--write", "--format", "html", cwd=here, env=at(dmr))
        log = run("docstrings", "c.py", "--write", "--format", "sarif", cwd=here, env=at(dmr))
    assert (page.code, log.code, log.report["runs"][0]["results"]) == (0, 0, [])
    tree = html5lib.parse(page.text, namespaceHTMLElements=False)
    assert [one.text for one in tree.findall(".//h2")] == ["Written"]
    assert [one.text for one in tree.findall(".//figcaption")] == ["as it was", "written"] * 2


def test_forges_get_paths_from_the_top_of_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "packages" / "tea"
    inner.mkdir(parents=True)
    (inner / "a.py").write_text(CODE)
    git("init", "-q", cwd=tmp_path)
    text, github, gitlab, sarif = (
        run("docstrings", ".", "--check", "--format", form, cwd=inner)
        for form in ("text", "github", "gitlab", "sarif")
    )
    assert text.text.startswith("a.py:1: function boil has no docstring [docstring-missing]\n")
    assert github.text.startswith("::error file=packages/tea/a.py,line=1,")
    assert json.loads(gitlab.out)[0]["location"]["path"] == "packages/tea/a.py"
    (place,) = sarif.report["runs"][0]["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "packages/tea/a.py"


def test_a_name_that_is_defined_twice_has_two_fingerprints(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("if x:\n    def f(): return 1\nelse:\n    def f(): return 2\n")
    done = run("docstrings", "a.py", "--check", "--format", "gitlab", cwd=tmp_path)
    assert len({one["fingerprint"] for one in json.loads(done.out)}) == 2
