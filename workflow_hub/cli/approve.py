"""The question at a terminal whether an agent may use a tool: once, for the session, or no."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import anyio

from workflow_hub.cli.shown import subject
from workflow_hub.providers.goose.policy import PATH_TOOLS, SHELL
from workflow_hub.providers.goose.work import Answer, ToolRequest
from workflow_hub.report.plain import cut, visible

ANSWERS = {
    "o": Answer.ONCE,
    "once": Answer.ONCE,
    "s": Answer.SESSION,
    "session": Answer.SESSION,
    "n": Answer.NO,
    "no": Answer.NO,
    "": Answer.NO,
}
QUESTION = "  allow it? [o]nce, for the [s]ession, [N]o: "
LONGEST = 2000
LINE_BYTES = 4096


def possible() -> bool:
    """Whether there is somebody to ask: a terminal to read from, and one to write to."""
    return os.name == "posix" and all(
        stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)
    )


class Approval:
    """Asks at the terminal; `ready` is called first, and clears the screen of what else is on it."""

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready

    async def __call__(self, request: ToolRequest) -> Answer:
        """The user's answer; no is the default, and what the end of the input means.

        What was typed before the question was on screen does not answer it.
        """
        import termios

        self._ready()
        terminal = sys.stdin.fileno()
        termios.tcflush(terminal, termios.TCIFLUSH)
        sys.stderr.write(question(request))
        try:
            while True:
                sys.stderr.write(QUESTION)
                sys.stderr.flush()
                # Waited for without a thread, which Ctrl-C could not end.
                await anyio.wait_readable(terminal)
                typed = os.read(terminal, LINE_BYTES)
                word = typed.decode("utf-8", "replace").strip().lower()
                if word in ANSWERS:
                    return ANSWERS[word]
        except anyio.get_cancelled_exc_class():
            sys.stderr.write("\n")
            raise


def question(request: ToolRequest) -> str:
    """What the agent wants, whole or with its length, and with everything in it visible."""
    if request.tool == SHELL:
        doing = "wants to run"
    elif request.tool in PATH_TOOLS:
        doing = f"wants to {request.tool}"
    else:
        doing = f"wants to use {visible(request.tool)}"
    body = visible(cut(subject(request), LONGEST), lines=request.tool == SHELL)
    return f"the agent {doing}\n" + "".join(f"    {line}\n" for line in body.splitlines() or [""])
