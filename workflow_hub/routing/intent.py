"""Whether a free text asks to have something done to files, in a terminal or by a service, or for words.

Linear models decide: `features.py` tells them what is there, `weights.py` what each feature counts
for. Between two scores they are unsure, and the guess leans to tools.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workflow_hub.routing.features import (
    TOKENS,
    Features,
    Sentence,
    features,
    hashed_words,
    sentence_at,
    sentences,
)
from workflow_hub.routing.language import language_of, unread_script
from workflow_hub.routing.weights import ANY, NEEDS, Weights, weights

EVIDENCE_CHARACTERS = 80
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
    there = features(found)
    scores = model.scores(there)
    score = score_of(scores)
    at = model.thresholds
    evidence = _evidence(text, found, there, scores, model) if score >= at.lean else ()
    return Reading(evidence, at.lower <= score < at.upper, language, score)


def if_done(text: str) -> tuple[Evidence, ...]:
    """What `text` needs, taken for granted that something is to be done: at least one need, if it has words.

    For who knows better than the words, or asked where they were unsure.
    """
    found = sentences(text)
    if not found:
        return ()
    there = features(found)
    model = weights()
    return _evidence(text, found, there, model.scores(there), model)


def score_of(scores: Mapping[str, float]) -> float:
    """Whether anything is needed: the mean of the score for tools and of that of the likeliest need.

    They err on other prompts: one need's head knows what is peculiar to it, the other what all share.
    """
    return (scores[ANY] + max(scores[need] for need in NEEDS)) / 2


def needs_of(scores: Mapping[str, float]) -> tuple[str, ...]:
    """The likeliest need, and any other that is likelier than not."""
    likeliest = max(NEEDS, key=scores.__getitem__)
    return tuple(need for need in NEEDS if need == likeliest or scores[need] > 0)


def _evidence(
    text: str, found: list[Sentence], there: Features, scores: Mapping[str, float], model: Weights
) -> tuple[Evidence, ...]:
    """For each need the sentence, or where it is long the clause, whose words speak most for it."""

    def words_for(need: str) -> str:
        best = _most(zip(found, there.spoken, strict=True), need, model)
        if len(best.masked) > EVIDENCE_CHARACTERS:
            clauses = list(_clauses(best))
            best = _most(zip(clauses, map(hashed_words, clauses), strict=True), need, model)
        return _excerpt(text, best)

    return tuple(Evidence(need, words_for(need)) for need in needs_of(scores))


def _most(spoken: Iterable[tuple[Sentence, frozenset[int]]], need: str, model: Weights) -> Sentence:
    return max(spoken, key=lambda one: model.leaning(one[1], (ANY, need)))[0]


def _clauses(sentence: Sentence) -> Iterator[Sentence]:
    first = 0
    for last in (*(cut.end() for cut in CLAUSE.finditer(sentence.masked)), len(sentence.masked)):
        if clause := sentence_at(sentence.start + first, sentence.masked[first:last]):
            yield clause
        first = last


def _excerpt(text: str, sentence: Sentence) -> str:
    return text[sentence.start : sentence.start + min(len(sentence.masked), EVIDENCE_CHARACTERS)].strip()
