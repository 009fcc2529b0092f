"""The missing parts of a docstring as slots: what is asked of a model, and what it may leave open."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from workflow_hub.source.facts import Facts
from workflow_hub.source.files import parse_expression
from workflow_hub.tasks.docstrings.parts import Documented, Entry, Parts

SUMMARY = "summary"
# A class with more is a table, and no docstring of it should be one again.
MOST_ATTRIBUTES = 30
EXAMPLE = "example"
_WORDS_OF_OURS = frozenset({SUMMARY, "returns", "yields", EXAMPLE})


@dataclass(frozen=True, slots=True)
class Slot:
    """One part: a parameter, attribute or exception has its `name`, the other kinds have none."""

    kind: Literal["summary", "parameter", "attribute", "returns", "yields", "raises", "example"]
    name: str = ""
    type: str | None = None

    @property
    def key(self) -> str:
        """The word that the model reads and answers under."""
        match self.kind:
            case "parameter" | "attribute":
                bare = self.name.lstrip("*")
                return f"{self.kind} {bare}" if bare in _WORDS_OF_OURS else bare
            case "raises":
                return f"raises {self.name}"
            case _:
                return self.kind


def slots_of(facts: Facts, documented: Documented | None) -> dict[str, Slot]:
    """The slots of what is not documented yet, by key, in the order of a docstring."""
    slots = list(_all(facts))

    def entries(kind: str) -> tuple[Entry, ...]:
        return tuple(Entry(slot.name, "") for slot in slots if slot.kind == kind)

    every = Parts(
        summary="",
        parameters=entries("parameter"),
        returns=Entry("", ""),
        yields=Entry("", ""),
        raises=entries("raises"),
        attributes=entries("attribute"),
    )
    lacking = documented.lacks(every) if documented else every
    open_names = {entry.name for entry in (*lacking.parameters, *lacking.raises, *lacking.attributes)}
    open_kinds = {
        "summary": lacking.summary is not None,
        "returns": lacking.returns is not None,
        "yields": lacking.yields is not None,
    }
    return {slot.key: slot for slot in slots if slot.name in open_names or open_kinds.get(slot.kind)}


def _all(facts: Facts) -> Iterator[Slot]:
    yield Slot("summary")
    asked = [one for one in facts.attributes if not one.documented]
    if len(asked) <= MOST_ATTRIBUTES:
        yield from (Slot("attribute", one.name, one.annotation) for one in asked)
    if facts.kind != "function":
        return
    for parameter in facts.parameters:
        yield Slot("parameter", parameter.shown, parameter.annotation)
    if facts.yields:
        yield Slot("yields", type=yielded(facts.returns))
    elif facts.returns_value and not _is_property(facts):
        yield Slot("returns", type=facts.returns)
    for raised in facts.raises:
        yield Slot("raises", raised.name)


def _is_property(facts: Facts) -> bool:
    """A property reads as a value: its summary says what it is."""
    return any(name.rpartition(".")[2] in {"property", "cached_property"} for name in facts.decorators)


def yielded(annotation: str | None) -> str | None:
    """What `Iterator[X]` and `Generator[X, …]` yield: `X`; a quoted annotation counts without its quotes."""
    if annotation is None:
        return None
    try:
        tree = parse_expression(annotation)
    except SyntaxError:  # in quotes anything may stand
        return annotation
    match tree:
        case ast.Constant(value=str(quoted)):
            return yielded(quoted)
        case ast.Subscript(slice=ast.Tuple(elts=[first, *_])):
            return ast.unparse(first)
        case ast.Subscript(slice=inner):
            return ast.unparse(inner)
    return annotation


def parts_of(slots: Mapping[str, Slot], texts: Mapping[str, str | None]) -> Parts:
    """What the answers say, as parts of a docstring; slots without a text are left out."""
    said = [(slot, text) for key, slot in slots.items() if (text := texts.get(key))]

    def entries(kind: str) -> tuple[Entry, ...]:
        return tuple(Entry(slot.name, text, slot.type) for slot, text in said if slot.kind == kind)

    return Parts(
        summary=next((text for slot, text in said if slot.kind == "summary"), None),
        parameters=entries("parameter"),
        returns=next(iter(entries("returns")), None),
        yields=next(iter(entries("yields")), None),
        raises=entries("raises"),
        attributes=entries("attribute"),
    )
