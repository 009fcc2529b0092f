"""What a request takes from files and from stdin: whole, bounded, and refused in one line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from workflow_hub.errors import UsageError
from workflow_hub.report.plain import visible
from workflow_hub.schema import Schema, admitted
from workflow_hub.tasks.ask.given import IMAGE_LIMIT_BYTES, TEXT_LIMIT_BYTES, Given, picture_in, text_in
from workflow_hub.values import Image

STDIN = "stdin"


def file(path: Path) -> Given:
    """The text of a file, under the name that was typed."""
    return Given(str(path), text_in(_bytes(path, TEXT_LIMIT_BYTES), str(path)))


def image(path: Path) -> Image:
    """The picture in a file."""
    return picture_in(_bytes(path, IMAGE_LIMIT_BYTES), str(path))


def schema(path: Path) -> Schema:
    """The JSON schema in a file, in the dialect that a reply can be held to."""
    import jiter

    text = text_in(_bytes(path, TEXT_LIMIT_BYTES), str(path))
    try:
        document: Any = jiter.from_json(text.encode(), allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError as error:
        raise UsageError(f"{visible(str(path))} is not JSON: {error}") from error
    try:
        return admitted(document)
    except UsageError as error:
        raise UsageError(f"{visible(str(path))}: {error}") from error


def standard_input(*, typed: bool = False) -> str | None:
    """The text on stdin, None where nothing comes; a terminal is read only where it is to be `typed`."""
    if sys.stdin is None or (sys.stdin.isatty() and not typed):
        return None
    data = sys.stdin.buffer.read(TEXT_LIMIT_BYTES + 1)
    return text_in(data, STDIN) if data.strip() else None


def _bytes(path: Path, limit_bytes: int) -> bytes:
    """The content of the file; of one that is too large, enough to see that."""
    try:
        with path.open("rb") as opened:
            return opened.read(limit_bytes + 1)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {visible(str(path))}") from error
    except IsADirectoryError as error:
        raise UsageError(f"{visible(str(path))} is a folder; name the files in it") from error
    except (OSError, ValueError) as error:
        says = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{visible(str(path))} cannot be read: {says}") from error
