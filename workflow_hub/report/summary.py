"""A run in numbers, and the exit code that follows from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from workflow_hub.values import Done, Failed, Skipped, Usage

Settled = Done[Any, Any] | Skipped[Any] | Failed[Any]


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of items, and of what they took; `degraded` are those that a fallback answered."""

    items: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0
    cached: int = 0
    degraded: int = 0
    model_calls: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0


def summarize(outcomes: Iterable[Settled], seconds: float) -> Summary:
    """The outcomes counted; `seconds` is how long the run took."""
    every = list(outcomes)
    return Summary(
        items=len(every),
        done=sum(isinstance(one, Done) for one in every),
        skipped=sum(isinstance(one, Skipped) for one in every),
        failed=sum(isinstance(one, Failed) for one in every),
        cached=sum(is_cached(one) for one in every),
        degraded=sum(is_degraded(one) for one in every),
        model_calls=sum(one.asked for one in every),
        usage=sum((one.usage for one in every), Usage()),
        seconds=seconds,
    )


def is_cached(outcome: Settled) -> bool:
    """Whether the answer was remembered: somebody answered it once, and nobody was asked now."""
    return outcome.route is not None and outcome.asked == 0 and not isinstance(outcome, Failed)


def is_degraded(outcome: Settled) -> bool:
    """Whether another than the first choice answered, now or when the answer was remembered."""
    return isinstance(outcome, Done) and outcome.route is not None and outcome.route.fallback_from is not None


def exit_code(*, findings: bool = False, incomplete: bool = False) -> int:
    """0 done, 1 findings, 3 incomplete; the graver one where both hold."""
    return 3 if incomplete else 1 if findings else 0
