"""Everything that a report says, as one value; every format is a function of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from workflow_hub.report.coverage import Coverage
from workflow_hub.report.finding import Finding, fingerprint, told_apart
from workflow_hub.report.rules import RULES, SEVERITIES, Rule, Severity, is_at_least
from workflow_hub.report.summary import Settled, Summary
from workflow_hub.values import Failed


@dataclass(frozen=True, slots=True)
class Report:
    """What a run has found and done.

    `findings` are what is still so after the run, `fixed` what the run itself has repaired in the
    files. A finding counts as a fault from `fail_on` up. A run that was interrupted is `cut_short`.
    Paths are seen from `folder`, which lies in or at `top`, the top of the work tree. `result` turns
    what the task made into the outcome's JSON, `left` what there is of an item that failed. Where all
    that should be documented was looked at, `coverage` says how much is.
    """

    task: str
    summary: Summary
    folder: PurePath
    top: PurePath
    outcomes: tuple[Settled, ...] = ()
    findings: tuple[Finding, ...] = ()
    fixed: tuple[Finding, ...] = ()
    fail_on: Severity = "error"
    cut_short: bool = False
    version: str = "0"
    result: Callable[[Any], Mapping[str, Any]] = lambda made: {}
    left: Callable[[Exception], Mapping[str, Any]] = lambda error: {}
    coverage: Coverage | None = None
    rules: Mapping[str, Rule] = field(default_factory=lambda: RULES)

    @property
    def faults(self) -> int:
        """How many findings are as grave as `fail_on`, or graver."""
        return sum(self.is_fault(finding) for finding in self.findings)

    def is_fault(self, finding: Finding) -> bool:
        """Whether the finding is as grave as `fail_on`, or graver."""
        return is_at_least(finding.severity, self.fail_on)

    @property
    def failures(self) -> Iterator[Finding]:
        """The items that failed, as findings."""
        for one in self.outcomes:
            if isinstance(one, Failed):
                place = one.item
                yield Finding(
                    "item-failed",
                    "error",
                    place.path,
                    place.line,
                    place.line,
                    1,
                    str(one.error),
                    fingerprint("item-failed", place.id),
                    item=place.id,
                )

    @property
    def told(self) -> tuple[Finding, ...]:
        """The findings and the failures: for formats that know nothing else."""
        return told_apart((*self.findings, *self.failures))

    @property
    def headline(self) -> str:
        """The run in one sentence: what was found, and how the items ended."""
        counted = Counter(one.severity for one in self.findings)
        grave = ", ".join(f"{counted[one]} {one}" for one in reversed(SEVERITIES) if counted[one])
        parts = [f"{_count(len(self.findings), 'finding')}: {grave}" if grave else "no findings"]
        summary = self.summary
        ends = {"done": summary.done, "skipped": summary.skipped, "failed": summary.failed}
        if summary.items:
            ended = ", ".join(f"{count} {word}" for word, count in ends.items() if count)
            parts.append(f"{_count(summary.items, 'item')} in {summary.seconds:.1f} s: {ended}")
        if self.cut_short:
            parts.append("the run was cut short")
        return "; ".join(parts) + "."

    def from_top(self, path: str) -> str:
        """The path seen from the top of the work tree, as forges want it; outside of it, in full."""
        whole = self.folder / path
        return (whole.relative_to(self.top) if whole.is_relative_to(self.top) else whole).as_posix()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
