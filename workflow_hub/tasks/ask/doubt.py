"""What a request needs: by its words, by what the user says, or, in doubt, by what a small model says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from workflow_hub import schema
from workflow_hub.errors import HubError
from workflow_hub.prompts import Template
from workflow_hub.routing.signals import Signals, signals
from workflow_hub.tasks.ask.given import Asked, context

if TYPE_CHECKING:
    from workflow_hub.routing.router import Router

# The first words and the last: what is asked for stands there, and the question has to stay short.
EDGE_CHARACTERS = 1500
PATIENCE_S = 5.0
DO, SAY = "do", "say"
ANSWER = schema.record({"wants": schema.one_of([DO, SAY])})


def signals_of(request: Asked) -> Signals:
    """The signals of the request; with `tools` on or off they say so, whatever its words do."""
    found = signals(request.text, images=len(request.images), context=context(request.given))
    if request.tools is None:
        return found
    return told(found, request.text, done=request.tools)


def told(found: Signals, text: str, *, done: bool) -> Signals:
    """The signals of `text` for who knows better than its words whether something is to be done."""
    from workflow_hub.routing.intent import if_done

    if not done:
        return replace(found, needs=frozenset(), evidence=(), unsure=False)
    evidence = found.evidence or if_done(text)
    needs = frozenset(one.need for one in evidence) or frozenset({"files"})
    return replace(found, needs=found.needs | needs, evidence=evidence, unsure=False)


async def decided(found: Signals, text: str, router: Router, template: Template) -> Signals:
    """The unsure signals of `text` after one short question to a model of `router`.

    Only a model that is loaded is asked: a guess is not worth waiting for. Whatever goes wrong leaves
    the guess, which leans to tools.
    """
    prompt = template.render({"request": _edges(text)}, schema=ANSWER)
    try:
        with anyio.fail_after(PATIENCE_S):
            for candidate in router.candidates:
                provider = router.provider(candidate.provider)
                if not (await provider.find(candidate.model)).loaded:
                    continue
                reply = await provider.complete(prompt, candidate.model)
                router.replied(reply)
                wants = schema.read(reply.text, ANSWER)["wants"]
                return told(found, text, done=wants == DO)
    except (HubError, TimeoutError):
        pass
    return found


def _edges(text: str) -> str:
    if len(text) <= 2 * EDGE_CHARACTERS:
        return text
    return f"{text[:EDGE_CHARACTERS]}\n…\n{text[-EDGE_CHARACTERS:]}"
