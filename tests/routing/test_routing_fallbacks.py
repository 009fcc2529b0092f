"""What follows an error: the table itself, and all of it over HTTP, with real providers and real routers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest
from doubles import dmr as double
from doubles.dmr import DmrDouble, Fault, StoredModel

from workflow_hub import errors
from workflow_hub.errors import (
    ContextOverflow,
    HubError,
    ItemError,
    ModelMissing,
    OutOfMemory,
    ReplyCut,
    ReplyInvalid,
    RequestRefused,
    RunnerBusy,
    RunnerTimeout,
    RunnerUnreachable,
    TemplateRefused,
    Unavailable,
)
from workflow_hub.providers.dmr import DmrProvider
from workflow_hub.routing.fallbacks import FALLBACKS, NOTHING, after, then
from workflow_hub.routing.health import COOLDOWN_S, Health
from workflow_hub.routing.pick import Candidate
from workflow_hub.routing.router import Router
from workflow_hub.routing.shape import Limits
from workflow_hub.values import Delta, Files, Message, ModelInfo, Prompt, Reply, Work

BIG = Candidate("code", "dmr", "ai/big", "coder")
SMALL = Candidate("code", "dmr", "ai/small", "coder")
FAR = Candidate("code", "far", "ai/far", "far")
MODELS = (StoredModel("ai/big", 8192), StoredModel("ai/small", 16384))
PROMPT = Prompt("p", (Message("user", "hi"),), options={"max_tokens": 50})
LONG = replace(PROMPT, messages=(Message("user", "word " * 9000),))
GONE = "http://127.0.0.1:9"


@dataclass
class Place:
    """Two model runners, and a router over both; `asked` are the models in the order of the requests."""

    near: DmrDouble
    far: DmrDouble
    router: Router
    now: list[float] = field(default_factory=lambda: [0.0])
    said: list[str] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        return [one.body["model"] for one in [*self.near.chats, *self.far.chats]]

    def answer(self, prompt: Prompt = PROMPT, tell: Callable[[Delta], None] | None = None) -> Reply:
        return anyio.run(self.router.answer, prompt, tell)


@contextmanager
def place(
    *faults: Fault, candidates: tuple[Candidate, ...] = (BIG, SMALL, FAR), gone: bool = False, **options: Any
) -> Iterator[Place]:
    with (
        DmrDouble(**({"models": MODELS, "faults": faults} | options)) as near,
        DmrDouble([StoredModel("ai/far", 16384)]) as far,
    ):
        providers = {
            "dmr": DmrProvider(GONE if gone else near.url, timeout=2.0),
            "far": DmrProvider(far.url, timeout=2.0),
        }
        now, said = [0.0], list[str]()
        router = Router(candidates, providers.__getitem__, said.append, health=Health(lambda: now[0]))
        yield Place(near, far, router, now, said)


def at(model: str, fault: Fault, times: int | None = None) -> Fault:
    """The fault for requests to that model only."""
    return replace(fault, containing=f'"model":"{model}"', times=times)


OVERFLOW = double.Refusal(double.engine_error(400, "too long", "exceed_context_size_error", n_ctx=8192))
MISSING = double.Refusal(double.text_error(404, "error while getting model: model not found"))
TEMPLATE = (
    "ai/big's chat template cannot render these messages: Error: Jinja Exception: Conversation roles must"
)

# (what goes wrong, the prompt, who answers in the end, for whom, the beginning of why)
ANSWERED: list[Any] = [
    pytest.param([], {}, PROMPT, "dmr ai/big", None, "", id="nothing"),
    pytest.param([], {"gone": True}, PROMPT, "far ai/far", "dmr ai/big", "no model runner", id="unreachable"),
    pytest.param(
        [], {"models": MODELS[1:]}, PROMPT, "dmr ai/small", "dmr ai/big", "ai/big is not at", id="not stored"
    ),
    pytest.param(
        [at("ai/big", MISSING)], {}, PROMPT, "dmr ai/small", "dmr ai/big", "ai/big is not there", id="removed"
    ),
    pytest.param(
        [], {}, LONG, "dmr ai/small", "dmr ai/big", "the prompt is too long for ai/big", id="overflow"
    ),
    pytest.param(
        [at("ai/big", double.TEMPLATE_400)], {}, PROMPT, "dmr ai/small", "dmr ai/big", TEMPLATE, id="template"
    ),
    pytest.param(
        [at("ai/big", double.NULL_CONTENT)],
        {},
        PROMPT,
        "dmr ai/small",
        "dmr ai/big",
        "ai/big sent a reply without text",
        id="rejected",
    ),
    pytest.param(
        [], {"fits": 0}, PROMPT, "far ai/far", "dmr ai/big", "ai/big does not fit into", id="no memory at all"
    ),
]


@pytest.mark.parametrize(("faults", "around", "prompt", "who", "instead", "why"), ANSWERED)
def test_who_answers_instead(
    faults: list[Fault], around: dict[str, Any], prompt: Prompt, who: str, instead: str | None, why: str
) -> None:
    with place(*faults, **around) as here:
        reply = here.answer(prompt)
    assert reply.text and reply.route is not None
    assert f"{reply.route.provider} {reply.route.model}" == who
    assert reply.route.fallback_from == instead
    assert reply.route.why.startswith(why)


# (what goes wrong, the error, how many are asked)
FAILED: list[Any] = [
    pytest.param([OVERFLOW], LONG, ContextOverflow, 2, id="a longer context is refused as well"),
    pytest.param([double.NULL_CONTENT], PROMPT, ReplyInvalid, 2, id="rejected twice"),
    pytest.param([double.CRASH_500], PROMPT, RequestRefused, 1, id="a crash"),
    pytest.param([double.NoDone()], PROMPT, ReplyCut, 1, id="cut"),
    pytest.param([double.Refusal(double.engine_error(400, "no"))], PROMPT, RequestRefused, 1, id="refused"),
    pytest.param([double.BUSY_429], PROMPT, RunnerBusy, 4, id="busy, after the client's tries"),
]


@pytest.mark.parametrize(("faults", "prompt", "error", "asked"), FAILED)
def test_what_nobody_else_is_asked_after(
    faults: list[Fault], prompt: Prompt, error: type[HubError], asked: int
) -> None:
    every = [replace(one, times=None) for one in faults]
    with place(*every, candidates=(BIG, SMALL)) as here:
        with pytest.raises(error):
            here.answer(prompt, (lambda delta: None) if error is ReplyCut else None)
        assert len(here.near.chats) == asked


def test_where_nobody_has_a_longer_context_the_overflow_is_the_error() -> None:
    with place(candidates=(SMALL, BIG), models=(MODELS[0], StoredModel("ai/small", 4096))) as here:
        with pytest.raises(ContextOverflow, match="too long for ai/big"):
            here.answer(LONG)
        assert here.asked == ["ai/small", "ai/big"]
        with pytest.raises(ContextOverflow, match="too long for ai/big"):
            anyio.run(Router((BIG, SMALL), here.router.provider).answer, LONG)
    assert here.asked == ["ai/small", "ai/big", "ai/big"]


def test_room_is_made_for_a_model_that_does_not_fit_and_it_is_asked_again() -> None:
    with place(candidates=(SMALL, BIG), fits=1) as here:
        here.answer()
        pinned = Router((BIG,), here.router.provider)
        reply = anyio.run(pinned.answer, PROMPT)
        assert here.asked == ["ai/small", "ai/big", "ai/big"]
    assert reply.route is not None
    assert (reply.route.fallback_from, reply.route.why) == (None, "idle models were unloaded to make room")


def test_room_is_made_once() -> None:
    with place(candidates=(BIG,), fits=1, models=(*MODELS, "ai/other")) as here:
        other = Router((Candidate("code", "dmr", "ai/other"),), here.router.provider)
        anyio.run(other.answer, PROMPT)
        here.near.fits = 0
        with pytest.raises(OutOfMemory, match="docker model unload --all"):
            here.answer()
        assert here.asked == ["ai/other", "ai/big", "ai/big"]
        with pytest.raises(OutOfMemory, match="docker model unload --all"):
            here.answer()
        assert len(here.asked) == 3, "it rests now"


def test_after_the_first_piece_nobody_else_is_asked() -> None:
    told: list[Delta] = []
    with place(at("ai/big", double.StreamError(3, "Jinja")), candidates=(BIG, SMALL)) as here:
        with pytest.raises(RequestRefused) as caught:
            here.answer(tell=told.append)
        assert here.asked == ["ai/big"]
    assert caught.value.partial == "".join(delta.text for delta in told) == "Hello!"


def test_an_answer_that_is_told_comes_from_the_one_that_answers() -> None:
    told: list[Delta] = []
    with place(at("ai/big", double.TEMPLATE_400)) as here:
        reply = here.answer(tell=told.append)
    assert "".join(delta.text for delta in told) == reply.text
    assert reply.route is not None and reply.route.model == "ai/small"


# -- a long run ----------------------------------------------------------------------------------


def test_one_that_was_gone_is_tried_again_after_its_rest_and_answers() -> None:
    async def run(here: Place, port: int) -> None:
        async def who() -> str:
            reply = await here.router.answer(PROMPT)
            assert reply.route is not None
            return reply.route.provider

        assert [await who() for _ in range(3)] == ["far"] * 3
        here.now[0] = COOLDOWN_S
        assert await who() == "far", "tried, and still gone"
        with DmrDouble(MODELS, port=port):
            here.now[0] = 2 * COOLDOWN_S
            assert await who() == "far", "the second rest is longer"
            here.now[0] = 3 * COOLDOWN_S
            assert [await who() for _ in range(3)] == ["dmr"] * 3
        assert await who() == "far"

    with DmrDouble(MODELS) as closed:
        port = closed.port
    with place() as here:
        providers = {"dmr": DmrProvider(f"http://127.0.0.1:{port}"), "far": DmrProvider(here.far.url)}
        here.router.provider = providers.__getitem__
        anyio.run(run, here, port)
    assert here.said == [
        f"dmr ai/big is not asked for a while: no model runner answers at http://127.0.0.1:{port} "
        "(All connection attempts failed)"
    ]


def test_while_one_request_tries_again_the_others_go_elsewhere() -> None:
    async def run(here: Place) -> list[str]:
        here.router.health.failed("dmr", None, RunnerUnreachable("gone"), at_once=True)
        here.now[0] = COOLDOWN_S
        return [(await here.router.choose()).candidate.provider for _ in range(3)]

    with place() as here:
        assert anyio.run(run, here) == ["dmr", "far", "far"]


def test_a_model_that_fails_again_and_again_is_asked_last() -> None:
    with place(at("ai/big", double.CRASH_500)) as here:
        for _ in range(3):
            with pytest.raises(RequestRefused, match="terminated unexpectedly"):
                here.answer()
        reply = here.answer()
        assert reply.route is not None and reply.route.model == "ai/small"
        assert reply.route.fallback_from == "dmr ai/big" and "terminated unexpectedly" in reply.route.why
        here.now[0] = COOLDOWN_S
        with pytest.raises(RequestRefused, match="terminated unexpectedly"):
            here.answer()
        assert here.answer().route == reply.route


def test_a_model_that_fails_again_and_again_is_better_than_nobody() -> None:
    with place(at("ai/big", double.CRASH_500, times=5), candidates=(BIG,)) as here:
        for _ in range(5):
            with pytest.raises(RequestRefused, match="terminated unexpectedly"):
                here.answer()
        reply = here.answer()
    assert reply.route is not None and (reply.route.model, reply.route.fallback_from) == ("ai/big", None)


def test_a_refusal_of_the_prompt_says_nothing_about_the_model() -> None:
    refused = double.Refusal(double.engine_error(400, "no such parameter"))
    with place(at("ai/big", refused, times=9)) as here:
        for _ in range(9):
            with pytest.raises(RequestRefused):
                here.answer()
        assert here.asked == ["ai/big"] * 9


def test_health_is_shared_by_the_routers_of_a_hub() -> None:
    with place() as here:
        here.router.health.failed("dmr", None, RunnerUnreachable("gone; start it"), at_once=True)
        other = Router((BIG, FAR), here.router.provider, health=here.router.health)
        route = anyio.run(other.choose).route
    assert (route.provider, route.fallback_from, route.why) == ("far", "dmr ai/big", "gone")


# -- loaded first --------------------------------------------------------------------------------


def test_of_one_list_a_loaded_model_comes_first_and_that_is_said() -> None:
    with place() as here:
        anyio.run(DmrProvider(here.near.url).complete, PROMPT, "ai/small")
        route = here.answer().route
    assert route is not None
    assert (route.model, route.fallback_from, route.why) == ("ai/small", None, "loaded already")


@pytest.mark.parametrize("loaded", ["ai/big", "ai/far", "nobody"])
def test_what_is_loaded_elsewhere_changes_nothing(loaded: str) -> None:
    with place() as here:
        if loaded != "nobody":
            server = here.far if loaded == "ai/far" else here.near
            anyio.run(DmrProvider(server.url).complete, PROMPT, loaded)
        route = here.answer().route
    assert route is not None and (route.model, route.why) == ("ai/big", "")


def test_one_look_at_what_is_loaded_serves_a_whole_run() -> None:
    with place() as here:
        for _ in range(5):
            here.answer()
        assert [one.path for one in here.near.requests].count("/engines/ps") == 1


# -- limits and options --------------------------------------------------------------------------


def limited(**limits: Any) -> Candidate:
    return replace(BIG, limits=Limits(**limits))


def test_a_rules_deadline_ends_a_prompt_and_says_whose_it_is() -> None:
    told: list[Delta] = []
    with place(double.Stall(3), candidates=(limited(deadline=0.2), SMALL)) as here:
        with pytest.raises(RunnerTimeout) as caught:
            here.answer(tell=told.append)
        assert here.asked == ["ai/big"]
        assert here.near.wait_until(lambda: here.near.in_flight == 0), "its slot is free"
    assert str(caught.value) == (
        "dmr ai/big did not answer within the 0.2 s that the rule code allows; "
        "raise limits.deadline of that rule in routing.yaml"
    )
    assert caught.value.partial == "".join(delta.text for delta in told) == "Hello!"


def test_a_deadline_ends_whoever_is_asked_next_as_well() -> None:
    slow = [at("ai/big", double.TEMPLATE_400, times=1), at("ai/small", double.Hang())]
    with place(
        *slow, candidates=(limited(deadline=0.5), replace(SMALL, limits=Limits(deadline=0.5)))
    ) as here:
        with pytest.raises(RunnerTimeout, match=r"ai/small did not answer within the 0\.5 s"):
            here.answer()
        assert here.asked == ["ai/big", "ai/small"]


def test_whoever_runs_into_the_deadline_again_and_again_rests() -> None:
    with place(at("ai/big", double.Hang()), candidates=(limited(deadline=0.1), SMALL)) as here:
        for _ in range(3):
            with pytest.raises(RunnerTimeout):
                here.answer()
        route = here.answer().route
    assert route is not None and route.model == "ai/small"


# (the prompt's own options, the task's, the rule's max_tokens, what is sent)
SETTINGS: list[Any] = [
    pytest.param({"max_tokens": 50}, {}, None, {"max_tokens": 50}, id="the prompt's"),
    pytest.param({"max_tokens": 50}, {}, 20, {"max_tokens": 20}, id="less is allowed"),
    pytest.param({"max_tokens": 50}, {}, 80, {"max_tokens": 50}, id="more is allowed"),
    pytest.param({}, {}, 80, {"max_tokens": 80}, id="the prompt has none"),
    pytest.param({"temperature": 1.0}, {"temperature": 0.0}, None, {"temperature": 0.0}, id="the task's"),
    pytest.param({"max_tokens": 50}, {"max_tokens": 70}, 60, {"max_tokens": 60}, id="the limit is above all"),
]


@pytest.mark.parametrize(("own", "task", "limit", "sent"), SETTINGS)
def test_a_prompt_is_sent_with_the_tasks_options_within_the_rules_limit(
    own: dict[str, Any], task: dict[str, Any], limit: int | None, sent: dict[str, Any]
) -> None:
    with place(candidates=(BIG if limit is None else limited(max_tokens=limit),)) as here:
        here.router.options = task
        here.answer(replace(PROMPT, options=own))
        body = here.near.chats[0].body
    assert {name: body[name] for name in body if name not in ("model", "messages")} == sent


# -- agents --------------------------------------------------------------------------------------


@dataclass
class Agent:
    """What the router sees of an agent; the real one is another room's."""

    error: HubError | None = None

    async def find(self, model: str) -> ModelInfo:
        return ModelInfo(model, model)

    async def complete(self, prompt: Prompt, model: str, on_delta: Any = None) -> Reply:
        if self.error is not None:
            raise self.error
        return Reply("done", work=Work())


def worked(error: HubError, work: Work) -> HubError:
    error.work = work
    return error


# (how the first agent fails, what comes of it)
AGENTS: list[Any] = [
    pytest.param(Unavailable("no goose; install it"), "second", id="the next agent"),
    pytest.param(
        worked(RunnerUnreachable("gone"), Work(files=Files(created=("a",)))),
        "gone",
        id="not after it has worked",
    ),
    pytest.param(worked(RunnerUnreachable("gone"), Work()), "second", id="one that had not begun"),
]


@pytest.mark.parametrize(("error", "outcome"), AGENTS)
def test_an_agent_falls_back_to_agents_only(error: HubError, outcome: str) -> None:
    candidates = tuple(Candidate("tools", name, "m", name, agent=True) for name in ("first", "second"))
    providers: dict[str, Any] = {"first": Agent(error), "second": Agent()}
    one = Router((candidates[0], FAR, candidates[1]), providers.__getitem__)
    if outcome == "second":
        route = anyio.run(one.answer, PROMPT).route
        assert route is not None and (route.provider, route.fallback_from) == ("second", "first m")
    else:
        with pytest.raises(type(error), match=outcome) as caught:
            anyio.run(one.answer, PROMPT)
        assert caught.value.work == error.work


def test_without_another_agent_nobody_answers() -> None:
    agent = Candidate("tools", "agent", "m", "agent", agent=True)
    error = Unavailable("no goose; type `workflow-hub goose install`")
    one = Router((agent, FAR), {"agent": Agent(error)}.__getitem__)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(Unavailable, match="goose install"):
            anyio.run(one.answer, PROMPT)


# -- the table -----------------------------------------------------------------------------------


def test_every_error_has_its_place_in_the_table() -> None:
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, HubError)]
    assert FALLBACKS.keys() <= set(kinds)
    for kind in kinds:
        answers = then(kind("x"))
        assert answers.prompt == "fails" or issubclass(kind, Unavailable | ItemError)


@pytest.mark.parametrize(
    ("status", "run"), [(400, "goes on"), (499, "goes on"), (500, "counts"), (0, "goes on")]
)
def test_only_a_servers_own_failure_counts_against_it(status: int, run: str) -> None:
    assert then(RequestRefused("no", status=status)).run == run
    assert then(TemplateRefused("no", status=status)).run == "goes on"


def test_the_longest_context_that_did_not_do_is_remembered() -> None:
    long, short = ModelInfo("l", "l", context_tokens=9000), ModelInfo("s", "s", context_tokens=100)
    met = after(NOTHING, BIG, long, ContextOverflow("x"))
    assert met is not None and not met.takes(long) and not met.takes(short)
    met = after(met, SMALL, short, ContextOverflow("x", context_tokens=50))
    assert met is not None and met.context_tokens == 9000
    assert not met.takes(ModelInfo("u", "u")), "who does not tell is not asked"
    unknown = after(NOTHING, BIG, ModelInfo("u", "u"), ContextOverflow("x"))
    assert unknown is not None and unknown.takes(short)


def test_what_is_missing_does_not_use_up_the_one_try_after_a_rejected_reply() -> None:
    info = ModelInfo("m", "m")
    met = after(NOTHING, BIG, info, ModelMissing("no"))
    assert met is not None
    met = after(met, SMALL, info, ReplyInvalid("no"))
    assert met is not None and after(met, FAR, info, ReplyInvalid("no")) is None
    assert after(met, FAR, info, RunnerTimeout("late")) is None
