"""Why a prompt goes where it goes: every signal, every rule, and who answers; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from workflow_hub.routing.conditions import phrase
from workflow_hub.routing.pick import Candidate, candidates_of, judge, nobody
from workflow_hub.routing.shape import Rule, Rules
from workflow_hub.routing.signals import Signals
from workflow_hub.values import Route


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule, whether it took the prompt, and why or why not. At most one of them did."""

    name: str
    matched: bool
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Who answers (`candidates`, best first), or else the `problem`."""

    signals: Signals
    rules: tuple[Judged, ...]
    candidates: tuple[Candidate, ...]
    problem: str | None

    @property
    def route(self) -> Route | None:
        """The first choice; None where nobody answers."""
        if not self.candidates:
            return None
        first = self.candidates[0]
        why = next(rule.why for rule in self.rules if rule.matched)
        return Route(first.rule, first.provider, first.model, why=why)


def explain(rules: Rules, signals: Signals) -> Explanation:
    """What every rule says of a prompt with these signals; nobody is asked or looked for."""
    verdicts = [judge(rules, rule, signals) for rule in rules.rules]
    taker = next((verdict for verdict in verdicts if verdict.matched), None)
    judged = tuple(
        Judged(
            verdict.rule.name,
            verdict is taker,
            f"it would, but {taker.rule.name} above comes first"
            if taker and verdict.matched and verdict is not taker
            else verdict.why,
        )
        for verdict in verdicts
    )
    if taker is None:
        return Explanation(signals, judged, (), nobody(signals, verdicts))
    return Explanation(signals, judged, candidates_of(rules, taker), None)


def as_dict(explanation: Explanation) -> dict[str, Any]:
    """The JSON of `route explain`: {route, signals, rules: [{name, matched, why}]}; route may be null."""
    signals = explanation.signals
    return {
        "route": explanation.route and asdict(explanation.route),
        "signals": {
            **asdict(signals),
            "needs": sorted(signals.needs),
            "declared": sorted(signals.declared),
            "evidence": [asdict(one) for one in signals.evidence],
        },
        "rules": [asdict(rule) for rule in explanation.rules],
    }


def as_lines(explanation: Explanation) -> Iterator[str]:
    """The same for a reader."""
    signals = explanation.signals
    if explanation.candidates:
        first, *others = explanation.candidates
        yield f"route     {first} by the rule {first.rule}"
        if others:
            yield f"then      {', '.join(map(str, others))}"
    else:
        yield "route     none"
    yield (
        f"signals   task {signals.task}, {signals.tokens} tokens, {signals.images} images, "
        f"language {signals.language}, needs {', '.join(sorted(signals.needs)) or 'nothing'}"
    )
    for one in signals.evidence:
        yield f'          {one.need}: "{" ".join(one.text.split())}"'
    if signals.score is not None:
        doubt = "; the words leave open whether something is to be done" if signals.unsure else ""
        yield f"          score {signals.score:+.1f}{doubt}"
    width = max(len(rule.name) for rule in explanation.rules)
    for rule in explanation.rules:
        yield f"{'yes' if rule.matched else 'no':<10}{rule.name:<{width}}  {rule.why}"


def table(rules: Rules) -> Iterator[str]:
    """A line for each rule: its name, what it takes, and who answers."""
    rows = [(rule.name, _when(rule), ", ".join(rule.targets)) for rule in rules.rules]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, when, targets in rows:
        yield f"{name:<{widths[0]}}  {when:<{widths[1]}}  {targets}"


def listing(rules: Rules) -> dict[str, Any]:
    """The JSON of `route list`: {version, rules: [{name, when, use, fallback}]}; when may be null."""
    return {
        "version": 1,
        "rules": [
            {
                "name": rule.name,
                "when": rule.when and rule.when.model_dump(mode="json", by_alias=True, exclude_unset=True),
                "use": rule.use,
                "fallback": list(rule.fallback),
            }
            for rule in rules.rules
        ],
    }


def _when(rule: Rule) -> str:
    return phrase(rule.when) if rule.when else "everything"
