"""Whether Goose's work came to an end of its own: pure, from what the protocol and Goose's texts tell.

Goose says `end_turn`, and exits with 0, whatever has happened. What tells the truth: a message of Goose's
own making has an id of its own form, and a model's reply that came to its end has its tokens counted.
Source: Goose 1.52.0 over ACP, against a server that fails in each of these ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from workflow_hub.errors import (
    ContextOverflow,
    HubError,
    ModelMissing,
    ReplyCut,
    ReplyInvalid,
    RequestRefused,
    RunnerUnreachable,
)

OWN_ID = re.compile(r"msg_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STATUS = re.compile(r"\((?P<status>[45]\d\d)\b")
UNREACHABLE = "Network error: Could not connect"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a prompt ended: the stop reason, the last message and its id, and the tokens of the last reply."""

    stop: str
    message: str
    message_id: str
    tokens: int


def read_ending(result: Mapping[str, Any], message: str, message_id: str) -> Ending:
    """The ending, from the result of `session/prompt`."""
    usage = result.get("usage")
    tokens = usage.get("totalTokens") if isinstance(usage, dict) else None
    return Ending(
        str(result.get("stopReason", "")), message, message_id, tokens if isinstance(tokens, int) else 0
    )


def is_own(message_id: str) -> bool:
    """Whether Goose itself wrote the message, and no model."""
    return OWN_ID.fullmatch(message_id) is not None


def judge(ending: Ending, model: str, turns: int, partial: str = "") -> HubError | None:
    """What went wrong, None where the model came to its end. `partial` is what the model had said."""
    if ending.stop == "max_turn_requests":
        return _out_of_turns(turns, partial)
    if ending.stop == "refusal":
        return RequestRefused("the model refuses to work on this", partial=partial)
    if ending.stop != "end_turn":
        return ReplyCut(f"the model was stopped in the midst of its answer ({ending.stop})", partial=partial)
    if is_own(ending.message_id):
        return _said_by_goose(ending.message, model, turns, partial)
    if not ending.message.strip():
        return ReplyInvalid(f"{model} came to no answer")
    if not ending.tokens:
        return ReplyCut(f"the last reply of {model} broke off", partial=partial)
    return None


def _said_by_goose(text: str, model: str, turns: int, partial: str) -> HubError:
    for beginning, error in _BEGINNINGS.items():
        if text.startswith(beginning):
            return error(text, model, turns, partial)
    return ReplyInvalid(f"Goose ended without an answer of {model}: {_line(text)}", partial=partial)


def _out_of_turns(turns: int, partial: str) -> HubError:
    return ReplyCut(
        f"Goose used up its {turns} turns; ask for less at a time, or allow more", partial=partial
    )


def _failed(text: str, model: str, turns: int, partial: str) -> HubError:
    found = STATUS.search(text)
    status = int(found["status"]) if found else 0
    if status == HTTPStatus.NOT_FOUND:
        return ModelMissing(f"the server has no {model}; type `docker model pull {model}`", partial=partial)
    return RequestRefused(f"the model's server failed: {_line(text)}", status=status, partial=partial)


def _broke_off(text: str, model: str, turns: int, partial: str) -> HubError:
    if text.startswith(UNREACHABLE):
        return RunnerUnreachable(f"nobody answers for {model}; see `docker model status`", partial=partial)
    return ReplyCut(f"the reply of {model} broke off: {_line(text)}", partial=partial)


def _line(text: str) -> str:
    """What is new in Goose's words: without its beginnings, and without its advice to say it again."""
    line = text.partition("\n")[0].strip().removesuffix(".")
    for beginning in ("Ran into this error: ", "Network error: ", "Server error: "):
        line = line.removeprefix(beginning)
    return line


_BEGINNINGS: Mapping[str, Callable[[str, str, int, str], HubError]] = {
    "I've reached the maximum number of actions": lambda text, model, turns, partial: _out_of_turns(
        turns, partial
    ),
    "Ran into this error trying to compact": lambda text, model, turns, partial: ContextOverflow(
        f"the work grew longer than the context of {model}; ask for less at a time", partial=partial
    ),
    "Ran into this error": _failed,
    "Network error: ": _broke_off,
    "The model returned an empty response": lambda text, model, turns, partial: ReplyInvalid(
        f"{model} answered nothing, several times", partial=partial
    ),
}
