"""Trains what tells whether a prompt needs tools, and writes it into the package.

    pip install -e '.[train]'
    python benchmarks/intent/train.py [--check]

The labelled prompts are in author-*.yaml beside this file, a file for each author. What is printed
is measured on authors that training did not see: every FOLDS-th is left out, then the ones after them,
until each was. They are read with the package's own code, and the thresholds are taken from those
scores. `--check` writes nothing.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml
from joblib import Parallel, delayed
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from workflow_hub.routing.features import Features, features, sentences
from workflow_hub.routing.intent import needs_of, score_of
from workflow_hub.routing.weights import (
    ANY,
    FILE,
    HEADS,
    NEEDS,
    SLOTS,
    Head,
    Thresholds,
    Weights,
    mark_of,
    pack,
    slot_of,
)

HERE = Path(__file__).resolve().parent
FOLDS = 6  # trainings for the figures, each without a sixth of the authors
SEEN_IN = 2  # a feature of fewer prompts is one author's accident
STRENGTH = 300.0  # how far the weights may go to fit the prompts
RATIO_CAP = 3.0  # of the logarithm of how much more often a feature stands in the one kind of prompts
SMOOTHING = 0.3  # prompts of each kind that every feature is taken to have been in
MISSED = 0.01  # of the prompts that need tools, how many may be taken for sure not to
LEANING = 0.025  # of the same, how many the guess may miss
NEEDLESS = 0.03  # of those that need none, how many may be taken for sure to
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C where there is one
LANGUAGES = ("en", "de", "fr", "es", "zh")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A prompt, what it needs, and by whom and in which language it is."""

    features: Features
    needs: frozenset[str]
    author: str
    language: str


Judged = tuple[Labelled, dict[str, float]]  # with the scores by those who did not know its author


def main() -> int:
    prompts = [one for path in sorted(HERE.glob("author-*.yaml")) for one in labelled(path)]
    authors = sorted({one.author for one in prompts}, key=lambda name: int(name.rpartition("-")[2]))
    judged: list[Judged] = []
    for first in range(FOLDS):
        left_out = set(authors[first::FOLDS])
        model = train([one for one in prompts if one.author not in left_out])
        judged += [(one, model.scores(one.features)) for one in prompts if one.author in left_out]
    judged.sort(key=lambda one: authors.index(one[0].author))
    shift = even_odds(judged)
    judged = [(one, shifted(scores, shift)) for one, scores in judged]
    thresholds = thresholds_of(judged)
    print("\n".join(table(judged, thresholds)))
    if "--check" not in sys.argv:
        model = train(prompts)
        tools = replace(model.heads[ANY], bias=model.heads[ANY].bias + shift)
        model = replace(model, heads={**model.heads, ANY: tools}, thresholds=thresholds)
        FILE.write_bytes(pack(model))
        print(f"\n{FILE.name}: {FILE.stat().st_size:,} bytes, {SLOTS - model.marks.count(0):,} features")
    return 0


def labelled(path: Path) -> list[Labelled]:
    """The prompts of a file."""
    return [
        Labelled(features(sentences(one["text"])), frozenset(one["needs"]), path.stem, one["language"])
        for one in yaml.load(path.read_text("utf-8"), Loader=YAML)
    ]


def train(prompts: Sequence[Labelled]) -> Weights:
    """The model of these prompts; without thresholds."""
    wanted = np.array([bool(one.needs) for one in prompts])
    columns = placed([one.features for one in prompts], wanted)
    found = matrix([one.features for one in prompts], columns)
    asked = [wanted, *(np.array([need in one.needs for one in prompts]) for need in NEEDS)]
    fits = Parallel(n_jobs=-1, max_nbytes=None)(delayed(fitted)(found, one) for one in asked)
    heads = {name: head_of(*fit, columns) for name, fit in zip(HEADS, fits, strict=True)}
    marks = bytearray(SLOTS)
    for feature in columns:
        if any(head.weights[slot_of(feature)] for head in heads.values()):
            marks[slot_of(feature)] = mark_of(feature)
    return Weights(bytes(marks), heads, Thresholds(0.0, 0.0, 0.0))


def placed(prompts: Iterable[Features], wanted: np.ndarray) -> dict[int, int]:
    """The features worth a slot, each with its number; of those that share a slot, the most telling."""
    tools: Counter[int] = Counter()
    everywhere: Counter[int] = Counter()
    for one, asked in zip(prompts, wanted, strict=True):
        there = one.words | one.letters
        everywhere.update(there)
        if asked:
            tools.update(there)
    share = wanted.mean()

    def telling(feature: int) -> float:
        expected = everywhere[feature] * share
        return (tools[feature] - expected) ** 2 / (expected * (1 - share))

    common = [feature for feature, count in everywhere.items() if count >= SEEN_IN]
    owner: dict[int, int] = {}
    for feature in sorted(common, key=lambda one: (-telling(one), one)):
        owner.setdefault(slot_of(feature), feature)
    return {feature: at for at, feature in enumerate(owner.values())}


def matrix(prompts: Sequence[Features], columns: dict[int, int]) -> csr_matrix:
    """A row for each prompt: its features, weighed as `Weights.scores` does."""
    values: list[float] = []
    indices: list[int] = []
    ends = [0]
    for one in prompts:
        for part in (one.words, one.letters):
            known = sorted(columns[feature] for feature in part if feature in columns)
            indices += known
            values += [max(len(part), 1) ** -0.5] * len(known)
        ends.append(len(indices))
    return csr_matrix((values, indices, ends), shape=(len(prompts), len(columns)))


def fitted(found: csr_matrix, wanted: np.ndarray) -> tuple[float, np.ndarray]:
    """The bias and the weights of the columns that tell the wanted rows from the others.

    A logistic regression on features that are first weighed by how much more often they stand in the
    one kind than in the other (Wang and Manning, "Baselines and Bigrams", 2012).
    """
    there = (found > 0).astype(float)
    yes = (np.asarray(there[wanted].sum(0)).ravel() + SMOOTHING) / wanted.sum()
    no = (np.asarray(there[~wanted].sum(0)).ravel() + SMOOTHING) / (~wanted).sum()
    ratio = np.clip(np.log(yes / no), -RATIO_CAP, RATIO_CAP)
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=2000, random_state=0)
    model.fit(found.multiply(ratio).tocsr(), wanted)
    return float(model.intercept_[0]), model.coef_[0] * ratio


def head_of(bias: float, values: np.ndarray, columns: dict[int, int]) -> Head:
    """These weights as small integers in the slots of their features."""
    unit = float(np.abs(values).max()) / 127
    integers = array("b", bytes(SLOTS))
    for feature, value in zip(columns, np.rint(values / unit).astype(int), strict=True):
        integers[slot_of(feature)] = int(value)
    return Head(bias, unit, integers)


def even_odds(judged: Sequence[Judged]) -> float:
    """What to add to the head of any tools, for a score of 0 to mean that both are equally likely."""
    scores = np.array([[score(one)] for one in judged])
    model = LogisticRegression().fit(scores, [bool(one[0].needs) for one in judged])
    return 2 * float(model.intercept_[0] / model.coef_[0, 0])


def shifted(scores: dict[str, float], by: float) -> dict[str, float]:
    return {**scores, ANY: scores[ANY] + by}


def thresholds_of(judged: Sequence[Judged]) -> Thresholds:
    """Where at most MISSED and NEEDLESS are on the wrong side of sure, and LEANING of the guess."""
    tools = sorted(score(one) for one in judged if one[0].needs)
    plain = sorted(score(one) for one in judged if not one[0].needs)
    return Thresholds(
        lower=round(tools[int(len(tools) * MISSED)], 2),
        lean=round(tools[int(len(tools) * LEANING)], 2),
        upper=round(plain[int(len(plain) * (1 - NEEDLESS))], 2),
    )


def table(judged: Sequence[Judged], at: Thresholds) -> Iterator[str]:
    """What comes of the prompts by author and by language, taken by their score; and of all of them."""
    yield f"{'left out':10}  prompts   right  missed  needless  unsure  same needs"
    for group in dict.fromkeys([*(one.author for one, _ in judged), *LANGUAGES, "all"]):
        rows = [one for one in judged if group in (one[0].author, one[0].language, "all")]
        tools = [one for one in rows if one[0].needs]
        missed, needless = wrong(rows, 0.0)
        unsure = sum(at.lower <= score(one) < at.upper for one in rows)
        same = sum(set(needs_of(scores)) == one.needs for one, scores in tools)
        shares = (
            (1 - (missed + needless) / len(rows), 8),
            (missed / len(tools), 8),
            (needless / (len(rows) - len(tools)), 10),
            (unsure / len(rows), 8),
            (same / len(tools), 12),
        )
        yield f"{group:10}{len(rows):>9}" + "".join(f"{share:>{width}.1%}" for share, width in shares)
    sure = [one for one in judged if not at.lower <= score(one) < at.upper]
    yield f"\nunsure from {at.lower} to {at.upper}: {1 - len(sure) / len(judged):.1%}; right if these are"
    for name, threshold in (("taken to need tools", at.lower), ("taken by their score", 0.0)):
        yield f"  {name:32}{1 - sum(wrong(judged, threshold)) / len(judged):>6.1%}"
    missed, needless = wrong(judged, at.lean)
    yield f"  {f'guessed, tools from {at.lean} on':32}{1 - (missed + needless) / len(judged):>6.1%}"
    yield f"  {'told rightly':32}{1 - sum(wrong(sure, 0.0)) / len(judged):>6.1%}"


def wrong(judged: Iterable[Judged], threshold: float) -> tuple[int, int]:
    """How many prompts that need tools score less than `threshold`, and how many others do not."""
    kinds = Counter((bool(one[0].needs), score(one) >= threshold) for one in judged)
    return kinds[True, False], kinds[False, True]


def score(one: Judged) -> float:
    return score_of(one[1])


if __name__ == "__main__":
    sys.exit(main())
