"""Repositories for tests: a user's, and one of ours as others install from it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from cli.cli_help import git

ROOT = Path(__file__).parents[2]
# What a wheel is built from, and what other programs read at the top of the repository.
OURS = (
    "workflow_hub",
    "prompts",
    "routing.yaml",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "action.yml",
    ".pre-commit-hooks.yaml",
)


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A repository in `folder` with one commit of these files; whoever commits there has a name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git("init", "-q", "-b", "main", cwd=folder)
    git("config", "user.name", "Tester", cwd=folder)
    git("config", "user.email", "tester@localhost", cwd=folder)
    git("add", ".", cwd=folder)
    git("commit", "-q", "-m", "first", cwd=folder)
    return folder


def checkout_of_ours(folder: Path) -> Path:
    """A repository with what this checkout holds, committed or not."""
    folder.mkdir()
    for name in OURS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy2(ROOT / name, folder / name)
    return repository(folder, {})


def schema_says(name: str, file: Path) -> str:
    """What one of the published schemas that check-jsonschema brings says against a file; empty: nothing."""
    program = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run([program, "--builtin-schema", name, file], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr
