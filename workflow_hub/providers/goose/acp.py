"""The Agent Client Protocol, version 1, as Goose speaks it: lines of JSON-RPC, without any I/O.

Source: captures/acp, and Goose 1.52.0 itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_hub.errors import ReplyInvalid

VERSION = 1
METHOD_NOT_FOUND = -32601
REFUSED = -32000
Id = int | str


@dataclass(frozen=True, slots=True)
class Request:
    """Goose asks us for something, and waits for the answer."""

    id: Id
    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Notification:
    """Goose tells us something."""

    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Response:
    """Goose answers what we asked: a result, or an error in its words."""

    id: Id
    result: Mapping[str, Any]
    error: str | None = None


Received = Request | Notification | Response


class Lines:
    """Bytes in, whole lines out; ReplyInvalid where a line does not end within `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._parts: list[bytes] = []
        self._held_bytes = 0

    def feed(self, data: bytes) -> Iterable[bytes]:
        """The lines that `data` completes, without their ends; blank ones are left out."""
        *ends, rest = data.split(b"\n")
        if ends:
            whole = [b"".join([*self._parts, ends[0]]), *ends[1:]]
            self._parts, self._held_bytes = [], 0
        else:
            whole = []
        self._parts.append(rest)
        self._held_bytes += len(rest)
        if self._held_bytes > self._limit_bytes:
            raise ReplyInvalid(f"Goose sent a line of more than {self._limit_bytes:,} bytes")
        return [line for line in whole if line.strip()]


def write(message: Mapping[str, Any]) -> bytes:
    """A message as one line; characters that JSON cannot carry are replaced."""
    line = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False, separators=(",", ":"))
    return line.encode("utf-8", "replace") + b"\n"


def read(line: bytes) -> Received | None:
    """What a line says; None where it is no JSON-RPC message, such as a word to a human reader."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    match message:
        case {"method": str(method), "id": int() | str() as id}:
            return Request(id, method, _mapping(message.get("params")))
        case {"method": str(method)}:
            return Notification(method, _mapping(message.get("params")))
        case {"id": int() | str() as id, "error": error} if error is not None:
            return Response(id, {}, _error(error))
        case {"id": int() | str() as id, "result": result}:
            return Response(id, _mapping(result))
    return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _error(error: Any) -> str:
    match error:
        case {"message": str(message), "data": str(data)}:
            return f"{message}: {data}"
        case {"message": str(message)}:
            return message
    return json.dumps(error)


# -- what we say --------------------------------------------------------------------------------


def ask(id: int, method: str, params: Mapping[str, Any]) -> bytes:
    """A request of ours."""
    return write({"id": id, "method": method, "params": params})


def tell(method: str, params: Mapping[str, Any]) -> bytes:
    """A notification of ours."""
    return write({"method": method, "params": params})


def answer(id: Id, result: Mapping[str, Any]) -> bytes:
    """The answer to a request."""
    return write({"id": id, "result": result})


def permit(id: Id, allowed: bool) -> bytes:
    """The answer to a permission request, for this one call: Goose is never told to stop asking."""
    option = "allow_once" if allowed else "reject_once"
    return answer(id, {"outcome": {"outcome": "selected", "optionId": option}})


def refuse(id: Id, why: str, code: int = REFUSED) -> bytes:
    """The answer to a request that gets no result."""
    return write({"id": id, "error": {"code": code, "message": why}})
