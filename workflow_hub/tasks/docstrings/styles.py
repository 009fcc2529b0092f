"""Docstrings in Google, NumPy and Sphinx style written, and completed line by line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from workflow_hub.tasks.docstrings.parts import Entry, Parts, Style, bare
from workflow_hub.tasks.docstrings.sections import (
    HEADER,
    HEADERS,
    INDENT_WIDTH,
    ORDER,
    OURS,
    TYPES,
    UNDERLINE,
    Section,
    lines_of,
    opens,
    said_in,
    sections_in,
)

WIDTH = 88
# The header in Google's words, and in NumPy's.
_TITLES = {
    "parameters": ("Args", "Parameters"),
    "attributes": ("Attributes", "Attributes"),
    "returns": ("Returns", "Returns"),
    "yields": ("Yields", "Yields"),
    "raises": ("Raises", "Raises"),
}
# By the mark that begins a field, reStructuredText or Epytext: the field, and that for its type.
_WRITTEN_FIELDS = {
    ":": {
        "parameters": ("param", "type"),
        "attributes": ("ivar", "vartype"),
        "returns": ("returns", "rtype"),
        "yields": ("yields", ""),
        "raises": ("raises", ""),
    },
    "@": {
        "parameters": ("param", "type"),
        "attributes": ("ivar", "type"),
        "returns": ("return", "rtype"),
        "yields": ("yield", ""),
        "raises": ("raise", ""),
    },
}
_LAST_WORDS = frozenset(name.split()[-1] for name in HEADERS)
_ENDS = frozenset(".!?…")


def render(
    parts: Parts,
    style: Style,
    *,
    width: int = WIDTH,
    indent_width: int = INDENT_WIDTH,
    types: bool = True,
) -> str:
    """The cleaned text of a docstring that says these parts; empty where there are none.

    `width` is what the text may take, the indentation of the docstring not counted. NumPy shows
    types wherever they are known, and names of Sphinx fields are without their stars.
    """
    layout = _Layout(Style(style), width, indent_width, types)
    summary = layout.summary(parts.summary or "")
    sections = [layout.section(kind, entries, 0) for kind in OURS if (entries := _entries_of(parts, kind))]
    if layout.style is Style.SPHINX:
        sections = [[line for section in sections for line in section]] if sections else []
    return "\n\n".join("\n".join(block) for block in [summary, *sections] if block)


def merge(
    docstring: str,
    parts: Parts,
    style: Style,
    *,
    width: int = WIDTH,
    indent_width: int = INDENT_WIDTH,
    types: bool = True,
) -> str:
    """The docstring, cleaned, with what it does not say yet; every line of it stays, in order.

    Its own style holds, and `style` only where it has none. Entries go to the end of the section that
    they belong to, new sections to their place among the others.
    """
    lines = lines_of(docstring)
    said = said_in(lines, sections_in(lines))
    lacking = said.lacks(parts)
    layout = _Layout(said.style or Style(style), width, indent_width, types)
    for kind in OURS:
        entries = _entries_of(lacking, kind)
        if entries:
            lines = _with_entries(lines, kind, entries, layout)
    summary = layout.summary(lacking.summary or "")
    blocks = ("\n".join(block).strip("\n") for block in (summary, lines))
    return "\n\n".join(block for block in blocks if block)


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the parts look: lines in, lines out."""

    style: Style
    width: int
    indent_width: int
    types: bool

    def summary(self, text: str) -> list[str]:
        """The sentence, wrapped; its first line leaves three columns for the quotes before it."""
        words = _prose(text)
        if not words:
            return []
        # An identifier keeps its case.
        if words[0].isalpha() and words[0].islower():
            words[0] = words[0][0].upper() + words[0][1:]
        if words[-1].rstrip("\"'`)]*")[-1:] not in _ENDS:
            words[-1] = words[-1].rstrip(",;:") + "."
        first, *rest = _filled(words, self.width, first=" " * 3)
        return [first[3:], *rest]

    def section(self, kind: str, entries: Sequence[Entry], indent: int) -> list[str]:
        """A section with its header; in Sphinx style, its fields."""
        if self.style is Style.SPHINX:
            return self.entries(kind, entries, indent)
        title = _TITLES[kind]
        if self.style is Style.GOOGLE:
            return [" " * indent + title[0] + ":", *self.entries(kind, entries, indent + self.indent_width)]
        underline = "-" * len(title[1])
        return [" " * indent + title[1], " " * indent + underline, *self.entries(kind, entries, indent)]

    def entries(self, kind: str, entries: Sequence[Entry], indent: int, marker: str = ":") -> list[str]:
        """The entries as they stand in a section of that kind."""
        lines: list[str] = []
        for entry in entries:
            if self.style is Style.GOOGLE:
                lines += self._google(kind, entry, " " * indent)
            elif self.style is Style.NUMPY:
                lines += self._numpy(kind, entry, " " * indent)
            else:
                lines += self._fields(kind, entry, " " * indent, marker)
        return lines

    def _google(self, kind: str, entry: Entry, margin: str) -> list[str]:
        shown = _one_line(entry.type) if self.types and kind != "raises" else ""
        if entry.name:
            head = f"{entry.name} ({shown}):" if shown else f"{entry.name}:"
        else:
            head = f"{shown}:" if shown else ""
        hanging = margin + " " * self.indent_width if entry.name else margin
        return _filled([*([head] if head else []), *_prose(entry.text)], self.width, margin, hanging)

    def _numpy(self, kind: str, entry: Entry, margin: str) -> list[str]:
        shown = _one_line(entry.type) if kind != "raises" else ""
        head = " : ".join(part for part in (entry.name, shown) if part)
        deeper = margin + " " * self.indent_width if head else margin
        return [*([margin + head] if head else []), *_filled(_prose(entry.text), self.width, deeper, deeper)]

    def _fields(self, kind: str, entry: Entry, margin: str, marker: str) -> list[str]:
        field, type_field = _WRITTEN_FIELDS[marker][kind]
        name = f" {bare(entry.name)}" if entry.name else ""
        hanging = margin + " " * self.indent_width
        head = f"{marker}{field}{name}:"
        lines = _filled([head, *_prose(entry.text)], self.width, margin, hanging)
        if type_field and self.types and entry.type:
            lines.append(f"{margin}{marker}{type_field}{name}: {_one_line(entry.type)}")
        return lines


def _entries_of(parts: Parts, kind: str) -> tuple[Entry, ...]:
    value: Entry | tuple[Entry, ...] | None = getattr(parts, kind)
    if value is None:
        return ()
    return (value,) if isinstance(value, Entry) else value


def _with_entries(lines: list[str], kind: str, entries: Sequence[Entry], layout: _Layout) -> list[str]:
    """The lines with these entries in their section, or in a new one at its place."""
    sections = sections_in(lines)
    home = next((one for one in sections if one.kind == kind and one.style is not Style.SPHINX), None)
    if home:
        block = replace(layout, style=home.style).entries(kind, entries, home.entries)
        # In a section that is not indented, a parameter named `Yields` would begin another one.
        flat = home.style is Style.GOOGLE and home.entries == home.indent
        if not (flat and any(opens(block, number) for number in range(len(block)))):
            return [*lines[: home.end], *block, *lines[home.end :]]
    fields = [one for one in sections if one.style is Style.SPHINX]
    if layout.style is Style.SPHINX and fields:
        return _with_fields(lines, kind, entries, layout, fields)
    before = [one for one in sections if _rank(one.kind) <= _rank(kind)]
    after = [one for one in sections if _rank(one.kind) > _rank(kind)]
    if before:
        place, indent = before[-1].end, before[-1].indent
    elif after:
        place, indent = after[0].start, after[0].indent
    else:
        place, indent = len(lines), 0
    block = layout.section(kind, entries, indent)
    above = [""] if place and lines[place - 1] else []
    below = [""] if place < len(lines) and lines[place] else []
    return [*lines[:place], *above, *block, *below, *lines[place:]]


def _with_fields(
    lines: list[str], kind: str, entries: Sequence[Entry], layout: _Layout, fields: Sequence[Section]
) -> list[str]:
    """The lines with new fields after those that come before them, without repeating a type."""
    typed = {name for one in fields if one.kind in TYPES for name in one.names}
    if kind == "returns" and any(one.kind == "return type" for one in fields):
        typed.add("")
    entries = [replace(one, type=None) if bare(one.name) in typed else one for one in entries]
    before = [one for one in fields if _rank(one.kind) <= _rank(kind)]
    beside = before[-1] if before else fields[0]
    place = beside.end if before else beside.start
    block = layout.entries(kind, entries, beside.indent, beside.marker)
    return [*lines[:place], *block, *lines[place:]]


def _rank(kind: str) -> int:
    return ORDER.index(TYPES.get(kind, kind))


def _one_line(text: str | None) -> str:
    return " ".join(text.split()) if text else ""


def _prose(text: str) -> list[str]:
    """The words; a text that begins like a section or a field loses the mark that makes it one."""
    words = text.split()
    while words:
        header = HEADER.match(" ".join(words))
        if UNDERLINE.fullmatch(words[0]):
            words = words[1:]
        elif words[0][0] in ":@":
            words = [word for word in (words[0].lstrip(":@"), *words[1:]) if word]
        elif header:
            words = [*header[1].split(), *header[2].split()]
        else:
            break
    return words


def _filled(words: Sequence[str], width: int, first: str = "", rest: str = "") -> list[str]:
    """Lines of at most `width` columns where the words allow it."""
    lines: list[str] = []
    line = ""
    for chunk in _chunks(words):
        if not line:
            line = first + chunk
        elif len(line) + 1 + len(chunk) <= width:
            line += " " + chunk
        else:
            lines.append(line)
            line = rest + chunk
    return [*lines, line] if line else lines


def _chunks(words: Sequence[str]) -> Iterator[str]:
    """The words, those that must not begin a line joined to three before them."""
    chunks: list[str] = []
    for word in words:
        name, colon, _ = word.partition(":")
        # Without a colon, the name of a section opens none: a mark or a ruler behind it is joined to it.
        titled = colon and name.lower() in _LAST_WORDS
        if chunks and (word[0] in ":@" or titled or UNDERLINE.fullmatch(word)):
            chunks[-4:] = [" ".join([*chunks[-4:], word])]
        else:
            chunks.append(word)
    yield from chunks
