"""What Goose is asked to do, what it tells on the way, and what has become of it: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from workflow_hub.errors import HubError, UsageError
from workflow_hub.values import Files, Usage


class Approve(StrEnum):
    """Who decides about a tool call: the user, the list of rules, or nobody, which refuses it."""

    ASK = "ask"
    LIST = "list"
    DENY = "deny"


class Answer(StrEnum):
    """What a user says to a tool call."""

    ONCE = "once"
    SESSION = "session"
    NO = "no"


class Sandbox(StrEnum):
    """Walls around the agent: where they can be had, never, or else it does not work at all."""

    AUTO = "auto"
    OFF = "off"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class Rule:
    """A tool that may be used: always, or where the pattern fits the path or the command.

    `NAME__*` is any tool of the tool server NAME.
    A path pattern is a glob, seen from the working folder unless it is absolute; `*` stays within a
    folder, `**` does not. A command pattern is the command itself, or words that may hold `*`, a last
    `*` standing for any number of words; it fits only commands without pipes, `;`, `$` and the like.
    """

    tool: str
    pattern: str | None = None

    @classmethod
    def parse(cls, text: str) -> Rule:
        """The rule that is written `TOOL` or `TOOL:PATTERN`; UsageError for anything else."""
        tool, colon, pattern = text.partition(":")
        if not tool.strip() or (colon and not pattern.strip()):
            raise UsageError(f"`{text}` is no rule; write TOOL or TOOL:PATTERN, such as `shell:pytest *`")
        return cls(tool.strip(), pattern.strip() if colon else None)

    def __str__(self) -> str:
        return self.tool if self.pattern is None else f"{self.tool}:{self.pattern}"


@dataclass(frozen=True, slots=True)
class Model:
    """The model behind Goose: its name and an OpenAI-compatible address, `http://…/engines/v1`.

    Where `context_tokens` is None Goose believes in 128,000. `temperature` and `max_tokens` hold for each
    of its replies; None leaves them to the server.
    """

    name: str
    base_url: str
    api_key: str = field(default="", repr=False)
    context_tokens: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run ends: wall time, turns of the model, and bytes of text and tool output together."""

    seconds: float = 900.0
    turns: int = 20
    output_bytes: int = 16_000_000


@dataclass(frozen=True, slots=True)
class Extension:
    """A tool server (MCP): a command to start, or the URL where one listens. Its tools are `NAME__TOOL`."""

    name: str
    command: tuple[str, ...] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """One piece of work for Goose in a folder, and what it may do there.

    `pass_on` names variables of the user's environment that Goose and its commands may see besides
    those that every command needs. With `in_copy` it works on a copy of the git work tree that the folder
    is in, and with `apply` the folder gets what was done there. `verify` is a command that must exit with
    0, by a shell, once the work is done.
    """

    prompt: str
    folder: Path
    model: Model
    approve: Approve = Approve.LIST
    allow: tuple[Rule, ...] = ()
    limits: Limits = Limits()
    pass_on: tuple[str, ...] = ()
    in_copy: bool = False
    apply: bool = False
    verify: str | None = None
    sandbox: Sandbox = Sandbox.AUTO
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A tool that Goose wants to use, as the model named it, with the model's arguments."""

    id: str
    tool: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ThoughtDelta:
    """A piece of what a thinking model thinks."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolAsked:
    """Goose wants to use a tool; whether it may is another event."""

    request: ToolRequest


@dataclass(frozen=True, slots=True)
class ToolDecided:
    """The tool may be used, or not, and why."""

    request: ToolRequest
    allowed: bool
    why: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """The tool has run, or was refused; `output` is what Goose shows of its result."""

    request: ToolRequest
    ok: bool
    output: str


Event = TextDelta | ThoughtDelta | ToolAsked | ToolDecided | ToolFinished


@dataclass(frozen=True, slots=True)
class Refused:
    """A tool call that was not allowed, and why."""

    request: ToolRequest
    why: str


@dataclass(frozen=True, slots=True)
class AgentOutcome:
    """What has become of a request. `error` is None only where the model itself came to an end.

    `text` is the model's last answer, `files` what differs on disk whether the run succeeded or not,
    `commands` those that were allowed to run. `usage` is the sum of what Goose tells about each turn.
    `patch` is what was changed in a copy, and `applied` whether the folder has it. `notes` say what a
    reader should know besides: what did not hold the agent back, or stayed behind.
    """

    text: str
    files: Files
    commands: tuple[str, ...]
    refused: tuple[Refused, ...]
    usage: Usage
    seconds: float
    error: HubError | None = None
    patch: bytes = b""
    applied: bool = False
    notes: tuple[str, ...] = ()
