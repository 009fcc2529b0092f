"""What a rule's `when` may say, and whether it holds for the signals of a prompt; pure.

    {task: [docstrings, review]}           the task is one of these
    {needs: [files, terminal, mcp]}        the prompt needs one of these
    {has: image}                           it carries an image
    {tokens: {over: 4000, under: 30000}}   its estimated tokens, both ends excluded
    {language: [de, fr]}                   it is written in one of these
    {all: […]}  {any: […]}  {not: …}       conditions again

A list is any-of; the keys of one condition must all hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, model_validator

if TYPE_CHECKING:
    from workflow_hub.routing.signals import Signals


def as_list(value: Any) -> Any:
    """A single word as the list of that word; anything else as it is."""
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(as_list)]
Language = Literal["en", "de", "fr", "es", "zh", "und"]
# Whether a condition holds, and why.
Held = tuple[bool, str]


class Part(BaseModel):
    """A piece of routing.yaml: unknown keys and empty values are errors, and nothing is changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_empty(cls, value: Any) -> Any:
        if isinstance(value, dict) and (empty := [name for name, inner in value.items() if inner is None]):
            raise ValueError(f"{empty[0]} is empty; give it a value, or leave it out")
        return value


class Tokens(Part):
    """Bounds of the estimated prompt tokens, neither of them included."""

    over: Annotated[StrictInt, Field(ge=0)] | None = None
    under: Annotated[StrictInt, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _something_is_between(self) -> Tokens:
        if self.over is None and self.under is None:
            raise ValueError("name over, under, or both")
        if self.over is not None and self.under is not None and self.under - self.over < 2:
            raise ValueError(f"no number is over {self.over} and under {self.under}")
        return self


class When(Part):
    """One condition; what it does not name does not matter."""

    task: Annotated[Names, Field(min_length=1)] = ()
    needs: Annotated[
        tuple[Literal["files", "terminal", "mcp"], ...], BeforeValidator(as_list), Field(min_length=1)
    ] = ()
    has: Annotated[tuple[Literal["image"], ...], BeforeValidator(as_list), Field(min_length=1)] = ()
    tokens: Tokens | None = None
    language: Annotated[tuple[Language, ...], BeforeValidator(as_list), Field(min_length=1)] = ()
    every: Annotated[tuple[When, ...], Field(alias="all", min_length=1)] = ()
    some: Annotated[tuple[When, ...], Field(alias="any", min_length=1)] = ()
    but_not: Annotated[When | None, Field(alias="not")] = None

    @model_validator(mode="after")
    def _says_something(self) -> When:
        if not self.model_fields_set:
            raise ValueError("name a condition, or leave `when` out")
        return self

    @property
    def parts(self) -> Iterator[When]:
        """This condition and all inside of it."""
        yield self
        for inner in (*self.every, *self.some, *([self.but_not] if self.but_not else ())):
            yield from inner.parts


def held(when: When, signals: Signals) -> Held:
    """Whether `when` holds for a prompt with these signals, and the reason in words."""
    return _every(_parts(when, signals))


def _parts(when: When, signals: Signals) -> Iterator[Held]:
    if when.task:
        yield _one_of(signals.task, when.task, "the task is")
    if when.needs:
        found = [need for need in when.needs if need in signals.needs]
        words = f"it needs {listed(found, 'and')}" if found else f"it does not need {listed(when.needs)}"
        yield bool(found), words
    if when.has:
        yield (True, "it carries an image") if signals.images else (False, "it carries no image")
    if when.tokens:
        yield _between(signals.tokens, when.tokens)
    if when.language:
        yield _one_of(signals.language, when.language, "it is written in")
    yield from (held(inner, signals) for inner in when.every)
    if when.some:
        yield _some(held(inner, signals) for inner in when.some)
    if when.but_not:
        holds, why = held(when.but_not, signals)
        yield not holds, why


def _one_of(value: str, wanted: tuple[str, ...], says: str) -> Held:
    if value in wanted:
        return True, f"{says} {value}"
    return False, f"{says} {value}, not {listed(wanted)}"


def _between(tokens: int, bounds: Tokens) -> Held:
    if bounds.over is not None and tokens <= bounds.over:
        return False, f"its {tokens} tokens are not over {bounds.over}"
    if bounds.under is not None and tokens >= bounds.under:
        return False, f"its {tokens} tokens are not under {bounds.under}"
    return True, f"its {tokens} tokens are {_bounds(bounds)}"


def _bounds(bounds: Tokens) -> str:
    ends = {"over": bounds.over, "under": bounds.under}
    return " and ".join(f"{name} {end}" for name, end in ends.items() if end is not None)


def _every(parts: Iterable[Held]) -> Held:
    reasons: dict[str, None] = {}
    for holds, why in parts:
        if not holds:
            return False, why
        reasons[why] = None
    return True, " and ".join(reasons)


def _some(parts: Iterable[Held]) -> Held:
    reasons: dict[str, None] = {}
    for holds, why in parts:
        if holds:
            return True, why
        reasons[why] = None
    return False, " and ".join(reasons)


def listed(names: Iterable[str], word: str = "or") -> str:
    """`a, b or c`."""
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else last


def phrase(when: When) -> str:
    """The condition in one line, as `route list` shows it."""
    return " and ".join(_phrases(when))


def _phrases(when: When) -> Iterator[str]:
    for name, wanted in (("task", when.task), ("needs", when.needs), ("has", when.has)):
        if wanted:
            yield f"{name} {listed(wanted)}"
    if when.tokens:
        yield f"tokens {_bounds(when.tokens)}"
    if when.language:
        yield f"language {listed(when.language)}"
    yield from (f"({phrase(inner)})" for inner in when.every)
    if when.some:
        yield f"({' or '.join(map(phrase, when.some))})"
    if when.but_not:
        yield f"not ({phrase(when.but_not)})"
