"""routing.yaml, read strictly: every fault is named with its line.

    version: 1
    providers: {NAME: {kind: dmr, url: auto}, NAME: {kind: embedded, model: WEIGHTS}}
    models:    {NAME: {provider: NAME, try: [MODEL, …]}}
    rules:     [{name: NAME, when: {task: [TASK, …]}, use: NAME, fallback: [NAME, …]}]

`use` and `fallback` name a model, or a provider that brings a model of its own. A rule without
`when` takes everything, so nothing may stand below it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from workflow_hub.config import near
from workflow_hub.errors import RoutingError
from workflow_hub.located import Key, Located, read_text, read_yaml
from workflow_hub.packaged import packaged


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dmr(_Part):
    """Docker Model Runner; `auto` finds it as docs/providers.md says."""

    kind: Literal["dmr"]
    url: str = "auto"


class Embedded(_Part):
    """The embedded llama.cpp with one of the catalogue's weights."""

    kind: Literal["embedded"]
    model: str = "qwen2.5-coder-0.5b"


class Model(_Part):
    """A role such as `coder`: the first of `try` that the provider has plays it."""

    provider: str
    candidates: Annotated[Names, Field(alias="try", min_length=1)]


class When(_Part):
    """The conditions of a rule; a list is any-of."""

    task: Annotated[Names, Field(min_length=1)]


class Rule(_Part):
    """Who answers what `when` describes, and who does where that one cannot."""

    name: str
    use: str
    when: When | None = None
    fallback: Names = ()

    def takes(self, task: str) -> bool:
        return self.when is None or task in self.when.task


ProviderSpec = Annotated[Dmr | Embedded, Field(discriminator="kind")]


class Rules(_Part):
    """The whole file."""

    version: Literal[1]
    providers: Annotated[dict[str, ProviderSpec], Field(min_length=1)]
    models: dict[str, Model] = {}
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]


def find(folders: Iterable[Path]) -> Path:
    """The project's own routing.yaml in the first of `folders` that has one, else the packaged one."""
    return next(
        (own for folder in folders if (own := folder / "routing.yaml").is_file()), packaged("routing.yaml")
    )


def load(path: Path, *, trusted: bool = False) -> Rules:
    """The rules in the file at `path`.

    Raises RoutingError with file and line. A foreign URL counts only in a `trusted` file, so that
    a checked-out project cannot send code elsewhere.
    """
    located = read_yaml(read_text(path, RoutingError), path, fault=RoutingError)
    try:
        rules = Rules.model_validate(located.value)
    except ValidationError as error:
        raise _as_routing_error(error, located) from error
    for key, message in _faults(rules, trusted=trusted):
        raise RoutingError(message, path=path, line=located.line(key))
    return rules


def _faults(rules: Rules, *, trusted: bool) -> Iterator[tuple[Key, str]]:
    for name, spec in rules.providers.items():
        if isinstance(spec, Dmr) and spec.url != "auto" and not trusted and not near(spec.url):
            yield (
                ("providers", name, "url"),
                f"{spec.url} is neither on this machine nor in a private network; set DMR_BASE_URL yourself, "
                "or WORKFLOW_HUB_TRUST=1 to trust this file",
            )
    for name, model in rules.models.items():
        if model.provider not in rules.providers:
            yield ("models", name, "provider"), f"there is no provider {model.provider}"
    seen: set[str] = set()
    for place, rule in enumerate(rules.rules):
        if rule.name in seen:
            yield ("rules", place, "name"), f"{rule.name} names a rule above, too"
        seen.add(rule.name)
        for target in (rule.use, *rule.fallback):
            if target not in rules.models and not isinstance(rules.providers.get(target), Embedded):
                where: Key = ("rules", place, "use" if target == rule.use else "fallback")
                yield where, f"{target} is neither a model nor a provider with a model of its own"
        if taken := _taken_above(rule, rules.rules[:place]):
            yield (
                ("rules", place),
                f"rule {rule.name} is never reached: {taken} above takes all that it would",
            )


def _taken_above(rule: Rule, above: tuple[Rule, ...]) -> str | None:
    for earlier in above:
        if earlier.when is None or (rule.when is not None and set(rule.when.task) <= set(earlier.when.task)):
            return earlier.name
    return None


def _as_routing_error(error: ValidationError, located: Located) -> RoutingError:
    fault = error.errors(include_url=False)[0]
    key = fault["loc"]
    if key[:1] == ("providers",):
        key = key[:2] + key[3:]  # without the kind, which pydantic puts behind the name
    name = ".".join(map(str, key)) or "the file"
    message = f"unknown key {name}" if fault["type"] == "extra_forbidden" else f"{name}: {fault['msg']}"
    return RoutingError(message, path=located.path, line=located.line(key))
