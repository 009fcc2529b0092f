"""A Docker Model Runner for tests and benchmarks: a real HTTP/1.1 server that answers like the captures.

    with DmrDouble(models=("ai/qwen3-coder",), faults=[EMPTY_502]) as dmr:
        client = DockerModelClient(dmr.url)

It listens on a loopback port (or a Unix socket), needs nothing but the standard library, and says on
the wire what the real one says: routes, error texts, headers, chunks, slots and their silence. What the
model "writes" comes from `answer`; what goes wrong comes from `faults`. As a program, for benchmarks:
`python tests/doubles/dmr.py --port 12434 --model ai/qwen3-coder --token-delay 0.02`.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import json
import re
import signal
import socket
import struct
import sys
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

BODY_LIMIT_BYTES = 10 * 1024 * 1024
BACKENDS = ("llama.cpp", "vllm", "mlx", "diffusers", "sglang")
NEVER = "0001-01-01T00:00:00Z"
CREATED = 1795288619
CRASH_TEXT = "llama.cpp terminated unexpectedly: llama.cpp failed: slot launch_slot_: processing task\n"
PARSE_TEXT = "The model produced output that does not match the expected peg-native format"
ORIGINS = frozenset(f"{s}://{h}" for s in ("http", "https") for h in ("localhost", "127.0.0.1", "0.0.0.0"))
NUMBERS = (
    "temperature",
    "top_p",
    "min_p",
    "presence_penalty",
    "frequency_penalty",
    "max_tokens",
    "seed",
    "n",
)
SCHEMA_TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
IMAGE_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF")

SENTENCES = (
    "Work out the result from what is given",
    "Keep the order in which the entries came",
    "Tell whether the condition holds for the whole group",
    "Hold what the caller hands over",
    "Say how many steps are allowed before giving up",
    "Take the first entry that fits and leave the others alone",
    "Give back everything that was found so far",
    "Happens when the input cannot be used",
    "Set how closely both sides have to agree",
    "Turn the raw text into something that is easier to work with",
    "Name the place where the outcome goes",
)
# So many sentences that two functions hardly ever say the same.
ENDINGS = tuple(
    f" {when} the {what} {done}"
    for when in ("before", "after", "while", "until", "unless", "once")
    for what in ("rest", "caller", "next step", "whole", "other side")
    for done in ("settles", "goes on", "comes back")
)

HOSTILE = (
    "She said \"no\" and 'yes'",
    'Ends with a quote"',
    'Three of them """ in the middle',
    "The other three ''' in the middle",
    "Ends with a backslash\\",
    "C:\\new\\table\\x41\\u0041\\N{BULLET}",
    "{braces} {{double}} {0} {!r} %s %(name)s ${HOME} {% raw %} {{ 7*7 }}",
    "first line\nsecond line\n\n\tindented\r\nold Mac\rend",
    "form\x0cfeed, bell \x07, null \x00, escape \x1b[31m, next line \x85, separator \u2028",
    "naïve — “quotes” 日本語 🙂 e\u0301 \u202eright to left",
    "</script><!-- --> <think>hm</think> [DONE] data: {}",
    "```python\nimport os\n```",
    "huge " * 4000,
    "   ",
    "",
    "TODO: describe this",
)


# -- what is on the store, what came in, what goes out ------------------------------------------


@dataclass(frozen=True)
class StoredModel:
    """A model of the double's store. `sees` takes images, `embeds` serves embeddings instead of a 400."""

    name: str
    context_tokens: int = 8192
    sees: bool = False
    embeds: bool = False

    @property
    def tag(self) -> str:
        """The fully qualified name: "ai/x" is stored as "docker.io/ai/x:latest"."""
        plain = normalised(self.name)
        return plain if "." in plain.split("/")[0] else f"docker.io/{plain}"

    @property
    def id(self) -> str:
        return "sha256:" + hashlib.sha256(self.tag.encode()).hexdigest()

    @property
    def gguf_path(self) -> str:
        return f"/models/bundles/sha256/{self.id[7:]}/model/model.gguf"


@dataclass(frozen=True)
class Request:
    """A request as it came: `path` with its query, header names in lower case, `body` parsed if JSON."""

    method: str
    path: str
    headers: Mapping[str, str]
    raw: bytes
    body: Any

    @property
    def keeps_alive(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


@dataclass(frozen=True)
class Response:
    """A response: headers without length and date; `records` is a server-sent stream instead of a body."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    records: tuple[bytes, ...] | None = None

    def writes(self) -> list[bytes]:
        """The bytes on the wire: one piece, or a stream as its head, its chunks and the last, empty chunk."""
        head = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        head += [f"{name}: {value}" for name, value in self.headers]
        head.append("Date: " + _date(int(time.time())))
        if self.records is None:
            head.append(f"Content-Length: {len(self.body)}")
            return [("\r\n".join(head) + "\r\n\r\n").encode() + self.body]
        head.append("Transfer-Encoding: chunked")
        chunks = [b"%x\r\n%s\r\n" % (len(record), record) for record in self.records]
        return [("\r\n".join(head) + "\r\n\r\n").encode(), *chunks, b"0\r\n\r\n"]


@dataclass(frozen=True)
class Answer:
    """What the model says, before it becomes a body; `choices` False leaves them out, `text` None is null."""

    text: str | None
    finish: str = "stop"
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    choices: bool = True


class Gone(Exception):
    """The client, or the double itself, closed the connection."""


class Link:
    """One connection: reads requests, writes bytes, and notices when the other side leaves."""

    def __init__(self, sock: socket.socket, double: DmrDouble) -> None:
        self.sock = sock
        self.double = double
        self._buffer = b""

    def read(self) -> Request | None:
        """The next request, or None where the connection ended between two."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._fill():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = start.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        raw = (
            self._chunked()
            if "transfer-encoding" in headers
            else self._take(int(headers.get("content-length", 0)))
        )
        return Request(method, path, headers, raw, _parsed(raw))

    def _fill(self) -> bool:
        self.sock.settimeout(None)
        with contextlib.suppress(OSError):
            if data := self.sock.recv(1 << 18):
                self._buffer += data
                return True
        return False

    def _take(self, count: int) -> bytes:
        parts, missing = [self._buffer[:count]], count - len(self._buffer)
        self._buffer = self._buffer[count:]
        while missing > 0:
            if not self._fill():
                raise Gone
            parts.append(self._buffer[:missing])
            self._buffer, missing = self._buffer[missing:], missing - len(self._buffer)
        return b"".join(parts)

    def _chunked(self) -> bytes:
        parts = []
        while True:
            while b"\r\n" not in self._buffer:
                if not self._fill():
                    raise Gone
            size, _, self._buffer = self._buffer.partition(b"\r\n")
            parts.append(self._take(int(size.split(b";")[0], 16)))
            self._take(2)
            if not parts[-1]:
                return b"".join(parts)

    def write(self, data: bytes) -> None:
        try:
            self.sock.settimeout(30)
            self.sock.sendall(data)
        except OSError as error:
            raise Gone from error

    def wait(self, seconds: float | None) -> None:
        """Let time pass (None: for ever) while the client is there; Gone when it leaves."""
        ends = None if seconds is None else time.monotonic() + seconds
        while ends is None or time.monotonic() < ends:
            left = 3600.0 if ends is None else max(ends - time.monotonic(), 1e-6)
            try:
                self.sock.settimeout(left)
                here = self.sock.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                continue
            except OSError as error:
                raise Gone from error
            if not here:
                raise Gone
            time.sleep(min(left, 0.005))  # the next request is already here: nothing to watch but the clock

    def check(self) -> None:
        """Raise Gone if the client has left by now."""
        try:
            self.sock.setblocking(False)
            if not self.sock.recv(1, socket.MSG_PEEK):
                raise Gone
        except BlockingIOError:
            return
        except OSError as error:
            raise Gone from error

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, response: Response) -> None:
        """The whole response; a stream at the double's pace of `token_s` a record."""
        head, *chunks = response.writes()
        self.write(head)
        for chunk in chunks:
            if self.double.token_s:
                self.wait(self.double.token_s)
            self.write(chunk)


# -- faults -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with the next `times` matching requests (None: all), after `skip` of them went well.

    It matches inference requests, or with `path` any request whose path contains it, and whose body
    contains `containing`. A subclass changes the answer's content, the response, or how it is sent.
    """

    times: int | None = 1
    skip: int = 0
    path: str = ""
    containing: str = ""

    def matches(self, request: Request, inference: bool) -> bool:
        where = self.path in request.path if self.path else inference
        return where and self.containing.encode() in request.raw

    def twist(self, answer: Answer) -> Answer:
        return answer

    def respond(self, response: Response) -> Response:
        return response

    def deliver(self, link: Link, response: Response) -> bool:
        """Send it; False closes the connection."""
        link.send(response)
        return True


@dataclass(frozen=True)
class Refusal(Fault):
    """Another response instead."""

    response: Response

    def respond(self, response: Response) -> Response:
        return self.response


@dataclass(frozen=True)
class Delay(Fault):
    """All as it should be, but `seconds` later; the slot is held meanwhile."""

    seconds: float

    def deliver(self, link: Link, response: Response) -> bool:
        link.wait(self.seconds)
        link.send(response)
        return True


@dataclass(frozen=True)
class EngineKilled(Fault):
    """The engine dies: a stream is cut after `chunks` without its last chunk, else a 500 with its log."""

    chunks: int = 3

    def respond(self, response: Response) -> Response:
        return CRASH_500.response if response.records is None else response

    def deliver(self, link: Link, response: Response) -> bool:
        for data in response.writes()[: self.chunks + 1]:
            link.write(data)
        return response.records is None


@dataclass(frozen=True)
class StreamError(Fault):
    """The stream ends with an error record and no [DONE], cleanly; else that error as a 500."""

    chunks: int = 3
    message: str = PARSE_TEXT

    def respond(self, response: Response) -> Response:
        error = engine_error(500, self.message, "server_error")
        if response.records is None:
            return error
        return replace(response, records=(*response.records[: self.chunks], b"data: " + error.body + b"\n\n"))


@dataclass(frozen=True)
class NoDone(Fault):
    """The stream ends cleanly but without [DONE]; a plain body ends before its announced length."""

    def deliver(self, link: Link, response: Response) -> bool:
        if response.records is None:
            link.write(response.writes()[0][:-10])
            return False
        link.send(replace(response, records=response.records[:-1]))
        return True


@dataclass(frozen=True)
class Drip(Fault):
    """One byte every `seconds`, headers too."""

    seconds: float

    def deliver(self, link: Link, response: Response) -> bool:
        for byte in b"".join(response.writes()):
            link.wait(self.seconds)
            link.write(bytes((byte,)))
        return True


@dataclass(frozen=True)
class Hang(Fault):
    """No byte at all, not even a header, until the client leaves."""

    def deliver(self, link: Link, response: Response) -> bool:
        link.wait(None)
        return False


@dataclass(frozen=True)
class Stall(Fault):
    """`chunks` of a stream, or half a body, then nothing more until the client leaves."""

    chunks: int = 3

    def deliver(self, link: Link, response: Response) -> bool:
        writes = response.writes()
        whole = len(writes) == 1
        for data in [writes[0][: -len(response.body) // 2]] if whole else writes[: self.chunks + 1]:
            link.write(data)
        link.wait(None)
        return False


@dataclass(frozen=True)
class Reset(Fault):
    """The connection is reset before a byte."""

    def deliver(self, link: Link, response: Response) -> bool:
        link.reset()
        return False


@dataclass(frozen=True)
class Close(Fault):
    """The connection is closed before a byte."""

    def deliver(self, link: Link, response: Response) -> bool:
        return False


@dataclass(frozen=True)
class Die(Fault):
    """The whole server goes: every connection is cut, later ones are refused."""

    def deliver(self, link: Link, response: Response) -> bool:
        link.double.die()
        return False


@dataclass(frozen=True)
class Says(Fault):
    """Another text, whatever was asked; None is `"content": null`."""

    text: str | None

    def twist(self, answer: Answer) -> Answer:
        return replace(answer, text=self.text)


@dataclass(frozen=True)
class Wrapped(Fault):
    """The right text between other words."""

    before: str = "Here is the JSON you asked for:\n\n```json\n"
    after: str = "\n```\nLet me know if you need anything else!"

    def twist(self, answer: Answer) -> Answer:
        return replace(answer, text=f"{self.before}{answer.text}{self.after}")


@dataclass(frozen=True)
class CutShort(Fault):
    """Only the first `characters` of the text, with finish_reason "length"."""

    characters: int = 5

    def twist(self, answer: Answer) -> Answer:
        return replace(answer, text=(answer.text or "")[: self.characters], finish="length")


@dataclass(frozen=True)
class Thinks(Fault):
    """Thoughts beside the text in `reasoning_content`, or `inline` before it between think tags."""

    thought: str = "The user wants an answer. Let me think."
    inline: bool = False

    def twist(self, answer: Answer) -> Answer:
        if self.inline:
            return replace(answer, text=f"<think>\n{self.thought}\n</think>\n\n{answer.text}")
        return replace(answer, reasoning=self.thought)


@dataclass(frozen=True)
class NoChoices(Fault):
    """`"choices": []`, in a stream nothing but the usage chunk."""

    def twist(self, answer: Answer) -> Answer:
        return replace(answer, choices=False)


@dataclass(frozen=True)
class ToolCalls(Fault):
    """Tool calls instead of text: (name, arguments as JSON) each."""

    calls: tuple[tuple[str, str], ...]
    finish: str = "tool_calls"

    def twist(self, answer: Answer) -> Answer:
        return Answer(text="", finish=self.finish, calls=self.calls)


# -- what the double says when nobody told it what to say ----------------------------------------


def plain_answer(body: Mapping[str, Any]) -> str:
    """A valid document of the requested JSON schema, or one short sentence; the same for the same body."""
    schema = requested_schema(body)
    seed = zlib.crc32(prompt_of(body).encode("utf-8", "replace"))
    if schema is None:
        return "Hello! How can I assist you today?"
    return json.dumps(plausible(schema, seed), indent=2, ensure_ascii=False)


def hostile_answer(body: Mapping[str, Any]) -> str:
    """Like `plain_answer`, with quotes, backslashes, braces, newlines and worse in every string."""
    schema = requested_schema(body)
    seed = zlib.crc32(prompt_of(body).encode("utf-8", "replace"))
    if schema is None:
        return HOSTILE[seed % len(HOSTILE)]
    return json.dumps(plausible(schema, seed, HOSTILE), indent=2, ensure_ascii=False)


def requested_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The schema of `response_format`, {} for a json_object without one, None for free text."""
    match body.get("response_format"):
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
        case {"type": "json_object", "schema": dict(schema)}:
            return schema
        case {"type": "json_object"}:
            return {"type": "object"}
    return None


def plausible(schema: Mapping[str, Any], seed: int, texts: Sequence[str] = SENTENCES) -> Any:
    """A value of the schema; strings come from `texts`, null only where nothing else is allowed."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return next((value for value in schema["enum"] if value is not None), None)
    for key in ("anyOf", "oneOf"):
        if options := schema.get(key):
            return plausible(next((o for o in options if o.get("type") != "null"), options[0]), seed, texts)
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else next((k for k in kinds if k != "null"), "null")
    match kind:
        case "object":
            # No two properties in a row say the same.
            properties = schema.get("properties", {})
            return {
                name: plausible(value, seed + place, texts)
                for place, (name, value) in enumerate(properties.items())
            }
        case "array":
            count = max(schema.get("minItems", 0), min(1, schema.get("maxItems", 1)))
            return [plausible(schema.get("items", {"type": "string"}), seed + i, texts) for i in range(count)]
        case "string":
            ending = ENDINGS[seed // len(texts) % len(ENDINGS)] if texts is SENTENCES else ""
            return _fitting(texts[seed % len(texts)] + ending, schema)
        case "integer" | "number":
            return schema.get("minimum", min(1, schema.get("maximum", 1)))
        case "boolean":
            return True
    return None


def _fitting(text: str, schema: Mapping[str, Any]) -> str:
    longest = schema.get("maxLength", len(text))
    if len(text) > longest:
        text = text[: longest + 1].rpartition(" ")[0] or text[:longest]
    return text.ljust(schema.get("minLength", 0), ".")


# -- the format: pure functions ------------------------------------------------------------------


def normalised(name: str) -> str:
    """A model's name as the server reads it: contract, section 3.1 (ids are left to the caller)."""
    name = name.strip().partition("@")[0]
    for prefix in ("index.docker.io/", "docker.io/"):
        name = name.removeprefix(prefix)
    if name.startswith("hf.co/"):
        name = "huggingface.co/" + name.removeprefix("hf.co/")
    slash = name.rfind("/")
    colon = name.find(":", slash + 1)
    base, tag = (name, "") if colon < 0 else (name[:colon], name[colon + 1 :])
    if base and slash < 0:
        base = "ai/" + base
    return f"{base.lower()}:{tag or 'latest'}" if base else ""


def _dumps(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def text_error(status: int, message: str, *headers: tuple[str, str]) -> Response:
    """An error of DMR itself: plain text."""
    kinds = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
    return Response(status, (*headers, *kinds), message.encode() + b"\n")


def json_answer(value: Any, status: int = 200, end: bytes = b"\n") -> Response:
    """An answer of DMR itself: JSON and a newline."""
    return Response(status, (("Content-Type", "application/json"),), _dumps(value) + end)


def engine_answer(value: Any, status: int = 200) -> Response:
    """An answer of llama-server, passed on."""
    headers = (("Content-Type", "application/json; charset=utf-8"), ("Server", "llama.cpp"))
    return Response(status, headers, _dumps(value))


def engine_error(status: int, message: str, kind: str = "invalid_request_error", **more: int) -> Response:
    """An error of llama-server: the OpenAI object."""
    return engine_answer({"error": {"code": status, "message": message, "type": kind, **more}}, status)


def engine_stream(records: Sequence[Any]) -> Response:
    """A stream of llama-server, with its end mark."""
    headers = (("Content-Type", "text/event-stream"), ("Server", "llama.cpp"), ("X-Accel-Buffering", "no"))
    lines = tuple(b"data: " + _dumps(record) + b"\n\n" for record in records)
    return Response(200, headers, records=(*lines, b"data: [DONE]\n\n"))


EMPTY_502 = Refusal(Response(502))
UNAVAILABLE_503 = Refusal(text_error(503, "service unavailable"))
LOADING_503 = Refusal(engine_error(503, "Loading model", "unavailable_error"))
BUSY_429 = Refusal(text_error(429, "too many requests"))
PLAIN_500 = Refusal(
    text_error(500, "unable to load runner: error waiting for runner to be ready: " + CRASH_TEXT.strip())
)
CRASH_500 = Refusal(
    Response(
        500,
        (("Content-Type", "text/plain; charset=utf-8"),),
        json.dumps(
            {"type": "error", "code": None, "message": CRASH_TEXT, "param": None, "sequence_number": 1}
        ).encode(),
    )
)
NO_MEMORY = text_error(
    500,
    "unable to load runner: error waiting for runner to be ready: llama.cpp terminated unexpectedly: "
    "llama.cpp failed: not enough GPU memory to load the model (CUDA)\n\nVerbose output:\n"
    "ggml_backend_cuda_buffer_type_alloc_buffer: allocating 17524.42 MiB on device 0",
)
# What llama.cpp says where a model's template raises for these messages.
TEMPLATE_400 = Refusal(
    engine_error(
        400,
        "Unable to generate parser for this template. Automatic parser generation failed: \n------------\n"
        "While executing CallExpression at line 1, column 98 in source:\n"
        "...op.index0 % 2 == 0) %}{{ raise_exception('Conversation roles must alternate user...\n"
        "                                           ^\n"
        "Error: Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/...",
    )
)
HTML_PAGE = Refusal(
    Response(200, (("Content-Type", "text/html"),), b"<!doctype html><title>Sign in</title><h1>Sign in</h1>")
)
NOT_JSON = Refusal(
    Response(200, (("Content-Type", "application/json; charset=utf-8"),), b'{"choices": [{"mess')
)
PROSE = Says("Sure! This function adds two numbers and gives back their sum.")
NULL_CONTENT = Says(None)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


_dates: dict[int, str] = {}


def _date(now: int) -> str:
    if now not in _dates:
        _dates.clear()
        _dates[now] = formatdate(now, usegmt=True)
    return _dates[now]


def prompt_of(body: Mapping[str, Any]) -> str:
    """All text that the model reads."""
    if "messages" not in body:
        prompt = body.get("prompt", "")
        return prompt if isinstance(prompt, str) else "\n".join(map(str, prompt))
    texts = []
    for message in body["messages"]:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content or ""}]
        texts.append("".join(part.get("text", "") for part in parts))
    return "\n".join(texts)


def images_of(body: Mapping[str, Any]) -> list[str]:
    """The URLs of all images in the messages."""
    contents = [message.get("content") for message in body.get("messages", ())]
    parts = [part for content in contents if isinstance(content, list) for part in content]
    return [part["image_url"]["url"] for part in parts if part.get("type") == "image_url"]


def estimated_tokens(characters: int) -> int:
    """Prompt tokens by size: 30 for the template and one for 5 characters, as the captures have it."""
    return 30 + -(-characters // 5)


def tokens_of(text: str) -> list[str]:
    """The text in pieces of at most four letters, spaces leading: what a stream sends one by one."""
    return re.findall(r"\s?[^\s]{1,4}|\s", text)


def shared_prefix(one: str, other: str, step: int = 64) -> int:
    """How many characters two prompts share at the start, in steps: what the engine need not read again."""
    count = 0
    while one[count : count + step] == other[count : count + step] and count < min(len(one), len(other)):
        count += step
    return min(count, len(one), len(other))


def refused_fields(body: Mapping[str, Any], model: StoredModel, slots: int) -> Response | None:
    """The engine's refusal of a chat body, or None; the texts are those of the captures."""
    for name in NUMBERS:
        if isinstance(body.get(name), str | list | dict):
            kind = {"str": "string", "list": "array", "dict": "object"}[type(body[name]).__name__]
            text = f"[json.exception.type_error.302] type must be number, but is {kind}"
            return engine_error(400, f"Field '{name}': {text}")
    for name, low, high in (("max_tokens", -1, 2147483647), ("n", 1, slots)):
        value = body.get(name)
        if value is not None and not low <= value <= high:
            text = f"Value must be between {low} <= value <= {high}, but got {value}"
            return engine_error(400, f"Field '{name}': {text}")
    for tool in body.get("tools") or ():
        if "function" not in tool:
            text = f"Failed to parse tools: Missing tool function: {json.dumps(tool, separators=(',', ':'))}"
            return engine_error(500, f"{text}; tools = {json.dumps(body['tools'], indent=2)}", "server_error")
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, str) and choice not in ("auto", "none", "required"):
        return engine_error(400, f"Invalid tool_choice: {choice}")
    if strange := next(unknown_types(requested_schema(body) or {}), None):
        text = "Unable to generate parser for this template. Automatic parser generation failed: "
        return engine_error(400, f"{text}JSON schema error at #: unrecognized type {strange}")
    return refused_images(images_of(body), model)


def refused_images(urls: Sequence[str], model: StoredModel) -> Response | None:
    """The engine's refusal of images: by a text model, or because one cannot be read."""
    if urls and not model.sees:
        text = (
            "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
        )
        return engine_error(500, text, "server_error")
    for url in urls:
        data = base64.b64decode(url.partition(",")[2])
        if not data.startswith(IMAGE_MAGIC):
            return engine_error(400, "Failed to load image or audio file")
    return None


def unknown_types(schema: Mapping[str, Any]) -> Iterator[str]:
    """Types in a schema, or below, that JSON schema does not know."""
    kinds = schema.get("type", [])
    yield from (k for k in ([kinds] if isinstance(kinds, str) else kinds) if k not in SCHEMA_TYPES)
    children = [*schema.get("properties", {}).values(), schema.get("items"), *schema.get("anyOf", ())]
    for child in children:
        if isinstance(child, dict):
            yield from unknown_types(child)


@dataclass(frozen=True)
class Writing:
    """One finished generation, ready to become a body or a stream."""

    answers: tuple[Answer, ...]
    model: str
    prompt_tokens: int
    cached_tokens: int
    id: str
    created: int

    @property
    def completion_tokens(self) -> int:
        first = self.answers[0]
        text = (first.text or "") + first.reasoning + "".join(a for _, a in first.calls)
        return max(1, len(tokens_of(text)))

    @property
    def usage(self) -> dict[str, Any]:
        return {
            "completion_tokens": self.completion_tokens,
            "prompt_tokens": self.prompt_tokens,
            "total_tokens": self.prompt_tokens + self.completion_tokens,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
        }

    @property
    def timings(self) -> dict[str, Any]:
        read, written = self.prompt_tokens - self.cached_tokens, self.completion_tokens
        return {
            "cache_n": self.cached_tokens,
            "prompt_n": read,
            "prompt_ms": 8.0 * read,
            "prompt_per_token_ms": 8.0,
            "prompt_per_second": 125.0,
            "predicted_n": written,
            "predicted_ms": 25.0 * written,
            "predicted_per_token_ms": 25.0,
            "predicted_per_second": 40.0,
        }

    def _frame(self, choices: list[Any], kind: str, **more: Any) -> dict[str, Any]:
        return {
            "choices": choices,
            "created": self.created,
            "id": self.id,
            "model": self.model,
            "system_fingerprint": "b11434-0000000",
            "object": kind,
            **more,
        }

    def chat(self) -> Response:
        """The body of chat_basic.json."""
        choices = []
        for index, answer in enumerate(self.answers):
            message: dict[str, Any] = {"role": "assistant", "content": answer.text}
            if answer.reasoning:
                message["reasoning_content"] = answer.reasoning
            if answer.calls:
                message["tool_calls"] = [
                    {"type": "function", "function": {"name": name, "arguments": arguments}, "id": f"call{n}"}
                    for n, (name, arguments) in enumerate(answer.calls)
                ]
            if answer.choices:
                choices.append({"finish_reason": answer.finish, "index": index, "message": message})
        return engine_answer(self._frame(choices, "chat.completion", usage=self.usage, timings=self.timings))

    def chat_stream(self, with_usage: bool) -> Response:
        """The records of chat_stream.sse, or of chat_stream_usage.sse."""
        kind = "chat.completion.chunk"
        deltas = [_deltas(answer) for answer in self.answers if answer.choices]
        records = []
        for step in range(max(map(len, deltas), default=0)):
            for index, own in enumerate(deltas):
                if step < len(own):
                    choice: dict[str, Any] = {"finish_reason": None, "index": index, "delta": own[step]}
                    records.append(self._frame([choice], kind))
        ends = [(i, a.finish) for i, a in enumerate(self.answers) if a.choices]
        for index, finish in ends:
            more = {} if with_usage or index != ends[-1][0] else {"timings": self.timings}
            choice = {"finish_reason": finish, "index": index, "delta": {}}
            records.append(self._frame([choice], kind, **more))
        if with_usage:
            records.append(self._frame([], kind, usage=self.usage, timings=self.timings))
        return engine_stream(records)

    def text(self) -> Response:
        """The body of completions.json."""
        choices = [
            {"text": a.text, "index": i, "logprobs": None, "finish_reason": a.finish}
            for i, a in enumerate(self.answers)
            if a.choices
        ]
        return engine_answer(self._frame(choices, "text_completion", usage=self.usage, timings=self.timings))

    def text_stream(self) -> Response:
        """The records of completions_stream.sse."""
        kind = "text_completion"
        records = []
        for index, answer in enumerate(self.answers):
            for token in tokens_of(answer.text or ""):
                choice = {"text": token, "index": index, "logprobs": None, "finish_reason": None}
                records.append(self._frame([choice], kind))
            last = {"text": "", "index": index, "logprobs": None, "finish_reason": answer.finish}
            records.append(self._frame([last], kind, usage=self.usage, timings=self.timings))
        return engine_stream(records)


def _deltas(answer: Answer) -> list[dict[str, Any]]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": None}]
    deltas += [{"reasoning_content": token} for token in tokens_of(answer.reasoning)]
    deltas += [{"content": token} for token in tokens_of(answer.text or "")]
    for index, (name, arguments) in enumerate(answer.calls):
        first = {"name": name, "arguments": arguments[:1]}
        deltas.append(
            {"tool_calls": [{"index": index, "id": f"call{index}", "type": "function", "function": first}]}
        )
        for piece in tokens_of(arguments[1:]):
            deltas.append({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    return deltas


def shortened(answer: Answer, body: Mapping[str, Any]) -> Answer:
    """The answer cut at a `stop` text and at `max_tokens` (0 gives one token, -1 and none no limit)."""
    if answer.text is None or answer.calls:
        return answer
    text, finish = answer.text, answer.finish
    stops = body.get("stop") or ()
    for stop in [stops] if isinstance(stops, str) else stops:
        text = text.partition(stop)[0]
    limit = body.get("max_tokens")
    tokens = tokens_of(text)
    if limit is not None and limit >= 0 and len(tokens) > max(limit, 1):
        text, finish = "".join(tokens[: max(limit, 1)]), "length"
    return replace(answer, text=text, finish="length" if limit == 0 else finish)


# -- the server ----------------------------------------------------------------------------------


class Slots:
    """So many requests at a time, first come first served; a client that leaves gives up its place."""

    def __init__(self, count: int) -> None:
        self._free = count
        self._queue: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    def acquire(self, link: Link) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn = threading.Event()
            self._queue.append(turn)
        try:
            while not turn.wait(0.01):
                link.check()
        except Gone:
            with self._lock:
                if turn in self._queue:
                    self._queue.remove(turn)
                    raise
            self.release()
            raise

    def release(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._free += 1


@dataclass
class Waiting:
    """A fault, how many matching requests it still lets pass, and how many it still strikes (None: all)."""

    fault: Fault
    skip: int
    times: int | None


@dataclass
class Runner:
    """A loaded model."""

    name: str
    mode: str
    busy: int = 0
    last_used: float = field(default_factory=time.time)


AnswerFunction = Callable[[dict[str, Any]], "str | dict[str, Any] | Fault"]


class Busy:
    """An `answer` that takes a moment and counts how many of it are worked on at once.

    `in_flight_peak` cannot tell that exactly: a client that has its last byte may ask again before
    the double has noted that it was the last.
    """

    def __init__(self, moment_s: float = 0.05) -> None:
        self.most = 0
        self._working = 0
        self._moment_s = moment_s
        self._lock = threading.Lock()

    def __call__(self, body: Mapping[str, Any]) -> Any:
        with self._lock:
            self._working += 1
            self.most = max(self.most, self._working)
        time.sleep(self._moment_s)
        with self._lock:
            self._working -= 1
        return plain_answer(body)


class DmrDouble:
    """A Docker Model Runner on a loopback port, or on the Unix socket `unix_socket`.

    `answer` gives the text (a dict: that document as JSON; a Fault: that). `delay_s` passes before
    every answer, `token_s` for every token of it, `load_s` once when a model is first used. What came
    in is in `requests` (`chats`: inference only); `in_flight_peak` counts waiting requests too. With
    `fits`, loading one model more than that fails as on a full GPU.
    """

    def __init__(
        self,
        models: Sequence[str | StoredModel] = ("ai/qwen3-coder",),
        slots: int = 4,
        answer: AnswerFunction | None = None,
        faults: Sequence[Fault] = (),
        *,
        port: int = 0,
        unix_socket: Path | None = None,
        delay_s: float = 0.0,
        token_s: float = 0.0,
        load_s: float = 0.0,
        fits: int | None = None,
    ) -> None:
        self.models = [StoredModel(model) if isinstance(model, str) else model for model in models]
        self.slots = slots
        self.answer: AnswerFunction = answer or plain_answer
        self.delay_s, self.token_s, self.load_s = delay_s, token_s, load_s
        self.fits = fits
        self.requests: list[Request] = []
        self.chats: list[Request] = []
        self.in_flight = self.in_flight_peak = self.disconnects = self.connections = 0
        self.problems: list[BaseException] = []
        self._faults = [Waiting(fault, fault.skip, fault.times) for fault in faults]
        self._configs: dict[str, dict[str, Any]] = {}
        self._runners: dict[tuple[str, str], Runner] = {}
        self._recent: deque[str] = deque(maxlen=slots)
        self._queue = Slots(slots)
        self._changed = threading.Condition()
        self._links: dict[socket.socket, threading.Thread] = {}
        self._closing = False
        self._unix_socket = unix_socket
        self._listener = _listener(port, unix_socket)
        self.port = 0 if unix_socket else int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        """The root: http://127.0.0.1:PORT, or unix:///path."""
        return f"unix://{self._unix_socket}" if self._unix_socket else f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> DmrDouble:
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.die()
        for thread in list(self._links.values()):
            if thread is not threading.current_thread():
                thread.join(timeout=5)
        if kind is None and self.problems:
            raise AssertionError("the double's `answer` failed") from self.problems[0]

    def add(self, fault: Fault) -> None:
        """Let this go wrong too, after the faults already waiting."""
        with self._changed:
            self._faults.append(Waiting(fault, fault.skip, fault.times))

    def die(self) -> None:
        """End the server as a kill would: connections are cut, new ones refused."""
        with self._changed:
            self._closing = True
            links = list(self._links)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in links:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        if self._unix_socket:
            self._unix_socket.unlink(missing_ok=True)

    @property
    def open_connections(self) -> int:
        return len(self._links)

    @property
    def generating(self) -> int:
        """How many requests hold a slot now."""
        return sum(runner.busy for runner in self._runners.values())

    def wait_until(self, holds: Callable[[], bool], timeout_s: float = 10.0) -> bool:
        """Whether `holds()` (about counters and lists of this double) became true in time."""
        with self._changed:
            return self._changed.wait_for(holds, timeout_s)

    def _accept(self) -> None:
        while not self._closing:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._unix_socket is None:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            with self._changed:
                self._links[sock] = thread
                self.connections += 1
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        link = Link(sock, self)
        try:
            while (request := link.read()) and self._handle(link, request) and request.keeps_alive:
                pass
        except Gone:
            with self._changed:
                self.disconnects += not self._closing
                self._changed.notify_all()
        finally:
            sock.close()
            with self._changed:
                self._links.pop(sock, None)
                self._changed.notify_all()

    def _handle(self, link: Link, request: Request) -> bool:
        """Answer one request; False ends the connection."""
        mode = inference_mode(request)
        with self._changed:
            self.requests.append(request)
            if mode:
                self.chats.append(request)
                self.in_flight += 1
                self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
            fault = self._next_fault(request, mode is not None)
            self._changed.notify_all()
        try:
            if mode:
                return self._infer(link, request, mode, fault)
            return fault.deliver(link, fault.respond(self._route(request)))
        finally:
            with self._changed:
                self.in_flight -= mode is not None
                self._changed.notify_all()

    def _next_fault(self, request: Request, inference: bool) -> Fault:
        for waiting in self._faults:
            if waiting.times == 0 or not waiting.fault.matches(request, inference):
                continue
            if waiting.skip:
                waiting.skip -= 1
                continue
            if waiting.times:
                waiting.times -= 1
            return waiting.fault
        return Fault()

    # what DMR answers itself

    def _route(self, request: Request) -> Response:
        """The answer to everything but inference: contract, sections 2.1, 2.2 and 2.6."""
        raw_path, _, raw_query = request.path.partition("?")
        path, query = _clean(unquote(raw_path)), parse_qs(raw_query)
        if origin_refused(request):
            return text_error(403, "Origin not allowed")
        match request.method, path.strip("/").split("/"):
            case "GET", [""]:
                return Response(
                    200, (("Content-Type", "text/plain; charset=utf-8"),), b"Docker Model Runner is running"
                )
            case "GET", ["version"]:
                return json_answer({"version": "v1.2.6"})
            case "GET", ["models"] if path == "/models":
                return json_answer([self._native(model) for model in self.models])
            case "GET", ["models", *ref]:
                model = self._find("/".join(ref)) or self._partial("/".join(ref))
                return json_answer(self._native(model)) if model else text_error(404, "model not found")
            case "GET", ["v1", "models", *ref] | ["engines", "v1", "models", *ref]:
                return self._openai(path, "/".join(ref))
            case "GET", ["engines", _, "v1", "models", *ref]:
                return self._openai(path, "/".join(ref))
            case _, ["engines", *rest]:
                return self._engines(request, rest, query)
            case _, ["models", *_]:
                return text_error(404, "not found")
            case _, ["v1", "rerank"]:
                return text_error(404, "backend not found")
        return text_error(404, "404 page not found")

    def _engines(self, request: Request, rest: list[str], query: Mapping[str, list[str]]) -> Response:
        match request.method, rest:
            case "GET", ["status"]:
                return json_answer(
                    {
                        "diffusers": "Not Installed",
                        "llama.cpp": "Running: llama.cpp unknown",
                        "mlx": "Not Installed: only supported on Apple Silicon",
                        "sglang": "Not Installed: package not installed",
                        "vllm": "Not Installed: binary not found",
                    },
                    end=b"",
                )
            case "GET", ["ps"]:
                return json_answer(self._ps())
            case "GET", ["df"]:
                usage = 982809114 * len(self.models)
                return json_answer({"models_disk_usage": usage, "default_backend_disk_usage": 13774832})
            case "POST", ["unload"]:
                return self._unload(request.body)
            case "GET", ["_configure"]:
                return self._shown_configs(query.get("model", [""])[0])
            case "POST", ["_configure"]:
                return self._configure(request.body)
            case "POST", [backend, "_configure"]:
                return (
                    self._configure(request.body)
                    if backend in BACKENDS
                    else text_error(404, "backend not found")
                )
            case "POST", ["v1", "rerank"]:
                return text_error(404, "backend not found")
        return text_error(404, "not found")

    def _find(self, reference: str) -> StoredModel | None:
        digest = reference.strip().removeprefix("sha256:")
        for model in self.models:
            by_id = digest == model.id[7:] or (digest == model.id[7:19] and "sha256:" not in reference)
            if by_id or (reference and normalised(reference) == normalised(model.name)):
                return model
        return None

    def _partial(self, reference: str) -> StoredModel | None:
        names = {model.tag.rpartition("/")[2].partition(":")[0]: model for model in reversed(self.models)}
        return names.get(reference)

    def _context(self, model: StoredModel) -> int:
        return int(self._configs.get(model.tag, {}).get("context-size", model.context_tokens))

    def _native(self, model: StoredModel) -> dict[str, Any]:
        config = {
            "format": "gguf",
            "quantization": "MOSTLY_Q4_K_M",
            "parameters": "630.17M",
            "architecture": "qwen2",
            "size": "462.96MiB",
            "gguf": {"general.architecture": "qwen2", "general.name": model.name},
            "context_size": model.context_tokens,
        }
        return {"id": model.id, "tags": [model.tag], "created": CREATED, "config": config}

    def _listed(self, model: StoredModel) -> dict[str, Any]:
        dmr = {
            "context_window": model.context_tokens,
            "architecture": "qwen2",
            "parameters": "630.17M",
            "quantization": "MOSTLY_Q4_K_M",
            "size": "462.96MiB",
        }
        return {"id": model.tag, "object": "model", "created": CREATED, "owned_by": "docker", "dmr": dmr}

    def _openai(self, path: str, reference: str) -> Response:
        if path.endswith("/models"):
            return json_answer({"object": "list", "data": [self._listed(model) for model in self.models]})
        model = self._find(reference)
        return json_answer(self._listed(model)) if model else model_not_found(reference)

    def _ps(self) -> list[dict[str, Any]]:
        entries = []
        with self._changed:
            for runner in self._runners.values():
                moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(runner.last_used)) + ".000000000Z"
                entry = {"backend_name": "llama.cpp", "model_name": runner.name, "mode": runner.mode}
                used = {"last_used": NEVER, "in_use": True} if runner.busy else {"last_used": moment}
                entries.append(entry | used)
        return entries

    def _unload(self, body: Any) -> Response:
        if not isinstance(body, dict):
            return text_error(400, "invalid request")
        wanted = {model.tag for name in body.get("models") or () if (model := self._find(name))}
        with self._changed:
            idle = [
                key
                for key, runner in self._runners.items()
                if (body.get("all") or key[0] in wanted) and not runner.busy
            ]
            for key in idle:
                del self._runners[key]
            if body.get("all"):
                self._configs.clear()
            elif body.get("backend"):
                for tag in wanted:
                    self._configs.pop(tag, None)
        return json_answer({"unloaded_runners": len(idle)})

    def _configure(self, body: Any) -> Response:
        if not isinstance(body, dict) or not isinstance(body.get("keep_alive", ""), str):
            return text_error(400, "invalid request")
        flags = body.get("runtime-flags") or str(body.get("raw-runtime-flags", "")).split()
        for flag in flags:
            if flag.startswith("-") and flag.partition("=")[0] not in ALLOWED_FLAGS:
                return text_error(500, f'runtime flag "{flag}" is not allowed for backend "llama.cpp"')
        model = self._find(str(body.get("model", "")))
        if model is None:
            return Response(202)
        config = {key: value for key, value in body.items() if key not in ("model", "mode")}
        if config.get("context-size", 1) in (0, *range(-9, -1)):
            del config["context-size"]
        with self._changed:
            runner = self._runners.get((model.tag, "completion"))
            if config != self._configs.get(model.tag, {}):
                if runner and runner.busy:
                    return text_error(409, "runner already active")
                self._configs[model.tag] = config
            self._runners[model.tag, "completion"] = Runner(str(body["model"]), "completion")
        return Response(202)

    def _shown_configs(self, name: str) -> Response:
        wanted = self._find(name) if name else None
        shown = [
            {"Backend": "llama.cpp", "Model": m.tag, "ModelID": m.id, "Mode": "completion", "Config": config}
            for m in self.models
            if (config := self._configs.get(m.tag)) and (wanted is None or wanted is m)
        ]
        return json_answer(shown)

    # what goes to the engine

    def _infer(self, link: Link, request: Request, mode: str, fault: Fault) -> bool:
        refusal = self._refusal(request)
        if refusal is not None:
            link.send(fault.respond(refusal))
            return "close" not in dict(refusal.headers).values()
        model = self._find(request.body["model"])
        assert model is not None, "refused above"
        runner = self._loaded(link, model, "embedding" if mode == "embeddings" else "completion", request)
        if runner is None:
            link.send(NO_MEMORY)
            return True
        if request.headers.get("x-preload-only") == "true":
            link.send(Response(200))
            return True
        self._queue.acquire(link)
        try:
            with self._changed:
                runner.busy += 1
                self._changed.notify_all()
            return self._generate(link, request, mode, model, fault)
        finally:
            with self._changed:
                runner.busy -= 1
                runner.last_used = time.time()
            self._queue.release()

    def _refusal(self, request: Request) -> Response | None:
        """DMR's own refusal of an inference request: contract, table in section 2.5."""
        if origin_refused(request):
            return text_error(403, "Origin not allowed")
        if (backend := backend_of(request.path)) not in BACKENDS:
            return text_error(404, "backend not found")
        if len(request.raw) > BODY_LIMIT_BYTES:
            return text_error(400, "request too large", ("Connection", "close"))
        if not isinstance(request.body, dict) or not isinstance(request.body.get("model", ""), str):
            return text_error(400, "invalid request")
        name = request.body.get("model")
        if not name:
            return text_error(400, "model is required")
        if self._find(name) is None:
            return model_not_found(name)
        if backend != "llama.cpp":
            return text_error(
                412, "vLLM binary not found" if backend == "vllm" else f'backend "{backend}" is not installed'
            )
        return None

    def _loaded(self, link: Link, model: StoredModel, mode: str, request: Request) -> Runner | None:
        """The model in memory, where it stays; None where it does not fit."""
        with self._changed:
            runner = self._runners.get((model.tag, mode))
        if runner is None:
            link.wait(self.load_s)
            with self._changed:
                if self.fits is not None and len(self._runners) >= self.fits:
                    return None
                fresh = Runner(request.body["model"], mode)
                runner = self._runners.setdefault((model.tag, mode), fresh)
        return runner

    def _generate(self, link: Link, request: Request, mode: str, model: StoredModel, fault: Fault) -> bool:
        body = request.body
        if mode == "embeddings":
            return fault.deliver(link, fault.respond(embeddings(body, model)))
        if mode == "chat" and "messages" not in body:
            link.send(engine_error(400, "'messages' is required"))
            return True
        refusal = refused_fields(body, model, self.slots)
        prompt = prompt_of(body)
        prompt_tokens = estimated_tokens(len(prompt)) + 64 * len(images_of(body))
        context = self._context(model)
        if refusal is None and prompt_tokens >= context:
            text = f"request ({prompt_tokens} tokens) exceeds the available context size ({context} tokens)"
            more = {"n_prompt_tokens": prompt_tokens, "n_ctx": context}
            refusal = engine_error(400, f"{text}, try increasing it", "exceed_context_size_error", **more)
        if refusal is not None:
            return fault.deliver(link, fault.respond(refusal))
        cached = max((shared_prefix(prompt, other) for other in list(self._recent)), default=0) // 5
        self._recent.append(prompt)
        said, fault = self._said(body, fault)
        prompts = body.get("prompt") if mode != "chat" and isinstance(body.get("prompt"), list) else None
        count = len(prompts) if prompts else body.get("n") or 1
        moment = time.time_ns()
        writing = Writing(
            answers=(fault.twist(said),) * count,
            model=model.gguf_path,
            prompt_tokens=prompt_tokens,
            cached_tokens=min(cached, prompt_tokens - 1),
            id=f"chatcmpl-{moment:032x}",
            created=moment // 1_000_000_000,
        )
        response = fault.respond(as_response(writing, body, mode))
        slow = 0.0 if body.get("stream") else self.token_s * writing.completion_tokens
        if self.delay_s + slow:
            link.wait(self.delay_s + slow)
        return fault.deliver(link, response)

    def _said(self, body: dict[str, Any], fault: Fault) -> tuple[Answer, Fault]:
        """What the model says, and the fault that `answer` may have chosen instead."""
        try:
            said = self.answer(body)
        except Exception as error:
            self.problems.append(error)
            return Answer(""), PLAIN_500
        if isinstance(said, Fault):
            text, fault = plain_answer(body), said
        else:
            text = said if isinstance(said, str) else json.dumps(said, indent=2, ensure_ascii=False)
        messages = body.get("messages") or [{}]
        if messages[-1].get("role") == "assistant":
            text = f"{messages[-1].get('content') or ''}{text}"
        return shortened(Answer(text), body), fault


ALLOWED_FLAGS = frozenset(
    {"--parallel", "--threads", "--temp", "--seed", "--ctx-size", "--batch-size", "--ubatch-size", "--jinja"}
    | {
        "--flash-attn",
        "--cache-type-k",
        "--cache-type-v",
        "--n-gpu-layers",
        "--top-k",
        "--top-p",
        "--metrics",
    }
)


def as_response(writing: Writing, body: Mapping[str, Any], mode: str) -> Response:
    """The generation as this request wants it: chat or text, whole or streamed."""
    if mode == "chat":
        with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        return writing.chat_stream(with_usage) if body.get("stream") else writing.chat()
    return writing.text_stream() if body.get("stream") else writing.text()


def embeddings(body: Mapping[str, Any], model: StoredModel) -> Response:
    """Vectors of 8 numbers that depend on the text alone, or the 400 of a chat model."""
    if not model.embeds:
        text = "Pooling type 'none' is not OAI compatible. Please use a different pooling type"
        return engine_error(400, text)
    texts = body.get("input", [])
    texts = [texts] if isinstance(texts, str) else texts
    data = [
        {
            "object": "embedding",
            "index": i,
            "embedding": [b / 255 for b in hashlib.sha256(t.encode()).digest()[:8]],
        }
        for i, t in enumerate(texts)
    ]
    count = sum(len(tokens_of(text)) for text in texts)
    usage = {"prompt_tokens": count, "total_tokens": count}
    return engine_answer({"model": model.gguf_path, "object": "list", "usage": usage, "data": data})


def model_not_found(reference: str) -> Response:
    return text_error(404, f"error while getting model: get model '\"{reference}\"': model not found")


def origin_refused(request: Request) -> bool:
    return request.headers.get("origin", "http://localhost") not in ORIGINS


def inference_mode(request: Request) -> str | None:
    """ "chat", "text" or "embeddings" for a POST to an inference route, else None."""
    tails = {"chat/completions": "chat", "completions": "text", "embeddings": "embeddings"}
    shape = re.fullmatch(r"(?:/engines(?:/[^/]+)?)?/v1/(.+)", _clean(request.path.partition("?")[0]))
    return tails.get(shape[1]) if shape and request.method == "POST" else None


def backend_of(path: str) -> str:
    """The backend that the path names, llama.cpp without one."""
    named = re.match(r"/engines/(?!v1/)([^/]+)/v1/", _clean(path))
    return named[1] if named else "llama.cpp"


def _clean(path: str) -> str:
    """The path with `//` made `/`, which also drops a trailing slash; a lone trailing slash stays."""
    if "//" not in path:
        return path
    return re.sub(r"/{2,}", "/", path).rstrip("/") or "/"


def _listener(port: int, unix_socket: Path | None) -> socket.socket:
    if unix_socket is not None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(unix_socket))
    else:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted; the address is the first line on stdout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--port", type=int, default=12434)
    parser.add_argument("--socket", type=Path, help="listen on this Unix socket instead")
    parser.add_argument("--model", action="append", dest="models", help="a stored model; repeatable")
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--delay", type=float, default=0.0, help="seconds before every answer")
    parser.add_argument("--token-delay", type=float, default=0.0, help="seconds for every token written")
    parser.add_argument("--load", type=float, default=0.0, help="seconds when a model is first used")
    parser.add_argument("--hostile", action="store_true", help="answer with quotes, backslashes and worse")
    options = parser.parse_args(arguments)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with DmrDouble(
        options.models or ("ai/qwen3-coder",),
        options.slots,
        hostile_answer if options.hostile else None,
        port=options.port,
        unix_socket=options.socket,
        delay_s=options.delay,
        token_s=options.token_delay,
        load_s=options.load,
    ) as dmr:
        sys.stdout.write(f"{dmr.url}\n")
        sys.stdout.flush()
        over.wait()


if __name__ == "__main__":
    main()
