"""The order of targets within a file: what is called comes before its callers, which may quote it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workflow_hub.source.context import Home, home_of
from workflow_hub.tasks.docstrings.task import Target


def callees_first(targets: Sequence[Target]) -> list[Target]:
    """The targets by how deep they call each other, those that call none of them first.

    In the order of the file otherwise, so that what may be asked at a time stands together. In a
    circle of calls the one that is met first comes last.
    """
    places = {home_of(target.symbol): at for at, target in enumerate(targets)}
    levels = _levels([_called(target, places) for target in targets])
    return [target for _, target in sorted(zip(levels, targets, strict=True), key=lambda pair: pair[0])]


def _called(target: Target, places: Mapping[Home, int]) -> list[int]:
    return [places[callee.home] for callee in target.facts.callees if callee.home in places]


def _levels(called: Sequence[Sequence[int]]) -> list[int]:
    """How many calls each leads to at most, circles left aside; by a stack, for chains may be long."""
    levels: dict[int, int] = {}
    for start in range(len(called)):
        todo, open_ones = [start], set[int]()
        while todo:
            at = todo[-1]
            waiting = [one for one in called[at] if one not in levels and one not in open_ones and one != at]
            if waiting and at not in levels and at not in open_ones:
                open_ones.add(at)
                todo += waiting
                continue
            todo.pop()
            open_ones.discard(at)
            levels.setdefault(at, max((levels[one] + 1 for one in called[at] if one in levels), default=0))
    return [levels[at] for at in range(len(called))]
