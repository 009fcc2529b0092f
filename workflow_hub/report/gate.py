"""What a project lets pass: so many findings of a rule, and so many symbols without a docstring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from workflow_hub.report.coverage import Coverage, as_percent
from workflow_hub.report.finding import Finding
from workflow_hub.report.rules import Severity, is_at_least


@dataclass(frozen=True, slots=True)
class Gate:
    """The severity that fails, the least coverage in percent, and the most findings of a rule."""

    fail_on: Severity
    fail_under: float | None = None
    most: Mapping[str, int] = field(default_factory=dict)

    def weighed(self, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        """The findings; those of a rule with no more than it may have are of severity `info`."""
        counted = Counter(one.rule for one in findings)
        return tuple(
            replace(one, severity="info") if counted[one.rule] <= self.most.get(one.rule, -1) else one
            for one in findings
        )

    def objections(self, findings: Sequence[Finding], coverage: Coverage) -> Iterator[str]:
        """What is over a limit, a line each."""
        counted = Counter(one.rule for one in findings)
        for rule, most in self.most.items():
            if counted[rule] > most:
                yield f"{rule}: {counted[rule]}, more than the {most} of docstrings.max"
        if self.fail_under is not None and coverage.percent < self.fail_under:
            share = as_percent(coverage.percent)
            yield f"documented: {share}, less than the {self.fail_under:g} % of docstrings.fail_under"

    def faults(self, findings: Sequence[Finding]) -> int:
        """How many findings count: grave enough, and of a rule that has more than it may have."""
        counted = Counter(one.rule for one in findings)
        return sum(
            is_at_least(one.severity, self.fail_on) and counted[one.rule] > self.most.get(one.rule, -1)
            for one in findings
        )
