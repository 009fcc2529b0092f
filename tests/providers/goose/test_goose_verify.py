"""A command that must exit with 0 once the work is done."""

from __future__ import annotations

from pathlib import Path

import anyio
import psutil
import pytest
from doubles.scripted_model import Call, Say
from goose_work import Work, becomes
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import HubError, ReplyInvalid, RunnerTimeout
from workflow_hub.providers.goose import Sandbox
from workflow_hub.providers.goose.sandbox import Walls
from workflow_hub.providers.goose.verify import last_lines, verify
from workflow_hub.values import Files


def verified(command: str, folder: Path, seconds: float = 20) -> HubError | None:
    async def work() -> HubError | None:
        return await verify(
            command,
            folder,
            environment={"PATH": "/usr/bin:/bin", "MINE": "fine"},
            walls=Walls(),
            throw_away=folder,
            seconds=seconds,
        )

    return anyio.run(work)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        pytest.param("true", None, id="holds"),
        pytest.param("test $MINE = fine && pwd && cat", None, id="reads nothing, sees its variables"),
        pytest.param("sleep 600 & setsid sleep 600 &", None, id="leaves something behind"),
        pytest.param("head -c 3000000 /dev/zero", None, id="says much"),
        pytest.param("exit 7", "`exit 7` exits with 7", id="says nothing"),
        pytest.param(
            "echo a; echo b >&2; false", "`{}` exits with 1. It said last:\na\nb", id="both streams"
        ),
        pytest.param("if", "`if` exits with 2. It said last:\n/bin/sh: *", id="no command"),
        pytest.param("no-such-program", "`{}` exits with 127. It said last:\n*", id="no program"),
        pytest.param("kill -9 $PPID", "`{}` did not come to its end", id="killed"),
        pytest.param(
            "printf '\\033[31mred\\033[0m\\a\\n'; false",
            "`{}` exits with 1. It said last:\nred",
            id="colours",
        ),
    ],
)
def test_a_command(tmp_path: Path, command: str, error: str | None) -> None:
    found = verified(command, tmp_path)
    if error is None:
        assert found is None
    else:
        assert isinstance(found, ReplyInvalid)
        expected = error.replace("{}", command)
        assert str(found).startswith(expected.rstrip("*")) if "*" in error else str(found) == expected
    here = str(tmp_path)
    assert becomes(lambda: not [one for one in psutil.process_iter(["cwd"]) if one.info["cwd"] == here])


def test_a_command_that_does_not_end(tmp_path: Path) -> None:
    found = verified("echo begun; sleep 600", tmp_path, seconds=0.5)
    assert isinstance(found, RunnerTimeout)
    assert str(found).startswith("`echo begun; sleep 600` was not done within 0.5 seconds")


@given(st.binary(max_size=300))
def test_what_is_shown_moves_no_cursor(said: bytes) -> None:
    shown = last_lines(said)
    assert all(character.isprintable() or character in "\n\t" for character in shown)
    assert len(shown.splitlines()) <= 21


def test_the_work_is_verified_where_it_was_done(work: Work) -> None:
    script = [Call("write", {"path": "a.txt", "content": "x"}), Say("done")]
    outcome, _ = work(script, verify="test -f a.txt", api_key="hush")
    assert outcome.error is None
    assert outcome.notes == ("`test -f a.txt` exits with 0",)


def test_work_that_does_not_hold_has_failed(work: Work) -> None:
    script = [Call("write", {"path": "a.txt", "content": "x"}), Say("It is done.")]
    outcome, _ = work(script, verify="env; echo broken; exit 3", pass_on=("MINE",), api_key="hush")
    assert isinstance(outcome.error, ReplyInvalid)
    assert str(outcome.error).endswith("broken")
    assert "hush" not in str(outcome.error)
    assert outcome.error.partial == outcome.text == "It is done."
    assert outcome.files == Files(created=("a.txt",))


@pytest.mark.parametrize("sandbox", [Sandbox.AUTO, Sandbox.OFF])
def test_the_command_is_behind_the_same_walls(work: Work, project: Path, sandbox: Sandbox) -> None:
    outcome, _ = work([Say("done")], verify="touch ../out", sandbox=sandbox)
    assert outcome.error is None
    assert (project.parent / "out").exists() is (sandbox is Sandbox.OFF)


def test_nothing_is_verified_where_the_work_failed(work: Work, project: Path) -> None:
    outcome, _ = work([Say("")], verify="touch verified")
    assert isinstance(outcome.error, ReplyInvalid)
    assert not (project / "verified").exists()
