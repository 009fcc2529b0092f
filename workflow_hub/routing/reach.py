"""Which rules a prompt can reach, by looking at every kind of prompt that the file tells apart; pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import get_args

from workflow_hub.routing.conditions import Language, When, listed
from workflow_hub.routing.pick import judge
from workflow_hub.routing.shape import Rules
from workflow_hub.routing.signals import NEEDS, Signals

# Judgements of one rule on one kind of prompt: a file that takes more is believed instead of proven wrong.
MOST = 100_000
ANOTHER_TASK = ""  # no rule can name it


def kinds(rules: Rules, tasks: Iterable[str] = ()) -> Iterator[Signals]:
    """One prompt of every kind that the conditions and limits of `rules` tell apart.

    `tasks` are told apart as well. The tasks change fastest, so that most rules are soon reached.
    """
    conditions = [part for rule in rules.rules for part in rule.conditions]
    named = dict.fromkeys([*tasks, *(task for one in conditions for task in one.task), ANOTHER_TASK])
    sets = [frozenset(some) for size in range(len(NEEDS) + 1) for some in itertools.combinations(NEEDS, size)]
    for language, tokens, images, needs, task in itertools.product(
        _languages(conditions), _tokens(rules, conditions), (0, 1), sets, named
    ):
        yield Signals(task, needs, needs, (), False, images, tokens, language)


def _languages(conditions: Iterable[When]) -> list[str]:
    """The languages that are named, and one that is not."""
    named = dict.fromkeys(language for one in conditions for language in one.language)
    others = [language for language in get_args(Language) if language not in named]
    return [*named, *others[-1:]]


def _tokens(rules: Rules, conditions: Iterable[When]) -> list[int]:
    """The numbers on both sides of every bound."""
    bounds = [one.tokens for one in conditions if one.tokens]
    at_most = [bound.over for bound in bounds if bound.over is not None]
    below = [bound.under for bound in bounds if bound.under is not None]
    below += [model.context_tokens for model in rules.models.values() if model.context_tokens]
    return sorted({0, *at_most, *(end + 1 for end in at_most), *below, *(end - 1 for end in below)})


def unreachable(rules: Rules) -> Iterator[tuple[int, str]]:
    """(place, reason) of each rule that provably no prompt reaches, from the top."""
    waiting = {place: _Waiting() for place in range(len(rules.rules))}
    work = itertools.count(1)
    for signals in kinds(rules):
        above: list[int] = []
        for place, rule in enumerate(rules.rules):
            if next(work) > MOST:
                return
            verdict = judge(rules, rule, signals)
            if verdict.matched and not above:
                waiting.pop(place, None)
            elif place in waiting and verdict.matched:
                waiting[place].blocked(above.copy())
            elif place in waiting and verdict.holds:
                waiting[place].unable = waiting[place].unable or verdict.why
            if verdict.matched:
                above.append(place)
        if not waiting:
            return
    for place, one in waiting.items():
        yield place, f"rule {rules.rules[place].name} is never reached: {one.why(rules)}"


@dataclass(slots=True)
class _Waiting:
    """What is known of a rule that has not been reached: which ones above took what it would."""

    always: list[int] | None = None
    once: set[int] = field(default_factory=set)
    unable: str = ""

    def blocked(self, above: list[int]) -> None:
        self.always = above if self.always is None else [place for place in self.always if place in above]
        self.once.add(above[0])

    def why(self, rules: Rules) -> str:
        if self.always:
            return f"{rules.rules[self.always[0]].name} above takes all that it would"
        if self.once:
            names = [rules.rules[place].name for place in sorted(self.once)]
            return f"{listed(names, 'and')} above take all that it would"
        return self.unable or "its conditions exclude each other"
