"""Which models can be had right now, and what to type for those that cannot; sends no prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workflow_hub.errors import ModelMissing, Unavailable, WeightsUnavailable
from workflow_hub.providers import Provider
from workflow_hub.routing.pick import models_of
from workflow_hub.routing.shape import Rules

State = Literal["loaded", "here", "not here", "provider not here"]
Pair = tuple[str, str]  # a provider and a model


@dataclass(frozen=True, slots=True)
class Seen:
    """A model of a provider: how it is, what to type where it is not here (if anything helps), and why."""

    provider: str
    model: str
    state: State
    to_type: str | None = None
    why: str = ""


def named(rules: Rules) -> list[Pair]:
    """Every model that the rules name, at its provider, those of `models` first."""
    pairs = (pair for target in (*rules.models, *rules.providers) for pair in models_of(rules, target))
    return [*dict.fromkeys(pairs)]


async def look(pairs: Iterable[Pair], provider: Callable[[str], Provider]) -> list[Seen]:
    """How each of them is; a provider that is not here is asked once."""
    absent: dict[str, Unavailable] = {}
    seen = []
    for name, model in pairs:
        try:
            if name in absent:
                raise absent[name]
            info = await provider(name).find(model)
            seen.append(Seen(name, model, "loaded" if info.loaded else "here"))
        except (ModelMissing, WeightsUnavailable) as error:
            seen.append(Seen(name, model, "not here", _to_type(error), str(error)))
        except Unavailable as error:
            absent[name] = error
            seen.append(Seen(name, model, "provider not here", _to_type(error), str(error)))
    return seen


def as_lines(seen: Sequence[Seen]) -> Iterator[str]:
    """A line for each: who, and how it is."""
    width = max((len(f"{one.provider} {one.model}") for one in seen), default=0)
    for one in seen:
        hint = f"; type `{one.to_type}`" if one.to_type else ""
        yield f"{f'{one.provider} {one.model}':<{width}}  {one.state}{hint}"


def as_dicts(seen: Iterable[Seen]) -> list[dict[str, Any]]:
    """The same as JSON: {provider, model, state, type}; type may be null."""
    return [
        {"provider": one.provider, "model": one.model, "state": one.state, "type": one.to_type}
        for one in seen
    ]


def _to_type(error: Unavailable) -> str | None:
    """The first command in an error's words."""
    found = re.search(r"`([^`]+)`", str(error))
    return found[1] if found else None
