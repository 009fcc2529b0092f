from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.routing.conditions import When, held, phrase
from workflow_hub.routing.signals import Signals


def signals(
    task: str = "ask", *, needs: str = "", images: int = 0, tokens: int = 100, language: str = "en"
) -> Signals:
    needed = frozenset(needs.split())
    return Signals(task, needed, needed, (), False, images, tokens, language)


# (condition, signals, whether it holds, why)
CASES: list[Any] = [
    pytest.param({"task": "ask"}, signals(), True, "the task is ask", id="task"),
    pytest.param({"task": ["a", "ask"]}, signals(), True, "the task is ask", id="any of the tasks"),
    pytest.param({"task": ["a", "b"]}, signals(), False, "the task is ask, not a or b", id="another task"),
    pytest.param(
        {"needs": ["files", "mcp"]}, signals(needs="mcp terminal"), True, "it needs mcp", id="one need of two"
    ),
    pytest.param(
        {"needs": ["files", "terminal", "mcp"]},
        signals(needs="terminal files"),
        True,
        "it needs files and terminal",
        id="two needs",
    ),
    pytest.param(
        {"needs": ["files", "mcp"]},
        signals(needs="terminal"),
        False,
        "it does not need files or mcp",
        id="no such need",
    ),
    pytest.param({"has": "image"}, signals(images=2), True, "it carries an image", id="image"),
    pytest.param({"has": "image"}, signals(), False, "it carries no image", id="no image"),
    pytest.param({"tokens": {"over": 99}}, signals(), True, "its 100 tokens are over 99", id="over"),
    pytest.param(
        {"tokens": {"over": 100}}, signals(), False, "its 100 tokens are not over 100", id="just not over"
    ),
    pytest.param(
        {"tokens": {"under": 101, "over": 99}},
        signals(),
        True,
        "its 100 tokens are over 99 and under 101",
        id="between",
    ),
    pytest.param(
        {"tokens": {"under": 100}}, signals(), False, "its 100 tokens are not under 100", id="just not under"
    ),
    pytest.param({"language": ["de", "en"]}, signals(), True, "it is written in en", id="language"),
    pytest.param({"language": "de"}, signals(), False, "it is written in en, not de", id="other language"),
    pytest.param(
        {"task": "ask", "has": "image"}, signals(), False, "it carries no image", id="keys must all hold"
    ),
    pytest.param(
        {"task": "ask", "language": "en"},
        signals(),
        True,
        "the task is ask and it is written in en",
        id="keys that all hold",
    ),
    pytest.param(
        {"all": [{"task": "ask"}, {"has": "image"}]}, signals(), False, "it carries no image", id="all"
    ),
    pytest.param(
        {"all": [{"task": "ask"}, {"language": "en"}]},
        signals(),
        True,
        "the task is ask and it is written in en",
        id="all of them",
    ),
    pytest.param(
        {"any": [{"task": "a"}, {"language": "en"}]}, signals(), True, "it is written in en", id="any"
    ),
    pytest.param(
        {"any": [{"task": "a"}, {"has": "image"}]},
        signals(),
        False,
        "the task is ask, not a and it carries no image",
        id="none of them",
    ),
    pytest.param({"not": {"has": "image"}}, signals(), True, "it carries no image", id="not"),
    pytest.param({"not": {"task": "ask"}}, signals(), False, "the task is ask", id="not so"),
    pytest.param(
        {"not": {"any": [{"task": "a"}, {"all": [{"has": "image"}, {"needs": "files"}]}]}},
        signals(images=1),
        True,
        "the task is ask, not a and it does not need files",
        id="nested",
    ),
]


@pytest.mark.parametrize(("condition", "prompt", "holds", "why"), CASES)
def test_a_condition_holds_for_a_reason(
    condition: dict[str, Any], prompt: Signals, holds: bool, why: str
) -> None:
    assert held(When.model_validate(condition), prompt) == (holds, why)


PHRASES: list[Any] = [
    pytest.param({"task": ["a", "b", "c"]}, "task a, b or c", id="list"),
    pytest.param({"needs": "mcp", "has": "image"}, "needs mcp and has image", id="two keys"),
    pytest.param({"tokens": {"over": 1, "under": 9}}, "tokens over 1 and under 9", id="tokens"),
    pytest.param({"any": [{"language": "de"}, {"task": "a"}]}, "(language de or task a)", id="any"),
    pytest.param(
        {"all": [{"task": "a"}, {"has": "image"}], "not": {"language": "und"}},
        "(task a) and (has image) and not (language und)",
        id="all and not",
    ),
]


@pytest.mark.parametrize(("condition", "words"), PHRASES)
def test_a_condition_in_a_line(condition: dict[str, Any], words: str) -> None:
    assert phrase(When.model_validate(condition)) == words


NAMES = ("a", "b")
LEAVES = st.one_of(
    st.fixed_dictionaries({"task": st.lists(st.sampled_from(NAMES), min_size=1, max_size=2)}),
    st.fixed_dictionaries({"needs": st.sampled_from(["files", "mcp"])}),
    st.just({"has": "image"}),
    st.fixed_dictionaries({"tokens": st.fixed_dictionaries({"over": st.integers(0, 3)})}),
    st.fixed_dictionaries({"language": st.sampled_from(["de", "en"])}),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)
PROMPTS = st.builds(
    signals,
    st.sampled_from(NAMES),
    needs=st.sampled_from(["", "files", "mcp", "files mcp"]),
    images=st.integers(0, 1),
    tokens=st.integers(0, 4),
    language=st.sampled_from(["de", "en", "und"]),
)


@given(CONDITIONS, CONDITIONS, PROMPTS)
def test_conditions_combine_as_logic_has_it(one: Any, other: Any, prompt: Signals) -> None:
    def holds(condition: Any) -> bool:
        return held(When.model_validate(condition), prompt)[0]

    assert holds({"all": [one, other]}) is (holds(one) and holds(other))
    assert holds({"any": [one, other]}) is (holds(one) or holds(other))
    assert holds({"not": one}) is not holds(one)
    assert holds({"not": {"any": [one, other]}}) is holds({"all": [{"not": one}, {"not": other}]})


@given(CONDITIONS)
def test_a_condition_is_written_as_it_was_read(condition: dict[str, Any]) -> None:
    when = When.model_validate(condition)
    assert When.model_validate(when.model_dump(mode="json", by_alias=True, exclude_unset=True)) == when
