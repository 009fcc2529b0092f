"""Whether a free text asks to have something done to files, in a terminal or by a service, or for words.

A linear model decides: `features.py` tells it what is there, `weights.py` what each feature counts
for. Between two scores it is unsure, and the guess leans to tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workflow_hub.routing.features import (
    TOKENS,
    Sentence,
    features,
    hashed_words,
    sentence_at,
    sentences,
)
from workflow_hub.routing.language import language_of, unread_script
from workflow_hub.routing.weights import HEADS, Weights, weights

EVIDENCE_CHARACTERS = 80
ANY, *NEEDS = HEADS
CLAUSE = re.compile(r"[,;:\uff0c\uff1b\uff1a\u3001\u2013\u2014]\s*|\n")  # commas, colons, dashes


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words of a prompt that ask for a need: verbatim, at most 80 characters."""

    need: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text asks for; `unsure` where its words do not tell whether anything is to be done.

    `score` is above 0 where that is likelier than not, and the further from 0 the surer.
    """

    evidence: tuple[Evidence, ...]
    unsure: bool
    language: str
    score: float


def read(text: str) -> Reading:
    """The needs that `text` asks for, with the words that do; never raises, linear in its length."""
    found = sentences(text)
    prose = TOKENS.sub(" ", " ".join(sentence.text for sentence in found))
    language = language_of(prose)
    if not found:
        return Reading((), unsure=False, language=language, score=0.0)
    if unread_script(prose):
        guess = Evidence("files", _excerpt(text, found[0]))
        return Reading((guess,), unsure=True, language=language, score=0.0)
    model = weights()
    scores = model.scores(features(found))
    score = scores[ANY]
    at = model.thresholds
    evidence = _evidence(text, found, scores, model) if score >= at.lean else ()
    return Reading(evidence, at.lower <= score < at.upper, language, score)


def if_done(text: str) -> tuple[Evidence, ...]:
    """What `text` needs, taken for granted that something is to be done: at least one need, if it has words.

    For who knows better than the words, or asked where they were unsure.
    """
    found = sentences(text)
    model = weights()
    return _evidence(text, found, model.scores(features(found)), model) if found else ()


def needs_of(scores: Mapping[str, float]) -> tuple[str, ...]:
    """The likeliest need, and any other that is likelier than not."""
    likeliest = max(NEEDS, key=scores.__getitem__)
    return tuple(need for need in NEEDS if need == likeliest or scores[need] > 0)


def _evidence(
    text: str, found: list[Sentence], scores: Mapping[str, float], model: Weights
) -> tuple[Evidence, ...]:
    """For each need the sentence, or where it is long the clause, whose words speak most for it."""
    leaning = _leaning(found, model)

    def words_for(need: str) -> str:
        best = _most(leaning, need)
        if len(best.masked) > EVIDENCE_CHARACTERS:
            best = _most(_leaning(_clauses(best), model), need)
        return _excerpt(text, best)

    return tuple(Evidence(need, words_for(need)) for need in needs_of(scores))


Leaning = list[tuple[Sentence, dict[str, float]]]


def _leaning(found: Iterable[Sentence], model: Weights) -> Leaning:
    return [(sentence, model.leaning(hashed_words([sentence]))) for sentence in found]


def _most(leaning: Leaning, need: str) -> Sentence:
    return max(leaning, key=lambda one: one[1][ANY] + one[1][need])[0]


def _clauses(sentence: Sentence) -> Iterator[Sentence]:
    first = 0
    for last in (*(cut.end() for cut in CLAUSE.finditer(sentence.masked)), len(sentence.masked)):
        if clause := sentence_at(sentence.start + first, sentence.masked[first:last]):
            yield clause
        first = last


def _excerpt(text: str, sentence: Sentence) -> str:
    return text[sentence.start : sentence.start + min(len(sentence.masked), EVIDENCE_CHARACTERS)].strip()
