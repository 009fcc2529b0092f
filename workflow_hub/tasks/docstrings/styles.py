"""Docstrings in Google, NumPy and Sphinx style: written, read, and completed line by line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from workflow_hub.source.literal import clean

WIDTH = 88
INDENT_WIDTH = 4


class Style(StrEnum):
    """How a docstring is laid out; the values are the words of `--style`."""

    GOOGLE = "google"
    NUMPY = "numpy"
    SPHINX = "sphinx"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that is described.

    `name` is a parameter as shown (`*args`), an attribute, an exception, or empty for what is returned
    or yielded.
    """

    name: str
    text: str
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What a docstring is to say, in no style yet."""

    summary: str | None = None
    parameters: tuple[Entry, ...] = ()
    returns: Entry | None = None
    yields: Entry | None = None
    raises: tuple[Entry, ...] = ()
    attributes: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Documented:
    """What a docstring says already.

    Parameters are without their stars and backslashes, as `bare` makes them; exceptions are as
    written, dots included.
    """

    style: Style | None
    summary: bool
    parameters: frozenset[str]
    returns: bool
    yields: bool
    raises: frozenset[str]
    attributes: frozenset[str] = frozenset()

    def lacks(self, parts: Parts) -> Parts:
        """Those of the parts that are not said yet; an exception is known by its last name.

        An attribute that is described as a parameter of the class needs no second word.
        """
        raised = {_last(name) for name in self.raises}
        return Parts(
            summary=None if self.summary else parts.summary,
            parameters=tuple(one for one in parts.parameters if bare(one.name) not in self.parameters),
            returns=None if self.returns else parts.returns,
            yields=None if self.yields else parts.yields,
            raises=tuple(one for one in parts.raises if _last(one.name) not in raised),
            attributes=tuple(
                one for one in parts.attributes if one.name not in self.attributes | self.parameters
            ),
        )


# The kinds of section, in the order that all styles share. `other` is never written; it is known so
# that ours come at the right place beside it.
_ORDER = ("parameters", "attributes", "returns", "yields", "raises", "other")
_OURS = _ORDER[:-1]
_HEADERS = {
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
_TYPES = {"types": "parameters", "attribute types": "attributes", "return type": "returns"}
_NAMED = frozenset({"parameters", "attributes", "types", "attribute types"})
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
_LAST_WORDS = frozenset(name.split()[-1] for name in _HEADERS)
_NAMES = "|".join(sorted(_HEADERS, key=len, reverse=True))
_HEADER = re.compile(rf"({_NAMES})[ ]?:(.*)", re.IGNORECASE)
_NUMPY_HEADER = re.compile(rf"({_NAMES})[ ]?:?", re.IGNORECASE)
_UNDERLINE = re.compile(r"(?:-{3,}|={3,})")
_FIELD = re.compile(rf"([:@])({'|'.join(_FIELDS)})((?:[ ]+(?:`[^`]*`|:\w+:`[^`]*`|[^:`])*)?):(?=\s|$)(.*)")
_NAME = r"`*(?:\\?\*){0,2}`*[^\W\d][\w.]*(?:\\_[\w.]*)*`*"
_PARAMETER = re.compile(rf"({_NAME}(?:\s*,\s*{_NAME})*)\s*(?:\(.*?\)\s*)?(?::|--?(?=\s)|–|—|$)")
_EXCEPTION = re.compile(r"(?::\w+:)?`*~?([^\W\d][\w.]*)`*")
_LISTED = re.compile(r"\s*(?:,|or\b)\s*")
_AFTER_EXCEPTIONS = re.compile(r"\s*(?::|--?(?=\s)|–|—|$)")
_EXCEPTION_BY_NAME = re.compile(r"[\w.]*(?:Error|Exception|Warning|Exit|Interrupt|Iteration|Group)")
_ENDS = frozenset(".!?…")


@dataclass(frozen=True, slots=True)
class _Section:
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


def bare(name: str) -> str:
    """A parameter's name without stars, backslashes and backquotes: `\\*args` is `args`."""
    return name.strip("` ").replace("\\", "").strip("*`")


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
    sections = [layout.section(kind, entries, 0) for kind in _OURS if (entries := _entries_of(parts, kind))]
    if layout.style is Style.SPHINX:
        sections = [[line for section in sections for line in section]] if sections else []
    return "\n\n".join("\n".join(block) for block in [summary, *sections] if block)


def documented(docstring: str) -> Documented:
    """What a docstring says, raw or cleaned, in any of the styles or in a mix of them."""
    lines = _lines(docstring)
    return _said(lines, _sections(lines))


def sections(docstring: str) -> list[_Section]:
    """The sections of a docstring in order, by the lines of its cleaned text."""
    return _sections(_lines(docstring))


def names_in(kind: str, line: str) -> tuple[str, ...]:
    """The names that an entry of such a section begins with, bare; none where it is no entry."""
    return _names(kind, line)


def detect(docstrings: Iterable[str]) -> Style | None:
    """The style of most of the docstrings that have one; None where none has."""
    votes = Counter(style for docstring in docstrings if (style := documented(docstring).style))
    return max(Style, key=lambda style: votes[style]) if votes else None


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
    lines = _lines(docstring)
    said = _said(lines, _sections(lines))
    lacking = said.lacks(parts)
    layout = _Layout(said.style or Style(style), width, indent_width, types)
    for kind in _OURS:
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
    sections = _sections(lines)
    home = next((one for one in sections if one.kind == kind and one.style is not Style.SPHINX), None)
    if home:
        block = replace(layout, style=home.style).entries(kind, entries, home.entries)
        # In a section that is not indented, a parameter named `Yields` would begin another one.
        flat = home.style is Style.GOOGLE and home.entries == home.indent
        if not (flat and any(_opens(block, number) for number in range(len(block)))):
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
    lines: list[str], kind: str, entries: Sequence[Entry], layout: _Layout, fields: Sequence[_Section]
) -> list[str]:
    """The lines with new fields after those that come before them, without repeating a type."""
    typed = {name for one in fields if one.kind in _TYPES for name in one.names}
    if kind == "returns" and any(one.kind == "return type" for one in fields):
        typed.add("")
    entries = [replace(one, type=None) if bare(one.name) in typed else one for one in entries]
    before = [one for one in fields if _rank(one.kind) <= _rank(kind)]
    beside = before[-1] if before else fields[0]
    place = beside.end if before else beside.start
    block = layout.entries(kind, entries, beside.indent, beside.marker)
    return [*lines[:place], *block, *lines[place:]]


def _said(lines: Sequence[str], sections: Sequence[_Section]) -> Documented:
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


def _sections(lines: Sequence[str]) -> list[_Section]:
    found: list[_Section] = []
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


def _numpy_at(lines: Sequence[str], start: int) -> _Section | None:
    header = _NUMPY_HEADER.fullmatch(lines[start].strip())
    if not header or not _is_underlined(lines, start):
        return None
    indent = _indent(lines[start])
    end = start + 2
    while end < len(lines):
        line = lines[end].strip()
        title = _HEADER.fullmatch(line)
        if line and _indent(lines[end]) <= indent and (_is_underlined(lines, end) or _FIELD.fullmatch(line)):
            break
        if title and title[1][0].isupper() and not title[2].strip() and not lines[end - 1]:
            break
        end += 1
    kind = _HEADERS[header[1].lower()]
    return _section(lines, kind, Style.NUMPY, start, start + 2, end, indent)


def _google_at(lines: Sequence[str], start: int, after_section: bool) -> _Section | None:
    header = _HEADER.fullmatch(lines[start].strip())
    if not header:
        return None
    kind, inline = _HEADERS[header[1].lower()], header[2].strip()
    # Prose has such words in front of a colon too, so a text beside the header needs more to go by.
    begins = start == 0 or not lines[start - 1] or after_section
    if inline and not (kind in _OURS and header[1][0].isupper() and begins):
        return None
    indent = _indent(lines[start])
    end = start + 1
    flat = not inline and kind in _OURS and end < len(lines) and lines[end] and _indent(lines[end]) == indent
    while end < len(lines):
        line = lines[end]
        if flat and (not line or _opens(lines, end)):
            break
        if line and (_indent(line) < indent or (not flat and _indent(line) == indent)):
            break
        end += 1
    section = _section(lines, kind, Style.GOOGLE, start, start + 1, end, indent)
    return replace(section, names=(*_names(kind, inline), *section.names)) if inline else section


def _field_at(lines: Sequence[str], start: int) -> _Section | None:
    field = _FIELD.fullmatch(lines[start].strip())
    if not field:
        return None
    marker, word, argument, text = field.groups()
    kind, argument = _FIELDS[word], argument.strip()
    indent = _indent(lines[start])
    end = start + 1
    while end < len(lines):
        deeper = _indent(lines[end]) > indent
        if lines[end] and not deeper and (not lines[end - 1] or _opens(lines, end)):
            break
        if lines[end] and _indent(lines[end]) < indent:
            break
        end += 1
    if kind == "raises":
        names = _names(kind, argument or text.strip())
    elif kind in _NAMED:
        whole = _PARAMETER.fullmatch(argument)
        # `:param dict[str, int] prices:` has its type before its name.
        names = _names("parameters", argument if whole else argument.rpartition(" ")[2])
    else:
        names = ()
    return _Section(kind, Style.SPHINX, start, _trimmed(lines, end), indent, indent, names, marker)


def _section(
    lines: Sequence[str], kind: str, style: Style, start: int, body: int, end: int, indent: int
) -> _Section:
    filled = [line for line in lines[body:end] if line]
    unset = indent + INDENT_WIDTH if style is Style.GOOGLE else indent
    entries = _indent(filled[0]) if filled else unset
    names = tuple(name for line in filled if _indent(line) <= entries for name in _names(kind, line.strip()))
    return _Section(kind, style, start, max(_trimmed(lines, end), body), indent, entries, names)


def _names(kind: str, line: str) -> tuple[str, ...]:
    """The parameters, attributes or exceptions that an entry begins with."""
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


def _opens(lines: Sequence[str], number: int) -> bool:
    """True where a section of any style begins."""
    line = lines[number].strip()
    header = _HEADER.fullmatch(line)
    titled = header is not None and (header[1][0].isupper() or not header[2].strip())
    return titled or _FIELD.fullmatch(line) is not None or _is_underlined(lines, number)


def _is_underlined(lines: Sequence[str], number: int) -> bool:
    return (
        bool(lines[number])
        and number + 1 < len(lines)
        and _UNDERLINE.fullmatch(lines[number + 1].strip()) is not None
        and _indent(lines[number]) == _indent(lines[number + 1])
    )


def _trimmed(lines: Sequence[str], end: int) -> int:
    while end and not lines[end - 1]:
        end -= 1
    return end


def _rank(kind: str) -> int:
    return _ORDER.index(_TYPES.get(kind, kind))


def _lines(docstring: str) -> list[str]:
    return clean(docstring).split("\n")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _one_line(text: str | None) -> str:
    return " ".join(text.split()) if text else ""


def _prose(text: str) -> list[str]:
    """The words; a text that begins like a section or a field loses the mark that makes it one."""
    words = text.split()
    while words:
        header = _HEADER.match(" ".join(words))
        if _UNDERLINE.fullmatch(words[0]):
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
        opens = word[0] in ":@" or _UNDERLINE.fullmatch(word) or word.partition(":")[0].lower() in _LAST_WORDS
        if opens and chunks:
            chunks[-4:] = [" ".join([*chunks[-4:], word])]
        else:
            chunks.append(word)
    yield from chunks
