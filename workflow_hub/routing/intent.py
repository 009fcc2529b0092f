"""Whether a free text asks to do something to files, a terminal or a service, or to say something.

A prompt is read sentence by sentence, quoted matter left out (`quoted.py`), by the words of its
language (`words.py`). A sentence is a question, a wish for words, or a request; only a request
with something to work on, or a question that only a look at the project, the machine or the web
can answer, needs tools. Where a request names nothing that the tables know, the reading leans to
tools and is marked unsure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workflow_hub.routing.judged import Rules, Sentence, Verdict, rules_of
from workflow_hub.routing.language import language_of, unread_script
from workflow_hub.routing.quoted import MASK, masked
from workflow_hub.routing.words import WORDS

EVIDENCE_CHARACTERS = 80
# Read whole at each end of a long prompt; between them, only what begins like a request.
EDGE_CHARACTERS = 800
LONGEST_SENTENCE = 600
FULL_STOP = re.compile(
    # one class first, which is searched fast
    r"[.!?\n。!?;](?:(?<=[\n。!?;])|(?<![.!?][.!?])[.!?]*(?=[\s\ufffc]|$))"
)
BEFORE_WORDS = " \t\r\n\ufffc-*•>¿¡,;:—–(\"'.!?"
# What quoted logs and tracebacks say, and quoted code seldom does.
FAILURES = ("Traceback", "Error:", "Exception:", "FAILED", "ERR!", "error:", "ERROR", "panic:", " failed")


@dataclass(frozen=True, slots=True)
class Evidence:
    """The words of a prompt that ask for a need: verbatim, at most 80 characters."""

    need: str
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text asks for; `unsure` where the rules cannot tell whether anything is to be done."""

    evidence: tuple[Evidence, ...]
    unsure: bool
    language: str


def read(text: str) -> Reading:
    """The needs that `text` asks for, with the words that do; never raises, linear in its length."""
    plain = _lowered(masked(text))
    prose = plain.replace(MASK, "")
    language = language_of(prose)
    verdicts = [
        verdict
        for each in (WORDS if language == "und" else (language,))
        for verdict in _verdicts(plain, text, each)
    ]
    sure = [finding for verdict in verdicts if verdict.mood == "sure" for finding in verdict.found]
    answered = any(verdict.mood == "plain" for verdict in verdicts)
    doubts = [
        finding
        for verdict in verdicts
        if verdict.mood == "doubtful" or (verdict.mood == "hinted" and not answered)
        for finding in verdict.found
    ]
    if not sure and not doubts and unread_script(prose):
        doubts = [("files", 0)]
    evidence: dict[str, Evidence] = {}
    for need, start in sure or doubts:
        evidence.setdefault(need, Evidence(need, _excerpt(text, start)))
    return Reading(tuple(evidence.values()), unsure=bool(doubts) and not sure, language=language)


def _verdicts(plain: str, text: str, language: str) -> Iterator[Verdict]:
    """What each sentence of `plain` needs, by the rules of one language."""
    rules = rules_of(language)
    quotes = MASK in plain
    failure = quotes and any(mark in text for mark in FAILURES)
    for sentence in _sentences(plain, quotes, failure, rules):
        yield rules.judge(sentence)


def _lowered(text: str) -> str:
    """Lower case, character by character, so that places stay what they are; straight apostrophes."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(one if len(one) == 1 else char for char in text for one in (char.lower(),))
    return low.replace("’", "'")


def _excerpt(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)][:EVIDENCE_CHARACTERS].strip()


def _sentences(text: str, quotes: bool, failure: bool, rules: Rules) -> Iterator[Sentence]:
    """The sentences of `text` that may ask for something; what follows "translate this:" is left out."""
    material_end = 0
    for first, last in _read_spans(text, rules):
        if first < material_end:
            continue
        sentence = Sentence(text[first : min(last, first + LONGEST_SENTENCE)], first, quotes, failure)
        sentence = rules.without_lead(sentence)
        if found := rules.material(sentence, text):
            cut, material_end = found
            sentence = Sentence(sentence.text[:cut], sentence.start, True, failure)
        yield sentence


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences begin and end that have words outside of quotations."""
    first = 0
    for last in (*(stop.end() for stop in FULL_STOP.finditer(text)), len(text)):
        if bare := text[first:last].lstrip(BEFORE_WORDS):
            yield last - len(bare), last
        first = last


def _read_spans(text: str, rules: Rules) -> list[tuple[int, int]]:
    """The sentences worth judging: EDGE_CHARACTERS at both ends, and what begins like a request between."""
    spans = list(_spans(text))
    head = _fitting(spans)
    tail = len(spans) - _fitting(spans[head:][::-1])
    between = [(first, last) for first, last in spans[head:tail] if rules.begins(text, first, last)]
    return [*spans[:head], *between, *spans[tail:]]


def _fitting(spans: Iterable[tuple[int, int]]) -> int:
    """How many spans it takes to fill EDGE_CHARACTERS; all, if they do not."""
    fitting = characters = 0
    for first, last in spans:
        fitting += 1
        characters += last - first
        if characters >= EDGE_CHARACTERS:
            break
    return fitting
