"""Both clients against a server: retries, deadlines, cuts, cancellation, addresses, proxies."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import stamina
import stamina.instrumentation
from dmr_help import Ask, Raw
from doubles import dmr as double
from doubles.dmr import DmrDouble, StoredModel

from workflow_hub.errors import (
    ConfigError,
    HubError,
    ReplyCut,
    ReplyInvalid,
    RequestRefused,
    RequestTooLarge,
    RunnerBusy,
    RunnerTimeout,
    RunnerUnreachable,
    UsageError,
)
from workflow_hub.providers.dmr.address import split
from workflow_hub.providers.dmr.client import AsyncDockerModelClient, DockerModelClient
from workflow_hub.providers.dmr.transport import SyncTransport, async_transport, proxy_for
from workflow_hub.values import Message

HI = [Message("user", "hi")]
HELLO = "Hello! How can I assist you today?"
Start = Callable[[Callable[[socket.socket], None]], Raw]


# -- what is asked and answered ----------------------------------------------------------------


def test_every_door_asks_the_server(ask: Ask) -> None:
    with DmrDouble([StoredModel("ai/qwen3-coder", embeds=True)]) as dmr:
        assert ask(dmr.url, "chat", HI) == ask(dmr.url, "complete", "hi") == HELLO
        assert ask(dmr.url, "reply", HI, temperature=None).text == HELLO
        assert "".join(delta.text for delta in ask(dmr.url, "stream", HI)) == HELLO
        assert ask(dmr.url, "completions", "def f():")
        assert len(ask(dmr.url, "embeddings", ["a", "b"], "ai/qwen3-coder")) == 2
        assert ask(dmr.url, "model", "qwen3-coder").id == ask(dmr.url, "models")[0].id == "ai/qwen3-coder"
    bodies = [request.body for request in dmr.chats]
    assert [body.get("temperature") for body in bodies[:3]] == [0.7, 0.7, None]
    assert bodies[0]["model"] == "ai/qwen3-coder"


@pytest.mark.parametrize("path", ["", "/", "/v1", "/engines/v1/", "/engines/llama.cpp/v1"])
def test_an_address_works_with_or_without_an_engine_path(ask: Ask, path: str) -> None:
    with DmrDouble() as dmr:
        assert ask(dmr.url + path, "chat", HI) == HELLO


def test_a_unix_socket_works(ask: Ask, tmp_path: Path) -> None:
    with DmrDouble(unix_socket=tmp_path / "dmr.sock") as dmr:
        assert ask(dmr.url, "chat", HI) == HELLO


def test_a_unix_socket_that_is_not_there_is_unreachable(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(RunnerUnreachable, match="docker model status"):
        ask(f"unix://{tmp_path}/none.sock", "chat", HI, client={"tries": 1})


def test_the_key_goes_as_a_bearer_and_no_key_goes_without(ask: Ask) -> None:
    with DmrDouble() as dmr:
        ask(dmr.url, "chat", HI, client={"api_key": "secret"})
        ask(dmr.url, "chat", HI)
    first, second = dmr.chats
    assert first.headers["authorization"] == "Bearer secret"
    assert "authorization" not in second.headers
    assert "origin" not in first.headers


def test_many_threads_share_one_client() -> None:
    with DmrDouble() as dmr, DockerModelClient(dmr.url) as client, ThreadPoolExecutor(8) as threads:
        assert set(threads.map(client.complete, ["hi"] * 24)) == {HELLO}


def test_one_async_client_serves_event_loops_one_after_the_other() -> None:
    with DmrDouble() as dmr:
        client = AsyncDockerModelClient(dmr.url)
        assert [anyio.run(client.complete, "hi") for _ in range(3)] == [HELLO] * 3
        anyio.run(client.aclose)


def test_a_plain_reply_to_a_request_for_a_stream_is_read(ask: Ask) -> None:
    message = {"content": "<think>hm</think>whole"}
    answer = httpx.MockTransport(
        lambda request: httpx.Response(200, json={"choices": [{"message": message}]})
    )
    (delta,) = ask("http://h", "stream", HI, client={"transport": answer})
    assert (delta.text, delta.reasoning) == ("whole", "hm")


# -- retries -----------------------------------------------------------------------------------

PASSING = [
    pytest.param(double.EMPTY_502, id="empty 502 after a crash"),
    pytest.param(double.UNAVAILABLE_503, id="503"),
    pytest.param(double.LOADING_503, id="loading"),
    pytest.param(double.BUSY_429, id="429"),
    pytest.param(double.Reset(), id="connection reset before a byte"),
    pytest.param(double.Close(), id="connection closed before a byte"),
]
LASTING = [
    pytest.param(double.PLAIN_500, RequestRefused, id="load failed"),
    pytest.param(double.CRASH_500, RequestRefused, id="crash in the middle"),
    pytest.param(double.HTML_PAGE, ReplyInvalid, id="web page"),
    pytest.param(double.NOT_JSON, ReplyInvalid, id="not JSON"),
    pytest.param(double.NULL_CONTENT, ReplyInvalid, id="null content"),
    pytest.param(double.NoChoices(), ReplyInvalid, id="no choices"),
    pytest.param(double.NoDone(), ReplyCut, id="cut"),
    pytest.param(double.StreamError(), RequestRefused, id="error record"),
]


@pytest.mark.parametrize("fault", PASSING)
def test_what_never_reached_a_model_is_tried_again(ask: Ask, fault: double.Fault) -> None:
    with DmrDouble(faults=[fault]) as dmr:
        assert ask(dmr.url, "chat", HI) == HELLO
        assert len(dmr.chats) == 2


def test_a_stream_of_which_nothing_was_shown_is_tried_again(ask: Ask) -> None:
    with DmrDouble(faults=[double.EMPTY_502]) as dmr:
        assert "".join(delta.text for delta in ask(dmr.url, "stream", HI)) == HELLO


@pytest.mark.parametrize(("fault", "kind"), LASTING)
@pytest.mark.parametrize("method", ["chat", "stream"])
def test_what_may_have_reached_a_model_is_asked_once(
    ask: Ask, fault: double.Fault, kind: type[HubError], method: str
) -> None:
    with DmrDouble(faults=[fault]) as dmr:
        with pytest.raises(kind):
            ask(dmr.url, method, HI)
        assert len(dmr.chats) == 1


def test_a_server_that_stays_busy_is_given_up_after_a_few_tries(ask: Ask) -> None:
    busy = double.Refusal(double.BUSY_429.response, times=None)
    with DmrDouble(faults=[busy]) as dmr:
        with pytest.raises(RunnerBusy, match="too many requests"):
            ask(dmr.url, "chat", HI, client={"tries": 2})
        assert len(dmr.chats) == 2


def test_no_pause_between_tries_outlasts_the_deadline(ask: Ask) -> None:
    with DmrDouble(faults=[double.Refusal(double.BUSY_429.response, times=None)]) as dmr:
        with pytest.raises(RunnerBusy):
            ask(dmr.url, "chat", HI, client={"timeout": 0.55})
        # At 0 and 0.2 s; the next pause would be 0.4 s.
        assert 1 <= len(dmr.chats) <= 2


def test_nobody_there_says_what_to_type(ask: Ask, nobody: str) -> None:
    with pytest.raises(RunnerUnreachable, match=f"{nobody}.*docker model status.*DMR_BASE_URL"):
        ask(nobody, "chat", HI, client={"tries": 2})


def test_retries_are_not_reported(ask: Ask, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "stamina"), DmrDouble(faults=[double.EMPTY_502]) as dmr:
        ask(dmr.url, "chat", HI)
    assert [entry for entry in caplog.records if entry.name == "stamina"] == []


def test_retries_of_others_are_still_reported(nobody: str, caplog: pytest.LogCaptureFixture) -> None:
    DockerModelClient(nobody).close()
    failures = iter([OSError(), None])

    @stamina.retry(on=OSError, wait_initial=0, wait_jitter=0)
    def theirs() -> None:
        if (error := next(failures)) is not None:
            raise error

    with caplog.at_level(logging.DEBUG, "stamina"):
        theirs()
    assert [entry.message for entry in caplog.records] == ["stamina.retry_scheduled"]


# -- time --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["chat", "stream"])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(double.Drip(0.01), id="single bytes, headers too"),
        pytest.param(double.Hang(), id="no byte at all"),
        pytest.param(double.Stall(), id="a beginning, then nothing"),
    ],
)
def test_the_deadline_holds(ask: Ask, method: str, fault: double.Fault) -> None:
    with DmrDouble(faults=[fault]) as dmr:
        with pytest.raises(RunnerTimeout, match=r"within 0\.3 s"):
            ask(dmr.url, method, HI, client={"timeout": 0.3})
        assert dmr.wait_until(lambda: dmr.disconnects == 1 and dmr.in_flight == 0)


def test_the_deadline_holds_while_an_error_drips(ask: Ask, raw: Start) -> None:
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n")
        while not over.wait(0.01):
            connection.sendall(b"x")

    server = raw(drip)
    with pytest.raises(RunnerTimeout):
        ask(server.url, "chat", HI, client={"timeout": 0.3})
    assert server.left.wait(5)
    over.set()


def test_a_stalled_stream_is_given_up_with_what_came(ask: Ask) -> None:
    words = r"no more of its reply for 0\.1 s"
    stall = double.Stall(chunks=3)
    with DmrDouble(faults=[stall]) as dmr, pytest.raises(RunnerTimeout, match=words) as caught:
        ask(dmr.url, "stream", HI, client={"stall_timeout": 0.1})
    assert caught.value.partial == "Hello!"


def test_patience_for_the_first_byte_is_not_the_patience_within_a_stream(ask: Ask) -> None:
    with DmrDouble(delay_s=0.4) as dmr:
        assert ask(dmr.url, "stream", HI, client={"stall_timeout": 0.1})


@pytest.mark.parametrize("name", ["timeout", "stall_timeout"])
@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_timeout_is_a_number_of_seconds(name: str, seconds: float) -> None:
    with pytest.raises(UsageError, match=f"^{name} "):
        DockerModelClient(**{name: seconds})


def test_the_deadline_holds_on_a_socket(ask: Ask, tmp_path: Path) -> None:
    with DmrDouble(unix_socket=tmp_path / "dmr.sock", faults=[double.Hang(), double.Reset()]) as dmr:
        with pytest.raises(RunnerTimeout):
            ask(dmr.url, "chat", HI, client={"timeout": 0.3})
        with pytest.raises(ReplyCut):
            ask(dmr.url, "chat", HI, client={"tries": 1})


def test_a_deadline_that_has_passed_before_the_connection_is_a_timeout(ask: Ask) -> None:
    with DmrDouble() as dmr, pytest.raises(RunnerTimeout):
        ask(dmr.url, "chat", HI, client={"timeout": 1e-9})


def test_a_connection_that_is_not_made_in_time_is_unreachable(ask: Ask) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectTimeout("slow", request=request)

    with pytest.raises(RunnerUnreachable, match="no connection in 5 s"):
        ask("http://h", "chat", HI, client={"transport": httpx.MockTransport(handler)})


# -- cuts, refusals, cancellation --------------------------------------------------------------


def test_a_cut_stream_keeps_what_came(ask: Ask) -> None:
    with DmrDouble(faults=[double.EngineKilled(chunks=3)]) as dmr:
        with pytest.raises(ReplyCut) as caught:
            ask(dmr.url, "stream", HI)
        assert len(dmr.chats) == 1
    assert caught.value.partial == "Hello!"


def test_a_body_over_10_mib_is_not_sent(ask: Ask) -> None:
    with DmrDouble() as dmr:
        with pytest.raises(RequestTooLarge):
            ask(dmr.url, "complete", "x" * 11_000_000)
        assert dmr.connections == 0


def test_a_redirect_is_not_followed(ask: Ask) -> None:
    with DmrDouble() as dmr:
        moved = httpx.MockTransport(lambda request: httpx.Response(307, headers={"location": dmr.url}))
        with pytest.raises(RequestRefused, match=f"redirects .HTTP 307. to {dmr.url}"):
            ask("http://h", "chat", HI, client={"transport": moved})
        assert dmr.connections == 0


def test_a_long_or_broken_error_page_is_read_as_far_as_needed(ask: Ask, raw: Start) -> None:
    page = b"HTTP/1.1 500 No\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n<title>Oops</title>"
    for length, filler in ((10_000_000, b"x" * 200_000), (1000, b"")):
        server = raw(lambda connection, rest=filler, size=length: connection.sendall(page % size + rest))
        with pytest.raises(RequestRefused, match="HTTP 500 with a web page, 'Oops'"):
            ask(server.url, "chat", HI)


def test_what_is_not_http_is_said(ask: Ask, raw: Start) -> None:
    server = raw(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n"))
    with pytest.raises(ReplyCut, match="broke off"):
        ask(server.url, "chat", HI, client={"tries": 1})


def test_a_wrong_encoding_is_said(ask: Ask) -> None:
    broken = httpx.MockTransport(
        lambda request: httpx.Response(
            200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")
        )
    )
    with pytest.raises(ReplyInvalid, match="cannot be decoded"):
        ask("http://h", "chat", HI, client={"transport": broken})


def test_closing_a_stream_closes_the_connection() -> None:
    with (
        DmrDouble(token_s=0.01, answer=lambda body: "word " * 2000) as dmr,
        DockerModelClient(dmr.url) as client,
    ):
        stream = client.stream(HI)
        assert next(stream).text
        stream.close()
        assert dmr.wait_until(lambda: dmr.disconnects == 1 and dmr.in_flight == 0)


def test_leaving_an_async_stream_closes_the_connection() -> None:
    async def main(url: str) -> None:
        async with AsyncDockerModelClient(url) as client:
            stream = client.stream(HI)
            assert (await anext(stream)).text
            await stream.aclose()

    with DmrDouble(token_s=0.01, answer=lambda body: "word " * 2000) as dmr:
        anyio.run(main, dmr.url)
        assert dmr.wait_until(lambda: dmr.disconnects == 1 and dmr.in_flight == 0)


@pytest.mark.parametrize("method", ["reply", "stream"])
def test_cancelling_closes_the_socket_at_once(raw: Start, method: str) -> None:
    asked = threading.Event()

    def play(connection: socket.socket) -> None:
        asked.set()
        server.until_it_leaves(connection)

    server = raw(play)

    async def consume(client: AsyncDockerModelClient) -> None:
        if method == "reply":
            await client.reply(HI)
        else:
            assert [delta async for delta in client.stream(HI)] == []

    async def main() -> None:
        async with AsyncDockerModelClient(server.url) as client, anyio.create_task_group() as group:
            group.start_soon(consume, client)
            await anyio.to_thread.run_sync(asked.wait)
            group.cancel_scope.cancel()
        assert await anyio.to_thread.run_sync(server.left.wait, 5)

    anyio.run(main)


# -- addresses, proxies, keys ------------------------------------------------------------------


def test_without_any_address_it_is_the_usual_one() -> None:
    with DockerModelClient() as client:
        assert client.base_url == "http://localhost:12434"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("DMR_BASE_URL", "http://h:1/engines/v1/", "http://h:1/engines/v1"),
        ("MODEL_RUNNER_HOST", "h:2", "http://h:2"),
    ],
)
def test_the_environment_names_an_address(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, shown: str
) -> None:
    monkeypatch.setenv(name, value)
    with DockerModelClient() as client:
        assert client.base_url == shown


def test_a_key_that_no_header_carries_is_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigError, match="DMR_API_KEY") as caught:
        DockerModelClient(api_key="secret\n")
    assert "secret" not in str(caught.value)


def test_loopback_ignores_proxies(ask: Ask, monkeypatch: pytest.MonkeyPatch, nobody: str) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, nobody)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with DmrDouble() as dmr:
        assert ask(dmr.url, "chat", HI) == HELLO


def test_other_hosts_are_asked_through_the_proxy(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, raw: Start
) -> None:
    answer = b'{"data": [{"id": "ai/x"}]}'
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(answer)
    proxy = raw(lambda connection: connection.sendall(head + answer))
    monkeypatch.setenv("http_proxy", proxy.url.removeprefix("http://"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert [model.id for model in ask("http://runner.example", "models")] == ["ai/x"]
    assert proxy.requests[0].startswith(b"GET http://runner.example/engines/v1/models HTTP/1.1\r\n")


@pytest.mark.parametrize("transport", [SyncTransport, async_transport], ids=["sync", "async"])
def test_a_proxy_that_cannot_be_used_is_said(
    monkeypatch: pytest.MonkeyPatch, transport: Callable[..., Any]
) -> None:
    monkeypatch.setenv("https_proxy", "gopher://h")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with pytest.raises(ConfigError, match="NO_PROXY"):
        transport(split("https://runner.example"))


def test_the_proxy_is_that_of_the_scheme_or_of_all() -> None:
    known = {"http": "one:1", "all": "http://two:2"}
    first = proxy_for(split("http://h"), known)
    second = proxy_for(split("https://h"), known)
    assert first is not None
    assert second is not None
    assert (str(first.url), str(second.url)) == ("http://one:1", "http://two:2")
    assert proxy_for(split("http://h"), {}) is None


def test_a_server_without_tls_is_unreachable_by_https(ask: Ask, raw: Start) -> None:
    server = raw(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(RunnerUnreachable, match="SSL"):
        ask(server.url.replace("http:", "https:"), "chat", HI, client={"tries": 1})


def test_a_stream_can_be_consumed_in_pieces_beside_other_calls() -> None:
    """The clock of one stream is not that of the caller between two of its deltas."""
    with DmrDouble() as dmr, DockerModelClient(dmr.url) as client:
        first, second = client.stream(HI), client.stream(HI)
        for one, other in zip(first, second, strict=True):
            assert one == other
            assert client.complete("hi") == HELLO
