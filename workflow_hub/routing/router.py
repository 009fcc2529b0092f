"""The router at work: the first candidate that can be had, and the next when that one cannot go on."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from textwrap import indent

import anyio

from workflow_hub.errors import ItemError, ReplyInvalid, RequestRefused, SchemaIgnored, Unavailable
from workflow_hub.providers import Provider
from workflow_hub.routing.pick import Candidate
from workflow_hub.schema import CANARY, enforces
from workflow_hub.values import ModelInfo, Prompt, Reply, Route


@dataclass(frozen=True, slots=True)
class Choice:
    """Who answers now."""

    candidate: Candidate
    model: ModelInfo
    route: Route


@dataclass
class Router:
    """Answers the prompts of one task by the first of `candidates` that can.

    A candidate that cannot be had, that goes away during the run, or that ignores schemas is out
    for the rest of the run; each reason is kept and ends up in the route's `why`. `say` is told
    when that happens, `replied` of every reply. `provider` makes or returns the provider of a name.
    """

    candidates: Sequence[Candidate]
    provider: Callable[[str], Provider]
    say: Callable[[str], None] = lambda message: None
    replied: Callable[[Reply], None] = lambda reply: None
    _out: dict[Candidate, Unavailable] = field(default_factory=dict)
    _choice: Choice | None = None
    _proved: set[Candidate] = field(default_factory=set)
    _choosing: anyio.Lock = field(default_factory=anyio.Lock)
    _proving: anyio.Lock = field(default_factory=anyio.Lock)

    async def choose(self) -> Choice:
        """The choice in force. Raises Unavailable, naming all that was tried, when nobody is left."""
        async with self._choosing:
            if self._choice is None:
                self._choice = await self._first()
            return self._choice

    async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
        """The reply of `choice`; an Unavailable rules it out, and the next `choose` finds another."""
        provider = self.provider(choice.candidate.provider)
        try:
            if prompt.schema is not None:
                await self._prove(choice, provider, prompt)
            reply = await provider.complete(prompt, choice.candidate.model)
        except Unavailable as error:
            self._rule_out(choice.candidate, error)
            raise
        self.replied(reply)
        return reply

    async def _first(self) -> Choice:
        for candidate in self.candidates:
            if candidate in self._out:
                continue
            try:
                model = await self.provider(candidate.provider).find(candidate.model)
            except Unavailable as error:
                self._rule_out(candidate, error)
                continue
            return Choice(candidate, model, self._route(candidate))
        raise self._nobody()

    def _route(self, candidate: Candidate) -> Route:
        if not self._out:
            return Route(candidate.rule, candidate.provider, candidate.model)
        why = "; ".join(dict.fromkeys(_first_sentence(error) for error in self._out.values()))
        first = str(next(iter(self._out)))
        return Route(candidate.rule, candidate.provider, candidate.model, fallback_from=first, why=why)

    def _rule_out(self, candidate: Candidate, error: Unavailable) -> None:
        if candidate in self._out:
            return
        self._out[candidate] = error
        if self._choice is not None and self._choice.candidate == candidate:
            self._choice = None
            self.say(f"{candidate} is out for this run: {_first_sentence(error)}")

    def _nobody(self) -> Unavailable:
        if len(errors := list(dict.fromkeys(map(str, self._out.values())))) == 1:
            return type(next(iter(self._out.values())))(errors[0])
        return Unavailable("nobody can answer:\n" + "\n".join(indent(error, "  ") for error in errors))

    async def _prove(self, choice: Choice, provider: Provider, prompt: Prompt) -> None:
        """Ask the canary once, before the first real prompt and after the same lead.

        So the first real prompts find the lead evaluated.
        """
        async with self._proving:
            if choice.candidate in self._proved:
                return
            if (error := self._out.get(choice.candidate)) is not None:
                raise error  # it failed while we waited, and would take as long to fail again
            canary = replace(CANARY, messages=(*prompt.lead, *CANARY.messages))
            try:
                reply = await provider.complete(canary, choice.candidate.model)
            except (RequestRefused, ReplyInvalid) as fault:
                raise SchemaIgnored(f"{choice.candidate} does not take a JSON schema: {fault}") from fault
            except ItemError as fault:
                raise Unavailable(f"{choice.candidate} does not answer: {fault}") from fault
            if not enforces(reply.text):
                raise SchemaIgnored(
                    f"{choice.candidate} accepts a JSON schema and ignores it, so nothing it says can "
                    "be trusted; use a model that runs on llama.cpp"
                )
            self._proved.add(choice.candidate)


def _first_sentence(error: Unavailable) -> str:
    return re.split(r"; |\. |\n", str(error))[0]
