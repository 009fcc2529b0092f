"""Text for a reader's eyes: what an editor does not show, or shows elsewhere, as an escape."""

from __future__ import annotations

import re

# Control characters but tab and line feed, half surrogate pairs, bidirectional marks, other line ends,
# and the two characters that XML cannot hold.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)


def visible(text: str) -> str:
    r"""The text with escapes (`\x1b`, `\u202e`) for what would not be seen; lines and tabs stay."""
    return _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def one_line(text: str) -> str:
    r"""The visible text in one line; a line end in it shows as `\n`."""
    return visible(text).replace("\n", "\\n")
