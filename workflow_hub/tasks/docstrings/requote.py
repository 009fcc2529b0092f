"""What a docstring quotes of the code, and is otherwise there now: put right where that is certain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from workflow_hub.source.facts import Facts
from workflow_hub.tasks.docstrings.mend import Repair, entries_of, is_renamed, without
from workflow_hub.tasks.docstrings.parts import Style
from workflow_hub.tasks.docstrings.reading import read, type_field
from workflow_hub.tasks.docstrings.stale import Change, quotation

# Words beside a value that make it a default; a number alone may be any number.
_TELLS_DEFAULT = re.compile(r"\b(?:defaults?|unless|otherwise|optional|omitted|not given|if none)\b", re.I)


def requoted(text: str, changes: Iterable[Change], facts: Facts) -> Repair:
    """The text with what each change makes of it; what would be a guess stays, and so do all other words."""
    done = []
    for change in changes:
        made = _PUT_RIGHT[change.part](text, change, facts)
        done += [change.says] * (made != text)
        text = made
    return Repair(text, tuple(done), frozenset())


def _kept(text: str, change: Change, facts: Facts) -> str:
    """Nothing in the text tells what is to stand there."""
    return text


def _default(text: str, change: Change, facts: Facts) -> str:
    """The one place in the parameter's entry that quotes its default."""
    lines = text.split("\n")
    quoted = quotation(change.old)
    places = [
        (number, place)
        for _, entry in entries_of(read(text), "parameters", change.name)
        for number in range(entry.start, entry.end)
        for place in quoted.finditer(lines[number])
    ]
    if len(places) != 1 or not change.new:
        return text
    number, place = places[0]
    line = lines[number]
    is_code = line[: place.start()].endswith(("`", "=")) and line[place.end() :][:1] in {"`", ")", ",", ""}
    if not (is_code or _TELLS_DEFAULT.search(line)):
        return text
    lines[number] = line[: place.start()] + change.new + line[place.end() :]
    return "\n".join(lines)


def _type(text: str, change: Change, facts: Facts) -> str:
    """Where the parameter's entry has its type: `name (int):`, `name : int`, `:param int name:`, `:type`."""
    if not change.new:
        return text
    lines = text.split("\n")

    def retyped(label: str) -> str:
        return quotation(change.old).sub(lambda _: change.new, label, count=1)

    for section, entry in entries_of(read(text), "parameters", change.name):
        head = lines[entry.start]
        end = len(head) if section.style is Style.NUMPY else _end_of_label(head)
        lines[entry.start] = retyped(head[:end]) + head[end:]
    field = type_field(change.name)
    for number, line in enumerate(lines):
        if found := field.fullmatch(line):
            lines[number] = line[: found.start(3)] + retyped(found[3])
    return "\n".join(lines)


def _end_of_label(head: str) -> int:
    """Where the label of an entry ends: at the colon behind it, and a field's first one is not that."""
    found = re.match(r"\s*[:@]?[^:(]*(?:\([^)]*\))?[^:]*", head)
    return found.end() if found else len(head)


def _returns(text: str, change: Change, facts: Facts) -> str:
    """Where a section or a field begins with the type of what is returned."""
    lines = text.split("\n")
    typed = re.compile(rf"(\s*(?:[:@]rtype\s*:\s*)?){re.escape(change.old)}(?=\s*(?::|$))")
    for section in read(text).of("returns"):
        for number in range(section.start, section.end):
            if found := typed.match(lines[number]):
                lines[number] = found[1] + change.new + lines[number][found.end() :]
                break
    return "\n".join(lines)


def _prose(text: str, change: Change, facts: Facts) -> str:
    """A parameter that the sentences name, where its new name is certain."""
    new = change.new.strip("`")
    if not is_renamed(text, facts, change.name, new):
        return text
    reading = read(text)
    within = {number for one in reading.sections for number in range(one.start, one.end)}
    lines = enumerate(reading.lines)
    return "\n".join(
        line if number in within else line.replace(change.old, change.new) for number, line in lines
    )


def _raises(text: str, change: Change, facts: Facts) -> str:
    return without(text, "raises", change.name)


_PUT_RIGHT: Mapping[str, Callable[[str, Change, Facts], str]] = {
    "": _kept,
    "default": _default,
    "type": _type,
    "returns": _returns,
    "prose": _prose,
    "raises": _raises,
}
