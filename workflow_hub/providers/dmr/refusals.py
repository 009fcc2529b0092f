"""Our errors from what a server says when it says no.

DMR says it in four formats: plain text of its own, OpenAI's JSON from the engine, JSON in a text
content type after a crash, and nothing at all (contract, section 2.1 and quirk 1). A proxy in
between adds a fifth: a web page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workflow_hub.errors import (
    ContextOverflow,
    HubError,
    ModelMissing,
    OutOfMemory,
    RequestRefused,
    RequestTooLarge,
    RunnerBusy,
    RunnerUnreachable,
    TemplateRefused,
)

_LONGEST_WORDS = 300

# What the server says in passing, and what to do about it.
_HINTS = (
    ("mmproj", "choose a model that takes images"),
    ("pooling type", "choose an embedding model; this one chats"),
    ("generate parser", "the JSON schema cannot be made into a grammar; simplify it"),
    ("backend not found", "check the engine in the address"),
    ("terminated unexpectedly", "the engine crashed; see `docker model logs`"),
    ("unable to load runner", "the engine does not start; see `docker model logs`"),
    ("origin not allowed", "something in between adds an Origin header; allow it in DMR_ORIGINS"),
    ("does not match the expected", "ask again, or without tools"),
    ("binary not found", "install that engine with `docker model install-runner`"),
    ("is not installed", "install that engine with `docker model install-runner`"),
)
# A path that nobody serves, in the words of DMR and of Go's router (contract, section 2.1).
_NO_SUCH_PATH = frozenset({"not found", "404 page not found", "backend not found"})
# A load that did not come to its end: the next request starts it again (contract, section 4.1).
_LOAD_BROKEN_OFF = ("backend loading disabled", "unable to load runner: context canceled", "loading model")
# A load that failed for want of memory: DMR's own prefix (contract, section 4.1), else the words of
# llama.cpp's allocators at the end of its log.
_NO_MEMORY = (
    "not enough gpu memory",
    "out of memory",
    "failed to allocate",
    "unable to allocate",
    "insufficient memory",
)
# llama.cpp renders the messages to find out how the model writes: a template that raises fails there, and
# so does a schema that makes no grammar.
_NO_PARSER, _NO_GRAMMAR = "unable to generate parser for this template", "json schema error"


@dataclass(frozen=True, slots=True)
class Words:
    """What a server said: its message on one line, the error's type, and whether it was a web page.

    `last` is the message's last line, where an engine that quotes its source says what was wrong;
    `context_tokens` is the context of a model that is too short for the prompt, 0 for other errors.
    """

    message: str
    kind: str = ""
    code: int = 0
    page: bool = False
    last: str = ""
    context_tokens: int = 0


def words_of(body: bytes) -> Words:
    """What `body` says, whichever of the formats it is in."""
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("<"):
        title = re.search(r"<title[^>]*>([^<]*)", text, re.IGNORECASE)
        return Words(f"a web page, {_one_line(title[1])!r}" if title else "a web page", page=True)
    match _parsed(text):
        case {"error": {"message": str(message)} as error} | ({"message": str(message)} as error):
            kind, code, context = error.get("type"), error.get("code"), error.get("n_ctx")
            return Words(
                _one_line(message),
                kind if isinstance(kind, str) else "",
                code if isinstance(code, int) else 0,
                last=_one_line(message.strip().rpartition("\n")[2]),
                context_tokens=context if isinstance(context, int) and context > 0 else 0,
            )
        case {"error": str(message)}:
            return Words(_one_line(message))
    return Words(_one_line(text))


def refusal(status: int, body: bytes, *, model: str = "", where: str = "", partial: str = "") -> HubError:
    """The error for an HTTP status and its body, or for an error inside a 200, whose status it may tell.

    `model` is the name that was asked for, empty for a listing; `where` is the address. The message
    carries the server's words and the next step.
    """
    words = words_of(body)
    status = words.code if status == 200 else status
    said = words.message or "no explanation"
    lower = words.message.lower()
    if words.kind == "exceed_context_size_error":
        text = f"the prompt is too long for {model}: {said}; shorten it, or configure a larger context"
        return ContextOverflow(text, status=status, partial=partial, context_tokens=words.context_tokens)
    if lower.startswith(_NO_PARSER) and _NO_GRAMMAR not in lower:
        text = f"{model}'s chat template cannot render these messages: {words.last}; ask another model"
        return TemplateRefused(text, status=status, partial=partial)
    if "unable to load runner" in lower and _says_one_of(_NO_MEMORY, body):
        text = (
            f"{model} does not fit into the server's memory: {said}; unload others with "
            "`docker model unload --all`, or take a smaller model"
        )
        return OutOfMemory(text, partial=partial)
    if status == 413 or lower == "request too large":
        return RequestTooLarge(
            f"the server takes no request of this size: {said}", status=status, partial=partial
        )
    if status == 502 and not words.message:
        return RunnerBusy(
            "the engine has just stopped and is started again (empty HTTP 502)", partial=partial
        )
    if status in (429, 503) or words.kind == "unavailable_error" or lower.endswith(_LOAD_BROKEN_OFF):
        text = (
            f"the server is busy, loading or switched off (HTTP {status}): {said}; see `docker model status`"
        )
        return RunnerBusy(text, partial=partial)
    if status == 404 and (not model or words.page or lower in _NO_SUCH_PATH):
        place = f" at {where}" if where else ""
        return RunnerUnreachable(
            f"no model runner{place} (HTTP 404: {said}); check DMR_BASE_URL", partial=partial
        )
    if status == 404:
        return ModelMissing(f"{model} is not there ({said}); get it with `docker model pull {model}`")
    return RequestRefused(_refused(status, said, lower, words), status=status, partial=partial)


def redirected(status: int, location: str) -> RequestRefused:
    """The error for a redirect: following it could carry code and keys to a stranger."""
    target = _one_line(location) or "nowhere"
    text = f"the address redirects (HTTP {status}) to {target}; set DMR_BASE_URL to that if it is yours"
    return RequestRefused(text, status=status)


def _refused(status: int, said: str, lower: str, words: Words) -> str:
    if words.page:
        return f"HTTP {status} with {said}: not a model runner's answer; check DMR_BASE_URL and proxies"
    if status in (401, 403) and "origin" not in lower:
        return f"the server refused the request (HTTP {status}): {said}; check the key (DMR_API_KEY)"
    hint = next((f"; {step}" for sign, step in _HINTS if sign in lower), "")
    return f"the server refused the request (HTTP {status}): {said}{hint}"


def _says_one_of(signs: Iterable[str], body: bytes) -> bool:
    text = body.decode("utf-8", "replace").lower()
    return any(sign in text for sign in signs)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _one_line(text: str) -> str:
    """The first line, without the engine's command line, and not long."""
    line = text.strip().partition("\n")[0].strip()
    line = re.sub(r" arg: '\[.*?\]'", "", line)
    return line if len(line) <= _LONGEST_WORDS else line[: _LONGEST_WORDS - 1] + "…"
