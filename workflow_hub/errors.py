"""Every error a caller can meet, in two branches: what stops the run, and what fails one item.

HubError                     .partial: text received before the error; .work: what an agent had done
├── SetupError               stops the run; exit code 2
│   ├── ConfigError          a setting, with file and line
│   ├── PromptError          a prompt template
│   ├── RoutingError         routing.yaml, or no rule matches
│   ├── Unavailable          this provider cannot answer; another one may
│   │   ├── RunnerUnreachable    nobody listens at the address
│   │   ├── ModelMissing         the server has no such model
│   │   ├── EngineFailed         the embedded engine is not installed, or does not start
│   │   ├── WeightsUnavailable   weights are not here and cannot be fetched
│   │   ├── SchemaIgnored        the server accepts a JSON schema and ignores it
│   │   └── OutOfMemory          the model does not fit into what the server has left
│   └── UsageError           what was typed makes no sense
└── ItemError                fails one item; the others go on
    ├── RequestRefused       the server said no; .status and the server's words
    │   ├── ContextOverflow  the prompt is longer than the model's context
    │   ├── TemplateRefused  the model's chat template cannot render these messages
    │   └── RequestTooLarge  the body is larger than the server takes
    ├── RunnerBusy           429, 503 or loading, until the deadline
    ├── RunnerTimeout        no reply, or no more of it, in time
    ├── ReplyCut             the reply ended before its end; .partial holds what came
    ├── ReplyInvalid         the reply is not what was asked for
    └── SourceRefused        a file that cannot be read, or must not be written
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow_hub.values import Work


class HubError(Exception):
    """Says what happened and what to type next; `partial` is the text received before it.

    `work` is what an agent had done by then; None where there was no agent.
    """

    def __init__(self, message: str, *, partial: str = "") -> None:
        super().__init__(message)
        self.partial = partial
        self.work: Work | None = None


class SetupError(HubError):
    """The run cannot go on."""


class ConfigError(SetupError):
    """A setting is wrong; the message begins with `file:line:column:`, as far as that is known."""

    def __init__(
        self, message: str, *, path: Path | None = None, line: int | None = None, column: int | None = None
    ) -> None:
        super().__init__(placed(message, path, line, column))
        self.path = path
        self.line = line


def placed(message: str, path: Path | None, line: int | None = None, column: int | None = None) -> str:
    """`path:line:column: message`, as far as the place is known."""
    if path is None:
        return message
    place = ":".join(str(part) for part in (path, line, column) if part is not None)
    return f"{place}: {message}"


class PromptError(ConfigError):
    """A prompt template is wrong, or lacks a variable."""


class RoutingError(ConfigError):
    """routing.yaml is wrong, or none of its rules takes this prompt."""


class UsageError(SetupError):
    """What was typed makes no sense."""


class Unavailable(SetupError):
    """This provider or model cannot answer; the next in the fallback list may."""


class RunnerUnreachable(Unavailable):
    """Nobody listens at the address."""


class ModelMissing(Unavailable):
    """The server has no such model."""


class EngineFailed(Unavailable):
    """The embedded engine is not installed, or does not start."""


class WeightsUnavailable(Unavailable):
    """The weights are not here and cannot be fetched."""


class SchemaIgnored(Unavailable):
    """The server takes a JSON schema and answers something else."""


class OutOfMemory(Unavailable):
    """The model does not fit into the memory that the server has left."""


class ItemError(HubError):
    """One item fails; the others go on."""


class RequestRefused(ItemError):
    """The server refused the request, in its own words; `status` is the HTTP status, 0 without one."""

    def __init__(self, message: str, *, status: int = 0, partial: str = "") -> None:
        super().__init__(message, partial=partial)
        self.status = status


class ContextOverflow(RequestRefused):
    """The prompt is longer than the model's context, of `context_tokens` where the server tells, else 0."""

    def __init__(self, message: str, *, status: int = 0, partial: str = "", context_tokens: int = 0) -> None:
        super().__init__(message, status=status, partial=partial)
        self.context_tokens = context_tokens


class TemplateRefused(RequestRefused):
    """The model's chat template cannot render these messages."""


class RequestTooLarge(RequestRefused):
    """The body is larger than the server takes."""


class RunnerBusy(ItemError):
    """The server was loading or full until the deadline."""


class RunnerTimeout(ItemError):
    """No reply, or no more of it, in time."""


class ReplyCut(ItemError):
    """The reply broke off: the connection closed, or the stream had no end mark."""


class ReplyInvalid(ItemError):
    """The reply is not what was asked for."""


class SourceRefused(ItemError):
    """A file cannot be read, or must not be written."""
