"""From outcomes to files: the docstrings of one file go in together, proven, or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from workflow_hub.errors import SourceRefused
from workflow_hub.report.finding import Finding
from workflow_hub.source.escapes import Raised
from workflow_hub.source.files import SourceFile
from workflow_hub.source.literal import clean
from workflow_hub.source.patch import unified_patch
from workflow_hub.source.proof import Proof
from workflow_hub.source.splice import Edit, Spliced, splice
from workflow_hub.source.symbols import Symbol
from workflow_hub.source.write import replace
from workflow_hub.tasks.docstrings.findings import proposed
from workflow_hub.tasks.docstrings.mending import Stale
from workflow_hub.tasks.docstrings.task import Docstring, Target
from workflow_hub.values import Done, Failed, Outcome, Place, Skipped

Carried = Outcome[Target, Docstring] | Skipped[Place] | Failed[Place]


@dataclass(frozen=True, slots=True)
class Written:
    """A docstring that is in the file or in the patch, with the proof for that file.

    `finding` says what was lacking; its fix is what is in the file or in the patch. `evidence` is for
    the exceptions that it names, `derived` says why the code's own words stand in place of the model's.
    """

    docstring: str
    left_out: Mapping[str, str]
    proof: Proof
    finding: Finding
    evidence: tuple[Raised, ...] = ()
    confidence: Mapping[str, float] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)


Applied = Done[Place, Written] | Skipped[Place] | Failed[Place]
Record = Callable[[Sequence[Done[Target, Docstring]]], AbstractContextManager[None]]


@dataclass
class Applier:
    """Takes outcomes in the order of their files, and settles each file when the next one begins.

    With `write` the files are edited. `patch`, if there is one, gets the patch of each, whose paths
    start from `root`: git wants the top of the work tree. `settled` gets every outcome in order,
    without the source it came from. A file is replaced inside of `record(what goes into it)`.
    """

    root: Path
    width: int
    write: bool
    patch: Callable[[bytes], None] | None
    settled: Callable[[Applied], None]
    record: Record = lambda done: nullcontext()
    _open: list[Outcome[Target, Docstring]] = field(default_factory=list)
    _source: SourceFile | None = None

    def take(self, outcome: Carried) -> None:
        """One outcome more; the file before it is settled if this one is of another."""
        source = outcome.item.symbol.source if isinstance(outcome.item, Target) else None
        if source is not self._source or source is None:
            self.finish()
            self._source = source
        if isinstance(outcome.item, Target):
            self._open.append(outcome)
        else:
            self.settled(outcome)

    def finish(self) -> None:
        """Settle the file that is open."""
        outcomes, source = self._open, self._source
        self._open, self._source = [], None
        if source is not None:
            for outcome in self._settle(source, outcomes):
                self.settled(outcome)

    def _settle(self, source: SourceFile, outcomes: list[Outcome[Target, Docstring]]) -> Iterator[Applied]:
        texts = [
            (one.item.symbol, one.result.text) for one in outcomes if isinstance(one, Done) and _adds(one)
        ]
        refused: dict[Symbol, SourceRefused] = {}
        spliced = None
        edits: Mapping[Symbol, Sequence[Edit]] = {}
        if texts:
            spliced = splice(source, texts, width=self.width)
            refused, edits = dict(spliced.refused), dict(spliced.written)
            try:
                self._deliver(
                    source,
                    spliced,
                    [one for one in outcomes if isinstance(one, Done) and one.item.symbol in edits],
                )
            except SourceRefused as error:
                refused |= dict.fromkeys((symbol for symbol, _ in texts), error)
        # They came in the order in which they were asked.
        for outcome in sorted(outcomes, key=lambda one: (one.item.place.line, one.item.place.id)):
            yield _light(outcome, refused, spliced, edits)

    def _deliver(self, source: SourceFile, spliced: Spliced, done: Sequence[Done[Target, Docstring]]) -> None:
        if spliced.data == source.data:
            return
        if self.write:
            with self.record(done):
                replace(source, spliced.data)
        if self.patch is not None:
            path = source.path.relative_to(self.root).as_posix()
            self.patch(unified_patch(path, source.data, spliced.data))


def _adds(outcome: Done[Target, Docstring]) -> bool:
    existing = outcome.item.symbol.docstring
    return existing is None or clean(existing) != outcome.result.text


def _light(
    outcome: Outcome[Target, Docstring],
    refused: Mapping[Symbol, SourceRefused],
    spliced: Spliced | None,
    edits: Mapping[Symbol, Sequence[Edit]],
) -> Applied:
    place = outcome.item.place
    match outcome:
        case Done(item, result, route, usage, asked):
            if (error := refused.get(item.symbol)) is not None:
                return Failed(place, error, route, usage, asked)
            if spliced is None or not _adds(outcome):
                return Skipped(place, f"nothing to add: {_reasons(result.left_out)}", route, usage, asked)
            finding = proposed(item, result, edits[item.symbol])
            if isinstance(item, Stale):
                finding = item.told(finding, result)
            written = Written(
                result.text,
                dict(result.left_out),
                spliced.proof,
                finding,
                result.evidence,
                dict(result.confidence),
                dict(result.derived),
            )
            return Done(place, written, route, usage, asked)
        case Failed(_, failure, route, usage, asked):
            return Failed(place, failure, route, usage, asked)
        case Skipped(_, reason):
            return Skipped(place, reason)


def _reasons(left_out: Mapping[str, str]) -> str:
    return (
        "; ".join(f"{slot} {reason}" for slot, reason in itertools.islice(left_out.items(), 3))
        or "all is said"
    )
