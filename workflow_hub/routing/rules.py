"""routing.yaml, found and read strictly: every fault is named with its line and column.

`shape.py` says what the file holds. What a file of a project may say is less than what a trusted
one may: a checked-out project must not send code elsewhere, or have anything started.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from workflow_hub.config import near
from workflow_hub.errors import RoutingError, placed
from workflow_hub.located import Key, Located, Misplaced, parse_yaml, read_text
from workflow_hub.packaged import packaged
from workflow_hub.routing.reach import unreachable
from workflow_hub.routing.shape import Dmr, Embedded, Goose, Model, Rule, Rules

__all__ = ["Dmr", "Embedded", "Fault", "Goose", "Model", "Reading", "Rule", "Rules", "find", "load", "read"]

LIMIT_BYTES = 256 << 10


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at `path:line:column`; a place that is not known is left out."""

    path: Path
    message: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return placed(self.message, self.path, self.line, self.column)


@dataclass(frozen=True, slots=True)
class Reading:
    """What became of a file: its rules, unless it has none that can be understood, and all its faults."""

    rules: Rules | None
    faults: tuple[Fault, ...]
    located: Located

    def fault(self, key: Key, message: str) -> Fault:
        """A fault at the place of `key`."""
        return Fault(self.located.path, message, self.located.line(key), self.located.column(key))

    def with_faults(self, more: Iterable[tuple[Key, str]]) -> Reading:
        """The same with these faults, too, in the order of the file."""
        faults = [*self.faults, *(self.fault(*one) for one in more)]
        in_order = sorted(faults, key=lambda one: (one.line or 0, one.column or 0))
        return Reading(self.rules, tuple(in_order), self.located)


def find(folders: Iterable[Path]) -> Path:
    """The project's own routing.yaml in the first of `folders` that has one, else the packaged one."""
    return next(
        (own for folder in folders if (own := folder / "routing.yaml").is_file()), packaged("routing.yaml")
    )


def load(path: Path, *, trusted: bool = False) -> Rules:
    """The rules in the file at `path`; raises RoutingError with the place of the first fault.

    Foreign URLs, commands and allow-lists count only in a `trusted` file.
    """
    reading = read(path, trusted=trusted)
    if reading.rules is None or reading.faults:
        first, *others = reading.faults
        more = f" ({len(others)} more: `workflow-hub route check` lists them)" if others else ""
        raise RoutingError(f"{first.message}{more}", path=path, line=first.line, column=first.column)
    return reading.rules


def read(path: Path, *, trusted: bool = False) -> Reading:
    """The file at `path`, and everything that is wrong in it.

    Raises RoutingError where it cannot be read at all. A file with a key that does not exist is
    looked at without it, so that its other faults are found, too.
    """
    text = read_text(path, RoutingError, limit_bytes=LIMIT_BYTES)
    try:
        located = parse_yaml(text, path)
    except Misplaced as error:
        return Reading(None, (Fault(path, str(error), error.line, error.column),), Located({}, {}, path))
    faults: list[tuple[Key, str]] = []
    rules, unknown = _validated(located.value, faults)
    if rules is None and unknown:
        rules, _ = _validated(_without(located.value, unknown), [])
    if rules is not None:
        faults += _references(rules)
        if not faults:  # a condition without its unknown keys takes more than it was meant to
            faults += ((("rules", place), reason) for place, reason in unreachable(rules))
        if not trusted:
            faults += _foreign(rules)
    return Reading(rules, (), located).with_faults(faults)


def _validated(value: Any, faults: list[tuple[Key, str]]) -> tuple[Rules | None, list[Key]]:
    """The rules, and where unknown keys stand; what is wrong is added to `faults`."""
    try:
        return Rules.model_validate(value), []
    except ValidationError as error:
        unknown = []
        for fault in _told(error):
            key = fault["loc"]
            if key[:1] == ("providers",):
                key = key[:2] + key[3:]  # without the kind, which pydantic puts behind the name
            name = ".".join(map(str, key)) or "the file"
            if fault["type"] == "extra_forbidden":
                unknown.append(key)
                faults.append((key, f"unknown key {name}"))
            else:
                faults.append((key, f"{name}: {fault['msg'].removeprefix('Value error, ')}"))
        return None, unknown


def _told(error: ValidationError) -> list[ErrorDetails]:
    """The faults; a list is not called too short because of faults in what it holds."""
    faults = error.errors(include_url=False)
    places = [fault["loc"] for fault in faults]
    return [
        fault
        for fault, at in zip(faults, places, strict=True)
        if fault["type"] != "too_short" or not any(one != at and one[: len(at)] == at for one in places)
    ]


def _without(value: Any, keys: Iterable[Key], here: Key = ()) -> Any:
    """A copy of `value` without what stands at `keys`."""
    unwanted = set(keys)
    if isinstance(value, Mapping):
        return {
            name: _without(inner, unwanted, (*here, name))
            for name, inner in value.items()
            if (*here, name) not in unwanted
        }
    if isinstance(value, list):
        return [_without(inner, unwanted, (*here, place)) for place, inner in enumerate(value)]
    return value


def _references(rules: Rules) -> Iterator[tuple[Key, str]]:
    for name, spec in rules.providers.items():
        if isinstance(spec, Goose) and spec.model not in rules.models:
            yield ("providers", name, "model"), f"there is no model {spec.model}"
    for name, model in rules.models.items():
        if model.provider not in rules.providers:
            yield ("models", name, "provider"), f"there is no provider {model.provider}"
        elif isinstance(rules.providers[model.provider], Goose):
            yield (
                ("models", name, "provider"),
                f"{model.provider} is an agent and works on a model of others; a rule uses it by its name",
            )
    seen: set[str] = set()
    for place, rule in enumerate(rules.rules):
        if rule.name in seen:
            yield ("rules", place, "name"), f"{rule.name} names a rule above, too"
        seen.add(rule.name)
        for nth, target in enumerate(rule.targets):
            if target not in rules.models and not isinstance(rules.providers.get(target), Embedded | Goose):
                where: Key = ("rules", place, "fallback", nth - 1) if nth else ("rules", place, "use")
                yield where, f"{target} is neither a model nor a provider with a model of its own"


def _foreign(rules: Rules) -> Iterator[tuple[Key, str]]:
    for name, spec in rules.providers.items():
        if isinstance(spec, Dmr) and spec.url != "auto" and not near(spec.url):
            yield (
                ("providers", name, "url"),
                f"{spec.url} is neither on this machine nor in a private network; set DMR_BASE_URL yourself, "
                "or WORKFLOW_HUB_TRUST=1 to trust this file",
            )
        if isinstance(spec, Goose):
            for key, value, what in (
                ("allow", spec.allow, "an allow-list"),
                ("extensions", spec.extensions, "tool servers"),
            ):
                if value:
                    yield (
                        ("providers", name, key),
                        f"a project's file with {what} has to be trusted first; read it, then set "
                        "WORKFLOW_HUB_TRUST=1",
                    )
