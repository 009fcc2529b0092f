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
from workflow_hub.source.history import History
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import Symbol, symbols
from workflow_hub.tasks.docstrings.audit import ignored, is_judged, kin_in, members_of, written_for
from workflow_hub.tasks.docstrings.check import check
from workflow_hub.tasks.docstrings.find import opened, place_of
from workflow_hub.tasks.docstrings.mend import Repair, in_order, repair
from workflow_hub.tasks.docstrings.reading import read
from workflow_hub.tasks.docstrings.requote import requoted
from workflow_hub.tasks.docstrings.sections import documented
from workflow_hub.tasks.docstrings.slots import Slot, parts_of, slots_of
from workflow_hub.tasks.docstrings.stale import changes as changed
from workflow_hub.tasks.docstrings.styles import merge
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
    past: History | None = None,
) -> Iterator[Mended]:
    """The docstrings that can be repaired, file by file; one that needs nobody's words is done already.

    A rule whose level is None is left alone, and so is what a comment switches off. Without `past`
    nothing is known of what changed since a docstring was written.
    """
    index = PackageIndex(root=folder)
    for file in found if changes is None else changes.among(found):
        match opened(file, folder, changes):
            case SourceFile() as source:
                for symbol in symbols(source):
                    if changes is not None and not changes.touches(symbol):
                        continue
                    if symbol.docstring and symbol.docstring.strip() and is_judged(symbol, settings, index):
                        yield from _mended(symbol, index, folder, settings, levels, past)
            case refused:
                yield refused


def _mended(
    symbol: Symbol,
    index: PackageIndex,
    folder: Path,
    settings: Docstrings,
    levels: Mapping[str, Severity | None],
    past: History | None,
) -> Iterator[Mended]:
    place = place_of(symbol, folder)
    try:
        target = _stale(symbol, place, index, settings, levels, past)
    except SourceRefused as error:
        yield Failed(place, error)
        return
    if target is None:
        return
    if target.slots:
        yield target
    elif target.done:
        yield Done(target, Docstring(target.text, {}), None)


def _stale(
    symbol: Symbol,
    place: Place,
    index: PackageIndex,
    settings: Docstrings,
    levels: Mapping[str, Severity | None],
    past: History | None,
) -> Stale | None:
    """The docstring repaired as far as can be told; None where there is nothing to do."""
    facts = facts_of(symbol, index, body_tokens=0, raises_through=settings.raises_through)
    docstring = symbol.docstring or ""
    reading, kin = read(docstring), kin_in(symbol, index)
    off = {*ignored(symbol), *(rule for rule, level in levels.items() if level is None)}
    found = check(symbol.node, facts, reading, kin, members_of(symbol, index))
    faults = [fault for fault in found if fault.rule not in off]
    made = Repair("\n".join(reading.lines), (), frozenset())
    if faults:
        made = repair(docstring, facts, faults, slots_of(facts, None).values())
    if "docstring-stale" not in off and (written := written_for(symbol, index, reading, past)):
        _, then, now = written
        again = requoted(made.text, changed(then, now, reading, kin), facts)
        made = replace(made, text=again.text, done=(*made.done, *again.done))
    if not (made.done or made.asks):
        return None
    return Stale(
        symbol,
        facts,
        documented(made.text),
        place,
        text=made.text,
        rule=faults[0].rule if faults else "docstring-stale",
        done=made.done,
        asks=made.asks,
    )


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
