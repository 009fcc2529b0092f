"""A source file is replaced whole or not at all, and only while it still is what was read."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from workflow_hub.errors import SourceRefused
from workflow_hub.source.files import SourceFile


def replace(source: SourceFile, after: bytes) -> None:
    """The file holds `after`, with its mode, owner and the link that leads to it as they were.

    SourceRefused, with the file untouched, where it is not the file that was read any more, may
    not be written, or does not fit on the disk. A process killed at any moment leaves the old
    bytes or the new ones; what it may leave beside them is a temporary file that is no Python.
    """
    try:
        target = source.path.resolve(strict=True)
        status = _unchanged(source, target)
        if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
            raise SourceRefused(f"{source.path} is read-only; make it writable and run again")
        _exchange(source, target, after, status)
    except FileNotFoundError as error:
        raise SourceRefused(f"{source.path} is not there any more; run again") from error
    except (OSError, RuntimeError) as error:
        # RuntimeError: a link that leads to itself, before Python 3.13.
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceRefused(f"{source.path} cannot be written, so it was left alone: {reason}") from error


def _exchange(source: SourceFile, target: Path, after: bytes, status: os.stat_result) -> None:
    descriptor, name = tempfile.mkstemp(prefix=".workflow-hub-", suffix=".tmp", dir=target.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(after)
            file.flush()
            # The owner first: changing it clears the set-user-id bit.
            with suppress(PermissionError):
                os.chown(fresh, status.st_uid, status.st_gid)
            fresh.chmod(stat.S_IMODE(status.st_mode))
            os.fsync(descriptor)
        _unchanged(source, target)
        fresh.replace(target)
    finally:
        fresh.unlink(missing_ok=True)
    _settle(target.parent)


def _unchanged(source: SourceFile, target: Path) -> os.stat_result:
    status = target.stat()
    if not stat.S_ISREG(status.st_mode) or target.read_bytes() != source.data:
        raise SourceRefused(f"{source.path} changed while we worked; run again")
    return status


def _settle(folder: Path) -> None:
    """The new name survives a power cut, where the file system can promise that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
