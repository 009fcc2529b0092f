"""Samples of one reply: which of them stands, how sure it is, and where nothing does."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.pipeline import Reading
from workflow_hub.tasks.docstrings.agreement import DISAGREE, agreed, middle, overlap

# (one text, another, what they have in common)
OVERLAPS = [
    pytest.param("price of the cart", "price of the cart", 1.0, id="the same"),
    pytest.param("the price of a cart", "Cart prices.", 1.0, id="the same, said otherwise"),
    pytest.param("price of the cart", "price of the order", 0.5, id="half of it"),
    pytest.param("price of the cart", "address of a page", 0.0, id="nothing"),
    pytest.param(None, None, 1.0, id="both abstain"),
    pytest.param(None, "price of the cart", 0.0, id="one abstains"),
    pytest.param("the value", "a value", 0.0, id="nothing is said"),
    pytest.param("ページの住所", "ページの住所", 1.0, id="no Latin letter"),
]


@pytest.mark.parametrize(("one", "other", "share"), OVERLAPS)
def test_what_two_texts_have_in_common(one: str | None, other: str | None, share: float) -> None:
    assert overlap(one, other) == overlap(other, one) == share


def says(text: str | None) -> Reading:
    return Reading({"a": text})


BAD, WORSE = Reading({}, {"a": "was too long"}), Reading({}, {"a": "was empty"})
PRICE, PRICES, ORDER, PAGE = (
    says(text)
    for text in ("price of the cart", "Cart prices now.", "price of the order", "address of a page")
)


def sure(share: float) -> Reading:
    return Reading({"a": "price of the cart"}, confidence={"a": share})


AGREED = [
    pytest.param([PAGE], PAGE, id="one sample stays as it is"),
    pytest.param([BAD], BAD, id="also one that is refused"),
    pytest.param([PRICE, PRICE], sure(1.0), id="the same twice"),
    pytest.param([PRICE, ORDER], sure(0.5), id="the first of two"),
    pytest.param([PRICE, PAGE], Reading({}, left_out={"a": DISAGREE}), id="two that differ"),
    pytest.param([PAGE, PRICE, PRICE], sure(0.5), id="the majority"),
    pytest.param([ORDER, PRICES, PRICE], sure(0.65), id="the middle"),
    pytest.param([PAGE, PRICE, says("x y")], Reading({}, left_out={"a": DISAGREE}), id="each its own"),
    pytest.param([says(None)] * 2 + [PRICE], Reading({"a": None}, confidence={"a": 0.5}), id="most abstain"),
    pytest.param([PRICE, BAD, PRICE], sure(0.5), id="one refused"),
    pytest.param([BAD, PRICE], Reading({}, left_out={"a": DISAGREE}), id="one of two refused"),
    pytest.param([WORSE, BAD, BAD], Reading({}, {"a": "was too long"}), id="the commonest reason"),
    pytest.param([BAD, PRICE, WORSE], Reading({}, {"a": "was too long"}), id="most refused"),
    pytest.param([Reading({}), PRICE], Reading({}, left_out={"a": DISAGREE}), id="not answered"),
    pytest.param([Reading({}), Reading({})], Reading({}), id="never answered"),
]


@pytest.mark.parametrize(("samples", "reading"), AGREED)
def test_samples_become_one_reading(samples: list[Reading], reading: Reading) -> None:
    assert agreed(samples) == reading


def test_slots_are_judged_each_by_itself() -> None:
    samples = [Reading({"a": "price of the cart", "b": text}) for text in ("one page", "two orders")]
    assert agreed(samples) == Reading(
        {"a": "price of the cart"}, left_out={"b": DISAGREE}, confidence={"a": 1.0}
    )


SENTENCES = st.lists(st.sampled_from("price cart page order of".split())).map(" ".join)
TEXTS = st.none() | st.text(max_size=8) | SENTENCES


@given(TEXTS, TEXTS)
def test_overlap_is_a_share_and_the_same_both_ways(one: str | None, other: str | None) -> None:
    assert 0 <= overlap(one, other) == overlap(other, one) <= 1
    assert overlap(one, one) == 1


@given(st.lists(TEXTS, min_size=1, max_size=9), st.randoms())
def test_how_far_samples_agree_is_the_same_in_any_order(texts: list[str | None], chance: Random) -> None:
    text, share = middle(texts, len(texts))
    assert text in texts and 0 <= share <= 1
    mixed = list(texts)
    chance.shuffle(mixed)
    assert middle(mixed, len(texts))[1] == pytest.approx(share)
    assert middle([text, *texts], len(texts) + 1)[1] >= share or len(texts) == 1


@given(st.lists(st.builds(Reading, st.dictionaries(st.sampled_from("ab"), TEXTS)), min_size=2, max_size=9))
def test_every_slot_ends_in_one_place(samples: list[Reading]) -> None:
    reading = agreed(samples)
    assert reading.taken.keys() == reading.confidence.keys()
    assert not reading.taken.keys() & reading.left_out.keys()
    asked = {slot for one in samples for slot in one.taken}
    assert {*reading.taken, *reading.left_out, *reading.refused} == asked


# (what each sample drafts as an example; None in the list: left out), what is taken, what is left out
DRAFTS = [
    pytest.param(["f(1)", "f(2)"], "f(1)", id="the first that can be tried"),
    pytest.param([None, "f(2)"], "f(2)", id="an abstention is passed over"),
    pytest.param([None, None], None, id="all abstain"),
    pytest.param([BAD, "f(2)"], "f(2)", id="what cannot be tried is passed over"),
]


@pytest.mark.parametrize(("drafts", "taken"), DRAFTS)
def test_examples_are_proven_and_not_voted_on(drafts: list[Any], taken: str | None) -> None:
    samples = [
        Reading({}, left_out={"example": "was no expression"})
        if draft is BAD
        else Reading({"example": draft})
        for draft in drafts
    ]
    assert agreed(samples) == Reading({"example": taken})


def test_where_no_sample_can_be_tried_there_is_no_example() -> None:
    bad = Reading({}, left_out={"example": "was no expression"})
    assert agreed([bad, bad]) == bad
    assert agreed([Reading({}, {"example": "was not answered"})] * 2) == Reading(
        {}, {"example": "was not answered"}
    )
