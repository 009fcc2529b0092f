"""The stale docstrings as items: what can be told is repaired at once, and only new words are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from workflow_hub.config import Docstrings
from workflow_hub.errors import SourceRefused
from workflow_hub.pipeline import Answers, Task
from workflow_hub.report.finding import Finding, fingerprint
from workflow_hub.report.rules import Severity
from workflow_hub.source.changed import Changes
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import Refusal, SourceFile
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import Symbol, symbols
from workflow_hub.tasks.docstrings.audit import ignored, is_judged, kin_in, members_of
from workflow_hub.tasks.docstrings.check import check
from workflow_hub.tasks.docstrings.find import opened, place_of
from workflow_hub.tasks.docstrings.mend import in_order, repair
from workflow_hub.tasks.docstrings.reading import read
from workflow_hub.tasks.docstrings.slots import Slot, parts_of, slots_of
from workflow_hub.tasks.docstrings.styles import documented, merge
from workflow_hub.tasks.docstrings.task import Docstring, Look, Target, margin, said_of
from workflow_hub.values import Done, Failed, Place, Skipped


@dataclass(frozen=True, eq=False)
class Stale(Target):
    """A docstring that does not match its code: `text` is what is left of it, `asks` what is to be added.

    `rule` and `done` are for the report: the first fault, and what has been repaired already.
    """

    text: str = ""
    rule: str = ""
    done: tuple[str, ...] = ()
    asks: frozenset[str] = frozenset()

    @cached_property
    def slots(self) -> dict[str, Slot]:
        lacking = slots_of(self.facts, documented(self.text))
        return {key: slot for key, slot in lacking.items() if key in self.asks}

    def told(self, finding: Finding, made: Docstring) -> Finding:
        """The finding of the repair, from that of a docstring which lacks something."""
        added = [f"{key} added" for key in self.slots if key not in made.left_out]
        message = f"the docstring of {self.symbol.kind} {self.place.name}: {', '.join([*self.done, *added])}"
        mark = fingerprint(self.rule, self.place.id, " ".join([*self.done, *added]))
        return replace(finding, rule=self.rule, message=message, fingerprint=mark)


Mended = Stale | Done[Target, Docstring] | Skipped[Place] | Failed[Place]


def stale_docstrings(
    found: Iterable[Path | Refusal],
    folder: Path,
    settings: Docstrings,
    levels: Mapping[str, Severity | None],
    changes: Changes | None = None,
) -> Iterator[Mended]:
    """The docstrings that can be repaired, file by file; one that needs nobody's words is done already.

    A rule whose level is None is left alone, and so is what a comment switches off.
    """
    index = PackageIndex(root=folder)
    for file in found if changes is None else changes.among(found):
        match opened(file, folder, changes):
            case SourceFile() as source:
                for symbol in symbols(source):
                    if changes is not None and not changes.touches(symbol):
                        continue
                    if symbol.docstring and symbol.docstring.strip() and is_judged(symbol, settings, index):
                        yield from _mended(symbol, index, folder, settings, levels)
            case refused:
                yield refused


def _mended(
    symbol: Symbol,
    index: PackageIndex,
    folder: Path,
    settings: Docstrings,
    levels: Mapping[str, Severity | None],
) -> Iterator[Mended]:
    place = place_of(symbol, folder)
    try:
        facts = facts_of(symbol, index, body_tokens=0, raises_through=settings.raises_through)
    except SourceRefused as error:
        yield Failed(place, error)
        return
    docstring = symbol.docstring or ""
    kin, members = kin_in(symbol, index), members_of(symbol, index)
    off = ignored(symbol)
    faults = [
        fault
        for fault in check(symbol.node, facts, read(docstring), kin, members)
        if levels[fault.rule] is not None and fault.rule not in off
    ]
    if not faults:
        return
    made = repair(docstring, facts, faults, slots_of(facts, None).values())
    target = Stale(
        symbol,
        facts,
        documented(made.text),
        place,
        text=made.text,
        rule=faults[0].rule,
        done=made.done,
        asks=made.asks,
    )
    if target.slots:
        yield target
    elif made.done:
        yield Done(target, Docstring(made.text, {}), None)


def mending(task: Task[Target, Docstring], look: Look) -> Task[Target, Docstring]:
    """The task that asks for what a stale docstring lacks, instead of for a whole one."""
    return replace(task, result=lambda target, answers: _result(target, answers, look))


def _result(target: Target, answers: Answers, look: Look) -> Docstring:
    assert isinstance(target, Stale)
    said = said_of(target, answers)
    width = look.width - margin(target.symbol)
    parts = parts_of(target.slots, said.texts)
    merged = merge(target.text, parts, look.style, width=width, types=look.types)
    return said.docstring(in_order(merged, target.facts), target, parts)
