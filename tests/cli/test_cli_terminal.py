"""At a terminal: the patch in colour, a line that shows how it goes on, and nothing of it left at the end."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from cli_help import SHOP_ITEMS, at, run, shop_in
from doubles.dmr import DmrDouble, Hang
from terminal_help import screen, terminal


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return shop_in(tmp_path / "work").parent


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
    assert len(left) == 3
    assert left[0].startswith("5 documented")
    assert left[1].startswith("  review")
    assert "interrupted" in left[2]


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
