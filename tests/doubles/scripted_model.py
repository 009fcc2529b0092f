"""An OpenAI-compatible server for tests of agents: it streams what a script says, one step per request.

    with ScriptedModel([Call("write", {"path": "a.txt", "content": "hi"}), Say("done")]) as model:
        ...  # the agent talks to model.url
        assert [request["model"] for request in model.requests] == [...]

A real HTTP server on a loopback port, standard library only. When the script has run out, its last
step is repeated.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL = "ai/scripted"
USAGE = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}


@dataclass(frozen=True)
class Say:
    """The model answers with this text, in two pieces, after its thoughts if it has any."""

    text: str
    thoughts: str = ""


@dataclass(frozen=True)
class Call:
    """The model calls a tool, and says something before it if there is something to say."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class Fail:
    """The server refuses with a status."""

    status: int = 500
    body: str = '{"error": {"message": "the engine is out of order"}}'


@dataclass(frozen=True)
class Hang:
    """Some text, then silence until the double is closed."""

    text: str = ""


@dataclass(frozen=True)
class Break:
    """Some text, then an error inside the stream; without an error the connection just closes."""

    text: str
    error: str | None = "the engine crashed"


@dataclass(frozen=True)
class Cut:
    """Some text, and the stream ends in good order, but without what belongs to its end."""

    text: str


Step = Say | Call | Fail | Hang | Break | Cut


class ScriptedModel:
    """Listens while its `with` lasts; `requests` are the bodies of the chat requests, in order."""

    def __init__(self, script: Sequence[Step], name: str = MODEL) -> None:
        self.script = list(script)
        self.name = name
        self.requests: list[dict[str, Any]] = []
        self.authorizations: list[str | None] = []
        self.asked = threading.Event()  # set by the first chat request
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The base URL, with Docker Model Runner's prefix."""
        return f"http://127.0.0.1:{self._server.server_port}/engines/v1"

    def __enter__(self) -> ScriptedModel:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, body: dict[str, Any], authorization: str | None) -> Step:
        """The step that answers this request."""
        with self._lock:
            step = self.script[min(len(self.requests), len(self.script) - 1)]
            self.requests.append(body)
            self.authorizations.append(authorization)
        self.asked.set()
        return step

    def hang(self) -> None:
        self._over.wait()

    def tools(self) -> set[str]:
        """The names of the tools that the first request offers."""
        return {tool["function"]["name"] for tool in self.requests[0].get("tools", ())}

    def results(self) -> list[str]:
        """What the tools answered, as the last request tells it to the model."""
        messages = self.requests[-1]["messages"]
        return [_text(message["content"]) for message in messages if message["role"] == "tool"]


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _chunks(step: Step) -> Iterator[dict[str, Any]]:
    text = step.text if not isinstance(step, Fail) else ""
    if isinstance(step, Say) and step.thoughts:
        yield _chunk({"role": "assistant", "reasoning_content": step.thoughts})
    half = len(text) // 2
    for piece in (text[:half], text[half:]):
        if piece:
            yield _chunk({"role": "assistant", "content": piece})
    if isinstance(step, Call):
        call = {"name": step.tool, "arguments": json.dumps(step.arguments)}
        one = {"index": 0, "id": f"call_{uuid.uuid4().hex[:8]}", "type": "function", "function": call}
        yield _chunk({"role": "assistant", "tool_calls": [one]})
        yield _chunk({}, finish="tool_calls")
    elif isinstance(step, Say):
        yield _chunk({}, finish="stop")
    elif isinstance(step, Break) and step.error:
        yield {"error": {"message": step.error, "type": "server_error", "code": 500}}
    if isinstance(step, Call | Say):
        yield {"choices": [], "usage": USAGE}


def _chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _handler(double: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the test's output stays the test's."""

        def do_GET(self) -> None:
            self._whole(200, json.dumps({"object": "list", "data": [{"id": double.name, "object": "model"}]}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            step = double.take(body, self.headers.get("Authorization"))
            try:
                self._answer(step, body["model"])
            except OSError:
                self.close_connection = True  # the agent has gone

        def _answer(self, step: Step, model: str) -> None:
            if isinstance(step, Fail):
                self._whole(step.status, step.body)
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            head = {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": "chat.completion.chunk", "created": 0}
            for chunk in _chunks(step):
                self._piece(f"data: {json.dumps({**head, 'model': model, **chunk})}\n\n".encode())
            if isinstance(step, Hang):
                double.hang()
            if isinstance(step, Hang | Break):
                self.close_connection = True
                return
            if not isinstance(step, Cut):
                self._piece(b"data: [DONE]\n\n")
            self._piece(b"")

        def _piece(self, data: bytes) -> None:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()

        def _whole(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

    return Handler
