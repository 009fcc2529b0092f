"""A patch in colour, for a terminal; a model's also without anything that cannot be seen."""

from __future__ import annotations

import click

from workflow_hub.report.plain import plain

COLORS = {b"+": "green", b"-": "red", b"@": "cyan"}


def in_color(patch: bytes) -> bytes:
    """The patch, byte by byte, with its lines in colour."""
    return b"\n".join(map(_colored, patch.split(b"\n")))


def visible_only(patch: bytes) -> bytes:
    """The patch without escape sequences and control characters; it is no patch any more."""
    return plain(patch.decode("utf-8", "replace")).encode()


def _colored(line: bytes) -> bytes:
    color = None if line.startswith((b"+++", b"---")) else COLORS.get(line[:1])
    if color is None:
        return line
    text = click.style(line.decode("utf-8", "surrogateescape"), fg=color)
    return text.encode("utf-8", "surrogateescape")
