"""The models that Docker Model Runner has in memory, as its native paths tell and change it; pure.

One entry for each mode of a model. Source: the contract, sections 2.6 and 4.2, and its captures of
`ps` and `unload`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from workflow_hub.errors import ReplyInvalid
from workflow_hub.providers.dmr.wire import Call

LOADED = Call("/engines/ps")


@dataclass(frozen=True, slots=True)
class Runner:
    """A model in memory, under the name by which it was asked for. A busy one is not unloaded."""

    name: str
    mode: str = ""
    busy: bool = False


def read_runners(data: bytes) -> list[Runner]:
    """The runners in the answer to LOADED; raises ReplyInvalid where it is no list of them."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ReplyInvalid("the answer is no list of loaded models") from error
    if not isinstance(document, list):
        raise ReplyInvalid("the answer is no list of loaded models")
    return [_runner(entry) for entry in document]


def unloading(names: Iterable[str]) -> Call:
    """The request to unload these models. No backend is named: the server would forget their settings."""
    return Call("/engines/unload", body=json.dumps({"models": list(names)}).encode())


def _runner(entry: Any) -> Runner:
    match entry:
        case {"model_name": str(name)}:
            busy = bool(entry.get("in_use") or entry.get("loading"))
            return Runner(name, str(entry.get("mode") or ""), busy)
    raise ReplyInvalid("the answer is no list of loaded models")
