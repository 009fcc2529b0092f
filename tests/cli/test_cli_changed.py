"""`docstrings --changed` and `--staged`: in a hook, in a pull request, and where git has no answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_help import COMMAND, at, each, folder_with, git, run
from doubles.dmr import DmrDouble

OLD = "def old(cup):\n    return cup\n\n\ndef same(cup):\n    return 1\n"
NEW = OLD.replace("return cup", "return cup.tea") + "\n\ndef new(cup):\n    return cup\n"
WHO = ("-c", "user.name=a", "-c", "user.email=a@b")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A repository with a branch `main`, and a changed file on top of it."""
    folder = folder_with(tmp_path, a=OLD)
    git("init", "-q", "-b", "main", cwd=folder)
    git("add", ".", cwd=folder)
    git(*WHO, "commit", "-q", "-m", "x", cwd=folder)
    (folder / "a.py").write_text(NEW)
    return folder


# (arguments, the functions that are looked at)
WAYS = [
    pytest.param(("--changed",), ["old", "new"], id="the folder"),
    pytest.param((".", "--changed"), ["old", "new"], id="a path before"),
    pytest.param(("--changed=", "."), ["old", "new"], id="no revision"),
    pytest.param(("--changed=main", "a.py"), ["old", "new"], id="a revision"),
    pytest.param(("--changed", "main"), ["old", "new"], id="a word that is a revision"),
    pytest.param(("--staged",), [], id="nothing staged"),
    pytest.param((".",), ["old", "same", "new"], id="everything"),
]


def test_only_what_changed_is_looked_at(here: Path) -> None:
    def check(arguments: tuple[str, ...], names: list[str]) -> None:
        done = run("docstrings", "--check", *arguments, cwd=here)
        assert [line.split()[2] for line in done.text.splitlines()] == names
        assert done.code == (1 if names else 0)

    each(WAYS, check)


def test_a_patch_of_what_is_staged_is_for_the_index(here: Path) -> None:
    git("add", ".", cwd=here)
    (here / "a.py").write_text("# something else\n" + NEW)
    with DmrDouble() as dmr:
        refused = run("docstrings", "--staged", "--write", cwd=here, env=at(dmr))
        patch = run("docstrings", "--staged", cwd=here, env=at(dmr))
    assert (refused.code, patch.code) == (2, 0)
    assert "a.py has changes that are not staged; type `git add a.py`, or leave --write out" in refused.err
    git("apply", "--cached", cwd=here, data=patch.out)
    assert git("show", ":a.py", cwd=here).count('"""') >= 4
    assert (here / "a.py").read_text() == "# something else\n" + NEW


def test_what_changed_is_documented(here: Path) -> None:
    with DmrDouble() as dmr:
        done = run("docstrings", "--changed", "--write", cwd=here, env=at(dmr))
    assert done.code == 0 and "2 documented" in done.err
    before, after = (here / "a.py").read_text().split("def same")
    assert '"""' in before and '"""' in after
    assert after.startswith("(cup):\n    return 1\n")


# (arguments, what is said)
REFUSED = [
    pytest.param(("--changed", "a.py"), "type `a.py --changed`, or --changed=REF", id="a path behind"),
    pytest.param(("--changed", "nothing"), "'nothing' is no revision in this", id="no revision"),
    pytest.param(("--changed", "--staged"), "exclude each other", id="both"),
    pytest.param((), "Missing argument 'PATH...'", id="nothing to look at"),
]


def test_what_git_does_not_know_is_refused(here: Path) -> None:
    def check(arguments: tuple[str, ...], said: str) -> None:
        done = run("docstrings", "--check", *arguments, cwd=here)
        assert (done.code, done.out) == (2, b"")
        assert said in done.err

    each(REFUSED, check)


def test_outside_of_a_work_tree_there_is_no_answer(tmp_path: Path) -> None:
    env = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    done = run("docstrings", "--check", "--changed", cwd=folder_with(tmp_path, a=OLD), env=env)
    assert (done.code, done.out, len(done.messages)) == (2, b"", 1)
    assert "not a git repository" in done.err and "without --changed" in done.err


def test_in_a_hook_the_index_is_that_of_the_commit(here: Path) -> None:
    """`git commit FILE` works on an index of its own, whose name only the hook is told."""
    (here / "b.py").write_text("def unrelated(): ...\n")
    git("add", ".", cwd=here)
    hook = here / ".git" / "hooks" / "pre-commit"
    hook.write_text(f"#!/bin/sh\n{COMMAND} docstrings --check --staged > seen.txt\nexit 0\n")
    hook.chmod(0o755)
    git(*WHO, "commit", "-q", "-m", "y", "a.py", cwd=here)
    assert [line.split()[2] for line in (here / "seen.txt").read_text().splitlines()] == ["old", "new"]


STALE = 'def boil(cup):\n    """Boil it.\n\n    Args:\n        cup: What for.\n    """\n'


def test_what_changed_since_a_docstring_was_written_is_told_with_its_commit(here: Path) -> None:
    (here / "b.py").write_text(STALE)
    git("add", ".", cwd=here)
    git(*WHO, "commit", "-q", "-m", "y", cwd=here)
    sha = git("rev-parse", "--short=7", "HEAD", cwd=here).strip()
    (here / "b.py").write_text(STALE.replace("(cup)", "(cup, timeout)"))
    done = run("docstrings", "--check", "b.py", cwd=here)
    first, second = done.text.splitlines()
    assert first.endswith("function boil does not describe the parameter timeout [param-missing]")
    assert f"is stale: parameter timeout added since the docstring was written ({sha}, " in second
    assert (done.code, done.messages) == (
        1,
        ["2 findings: 1 error, 1 warning. Documented: 1 of 1 (100.0 %)."],
    )
    off = run(
        "docstrings",
        "--check",
        "b.py",
        cwd=here,
        env={"WORKFLOW_HUB_DOCSTRINGS_RULES": "docstring-stale=off"},
    )
    assert len(off.text.splitlines()) == 1


def test_without_history_that_is_said_once(here: Path, tmp_path: Path) -> None:
    git("clone", "-q", "--depth=1", f"file://{here}", str(tmp_path / "clone"), cwd=tmp_path)
    done = run("docstrings", "--check", ".", cwd=tmp_path / "clone")
    assert done.messages[0] == (
        "docstring-stale is not judged: the clone is shallow; `git fetch --unshallow` brings its history"
    )
    assert len(done.messages) == 2
    assert run("docstrings", "--check", ".", "-q", cwd=tmp_path / "clone").err == ""
