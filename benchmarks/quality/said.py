"""What a docstring says, read by docstring-parser: the judge is not the hub's own reader."""

from __future__ import annotations

import re
from dataclasses import dataclass

import docstring_parser
from docstring_parser.common import DocstringReturns

# A section that says that there is nothing in it; the parser would give up on the whole docstring.
_EMPTY = re.compile(r"^[ \t]*(?:Args|Arguments|Parameters|Returns|Raises):[ \t]*\n[ \t]+None\.?[ \t]*$", re.M)


@dataclass(frozen=True, slots=True)
class Said:
    """The parts of a docstring; `prose` are all its descriptions, the summary first."""

    summary: str = ""
    parameters: tuple[str, ...] = ()
    raises: frozenset[str] = frozenset()
    returns: bool = False
    yields: bool = False
    prose: tuple[str, ...] = ()


def read(docstring: str) -> Said:
    """What it says, in whichever style shows most."""
    parsed = docstring_parser.parse(_EMPTY.sub("", docstring))
    told = parsed.many_returns
    texts = [parsed.short_description, parsed.long_description, *(one.description for one in parsed.params)]
    texts += [*map(_text, told), *(one.description for one in parsed.raises)]
    return Said(
        (parsed.short_description or "").strip(),
        tuple(bare(one.arg_name) for one in parsed.params),
        frozenset(last(one.type_name) for one in parsed.raises if one.type_name),
        any(not one.is_generator for one in told),
        any(one.is_generator for one in told),
        tuple(text.strip() for text in texts if text and text.strip()),
    )


def _text(told: DocstringReturns) -> str:
    # In a NumPy docstring without types, the first line is taken for one.
    return " ".join(part for part in (told.type_name, told.description) if part)


def bare(name: str) -> str:
    """A parameter's name without stars and backslashes."""
    return name.lstrip("\\*")


def last(name: str) -> str:
    """The last part of an exception's name, without the marks that Sphinx may want around it."""
    return name.strip("`").rpartition(".")[2].strip("`~ ")
