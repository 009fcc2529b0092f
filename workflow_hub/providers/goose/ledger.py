"""What a run has cost, from the books that Goose keeps in its session store."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from workflow_hub.values import Usage

STORE = Path("data", "sessions", "sessions.db")
SUMS = "SELECT total(input_tokens), total(cache_read_tokens), total(output_tokens) FROM usage_ledger"


def spent(root: Path) -> Usage:
    """The tokens of all requests of a run whose GOOSE_PATH_ROOT was `root`; none where nothing was booked.

    The protocol tells those of the last request only. Source: Goose 1.52.0, schema version 16.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{(root / STORE).as_uri()}?mode=rw", uri=True)) as store:
            prompt, cached, completion = store.execute(SUMS).fetchone()
    except sqlite3.Error:
        return Usage()
    return Usage(int(prompt), int(cached), int(completion))
