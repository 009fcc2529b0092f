"""A docstring taken apart: its sections and their entries, line by line, and how sure the reading is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from workflow_hub.source.literal import clean
from workflow_hub.tasks.docstrings import sections as layout
from workflow_hub.tasks.docstrings.parts import Style

# What the sections that only hold types are part of.
_KINDS = {"types": "parameters", "attribute types": "attributes", "return type": "returns"}


@dataclass(frozen=True, slots=True)
class Entry:
    """Lines `start:end` of the cleaned text, and what they describe, without stars and backslashes."""

    names: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """Lines `start:end` of the cleaned text: a section, or fields of one kind in a row.

    A section is `sure` where each of its lines is part of an entry that begins with a name. What is
    returned or yielded has no entries.
    """

    kind: str
    style: Style
    start: int
    end: int
    entries: tuple[Entry, ...] = ()
    sure: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it describes, in their order."""
        return tuple(name for entry in self.entries for name in entry.names)


@dataclass(frozen=True, slots=True)
class Reading:
    """The lines of a cleaned docstring, and the sections in it; one in no known style has none."""

    lines: tuple[str, ...]
    sections: tuple[Section, ...]

    def of(self, kind: str) -> list[Section]:
        """The sections of that kind."""
        return [section for section in self.sections if section.kind == kind]

    def has(self, *kinds: str) -> bool:
        """Whether there is a section of any of these kinds."""
        return any(section.kind in kinds for section in self.sections)

    def is_sure(self, kind: str) -> bool:
        """Whether there are sections of that kind, and all of them are read for certain."""
        found = self.of(kind)
        return bool(found) and all(section.sure for section in found)

    def names(self, kind: str) -> dict[str, int]:
        """What is described under that kind, in order, with the line where its entry begins."""
        found: dict[str, int] = {}
        for section in self.of(kind):
            for entry in section.entries:
                for name in entry.names:
                    found.setdefault(name, entry.start)
        return found

    @property
    def prose(self) -> str:
        """What stands outside of the sections."""
        within = {number for section in self.sections for number in range(section.start, section.end)}
        return "\n".join(line for number, line in enumerate(self.lines) if number not in within)

    def text(self, section: Section) -> str:
        """The lines of a section, its head among them."""
        return "\n".join(self.lines[section.start : section.end])


def type_field(name: str) -> re.Pattern[str]:
    """Matches the field for a parameter's type; the groups: what is before the name, the colon, the type."""
    return re.compile(rf"(\s*[:@]type\s+){re.escape(name)}(\s*:)(.*)")


def read(docstring: str) -> Reading:
    """The docstring taken apart, whatever its style or mix of styles."""
    lines = clean(docstring).split("\n")
    return Reading(tuple(lines), tuple(_sections(docstring, lines)))


def _sections(docstring: str, lines: Sequence[str]) -> Iterator[Section]:
    found = [one for one in layout.sections(docstring) if one.kind != "other"]
    kind_of = [_KINDS.get(one.kind, one.kind) for one in found]
    # Fields of one kind belong together; a section with a header stands for itself.
    keys = [
        (kind, True if one.style is Style.SPHINX else at)
        for at, (one, kind) in enumerate(zip(found, kind_of, strict=True))
    ]
    for (kind, _), group in groupby(zip(keys, found, strict=True), key=lambda pair: pair[0]):
        parts = [one for _, one in group]
        first, last = parts[0], parts[-1]
        if first.style is Style.SPHINX:
            named = [one for one in parts if one.kind == kind]
            entries = tuple(Entry(one.names, one.start, one.end) for one in named)
            sure = all(one.names for one in named) and bool(named)
        else:
            body = first.start + (2 if first.style is Style.NUMPY else 1)
            entries = tuple(_entries(lines, kind, range(body, first.end), first.entries))
            header = lines[first.start].strip()
            # A text beside the header is no entry.
            sure = bool(entries) and all(one.names for one in entries)
            sure = sure and (first.style is Style.NUMPY or header.endswith(":"))
        if kind in {"returns", "yields"}:
            entries, sure = (), True
        yield Section(kind, first.style, first.start, last.end, entries, sure)


def _entries(lines: Sequence[str], kind: str, body: range, indent: int) -> Iterator[Entry]:
    heads = [number for number in body if lines[number] and _indent(lines[number]) <= indent]
    for start, end in pairwise([*heads, body.stop]):
        named = "parameters" if kind == "attributes" else kind
        yield Entry(layout.names_in(named, lines[start].strip()), start, end)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
