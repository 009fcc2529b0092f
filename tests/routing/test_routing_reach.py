from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.routing import reach
from workflow_hub.routing.pick import judge
from workflow_hub.routing.reach import kinds, unreachable
from workflow_hub.routing.shape import Rules
from workflow_hub.routing.signals import Signals

IMAGE, FILES = {"has": "image"}, {"needs": "files"}


def rules_of(*rules: tuple[Any, str], context_tokens: int | None = None) -> Rules:
    """Rules r0, r1, … of (condition, target); `long` has no end, `text` has `context_tokens`."""
    text: dict[str, Any] = {"provider": "dmr", "try": "ai/t"}
    return Rules.model_validate(
        {
            "version": 1,
            "providers": {"dmr": {"kind": "dmr"}, "goose": {"kind": "goose", "model": "long"}},
            "models": {
                "text": text | ({"context_tokens": context_tokens} if context_tokens else {}),
                "long": {"provider": "dmr", "try": "ai/l"},
                "eyes": {"provider": "dmr", "try": "ai/e", "accepts": ["text", "image"]},
            },
            "rules": [
                {"name": f"r{place}", "use": target} | ({"when": when} if when else {})
                for place, (when, target) in enumerate(rules)
            ],
        }
    )


# (rules, the places of those that nothing reaches, and why)
CASES: list[Any] = [
    pytest.param([({"task": "a"}, "text"), (None, "text")], {}, id="all are reached"),
    pytest.param([(None, "text"), (None, "text")], {1: "r0 above takes all that it would"}, id="all taken"),
    pytest.param([(None, "text"), (FILES, "goose")], {}, id="tools below one that has none"),
    pytest.param([(None, "text"), (IMAGE, "eyes")], {}, id="images below one that takes none"),
    pytest.param([(None, "goose"), (IMAGE, "eyes")], {1: "r0 above takes all"}, id="an agent takes images"),
    pytest.param([(FILES, "text"), (None, "text")], {0: "text cannot give files"}, id="needs without tools"),
    pytest.param([(IMAGE, "text"), (None, "text")], {0: "text takes no images"}, id="images without eyes"),
    pytest.param(
        [({"task": "a"}, "text"), ({"task": "b"}, "text"), ({"task": ["a", "b"]}, "text")],
        {2: "r0 and r1 above take all that it would"},
        id="two together",
    ),
    pytest.param(
        [({"any": [{"task": "a"}, {"language": "de"}]}, "text"), ({"task": "a", "language": "fr"}, "text")],
        {1: "r0 above takes all that it would"},
        id="any",
    ),
    pytest.param(
        [({"not": {"task": "a"}}, "text"), ({"task": "b"}, "text"), ({"task": "a"}, "text")],
        {1: "r0 above takes all that it would"},
        id="not",
    ),
    pytest.param(
        [({"all": [{"task": ["a", "b"]}, {"task": ["b", "c"]}]}, "text"), ({"task": "b"}, "text")],
        {1: "r0 above takes all that it would"},
        id="all",
    ),
    pytest.param(
        [({"task": "a", "not": {"task": ["a", "b"]}}, "text")],
        {0: "its conditions exclude each other"},
        id="never",
    ),
    pytest.param(
        [({"tokens": {"over": 10}}, "text"), ({"tokens": {"under": 11}}, "text"), (None, "text")],
        {2: "r0 and r1 above take all that it would"},
        id="every length",
    ),
    pytest.param(
        [({"tokens": {"over": 10}}, "text"), ({"tokens": {"under": 10}}, "text"), (None, "text")],
        {},
        id="every length but one",
    ),
    pytest.param(
        [
            ({"language": ["de", "fr", "es"]}, "text"),
            ({"language": ["en", "zh", "und"]}, "text"),
            (None, "text"),
        ],
        {2: "r0 and r1 above take all that it would"},
        id="every language",
    ),
    pytest.param([({"language": ["en", "de"]}, "text"), (None, "text")], {}, id="other languages"),
]


@pytest.mark.parametrize(("rules", "found"), CASES)
def test_what_nothing_reaches_is_found(rules: list[Any], found: dict[int, str]) -> None:
    reasons = dict(unreachable(rules_of(*rules)))
    assert reasons.keys() == found.keys()
    for place, reason in reasons.items():
        assert reason.startswith(f"rule r{place} is never reached: {found[place]}")


def test_what_is_too_long_for_one_reaches_the_next() -> None:
    assert not list(unreachable(rules_of((None, "text"), (None, "long"), context_tokens=4096)))


def test_a_file_with_too_many_kinds_of_prompt_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = rules_of((None, "text"), (None, "text"))
    assert list(unreachable(rules))
    monkeypatch.setattr(reach, "MOST", 10)
    assert not list(unreachable(rules))


CONDITIONS = st.none() | st.recursive(
    st.sampled_from(
        [
            {"task": "a"},
            {"task": ["a", "b"]},
            {"needs": "files"},
            {"needs": ["files", "mcp"]},
            {"has": "image"},
            {"tokens": {"over": 5}},
            {"tokens": {"under": 5}},
            {"language": "de"},
        ]
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=2)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=4,
)
RULES = st.lists(st.tuples(CONDITIONS, st.sampled_from(["text", "eyes", "goose"])), min_size=1, max_size=4)
NEEDS = st.frozensets(st.sampled_from(["files", "terminal", "mcp"]))


@given(
    RULES, st.sampled_from("abc"), NEEDS, st.integers(0, 2), st.integers(0, 9), st.sampled_from(["de", "zh"])
)
def test_no_prompt_reaches_what_is_called_unreachable(
    rules: list[Any], task: str, needs: frozenset[str], images: int, tokens: int, language: str
) -> None:
    read = rules_of(*rules, context_tokens=7)
    prompt = Signals(task, needs, needs, (), False, images, tokens, language)
    verdicts = [judge(read, rule, prompt).matched for rule in read.rules]
    first = verdicts.index(True) if any(verdicts) else None
    assert first not in dict(unreachable(read))


@given(RULES)
def test_some_prompt_reaches_everything_else(rules: list[Any]) -> None:
    read = rules_of(*rules, context_tokens=7)
    prompts = list(kinds(read))
    for place in set(range(len(rules))) - dict(unreachable(read)).keys():
        assert any(
            judge(read, read.rules[place], prompt).matched
            and not any(judge(read, rule, prompt).matched for rule in read.rules[:place])
            for prompt in prompts
        )
