"""An engine that stays between runs: started once, found by later runs, gone after half an hour without work.

Its state file says where it is and holds its key. The engine watches that file and ends when it goes, so
nothing is ever killed by its number: a file whose engine does not answer to its key is merely removed.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from workflow_hub.errors import EngineFailed
from workflow_hub.providers.embedded import weights as weights_here
from workflow_hub.providers.embedded.catalogue import DEFAULT, Weights
from workflow_hub.providers.embedded.engine import (
    EngineSettings,
    Warmth,
    answers,
    launch,
    require_engine,
)
from workflow_hub.providers.embedded.progress import Progress, Tell, silent

IDLE_S = 1800.0
STOP_TIMEOUT_S = 10.0
LOOPBACK = re.compile(r"http://127\.0\.0\.1:\d{1,5}")


@dataclass(frozen=True, slots=True)
class WarmEngine:
    """A warm engine that answers: where, with which weights (their SHA-256), and how it was set."""

    url: str
    key: str = field(repr=False)
    pid: int
    model: str
    identity: str
    slots: int
    context_tokens: int

    @property
    def alive(self) -> bool:
        """Whether it answers at its address."""
        return answers(self.url, self.key)


def start(
    model: str | Weights = DEFAULT,
    settings: EngineSettings = EngineSettings(),
    *,
    tell: Tell = silent,
    idle_s: float = IDLE_S,
) -> WarmEngine:
    """A warm engine for the model, started unless the one that runs will do; weights are fetched if missing.

    One engine is kept: another model or other settings replace it. `idle_s` 0 keeps it until `stop`.
    """
    require_engine()
    path = weights_here.ensure(model, tell)
    name = model.name if isinstance(model, Weights) else model
    identity = weights_here.identity(path)
    with _alone(tell):
        running = _running()
        if running and serves(running, identity, settings):
            return running
        if running:
            _end(running)
        facts = {
            "model": name,
            "identity": identity,
            "slots": settings.slots,
            "context_tokens": settings.context_tokens,
        }
        warmth = Warmth(_state_file(), facts, idle_s)
        engine = launch(path, settings, log_file=_log_file(), tell=tell, warmth=warmth)
        engine.detach()
        started = _running()
    if started is None:
        raise EngineFailed(f"the warm engine ended at once; {_log_file()} says why")
    return started


def stop() -> WarmEngine | None:
    """The warm engine that was running and has ended, None where there was none."""
    with _alone(silent):
        running = _running()
        if running:
            _end(running)
        return running


def status() -> WarmEngine | None:
    """The warm engine, None where there is none; what a dead one left behind is removed."""
    if not _state_file().exists():
        return None
    with _alone(silent):
        return _running()


def serves(engine: WarmEngine, identity: str, settings: EngineSettings) -> bool:
    """Whether the engine has these weights, and at least the slots and context that the settings want."""
    enough = engine.slots >= settings.slots and engine.context_tokens >= settings.context_tokens
    return enough and engine.identity == identity


def _folder() -> Path:
    return platformdirs.user_state_path("workflow-hub")


def _state_file() -> Path:
    return _folder() / "engine.json"


def _log_file() -> Path:
    return _folder() / "engine.log"


@contextlib.contextmanager
def _alone(tell: Tell) -> Iterator[None]:
    """One process at a time starts, stops or tidies up."""
    _folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = filelock.FileLock(_folder() / "engine.lock")
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.2)
        except filelock.Timeout:
            tell(Progress("waiting for another start of the engine"))
    try:
        yield
    finally:
        lock.release()


def _running() -> WarmEngine | None:
    """The engine of the state file if it answers to its key; else the file is removed."""
    try:
        facts = json.loads(_state_file().read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        facts = {}
    engine = _as_engine(facts)
    if engine and engine.alive:
        return engine
    _state_file().unlink(missing_ok=True)
    return None


def _as_engine(facts: Any) -> WarmEngine | None:
    match facts:
        case {
            "address": str(url),
            "key": str(key),
            "pid": int(pid),
            "model": str(model),
            "identity": str(identity),
            "slots": int(slots),
            "context_tokens": int(context_tokens),
        } if LOOPBACK.fullmatch(url):
            return WarmEngine(url, key, pid, model, identity, slots, context_tokens)
    return None


def _end(engine: WarmEngine) -> None:
    _state_file().unlink(missing_ok=True)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while engine.alive:
        if time.monotonic() > deadline:
            raise EngineFailed(
                f"the warm engine (process {engine.pid}) does not end; type `kill {engine.pid}`"
            )
        time.sleep(0.05)
