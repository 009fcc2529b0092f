"""docs/in-ci.md: every workflow on it is one by its schema, and what it types is run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli.cli_help import COMMAND, NO_WEIGHTS, at, git, run
from doubles.dmr import DmrDouble
from repositories import ROOT, repository, schema_says

PAGE = (ROOT / "docs" / "in-ci.md").read_text()
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.M | re.S)
FILES = [(code.partition("\n")[0].removeprefix("# "), code) for kind, code in BLOCKS if kind == "yaml"]
SCHEMAS = {"github": "vendor.github-workflows", "gitlab-ci": "vendor.gitlab-ci"}
BARE = "def boil(kettle):\n    return kettle.heat()\n"


def schema_of(name: str) -> str | None:
    return next((schema for part, schema in SCHEMAS.items() if name.startswith(f".{part}")), None)


def found(tree: Any, key: str) -> Iterator[Any]:
    """Every value of that key, wherever in the tree it is."""
    if isinstance(tree, dict):
        yield from ([tree[key]] if key in tree else [])
        tree = list(tree.values())
    if isinstance(tree, list):
        for one in tree:
            yield from found(one, key)


def steps_with_ours(tree: Any) -> Iterator[dict[str, Any]]:
    steps = [tree] if isinstance(tree, list) else found(tree, "steps")
    for one in steps:
        yield from (step for step in one if step.get("uses", "").startswith("OWNER/workflow_hub@"))


@pytest.mark.parametrize(("name", "code"), [file for file in FILES if schema_of(file[0])])
def test_a_workflow_is_one_by_the_published_schema(tmp_path: Path, name: str, code: str) -> None:
    file = tmp_path / Path(name).name
    file.write_text(code)
    schema = schema_of(name)
    assert schema is not None and schema_says(schema, file) == ""


def test_no_block_is_left_out() -> None:
    rest = {name for name, _ in FILES if schema_of(name) is None}
    assert rest == {".pre-commit-config.yaml", "a step"}
    assert len(FILES) - len(rest) == 5


def test_the_hooks_are_those_of_the_manifest(tmp_path: Path) -> None:
    (code,) = (code for name, code in FILES if name == ".pre-commit-config.yaml")
    (tmp_path / ".pre-commit-config.yaml").write_text(code)
    program = Path(sys.executable).with_name("pre-commit")
    done = subprocess.run([program, "validate-config"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    manifest = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert {hook["id"] for hooks in found(yaml.safe_load(code), "hooks") for hook in hooks} <= manifest
    assert all(hook in PAGE for hook in manifest)


def test_the_action_is_used_as_it_is() -> None:
    steps = [step for _, code in FILES for step in steps_with_ours(yaml.safe_load(code))]
    assert len(steps) == 4
    for step in steps:
        assert step["with"].keys() <= ACTION["inputs"].keys()
    outputs = set(re.findall(r"steps\.docstrings\.outputs\.([\w-]+)", PAGE))
    assert outputs <= ACTION["outputs"].keys()


def test_the_tables_are_those_of_the_action() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (.+?) \|", PAGE, re.M))
    assert rows.keys() >= ACTION["inputs"].keys() | ACTION["outputs"].keys()
    for name, one in ACTION["inputs"].items():
        if one["default"]:
            assert rows[name] == f"`{one['default']}`"


@pytest.mark.parametrize("script", [one for _, code in FILES for one in found(yaml.safe_load(code), "run")])
def test_a_script_is_a_good_one(tmp_path: Path, script: str) -> None:
    (tmp_path / "step.sh").write_text(f"#!/bin/bash\n{script}")
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run([shellcheck, tmp_path / "step.sh"], capture_output=True, text=True)
    assert done.stdout == ""


def commands() -> Iterator[str]:
    """Every line of the page that calls the hub, as a shell takes it."""
    for _, code in FILES:
        for script in found(yaml.safe_load(code), "script"):
            yield from (line for line in script if line.startswith("workflow-hub "))
    for kind, code in BLOCKS:
        if kind == "sh":
            yield from (line for line in code.splitlines() if line.startswith("workflow-hub "))


@pytest.mark.parametrize("line", list(commands()))
def test_a_command_is_run(tmp_path: Path, line: str) -> None:
    here = repository(tmp_path / "work", {"src/a.py": '"""Tea."""\n'})
    base = git("rev-parse", "HEAD", cwd=here).strip()
    (here / "src" / "b.py").write_text(BARE)
    (here / "docstrings-known.json").write_text('{"version": 1, "findings": {}}\n')
    env = {**os.environ, **NO_WEIGHTS, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    env["PATH"] = f"{Path(COMMAND).parent}:{env['PATH']}"
    with DmrDouble() as dmr:
        done = subprocess.run(
            ["bash", "-c", line], cwd=here, env=env | at(dmr), capture_output=True, text=True
        )
    missing = "--check" in shlex.split(line) and "status" not in line and "--write-baseline" not in line
    assert done.returncode == missing, done.stderr
    for file in re.findall(r"(?:--output|--patch|--report \w+:) ?(\S+)", line):
        assert (here / file).stat().st_size


def test_the_console_shows_what_the_hook_says(tmp_path: Path) -> None:
    here = repository(tmp_path / "work", {"README": "Tea"})
    (here / "a.py").write_text(BARE)
    done = run("docstrings", "--check", "a.py", cwd=here)
    assert f"{done.text}{done.err}" in PAGE
