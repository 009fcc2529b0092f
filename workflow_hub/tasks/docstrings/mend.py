"""A stale docstring repaired as far as the code tells how; every line that is not stale stays as it is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from workflow_hub.source.facts import Facts
from workflow_hub.tasks.docstrings import sections as layout
from workflow_hub.tasks.docstrings.check import GIVES, Fault
from workflow_hub.tasks.docstrings.parts import Style, last_name
from workflow_hub.tasks.docstrings.reading import Entry, Reading, Section, read, type_field
from workflow_hub.tasks.docstrings.slots import Slot
from workflow_hub.tasks.docstrings.words import words_of

_ALIKE = 0.6
_SECTION_OF = {"param-unknown": "parameters", "raises-unknown": "raises"}
_UNNEEDED = {"returns-unneeded": "returns", "yields-unneeded": "yields"}


@dataclass(frozen=True, slots=True)
class Repair:
    """The text as far as it needs nobody's words, and what was done; `asks` are the slots that need some."""

    text: str
    done: tuple[str, ...]
    asks: frozenset[str]


def repair(docstring: str, facts: Facts, faults: Sequence[Fault], slots: Collection[Slot]) -> Repair:
    """What the faults of a docstring take; `slots` are all that its function has.

    A docstring of which nothing would be left stays as it is.
    """
    text = "\n".join(read(docstring).lines)
    done: list[str] = []
    wanted: set[tuple[str, str]] = set()
    for fault in faults:
        made = text
        if fault.rule in _SECTION_OF:
            old, *new = fault.names
            kind = _SECTION_OF[fault.rule]
            if new and (kind == "raises" or is_renamed(text, facts, old, new[0])):
                made = _renamed(text, kind, old, new[0])
                done += [f"{old} renamed to {new[0]}"] * (made != text)
            else:
                made = without(text, kind, old)
                done += [f"{old} taken out"] * (made != text)
                wanted.update(("parameter", name) for name in new if made != text)
        elif fault.rule in _UNNEEDED:
            kind = _UNNEEDED[fault.rule]
            made = _without_sections(text, read(text).of(kind))
            done += [f"{kind} taken out"] * (made != text)
        elif fault.rule == "param-missing":
            wanted.add(("parameter", fault.names[0]))
        elif fault.rule == "docstring-incomplete":
            wanted.update(("parameter", one.name) for one in facts.parameters)
            # With the parameters told, what comes back has to be, too.
            if not GIVES.search(read(text).prose):
                wanted |= {("returns", ""), ("yields", "")}
        elif fault.rule == "raises-missing":
            wanted.add(("raises", fault.names[0]))
        elif fault.rule in {"returns-missing", "yields-missing"}:
            wanted.add((fault.rule.partition("-")[0], ""))
        text = made
    ordered = in_order(text, facts)
    if not ordered:
        return Repair("\n".join(read(docstring).lines), (), frozenset())
    done += ["parameters put in order"] * (ordered != text)
    names = {(kind, last_name(name)) for kind, name in wanted}
    asks = {one.key for one in slots if (one.kind, last_name(one.name.lstrip("*"))) in names}
    return Repair(ordered, tuple(done), frozenset(asks))


def in_order(text: str, facts: Facts) -> str:
    """The text with the entries of each list of parameters in the order of the signature, as they are."""
    order = {one.name: at for at, one in enumerate(facts.parameters)}
    for section in read(text).of("parameters"):
        lines = text.split("\n")
        blocks = _blocks(lines, section)
        if blocks is None or not section.sure:
            continue
        # What the signature does not have is something that `**options` takes.
        key = [
            min((order[name] for name in names if name in order), default=len(order)) for names, _ in blocks
        ]
        if key == sorted(key):
            continue
        moved = [blocks[at][1] for at in sorted(range(len(blocks)), key=lambda at: key[at])]
        # The blank lines between entries stay where they are.
        gaps = [len(block) - len(_trimmed(block)) for _, block in blocks]
        made = [
            line for block, gap in zip(moved, gaps, strict=True) for line in (*_trimmed(block), *[""] * gap)
        ]
        lines[section.entries[0].start : section.end] = made
        text = "\n".join(lines)
    return text


def _blocks(lines: Sequence[str], section: Section) -> list[tuple[tuple[str, ...], list[str]]] | None:
    """The entries with all that belongs to them; None where that cannot be told."""
    if not section.entries:
        return None
    ends = [*(entry.start for entry in section.entries[1:]), section.end]
    blocks = []
    for entry, end in zip(section.entries, ends, strict=True):
        for line in lines[entry.end : end]:
            # In Sphinx style, the type of a parameter follows it, and is another field.
            named = re.match(r"\s*[:@]type\s+(\w+)\s*:", line)
            if named and named[1] not in entry.names:
                return None
        blocks.append((entry.names, list(lines[entry.start : end])))
    # A type above the first parameter belongs to one that cannot be told.
    led = section.style is Style.SPHINX and section.start < section.entries[0].start
    return None if led else blocks


def is_renamed(text: str, facts: Facts, old: str, new: str) -> bool:
    """Whether `new` is `old` for certain: its words, its letters, or its type at the same place."""
    if set(words_of(old)) & set(words_of(new)) or SequenceMatcher(None, old, new).ratio() >= _ALIKE:
        return True
    reading = read(text)
    annotation = next((one.annotation for one in facts.parameters if one.name == new), None)
    entry = next((one for _, one in entries_of(reading, "parameters", old)), None)
    if annotation is None or entry is None:
        return False
    head = reading.lines[entry.start]
    return re.search(rf"(?<![\w.\[]){re.escape(annotation)}(?![\w.\[])", head) is not None


def _renamed(text: str, kind: str, old: str, new: str) -> str:
    lines = text.split("\n")
    # An exception may have its module before it.
    before = r"(?<!\w)" if kind == "raises" else r"(?<![\w.])"
    whole = re.compile(rf"{before}{re.escape(old)}(?!\w)")
    for section, entry in entries_of(read(text), kind, old):
        head = lines[entry.start]
        places = list(whole.finditer(head))
        if section.style is Style.SPHINX:
            # `:param date date: …` has the type before the name.
            stop = head.index(":", head.index(head.lstrip()[0]) + 1)
            places = [place for place in places if place.start() < stop][-1:]
        for place in places[:1]:
            lines[entry.start] = head[: place.start()] + new + head[place.end() :]
    return "\n".join(_retyped(lines, old, new))


def _retyped(lines: Sequence[str], old: str, new: str) -> Iterator[str]:
    """The lines with the field for the type of `old` renamed."""
    field = type_field(old)
    for line in lines:
        found = field.fullmatch(line)
        yield f"{found[1]}{new}{found[2]}{found[3]}" if found else line


def without(text: str, kind: str, name: str) -> str:
    """The text without the entry of that name, and without a section that has no other."""
    lines = text.split("\n")
    for section, entry in reversed(list(entries_of(read(text), kind, name))):
        if len(entry.names) > 1:
            listed = re.compile(
                rf"(?<![\w.])[*\\]*{re.escape(name)}\s*,\s*|\s*,\s*[*\\]*{re.escape(name)}(?!\w)"
            )
            lines[entry.start] = listed.sub("", lines[entry.start], count=1)
        elif len(section.entries) == 1:
            lines = _without_sections("\n".join(lines), [section]).split("\n")
        else:
            last = entry is section.entries[-1]
            start = entry.start
            while last and not lines[start - 1]:
                start -= 1
            del lines[start : entry.end]
    typed = [one for one in layout.sections("\n".join(lines)) if one.kind == "types" and one.names == (name,)]
    for one in reversed(typed if kind == "parameters" else []):
        del lines[one.start : one.end]
    return "\n".join(lines).strip("\n")


def _without_sections(text: str, sections: Sequence[Section]) -> str:
    """The text without these sections, and without the blank lines above them."""
    lines = text.split("\n")
    for section in sorted(sections, key=lambda one: one.start, reverse=True):
        start = section.start
        # Fields stand in one block: a blank line above the first of them is that of the block.
        in_block = section.end < len(lines) and bool(lines[section.end])
        while start and not lines[start - 1] and not in_block:
            start -= 1
        del lines[start : section.end]
    return "\n".join(lines).strip("\n")


def entries_of(reading: Reading, kind: str, name: str) -> Iterator[tuple[Section, Entry]]:
    """Each entry of that kind that names `name`, with its section."""
    for section in reading.of(kind):
        for entry in section.entries:
            if name in {one if kind == "parameters" else last_name(one) for one in entry.names}:
                yield section, entry


def _trimmed(block: Sequence[str]) -> list[str]:
    filled = [at for at, line in enumerate(block) if line]
    return list(block[: filled[-1] + 1]) if filled else []
