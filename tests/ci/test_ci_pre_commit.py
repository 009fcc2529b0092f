"""`.pre-commit-hooks.yaml`, with the real pre-commit, in a real repository, on real commits."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from cli.cli_help import at, git, run
from doubles.dmr import DmrDouble
from repositories import ROOT, checkout_of_ours, repository

HOOKS = ROOT / ".pre-commit-hooks.yaml"
PRE_COMMIT = Path(sys.executable).with_name("pre-commit")
BARE = "def boil(kettle):\n    return kettle.heat()\n"
DOCUMENTED = 'def boil(kettle):\n    """Heat the kettle until it whistles."""\n    return kettle.heat()\n'

CHECK, WRITE = "workflow-hub-docstrings-check", "workflow-hub-docstrings"
# (the hook, a file of the commit, whether there is one, what the user reads)
COMMITS = [
    (CHECK, BARE, False, "a.py:1: function boil has no docstring [docstring-missing]"),
    (CHECK, DOCUMENTED, True, "every docstring is there"),
    (CHECK, "def boil(:\n", False, "syntax error"),
    (WRITE, BARE, False, "files were modified by this hook"),
]


def test_the_manifest_is_one() -> None:
    done = subprocess.run([PRE_COMMIT, "validate-manifest", HOOKS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_entries_are_commands_of_ours(tmp_path: Path) -> None:
    for hook in yaml.safe_load(HOOKS.read_text()):
        command, *arguments = hook["entry"].split()
        assert command == "workflow-hub"
        assert run(*arguments, "--help", cwd=tmp_path).code == 0


def test_the_writing_hook_brings_the_embedded_engine() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    (hook,) = (one for one in yaml.safe_load(HOOKS.read_text()) if one["id"] == WRITE)
    assert hook["additional_dependencies"] == extras["embedded"]


@pytest.mark.index
def test_a_commit_has_its_docstrings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One test, for installing the hooks takes longest."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "pre-commit"))
    ours = checkout_of_ours(tmp_path / "ours")
    with DmrDouble() as dmr:
        for number, (hook, code, passes, says) in enumerate(COMMITS):
            project = repository(tmp_path / str(number), {".pre-commit-config.yaml": config(ours, hook)})
            subprocess.run([PRE_COMMIT, "install"], cwd=project, check=True, capture_output=True)
            (project / "a.py").write_text(code)
            done = commit(project, at(dmr))
            assert (done.returncode == 0) is passes, done.stdout
            assert says in done.stdout
            if hook == WRITE:
                assert '"""' in (project / "a.py").read_text()
                assert commit(project, at(dmr)).returncode == 0, "what was written is looked at, and added"


def config(ours: Path, hook: str) -> str:
    """The project's own; without the embedded engine, for the double answers."""
    hooks = [{"id": hook, "additional_dependencies": []}]
    repo = {"repo": f"file://{ours}", "rev": git("rev-parse", "HEAD", cwd=ours).strip(), "hooks": hooks}
    return yaml.safe_dump({"repos": [repo]})


def commit(project: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A commit of everything, with what git and the hooks said on `stdout`."""
    git("add", ".", cwd=project)
    return subprocess.run(
        ["git", "commit", "-m", "tea"],
        cwd=project,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
