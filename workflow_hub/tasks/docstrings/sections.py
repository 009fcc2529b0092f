"""Docstrings in Google, NumPy and Sphinx style read: their sections and fields, line by line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workflow_hub.source.literal import clean
from workflow_hub.tasks.docstrings.parts import Documented, Style, bare

INDENT_WIDTH = 4
# The kinds of section, in the order that all styles share. `other` is never written; it is known so
# that ours come at the right place beside it.
ORDER = ("parameters", "attributes", "returns", "yields", "raises", "other")
OURS = ORDER[:-1]
HEADERS = {
    "args": "parameters",
    "arguments": "parameters",
    "parameters": "parameters",
    "params": "parameters",
    "keyword args": "parameters",
    "keyword arguments": "parameters",
    "keyword parameters": "parameters",
    "other parameters": "parameters",
    "attributes": "attributes",
    "returns": "returns",
    "return": "returns",
    "yields": "yields",
    "yield": "yields",
    "raises": "raises",
    "raise": "raises",
    "except": "raises",
    "exceptions": "raises",
    "example": "other",
    "examples": "other",
    "note": "other",
    "notes": "other",
    "references": "other",
    "see also": "other",
    "todo": "other",
    "warning": "other",
    "warnings": "other",
    "warns": "other",
}
_FIELDS = {
    "param": "parameters",
    "parameter": "parameters",
    "arg": "parameters",
    "argument": "parameters",
    "key": "parameters",
    "keyword": "parameters",
    "kwarg": "parameters",
    "type": "types",
    "ivar": "attributes",
    "cvar": "attributes",
    "var": "attributes",
    "vartype": "attribute types",
    "return": "returns",
    "returns": "returns",
    "rtype": "return type",
    "yield": "yields",
    "yields": "yields",
    "raise": "raises",
    "raises": "raises",
    "except": "raises",
    "exception": "raises",
}
# The fields that hold the types of others.
TYPES = {"types": "parameters", "attribute types": "attributes", "return type": "returns"}
_NAMED = frozenset({"parameters", "attributes", "types", "attribute types"})
_NAMES = "|".join(sorted(HEADERS, key=len, reverse=True))
HEADER = re.compile(rf"({_NAMES})[ ]?:(.*)", re.IGNORECASE)
_NUMPY_HEADER = re.compile(rf"({_NAMES})[ ]?:?", re.IGNORECASE)
UNDERLINE = re.compile(r"(?:-{3,}|={3,})")
_FIELD = re.compile(rf"([:@])({'|'.join(_FIELDS)})((?:[ ]+(?:`[^`]*`|:\w+:`[^`]*`|[^:`])*)?):(?=\s|$)(.*)")
_NAME = r"`*(?:\\?\*){0,2}`*[^\W\d][\w.]*(?:\\_[\w.]*)*`*"
_PARAMETER = re.compile(rf"({_NAME}(?:\s*,\s*{_NAME})*)\s*(?:\(.*?\)\s*)?(?::|--?(?=\s)|–|—|$)")
_EXCEPTION = re.compile(r"(?::\w+:)?`*~?([^\W\d][\w.]*)`*")
_LISTED = re.compile(r"\s*(?:,|or\b)\s*")
_AFTER_EXCEPTIONS = re.compile(r"\s*(?::|--?(?=\s)|–|—|$)")
_EXCEPTION_BY_NAME = re.compile(r"[\w.]*(?:Error|Exception|Warning|Exit|Interrupt|Iteration|Group)")


@dataclass(frozen=True, slots=True)
class Section:
    """Lines `start:end` of a docstring, trailing blank ones left out.

    `names` are bare; `entries` is the indentation of the entries, `style` and `marker` (`:` or `@`)
    how the section is written. A section of the Sphinx style is one field.
    """

    kind: str
    style: Style
    start: int
    end: int
    indent: int
    entries: int
    names: tuple[str, ...] = ()
    marker: str = ":"


def sections(docstring: str) -> list[Section]:
    """The sections of a docstring in order, by the lines of its cleaned text."""
    return sections_in(lines_of(docstring))


def documented(docstring: str) -> Documented:
    """What a docstring says, raw or cleaned, in any of the styles or in a mix of them."""
    lines = lines_of(docstring)
    return said_in(lines, sections_in(lines))


def detect(docstrings: Iterable[str]) -> Style | None:
    """The style of most of the docstrings that have one; None where none has."""
    votes = Counter(style for docstring in docstrings if (style := documented(docstring).style))
    return max(Style, key=lambda style: votes[style]) if votes else None


def said_in(lines: Sequence[str], sections: Sequence[Section]) -> Documented:
    """What these sections say, and the text around them."""
    begin = next((number for number, line in enumerate(lines) if line), None)
    kinds = {one.kind for one in sections}
    # A kind counts once, however many fields it takes; "Examples" and the like are no evidence.
    votes = Counter(style for style, kind in {(one.style, one.kind) for one in sections} if kind != "other")
    return Documented(
        style=max(Style, key=lambda style: votes[style]) if votes else None,
        summary=begin is not None and all(one.start != begin for one in sections),
        parameters=frozenset(name for one in sections if one.kind == "parameters" for name in one.names),
        returns="returns" in kinds,
        yields="yields" in kinds,
        raises=frozenset(name for one in sections if one.kind == "raises" for name in one.names),
        attributes=frozenset(name for one in sections if one.kind == "attributes" for name in one.names),
    )


def sections_in(lines: Sequence[str]) -> list[Section]:
    """The sections of a cleaned text, from top to bottom."""
    found: list[Section] = []
    number = 0
    while number < len(lines):
        after_section = bool(found) and found[-1].end == number
        section = (
            _numpy_at(lines, number) or _google_at(lines, number, after_section) or _field_at(lines, number)
        )
        if section:
            found.append(section)
        number = section.end if section else number + 1
    return found


def _numpy_at(lines: Sequence[str], start: int) -> Section | None:
    header = _NUMPY_HEADER.fullmatch(lines[start].strip())
    if not header or not _is_underlined(lines, start):
        return None
    indent = _indent(lines[start])
    end = start + 2
    while end < len(lines):
        line = lines[end].strip()
        title = HEADER.fullmatch(line)
        if line and _indent(lines[end]) <= indent and (_is_underlined(lines, end) or _FIELD.fullmatch(line)):
            break
        if title and title[1][0].isupper() and not title[2].strip() and not lines[end - 1]:
            break
        end += 1
    kind = HEADERS[header[1].lower()]
    return _section(lines, kind, Style.NUMPY, start, start + 2, end, indent)


def _google_at(lines: Sequence[str], start: int, after_section: bool) -> Section | None:
    header = HEADER.fullmatch(lines[start].strip())
    if not header:
        return None
    kind, inline = HEADERS[header[1].lower()], header[2].strip()
    # Prose has such words in front of a colon too, so a text beside the header needs more to go by.
    begins = start == 0 or not lines[start - 1] or after_section
    if inline and not (kind in OURS and header[1][0].isupper() and begins):
        return None
    indent = _indent(lines[start])
    end = start + 1
    flat = not inline and kind in OURS and end < len(lines) and lines[end] and _indent(lines[end]) == indent
    while end < len(lines):
        line = lines[end]
        if flat and (not line or opens(lines, end)):
            break
        if line and (_indent(line) < indent or (not flat and _indent(line) == indent)):
            break
        end += 1
    section = _section(lines, kind, Style.GOOGLE, start, start + 1, end, indent)
    return replace(section, names=(*names_in(kind, inline), *section.names)) if inline else section


def _field_at(lines: Sequence[str], start: int) -> Section | None:
    field = _FIELD.fullmatch(lines[start].strip())
    if not field:
        return None
    marker, word, argument, text = field.groups()
    kind, argument = _FIELDS[word], argument.strip()
    indent = _indent(lines[start])
    end = start + 1
    while end < len(lines):
        deeper = _indent(lines[end]) > indent
        if lines[end] and not deeper and (not lines[end - 1] or opens(lines, end)):
            break
        if lines[end] and _indent(lines[end]) < indent:
            break
        end += 1
    if kind == "raises":
        names = names_in(kind, argument or text.strip())
    elif kind in _NAMED:
        whole = _PARAMETER.fullmatch(argument)
        # `:param dict[str, int] prices:` has its type before its name.
        names = names_in("parameters", argument if whole else argument.rpartition(" ")[2])
    else:
        names = ()
    return Section(kind, Style.SPHINX, start, _trimmed(lines, end), indent, indent, names, marker)


def _section(
    lines: Sequence[str], kind: str, style: Style, start: int, body: int, end: int, indent: int
) -> Section:
    filled = [line for line in lines[body:end] if line]
    unset = indent + INDENT_WIDTH if style is Style.GOOGLE else indent
    entries = _indent(filled[0]) if filled else unset
    names = tuple(
        name for line in filled if _indent(line) <= entries for name in names_in(kind, line.strip())
    )
    return Section(kind, style, start, max(_trimmed(lines, end), body), indent, entries, names)


def names_in(kind: str, line: str) -> tuple[str, ...]:
    """The names that an entry of such a section begins with, bare; none where it is no entry."""
    if kind in _NAMED:
        found = _PARAMETER.match(line)
        return tuple(bare(name) for name in found[1].split(",")) if found else ()
    return tuple(_exceptions(line)) if kind == "raises" else ()


def _exceptions(line: str) -> list[str]:
    names: list[str] = []
    place = 0
    while found := _EXCEPTION.match(line, place):
        names.append(found[1])
        place = found.end()
        listed = _LISTED.match(line, place)
        if not listed:
            break
        place = listed.end()
    # Without a mark after it, only what sounds like an exception is one: "ValueError if it is negative".
    marked = _AFTER_EXCEPTIONS.match(line, place)
    return names if marked else [name for name in names if _EXCEPTION_BY_NAME.fullmatch(name)]


def opens(lines: Sequence[str], number: int) -> bool:
    """True where a section of any style begins."""
    line = lines[number].strip()
    header = HEADER.fullmatch(line)
    titled = header is not None and (header[1][0].isupper() or not header[2].strip())
    return titled or _FIELD.fullmatch(line) is not None or _is_underlined(lines, number)


def _is_underlined(lines: Sequence[str], number: int) -> bool:
    return (
        bool(lines[number])
        and number + 1 < len(lines)
        and UNDERLINE.fullmatch(lines[number + 1].strip()) is not None
        and _indent(lines[number]) == _indent(lines[number + 1])
    )


def _trimmed(lines: Sequence[str], end: int) -> int:
    while end and not lines[end - 1]:
        end -= 1
    return end


def lines_of(docstring: str) -> list[str]:
    """The lines of a docstring, cleaned."""
    return clean(docstring).split("\n")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
