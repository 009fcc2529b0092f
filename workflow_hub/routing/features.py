"""What a prompt's words tell linear models: n-grams of words and of letters, as hashes.

Quoted matter is one token, whatever it says, and so are file names, addresses and numbers. The
training (`benchmarks/intent/train.py`) and the reading (`intent.py`) use these functions alike;
whoever changes what they return raises VERSION and trains anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import add
from zlib import crc32

from workflow_hub.routing.quoted import MASK, masked_ends, path_pattern

VERSION = 2
# Read at each end of a long prompt: what is asked for stands at the start or at the end.
EDGE_CHARACTERS = 400
STEM = 5  # how many letters of a word stand for it with all its endings
OPENED = 12  # how many words its first word is combined with
URL = re.compile(
    r"\bhttps?://\S+|\bwww\.\S+|\blocalhost:\d+\S*|\b[\w-]+\.(?:com|org|net|io|dev|ai|gov|edu)\b(?!\()"
)
QUOTE = re.compile(rf"{MASK}[\s{MASK}]*")
BLOCK = "<block>"  # lines that are quoted whole, however many
TOKENS = re.compile(r"<(?:block|quote|url|path)>")
HAN = re.compile(r"[\u3400-\u9fff]")
TOKEN = re.compile(r"<\w+>|[\u3400-\u9fff]|(?:(?![\u3400-\u9fff])[^\W\d_])+(?:'[^\W\d_]+)?|\d+")
STOP = re.compile(r"[.!?;…](?=\s|$)|[\u3002\uff01\uff1f\uff1b]|\n+")  # the latter are Chinese


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence: where it starts in the prompt, as it stands there, masked, and what is read of it.

    `text` is in lower case, with tokens put in for what is quoted and for names; `words` are its words.
    """

    start: int
    masked: str
    text: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Features:
    """The hashes of what is there, each once: of words and their order, and of letters.

    `spoken` has those of each sentence's words, wherever it stands.
    """

    words: frozenset[int]
    letters: frozenset[int]
    spoken: tuple[frozenset[int], ...]


def sentences(text: str) -> list[Sentence]:
    """The sentences of `text` that have words; of a long text, those at both ends. Linear in its length."""
    return [
        sentence
        for start, piece in masked_ends(text, EDGE_CHARACTERS)
        for sentence in _sentences(start, piece)
    ]


def _sentences(offset: int, piece: str) -> Iterator[Sentence]:
    first = 0
    block = False  # whether the sentence before is a quotation and nothing else
    for last in (*(stop.end() for stop in STOP.finditer(piece)), len(piece)):
        sentence = sentence_at(offset + first, piece[first:last])
        if sentence and not (block and sentence.text == BLOCK):
            yield sentence
        block = sentence.text == BLOCK if sentence else block
        first = last


def sentence_at(start: int, raw: str) -> Sentence | None:
    """The sentence that `raw`, masked and at `start` of the prompt, is; None if it has no words."""
    text = _with_tokens(raw)
    words = tuple("<n>" if word.isdigit() else word for word in TOKEN.findall(text))
    if not words:
        return None
    return Sentence(start + len(raw) - len(raw.lstrip()), raw.strip(), text, words)


def _with_tokens(raw: str) -> str:
    low = raw.lower().replace("’", "'")
    if MASK in low:
        if not low.strip(f"{MASK} \t\r\n"):
            return BLOCK
        low = QUOTE.sub(" <quote> ", low)
    if "." in low or "/" in low or "localhost" in low:
        low = path_pattern().sub(" <path> ", URL.sub(" <url> ", low))
    return " ".join(low.split())


def features(found: list[Sentence]) -> Features:
    """What the sentences tell together."""
    letters = set[str]().union(*map(letter_features, found))
    spoken = tuple(map(hashed_words, found))
    ends = _hashed([*end_features(found), f"sentences={min(len(found), 4)}"])
    return Features(
        ends.union(*spoken),
        # seeded, so that the letters "to" are not the word
        frozenset(crc32(gram.encode(), 1) for gram in letters),
        spoken,
    )


def hashed_words(sentence: Sentence) -> frozenset[int]:
    """What the words of a sentence tell, without their letters and wherever it stands."""
    return _hashed(word_features(sentence))


def _hashed(names: Iterable[str]) -> frozenset[int]:
    return frozenset(map(crc32, map(str.encode, names)))


def word_features(sentence: Sentence) -> Iterator[str]:
    """Words alone and two in a row; their stems, up to three; the first and the mood with each."""
    words = sentence.words
    han = len(words[0]) == 1 and HAN.match(words[0]) is not None
    mood = "?" if "?" in sentence.text or "\uff1f" in sentence.text else "."
    yield from words
    yield from _pairs(words)
    stems = [f"{word[:STEM]}-" for word in words]
    padded = ["^", *stems, "$"]
    yield from _pairs(stems)
    yield from map(" ".join, zip(padded, padded[1:], padded[2:], strict=False))
    yield from map(" _ ".join, zip(padded, padded[2:], strict=False))
    if han:
        yield from map(" ".join, zip(words, words[1:], words[2:], words[3:], strict=False))
    head = "".join(words[:2]) if han else words[0]
    yield from map(f"{head} & ".__add__, words[1:OPENED])
    yield from map(f"{mood} & ".__add__, words[:OPENED])
    yield mood
    yield f"words={min(len(words) // 4, 5)}"


def end_features(found: Sequence[Sentence]) -> Iterator[str]:
    """The words of the first and the last sentence as such, where there are two: a wish stands at an end."""
    if len(found) < 2:
        return
    for end, sentence in (("first: ", found[0]), ("last: ", found[-1])):
        yield from map(end.__add__, sentence.words)
        yield from map(end.__add__, _pairs(sentence.words))


def _pairs(words: Iterable[str]) -> Iterator[str]:
    return map(" ".join, pairwise(["^", *words, "$"]))


def letter_features(sentence: Sentence) -> list[str]:
    """Two and four letters in a row, across words."""
    text = f" {sentence.text} "
    pairs = list(map(add, text, text[1:]))
    return [*pairs, *map(add, pairs, pairs[2:])]
