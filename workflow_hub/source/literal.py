"""A docstring as a cleaned text, and as the literal that stands for it in a file."""

from __future__ import annotations

import re

from workflow_hub.errors import SourceRefused

WIDTH = 88
LINE_END = re.compile(r"\r\n|\r|\n")
# What an editor does not show, or shows elsewhere (bidirectional marks), is written as an escape.
UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]"
)


def clean(docstring: str) -> str:
    """A docstring without its indentation, as `inspect.cleandoc` does it, and without trailing blanks.

    Line ends become `\\n` and tabs blanks. In every Python version white space of any kind counts
    as indentation.
    """
    first, *rest = _lines(docstring)
    margin = min((len(line) - len(line.lstrip()) for line in rest if line), default=0)
    return _without_blank_ends([first.lstrip(), *(line[margin:] for line in rest)])


def literal(
    text: str, *, indent: str = "    ", newline: str = "\n", raw: bool | None = None, width: int = WIDTH
) -> str:
    """The docstring literal of a cleaned text, quotes included, its first line without indentation.

    One line where the text is one and fits into `width` columns, else the closing quotes stand on a line of
    their own. `raw=None` takes `r` where backslashes are all that needs escaping. SourceRefused where the
    text is empty, holds half a surrogate pair, or `raw=True` cannot express it.
    """
    text = asked(text)
    rawable = not (text.endswith("\\") or '"""' in text or UNSEEN.search(text))
    if raw and not rawable:
        raise SourceRefused("the text cannot be written as a raw docstring")
    is_raw = rawable and "\\" in text if raw is None else raw
    opening = 'r"""' if is_raw else '"""'
    first, *rest = (text if is_raw else escaped(text, '"""')).split("\n")
    columns = len(indent.expandtabs()) + len(opening) + len(first) + 3
    if not rest and not first.endswith('"') and columns <= width:
        return f'{opening}{first}"""'
    # With nothing else at the margin, the first line shows where the margin is.
    if first.startswith(" ") or (any(rest) and all(line.startswith(" ") for line in rest if line)):
        opening += newline + indent
    lines = [opening + first, *(indent + line if line else "" for line in rest), indent + '"""']
    return newline.join(lines)


def asked(text: str) -> str:
    """The text settled; SourceRefused where no file can hold it, or where there is none."""
    text = settled(text)
    if not text:
        raise SourceRefused("an empty text is no docstring")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise SourceRefused("the text holds half a surrogate pair, which no file can")
    return text


def settled(text: str) -> str:
    """A cleaned text in its one form: no trailing blanks, no blank ends, some line at the margin."""
    lines = _lines(text)
    margin = min((len(line) - len(line.lstrip()) for line in lines if line), default=0)
    return _without_blank_ends([line[margin:] for line in lines])


def escaped(text: str, quotes: str) -> str:
    """The text as it is written between these triple quotes; its line ends stay line ends."""
    text = text.replace("\\", "\\\\").replace(quotes, f"\\{quotes[0]}" * 3)
    return UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)


def _lines(text: str) -> list[str]:
    """Lines without trailing blanks, indented by plain blanks."""
    lines = [line.rstrip() for line in LINE_END.sub("\n", text).expandtabs().split("\n")]
    return [" " * (len(line) - len(line.lstrip())) + line.lstrip() for line in lines]


def _without_blank_ends(lines: list[str]) -> str:
    filled = [number for number, line in enumerate(lines) if line]
    return "\n".join(lines[filled[0] : filled[-1] + 1]) if filled else ""
