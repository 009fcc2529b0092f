"""`workflow-hub engine` and `doctor`: an engine that stays warm, and what can be had here."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from cli_help import NO_WEIGHTS, at, each, run
from doubles.dmr import DmrDouble
from doubles.tiny_model import build_text_model

ONE = "def one(item):\n    return item\n"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    path = build_text_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf", context_tokens=8192)
    return {"WORKFLOW_HUB_WEIGHTS": str(path)}


@pytest.fixture
def here(tmp_path: Path, tiny: dict[str, str]) -> Iterator[Path]:
    """A folder with one function; no engine of this test is left afterwards."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "one.py").write_text(ONE)
    yield folder
    run("engine", "stop", cwd=folder, env=tiny)


def state() -> dict[str, Any]:
    """What the warm engine says of itself, to its owner alone."""
    (file,) = Path.home().rglob("engine.json")
    assert file.stat().st_mode & 0o077 == 0
    document: dict[str, Any] = json.loads(file.read_text())
    return document


def requests_served(engine: dict[str, Any]) -> float:
    connection = http.client.HTTPConnection(engine["address"].removeprefix("http://"), timeout=10)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {engine['key']}"})
    text = connection.getresponse().read().decode()
    connection.close()
    return sum(float(number) for number in re.findall(r"^llamacpp:tokens_predicted_total (\S+)", text, re.M))


def test_the_engine_is_started_used_and_stopped(here: Path, tiny: dict[str, str]) -> None:
    nothing = run("engine", "status", cwd=here, env=tiny)
    assert (nothing.code, nothing.err) == (0, "")
    assert "no engine" in nothing.text

    started = run("engine", "start", cwd=here, env=tiny)
    engine = state()
    assert started.code == 0
    assert engine["address"] in started.text
    assert str(engine["pid"]) in started.text
    assert engine["key"] not in started.text + started.err

    again = run("engine", "start", "-q", cwd=here, env=tiny)
    assert (again.code, again.err) == (0, "")
    assert state() == engine

    status = run("engine", "status", cwd=here, env=tiny)
    assert engine["address"] in status.text

    before = requests_served(engine)
    done = run("docstrings", "one.py", "--format", "json", cwd=here, env=tiny)
    assert requests_served(engine) > before
    assert "loading" not in done.err
    (outcome,) = done.report["outcomes"]
    assert outcome["route"]["provider"] == "embedded"
    assert state() == engine
    assert psutil.pid_exists(engine["pid"])

    stopped = run("engine", "stop", cwd=here, env=tiny)
    assert stopped.code == 0
    assert engine["address"] in stopped.text
    assert not psutil.pid_exists(engine["pid"]) or psutil.Process(engine["pid"]).status() == "zombie"
    assert "no engine" in run("engine", "stop", cwd=here, env=tiny).text


def test_a_run_takes_its_own_engine_with_it(here: Path, tiny: dict[str, str]) -> None:
    def engines() -> list[int]:
        """The engines that live in this test's home."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            if any(word.endswith("child.py") for word in process.info["cmdline"] or []):
                with contextlib.suppress(psutil.Error):
                    if process.environ().get("HOME") == str(Path.home()):
                        found.append(process.pid)
        return found

    done = run("docstrings", "one.py", "--write", cwd=here, env=tiny)
    assert done.code in {0, 3}
    assert "loading" in done.err
    assert engines() == []
    compile((here / "one.py").read_text(), "one.py", "exec")


WRONG = [
    pytest.param({}, ("--model", "nothing-7b"), ["nothing-7b", "qwen2.5-coder-0.5b"], id="no such weights"),
    pytest.param(NO_WEIGHTS, (), ["WORKFLOW_HUB_WEIGHTS"], id="a file that is not there"),
    pytest.param({"WORKFLOW_HUB_EMBEDDED_SLOTS": "0"}, (), ["SLOTS"], id="no slots"),
]


@pytest.mark.parametrize(("env", "option", "named"), WRONG)
def test_an_engine_that_cannot_start_says_why(
    here: Path, tiny: dict[str, str], env: dict[str, str], option: tuple[str, ...], named: list[str]
) -> None:
    with_weights = {} if option else tiny
    nothing = {"WORKFLOW_HUB_WEIGHTS": ""} if option else {}
    done = run("engine", "start", *option, cwd=here, env={**with_weights, **nothing, **env})
    assert (done.code, done.out) == (2, b"")
    assert all(word in done.err for word in named), done.err


def test_weights_that_are_none_are_refused(here: Path, tmp_path: Path) -> None:
    files = {"text.gguf": b"not a model", "cut.gguf": b"GGUF\x03\x00\x00\x00" + bytes(100)}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        env = {"WORKFLOW_HUB_WEIGHTS": str(tmp_path / name)}
        started = run("engine", "start", cwd=here, env=env)
        asked = run("docstrings", "one.py", "--write", cwd=here, env=env)
        assert started.code == 2
        assert asked.code in {2, 3}
        assert asked.err
        assert (here / "one.py").read_text() == ONE


# (models that Docker Model Runner has, or None where there is none; weights?; the exit code)
SITUATIONS = [
    pytest.param(("ai/qwen3-coder",), False, 0, id="the first choice"),
    pytest.param(("ai/qwen2.5",), False, 1, id="the second choice"),
    pytest.param(("ai/gemma3",), True, 1, id="the embedded engine alone"),
    pytest.param(None, True, 1, id="no runner, the embedded engine"),
    pytest.param(("ai/gemma3",), False, 2, id="a runner without the models"),
    pytest.param(None, False, 2, id="nobody"),
]


def test_doctor(here: Path, tiny: dict[str, str]) -> None:
    def check(models: tuple[str, ...] | None, weights: bool, code: int) -> None:
        env = tiny if weights else {}
        with DmrDouble(models=models or ()) as dmr:
            env = env | (at(dmr) if models else {})
            text = run("doctor", cwd=here, env=env)
            document = run("doctor", "--format", "json", cwd=here, env=env)
            assert dmr.chats == []
        assert (text.code, document.code) == (code, code)
        report = document.report
        assert report["version"] == 1
        assert report["verdict"] in text.text
        checks = {one["name"]: one for one in report["checks"]}
        assert all(set(one) == {"name", "status", "says"} for one in checks.values())
        embedded = next(one for name, one in checks.items() if "embedded" in name)
        assert embedded["status"] == ("ok" if weights else "missing")
        assert models is not None or "DMR_BASE_URL" in text.text
        if code == 2:
            assert "docker model" in text.text
            assert "WORKFLOW_HUB_WEIGHTS" in text.text

    each(SITUATIONS, check)


def test_doctor_says_what_an_agent_lacks(here: Path, tmp_path: Path) -> None:
    """It is no model of any task: the exit code is theirs."""
    program = tmp_path / "goose"
    program.write_text("#!/bin/sh\necho ' 1.60.0'\n")
    program.chmod(0o755)
    with DmrDouble(models=("ai/qwen3-coder",)) as dmr:
        there = run("doctor", cwd=here, env=at(dmr) | {"GOOSE_BIN": str(program)})
        missing = run("doctor", cwd=here, env=at(dmr) | {"GOOSE_BIN": "", "PATH": str(tmp_path / "no")})
        (here / "routing.yaml").write_text(
            "version: 1\nproviders: {dmr: {kind: dmr}}\n"
            "models: {m: {provider: dmr, try: [ai/qwen3-coder]}}\nrules: [{name: all, use: m}]\n"
        )
        without = run("doctor", cwd=here, env=at(dmr))
    assert (there.code, missing.code, without.code) == (0, 0, 0)
    assert f"ok  goose: 1.60.0 at {program} (GOOSE_BIN); Goose 1.60.0 is not the version" in there.text
    assert "ok  sandbox: bubblewrap works" in there.text
    assert "--  goose: Goose is not on this machine; type `workflow-hub goose install`" in missing.text
    assert "--  sandbox: bubblewrap is not here; install it" in missing.text
    assert "goose" not in without.text


def test_doctor_says_where_a_setting_comes_from(here: Path) -> None:
    (here / "workflow-hub.yaml").write_text("docstrings:\n  style: numpy\n")
    done = run("doctor", "--output", "said", cwd=here, env={"DMR_API_KEY": "s3cret"})
    said = (here / "said").read_text()
    assert done.out == b""
    assert "workflow-hub.yaml:2" in said
    assert "DMR_API_KEY" in said
    assert "s3cret" not in said


def test_doctor_reports_a_cache_that_cannot_be_used(here: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"not a database " * 300)
    with DmrDouble() as dmr:
        env = at(dmr) | {"WORKFLOW_HUB_CACHE_PATH": str(tmp_path / "cache")}
        done = run("doctor", cwd=here, env=env)
    assert done.code in {1, 2}
    assert "--no-cache" in done.err + done.text
