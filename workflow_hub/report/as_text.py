"""The report in words, for a terminal: what was found, what was done, what was not, and who answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from workflow_hub.report.document import Report
from workflow_hub.report.summary import Settled, Summary
from workflow_hub.report.visible import one_line
from workflow_hub.values import Failed, Skipped

MOST_SKIPPED = 5


def write(report: Report) -> str:
    """The findings, a line each, as compilers print theirs."""
    return "".join(
        f"{one_line(one.path)}:{one.line}: {one_line(one.message)} [{one.rule}]\n" for one in report.findings
    )


def lines(
    summary: Summary, outcomes: Sequence[Settled], verb: str, *, verbose: bool = False
) -> Iterator[str]:
    """The summary line first, then failures, all of them, then who stood in for whom."""
    yield _head(summary, verb)
    yield from failures(outcomes)
    skipped = [f"  skipped  {_place(one)}: {one.reason}" for one in outcomes if isinstance(one, Skipped)]
    shown = skipped if verbose else skipped[:MOST_SKIPPED]
    yield from shown
    if len(shown) < len(skipped):
        yield f"  skipped  {len(skipped) - len(shown)} more; -v shows them"
    yield from stand_ins(outcomes)


def failures(outcomes: Iterable[Settled]) -> Iterator[str]:
    """A line for each item that failed."""
    yield from (f"  failed   {_place(one)}: {one.error}" for one in outcomes if isinstance(one, Failed))


def _head(summary: Summary, verb: str) -> str:
    if not summary.items:
        return "nothing to do"
    parts = [f"{summary.done} {verb}"]
    parts += [f"{count} {word}" for word in ("failed", "skipped") if (count := getattr(summary, word))]
    text = ", ".join(parts) + f" in {summary.seconds:.1f} s"
    if summary.cached:
        text += f", {summary.cached} from memory"
    if summary.model_calls:
        usage = summary.usage
        text += (
            f"; {summary.model_calls} requests, {usage.prompt_tokens} prompt tokens "
            f"({usage.cached_tokens} cached), {usage.completion_tokens} written"
        )
    return text


def _place(outcome: Settled) -> str:
    place = outcome.item
    return f"{place.path}:{place.line} {place.name}".rstrip()


def stand_ins(outcomes: Iterable[Settled]) -> Iterator[str]:
    """A line for each who answered instead of the first choice."""
    seen = {one.route for one in outcomes if one.route is not None and one.route.fallback_from is not None}
    for route in sorted(seen, key=str):
        yield f"  fallback {route.provider} {route.model} instead of {route.fallback_from}: {route.why}"
