from __future__ import annotations

import json
from typing import Any

import pytest

from workflow_hub.routing.explain import as_dict, as_lines, explain, listing, table
from workflow_hub.routing.intent import Evidence
from workflow_hub.routing.rules import Rules
from workflow_hub.routing.signals import Signals
from workflow_hub.values import Route

RULES = Rules.model_validate(
    {
        "version": 1,
        "providers": {"dmr": {"kind": "dmr"}, "goose": {"kind": "goose", "model": "coder"}},
        "models": {
            "coder": {"provider": "dmr", "try": ["ai/a", "ai/b"]},
            "small": {"provider": "dmr", "try": "ai/s", "context_tokens": 100},
        },
        "rules": [
            {"name": "tools", "when": {"needs": ["files", "mcp"]}, "use": "goose"},
            {"name": "code", "when": {"task": "docstrings"}, "use": "coder"},
            {"name": "rest", "use": "small", "fallback": ["coder"]},
        ],
    }
)


def asked(
    task: str = "ask",
    *,
    needs: str = "",
    tokens: int = 5,
    images: int = 0,
    unsure: bool = False,
    score: float | None = None,
) -> Signals:
    needed = frozenset(needs.split())
    evidence = tuple(Evidence(need, f"the\n{need}") for need in sorted(needed))
    return Signals(task, needed, frozenset(), evidence, unsure, images, tokens, "en", score)


# (signals, who answers, (matched, why) of each rule)
CASES: list[Any] = [
    pytest.param(
        asked(),
        Route("rest", "dmr", "ai/s", None, "it takes everything"),
        [
            (False, "it does not need files or mcp"),
            (False, "the task is ask, not docstrings"),
            (True, "it takes everything"),
        ],
        id="the last rule",
    ),
    pytest.param(
        asked("docstrings"),
        Route("code", "dmr", "ai/a", None, "the task is docstrings"),
        [
            (False, "it does not need files or mcp"),
            (True, "the task is docstrings"),
            (False, "it would, but code above comes first"),
        ],
        id="one that comes first",
    ),
    pytest.param(
        asked(needs="mcp"),
        Route("tools", "goose", "ai/a", None, "it needs mcp"),
        [
            (True, "it needs mcp"),
            (False, "the task is ask, not docstrings"),
            (False, "small cannot give mcp; coder cannot give mcp"),
        ],
        id="tools",
    ),
    pytest.param(
        asked(tokens=100),
        Route(
            "rest",
            "dmr",
            "ai/a",
            None,
            "it takes everything; small has a context of 100 tokens, too short for about 100",
        ),
        [
            (False, "it does not need files or mcp"),
            (False, "the task is ask, not docstrings"),
            (True, "it takes everything; small has a context of 100 tokens, too short for about 100"),
        ],
        id="one target too small",
    ),
    pytest.param(
        asked(images=1),
        None,
        [
            (False, "it does not need files or mcp"),
            (False, "the task is ask, not docstrings"),
            (False, "small takes no images; coder takes no images"),
        ],
        id="nobody",
    ),
]


@pytest.mark.parametrize(("prompt", "route", "judged"), CASES)
def test_every_rule_says_why(prompt: Signals, route: Route | None, judged: list[tuple[bool, str]]) -> None:
    found = explain(RULES, prompt)
    assert found.route == route
    assert (found.problem is None) is (route is not None)
    assert [(rule.matched, rule.why) for rule in found.rules] == judged
    document = json.loads(json.dumps(as_dict(found)))
    assert list(document) == ["route", "signals", "rules"]
    assert document["rules"] == [
        {"name": name, "matched": matched, "why": why}
        for name, (matched, why) in zip(("tools", "code", "rest"), judged, strict=True)
    ]
    assert document["route"] == (
        route
        and {
            "rule": route.rule,
            "provider": route.provider,
            "model": route.model,
            "fallback_from": None,
            "why": route.why,
        }
    )


def test_the_signals_are_all_there() -> None:
    document = as_dict(explain(RULES, asked(needs="mcp files", tokens=7, images=2, unsure=True, score=0.4)))
    assert document["signals"] == {
        "task": "ask",
        "needs": ["files", "mcp"],
        "declared": [],
        "evidence": [{"need": "files", "text": "the\nfiles"}, {"need": "mcp", "text": "the\nmcp"}],
        "unsure": True,
        "images": 2,
        "tokens": 7,
        "language": "en",
        "score": 0.4,
    }


PAGES: list[Any] = [
    pytest.param(
        asked(needs="mcp", unsure=True, score=0.4),
        """\
route     goose ai/a by the rule tools
then      goose ai/b
signals   task ask, 5 tokens, 0 images, language en, needs mcp
          mcp: "the mcp"
          score +0.4; the words leave open whether something is to be done
yes       tools  it needs mcp
no        code   the task is ask, not docstrings
no        rest   small cannot give mcp; coder cannot give mcp""",
        id="evidence",
    ),
    pytest.param(
        asked(score=-4.21),
        """\
route     dmr ai/s by the rule rest
then      dmr ai/a, dmr ai/b
signals   task ask, 5 tokens, 0 images, language en, needs nothing
          score -4.2
no        tools  it does not need files or mcp
no        code   the task is ask, not docstrings
yes       rest   it takes everything""",
        id="sure",
    ),
    pytest.param(
        asked(score=-4.21),
        """\
route     dmr ai/s by the rule rest
then      dmr ai/a, dmr ai/b
signals   task ask, 5 tokens, 0 images, language en, needs nothing
          score -4.2
no        tools  it does not need files or mcp
no        code   the task is ask, not docstrings
yes       rest   it takes everything""",
        id="sure",
    ),
    pytest.param(
        asked(images=1),
        """\
route     none
signals   task ask, 5 tokens, 1 images, language en, needs nothing
no        tools  it does not need files or mcp
no        code   the task is ask, not docstrings
no        rest   small takes no images; coder takes no images""",
        id="nobody",
    ),
]


@pytest.mark.parametrize(("prompt", "page"), PAGES)
def test_a_page_for_a_reader(prompt: Signals, page: str) -> None:
    assert "\n".join(as_lines(explain(RULES, prompt))) == page


def test_the_table_of_rules() -> None:
    assert list(table(RULES)) == [
        "tools  needs files or mcp  goose",
        "code   task docstrings     coder",
        "rest   everything          small, coder",
    ]


def test_the_rules_as_json() -> None:
    assert json.loads(json.dumps(listing(RULES))) == {
        "version": 1,
        "rules": [
            {"name": "tools", "when": {"needs": ["files", "mcp"]}, "use": "goose", "fallback": []},
            {"name": "code", "when": {"task": ["docstrings"]}, "use": "coder", "fallback": []},
            {"name": "rest", "when": None, "use": "small", "fallback": ["coder"]},
        ],
    }
