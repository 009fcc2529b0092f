"""Every recorded reply of the real server, through both clients."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from dmr_help import DATA, Ask, Raw, recorded

from workflow_hub.errors import (
    ContextOverflow,
    HubError,
    ModelMissing,
    ReplyCut,
    RequestRefused,
    RequestTooLarge,
    RunnerBusy,
    RunnerUnreachable,
)
from workflow_hub.providers.dmr.wire import read_stored
from workflow_hub.values import Delta, Timings, ToolCall, Usage

URL = "http://localhost:12434"
HI = [{"role": "user", "content": "hi"}]
HELLO = "Hello! How can I assist you today?"
PATHS = {"completions": "/engines/v1/completions", "embeddings_chat_model": "/engines/v1/embeddings"}


def replayed(ask: Ask, name: str, method: str, *args: Any, **parameters: Any) -> Any:
    """What the client makes of the capture; the request must go where the captured one went."""
    sent, answer = recorded(name)

    def handler(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path) == (sent["method"], sent["path"])
        return answer

    base = URL + (sent["path"].split("/v1/")[0] + "/v1" if "/v1/" in sent["path"] else "")
    return ask(
        base, method, *args, client={"transport": httpx.MockTransport(handler), "tries": 1}, **parameters
    )


REPLIES = [
    pytest.param("chat_basic", HELLO, "stop", id="basic"),
    pytest.param("chat_json_schema_cut", "{\n ", "length", id="schema cut by max_tokens"),
    pytest.param("chat_max_tokens_1", "Hello", "length", id="one token"),
    pytest.param("chat_max_tokens_0", "Hello", "length", id="max_tokens 0 is one token too"),
    pytest.param("chat_logprobs", "Hello!", "length", id="logprobs"),
    pytest.param("chat_n2", "Hi, how are you?", "stop", id="two choices: the first"),
    pytest.param(
        "chat_tools_as_text",
        '{"name": "get_weather", "arguments": {"city": "Paris"}}',
        "stop",
        id="tools as text",
    ),
]


@pytest.mark.parametrize(("name", "text", "finish"), REPLIES)
def test_a_recorded_reply(ask: Ask, name: str, text: str, finish: str) -> None:
    reply = replayed(ask, name, "reply", HI, "ai/asked")
    assert (reply.text, reply.finish, reply.model, reply.tool_calls) == (text, finish, "ai/asked", ())


@pytest.mark.parametrize("name", ["chat_json_schema", "chat_stop", "chat_empty_messages"])
def test_a_recorded_reply_has_text_usage_and_timings(ask: Ask, name: str) -> None:
    reply = replayed(ask, name, "reply", HI, "ai/asked")
    assert reply.text.strip()
    assert reply.usage.completion_tokens == reply.timings.predicted_n > 0


def test_usage_and_timings_of_the_recorded_reply(ask: Ask) -> None:
    reply = replayed(ask, "chat_basic", "reply", HI)
    assert reply.usage == Usage(prompt_tokens=32, cached_tokens=31, completion_tokens=10)
    assert reply.timings == Timings(
        cache_n=31, prompt_n=1, prompt_ms=28.555, predicted_n=10, predicted_ms=252.579
    )


@pytest.mark.parametrize(
    ("name", "finish", "arguments"),
    [("chat_tool_calls", "tool_calls", '{"city": "Paris"}'), ("chat_tool_calls_cut", "length", '{"city')],
)
def test_recorded_tool_calls(ask: Ask, name: str, finish: str, arguments: str) -> None:
    reply = replayed(ask, name, "reply", HI)
    (call,) = reply.tool_calls
    assert isinstance(call, ToolCall)
    assert (reply.text, reply.finish, call.name, call.arguments) == ("", finish, "get_weather", arguments)


@pytest.mark.parametrize("name", ["chat_stream", "chat_stream_usage"])
def test_a_recorded_stream(ask: Ask, name: str) -> None:
    deltas = replayed(ask, name, "stream", HI)
    assert deltas[0] == Delta("Hello")
    assert "".join(delta.text for delta in deltas) == HELLO


def test_a_recorded_stream_of_tool_calls_has_no_text(ask: Ask) -> None:
    assert replayed(ask, "chat_tool_calls_stream", "stream", HI) == []


def test_a_recorded_completion(ask: Ask) -> None:
    text = replayed(ask, "completions", "completions", "def add(a, b):", "ai/asked")
    assert text == "  # a and b are parameters\n    return a +"


REFUSALS: list[Any] = [
    pytest.param("chat_context_overflow", ContextOverflow, 400, "9030 tokens", id="context"),
    pytest.param("chat_bad_field_type", RequestRefused, 400, "Field 'temperature'", id="field type"),
    pytest.param("chat_bad_json", RequestRefused, 400, "invalid request", id="bad JSON"),
    pytest.param("chat_no_model", RequestRefused, 400, "model is required", id="no model"),
    pytest.param("chat_no_messages", RequestRefused, 400, "'messages' is required", id="no messages"),
    pytest.param("chat_max_tokens_negative", RequestRefused, 400, "max_tokens", id="negative limit"),
    pytest.param("chat_n_too_large", RequestRefused, 400, "Field 'n'", id="n"),
    pytest.param("chat_json_schema_bad", RequestRefused, 400, "simplify", id="schema"),
    pytest.param("chat_tool_choice_bad", RequestRefused, 400, "Invalid tool_choice", id="tool choice"),
    pytest.param("chat_tool_malformed", RequestRefused, 500, "Missing tool function", id="tool"),
    pytest.param("chat_image_unsupported", RequestRefused, 500, "takes images", id="image"),
    pytest.param("chat_no_engine", RequestRefused, 500, "docker model logs", id="engine missing"),
    pytest.param("chat_output_parse_error", RequestRefused, 500, "peg-native", id="output"),
    pytest.param("chat_origin_refused", RequestRefused, 403, "DMR_ORIGINS", id="origin"),
    pytest.param("chat_too_large", RequestTooLarge, 400, "request too large", id="size"),
    pytest.param("chat_unknown_model", ModelMissing, None, "docker model pull ai/asked", id="model"),
    pytest.param(
        "chat_unknown_backend", RunnerUnreachable, None, "backend not found", id="engine in the path"
    ),
    pytest.param("engine_killed_nonstream", RequestRefused, 500, "terminated unexpectedly", id="crash"),
    pytest.param("engine_dead_502", RunnerBusy, None, "started again", id="after the crash"),
]


@pytest.mark.parametrize(("name", "kind", "status", "words"), REFUSALS)
def test_a_recorded_refusal(
    ask: Ask, name: str, kind: type[HubError], status: int | None, words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        replayed(ask, name, "reply", HI, "ai/asked")
    assert type(caught.value) is kind
    assert getattr(caught.value, "status", None) == status


def test_a_recorded_refusal_of_a_stream_is_plain_json(ask: Ask) -> None:
    with pytest.raises(ContextOverflow, match="9030 tokens"):
        replayed(ask, "chat_context_overflow_stream", "stream", HI)


def test_a_recorded_error_inside_a_stream_keeps_the_text(ask: Ask) -> None:
    with pytest.raises(RequestRefused, match="peg-native") as caught:
        replayed(ask, "chat_output_parse_error_stream", "stream", HI)
    assert caught.value.partial.startswith("```json\n")
    assert caught.value.status == 500


def test_recorded_embeddings_of_a_chat_model_are_refused(ask: Ask) -> None:
    with pytest.raises(RequestRefused, match="choose an embedding model"):
        replayed(ask, "embeddings_chat_model", "embeddings", ["x"], "ai/asked")


def test_the_recorded_listing(ask: Ask) -> None:
    (model,) = replayed(ask, "v1_models", "models")
    assert (model.id, model.context_tokens) == ("ai/qwen2.5-coder:0.5b", 8192)


def test_the_recorded_native_listing_tells_digest_and_tags() -> None:
    (stored,) = read_stored(recorded("models_list")[1].content)
    assert stored.id.startswith("sha256:8ce076d1")
    assert (stored.tags, stored.context_tokens) == (("docker.io/ai/qwen2.5-coder:0.5b",), 8192)


def test_a_recorded_model(ask: Ask) -> None:
    model = replayed(ask, "v1_model_get", "model", "ai/qwen2.5-coder:0.5b")
    assert (model.id, model.identity) == ("ai/qwen2.5-coder:0.5b", "docker.io/ai/qwen2.5-coder:0.5b")


def test_a_recorded_unknown_model(ask: Ask) -> None:
    with pytest.raises(ModelMissing, match="docker model pull ai/nope"):
        replayed(ask, "v1_model_get_unknown", "model", "ai/nope")


def as_sent(text: bytes) -> bytes:
    """The recorded chunks with HTTP's line ends, and the sizes they have since their paths were shortened."""
    head, _, rest = text.partition(b"\n\n")
    _, *chunks = re.split(rb"(?m)^[0-9a-f]+\n", rest)
    bodies = [chunk.removesuffix(b"\n") for chunk in chunks]
    sent = head.replace(b"\n", b"\r\n") + b"\r\n\r\n"
    return sent + b"".join(b"%x\r\n%s\r\n" % (len(body), body) for body in bodies)


def test_a_recorded_stream_cut_by_a_crash(
    ask: Ask, raw: Callable[[Callable[[socket.socket], None]], Raw]
) -> None:
    data = as_sent((DATA / "stream_engine_killed.http.txt").read_bytes())
    server = raw(lambda connection: connection.sendall(data))
    with pytest.raises(ReplyCut) as caught:
        ask(server.url, "stream", HI)
    assert caught.value.partial.startswith("I'm sorry")
    assert len(server.requests) == 1
