"""The command at a pseudo-terminal, and what is on its screen in the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cli_help import COMMAND, NO_WEIGHTS, PATIENCE_S

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
COLUMNS = 100


class Terminal:
    """A pseudo-terminal with the command in it; `seen` is all that came out."""

    def __init__(
        self, command: Sequence[str], cwd: Path, env: Mapping[str, str], piped: bool, stdin: int | None
    ) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, COLUMNS, 0, 0))
        settings = termios.tcgetattr(slave)
        settings[1] &= ~termios.OPOST  # lines as they were written
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**os.environ, **NO_WEIGHTS, "TERM": "xterm-256color", **env},
            stdin=slave if stdin is None else stdin,
            stdout=subprocess.PIPE if piped else slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""

    def type(self, keys: bytes) -> None:
        """Press these keys."""
        os.write(self.master, keys)

    def read(self, until: bytes = b"") -> str:
        """What came, until the command closes the terminal or `until` was seen."""
        deadline = time.monotonic() + PATIENCE_S
        while not until or until not in self.seen:
            assert time.monotonic() < deadline, self.seen
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    data = os.read(self.master, 1 << 16)
                except OSError:  # on Linux, what a terminal says when its last user has gone
                    break
                if not data:
                    break
                self.seen += data
        return self.seen.decode()


@contextmanager
def terminal(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str],
    piped: bool = False,
    stdin: int | None = None,
    command: Sequence[str] = (COMMAND,),
) -> Iterator[Terminal]:
    """The command at a terminal; with `piped` its stdout is not one, with `stdin` its stdin is not."""
    one = Terminal([*command, *arguments], cwd, env, piped, stdin)
    try:
        yield one
    finally:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        os.close(one.master)
        if one.process.stdout is not None:
            one.process.stdout.close()


def screen(text: str) -> list[str]:
    """The lines that are on screen in the end, without colours."""
    lines, row, column = [""], 0, 0
    position = 0
    while position < len(text):
        if found := SEQUENCE.match(text, position):
            position = found.end()
            count = int(found[1]) if found[1].isdigit() else 1
            match found[2]:
                case "A":
                    row = max(row - count, 0)
                case "B":
                    row += count
                case "K":
                    lines[row] = "" if found[1] == "2" else lines[row][:column]
                case "J":
                    del lines[row + 1 :]
                case "m" | "h" | "l":
                    pass
                case other:
                    raise AssertionError(f"unexpected sequence {found[0]!r} ({other})")
            continue
        sign = text[position]
        position += 1
        if sign == "\n":
            row, column = row + 1, 0
            if row == len(lines):
                lines.append("")
        elif sign == "\r":
            column = 0
        else:
            line = lines[row].ljust(column)
            lines[row] = line[:column] + sign + line[column + 1 :]
            column += 1
    return [line.rstrip() for line in lines]
