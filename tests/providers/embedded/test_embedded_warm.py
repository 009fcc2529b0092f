"""The engine that stays between runs: real engines, and every state file that is not one's."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from workflow_hub.errors import EngineFailed
from workflow_hub.providers.embedded import engine, warm, weights
from workflow_hub.providers.embedded.engine import EngineSettings
from workflow_hub.providers.embedded.progress import Progress

SMALL = EngineSettings(slots=2, context_tokens=512)
Becomes = Callable[[Callable[[], object]], bool]


@pytest.fixture(autouse=True)
def own_weights(tiny: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("WORKFLOW_HUB_WEIGHTS", str(tiny))
    yield
    warm.stop()


@pytest.fixture
def state(home: Path) -> Path:
    folder = home / "XDG_STATE_HOME" / "workflow-hub"
    folder.mkdir(parents=True)
    return folder / "engine.json"


def test_start_status_stop(tiny: Path, state: Path) -> None:
    assert warm.status() is None
    started = warm.start("tiny", SMALL)
    assert started.alive and warm.status() == started
    assert (started.model, started.identity) == ("tiny", weights.identity(tiny))
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert started.key not in repr(started)
    assert warm.stop() == started
    assert not started.alive and not state.exists()
    assert warm.stop() is None and warm.status() is None


def test_starting_again_finds_the_one_that_runs(state: Path) -> None:
    started = warm.start("tiny", SMALL)
    assert warm.start("tiny", EngineSettings(slots=1, context_tokens=256)) == started


def test_more_slots_or_another_model_replace_it(
    state: Path, endless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = warm.start("tiny", SMALL)
    second = warm.start("tiny", EngineSettings(slots=3, context_tokens=512))
    assert (first.alive, second.slots) == (False, 3)
    monkeypatch.setenv("WORKFLOW_HUB_WEIGHTS", str(endless))
    third = warm.start("endless", SMALL)
    assert (second.alive, third.identity) == (False, weights.identity(endless))
    assert warm.status() == third


START = """
from workflow_hub.providers.embedded import warm
from workflow_hub.providers.embedded.engine import EngineSettings
print(warm.start("tiny", EngineSettings(slots=2, context_tokens=512)).pid)
"""


def test_it_outlives_its_starter_and_two_starts_at_once_make_one(state: Path) -> None:
    command = [sys.executable, "-c", START]
    starts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    pids = {int(start.communicate(timeout=30)[0]) for start in starts}
    running = warm.status()
    assert running and pids == {running.pid}


def test_waiting_for_another_start_is_said(state: Path) -> None:
    told: list[Progress] = []
    waits, go_on = threading.Event(), threading.Event()

    def first(progress: Progress) -> None:
        waits.set()
        go_on.wait(20)

    def second(progress: Progress) -> None:
        told.append(progress)
        go_on.set()

    thread = threading.Thread(target=lambda: warm.start("tiny", SMALL, tell=first))
    thread.start()
    assert waits.wait(20)
    running = warm.start("tiny", SMALL, tell=second)
    thread.join()
    assert set(told) == {Progress("waiting for another start of the engine")}
    assert warm.status() == running


def test_it_ends_by_itself_when_nobody_asks_any_more(state: Path, becomes: Becomes) -> None:
    started = warm.start("tiny", SMALL, idle_s=0.6)
    assert becomes(lambda: not started.alive)
    assert warm.status() is None and not state.exists()


def test_it_ends_when_another_takes_its_file(state: Path, becomes: Becomes) -> None:
    started = warm.start("tiny", SMALL, idle_s=0)
    other = state.with_suffix(".other")
    other.write_text("{}")
    other.replace(state)
    assert becomes(lambda: not started.alive)
    assert state.read_text() == "{}"


# -- state files of engines that are not there ---------------------------------------------------

NOWHERE = {
    "address": "http://127.0.0.1:9",
    "key": "k",
    "pid": 999999999,
    "model": "tiny",
    "identity": "0",
    "slots": 4,
    "context_tokens": 8192,
}


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(NOWHERE, id="dead process"),
        pytest.param(NOWHERE | {"pid": os.getpid()}, id="number of another process"),
        pytest.param(NOWHERE | {"address": "http://192.0.2.1:80"}, id="address that is not loopback"),
        pytest.param(NOWHERE | {"address": "http://127.0.0.1:80@192.0.2.1"}, id="address in disguise"),
        pytest.param(NOWHERE | {"address": "http://127.0.0.1:no"}, id="no port"),
        pytest.param({"address": "http://127.0.0.1:9"}, id="facts missing"),
        pytest.param([], id="no facts at all"),
    ],
)
def test_a_stale_state_file_is_removed_and_nobody_is_hurt(state: Path, facts: Any) -> None:
    state.write_text(json.dumps(facts))
    assert warm.status() is None
    assert not state.exists()


@pytest.mark.parametrize("content", [b"", b"{half", b"\xff\xfe"], ids=["empty", "half", "not UTF-8"])
def test_a_damaged_state_file_is_removed(state: Path, content: bytes) -> None:
    state.write_bytes(content)
    assert warm.stop() is None
    assert not state.exists()


def test_an_engine_with_another_key_is_not_ours(state: Path, tiny: Path) -> None:
    other = engine.launch(tiny, SMALL)
    state.write_text(json.dumps(NOWHERE | {"address": other.url, "pid": other.process.pid}))
    assert warm.status() is None
    assert other.alive and not state.exists()
    other.close()


def test_a_start_after_a_kill_starts_anew(state: Path, becomes: Becomes) -> None:
    first = warm.start("tiny", SMALL)
    psutil.Process(first.pid).kill()
    assert becomes(lambda: not first.alive)
    second = warm.start("tiny", SMALL)
    assert second.pid != first.pid and second.alive


# -- what can go wrong ---------------------------------------------------------------------------


def test_a_model_that_does_not_load_leaves_nothing_behind(
    state: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "bad.gguf").write_bytes(b"GGUF and no more")
    monkeypatch.setenv("WORKFLOW_HUB_WEIGHTS", str(home / "bad.gguf"))
    with pytest.raises(EngineFailed, match=r"did not start"):
        warm.start("tiny", SMALL)
    assert not state.exists() and warm.status() is None


def test_stopping_a_start_leaves_nothing_behind(state: Path) -> None:
    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        warm.start("tiny", SMALL, tell=stop)
    assert warm.status() is None
    assert warm.start("tiny", SMALL).alive
