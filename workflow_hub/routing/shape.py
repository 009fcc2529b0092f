"""The shape of routing.yaml.

    version: 1
    providers: {NAME: {kind: dmr, url: auto},
                NAME: {kind: embedded, model: WEIGHTS},
                NAME: {kind: goose, model: ROLE, approve: list, allow: ["TOOL:PATTERN"], max_turns: 20,
                       extensions: {NAME: {command: [WORD, …]}, NAME: {url: URL}}}}
    models:    {ROLE: {provider: NAME, try: [MODEL, …], accepts: [text, image], context_tokens: N}}
    tasks:     {NAME: {temperature: N, top_p: N, max_tokens: N}}
    rules:     [{name: NAME, when: CONDITION, use: TARGET, fallback: [TARGET, …],
                 limits: {deadline: SECONDS, max_tokens: N}}]

A TARGET is a role, or a provider that brings a model of its own. `conditions.py` says what a
CONDITION is; a rule without one takes everything.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt, field_validator, model_validator

from workflow_hub.routing.conditions import Names, Part, When, as_list

Approval = Literal["ask", "list", "deny"]
# As the model knows it, in front of each of its tools; Goose's own tools have no such name.
ServerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([-_][a-z0-9]+)*$")]
Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]


def _no_flag(value: Any) -> Any:
    """`true`, which is equal to 1 in Python, is not taken for it."""
    return str(value) if isinstance(value, bool) else value


class Dmr(Part):
    """Docker Model Runner; `auto` finds it as docs/providers.md says."""

    kind: Literal["dmr"]
    url: str = "auto"


class Embedded(Part):
    """The embedded llama.cpp with one of the catalogue's weights."""

    kind: Literal["embedded"]
    model: str = "qwen2.5-coder-0.5b"


class Extension(Part):
    """A tool server (MCP): a command to start, or where one listens."""

    command: Words = ()
    url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Extension:
        if bool(self.command) == bool(self.url):
            raise ValueError("name either command or url")
        return self


class Goose(Part):
    """The agent: it works with files, a terminal and tool servers, on the model of a role.

    Without `approve`, a terminal is asked and anything else goes by the list.
    """

    kind: Literal["goose"]
    model: str
    approve: Approval | None = None
    allow: tuple[Annotated[str, Field(pattern=r"^[^\s:]+(:.+)?$")], ...] = ()
    max_turns: Annotated[StrictInt, Field(ge=1, le=1000)] = 20
    extensions: dict[ServerName, Extension] = Field(default_factory=dict)

    @field_validator("extensions")
    @classmethod
    def _none_of_gooses_own(cls, extensions: dict[str, Extension]) -> dict[str, Extension]:
        from workflow_hub.providers.goose.environment import EXTENSIONS

        if own := [name for name in extensions if name in EXTENSIONS]:
            raise ValueError(f"{own[0]} is the name of an extension of Goose's own; take another")
        return extensions


ProviderSpec = Annotated[Dmr | Embedded | Goose, Field(discriminator="kind")]


class Model(Part):
    """A role such as `coder`: the first of `try` that the provider has plays it.

    Prompts that are estimated at `context_tokens` or more are not for it.
    """

    provider: str
    candidates: Annotated[Names, Field(alias="try", min_length=1)]
    accepts: Annotated[
        tuple[Literal["text", "image"], ...], BeforeValidator(as_list), Field(min_length=1)
    ] = ("text",)
    context_tokens: Annotated[StrictInt, Field(ge=1)] | None = None


class Limits(Part):
    """What a prompt of the rule may take: seconds until the last word is there, and tokens of the reply."""

    deadline: Annotated[float, BeforeValidator(_no_flag), Field(strict=True, gt=0, le=86400)] | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1)] | None = None


class Options(Part):
    """Options for the prompts of one task, in place of those that their template names."""

    temperature: Annotated[float, BeforeValidator(_no_flag), Field(strict=True, ge=0, le=2)] | None = None
    top_p: Annotated[float, BeforeValidator(_no_flag), Field(strict=True, gt=0, le=1)] | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1)] | None = None


class Rule(Part):
    """Who answers what `when` describes, and who does where that one cannot."""

    name: Annotated[str, Field(min_length=1)]
    use: str
    when: When | None = None
    fallback: Names = ()
    limits: Limits = Limits()

    @property
    def targets(self) -> tuple[str, ...]:
        """Who answers, the first choice first."""
        return (self.use, *self.fallback)

    @property
    def conditions(self) -> tuple[When, ...]:
        """Its condition and all inside of it."""
        return tuple(self.when.parts) if self.when else ()


class Rules(Part):
    """The whole file."""

    version: Annotated[Literal[1], BeforeValidator(_no_flag)]
    providers: Annotated[dict[str, ProviderSpec], Field(min_length=1)]
    models: dict[str, Model] = Field(default_factory=dict)
    tasks: dict[str, Options] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
