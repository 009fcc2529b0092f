"""The answer to a request: rendered, asked and judged; JSON that does not fit is asked for once more."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from workflow_hub import schema
from workflow_hub.errors import HubError, ReplyCut, ReplyInvalid
from workflow_hub.prompts import Template
from workflow_hub.providers import OnDelta
from workflow_hub.tasks.ask.given import Asked, context
from workflow_hub.values import Prompt, Reply

if TYPE_CHECKING:
    from workflow_hub.routing.router import Router

TASK = "ask"
_WHOLE_FENCE = re.compile(r"\s*(`{3,})[a-z]*\n(.*)\n\1\s*", re.S)


async def answer(
    request: Asked, router: Router, template: Template, *, agent: bool, on_delta: OnDelta | None
) -> Reply:
    """The reply to `request`; `on_delta` hears it as it comes, unless it is JSON.

    JSON that does not fit the request's schema is asked for once more, with what is wrong with it; an
    agent, which would do its work once more, is not asked again. Raises ReplyInvalid where it still does
    not fit or there is no answer, and ReplyCut where the answer reached its limit of tokens.
    """
    if request.schema is None:
        return _whole(await router.answer(render(request, template, agent=agent), on_delta))
    first = await router.answer(render(request, template, agent=agent))
    try:
        return _fitting(first, request.schema, agent=agent)
    except ReplyInvalid as fault:
        if agent:
            raise
        again = await router.answer(render(request, template, agent=agent, fault=str(fault)))
        both = replace(again, usage=first.usage + again.usage)
        return _fitting(both, request.schema, agent=agent)


def render(request: Asked, template: Template, *, agent: bool, fault: str | None = None) -> Prompt:
    """The prompt; for an agent, which no grammar holds to a schema, the schema is part of the words."""
    told = json.dumps(request.schema, ensure_ascii=False) if agent and request.schema else None
    inputs = {
        "system": request.system,
        "tools": agent,
        "context": context(request.given),
        "request": request.text,
        "schema": told,
        "fault": fault,
    }
    return template.render(inputs, schema=None if agent else request.schema, images=request.images)


def _fitting(reply: Reply, wanted: schema.Schema, *, agent: bool) -> Reply:
    """The reply, if its text is JSON of the schema; an agent may have put it into a fence."""
    found = _WHOLE_FENCE.fullmatch(reply.text) if agent else None
    text = found[2] if found else reply.text
    try:
        schema.read(text, wanted)
    except ReplyInvalid as error:
        raise _of(reply, error) from error
    return replace(reply, text=text)


def _whole(reply: Reply) -> Reply:
    if not reply.text.strip():
        raise _of(
            reply,
            ReplyInvalid(f"{reply.model or 'the model'} answered nothing; ask again, or in other words"),
        )
    if reply.finish == "length":
        raise _of(
            reply,
            ReplyCut(
                f"the answer of {reply.model or 'the model'} reached its limit of tokens; ask for less, "
                "or raise max_tokens in routing.yaml",
                partial=reply.text,
            ),
        )
    return reply


def _of(reply: Reply, error: HubError) -> HubError:
    """The error, with what an agent had done."""
    error.work = reply.work
    return error
