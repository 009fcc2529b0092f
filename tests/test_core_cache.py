from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workflow_hub import cache as caching
from workflow_hub.cache import MIGRATIONS, Cache, default_path, key
from workflow_hub.errors import SetupError

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@contextmanager
def child(code: str, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs `code`; killed at the end if it is still there."""
    command = [sys.executable, "-c", f"import sys\nfrom workflow_hub.cache import Cache\n{code}"]
    with subprocess.Popen(
        [*command, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("in_file", [True, False], ids=["file", "memory"])
@settings(max_examples=25)
@given(values=st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_what_was_put_is_there(
    tmp_path_factory: pytest.TempPathFactory, in_file: bool, values: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("cache") / "below" / "answers.sqlite3" if in_file else None
    with Cache(path) as cache:
        cache.put({"other": 1} | values)
        assert cache.get([*values, "unknown"]) == values
        assert cache.get([]) == {}
    if path:
        with Cache(path) as again:
            assert again.get(values) == values


def test_a_later_value_replaces_the_earlier(tmp_path: Path) -> None:
    with Cache(tmp_path / "c") as cache:
        cache.put({"a": 1, "b": None})
        cache.put({"a": "\ud800"})
        assert cache.get(["a", "b"]) == {"a": "\ud800", "b": None}


def test_all_values_or_none(tmp_path: Path) -> None:
    with Cache(tmp_path / "c") as cache:
        with pytest.raises(SetupError, match="surrogates not allowed"):
            cache.put({"a": 1, "half a pair \ud800": 2})
        assert cache.get(["a"]) == {}
        cache.put({"a": 3})
        assert cache.get(["a"]) == {"a": 3}


def exactly(value: Any) -> Any:
    """The value with its types: to Python False is 0, to an answer it is something else."""
    if isinstance(value, list):
        return [exactly(one) for one in value]
    if isinstance(value, dict):
        return {name: exactly(one) for name, one in value.items()}
    return type(value), value


@example([[False]], [[0]])
@example([{"a": 1, "b": True}], [{"b": True, "a": 1}])
@given(st.lists(JSON, max_size=3), st.lists(JSON, max_size=3))
def test_a_key_is_the_hash_of_its_parts(some: list[Any], others: list[Any]) -> None:
    assert key(*some) == key(*some)
    assert (key(*some) == key(*others)) == (exactly(some) == exactly(others))
    assert key({"a": 1, "b": some}) == key({"b": some, "a": 1})
    assert key("ab", "c") != key("a", "bc")


def test_the_usual_place_is_the_users_cache_folder() -> None:
    assert default_path().is_relative_to(Path.home())
    assert default_path().name == "answers.sqlite3"


# -- side by side, and killed ---------------------------------------------------------------------

WRITER = """
with Cache(__import__("pathlib").Path(sys.argv[1])) as cache:
    print("open", flush=True)
    for number in range(40):
        cache.put({f"{sys.argv[2]}-{number}": number, "shared": sys.argv[2]})
"""


def test_processes_that_begin_and_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite3"
    with child(WRITER, path, "a") as one, child(WRITER, path, "b") as two, child(WRITER, path, "c") as three:
        for process in (one, two, three):
            _, said = process.communicate(timeout=30)
            assert process.returncode == 0, said
    with Cache(path) as cache:
        assert len(cache.get(f"{name}-{number}" for name in "abc" for number in range(40))) == 120
        assert cache.get(["shared"])["shared"] in {"a", "b", "c"}


def test_a_run_that_turns_wal_on_waits_for_another_that_does(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite3"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # where SQLite refuses WAL at once, whatever the time-out
    waits = "import pathlib\nprint('begins', flush=True)\nCache(pathlib.Path(sys.argv[1])).put({'a': 1})"
    with child(waits, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        other.execute("ROLLBACK")
        other.close()
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
    with Cache(path) as cache:
        assert cache.get(["a"]) == {"a": 1}


def test_nobody_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching, "PATIENCE_S", 0.05)
    other = sqlite3.connect(tmp_path / "c", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(SetupError, match="database is locked"):
        Cache(tmp_path / "c")
    other.close()


KILLED = """
cache = Cache(__import__("pathlib").Path(sys.argv[1]))
cache.put({"first": 1})
cache.put({"second": 2})
cache._database.execute("BEGIN IMMEDIATE")
cache._database.execute("INSERT INTO answers VALUES ('third', '3', 0)")
print("in the middle", flush=True)
sys.stdin.read()
"""


def test_a_kill_in_mid_transaction_keeps_what_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite3"
    with child(KILLED, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    with Cache(path) as cache:
        assert cache.get(["first", "second", "third"]) == {"first": 1, "second": 2}
        cache.put({"third": 3})
        assert cache.get(["third"]) == {"third": 3}


# -- files that cannot be used --------------------------------------------------------------------


def garbage(folder: Path) -> Path:
    path = folder / "c"
    path.write_bytes(b"this is no database at all, however long one looks at it" * 100)
    return path


def broken(folder: Path) -> Path:
    """A database whose first page says what it is, and whose pages are noise."""
    path = folder / "c"
    with Cache(path) as cache:
        cache.put({str(number): "x" * 500 for number in range(100)})
        cache._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = path.read_bytes()
    path.write_bytes(data[:100] + b"\xff" * (len(data) - 100))
    return path


def below_a_file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file" / "c"


def folder_itself(folder: Path) -> Path:
    (folder / "c").mkdir()
    return folder / "c"


def newer(folder: Path) -> Path:
    with Cache(folder / "c") as cache:
        cache._database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    return folder / "c"


def other_table(folder: Path) -> Path:
    with sqlite3.connect(folder / "c") as database:
        database.execute("CREATE TABLE answers (something)")
    database.close()
    return folder / "c"


USELESS = [
    pytest.param(garbage, "cannot be used: file is not a database", id="garbage"),
    pytest.param(broken, "cannot be used: database disk image is malformed", id="corrupt"),
    pytest.param(below_a_file, "cannot be used: ", id="no folder can be made"),
    pytest.param(folder_itself, "cannot be used: unable to open database file", id="a folder"),
    pytest.param(other_table, "cannot be used: table answers already exists", id="another program's"),
    pytest.param(newer, "was written by a newer workflow-hub; upgrade, or use --no-cache", id="newer"),
]


@pytest.mark.parametrize(("make", "message"), USELESS)
def test_a_file_that_cannot_be_used_is_named_and_says_what_to_do(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(SetupError) as caught:
        Cache(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert str(caught.value).endswith("--no-cache")


@pytest.mark.parametrize(
    ("pragma", "message"),
    [
        pytest.param("PRAGMA max_page_count = 4", "database or disk is full", id="full disk"),
        pytest.param("PRAGMA query_only = ON", "attempt to write a readonly database", id="read-only"),
    ],
)
def test_a_disk_that_takes_no_more_is_an_error_and_loses_nothing(
    tmp_path: Path, pragma: str, message: str
) -> None:
    with Cache(tmp_path / "c") as cache:
        cache.put({"kept": "here"})
        cache._database.execute(pragma)
        with pytest.raises(SetupError, match=f"{message}; free the disk, delete it, or use --no-cache"):
            cache.put({str(number): "x" * 3000 for number in range(50)})
        assert cache.get(["kept", "0"]) == {"kept": "here"}
    with Cache(tmp_path / "c") as again:
        again.put({"0": 1})
        assert again.get(["kept", "0"]) == {"kept": "here", "0": 1}


def test_an_answer_that_another_hand_has_broken(tmp_path: Path) -> None:
    with Cache(tmp_path / "c") as cache:
        cache.put({"a": 1})
        cache._database.execute("UPDATE answers SET value = '{'")
        with pytest.raises(
            SetupError, match=r"c cannot be used: .*; free the disk, delete it, or use --no-cache"
        ):
            cache.get(["a"])


def test_a_closed_cache_says_so_in_our_words(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "c")
    cache.close()
    with pytest.raises(SetupError, match="closed database"):
        cache.get(["a"])
