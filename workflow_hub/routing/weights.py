"""The weights of the linear models behind `intent.py`, and the file that they are kept in.

A feature's hash leads to a slot, and a mark there tells whether the slot is that feature's: so a
feature that training has not seen counts as nothing. Each head has a small integer for each slot.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from workflow_hub.routing.features import VERSION, Features

FILE = Path(__file__).with_name("intent.weights")
MAGIC = b"workflow-hub intent 1\n"
SLOT_BITS = 20
SLOTS = 1 << SLOT_BITS
HEADS = ("tools", "files", "terminal", "mcp")
ANY, *NEEDS = HEADS


def slot_of(feature: int) -> int:
    """Where a feature's weights are: its last bits."""
    return feature & (SLOTS - 1)


def mark_of(feature: int) -> int:
    """1 to 255, from bits that the slot has not; 0 marks an empty slot."""
    return feature >> 24 or 1


@dataclass(frozen=True, slots=True)
class Head:
    """One question: `bias`, what one unit of its weights is worth, and the weights by slot."""

    bias: float
    unit: float
    weights: array[int]

    def sum(self, slots: Iterable[int]) -> float:
        """What the weights at these slots come to, without the bias."""
        return self.unit * sum(map(self.weights.__getitem__, slots))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Below `lower` words are wanted for sure, from `upper` on tools are; unsure ones, from `lean` on."""

    lower: float
    lean: float
    upper: float


@dataclass(frozen=True, slots=True)
class Weights:
    """What training has found: which features it has seen, by `marks`, the heads, and the thresholds."""

    marks: bytes
    heads: Mapping[str, Head]
    thresholds: Thresholds

    def known(self, features: Collection[int]) -> list[int]:
        """The slots of those features that training has seen."""
        marks = self.marks
        # slot_of and mark_of, written out: this is done a thousand times for each prompt
        return [slot for one in features if marks[slot := one & (SLOTS - 1)] == (one >> 24 or 1)]

    def scores(self, features: Features) -> dict[str, float]:
        """Each head's score: above 0 rather yes than no. Words and letters weigh by how many there are."""
        words, letters = self.known(features.words), self.known(features.letters)
        for_word, for_letters = _share(features.words), _share(features.letters)
        return {
            name: head.bias + for_word * head.sum(words) + for_letters * head.sum(letters)
            for name, head in self.heads.items()
        }

    def leaning(self, words: Collection[int], heads: Iterable[str]) -> float:
        """How much these words alone add to `heads`, of however many sentences they are part."""
        known = self.known(words)
        return _share(words) * sum(self.heads[name].sum(known) for name in heads)


def _share(features: Collection[int]) -> float:
    return float(max(len(features), 1) ** -0.5)


def pack(weights: Weights) -> bytes:
    """The file's bytes: MAGIC, a line of JSON that says what follows, and that, deflated."""
    head = {
        "features": VERSION,
        "slots": SLOTS,
        "thresholds": asdict(weights.thresholds),
        "heads": {name: {"bias": head.bias, "unit": head.unit} for name, head in weights.heads.items()},
    }
    body = weights.marks + b"".join(head.weights.tobytes() for head in weights.heads.values())
    return MAGIC + json.dumps(head).encode() + b"\n" + zlib.compress(body, 9)


def unpack(data: bytes) -> Weights:
    """The weights in a file's bytes; ValueError if they are of another format or of other features."""
    if not data.startswith(MAGIC):
        raise ValueError("these are no weights of this version")
    line, _, deflated = data[len(MAGIC) :].partition(b"\n")
    head = json.loads(line)
    if (head["features"], head["slots"], tuple(head["heads"])) != (VERSION, SLOTS, HEADS):
        raise ValueError("the weights are for other features; run benchmarks/intent/train.py")
    body = zlib.decompress(deflated)
    if len(body) != SLOTS * (1 + len(HEADS)):
        raise ValueError("the weights are cut")
    heads = {
        name: Head(one["bias"], one["unit"], array("b", body[at * SLOTS : (at + 1) * SLOTS]))
        for at, (name, one) in enumerate(head["heads"].items(), 1)
    }
    return Weights(body[:SLOTS], heads, Thresholds(**head["thresholds"]))


@cache
def weights() -> Weights:
    """The packaged weights, read when a text is first read."""
    return unpack(FILE.read_bytes())
