"""What a run has changed below a folder, told from the contents before and after."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from workflow_hub.values import Files

SKIPPED = frozenset({".git"})  # its objects are git's own business; what they mean shows in the files

Snapshot = Mapping[str, bytes]


def snapshot(folder: Path) -> Snapshot:
    """Every file below the folder with a digest of its content; a link counts as the words it holds.

    Names that are not UTF-8 are shown with escapes. What cannot be read has an empty digest, and is
    missed only if it stays so.
    """
    found: dict[str, bytes] = {}
    for here, folders, files in os.walk(folder):
        links = [name for name in folders if (Path(here) / name).is_symlink()]
        folders[:] = [name for name in folders if name not in SKIPPED]
        for name in (*files, *links):
            path = Path(here) / name
            found[_shown(path.relative_to(folder))] = _digest(path)
    return found


def compare(before: Snapshot, after: Snapshot) -> Files:
    """What was created, changed and deleted between the two."""
    return Files(
        created=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(path for path in before.keys() & after.keys() if before[path] != after[path])),
        deleted=tuple(sorted(before.keys() - after.keys())),
    )


def _shown(path: Path) -> str:
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _digest(path: Path) -> bytes:
    try:
        facts = path.lstat()
        if stat.S_ISLNK(facts.st_mode):
            return b"link:" + os.fsencode(path.readlink())
        if not stat.S_ISREG(facts.st_mode):
            return b"special"  # a pipe would make us wait
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError:
        return b""
