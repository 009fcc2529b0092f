"""Whether a model's words may stand in a docstring: tidied first, then refused for a stated reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from workflow_hub.tasks.docstrings.slots import Slot
from workflow_hub.tasks.docstrings.truth import SAID, UNKNOWN

LONGEST_SUMMARY = 160
LONGEST_ENTRY = 200
RUN = 4
COPIED = "was copied from the instructions"
SAME = "was said of another part, too"
# Part of what an answer is remembered under: with other rules, what was refused may be asked again.
RULES = 6
# What to ask for instead, by what was wrong. A small model that is told what was wrong says that
# again; told what to do, it does so now and then.
INSTEAD: Mapping[str, str] = {
    "was empty": "in a whole phrase",
    "was a single word": "in a whole phrase",
    "only named the type": "by what it is for",
    "only repeated the name": "in other words than its name",
    "was a placeholder": "by what the code does",
    "was a message's format": "in words, not as a format",
    COPIED: "by what this code does",
    SAME: "by what sets it apart",
    "repeated itself": "in fewer words",
    "was too long": "in fewer words",
    "contained quotes or a code block": "in plain words",
    "contained control characters": "in plain words",
}
_SENTENCE_END = re.compile(r"(?<=[^.\s][.!?])\s+(?=[A-Z`\"'(])")
_PREAMBLE = re.compile(
    r"^(?:(?:this|the) {0}(?: is used)?(?: to)?|(?:this|the|an?) {0} (?:that|which)) +".format(
        "(?:function|method|class|module|property|code)"
    ),
    re.I,
)
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|TBD|XXX|N/A|placeholder|lorem ipsum)\b|^(?:none|null|unknown|undefined|\?+)\W*$"
    r"|\.\.\.|…|<[a-z_ ]+>|\[[a-z ]+ here\]|\b(?:short description|description of (?:the )?param\w*)\b",
    re.IGNORECASE,
)
# The format of a message, not what it says: a small model copies it from `raise`.
_FORMAT = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?[srdif]\b|%\(\w+\)|\{\w*(?:![ras])?(?::[^{}]*)?\}")
# What is left over at an end: a comma, or the place of a value after a colon.
_LOOSE_END = re.compile(rf"[\s,;:]+(?:(?:{_FORMAT.pattern})\s*)?$")
# Also marks that turn the direction of a line: they show a text as what it is not.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_WORD = re.compile(r"[^\W\d_]+|\d+")
# What of a text was not so: truth.untrue's reasons.
_UNTRUE = re.compile(rf"(?:{UNKNOWN}|{SAID})(.+?), (?:which|where|though) ")


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s", "e"):
        if len(word) > len(ending) + 2 and word.endswith(ending):
            return word.removesuffix(ending)
    return word


# Words that say nothing about a value, as stems.
_NOISE = frozenset(
    map(
        _stem,
        """a an and any are argument as be by containing for from function given has in instance into is it
        its method object of on or parameter provided specified that the this to used using value when
        which with""".split(),
    )
)


_TYPES = frozenset(
    map(
        _stem,
        """bool boolean bytes dict dictionaries dictionary empty false float int integer iterable list none
        null number optional sequence set str string strings true tuple type""".split(),
    )
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a prompt says: its runs of words, and the words that only its example uses."""

    runs: AbstractSet[tuple[str, ...]]
    echoes: AbstractSet[str]


SILENT = Spoken(frozenset(), frozenset())


def tidy(text: str) -> str:
    """The text as one line and one sentence, without quotes around it or a preamble before it."""
    line = " ".join(text.split())
    while (shorter := _trimmed(line)) != line:
        line = shorter
    return line


def _trimmed(line: str) -> str:
    line = _LOOSE_END.sub("", line)
    for quote in ('"', "'", "`"):
        if len(line) > 1 and line[0] == line[-1] == quote and line.count(quote) == 2:
            line = line[1:-1].strip()
    line = line.removeprefix("- ")
    if shorter := _PREAMBLE.sub("", line, count=1):
        line = shorter
    return _SENTENCE_END.split(line, maxsplit=1)[0].strip()


def refusal(
    text: str,
    slot: Slot,
    about: AbstractSet[str],
    known: AbstractSet[str],
    spoken: Spoken = SILENT,
) -> str | None:
    """Why a tidied text may not stand in `slot`, as the end of a sentence about it; None where it may.

    `about` are names that the text must say more than (the function's, the parameter's and its
    type's); `known` are all the identifiers that the code around knows; `spoken` is what the prompt
    itself says, which a small model likes to say again. Whether it is true is truth.untrue's to say.
    """
    limit = LONGEST_SUMMARY if slot.kind == "summary" else LONGEST_ENTRY
    if not any(letter.isalnum() for letter in text):
        return "was empty"
    if text.isascii() and len(text.split()) == 1:
        return "was a single word"
    if '"""' in text or "'''" in text or "```" in text:
        return "contained quotes or a code block"
    if _CONTROL.search(text):
        return "contained control characters"
    if len(text) > limit:
        return "was too long"
    if _PLACEHOLDER.search(text):
        return "was a placeholder"
    if _FORMAT.search(text):
        return "was a message's format"
    if runs_of(text) & spoken.runs or _strange(text, spoken, known) or _is_advice(text):
        return COPIED
    if _repeats(text):
        return "repeated itself"
    said = stems(text)
    if said and said <= _TYPES:
        return "only named the type"
    if restates(text, about):
        return "only repeated the name"
    return None


def instead(reason: str) -> str:
    """How to answer better, for the question that follows a refusal: "in fewer words"."""
    if untrue := _UNTRUE.match(reason):
        return f"without {untrue[1]}"
    return INSTEAD.get(reason, "in a whole phrase")


def _is_advice(text: str) -> bool:
    """Whether it says how to answer, in the words of `instead`."""
    said = text.lower().strip(" .")
    return any(said in advice or advice in said for advice in INSTEAD.values())


def _strange(text: str, spoken: Spoken, known: AbstractSet[str]) -> bool:
    """Whether it uses a word of the prompt's example that the code does not."""
    words = {_stem(word) for word in _WORD.findall(text.lower()) if word in spoken.echoes}
    return bool(words) and not words & {_stem(word) for name in known for word in words_of(name)}


def runs_of(text: str) -> frozenset[tuple[str, ...]]:
    """Every run of RUN words of a text: what an answer must not share with the prompt's own words."""
    words = [word.lower() for word in _WORD.findall(text)]
    return frozenset(tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1))


def restates(text: str, names: AbstractSet[str]) -> bool:
    """Whether every word of the text that says anything is in one of the names."""
    return stems(text) <= {_stem(word) for name in names for word in words_of(name)}


def stems(text: str) -> set[str]:
    """The words of a text that say anything, without their endings."""
    return {_stem(word) for word in _WORD.findall(text.lower())} - _NOISE


def words_of(name: str) -> list[str]:
    """The lower-case words of an identifier or type: `max_retryCount` has `max`, `retry`, `count`."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", name)]


def _repeats(text: str) -> bool:
    """Whether a run of four words comes twice: what a model that has lost the thread writes."""
    words = text.lower().split()
    runs = [tuple(words[start : start + RUN]) for start in range(len(words) - RUN + 1)]
    return len(set(runs)) < len(runs)
