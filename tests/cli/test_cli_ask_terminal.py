"""`workflow-hub ask` at a terminal: who is waited for, what is safe to show, what is asked, and Ctrl-C."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cli_help import at
from doubles.dmr import DmrDouble, Hang, Stall, Thinks
from terminal_help import screen, terminal

from workflow_hub.cli.approve import question
from workflow_hub.providers.goose.work import Answer, ToolRequest

HELLO = "Hello! How can I assist you today?"
QUESTION = "What is a list in Python?"


def left(text: str) -> list[str]:
    """The lines that are on screen in the end, empty ones left out."""
    return [line for line in screen(text) if line]


def test_who_is_asked_and_who_answered_stand_around_the_answer(tmp_path: Path) -> None:
    with (
        DmrDouble(models=("ai/smollm2",), delay_s=0.5) as dmr,
        terminal("ask", QUESTION, cwd=tmp_path, env=at(dmr)) as shown,
    ):
        text = shown.read()
        assert shown.process.wait() == 0
    before, answer, after = left(text)
    assert before.startswith("asking dmr ai/smollm2 by the rule rest")
    assert answer == HELLO
    assert after.startswith("dmr ai/smollm2 by the rule rest, ")
    assert "dmr ai/smollm2, 0 s" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_nothing_but_the_answer_where_quiet_is_wanted(tmp_path: Path) -> None:
    with (
        DmrDouble(models=("ai/smollm2",), delay_s=0.2) as dmr,
        terminal("ask", QUESTION, "-q", cwd=tmp_path, env=at(dmr)) as shown,
    ):
        assert shown.read() == f"{HELLO}\n"


def test_a_model_cannot_drive_the_terminal(tmp_path: Path) -> None:
    hostile = "\x1b[2Jclear\x1b]0;title\x07 \x1b]52;c;aGk=\x1b\\up\r\x1b[1A\x1b[31mred\x1b[0m"
    with DmrDouble(models=("ai/smollm2",), answer=lambda body: hostile) as dmr:
        with terminal("ask", QUESTION, "-q", cwd=tmp_path, env=at(dmr)) as shown:
            assert shown.read() == "clear upred\n"
        with terminal(
            "ask", QUESTION, "-q", "--no-tools", "--timeout", "9", cwd=tmp_path, env=at(dmr)
        ) as shown:
            assert "\x1b" not in shown.read()


def test_thoughts_are_dim_and_end_before_the_answer(tmp_path: Path) -> None:
    fault = Thinks(times=None, thought="Hm. \x1b[2JLet me think.")
    with DmrDouble(models=("ai/smollm2",), faults=[fault]) as dmr:
        with terminal("ask", QUESTION, "-v", cwd=tmp_path, env=at(dmr)) as shown:
            text = shown.read()
        with terminal("ask", QUESTION, "-v", cwd=tmp_path, env={**at(dmr), "NO_COLOR": "1"}) as shown:
            bare = shown.read()
    assert "\x1b[2mHm." in text
    assert "\x1b[2J" not in text
    assert left(text)[1:3] == left(bare)[1:3] == ["Hm. Let me think.", HELLO]
    assert "\x1b[2m" not in bare.split("Hm.")[1]


def test_a_pipe_gets_the_answer_while_the_terminal_shows_the_rest(tmp_path: Path) -> None:
    with (
        DmrDouble(models=("ai/smollm2",), delay_s=0.3) as dmr,
        terminal("ask", QUESTION, cwd=tmp_path, env=at(dmr), piped=True) as shown,
    ):
        assert shown.process.stdout is not None
        text = shown.read()
        assert shown.process.stdout.read() == f"{HELLO}\n".encode()
    assert len(left(text)) == 2


# (what the server does, what is on screen of the answer)
HANGS = [
    pytest.param(Hang(times=None), "", id="before the answer"),
    pytest.param(Stall(times=None, chunks=4), "Hello", id="within the answer"),
]


@pytest.mark.parametrize(("fault", "words"), HANGS)
def test_ctrl_c_ends_it_at_once_and_keeps_what_came(tmp_path: Path, fault: Any, words: str) -> None:
    with DmrDouble(models=("ai/smollm2",), faults=[fault]) as dmr:
        with terminal("ask", QUESTION, cwd=tmp_path, env=at(dmr)) as shown:
            assert dmr.wait_until(lambda: dmr.in_flight == 1)
            shown.read(until=words.encode() or b" s")
            began = time.monotonic()
            shown.process.send_signal(signal.SIGINT)
            text = shown.read()
            assert shown.process.wait() == 130
            took = time.monotonic() - began
        assert dmr.wait_until(lambda: dmr.disconnects == 1)
    assert took < 5  # a promise of one second, on a machine that may be busy
    asking, *answer, last = left(text)
    assert asking.startswith("asking")
    assert "".join(answer).startswith(words)
    assert last == "workflow-hub: interrupted"
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


# -- the question whether a tool may be used -------------------------------------------------------

ASKS = """
import anyio, json, sys
from workflow_hub.cli.approve import Approval, possible
from workflow_hub.providers.goose.work import ToolRequest
assert possible()
request = ToolRequest("1", *json.loads(sys.argv[1]))
print("ANSWER", anyio.run(Approval(lambda: print("READY", flush=True)), request))
"""


def asking(tool: str, arguments: Mapping[str, Any], cwd: Path) -> Any:
    words = [sys.executable, "-c", ASKS, json.dumps([tool, arguments])]
    return terminal(cwd=cwd, env={}, command=words)


# (what is typed, the answer)
KEYS = [
    pytest.param(b"o\n", Answer.ONCE, id="o"),
    pytest.param(b"Once \n", Answer.ONCE, id="once"),
    pytest.param(b"s\n", Answer.SESSION, id="s"),
    pytest.param(b"session\n", Answer.SESSION, id="session"),
    pytest.param(b"n\n", Answer.NO, id="n"),
    pytest.param(b"\n", Answer.NO, id="nothing"),
    pytest.param(b"\x04", Answer.NO, id="the end of the input"),
]


@pytest.mark.parametrize(("keys", "answer"), KEYS)
def test_the_answer_is_a_word(tmp_path: Path, keys: bytes, answer: Answer) -> None:
    with asking("shell", {"command": "pytest -q"}, tmp_path) as shown:
        shown.read(until=b"[N]o: ")
        shown.type(keys)
        text = shown.read()
        assert shown.process.wait() == 0
    assert "READY\nthe agent wants to run\n    pytest -q\n  allow it? [o]nce" in text
    assert text.rstrip().endswith(f"ANSWER {answer}")


def test_what_is_no_answer_is_asked_again(tmp_path: Path) -> None:
    with asking("shell", {"command": "ls"}, tmp_path) as shown:
        shown.read(until=b"[N]o: ")
        shown.type(b"yes please\n")
        shown.read(until=b"please\n  allow it? [o]nce, for the [s]ession, [N]o: ")
        shown.type(b"o\n")
        assert f"ANSWER {Answer.ONCE}" in shown.read()


def test_ctrl_c_is_no_and_ends_all(tmp_path: Path) -> None:
    with asking("shell", {"command": "ls"}, tmp_path) as shown:
        shown.read(until=b"[N]o: ")
        began = time.monotonic()
        shown.process.send_signal(signal.SIGINT)
        assert "ANSWER" not in shown.read()
        assert shown.process.wait() != 0
        assert time.monotonic() - began < 5


# (tool, arguments, what is on screen)
QUESTIONS = [
    pytest.param("shell", {"command": "ls"}, "the agent wants to run\n    ls\n", id="a command"),
    pytest.param(
        "shell",
        {"command": "echo a\n\techo \x1b[8mb\u202e"},
        "the agent wants to run\n    echo a\n    \techo \\x1b[8mb\\u202e\n",
        id="lines, and what would be hidden",
    ),
    pytest.param(
        "shell",
        {"command": "x" * 3000},
        f"the agent wants to run\n    {'x' * 2000} … (3000 characters in all)\n",
        id="a long one",
    ),
    pytest.param(
        "write", {"path": "a\nb", "content": "x"}, "the agent wants to write\n    a\\nb\n", id="a path"
    ),
    pytest.param("edit", {}, "the agent wants to edit\n    \n", id="no path"),
    pytest.param(
        "notes__add\x1b",
        {"n": 1},
        'the agent wants to use notes__add\\x1b\n    {"n": 1}\n',
        id="another tool",
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "shown"), QUESTIONS)
def test_the_question_shows_all(tool: str, arguments: Mapping[str, Any], shown: str) -> None:
    assert question(ToolRequest("1", tool, arguments)) == shown
