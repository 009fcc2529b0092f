"""llama.cpp's server in a child process: started, asked whether it lives, ended."""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

from workflow_hub.errors import EngineFailed
from workflow_hub.providers.embedded import cpus
from workflow_hub.providers.embedded.progress import Progress, Tell, silent

CHILD = Path(__file__).with_name("child.py")
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 0.5
TICK_S = 0.1
HTTP_TIMEOUT_S = 5.0
TAIL_LINES = 6
INSTALL = "pip install 'workflow-hub[embedded]'"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Requests at a time, tokens of context that they share, and threads (None: one for each core)."""

    slots: int = 4
    context_tokens: int = 8192
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Warmth:
    """What an engine that outlives us needs: where it says that it is there, what, and when it gives up."""

    state_file: Path
    facts: dict[str, Any]
    idle_s: float


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine of ours; `url` takes `/v1/...` with `key` as the bearer."""

    url: str
    key: str = field(repr=False)
    process: subprocess.Popen[bytes] = field(repr=False)
    log: IO[bytes] = field(repr=False)

    @property
    def alive(self) -> bool:
        """Whether its process still runs."""
        return self.process.poll() is None

    def log_tail(self) -> str:
        """The last lines of what llama.cpp said, once it has ended."""
        return _tail(self.log)

    def close(self) -> None:
        """The engine is gone when this returns, half a second later at most; again does nothing."""
        _end(self.process)
        self.log.close()

    def detach(self) -> None:
        """Leave the engine to itself: nothing of it is open here any more, and its end leaves no zombie."""
        threading.Thread(target=self.process.wait, daemon=True).start()
        for pipe in (self.process.stdin, self.process.stdout, self.log):
            if pipe is not None:
                pipe.close()


def require_engine(module: str = "xllamacpp") -> None:
    """Raise EngineFailed with the command to type where the engine is not installed; starts nothing."""
    if importlib.util.find_spec(module) is None:
        raise EngineFailed(f"the embedded engine is not installed; type `{INSTALL}`")


def launch(
    weights: Path,
    settings: EngineSettings,
    *,
    log_file: Path | None = None,
    tell: Tell = silent,
    projector: Path | None = None,
    warmth: Warmth | None = None,
    timeout_s: float = START_TIMEOUT_S,
    python: str = sys.executable,
) -> Engine:
    """An engine that has loaded the weights and answers.

    It ends with this process, or with `warmth` when its state file goes. `tell` hears of it ten times
    a second and may raise, which ends the engine. EngineFailed quotes the end of what llama.cpp said,
    which goes to `log_file`, or to a file without a name.
    """
    key = secrets.token_urlsafe(32)
    orders = {
        "model": str(weights),
        "projector": str(projector) if projector else None,
        "slots": settings.slots,
        "context_tokens": settings.context_tokens,
        "threads": settings.threads or cpus.threads(),
        "key": key,
        "parent": os.getpid(),
        "state_file": str(warmth.state_file) if warmth else None,
        "state": warmth.facts if warmth else {},
        "idle_s": warmth.idle_s if warmth else 0,
    }
    deadline = time.monotonic() + timeout_s
    log = log_file.open("w+b") if log_file else tempfile.TemporaryFile()  # noqa: SIM115 (closed with the engine)
    # -P: nothing is imported from the folder we stand in; a session of its own: Ctrl-C is for us alone
    process = subprocess.Popen(
        [python, "-P", str(CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,
    )
    try:
        answer = _first_line(process, json.dumps(orders), deadline, tell)
        if "address" not in answer:
            raise _failed(answer.get("error", ""), process, log)
        _wait_healthy(answer["address"], process, log, deadline, tell)
    except BaseException:
        _end(process)
        log.close()
        raise
    return Engine(answer["address"], key, process, log)


def answers(url: str, key: str, timeout_s: float = HTTP_TIMEOUT_S) -> bool:
    """Whether an engine with this key serves there; a busy one that is late to answer counts."""
    try:
        return _status(url, "/props", key, timeout_s) == HTTPStatus.OK
    except TimeoutError:
        return True
    except OSError:
        return False


def _status(url: str, path: str, key: str = "", timeout_s: float = HTTP_TIMEOUT_S) -> int:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=timeout_s)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        return connection.getresponse().status


def _first_line(process: subprocess.Popen[bytes], orders: str, deadline: float, tell: Tell) -> dict[str, str]:
    """What the child reports once the model is loaded; {} where it ended without a word."""
    assert process.stdin is not None and process.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(orders.encode() + b"\n")
        process.stdin.flush()
    lines: list[bytes] = []
    stdout = process.stdout
    reader = threading.Thread(target=lambda: lines.append(stdout.readline()), daemon=True)
    reader.start()
    while reader.is_alive():
        tell(Progress("loading the model"))
        if time.monotonic() > deadline:
            return {"error": "the model was not loaded in time"}
        reader.join(TICK_S)
    return json.loads(lines[0]) if lines and lines[0].strip() else {}


def _wait_healthy(
    address: str, process: subprocess.Popen[bytes], log: IO[bytes], deadline: float, tell: Tell
) -> None:
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if _status(address, "/health") == HTTPStatus.OK:
                return
        tell(Progress("waiting for the engine"))
        time.sleep(TICK_S)
    raise _failed("it never became healthy", process, log)


def _failed(reason: str, process: subprocess.Popen[bytes], log: IO[bytes]) -> EngineFailed:
    if "No module named" in reason:
        return EngineFailed(f"the embedded engine is not installed ({reason}); type `{INSTALL}`")
    _end(process)
    ended = f"exit code {process.returncode}"
    said = _tail(log)
    return EngineFailed(
        f"the embedded engine did not start ({reason or ended}); "
        f"check the weights file and the free memory, then try again"
        + (f". It said:\n{said}" if said else "")
    )


def _tail(log: IO[bytes]) -> str:
    log.seek(max(0, log.seek(0, os.SEEK_END) - 200 * TAIL_LINES))
    return "\n".join(log.read().decode("utf-8", "replace").splitlines()[-TAIL_LINES:])


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
