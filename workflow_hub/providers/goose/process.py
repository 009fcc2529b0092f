"""Goose as a process whose end, however it comes, leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import anyio
from anyio.abc import Process

GUARD = Path(__file__).with_name("guard.py")
GRACE_S = 10.0


@asynccontextmanager
async def started(
    command: list[str], environment: Mapping[str, str], folder: Path, throw_away: Path, errors: Path
) -> AsyncIterator[Process]:
    """The command at work in `folder`, with pipes for stdin and stdout; `errors` gets its stderr.

    Afterwards it and all that it has started are gone, also where this process is killed meanwhile; then
    `throw_away` is gone, too.
    """
    reading, writing = os.pipe()
    try:
        with errors.open("wb") as log:
            process = await anyio.open_process(
                # -I: nothing is imported from the folder we stand in; a session of its own: Ctrl-C is for us
                [sys.executable, "-I", str(GUARD), str(reading)],
                stderr=log,
                start_new_session=True,
                pass_fds=(reading,),
            )
        os.close(reading)
        reading = -1
        orders = {
            "command": command,
            "environment": dict(environment),
            "folder": str(folder),
            "throw_away": str(throw_away),
        }
        try:
            _write(writing, json.dumps(orders).encode() + b"\n")
            yield process
        finally:
            _write(writing, b".")
            await _gone(process)
    finally:
        for end in (reading, writing):
            if end >= 0:
                os.close(end)


@asynccontextmanager
async def swept(place: Path) -> AsyncIterator[None]:
    """The folder `place` is deleted where this process is killed meanwhile; otherwise it stays."""
    async with started(["/bin/cat"], {}, place, place, place / "sweeper"):
        yield


def _write(pipe: int, data: bytes) -> None:
    with suppress(BrokenPipeError):  # then stdout ends at once, and stderr says why
        while data:
            data = data[os.write(pipe, data) :]


async def _gone(process: Process) -> None:
    """Wait for the guard, which was told to end; a stuck one is killed with its group."""
    with anyio.CancelScope(shield=True):
        with anyio.move_on_after(GRACE_S):
            await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        await process.aclose()
