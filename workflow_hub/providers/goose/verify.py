"""Whether the work is as it has to be: a command of the user's that must exit with 0."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import anyio

from workflow_hub.errors import HubError, ReplyInvalid, RunnerTimeout
from workflow_hub.providers.goose import process
from workflow_hub.providers.goose.sandbox import Walls

# Both streams are the command's own; its exit code comes by the third.
RUN = ("/bin/sh", "-c", '/bin/sh -c "$1" 2>&1 </dev/null; echo $? >&2', "sh")
KEPT_BYTES = 16_384
LINES = 20
# Colours and the like (ECMA-48, 5.4).
ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


async def verify(
    command: str,
    folder: Path,
    *,
    environment: Mapping[str, str],
    walls: Walls,
    throw_away: Path,
    seconds: float,
) -> HubError | None:
    """None where the command exits with 0, else what it said last and its exit code, as an error.

    It reads nothing, and what it has started is gone afterwards.
    """
    said = b""
    words, errors = walls.around([*RUN, command]), throw_away / "verified"
    with anyio.move_on_after(seconds) as clock:
        async with process.started(words, environment, folder, throw_away, errors) as started:
            assert started.stdout is not None
            async for piece in started.stdout:
                said = (said + piece)[-KEPT_BYTES:]
    if clock.cancelled_caught:
        return RunnerTimeout(f"`{command}` was not done within {seconds:.3g} seconds{last_lines(said)}")
    told = await anyio.Path(errors).read_text("utf-8", "replace")
    if told == "0\n":
        return None
    ended = (
        f"exits with {told.strip()}" if told.strip().isdigit() else f"did not come to its end {told.strip()}"
    )
    return ReplyInvalid(f"`{command}` {ended.rstrip()}{last_lines(said)}")


def last_lines(said: bytes) -> str:
    """The last lines of a command's output, without what would move a cursor; nothing for nothing."""
    text = ESCAPE.sub("", said.decode("utf-8", "replace"))
    lines = [_printable(line) for line in text.rstrip().splitlines()[-LINES:]]
    return "\n".join((". It said last:", *lines)) if lines else ""


def _printable(line: str) -> str:
    return "".join(character for character in line if character.isprintable() or character == "\t")
