from __future__ import annotations

from typing import Any

import pytest

from workflow_hub.errors import RoutingError, UsageError
from workflow_hub.providers.embedded.catalogue import CATALOGUE
from workflow_hub.routing.intent import Evidence
from workflow_hub.routing.pick import Candidate, is_embedded, judge, pick, pinned, plain
from workflow_hub.routing.rules import Rules
from workflow_hub.routing.signals import Signals

WEIGHTS, OTHER_WEIGHTS = list(CATALOGUE)[:2]
RULES = Rules.model_validate(
    {
        "version": 1,
        "providers": {
            "dmr": {"kind": "dmr"},
            "idle": {"kind": "dmr"},
            "embedded": {"kind": "embedded", "model": WEIGHTS},
        },
        "models": {
            "coder": {"provider": "dmr", "try": ["ai/big", "ai/small"]},
            "small": {"provider": "dmr", "try": ["ai/small"]},
        },
        "rules": [
            {
                "name": "code",
                "when": {"task": "docstrings"},
                "use": "coder",
                "fallback": ["embedded", "small"],
            },
            {"name": "talk", "when": {"task": "chat"}, "use": "embedded"},
        ],
    }
)
ONLY_DMR = RULES.model_copy(update={"providers": {"dmr": RULES.providers["dmr"]}})


def shown(found: tuple[Candidate, ...]) -> list[str]:
    return [f"{one.rule}: {one}" for one in found]


PICKS = [
    pytest.param(
        "docstrings",
        ["code: dmr ai/big", "code: dmr ai/small", f"code: embedded {WEIGHTS}", "code: dmr ai/small"],
        id="every model of use, then of the fallbacks",
    ),
    pytest.param("chat", [f"talk: embedded {WEIGHTS}"], id="a provider with a model of its own"),
]


@pytest.mark.parametrize(("task", "found"), PICKS)
def test_the_first_rule_that_takes_the_task_says_who_answers(task: str, found: list[str]) -> None:
    assert shown(pick(RULES, plain(task))) == found


def test_a_task_that_no_rule_takes() -> None:
    with pytest.raises(RoutingError, match=r"no rule of routing\.yaml takes the task review; add one, or"):
        pick(RULES, plain("review"))


# (--provider, --model, who may answer)
PINS: list[Any] = [
    pytest.param(None, "ai/other", ["pinned: dmr ai/other"], id="a model goes to the rule's first choice"),
    pytest.param(None, WEIGHTS, [f"pinned: embedded {WEIGHTS}"], id="weights go to the embedded provider"),
    pytest.param(
        None, OTHER_WEIGHTS, [f"pinned: embedded {OTHER_WEIGHTS}"], id="weights that the rules do not name"
    ),
    pytest.param(None, "coder", ["pinned: dmr ai/big", "pinned: dmr ai/small"], id="a role"),
    pytest.param(
        "dmr", "coder", ["pinned: dmr ai/big", "pinned: dmr ai/small"], id="a role and its provider"
    ),
    pytest.param("idle", "ai/x", ["pinned: idle ai/x"], id="both"),
    pytest.param("idle", WEIGHTS, [f"pinned: idle {WEIGHTS}"], id="both, though another has the weights"),
    pytest.param("embedded", None, [f"pinned: embedded {WEIGHTS}"], id="a provider with its model"),
    pytest.param(
        "dmr", None, ["pinned: dmr ai/big", "pinned: dmr ai/small"], id="a provider: each model once"
    ),
]


@pytest.mark.parametrize(("provider", "model", "found"), PINS)
def test_a_pin_names_who_answers_and_nobody_else(
    provider: str | None, model: str | None, found: list[str]
) -> None:
    assert shown(pinned(RULES, plain("docstrings"), provider=provider, model=model)) == found


def test_weights_without_an_embedded_provider_are_a_name_like_any_other() -> None:
    assert shown(pinned(ONLY_DMR, plain("docstrings"), model=WEIGHTS)) == [f"pinned: dmr {WEIGHTS}"]


@pytest.mark.parametrize(
    ("provider", "model", "is_so"),
    [
        pytest.param("embedded", WEIGHTS, True, id="its own"),
        pytest.param("embedded", OTHER_WEIGHTS, True, id="others of the catalogue"),
        pytest.param("embedded", "ai/big", False, id="a model of others"),
        pytest.param("embedded", None, False, id="no model"),
        pytest.param("dmr", WEIGHTS, False, id="another provider"),
    ],
)
def test_an_embedded_engine_could_run_any_weights_of_the_catalogue(
    provider: str, model: str | None, is_so: bool
) -> None:
    assert is_embedded(RULES, provider, model) is is_so


WRONG_PINS: list[Any] = [
    pytest.param(
        "dmx", None, "there is no provider dmx; there are dmr, idle, embedded", id="no such provider"
    ),
    pytest.param(
        "idle", None, "the rules name no model of idle; add --model NAME", id="nothing to ask it for"
    ),
    pytest.param("embedded", "coder", "coder is played by dmr, not by embedded", id="a role of another"),
]


@pytest.mark.parametrize(("provider", "model", "message"), WRONG_PINS)
def test_a_pin_that_leads_nowhere(provider: str, model: str | None, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        pinned(RULES, plain("docstrings"), provider=provider, model=model)
    assert str(caught.value) == message


AGENTS = Rules.model_validate(
    {
        "version": 1,
        "providers": {
            "dmr": {"kind": "dmr"},
            "embedded": {"kind": "embedded", "model": WEIGHTS},
            "goose": {"kind": "goose", "model": "long"},
        },
        "models": {
            "short": {"provider": "dmr", "try": "ai/short", "context_tokens": 1000},
            "long": {"provider": "dmr", "try": ["ai/long", "ai/longer"], "context_tokens": 9000},
            "eyes": {"provider": "dmr", "try": "ai/eyes", "accepts": ["text", "image"]},
        },
        "rules": [
            {"name": "talk", "when": {"task": "chat"}, "use": "short", "fallback": ["goose", "eyes"]},
            {"name": "tools", "when": {"needs": ["files", "terminal", "mcp"]}, "use": "goose"},
            {"name": "look", "when": {"has": "image"}, "use": "eyes"},
            {"name": "rest", "use": "short", "fallback": ["long", "embedded"]},
        ],
    }
)
PLAIN = Rules.model_validate(
    AGENTS.model_dump(by_alias=True, exclude_unset=True)
    | {"rules": [{"name": "rest", "use": "short", "fallback": ["long"]}]}
)


def asked(task: str = "ask", *, needs: str = "", images: int = 0, tokens: int = 10) -> Signals:
    needed = frozenset(needs.split())
    evidence = tuple(Evidence(need, f"use {need}") for need in sorted(needed))
    return Signals(task, needed, frozenset(), evidence, False, images, tokens, "en")


CHOICES = [
    pytest.param(
        asked(),
        ["rest: dmr ai/short", "rest: dmr ai/long", "rest: dmr ai/longer", "rest: embedded"],
        id="plain",
    ),
    pytest.param(asked(needs="files"), ["tools: goose ai/long", "tools: goose ai/longer"], id="tools"),
    pytest.param(
        asked("chat", needs="mcp"),
        ["talk: goose ai/long", "talk: goose ai/longer"],
        id="of a rule's targets only the agent",
    ),
    pytest.param(
        asked("chat"),
        ["talk: dmr ai/short", "talk: goose ai/long", "talk: goose ai/longer", "talk: dmr ai/eyes"],
        id="without needs all of them",
    ),
    pytest.param(asked(images=1), ["look: dmr ai/eyes"], id="image"),
    pytest.param(
        asked("chat", images=1),
        ["talk: goose ai/long", "talk: goose ai/longer", "talk: dmr ai/eyes"],
        id="an agent has images described",
    ),
    pytest.param(
        asked(tokens=1000),
        ["rest: dmr ai/long", "rest: dmr ai/longer", "rest: embedded"],
        id="too long for one",
    ),
    pytest.param(asked(tokens=9000), ["rest: embedded"], id="too long for two"),
]


@pytest.mark.parametrize(("prompt", "found"), CHOICES)
def test_only_those_who_can_are_picked(prompt: Signals, found: list[str]) -> None:
    assert [line.removesuffix(f" {WEIGHTS}") for line in shown(pick(AGENTS, prompt))] == found


# (the prompt, words of the message)
NOBODY = [
    pytest.param(
        asked(needs="terminal files"),
        'the prompt needs files and terminal ("use files"), and no rule of routing.yaml leads to an agent',
        id="tools",
    ),
    pytest.param(
        asked(images=1), "short takes no images; long takes no images. Add a model that can", id="image"
    ),
    pytest.param(
        asked(tokens=9999), "long has a context of 9000 tokens, too short for about 9999", id="length"
    ),
]


@pytest.mark.parametrize(("prompt", "words"), NOBODY)
def test_a_prompt_that_nobody_can_answer(prompt: Signals, words: str) -> None:
    with pytest.raises(RoutingError) as caught:
        pick(PLAIN, prompt)
    assert words in str(caught.value)


def test_a_verdict_says_who_is_left_out_and_why() -> None:
    verdict = judge(AGENTS, AGENTS.rules[3], asked(tokens=5000))
    assert verdict.matched and verdict.able == ("long", "embedded")
    assert verdict.why == (
        "it takes everything; short has a context of 1000 tokens, too short for about 5000"
    )


def test_a_provider_alone_answers_with_the_models_of_the_tasks_rule() -> None:
    assert shown(pinned(AGENTS, plain("ask"), provider="dmr")) == [
        "pinned: dmr ai/short",
        "pinned: dmr ai/long",
        "pinned: dmr ai/longer",
    ]


# (--provider, --model, who may answer a prompt that needs files)
AGENT_PINS: list[Any] = [
    pytest.param("goose", None, ["pinned: goose ai/long", "pinned: goose ai/longer"], id="the agent"),
    pytest.param(None, "ai/other", ["pinned: goose ai/other"], id="a model, with the rules' agent on it"),
    pytest.param(None, "long", ["pinned: goose ai/long", "pinned: goose ai/longer"], id="a role"),
    pytest.param("goose", "ai/other", ["pinned: goose ai/other"], id="both"),
    pytest.param("goose", "long", ["pinned: goose ai/long", "pinned: goose ai/longer"], id="both, a role"),
]


@pytest.mark.parametrize(("provider", "model", "found"), AGENT_PINS)
def test_a_prompt_that_needs_tools_stays_with_an_agent(
    provider: str | None, model: str | None, found: list[str]
) -> None:
    needing = plain("ask", needs=["files"])
    candidates = pinned(AGENTS, needing, provider=provider, model=model)
    assert shown(candidates) == found
    assert all(one.agent for one in candidates)


def test_a_pinned_provider_without_tools_is_no_agent() -> None:
    with pytest.raises(UsageError, match="the prompt needs files, which dmr cannot give; name an agent"):
        pinned(AGENTS, plain("ask", needs=["files"]), provider="dmr")
