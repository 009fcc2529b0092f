"""Whether what a text says of code is so: its names and numbers are there, and nothing speaks against it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from workflow_hub.tasks.docstrings.claims import contradiction
from workflow_hub.tasks.docstrings.known import Known, canonical
from workflow_hub.tasks.docstrings.slots import Slot

UNKNOWN = "named "
SAID = "said "
_NAME = re.compile(r"[A-Za-z_]\w*")
# A term or a header between backquotes is no code: `free list`, `Set-Cookie`.
_PROSE = re.compile(r"[A-Za-z]+(?:[ -][A-Za-z]+)+")
_ABBREVIATIONS = frozenset({"e.g", "i.e", "etc", "vs", "cf", "a.k.a"})
# Numbers that a text may use without claiming anything.
_SMALL = frozenset({"0", "1", "2"})
_WORDS_OF_NUMBER: Mapping[str, str] = {
    word: str(number)
    for number, word in enumerate("three four five six seven eight nine ten eleven twelve".split(), start=3)
}
# What a number with this unit may stand as in the code, as factors.
_UNITS: Mapping[str, tuple[float, ...]] = {
    **dict.fromkeys(("%", "percent"), (0.01,)),
    **dict.fromkeys(("s", "sec", "second", "seconds"), (1000, 1 / 60, 1e6, 1e9)),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), (0.001,)),
    **dict.fromkeys(("min", "minute", "minutes"), (60, 60_000, 1 / 60)),
    **dict.fromkeys(("h", "hour", "hours"), (60, 3600, 3_600_000)),
    **dict.fromkeys(("day", "days"), (24, 1440, 86_400, 86_400_000)),
    **dict.fromkeys(("kb", "kib", "kilobytes"), (1000, 1024)),
    **dict.fromkeys(("mb", "mib", "megabytes"), (1_000_000, 1_048_576, 1024)),
    **dict.fromkeys(("gb", "gib", "gigabytes"), (1e9, 2**30, 1024)),
}
# What looks like code in prose, one group a kind.
_TOKEN = re.compile(
    r"`+(?P<quoted>[^`]+)`+"
    r"|(?<![\w-])(?P<flag>--[A-Za-z][\w-]*|-[A-Za-z](?![\w-]))"
    r"|(?<![\w.:/])(?P<path>(?:~|\.{1,2})?/[\w.~-]*\w(?:/[\w.-]*\w)*|\.[a-z]\w*)"
    r"|(?<![\w/.-])(?P<dotted>[A-Za-z]\w*(?:\.[A-Za-z_]\w*)+(?:\(\))?)"
    r"|(?<![\w.])(?P<word>[^\W\d]\w*(?:\(\)|-\d+)?)"
    r"|(?<!\w)(?P<number>\d[\d_]*(?:[.,]\d+)*)"
    rf"(?P<unit>\s?%|[\s-]?(?i:{'|'.join(filter(str.isalpha, _UNITS))})\b|st|nd|rd|th|xx)?"
)
# Words that are written in capitals or with capitals inside, and stand in no code for what they mean.
_WORLD = frozenset(
    """AM AND ANY API APIs ALL ASCII CLI CPU CPUs DO EOF GPU GPUs I/O ID IDs IO IPv4 IPv6 ISO JavaScript MAY
    MUST NEVER NOT NaN NoneType OK ONLY OR OS PEP PM PyPI Python RAM RFC SHOULD TTY TypeScript UI UNIX URI
    URIs URL URLs UTC UTF UTF-8 UUID GitHub GitLab iOS macOS x86""".split()
)


def untrue(text: str, slot: Slot, known: Known) -> str | None:
    """What of a tidied text is not so, as the end of a sentence about it; None where it may be."""
    if stranger := next(strangers(text, known), None):
        return f"{UNKNOWN}{stranger}, which the code does not know"
    if claim := contradiction(text, slot, known):
        return f'{SAID}"{claim.words}", {claim.truth}'
    return None


def strangers(text: str, known: Known) -> Iterator[str]:
    """Whatever in the text looks like code, or is a number, and is nowhere in what is known."""
    for found in _TOKEN.finditer(text):
        match found.lastgroup:
            case "quoted":
                yield from _in_code(found["quoted"], known)
            case "flag":
                if not _is_flag(found["flag"], known):
                    yield found["flag"]
            case "path":
                if not _is_path(found["path"], known):
                    yield found["path"]
            case "dotted" if found["dotted"].lower() not in _ABBREVIATIONS:
                yield from _unknown_names(found["dotted"], known)
            case "word":
                yield from _in_word(found["word"], known)
            case "number" | "unit":
                if not _is_number(found["number"], (found["unit"] or "").strip(" -").lower(), known):
                    yield found["number"]


def _in_code(quoted: str, known: Known) -> Iterator[str]:
    if quoted.lower() in known.code:
        return
    if _PROSE.fullmatch(quoted):
        yield from strangers(quoted, known)
        return
    yield from _unknown_names(quoted, known)
    for number in re.findall(r"(?<!\w)\d[\d_]*(?:\.\d+)*", quoted):
        if not _is_number(number, "", known):
            yield number


def _unknown_names(text: str, known: Known) -> Iterator[str]:
    yield from (name for name in _NAME.findall(text) if not _is_name(name, known))


def _is_name(name: str, known: Known) -> bool:
    return name in known.names or name in _WORLD or (name.endswith("s") and name[:-1] in known.names)


def _in_word(word: str, known: Known) -> Iterator[str]:
    """The word itself where it is an identifier, an acronym or a number, and unknown."""
    bare = word.removesuffix("()")
    if bare != word or "_" in bare.strip("_"):
        if not _is_name(bare, known):
            yield bare
    elif number := _WORDS_OF_NUMBER.get(bare.lower()):
        if number not in known.numbers:
            yield word
    elif any(sign.isdigit() or sign.isupper() for sign in bare[1:]) and not _is_spelled(bare, known):
        yield bare


def _is_spelled(word: str, known: Known) -> bool:
    """Whether the code has the word in some spelling: `HTTP` for `http_client`, `SHA256` for `sha256`."""
    if _is_name(word, known):
        return True
    said = word.removesuffix("s").lower()
    return said in known.code or said.replace("-", "") in known.code


def _is_flag(flag: str, known: Known) -> bool:
    name = flag.lstrip("-").replace("-", "_")
    return flag.lower() in known.code or (len(name) > 1 and name in known.names)


def _is_path(path: str, known: Known) -> bool:
    return path.lower() in known.code or all(name in known.names for name in _NAME.findall(path))


def _is_number(number: str, unit: str, known: Known) -> bool:
    value = canonical(number)
    if value in _SMALL or value in known.numbers or unit in {"st", "nd", "rd", "th", "xx"}:
        return True
    if value == "100" and unit in {"%", "percent"}:
        return True
    parts = value.split(".")
    if len(parts) > 1 and all(canonical(part) in known.numbers | _SMALL for part in parts):
        return True
    return len(parts) < 3 and any(
        canonical(f"{float(value) * factor:.10f}") in known.numbers for factor in _UNITS.get(unit, ())
    )
