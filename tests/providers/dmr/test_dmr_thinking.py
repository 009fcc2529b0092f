from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.providers.dmr.thinking import Thinking, separated
from workflow_hub.values import Delta

CASES = [
    pytest.param("Hello.", "", Delta("Hello."), id="no thought"),
    pytest.param("  Hello.\n", "", Delta("  Hello.\n"), id="white space of an answer stays"),
    pytest.param("<think>\nhm\n</think>\n\nHello.", "", Delta("Hello.", "\nhm\n"), id="thought first"),
    pytest.param("\n <think>hm</think>Hello.", "", Delta("Hello.", "hm"), id="white space before"),
    pytest.param("<think>a</think> <think>b</think>c", "", Delta("c", "ab"), id="two thoughts"),
    pytest.param("<think>and then", "", Delta("", "and then"), id="unclosed"),
    pytest.param("<think>a </thi", "", Delta("", "a </thi"), id="unclosed, with half an end"),
    pytest.param("<think></think>", "", Delta(), id="empty thought"),
    pytest.param("<think>a</think>\n <thi", "", Delta("<thi", "a"), id="half a tag is an answer"),
    pytest.param("  <thi", "", Delta("  <thi"), id="only half a tag"),
    pytest.param("Use <think>x</think>.", "", Delta("Use <think>x</think>."), id="a reply about think tags"),
    pytest.param('{"a": "<think>x</think>"}', "", Delta('{"a": "<think>x</think>"}'), id="quoted in JSON"),
    pytest.param("more</think>Hello.", "<think>\n", Delta("Hello.", "more"), id="goes on in a thought"),
    pytest.param("<think>x", "So: ", Delta("<think>x"), id="goes on in an answer"),
]
TEXTS = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "</", "think", ">", " ", "\n", "a", "<thi", "nk>"]),
    max_size=8,
).map("".join)


@pytest.mark.parametrize(("text", "after", "parts"), CASES)
def test_thought_and_answer_are_told_apart(text: str, after: str, parts: Delta) -> None:
    assert separated(text, after) == parts


@given(TEXTS, st.lists(st.integers(0, 40), max_size=6))
def test_it_does_not_matter_how_a_stream_is_cut(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    thinking = Thinking()
    deltas = [thinking.feed(text[start:end]) for start, end in pairwise(places)]
    deltas.append(thinking.close())
    assert Delta("".join(d.text for d in deltas), "".join(d.reasoning for d in deltas)) == separated(text)


@given(TEXTS)
def test_an_answer_never_begins_with_a_think_tag(text: str) -> None:
    assert not separated(text).text.lstrip().startswith("<think>")


@given(TEXTS.filter(lambda text: not text.lstrip().startswith("<think>")))
def test_a_text_without_a_thought_stays_as_it_is(text: str) -> None:
    assert separated(text) == Delta(text)
