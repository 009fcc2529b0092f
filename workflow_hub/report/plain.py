"""What others have written, made fit for a screen: nothing of it moves the cursor or hides a word; pure."""

from __future__ import annotations

import re

LONGEST_STRING = 4096
# The kinds of escape sequence up to where they end or, by the look of the next sign, break off: CSI,
# strings (OSC, DCS, …) with their terminator, and short ones. Possessive, so that no sign is left behind.
_CSI = r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+"
_STRING = rf"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]{{0,{LONGEST_STRING}}}+"
_SHORT = r"\x1b(?![\[\]PX^_])[ -/]*+"
_SEQUENCE = re.compile(
    rf"{_CSI}(?:[@-~]|(?=.))|{_STRING}(?:\x07|\x9c|\x1b\\|(?=\x1b.|[^\x1b]))|{_SHORT}(?:[0-~]|(?=.))", re.S
)
_BEGUN = re.compile(rf"(?:{_CSI}|{_STRING}\x1b?|{_SHORT})\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# Besides those, what changes the direction of a line, has no width, or ends one for some programs only.
_HIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


class Plain:
    """Takes the escape sequences and control characters out of a text that comes in pieces.

    Line feeds and tabs stay. A sequence that has begun is held back until it ends or breaks off.
    """

    def __init__(self) -> None:
        self._held = ""

    def feed(self, text: str) -> str:
        """What of the text so far may be shown, and has not been yet."""
        text, self._held = _SEQUENCE.sub("", self._held + text), ""
        if begun := _BEGUN.search(text):
            text, self._held = text[: begun.start()], begun[0]
        return _CONTROL.sub("", text)

    def close(self) -> str:
        """What was held back, when nothing comes after it."""
        held, self._held = self._held, ""
        return _CONTROL.sub("", held)


def plain(text: str) -> str:
    """The whole `text` without escape sequences and control characters."""
    whole = Plain()
    return whole.feed(text) + whole.close()


def visible(text: str, *, lines: bool = False) -> str:
    r"""`text` with everything that a screen would not show as an escape: `\x1b`, `\u202e`.

    With `lines`, line feeds and tabs stay.
    """
    kept = "\n\t" if lines else ""
    return _HIDDEN.sub(
        lambda found: found[0] if found[0] in kept else found[0].encode("unicode_escape").decode(), text
    )


def cut(text: str, most: int) -> str:
    """At most `most` characters of `text`, and how many there are where that is less than all."""
    return text if len(text) <= most else f"{text[:most]} … ({len(text)} characters in all)"
