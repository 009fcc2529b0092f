"""Killed, interrupted, cut off: files are whole, accepted replies are kept, the next run goes on."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_help import (
    SHOP_ITEMS,
    Ran,
    at,
    bytes_of,
    ended,
    finished,
    questions,
    run,
    shop_in,
    start,
)
from doubles.dmr import DmrDouble, Hang

FILES = 40
SLOTS = 3  # of each function below: its summary, its parameter, what it returns
# Requests that are in when the run is killed, one run after the other.
MOMENTS = (1, 2, 6, 9, 13, 14, 20)
# Files that are written when the run is killed, one run after the other.
WRITTEN = (1, 4, 9, 16, 25)


def project_in(folder: Path) -> Path:
    """40 files with 60 functions."""
    folder.mkdir(parents=True)
    for number in range(FILES):
        names = [f"first{number}", f"second{number}"][: 1 + number % 2]
        text = "\n\n".join(f"def {name}(item):\n    return [item] * {number}\n" for name in names)
        (folder / f"part{number:02}.py").write_text(text)
    return folder


ITEMS = FILES + FILES // 2


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """The files before and after a run that nobody disturbs."""
    folder = project_in(tmp_path_factory.mktemp("reference") / "project")
    before = bytes_of(folder)
    with DmrDouble() as dmr:
        assert run("docstrings", ".", "--write", "--no-cache", cwd=folder, env=at(dmr)).code == 0
    return before, bytes_of(folder)


def remembered(cache: Path) -> int:
    """How many functions have all their answers in the cache."""
    with sqlite3.connect(cache) as database:
        (count,) = database.execute("SELECT count(*) FROM answers").fetchone()
    database.close()
    return int(count) // SLOTS


def check_whole(folder: Path, reference: tuple[dict[str, bytes], dict[str, bytes]]) -> int:
    """Every file is as it was or as it is to be, and nothing else is Python; how many are done."""
    before, after = reference
    found = {name: data for name, data in bytes_of(folder).items() if not name.startswith(".workflow-hub-")}
    assert found.keys() == before.keys()
    assert all(data in (before[name], after[name]) for name, data in found.items())
    return sum(data == after[name] for name, data in found.items())


def test_a_run_that_is_killed_while_it_asks_goes_on_where_it_was(
    tmp_path: Path, reference: tuple[dict[str, bytes], dict[str, bytes]]
) -> None:
    here, cache = project_in(tmp_path / "project"), tmp_path / "answers.sqlite3"
    for moment in MOMENTS:
        with DmrDouble(delay_s=0.01) as dmr:
            env = at(dmr) | {"WORKFLOW_HUB_CACHE_PATH": str(cache)}
            with ended(start("docstrings", ".", "--write", cwd=here, env=env)) as process:
                assert dmr.wait_until(lambda dmr=dmr, moment=moment: len(dmr.chats) > moment)
                process.kill()
        check_whole(here, reference)
    kept = remembered(cache)
    assert 0 < kept < ITEMS
    with DmrDouble() as dmr:
        env = at(dmr) | {"WORKFLOW_HUB_CACHE_PATH": str(cache)}
        done = run("docstrings", ".", "--write", "--format", "json", cwd=here, env=env)
        assert len(questions(dmr)) == ITEMS - kept
    assert (done.code, done.report["summary"]["failed"]) == (0, 0)
    assert check_whole(here, reference) == FILES


def test_a_run_that_is_killed_while_it_writes_leaves_whole_files(
    tmp_path: Path, reference: tuple[dict[str, bytes], dict[str, bytes]]
) -> None:
    here, cache = project_in(tmp_path / "project"), tmp_path / "answers.sqlite3"
    before, _ = reference
    with DmrDouble() as dmr:
        env = at(dmr) | {"WORKFLOW_HUB_CACHE_PATH": str(cache)}
        run("docstrings", ".", cwd=here, env=env)
        dmr.chats.clear()
        for moment in WRITTEN:
            with ended(start("docstrings", ".", "--write", cwd=here, env=env)) as process:
                while process.poll() is None:
                    if (
                        sum((here / name).stat().st_size != len(data) for name, data in before.items())
                        >= moment
                    ):
                        process.kill()
                        break
            assert check_whole(here, reference) >= moment
        done = run("docstrings", ".", "--write", cwd=here, env=env)
        assert dmr.chats == []
    assert done.code == 0
    assert check_whole(here, reference) == FILES


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return shop_in(tmp_path / "work").parent


@pytest.fixture
def hanging() -> Iterator[DmrDouble]:
    """A runner that answers the canary and nine items, and then nothing more."""
    with DmrDouble(faults=[Hang(times=None, skip=10)]) as dmr:
        yield dmr


def interrupted(shop: Path, dmr: DmrDouble, *more: str, times: int = 1) -> Ran:
    """A run with --write that gets a SIGINT when four requests hang."""
    with ended(start("docstrings", "shop", "--write", *more, cwd=shop, env=at(dmr))) as process:
        assert dmr.wait_until(lambda: len(dmr.chats) == 14 and dmr.in_flight == 4)
        began = time.monotonic()
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
        took = time.monotonic() - began
        assert dmr.wait_until(lambda: dmr.disconnects == 4)
        assert took < 5  # a promise of one second, on a machine that may be busy
        return finished(process)


def test_ctrl_c_ends_at_once_and_keeps_what_was_accepted(shop: Path, hanging: DmrDouble) -> None:
    done = interrupted(shop, hanging, "--format", "json")
    assert done.code == 130
    assert "interrupted" in done.err
    assert done.report["summary"]["done"] == 9
    written = sum(data.count(b'"""') for data in bytes_of(shop).values()) // 2
    assert written == 9
    with DmrDouble() as dmr:
        again = run("docstrings", "shop", "--write", cwd=shop, env=at(dmr))
        assert len(questions(dmr)) == SHOP_ITEMS - 9
    assert again.code == 0


def test_ctrl_c_is_told_in_the_report(shop: Path, hanging: DmrDouble) -> None:
    (sarif,) = interrupted(shop, hanging, "--format", "sarif").report["runs"]
    assert sarif["invocations"][0]["executionSuccessful"] is False


def test_impatient_ctrl_c_is_no_traceback_either(shop: Path, hanging: DmrDouble) -> None:
    done = interrupted(shop, hanging, times=3)
    assert done.code == 130
    for data in bytes_of(shop).values():
        compile(data, "shop", "exec")


def test_ctrl_c_before_the_first_answer(shop: Path) -> None:
    before = bytes_of(shop)
    with DmrDouble(faults=[Hang(times=None)]) as dmr:
        process = start("docstrings", "shop", "--write", cwd=shop, env=at(dmr))
        assert dmr.wait_until(lambda: dmr.in_flight == 1)
        process.send_signal(signal.SIGINT)
        done = finished(process)
        assert dmr.wait_until(lambda: dmr.disconnects == 1)
    assert done.code == 130
    assert bytes_of(shop) == before


def test_ctrl_c_while_it_looks_for_a_runner(shop: Path) -> None:
    with DmrDouble(faults=[Hang(times=None, path="/models")]) as dmr:
        process = start("docstrings", "shop", cwd=shop, env=at(dmr))
        assert dmr.wait_until(lambda: bool(dmr.requests))
        process.send_signal(signal.SIGINT)
        done = finished(process)
    assert (done.code, done.out) == (130, b"")


def test_a_terminal_that_goes_away_leaves_whole_files(shop: Path, hanging: DmrDouble) -> None:
    # Whoever runs the tests may have it ignored, as nohup does, and that is inherited.
    hung_up = "import signal; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    started = start("docstrings", "shop", "--write", cwd=shop, env=at(hanging), prepared=hung_up)
    with ended(started) as process:
        assert hanging.wait_until(lambda: len(hanging.chats) == 14)
        process.send_signal(signal.SIGHUP)
        assert process.wait(timeout=20) != 0
        assert hanging.wait_until(lambda: hanging.disconnects == 4)
    for data in bytes_of(shop).values():
        compile(data, "shop", "exec")
    assert os.listdir(shop) == ["shop"]  # noqa: PTH208
