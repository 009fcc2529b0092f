"""Several samples of one reply made one: where they agree their middle one stands, elsewhere nothing does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from workflow_hub.pipeline import Reading
from workflow_hub.tasks.docstrings.slots import EXAMPLE
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
    slots = dict.fromkeys(slot for one in samples for slot in (*one.taken, *one.refused, *one.left_out))
    found = [_draft(slot, samples) if slot == EXAMPLE else _phrase(slot, samples) for slot in slots]
    return Reading(
        {slot: text for one in found for slot, text in one.taken.items()},
        {slot: reason for one in found for slot, reason in one.refused.items()},
        {slot: reason for one in found for slot, reason in one.left_out.items()},
        {slot: share for one in found for slot, share in one.confidence.items()},
    )


def _phrase(slot: str, samples: Sequence[Reading]) -> Reading:
    said = [one.taken[slot] for one in samples if slot in one.taken]
    against = Counter(one.refused[slot] for one in samples if slot in one.refused)
    if against.total() > len(said):
        return Reading({}, {slot: against.most_common(1)[0][0]})
    text, share = middle(said, len(samples))
    if share < AGREED:
        return Reading({}, left_out={slot: DISAGREE})
    return Reading({slot: text}, confidence={slot: round(share, 2)})


def _draft(slot: str, samples: Sequence[Reading]) -> Reading:
    """The first that can be tried: an example is proven by running it, and not voted on."""
    said = [one.taken[slot] for one in samples if slot in one.taken]
    if said:
        return Reading({slot: next((draft for draft in said if draft is not None), None)})
    if refused := next((one.refused[slot] for one in samples if slot in one.refused), None):
        return Reading({}, {slot: refused})
    return Reading({}, left_out={slot: next(one.left_out[slot] for one in samples if slot in one.left_out)})


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
