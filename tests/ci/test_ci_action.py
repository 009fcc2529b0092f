"""`action.yml`: held to its schema, its scripts to shellcheck, and all of them run in a real bash."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli.cli_help import COMMAND, NO_WEIGHTS, git
from doubles.dmr import DmrDouble
from repositories import ROOT, checkout_of_ours, repository, schema_says

ACTION = ROOT / "action.yml"
DOCUMENT: dict[str, Any] = yaml.safe_load(ACTION.read_text())
STEPS: list[dict[str, Any]] = DOCUMENT["runs"]["steps"]
SCRIPTS = [step for step in STEPS if "run" in step]
BARE = "def boil(kettle):\n    return kettle.heat()\n"
HOSTILE = "a $(touch owned) `touch owned`; touch owned '\"$HOME.py"


@dataclass
class Job:
    """What GitHub's runner does with this action, as far as its scripts can tell: files and variables."""

    folder: Path
    workspace: Path
    env: Mapping[str, str] = field(default_factory=dict)
    event: Mapping[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    summary: str = ""

    def run(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        """The step of that name, with these inputs beside the defaults."""
        (step,) = (one for one in SCRIPTS if one["name"] == name)
        script, output, summary = (self.folder / one for one in ("step.sh", "output", "summary"))
        script.write_text(step["run"])
        output.write_text("")
        summary.write_text("")
        known = self.known(inputs)
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.workspace / filled(step.get("working-directory", "."), known),
            env={
                **os.environ,
                **NO_WEIGHTS,
                **self.env,
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(summary),
                **{key: filled(value, known) for key, value in step["env"].items()},
            },
            capture_output=True,
            text=True,
        )
        lines = [line.partition("=") for line in output.read_text().splitlines()]
        self.outputs |= {f"steps.{step.get('id')}.outputs.{key}": value for key, _, value in lines}
        self.summary += summary.read_text()
        return done

    def known(self, inputs: Mapping[str, str]) -> dict[str, str]:
        """Every expression that the action may use, and its value."""
        assert inputs.keys() <= {name.replace("-", "_") for name in DOCUMENT["inputs"]}
        typed = {
            name: inputs.get(name.replace("-", "_"), one["default"])
            for name, one in DOCUMENT["inputs"].items()
        }
        return {
            "runner.temp": str(self.folder),
            "github.action_path": str(self.folder / "ours"),
            "github.event.pull_request.base.sha || github.event.before": self.event.get("base", ""),
            **{f"inputs.{name}": value for name, value in typed.items()},
            **dict.fromkeys(re.findall(r"steps\.[\w.-]+", ACTION.read_text()), ""),
            "steps.python.outputs.python-path": sys.executable,
            **self.outputs,
        }


def filled(text: str, known: Mapping[str, str]) -> str:
    return re.sub(r"\$\{\{ (.+?) \}\}", lambda found: known[found[1]], text)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """A job whose virtual environment is this one, in a repository with a function without a docstring."""
    folder = tmp_path / "runner"
    (folder / "workflow-hub").mkdir(parents=True)
    (folder / "workflow-hub" / "venv").symlink_to(Path(COMMAND).parents[1])
    return Job(folder, repository(tmp_path / "work", {"src/a.py": BARE, HOSTILE: BARE}))


def test_it_is_an_action_by_the_published_schema() -> None:
    assert schema_says("vendor.github-actions", ACTION) == ""


@pytest.mark.parametrize("step", SCRIPTS, ids=lambda step: step["name"])
def test_a_script_is_a_good_one(step: dict[str, Any], tmp_path: Path) -> None:
    script = tmp_path / "step.sh"
    given = "".join(f"export {name}=''\n" for name in (*step["env"], "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"))
    script.write_text(f"#!/bin/bash\n{given}{step['run']}")
    shellcheck = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [shellcheck, "--enable=all", "--exclude=SC2250,SC2292", script], capture_output=True, text=True
    )
    assert done.stdout == ""
    assert "${{" not in step["run"], "what others type goes through the environment, never into a script"


def test_what_is_typed_reaches_steps_as_values_only() -> None:
    for step in STEPS:
        for place in step.keys() - {"env", "with", "if", "working-directory"}:
            assert "inputs." not in str(step[place])


# (inputs, exit code, whether there is a patch, whether files change, how many annotations of which kind)
RUNS = [
    pytest.param({}, 1, False, False, {"error": 1}, id="check"),
    pytest.param({"fail_on": "info"}, 1, False, False, {"error": 1}, id="the severity"),
    pytest.param({"mode": "patch"}, 0, True, False, {"notice": 1}, id="patch"),
    pytest.param({"mode": "patch", "fail_on": "info"}, 1, True, False, {"notice": 1}, id="patch that fails"),
    pytest.param({"mode": "write"}, 0, True, True, {}, id="write"),
    pytest.param({"working_directory": "src", "paths": "a.py"}, 1, False, False, {"error": 1}, id="a folder"),
    pytest.param({"paths": "src\n\nb\n"}, 2, False, False, {}, id="a path that is not there"),
    pytest.param({"args": "--kinds\nmodules"}, 1, False, False, {"error": 1}, id="more arguments"),
]


@pytest.mark.parametrize(("inputs", "code", "patch", "changed", "annotations"), RUNS)
def test_a_job(
    job: Job, inputs: dict[str, str], code: int, patch: bool, changed: bool, annotations: dict[str, int]
) -> None:
    inputs = {"paths": "src", **inputs}
    with DmrDouble() as dmr:
        job.env = {"DMR_BASE_URL": dmr.url}
        done = job.run("Run workflow-hub docstrings", **inputs)
        assert (dmr.requests == []) is (inputs.get("mode", "check") == "check")
    assert done.returncode == 0, done.stderr
    assert job.run("Verdict", **inputs).returncode == code
    assert {kind: done.stdout.count(f"::{kind} file=src/a.py") for kind in annotations} == annotations
    assert done.stdout.count("::") == 2 * sum(annotations.values())
    output = {key.rpartition(".")[2]: value for key, value in job.outputs.items()}
    assert output.pop("exit-code") == str(code)
    assert (git("status", "--porcelain", "src", cwd=job.workspace) != "") is changed
    if code == 2:
        assert (output, job.summary) == ({}, "")
        return
    assert json.loads(Path(output.pop("report")).read_text())["summary"]["failed"] == 0
    assert job.summary.startswith("## workflow-hub docstrings: ")
    if patch:
        git("apply", *(["-R"] if changed else []), output.pop("patch"), cwd=job.workspace)
    assert output == {}


# (what is typed, the base that GitHub tells, the functions that are looked at)
CHANGES = [
    pytest.param("false", "HEAD~1", {"boil", "pour"}, id="everything"),
    pytest.param("true", "HEAD~1", {"pour"}, id="since the base"),
    pytest.param("HEAD~1", "", {"pour"}, id="since a revision"),
    pytest.param("HEAD", "HEAD~1", set(), id="since another one"),
    pytest.param("true", "0" * 40, {"boil", "pour"}, id="a new branch"),
    pytest.param("true", "", {"boil", "pour"}, id="no base"),
]


@pytest.mark.parametrize(("changed", "base", "seen"), CHANGES)
def test_only_what_changed(job: Job, changed: str, base: str, seen: set[str]) -> None:
    (job.workspace / "src" / "b.py").write_text(BARE.replace("boil", "pour"))
    git("add", "src", cwd=job.workspace)
    git("commit", "-qm", "second", cwd=job.workspace)
    job.event = {"base": base}
    done = job.run("Run workflow-hub docstrings", paths="src", changed=changed)
    assert set(re.findall(r"function (\w+) has no docstring", done.stdout)) == seen, done.stderr


def test_what_is_typed_is_never_run(job: Job) -> None:
    typed = {"paths": HOSTILE, "reports": f"text:{HOSTILE}.txt", "fail_on": "warning"}
    done = job.run("Run workflow-hub docstrings", **typed)
    assert job.outputs["steps.run.outputs.exit-code"] == "1", done.stderr
    assert (job.workspace / f"{HOSTILE}.txt").read_text().endswith("[docstring-missing]\n")
    for name in ("mode", "changed", "fail_on", "args", "reports", "paths"):
        job.run("Run workflow-hub docstrings", **{name: "$(touch owned); touch owned\n`touch owned`"})
    assert not (job.workspace / "owned").exists()


def test_a_mode_that_there_is_not(job: Job) -> None:
    done = job.run("Run workflow-hub docstrings", mode="fix")
    assert (done.returncode, done.stdout) == (2, "::error::mode is check, patch or write\n")


def test_the_caches_are_named_by_the_prompt_and_the_weights(job: Job) -> None:
    own = ROOT / "prompts" / "docstrings.j2"
    assert job.run("Name the caches").returncode == 0
    first = dict(job.outputs)
    (job.workspace / "prompts").mkdir()
    (job.workspace / "pathlib.py").write_text("raise SystemExit('a module of the project was imported')")
    (job.workspace / "prompts" / own.name).write_text(own.read_text() + " ")
    assert job.run("Name the caches").returncode == 0
    prompt, weights, file = (f"steps.names.outputs.{name}" for name in ("prompt", "weights", "file"))
    assert first.keys() == {prompt, weights, file}
    assert re.fullmatch(r"docstrings-[0-9a-f]{16}", first[prompt]) and first[prompt] != job.outputs[prompt]
    assert re.fullmatch(r"[0-9a-f]{64}", first[weights])
    assert first[file].endswith("/workflow-hub/weights/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")


def test_weights_that_were_fetched_are_told(job: Job, tmp_path: Path) -> None:
    (tmp_path / "weights.gguf").write_bytes(b"GGUF")
    job.outputs["steps.names.outputs.file"] = str(tmp_path / "weights.gguf")
    job.run("Run workflow-hub docstrings", paths="src")
    assert job.outputs["steps.run.outputs.weights"] == "here"


@pytest.mark.index
def test_it_installs_what_it_came_with(tmp_path: Path) -> None:
    job = Job(tmp_path / "runner", repository(tmp_path / "work", {"a.py": BARE}))
    job.folder.mkdir()
    checkout_of_ours(job.folder / "ours")
    installed = job.run("Install workflow-hub")
    assert installed.returncode == 0, installed.stderr
    assert job.run("Run workflow-hub docstrings").returncode == 0
    assert job.outputs["steps.run.outputs.exit-code"] == "1"
