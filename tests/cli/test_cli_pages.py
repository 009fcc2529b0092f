"""Help, versions and unknown words: what is printed, where, and with which exit code."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest
from cli_help import each, run

# (arguments, words that the page must have)
PAGES = [
    pytest.param(("--help",), ["docstrings", "engine", "doctor"], id="--help"),
    pytest.param(("-h",), ["docstrings", "engine", "doctor"], id="-h"),
    pytest.param(("docstrings", "--help"), ["--write", "--check", "--fail-on", "sarif"], id="docstrings"),
    pytest.param(("docstrings", "-h"), ["--provider", "--model", "--no-cache", "--jobs"], id="its options"),
    pytest.param(("docstrings", "--help"), ["status", "accept", "Commands"], id="its commands"),
    pytest.param(("docstrings", "status", "-h"), ["--check", "--format"], id="docstrings status"),
    pytest.param(("docstrings", "accept", "-h"), ["[PATH]", "--format"], id="docstrings accept"),
    pytest.param(("ask", "--help"), ["--json-schema", "--no-tools", "--verify", "Exit code"], id="ask"),
    pytest.param(("ask", "-h"), ["-f", "--image", "--approve", "--allow", "--in-copy"], id="its options too"),
    pytest.param(("engine", "--help"), ["start", "stop", "status"], id="engine"),
    pytest.param(("engine", "start", "-h"), ["--model"], id="engine start"),
    pytest.param(("engine", "stop", "-h"), ["Usage"], id="engine stop"),
    pytest.param(("engine", "status", "-h"), ["Usage"], id="engine status"),
    pytest.param(("doctor", "--help"), ["--format", "Exit code"], id="doctor"),
    pytest.param(("route", "--help"), ["explain", "check", "list"], id="route"),
    pytest.param(("route", "explain", "-h"), ["--task", "--image", "--ask"], id="route explain"),
    pytest.param(("route", "check", "-h"), ["Exit code"], id="route check"),
]


def test_help_is_on_stdout(tmp_path: Path) -> None:
    def check(arguments: tuple[str, ...], words: list[str]) -> None:
        done = run(*arguments, cwd=tmp_path)
        assert (done.code, done.err) == (0, "")
        assert all(word in done.text for word in words)
        assert done.text.startswith("Usage: workflow-hub")

    each(PAGES, check)


def test_the_version_is_that_of_the_package(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.code, done.text) == (0, f"workflow-hub {version('workflow-hub')}\n")


UNKNOWN = [
    pytest.param((), "Usage", id="nothing at all"),
    pytest.param(("document",), "document", id="an unknown command"),
    pytest.param(("--nonsense",), "--nonsense", id="an unknown option"),
    pytest.param(("engine",), "Usage", id="a group without a command"),
    pytest.param(("engine", "restart"), "restart", id="an unknown command of a group"),
    pytest.param(("doctor", "now"), "now", id="a word too many"),
]


def test_unknown_words_are_refused_on_stderr(tmp_path: Path) -> None:
    def check(arguments: tuple[str, ...], named: str) -> None:
        done = run(*arguments, cwd=tmp_path)
        assert (done.code, done.out) == (2, b"")
        assert named in done.err

    each(UNKNOWN, check)


def test_a_shell_can_complete_the_commands(tmp_path: Path) -> None:
    env = {"_WORKFLOW_HUB_COMPLETE": "bash_complete", "COMP_WORDS": "workflow-hub d", "COMP_CWORD": "1"}
    done = run(cwd=tmp_path, env=env)
    assert [line.partition(",")[2] for line in done.text.splitlines()] == ["docstrings", "doctor"]


def test_nothing_is_written_by_looking_around(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for arguments in (
        ("--help",),
        ("--version",),
        ("docstrings", "-h"),
        ("engine", "status"),
        ("engine", "stop"),
    ):
        run(*arguments, cwd=tmp_path, env={"HOME": str(home)})
    assert not [path for path in home.rglob("*.py*") if path.is_file()]
    assert not (home / ".cache").exists()
