"""What a user hands over with a request: text to read along, named and fenced, and pictures; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from workflow_hub.errors import UsageError
from workflow_hub.providers.dmr.wire import BODY_LIMIT_BYTES
from workflow_hub.report.plain import visible
from workflow_hub.schema import Schema
from workflow_hub.values import Image

TEXT_LIMIT_BYTES = 4_000_000
# In base64 a picture takes a third more, and some room is left for the words.
IMAGE_LIMIT_BYTES = (BODY_LIMIT_BYTES - 256 * 1024) * 3 // 4
KINDS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"RIFF....WEBP", re.S), "image/webp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Given:
    """A piece of text to read along, and what it is called: a file, or `stdin`."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with all that comes with it.

    `schema`, of the dialect of `schema.py`, makes the answer JSON. `tools` forces the side: True an
    agent, False a model that can only answer; None is what the words ask for.
    """

    text: str
    given: tuple[Given, ...] = ()
    images: tuple[Image, ...] = ()
    system: str | None = None
    schema: Schema | None = None
    tools: bool | None = None


def text_in(data: bytes, name: str) -> str:
    """The text that `data` is. Raises UsageError for what is none, is empty, or is too long."""
    name = visible(name)
    if _kind(data):
        raise UsageError(f"{name} is a picture; hand it over with --image")
    if len(data) > TEXT_LIMIT_BYTES:
        raise UsageError(f"{name} is larger than {TEXT_LIMIT_BYTES // 1_000_000} MB; hand over a part of it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{name} is no text in UTF-8 (byte {error.start}); convert it first") from error
    if "\0" in text:
        raise UsageError(f"{name} is no text: it holds null bytes")
    if not text.strip():
        raise UsageError(f"{name} is empty")
    return text


def picture_in(data: bytes, name: str) -> Image:
    """The picture that `data` is, told by its first bytes. Raises UsageError for any other content."""
    name = visible(name)
    if len(data) > IMAGE_LIMIT_BYTES:
        raise UsageError(
            f"{name} is larger than {IMAGE_LIMIT_BYTES / 1_000_000:.1f} MB, which no server takes; shrink it"
        )
    kind = _kind(data)
    if kind is None:
        what = "is none of PNG, JPEG, WebP and GIF; convert it first" if data else "is empty"
        raise UsageError(f"{name} {what}")
    return Image(data, kind)


def context(pieces: Iterable[Given]) -> str:
    """All pieces, each under its name and inside a fence."""
    return "\n\n".join(map(fenced, pieces))


def fenced(piece: Given) -> str:
    """The piece under its name, inside a fence that nothing in it can end."""
    runs = [3, *(len(run) + 1 for run in re.findall("`+", piece.text))]
    fence = "`" * max(runs)
    return "\n".join((visible(piece.name), fence, piece.text.rstrip("\n"), fence))


def _kind(data: bytes) -> str | None:
    return next((kind for mark, kind in KINDS if mark.match(data)), None)
