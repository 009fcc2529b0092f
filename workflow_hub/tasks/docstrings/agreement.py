"""Several samples of one reply made one: where they agree their middle one stands, elsewhere nothing does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from workflow_hub.pipeline import Reading
from workflow_hub.tasks.docstrings.words import stems

# Texts that share less than this of what they say speak of different things.
AGREED = 0.4
DISAGREE = "samples disagree"


def agreed(samples: Sequence[Reading]) -> Reading:
    """What most of the samples say of each slot, with how far they agree as its confidence, from 0 to 1.

    Where most refuse a slot it is refused, for the commonest reason, and may be asked again; where they
    do not agree it is left out for good. A single sample stays as it is, without confidence.
    """
    if len(samples) == 1:
        return samples[0]
    taken: dict[str, str | None] = {}
    refused: dict[str, str] = {}
    left_out: dict[str, str] = {}
    confidence: dict[str, float] = {}
    for slot in dict.fromkeys(slot for one in samples for slot in (*one.taken, *one.refused)):
        said = [one.taken[slot] for one in samples if slot in one.taken]
        against = Counter(one.refused[slot] for one in samples if slot in one.refused)
        if against.total() > len(said):
            refused[slot] = against.most_common(1)[0][0]
            continue
        text, share = middle(said, len(samples))
        if share < AGREED:
            left_out[slot] = DISAGREE
        else:
            taken[slot] = text
            confidence[slot] = round(share, 2)
    return Reading(taken, refused, left_out, confidence)


def middle(texts: Sequence[str | None], samples: int) -> tuple[str | None, float]:
    """The text that says most of what the others say, the first of equals, and how much that is on average.

    Of `samples` those that gave no text count as saying nothing of it. None, an abstention, agrees
    with None alone.
    """
    shares = [
        sum(overlap(text, other) for place, other in enumerate(texts) if place != at) / max(samples - 1, 1)
        for at, text in enumerate(texts)
    ]
    best = max(range(len(texts)), key=lambda at: shares[at])
    return texts[best], shares[best]


def overlap(one: str | None, other: str | None) -> float:
    """The share of meaningful words that two texts have in common: 1 where they say the same, 0 nothing."""
    if one is None or other is None or one == other:
        return float(one == other)
    mine, theirs = stems(one), stems(other)
    if not mine or not theirs:
        return 0.0
    return 2 * len(mine & theirs) / (len(mine) + len(theirs))
