"""Accepted answers by content hash, in SQLite: what has been answered once is not asked again.

A key covers all that an answer depends on (`key`); a value is JSON. The file is WAL, so that runs
side by side read and write it together, and a commit survives a kill at any moment.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from workflow_hub.errors import SetupError

# How long another run may hold the file.
PATIENCE_S = 30.0
# Numbered by place: migration 1 takes an empty file to version 1.
MIGRATIONS = (
    "CREATE TABLE answers (key TEXT PRIMARY KEY, value TEXT NOT NULL, made_at REAL NOT NULL) WITHOUT ROWID",
)


def key(*parts: Any) -> str:
    """The hash of all that an answer depends on; mappings count the same in any order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def default_path() -> Path:
    """The file of answers in the user's cache folder."""
    import platformdirs

    return platformdirs.user_cache_path("workflow-hub") / "answers.sqlite3"


class Cache:
    """A file of answers; without a path they are kept for this run alone."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        with self._errors():
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path or ":memory:", timeout=PATIENCE_S, isolation_level=None)
            try:
                self._write_ahead()
                self._database.execute("PRAGMA synchronous = NORMAL")
                self._migrate()
            except BaseException:
                self.close()
                raise

    def get(self, keys: Iterable[str]) -> dict[str, Any]:
        """The remembered values among `keys`."""
        wanted = list(keys)
        marks = ",".join("?" * len(wanted))
        with self._errors():
            rows = self._database.execute(f"SELECT key, value FROM answers WHERE key IN ({marks})", wanted)
            return {name: json.loads(value) for name, value in rows}

    def put(self, values: Mapping[str, Any]) -> None:
        """Remember `values`, all of them or none; they are in the file when this returns."""
        now = time.time()
        rows = [(name, json.dumps(value, ensure_ascii=True), now) for name, value in values.items()]
        with self._errors(), self._transaction():
            self._database.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Nothing is read or kept any more."""
        self._database.close()

    def __enter__(self) -> Cache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write_ahead(self) -> None:
        """Turn WAL on; of two runs that do so at once, SQLite refuses one without waiting for the other."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._database.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)

    def _migrate(self) -> None:
        with self._transaction():
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            if version > len(MIGRATIONS):
                raise SetupError(
                    f"{self.path} was written by a newer workflow-hub; upgrade, or use --no-cache"
                )
            for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
                self._database.execute(migration)
                self._database.execute(f"PRAGMA user_version = {number}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._database.in_transaction:  # a full disk has rolled back by itself
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            raise SetupError(
                f"the cache {self.path} cannot be used: {error}; free the disk, delete it, or use --no-cache"
            ) from error
