"""Both clients behind one door, the recorded replies, and a server that sends what it is told to."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from workflow_hub.providers.dmr.client import AsyncDockerModelClient, DockerModelClient

DATA = Path(__file__).parents[2] / "data" / "dmr"
Ask = Callable[..., Any]


def ask_sync(
    base_url: str, method: str, *args: Any, client: dict[str, Any] | None = None, **parameters: Any
) -> Any:
    """One call of the sync client; a stream as the list of its deltas."""
    with DockerModelClient(base_url, **(client or {})) as door:
        result = getattr(door, method)(*args, **parameters)
        return list(result) if method == "stream" else result


def ask_async(
    base_url: str, method: str, *args: Any, client: dict[str, Any] | None = None, **parameters: Any
) -> Any:
    """The same of the async client, in an event loop of its own."""

    async def main() -> Any:
        async with AsyncDockerModelClient(base_url, **(client or {})) as door:
            result = getattr(door, method)(*args, **parameters)
            return [delta async for delta in result] if method == "stream" else await result

    return anyio.run(main)


@pytest.fixture(params=[ask_sync, ask_async], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param


def recorded(name: str) -> tuple[dict[str, Any], httpx.Response]:
    """The body that was sent and the reply that came, from tests/data/dmr/NAME.json."""
    capture = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    answer = capture["response"]
    body = (
        (DATA / answer["body_file"]).read_bytes()
        if "body_file" in answer
        else answer.get("body", "").encode()
    )
    kept = [(key, value) for key, value in answer["headers"] if key in ("Content-Type", "Server")]
    return capture["request"], httpx.Response(answer["status"], headers=kept, content=body)


class Raw:
    """A server on a loopback port: `play` gets every connection, once its request has come."""

    def __init__(self, play: Callable[[socket.socket], None]) -> None:
        self._play = play
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.requests: list[bytes] = []
        self.left = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self.requests.append(_request(connection))
                    self._play(connection)
                except OSError:
                    self.left.set()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=5)

    def until_it_leaves(self, connection: socket.socket) -> None:
        """Wait for the client's end of file."""
        connection.settimeout(10)
        while connection.recv(1 << 16):
            pass
        self.left.set()


def _request(connection: socket.socket) -> bytes:
    """The request to its end: closing with unread bytes would reset the connection."""
    data = connection.recv(1 << 16)
    if not data.partition(b" ")[0].isalpha():
        return data
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 16)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while length and len(body) < int(length[1]):
        body += connection.recv(1 << 16)
    return head + b"\r\n\r\n" + body


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], Raw]]:
    with ExitStack() as stack:

        def start(play: Callable[[socket.socket], None]) -> Raw:
            server = Raw(play)
            stack.callback(server.close)
            return server

        yield start


@contextmanager
def refused_port() -> Iterator[str]:
    """The address of a port that is bound and not listened at: every connection is refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def nobody() -> Iterator[str]:
    with refused_port() as url:
        yield url


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DMR_BASE_URL", "MODEL_RUNNER_HOST", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
