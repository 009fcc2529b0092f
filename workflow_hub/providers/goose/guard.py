"""The process between the hub and Goose: when it ends, nothing that Goose has started is left.

Run as a file, not as a module: it imports nothing of the package, and nothing from the folder that the
user stands in. It is the head of a process group of its own, and hands its stdin, stdout and stderr to
Goose. Its orders are one line of JSON on the descriptor that its only argument names, the lifeline:
`{"command": […], "environment": {…}, "folder": "…", "throw_away": "…"}`. All that Goose has
started is killed when Goose ends; Goose, too, when the lifeline carries a byte more, or loses its other
end because the parent was killed. Then the folder `throw_away` is deleted here, for nobody else will.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LINUX = sys.platform.startswith("linux")
# Our exit code where Goose has not left one of its own.
ENDED, ORPHANED, NOT_STARTED = 98, 99, 127


def main(lifeline: int) -> int:
    """Goose's exit code, once all that it has started is gone and the parent has spoken or gone."""
    orders = read_orders(lifeline)
    # Who wants us to end says so on the lifeline. Handlers that do nothing, for they are not inherited.
    for ours in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(ours, lambda *_: None)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    goose = start(orders)
    let_go_of_streams()
    code = wait(goose.pid, lifeline, woken)
    if LINUX:
        end_all()
    # Goose, too, ends when the parent does: only the lifeline tells whether the parent has been killed.
    if not os.read(lifeline, 1) or lost(lifeline):
        shutil.rmtree(orders["throw_away"], ignore_errors=True)
        code = ORPHANED
    if not LINUX:
        os.killpg(0, signal.SIGKILL)  # the group, with us as its head
    return code


def prctl(option: int, value: int) -> None:
    """Ask the kernel for something (Linux); elsewhere there is nobody to ask."""
    if LINUX:
        ctypes.CDLL(None).prctl(option, value)


def read_orders(lifeline: int) -> dict[str, Any]:
    """The orders; the lifeline stays open behind them."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(lifeline, 65536)
        if not piece:
            sys.exit(ORPHANED)  # the parent went before it could say anything
        line += piece
    orders: dict[str, Any] = json.loads(line)
    return orders


def start(orders: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Goose, which does not outlive us even if we are killed (Linux)."""
    us = os.getpid()

    def tied() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != us:
            os._exit(NOT_STARTED)

    try:
        # preexec_fn is safe here: we have one thread.
        return subprocess.Popen(
            orders["command"], env=orders["environment"], cwd=orders["folder"], preexec_fn=tied
        )
    except OSError as error:
        sys.stderr.write(f"{orders['command'][0]}: {error.strerror}\n")
        sys.exit(NOT_STARTED)


def let_go_of_streams() -> None:
    """Leave stdin, stdout and stderr to Goose alone, so that its end is seen on the other side."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def wait(goose: int, lifeline: int, woken: int) -> int:
    """Goose's exit code, negative where a signal ended it; ENDED where the lifeline was first."""
    while True:
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == goose:
                    return os.waitstatus_to_exitcode(ended[1])
        ready = select.select([lifeline, woken], [], [])[0]
        if lifeline in ready:
            return ENDED
        if woken in ready:
            os.read(woken, 4096)


def lost(lifeline: int) -> bool:
    """Whether the other end is gone: a parent that has spoken may have been killed since."""
    return bool(select.select([lifeline], [], [], 0)[0]) and not os.read(lifeline, 1)


def end_all() -> None:
    """Kill what is left: our children, and theirs, which become ours as their parents die."""
    while True:
        for child in children():
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def children() -> list[int]:
    """The processes whose parent we are."""
    us = os.getpid()
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and parent_of(process) == us:
                found.append(int(process.name))
    return found


def parent_of(process: Path) -> int:
    """The second field after the name, which may hold anything, in /proc/PID/stat (proc(5))."""
    return int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
