from __future__ import annotations

import json
import zlib
from array import array

import pytest

from workflow_hub.routing import weights as module
from workflow_hub.routing.features import VERSION, Features, features, sentences
from workflow_hub.routing.weights import (
    FILE,
    HEADS,
    MAGIC,
    SLOTS,
    Head,
    Thresholds,
    Weights,
    mark_of,
    pack,
    slot_of,
    unpack,
)

PACKAGED = FILE.read_bytes()
# Two features that share a slot, and one whose mark would be 0.
FEATURE, RIVAL, LOW = 0x12000007, 0x34000007, 0x00000009


def small() -> Weights:
    marks = bytearray(SLOTS)
    weights = array("b", bytes(SLOTS))
    for feature, weight in ((FEATURE, 4), (LOW, -2)):
        marks[slot_of(feature)] = mark_of(feature)
        weights[slot_of(feature)] = weight
    heads = {name: Head(0.5, 0.25, weights) for name in HEADS}
    return Weights(bytes(marks), heads, Thresholds(-1.0, 0.0, 1.0))


@pytest.mark.parametrize(
    ("words", "letters", "score"),
    [
        pytest.param((), (), 0.5, id="nothing: the bias"),
        pytest.param((FEATURE,), (), 0.5 + 0.25 * 4, id="a word"),
        pytest.param((FEATURE, 1, 2, 3), (), 0.5 + 0.25 * 4 / 2, id="one of four words, weighed by the root"),
        pytest.param((FEATURE,), (LOW,), 0.5 + 0.25 * (4 - 2), id="words and letters, each by themselves"),
        pytest.param((RIVAL,), (), 0.5, id="another feature in the same slot"),
    ],
)
def test_a_score_is_the_sum_of_what_is_known(
    words: tuple[int, ...], letters: tuple[int, ...], score: float
) -> None:
    found = Features(frozenset(words), frozenset(letters), ())
    assert small().scores(found) == dict.fromkeys(HEADS, score)


def test_weights_come_back_as_they_were_packed() -> None:
    assert unpack(pack(small())) == small()


def edited(*, body: bytes = b"", **head: object) -> bytes:
    """The packaged weights with other facts in their first line, and a body of nothing but `body`."""
    line, _, deflated = PACKAGED[len(MAGIC) :].partition(b"\n")
    return MAGIC + json.dumps(json.loads(line) | head).encode() + b"\n" + (body or deflated)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"GIF89a", "no weights of this version", id="something else"),
        pytest.param(edited(features=VERSION + 1), "for other features", id="other features"),
        pytest.param(edited(slots=1024), "for other features", id="another size"),
        pytest.param(edited(heads={}), "for other features", id="no heads"),
        pytest.param(edited(body=zlib.compress(bytes(9))), "are cut", id="too short"),
    ],
)
def test_other_weights_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        unpack(data)


def test_the_packaged_weights_are_whole_and_small() -> None:
    weights = unpack(PACKAGED)
    assert len(PACKAGED) <= 3 * 1024 * 1024
    assert tuple(weights.heads) == HEADS
    assert all(len(head.weights) == SLOTS for head in weights.heads.values())
    assert 10_000 < SLOTS - weights.marks.count(0) < SLOTS
    at = weights.thresholds
    assert at.lower < at.lean < 0 < at.upper


def test_the_packaged_weights_are_read_once() -> None:
    assert module.weights() is module.weights()


@pytest.mark.parametrize("word", ["delete", "lösche", "supprime", "borra", "删除"])
def test_the_features_of_today_are_those_that_were_trained(word: str) -> None:
    (sentence,) = sentences(word)
    assert module.weights().known(features([sentence]).words)
