"""The router at work: the first candidate that can be had, and the next when that one cannot go on."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from textwrap import indent
from typing import Any

import anyio

from workflow_hub.errors import (
    ContextOverflow,
    HubError,
    ItemError,
    OutOfMemory,
    ReplyInvalid,
    RequestRefused,
    RunnerTimeout,
    SchemaIgnored,
    TemplateRefused,
    Unavailable,
)
from workflow_hub.providers import OnDelta, Provider
from workflow_hub.routing import fallbacks
from workflow_hub.routing.fallbacks import NOTHING, Tried, then
from workflow_hub.routing.health import Health
from workflow_hub.routing.pick import Candidate
from workflow_hub.schema import CANARY, enforces
from workflow_hub.values import Delta, ModelInfo, Prompt, Reply, Route

WARM = "loaded already"
ROOM = "idle models were unloaded to make room"


@dataclass(frozen=True, slots=True)
class Choice:
    """Who answers now, after all that the prompt has met. `options` are the task's."""

    candidate: Candidate
    model: ModelInfo
    route: Route
    tried: Tried = NOTHING
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, Any]:
        """What of routing.yaml changes an answer, besides who gives it."""
        limit = self.candidate.limits.max_tokens
        return dict(self.options) if limit is None else {**self.options, "at_most_tokens": limit}

    def shaped(self, prompt: Prompt) -> Prompt:
        """The prompt as it is sent: the task's options in place of its own, within the rule's limit."""
        options = {**prompt.options, **self.options}
        if (limit := self.candidate.limits.max_tokens) is not None:
            options["max_tokens"] = min(limit, options.get("max_tokens") or limit)
        return replace(prompt, options=options)


@dataclass
class Router:
    """Answers the prompts of one task by the first of `candidates` that can.

    What follows an error is told by the table in `fallbacks.py`; each reason ends up in the route's
    `why`. Who rests is in `health`, which routers share. `say` is told when one that had answered does
    so no more, `replied` of every reply. `provider` makes or returns the provider of a name, and `options`
    are those of the task.
    """

    candidates: Sequence[Candidate]
    provider: Callable[[str], Provider]
    say: Callable[[str], None] = lambda message: None
    replied: Callable[[Reply], None] = lambda reply: None
    health: Health = field(default_factory=Health)
    options: Mapping[str, Any] = field(default_factory=dict)
    _out: dict[Candidate, HubError] = field(default_factory=dict)
    _known: dict[Candidate, ModelInfo] = field(default_factory=dict)
    _at_work: set[Candidate] = field(default_factory=set)
    _proved: set[Candidate] = field(default_factory=set)
    _unproved: dict[Candidate, Unavailable] = field(default_factory=dict)
    _choosing: anyio.Lock = field(default_factory=anyio.Lock)
    _proving: anyio.Lock = field(default_factory=anyio.Lock)

    async def answer(self, prompt: Prompt, on_delta: OnDelta | None = None) -> Reply:
        """The reply, with its route; nobody else is asked once `on_delta` has heard a piece of one.

        Raises the last error when nobody is left.
        """
        shown: list[str] = []

        def show(delta: Delta) -> None:
            shown.append(delta.text)
            if on_delta is not None:
                on_delta(delta)

        choice = await self.choose()
        ends = _ends(choice.candidate)
        while True:
            try:
                reply = await self.complete(choice, prompt, show if on_delta else None, ends=ends)
                return replace(reply, route=choice.route)
            except (Unavailable, ItemError) as error:
                error.partial = error.partial or "".join(shown)
                if shown or (following := await self.after(choice, error)) is None:
                    raise
                choice = following

    async def choose(self) -> Choice:
        """Who answers a fresh prompt. Raises Unavailable, naming all that was tried, when nobody is left."""
        async with self._choosing:
            return await self._next(NOTHING)

    async def complete(
        self, choice: Choice, prompt: Prompt, on_delta: OnDelta | None = None, *, ends: float | None = None
    ) -> Reply:
        """The reply of `choice`; what an error means for others is noted, what follows it is for `after`.

        It has to be there at `ends` on the event loop's clock, or else within the limit of its rule.
        """
        candidate = choice.candidate
        provider = self.provider(candidate.provider)
        try:
            if prompt.schema is not None:
                await self._prove(candidate, provider, prompt)
            with _deadline(candidate, _ends(candidate) if ends is None else ends):
                reply = await provider.complete(choice.shaped(prompt), candidate.model, on_delta)
        except HubError as error:
            # Room may be made for it first.
            if not isinstance(error, OutOfMemory):
                self._note(candidate, error)
            raise
        self.health.replied(candidate.provider, candidate.model)
        self.replied(reply)
        return reply

    async def after(self, choice: Choice, error: HubError) -> Choice | None:
        """Who answers a prompt that met `error`; None where the error is its end, or nobody is left."""
        candidate, tried = choice.candidate, choice.tried
        if isinstance(error, OutOfMemory):
            provider = self.provider(candidate.provider)
            if candidate not in tried.freed and await provider.free(candidate.model):
                once_more = replace(tried, freed=tried.freed | {candidate})
                route = replace(choice.route, why="; ".join(filter(None, [choice.route.why, ROOM])))
                return replace(choice, tried=once_more, route=route)
            self._note(candidate, error)
        met = fallbacks.after(tried, candidate, choice.model, error)
        if met is None:
            return None
        async with self._choosing:
            try:
                return await self._next(met)
            except Unavailable:
                return None

    async def _next(self, tried: Tried) -> Choice:
        """The first that can be had; of one `try` list, the first that is loaded."""
        passed: dict[Candidate, HubError] = {}
        for _, role in itertools.groupby(self.candidates, key=lambda one: one.target or one):
            able: list[Candidate] = []
            for candidate in role:
                # An agent was to do something, which no other kind of provider does.
                if any(one.agent for one in passed) and not candidate.agent:
                    continue
                error = self._against(candidate, tried) or await self._missing(candidate)
                if error is not None:
                    passed[candidate] = error
                elif self._suits(candidate, passed, tried):
                    able.append(candidate)
            if able:
                best = next((one for one in able if self._known[one].loaded), able[0])
                return self._chosen(best, passed, tried, warm=best is not able[0])
        # Who only failed too often is better than nobody.
        for candidate in passed:
            if _is_tired(candidate, passed, tried) and await self._missing(candidate) is None:
                return self._chosen(candidate, passed, tried)
        raise _nobody(passed.values())

    def _suits(self, candidate: Candidate, passed: Mapping[Candidate, HubError], tried: Tried) -> bool:
        """Whether it may stand in. One that is yet to be fetched does so only for those who cannot be had."""
        model = self._known[candidate]
        asked = any(not isinstance(error, Unavailable) for error in passed.values())
        return tried.takes(model) and (model.here or not asked)

    def _against(self, candidate: Candidate, tried: Tried) -> HubError | None:
        """Why it is not to be asked."""
        return (
            self._out.get(candidate)
            or tried.errors.get(candidate)
            or self.health.resting(candidate.provider, candidate.model)
        )

    async def _missing(self, candidate: Candidate) -> Unavailable | None:
        """Why it cannot be had; who was found once is not looked for again."""
        self.health.try_again(candidate.provider, candidate.model)
        if candidate in self._known:
            return None
        try:
            self._known[candidate] = await self.provider(candidate.provider).find(candidate.model)
        except Unavailable as error:
            self._note(candidate, error)
            return error
        return None

    def _chosen(
        self, candidate: Candidate, passed: Mapping[Candidate, HubError], tried: Tried, *, warm: bool = False
    ) -> Choice:
        self._at_work.add(candidate)
        self._unproved.pop(candidate, None)
        before = itertools.takewhile(lambda one: one != candidate, self.candidates)
        reasons = {one: _first_sentence(passed[one]) for one in before if one in passed}
        why = "; ".join(dict.fromkeys([*reasons.values(), *([WARM] if warm else [])]))
        instead = str(next(iter(reasons))) if reasons else None
        route = Route(candidate.rule, candidate.provider, candidate.model, fallback_from=instead, why=why)
        return Choice(candidate, self._known[candidate], route, tried, self.options)

    def _note(self, candidate: Candidate, error: HubError) -> None:
        """What an error means for the prompts that come after."""
        provider, model = candidate.provider, candidate.model
        match then(error).run:
            case "model is out":
                self._out.setdefault(candidate, error)
            case "provider rests":
                self.health.failed(provider, None, error, at_once=True)
            case "model rests":
                self.health.failed(provider, model, error, at_once=True)
            case "counts":
                self.health.failed(provider, model, error)
        if candidate in self._at_work and self._against(candidate, NOTHING):
            self._at_work.discard(candidate)
            how_long = "for this run" if candidate in self._out else "for a while"
            reason = re.sub(rf"^{re.escape(str(candidate))}\b", "it", _first_sentence(error))
            self.say(f"{candidate} is not asked {how_long}: {reason}")

    async def _prove(self, candidate: Candidate, provider: Provider, prompt: Prompt) -> None:
        """Ask the canary once, before the first real prompt and after the same lead.

        So the first real prompts find the lead evaluated.
        """
        async with self._proving:
            if candidate in self._proved:
                return
            # It failed while we waited, and would take as long to fail again.
            if candidate in self._unproved:
                raise self._unproved[candidate]
            try:
                await _seal(candidate, provider, prompt)
            except OutOfMemory:
                raise  # room may be made for it
            except Unavailable as error:
                self._unproved[candidate] = error
                raise
            self._proved.add(candidate)


async def _seal(candidate: Candidate, provider: Provider, prompt: Prompt) -> None:
    """Raise SchemaIgnored where the canary's schema does not hold, Unavailable where there is no answer."""
    canary = replace(CANARY, messages=(*prompt.lead, *CANARY.messages))
    try:
        reply = await provider.complete(canary, candidate.model)
    except (ContextOverflow, TemplateRefused):
        raise  # what it says of this lead, it does not say of others
    except ItemError as fault:
        if isinstance(fault, RequestRefused | ReplyInvalid) and then(fault).run != "counts":
            raise SchemaIgnored(f"{candidate} does not take a JSON schema: {fault}") from fault
        raise Unavailable(f"{candidate} does not answer: {fault}") from fault
    if not enforces(reply.text):
        raise SchemaIgnored(
            f"{candidate} accepts a JSON schema and ignores it, so nothing it says can "
            "be trusted; use a model that runs on llama.cpp"
        )


def _ends(candidate: Candidate) -> float:
    """When a prompt that is sent now has to be answered, on the event loop's clock."""
    limit = candidate.limits.deadline
    return math.inf if limit is None else anyio.current_time() + limit


@contextmanager
def _deadline(candidate: Candidate, ends: float) -> Iterator[None]:
    """Raise RunnerTimeout at `ends`."""
    with anyio.CancelScope(deadline=ends) as scope:
        yield
    if scope.cancelled_caught:
        raise RunnerTimeout(
            f"{candidate} did not answer within the {candidate.limits.deadline:g} s that the rule "
            f"{candidate.rule} allows; raise limits.deadline of that rule in routing.yaml"
        )


def _is_tired(candidate: Candidate, passed: Mapping[Candidate, HubError], tried: Tried) -> bool:
    """Whether it can be had, and rests because it failed other prompts."""
    return candidate not in tried.errors and not isinstance(passed[candidate], Unavailable)


def _nobody(errors: Iterable[HubError]) -> Unavailable:
    """Why nobody can answer; one reason for all is said as it is."""
    reasons = {str(error): error for error in errors}
    first, *others = reasons.values()
    if not others and isinstance(first, Unavailable):
        return type(first)(str(first))
    return Unavailable("nobody can answer:\n" + "\n".join(indent(reason, "  ") for reason in reasons))


def _first_sentence(error: HubError) -> str:
    return re.split(r"; |\. |\n", str(error))[0]
