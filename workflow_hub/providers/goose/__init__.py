"""Goose, the agent: work in a folder by a local model that reads, writes and runs what it may."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

import anyio
import anyio.to_thread
from anyio.abc import Process

from workflow_hub.errors import HubError, RunnerTimeout, UsageError
from workflow_hub.providers.goose import changes, environment, find, ledger, outcome, process
from workflow_hub.providers.goose.policy import Policy
from workflow_hub.providers.goose.session import Ask, OnEvent, Session
from workflow_hub.providers.goose.work import (
    AgentOutcome,
    AgentRequest,
    Answer,
    Approve,
    Event,
    Limits,
    Model,
    Refused,
    Rule,
    TextDelta,
    ThoughtDelta,
    ToolAsked,
    ToolDecided,
    ToolFinished,
    ToolRequest,
)

__all__ = [
    "AgentOutcome",
    "AgentRequest",
    "Answer",
    "Approve",
    "Ask",
    "Event",
    "Limits",
    "Model",
    "OnEvent",
    "Refused",
    "Rule",
    "TextDelta",
    "ThoughtDelta",
    "ToolAsked",
    "ToolDecided",
    "ToolFinished",
    "ToolRequest",
    "run",
]


async def run(
    request: AgentRequest, *, on_event: OnEvent, ask: Ask | None = None, env: Mapping[str, str] = os.environ
) -> AgentOutcome:
    """What has become of the request; what failed on the way is the outcome's `error`, with what was done.

    `on_event` hears everything at once, in this event loop. `ask` decides about tool calls where the
    request says `approve: ask`; the time it takes is not counted. When this returns, or is cancelled,
    Goose and all that it has started are gone. Raises UsageError for a request that makes no sense, and
    Unavailable where there is no Goose.
    """
    folder = request.folder.resolve()
    if not folder.is_dir():
        raise UsageError(f"there is no folder {request.folder}")
    if not request.prompt.strip():
        raise UsageError("there is nothing to do: the prompt is empty")
    if request.approve is Approve.ASK and ask is None:
        raise UsageError("`approve: ask` needs somebody to ask; say `list` or `deny`")
    goose = await anyio.to_thread.run_sync(find.need, env)
    began = time.monotonic()
    before = await anyio.to_thread.run_sync(changes.snapshot, folder, abandon_on_cancel=True)
    with environment.throw_away() as root:
        environment.furnish(root, request.model)
        seen = environment.environment(root, request.model, request.limits, pass_on=request.pass_on, env=env)
        errors = root / "stderr"
        error: HubError | None = None
        with anyio.CancelScope(deadline=anyio.current_time() + request.limits.seconds) as clock:
            session = Session(
                Policy(folder, request.approve, request.allow),
                on_event=on_event,
                ask=ask,
                clock=clock,
                output_bytes=request.limits.output_bytes,
                errors=errors,
            )
            async with process.started([str(goose.path), "acp"], seen, folder, root, errors) as started:
                error = await _work(session, started, request)
        if clock.cancelled_caught:
            error = RunnerTimeout(
                f"Goose was not done within {request.limits.seconds:g} seconds; allow more, or ask for less",
                partial=session.text,
            )
        usage = await anyio.to_thread.run_sync(ledger.spent, root)
    after = await anyio.to_thread.run_sync(changes.snapshot, folder, abandon_on_cancel=True)
    return AgentOutcome(
        text=session.text,
        files=changes.compare(before, after),
        commands=tuple(session.commands),
        refused=tuple(session.refused),
        usage=usage,
        seconds=time.monotonic() - began,
        error=error,
    )


async def _work(session: Session, started: Process, request: AgentRequest) -> HubError | None:
    """What went wrong, None where nothing did."""
    try:
        ending = await session.converse(started, request.prompt)
    except HubError as error:
        return error
    return outcome.judge(ending, request.model.name, request.limits.turns, session.text)
