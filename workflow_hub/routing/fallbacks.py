"""What follows an error, for the run and for the prompt that met it, as one table; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from workflow_hub.errors import (
    ContextOverflow,
    EngineFailed,
    HubError,
    ModelMissing,
    OutOfMemory,
    ReplyCut,
    ReplyInvalid,
    RequestRefused,
    RunnerBusy,
    RunnerTimeout,
    RunnerUnreachable,
    SchemaIgnored,
    TemplateRefused,
    Unavailable,
    WeightsUnavailable,
)
from workflow_hub.routing.pick import Candidate
from workflow_hub.values import ModelInfo


@dataclass(frozen=True, slots=True)
class Then:
    """What follows. `counts`: enough of these in a row, and the model rests (`health.py`)."""

    run: Literal["goes on", "counts", "model rests", "provider rests", "model is out"]
    prompt: Literal["fails", "next", "next once", "next with a longer context", "makes room, then next"]


# The nearest class in an error's family tree counts.
FALLBACKS: Mapping[type[BaseException], Then] = {
    RunnerUnreachable: Then("provider rests", "next"),
    EngineFailed: Then("provider rests", "next"),
    ModelMissing: Then("model is out", "next"),
    WeightsUnavailable: Then("model is out", "next"),
    SchemaIgnored: Then("model is out", "next"),
    OutOfMemory: Then("model rests", "makes room, then next"),
    Unavailable: Then("model rests", "next"),
    ContextOverflow: Then("goes on", "next with a longer context"),
    TemplateRefused: Then("goes on", "next"),
    ReplyInvalid: Then("goes on", "next once"),
    RunnerTimeout: Then("counts", "fails"),
    RunnerBusy: Then("counts", "fails"),
    ReplyCut: Then("counts", "fails"),
    RequestRefused: Then("goes on", "fails"),
    HubError: Then("goes on", "fails"),
}
_BROKEN_SERVER = Then("counts", "fails")


def then(error: HubError) -> Then:
    """What follows this error."""
    found = next(FALLBACKS[kind] for kind in type(error).__mro__ if kind in FALLBACKS)
    # A refusal is the request's fault, unless the server says that it is its own.
    if found is FALLBACKS[RequestRefused] and isinstance(error, RequestRefused) and error.status >= 500:
        return _BROKEN_SERVER
    return found


@dataclass(frozen=True, slots=True)
class Tried:
    """What one prompt has met: who failed it and how, and for whom room was made.

    It needs a context of more than `context_tokens`.
    """

    errors: Mapping[Candidate, HubError] = field(default_factory=dict)
    freed: frozenset[Candidate] = frozenset()
    context_tokens: int = 0

    def takes(self, model: ModelInfo) -> bool:
        """Whether the context of `model` is long enough, as far as that has mattered."""
        return not self.context_tokens or (model.context_tokens or 0) > self.context_tokens


NOTHING = Tried()


def after(tried: Tried, candidate: Candidate, model: ModelInfo, error: HubError) -> Tried | None:
    """What the prompt has met now; None where the error is its end."""
    what = then(error).prompt
    rejected = any(isinstance(one, ReplyInvalid) for one in tried.errors.values())
    if what == "fails" or (what == "next once" and rejected) or _has_worked(error):
        return None
    met = replace(tried, errors={**tried.errors, candidate: error})
    if isinstance(error, ContextOverflow):
        longest = error.context_tokens or model.context_tokens or 1
        return replace(met, context_tokens=max(tried.context_tokens, longest))
    return met


def _has_worked(error: HubError) -> bool:
    """Whether an agent had done something by then, which another one would do again."""
    return error.work is not None and bool(error.work.files or error.work.commands)
