from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest

from workflow_hub.errors import (
    HubError,
    ModelMissing,
    OutOfMemory,
    ReplyCut,
    ReplyInvalid,
    RequestRefused,
    RunnerTimeout,
    RunnerUnreachable,
    SchemaIgnored,
    TemplateRefused,
    Unavailable,
)
from workflow_hub.providers import OnDelta
from workflow_hub.routing.health import LONGEST_S, Health
from workflow_hub.routing.pick import Candidate
from workflow_hub.routing.router import Router
from workflow_hub.schema import CANARY, STRING, record
from workflow_hub.values import Endpoint, Message, ModelInfo, Prompt, Reply, Route

ONE, TWO, THREE = (
    Candidate("code", "dmr", "big"),
    Candidate("code", "dmr", "small"),
    Candidate("code", "own", "tiny"),
)
PROMPT = Prompt("p", (Message("system", "Be kind."), Message("user", "hi")), record({"a": STRING}))
FREE = replace(PROMPT, schema=None)
SEALED = json.dumps({"seal": CANARY.schema["properties"]["seal"]["const"]})  # type: ignore[index]


@dataclass
class Scripted:
    """A provider whose models are found or not, and which answers by a function of (prompt, model)."""

    missing: dict[str, Unavailable] = field(default_factory=dict)
    answer: Callable[[Prompt, str], str | HubError] = lambda prompt, model: "yes"
    canary: Callable[[str], str | HubError] = lambda model: SEALED
    found: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)

    async def find(self, model: str) -> ModelInfo:
        self.found.append(model)
        await anyio.lowlevel.checkpoint()
        if model in self.missing:
            raise self.missing[model]
        return ModelInfo(model, f"identity of {model}", slots=2)

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        self.asked.append((prompt.name, model))
        self.prompts.append(prompt)
        await anyio.lowlevel.checkpoint()
        said = self.canary(model) if prompt.name == "canary" else self.answer(prompt, model)
        if isinstance(said, HubError):
            raise said
        return Reply(said)

    async def endpoint(self, model: str) -> Endpoint:
        raise Unavailable("never asked for")

    async def free(self, model: str) -> bool:
        return False

    async def aclose(self) -> None: ...


def router(provider: Scripted, *candidates: Candidate, **callbacks: Any) -> Router:
    return Router(candidates or (ONE, TWO, THREE), lambda name: provider, **callbacks)


GONE = RunnerUnreachable("nobody listens at x; see docs")
NO_BIG = ModelMissing("big is not here; pull it")
NO_SMALL = ModelMissing("small is not here; pull it")

# (who cannot be had, the route)
CHOICES = [
    pytest.param({}, Route("code", "dmr", "big"), id="the first"),
    pytest.param(
        {"big": NO_BIG}, Route("code", "dmr", "small", "dmr big", "big is not here"), id="the second, and why"
    ),
    pytest.param(
        {"big": NO_BIG, "small": NO_SMALL},
        Route("code", "own", "tiny", "dmr big", "big is not here; small is not here"),
        id="the third, for all the reasons",
    ),
    pytest.param(
        {"big": GONE, "small": GONE},
        Route("code", "own", "tiny", "dmr big", "nobody listens at x"),
        id="one reason is said once",
    ),
]


@pytest.mark.parametrize(("missing", "route"), CHOICES)
def test_the_first_that_can_be_had_answers(missing: dict[str, Unavailable], route: Route) -> None:
    said: list[str] = []
    provider = Scripted(missing)
    one = router(provider, say=said.append)
    choice = anyio.run(one.choose)
    assert choice.route == route
    assert choice.model.identity == f"identity of {route.model}"
    assert said == [], "nobody was at work, so nobody went away"


def test_everybody_gets_the_same_choice_found_once() -> None:
    provider = Scripted({"big": NO_BIG})
    one = router(provider)

    async def main() -> list[Any]:
        choices: list[Any] = []

        async def choose() -> None:
            choices.append(await one.choose())

        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(choose)
        return choices

    choices = anyio.run(main)
    assert len(choices) == 5 and all(choice == choices[0] for choice in choices)
    assert provider.found == ["big", "small"]


def test_nobody_left_names_all_that_was_tried() -> None:
    missing = {"big": NO_BIG, "small": NO_SMALL, "tiny": GONE}
    with pytest.raises(Unavailable) as caught:
        anyio.run(router(Scripted(missing)).choose)
    assert str(caught.value) == (
        "nobody can answer:\n  big is not here; pull it\n  small is not here; pull it\n"
        "  nobody listens at x; see docs"
    )


def test_one_reason_for_all_is_said_as_it_is() -> None:
    with pytest.raises(RunnerUnreachable, match=r"^nobody listens at x; see docs$"):
        anyio.run(router(Scripted(dict.fromkeys(("big", "small", "tiny"), GONE))).choose)


def test_a_pin_has_no_fallback() -> None:
    with pytest.raises(ModelMissing, match="big is not here"):
        anyio.run(router(Scripted({"big": NO_BIG}), ONE).choose)


def test_one_that_goes_away_takes_its_provider_along_and_the_next_says_for_whom() -> None:
    said: list[str] = []
    provider = Scripted(answer=lambda prompt, model: GONE if model == "big" else f"{model} says yes")
    one = router(provider, say=said.append)

    async def main() -> tuple[Reply, Route]:
        first = await one.choose()
        for _ in range(2):  # as two tasks that were under way together
            with pytest.raises(RunnerUnreachable):
                await one.complete(first, FREE)
        second = await one.choose()
        return await one.complete(second, FREE), second.route

    reply, route = anyio.run(main)
    assert reply.text == "tiny says yes"
    assert route == Route("code", "own", "tiny", "dmr big", "nobody listens at x")
    assert said == ["dmr big is not asked for a while: nobody listens at x"]
    assert provider.found == ["big", "tiny"], "who was found once is not looked for again"


def test_an_item_that_fails_rules_nobody_out() -> None:
    provider = Scripted(answer=lambda prompt, model: ReplyCut("cut"))
    one = router(provider)

    async def main() -> bool:
        choice = await one.choose()
        with pytest.raises(ReplyCut):
            await one.complete(choice, FREE)
        return await one.choose() == choice

    assert anyio.run(main)


def test_every_reply_but_the_canarys_is_heard_of() -> None:
    heard: list[Reply] = []
    one = router(Scripted(), replied=heard.append)

    async def main() -> None:
        choice = await one.choose()
        await one.complete(choice, PROMPT)

    anyio.run(main)
    assert [reply.text for reply in heard] == ["yes"]


def test_the_canary_comes_once_before_the_first_schema_after_the_same_lead() -> None:
    provider = Scripted()
    one = router(provider)

    async def main() -> None:
        choice = await one.choose()
        await one.complete(choice, FREE)
        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(one.complete, choice, PROMPT)

    anyio.run(main)
    assert [name for name, _ in provider.asked] == ["p", "canary", "p", "p", "p", "p"]
    canary = provider.prompts[1]
    assert canary.messages == (*PROMPT.lead, *CANARY.messages)
    assert (canary.schema, canary.options) == (CANARY.schema, CANARY.options)


@pytest.mark.parametrize(
    ("canary", "reason"),
    [
        pytest.param("Hello!", "dmr big accepts a JSON schema and ignores it", id="ignored"),
        pytest.param(
            RequestRefused("no such parameter", status=400),
            "dmr big does not take a JSON schema: no such parameter",
            id="refused",
        ),
    ],
)
def test_a_server_that_ignores_schemas_is_out_before_the_first_item(
    canary: str | HubError, reason: str
) -> None:
    provider = Scripted(canary=lambda model: canary if model == "big" else SEALED)
    one = router(provider)

    async def main() -> Route:
        first = await one.choose()
        with pytest.raises(SchemaIgnored, match=reason):
            await one.complete(first, PROMPT)
        second = await one.choose()
        await one.complete(second, PROMPT)
        return second.route

    assert anyio.run(main) == Route(
        "code",
        "dmr",
        "small",
        "dmr big",
        reason + (", so nothing it says can be trusted" if canary == "Hello!" else ""),
    )
    assert provider.asked == [("canary", "big"), ("canary", "small"), ("p", "small")]


def test_those_who_wait_for_the_canary_share_its_end() -> None:
    provider = Scripted(canary=lambda model: "Hello!")
    one = router(provider, ONE)
    errors: list[SchemaIgnored] = []

    async def main() -> None:
        choice = await one.choose()

        async def ask() -> None:
            with pytest.raises(SchemaIgnored) as caught:
                await one.complete(choice, PROMPT)
            errors.append(caught.value)

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(ask)

    anyio.run(main)
    assert len(errors) == 4
    assert provider.asked == [("canary", "big")]


def test_a_server_that_does_not_answer_the_canary_is_out_for_that_reason() -> None:
    provider = Scripted(canary=lambda model: RunnerTimeout("no word in 330 s") if model == "big" else SEALED)
    one = router(provider)

    async def main() -> Route:
        with pytest.raises(Unavailable):
            await one.complete(await one.choose(), PROMPT)
        return (await one.choose()).route

    assert anyio.run(main) == Route(
        "code", "dmr", "small", "dmr big", "dmr big does not answer: no word in 330 s"
    )


# (what the canary meets, who answers in the end)
CANARIES = [
    pytest.param(RequestRefused("crashed", status=500), "big", id="a crash is no answer: it rests"),
    pytest.param(RequestRefused("no such parameter", status=400), "small", id="a refusal: it is out"),
    pytest.param(ReplyInvalid("no JSON"), "small", id="a reply that makes no sense: it is out"),
    pytest.param(TemplateRefused("roles must alternate"), "big", id="the template: this prompt is elsewhere"),
    pytest.param(OutOfMemory("does not fit"), "big", id="no memory: it rests"),
]


@pytest.mark.parametrize(("fault", "later"), CANARIES)
def test_what_the_canary_meets_is_as_final_as_what_a_prompt_meets(fault: HubError, later: str) -> None:
    met = [fault]
    provider = Scripted(canary=lambda model: met[0] if model == "big" and met else SEALED)
    now = [0.0]
    one = router(provider, health=Health(lambda: now[0]))

    async def main() -> list[str]:
        first = (await one.answer(PROMPT)).route
        met.clear()
        now[0] += LONGEST_S
        second = (await one.answer(PROMPT)).route
        assert first is not None and second is not None
        return [first.model, second.model]

    assert anyio.run(main) == ["small", later]


def test_a_server_that_goes_away_at_the_canary_is_out() -> None:
    one = router(Scripted(canary=lambda model: GONE), ONE)

    async def main() -> None:
        await one.complete(await one.choose(), PROMPT)

    with pytest.raises(RunnerUnreachable):
        anyio.run(main)
    with pytest.raises(RunnerUnreachable):
        anyio.run(one.choose)
