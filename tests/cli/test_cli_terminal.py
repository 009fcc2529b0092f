"""At a terminal: the patch in colour, a line that shows how it goes on, and nothing of it left at the end."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from cli_help import COMMAND, NO_WEIGHTS, PATIENCE_S, SHOP_ITEMS, at, run, shop_in
from doubles.dmr import DmrDouble, Hang

SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
COLUMNS = 100


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return shop_in(tmp_path / "work").parent


class Terminal:
    """A pseudo-terminal with the command in it; `seen` is all that came out."""

    def __init__(self, arguments: tuple[str, ...], cwd: Path, env: Mapping[str, str], piped: bool) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, COLUMNS, 0, 0))
        settings = termios.tcgetattr(slave)
        settings[1] &= ~termios.OPOST  # lines as they were written
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        self.process = subprocess.Popen(
            [COMMAND, *arguments],
            cwd=cwd,
            env={**os.environ, **NO_WEIGHTS, "TERM": "xterm-256color", **env},
            stdin=slave,
            stdout=subprocess.PIPE if piped else slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = b""

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
def terminal(*arguments: str, cwd: Path, env: Mapping[str, str], piped: bool = False) -> Iterator[Terminal]:
    one = Terminal(arguments, cwd, env, piped)
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


def test_a_terminal_gets_colour_a_live_line_and_no_garbage(shop: Path) -> None:
    with DmrDouble(delay_s=0.1) as dmr:
        with terminal("docstrings", "shop", cwd=shop, env=at(dmr)) as shown:
            text = shown.read()
            assert shown.process.wait() == 0
        plain = run("docstrings", "shop", cwd=shop, env=at(dmr))
    assert "\x1b[32m+" in text
    assert "\x1b[36m@@" in text
    assert re.search(r"[1-9]\d* items", text)
    assert "tokens/s" in text
    assert "left" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    left = screen(text)
    patch = [line.rstrip() for line in plain.text.splitlines()]
    assert [line for line in left if line][: len([line for line in patch if line])] == [
        line for line in patch if line
    ]
    rest = [line for line in left if line][len([line for line in patch if line]) :]
    assert len(rest) == 1
    assert rest[0].startswith(f"{SHOP_ITEMS} documented")


QUIET = [
    pytest.param(("--no-color",), {}, id="--no-color"),
    pytest.param((), {"NO_COLOR": "1"}, id="NO_COLOR"),
    pytest.param((), {"TERM": "dumb"}, id="a dumb terminal"),
]


@pytest.mark.parametrize(("option", "env"), QUIET)
def test_a_terminal_without_colour(shop: Path, option: tuple[str, ...], env: dict[str, str]) -> None:
    with DmrDouble() as dmr, terminal("docstrings", "shop", *option, cwd=shop, env=at(dmr) | env) as shown:
        text = shown.read()
        assert shown.process.wait() == 0
    assert "+    " in text
    assert not re.search(r"\x1b\[[0-9;]*m\+", text)


def test_a_terminal_that_is_to_be_quiet(shop: Path) -> None:
    with DmrDouble() as dmr, terminal("docstrings", "shop", "--write", "-q", cwd=shop, env=at(dmr)) as shown:
        assert shown.read() == ""
        assert shown.process.wait() == 0


def test_a_patch_into_a_pipe_is_plain_while_the_terminal_shows_progress(shop: Path) -> None:
    with DmrDouble(delay_s=0.05) as dmr:
        with terminal("docstrings", "shop", cwd=shop, env=at(dmr), piped=True) as shown:
            assert shown.process.stdout is not None
            text = shown.read()
            patch = shown.process.stdout.read()
            assert shown.process.wait() == 0
        assert patch == run("docstrings", "shop", cwd=shop, env=at(dmr)).out
    assert "items" in text
    assert next(line for line in screen(text) if line).startswith(f"{SHOP_ITEMS} documented")


def test_ctrl_c_at_a_terminal_leaves_it_as_it_was(shop: Path) -> None:
    with DmrDouble(faults=[Hang(times=None, skip=6)]) as dmr:
        with terminal("docstrings", "shop", "--write", cwd=shop, env=at(dmr)) as shown:
            assert dmr.wait_until(lambda: len(dmr.chats) == 10)
            shown.read(until=b"items")
            shown.process.send_signal(signal.SIGINT)
            text = shown.read()
            assert shown.process.wait() == 130
        assert dmr.wait_until(lambda: dmr.disconnects == 4)
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    left = [line for line in screen(text) if line]
    assert len(left) == 2
    assert left[0].startswith("5 documented")
    assert "interrupted" in left[1]


def test_the_live_line_tells_what_was_remembered_and_what_failed(shop: Path) -> None:
    (shop / "bad.py").write_text("def (:\n")
    with DmrDouble() as dmr:
        run("docstrings", "shop/cart.py", cwd=shop, env=at(dmr))
        dmr.delay_s = 0.1
        with terminal("docstrings", ".", cwd=shop, env=at(dmr)) as shown:
            text = shown.read()
            assert shown.process.wait() == 3
    assert re.search(r"\d+ items · 9 from memory · 1 failed", text)


def test_messages_stay_above_the_live_line(shop: Path) -> None:
    with DmrDouble(models=("ai/qwen3-coder", "ai/qwen2.5"), delay_s=0.05) as dmr:
        dmr.answer = lambda body, usual=dmr.answer: "no" if body["model"] == "ai/qwen3-coder" else usual(body)
        with terminal("docstrings", "shop", "--write", cwd=shop, env=at(dmr)) as shown:
            text = shown.read()
            assert shown.process.wait() == 0
    left = [line for line in screen(text) if line]
    assert "ignores it" in left[0]
    assert any("fallback" in line for line in left)
    assert not any(" items" in line for line in left)
