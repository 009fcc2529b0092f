"""The guard: whatever ends, nothing is left; on programs that need no Goose."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import psutil
import pytest
from goose_work import becomes

from workflow_hub.providers.goose import process


@pytest.mark.parametrize(
    ("script", "code", "said", "complained"),
    [
        pytest.param("cat; echo $MINE; pwd >&2; exit 7", 7, b"in\nfine\n", "{folder}\n", id="ends by itself"),
        pytest.param("kill -9 $$", -9 % 256, b"", "", id="is killed"),
        pytest.param("(setsid sleep 600 >/dev/null 2>&1 &); exit 0", 0, b"", "", id="leaves something"),
    ],
)
def test_a_program_under_guard(tmp_path: Path, script: str, code: int, said: bytes, complained: str) -> None:
    async def work() -> tuple[bytes, int | None]:
        environment = {"MINE": "fine", "PATH": os.environ["PATH"]}
        command = ["/bin/sh", "-c", script]
        gone, errors = tmp_path / "gone", tmp_path / "errors"
        async with process.started(command, environment, tmp_path, gone, errors) as one:
            assert one.stdin is not None and one.stdout is not None
            await one.stdin.send(b"in\n")
            await one.stdin.aclose()
            output = b"".join([piece async for piece in one.stdout])
            assert becomes(lambda: not psutil.Process(one.pid).children())
        return output, one.returncode

    assert anyio.run(work) == (said, code)
    assert (tmp_path / "errors").read_text() == complained.format(folder=tmp_path)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    async def work() -> bytes:
        errors = tmp_path / "errors"
        async with process.started(["/no/goose"], {}, tmp_path, tmp_path / "gone", errors) as one:
            assert one.stdout is not None
            return b"".join([piece async for piece in one.stdout])

    assert anyio.run(work) == b""
    assert (tmp_path / "errors").read_text() == "/no/goose: No such file or directory\n"


def test_a_guard_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "GRACE_S", 0.2)

    async def work() -> int | None:
        command = ["/bin/sleep", "600"]
        async with process.started(command, {}, tmp_path, tmp_path / "gone", tmp_path / "errors") as one:
            os.kill(one.pid, signal.SIGSTOP)
        return one.returncode

    assert anyio.run(work) == -signal.SIGKILL
    assert becomes(lambda: not [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(tmp_path)])


ELSEWHERE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("guard", sys.argv[1])
guard = importlib.util.module_from_spec(spec)
spec.loader.exec_module(guard)
guard.LINUX = False
sys.exit(guard.main(int(sys.argv[2])))
"""


def guarded(tmp_path: Path, script: str, *guard: str) -> tuple[subprocess.Popen[str], int]:
    """A guard, begun by the words of `guard`, whose script has said `up`; and our end of the lifeline."""
    reading, writing = os.pipe()
    (tmp_path / "gone").mkdir()
    begun = subprocess.Popen(
        [sys.executable, *guard, str(reading)],
        pass_fds=(reading,),
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    os.close(reading)
    orders = {
        "command": ["/bin/sh", "-c", script],
        "environment": {"PATH": os.environ["PATH"]},
        "folder": str(tmp_path),
        "throw_away": str(tmp_path / "gone"),
    }
    os.write(writing, json.dumps(orders).encode() + b"\n")
    assert begun.stdout is not None
    assert begun.stdout.readline() == "up\n"
    return begun, writing


def test_without_linux_the_group_goes(tmp_path: Path) -> None:
    script = "sleep 600 & echo up; sleep 600"
    guard, lifeline = guarded(tmp_path, script, "-c", ELSEWHERE, str(process.GUARD))
    os.close(lifeline)
    assert guard.stdout is not None
    assert guard.stdout.read() == "", "nobody holds the other end any more"
    assert guard.wait() == -signal.SIGKILL
    guard.stdout.close()
    assert not (tmp_path / "gone").exists()


def test_a_parent_that_is_killed_right_after_its_word(tmp_path: Path) -> None:
    guard, lifeline = guarded(tmp_path, "echo up; sleep 600", str(process.GUARD))
    os.kill(guard.pid, signal.SIGSTOP)  # so that it hears both at once
    os.write(lifeline, b".")
    os.close(lifeline)
    os.kill(guard.pid, signal.SIGCONT)
    assert guard.wait() == 99
    assert guard.stdout is not None
    guard.stdout.close()
    assert not (tmp_path / "gone").exists()


def test_a_parent_that_goes_before_it_says_anything() -> None:
    reading, writing = os.pipe()
    guard = subprocess.Popen([sys.executable, str(process.GUARD), str(reading)], pass_fds=(reading,))
    os.close(reading)
    os.write(writing, b'{"command": [')
    os.close(writing)
    assert guard.wait() == 99


def test_nothing_is_left_open_where_no_process_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    before = os.listdir("/proc/self/fd")  # noqa: PTH208

    async def work() -> None:
        async with process.started(["x"], {}, tmp_path, tmp_path, tmp_path / "errors"):
            raise AssertionError("it was started")

    with pytest.raises(FileNotFoundError):
        anyio.run(work)
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208
