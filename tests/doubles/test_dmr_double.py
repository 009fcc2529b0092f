"""The double against the captures it stands for, and against what a test must be able to rely on."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar

import pytest
from doubles import dmr as double
from doubles.dmr import DmrDouble, Fault, StoredModel
from hypothesis import given
from hypothesis import strategies as st

CHAT = "/engines/v1/chat/completions"
CODER = "ai/qwen2.5-coder:0.5b"
HI: dict[str, Any] = {"model": CODER, "messages": [{"role": "user", "content": "Say hi."}]}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": SCHEMA}}
PNG = "data:image/png;base64,iVBORw0KGgo="


class Caller:
    """A plain HTTP client of one double, on one connection that ends with the test."""

    opened: ClassVar[list[http.client.HTTPConnection]] = []

    def __init__(self, dmr: DmrDouble) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", dmr.port, timeout=20)
        self.opened.append(self.connection)

    def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], str]:
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        self.connection.request(method, path, raw, headers or {})
        answer = self.connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()

    def chat(self, **more: Any) -> dict[str, Any]:
        status, _, text = self("POST", CHAT, HI | more)
        assert status == 200, text
        return json.loads(text)


@pytest.fixture
def dmr() -> Iterator[DmrDouble]:
    with DmrDouble(models=(CODER, StoredModel("hf.co/Org/Eyes:Q4_K_M", sees=True))) as running:
        yield running


@pytest.fixture
def call(dmr: DmrDouble) -> Caller:
    return Caller(dmr)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while Caller.opened:
        Caller.opened.pop().close()


def image(url: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]


# -- what DMR says itself, word for word ----------------------------------------------------------

TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
JSON = {"Content-Type": "application/json"}
ENGINE = {"Content-Type": "application/json; charset=utf-8", "Server": "llama.cpp"}
UNKNOWN = "error while getting model: get model '\"ai/nope\"': model not found\n"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "headers", "text"),
    [
        pytest.param("GET", "/", None, 200, {}, "Docker Model Runner is running", id="root"),
        pytest.param("GET", "/version", None, 200, JSON, '{"version":"v1.2.6"}\n', id="version"),
        pytest.param("GET", "/foo", None, 404, TEXT, "404 page not found\n", id="unknown path"),
        pytest.param("GET", "/engines/foo", None, 404, TEXT, "not found\n", id="unknown engine path"),
        pytest.param("DELETE", "/models", None, 404, TEXT, "not found\n", id="wrong method"),
        pytest.param("GET", "/models/", None, 404, TEXT, "model not found\n", id="trailing slash"),
        pytest.param("GET", "/models/ai/nope", None, 404, TEXT, "model not found\n", id="model_get_unknown"),
        pytest.param("GET", "/v1/models/ai/nope", None, 404, TEXT, UNKNOWN, id="v1_model_get_unknown"),
        pytest.param("POST", CHAT, b"{not json", 400, TEXT, "invalid request\n", id="chat_bad_json"),
        pytest.param("POST", CHAT, {"model": 5}, 400, TEXT, "invalid request\n", id="model is no string"),
        pytest.param("POST", CHAT, {"messages": []}, 400, TEXT, "model is required\n", id="chat_no_model"),
        pytest.param("POST", CHAT, {"model": "ai/nope"}, 404, TEXT, UNKNOWN, id="chat_unknown_model"),
        pytest.param(
            "POST",
            "/engines/foo/v1/chat/completions",
            HI,
            404,
            TEXT,
            "backend not found\n",
            id="unknown backend",
        ),
        pytest.param(
            "POST",
            "/engines/vllm/v1/chat/completions",
            HI,
            412,
            TEXT,
            "vLLM binary not found\n",
            id="not installed",
        ),
        pytest.param("POST", "/v1/rerank", HI, 404, TEXT, "backend not found\n", id="rerank_wrong_path"),
        pytest.param(
            "POST", "/engines/v1/rerank", HI, 404, TEXT, "backend not found\n", id="rerank below engines"
        ),
        pytest.param(
            "POST",
            "/engines/unload",
            {"models": ["ai/nope"]},
            200,
            JSON,
            '{"unloaded_runners":0}\n',
            id="unload_unknown",
        ),
        pytest.param("POST", "/engines/unload", [], 400, TEXT, "invalid request\n", id="unload nonsense"),
        pytest.param(
            "POST",
            "/engines/_configure",
            {"model": "ai/nope", "context-size": 2048},
            202,
            {},
            "",
            id="configure_unknown_model",
        ),
        pytest.param(
            "POST",
            "/engines/_configure",
            {"model": CODER, "keep_alive": 5},
            400,
            TEXT,
            "invalid request\n",
            id="configure a number",
        ),
        pytest.param(
            "POST", "/engines/foo/_configure", {}, 404, TEXT, "backend not found\n", id="configure a backend"
        ),
        pytest.param(
            "POST",
            "/engines/llama.cpp/_configure",
            {"model": CODER, "runtime-flags": ["--evil"]},
            500,
            TEXT,
            'runtime flag "--evil" is not allowed for backend "llama.cpp"\n',
            id="configure_bad_flag",
        ),
        pytest.param("GET", "/engines/ps", None, 200, JSON, "[]\n", id="nothing loaded"),
    ],
)
def test_own_answers_are_word_for_word(
    call: Caller, method: str, path: str, body: Any, status: int, headers: dict[str, str], text: str
) -> None:
    got, got_headers, got_text = call(method, path, body)
    assert (got, got_text) == (status, text)
    assert headers.items() <= got_headers.items()
    assert "Server" not in got_headers


@pytest.mark.parametrize(
    ("change", "status", "message", "kind"),
    [
        pytest.param(
            {"temperature": "hot"},
            400,
            "Field 'temperature': [json.exception.type_error.302] type must be number, but is string",
            "invalid_request_error",
            id="chat_bad_field_type",
        ),
        pytest.param(
            {"max_tokens": -5},
            400,
            "Field 'max_tokens': Value must be between -1 <= value <= 2147483647, but got -5",
            "invalid_request_error",
            id="chat_max_tokens_negative",
        ),
        pytest.param(
            {"n": 9},
            400,
            "Field 'n': Value must be between 1 <= value <= 4, but got 9",
            "invalid_request_error",
            id="chat_n_too_large",
        ),
        pytest.param(
            {"messages": image(PNG)},
            500,
            "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
            "server_error",
            id="chat_image_unsupported",
        ),
        pytest.param(
            {"tool_choice": "zzz"},
            400,
            "Invalid tool_choice: zzz",
            "invalid_request_error",
            id="chat_tool_choice_bad",
        ),
        pytest.param(
            {"tools": [{"type": "function"}]},
            500,
            'Failed to parse tools: Missing tool function: {"type":"function"}; '
            'tools = [\n  {\n    "type": "function"\n  }\n]',
            "server_error",
            id="chat_tool_malformed",
        ),
        pytest.param(
            {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "nonsense"}}}},
            400,
            "Unable to generate parser for this template. Automatic parser generation failed: "
            "JSON schema error at #: unrecognized type nonsense",
            "invalid_request_error",
            id="chat_json_schema_bad",
        ),
    ],
)
def test_the_engines_errors_are_word_for_word(
    call: Caller, change: dict[str, Any], status: int, message: str, kind: str
) -> None:
    got, headers, text = call("POST", CHAT, HI | change)
    assert (got, json.loads(text)) == (status, {"error": {"code": status, "message": message, "type": kind}})
    assert ENGINE.items() <= headers.items()


def test_a_chat_without_messages_is_refused_and_an_empty_one_is_answered(call: Caller) -> None:
    status, _, text = call("POST", CHAT, {"model": CODER})
    assert (status, json.loads(text)["error"]["message"]) == (400, "'messages' is required")
    assert call.chat(messages=[])["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_too_long_a_prompt_is_refused_in_plain_json_even_for_a_stream(call: Caller, stream: bool) -> None:
    messages = [{"role": "user", "content": "x" * 45000}]
    status, _, text = call("POST", CHAT, HI | {"messages": messages, "stream": stream})
    assert status == 400
    assert json.loads(text)["error"] == {
        "code": 400,
        "message": "request (9030 tokens) exceeds the available context size (8192 tokens), "
        "try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 9030,
        "n_ctx": 8192,
    }


def test_a_body_over_ten_mebibytes_is_refused_and_the_connection_closed(call: Caller, dmr: DmrDouble) -> None:
    status, headers, text = call("POST", CHAT, b'{"model": "' + b"x" * double.BODY_LIMIT_BYTES + b'"}')
    assert (status, text, headers["Connection"]) == (400, "request too large\n", "close")
    assert dmr.wait_until(lambda: dmr.open_connections == 0)


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://evil.example", 403), ("http://localhost:3000", 403), ("http://localhost", 200)],
)
def test_only_known_origins_pass(call: Caller, origin: str, status: int) -> None:
    assert call("POST", CHAT, HI, {"Origin": origin})[0] == status
    assert call("GET", "/models", None, {"Origin": origin})[0] == status


# -- models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_read_as"),
    [
        ("gemma3", "ai/gemma3:latest"),
        (" MyModel:V1 ", "ai/mymodel:V1"),
        ("myorg/model:", "myorg/model:latest"),
        ("hf.co/Org/Model-GGUF:Q4_K_M", "huggingface.co/org/model-gguf:Q4_K_M"),
        ("registry.example.com/m", "registry.example.com/m:latest"),
        ("index.docker.io/ai/x", "ai/x:latest"),
        ("ai/x@sha256:00", "ai/x:latest"),
        ("", ""),
    ],
)
def test_names_are_normalised(name: str, is_read_as: str) -> None:
    assert double.normalised(name) == is_read_as


@pytest.mark.parametrize(
    "name", ["qwen3-coder", "AI/Qwen3-Coder:latest", "docker.io/ai/qwen3-coder", "ai%2Fqwen3-coder"]
)
@pytest.mark.parametrize(
    "prefix", ["/models/", "/v1/models/", "/engines/v1/models/", "/engines/vllm/v1/models/"]
)
def test_every_spelling_reaches_the_model(prefix: str, name: str) -> None:
    with DmrDouble() as dmr:
        status, _, text = Caller(dmr)("GET", prefix + name)
        assert (status, "docker.io/ai/qwen3-coder:latest" in text) == (200, True)


def test_ids_and_the_last_part_of_a_name_reach_the_model(call: Caller, dmr: DmrDouble) -> None:
    eyes = dmr.models[1]
    assert eyes.tag == "huggingface.co/org/eyes:Q4_K_M"
    for name in (eyes.id, eyes.id[7:], eyes.id[7:19], "eyes"):
        assert json.loads(call("GET", f"/models/{name}")[2])["id"] == eyes.id
    assert call("GET", "/v1/models/eyes")[0] == 404


def test_the_lists_have_the_captured_shapes(call: Caller) -> None:
    native = json.loads(call("GET", "/models")[2])
    assert native[0].keys() == {"id", "tags", "created", "config"}
    assert native[0]["tags"] == ["docker.io/ai/qwen2.5-coder:0.5b"]
    listed = json.loads(call("GET", "//v1//models")[2])
    assert listed["data"][0]["dmr"]["context_window"] == 8192
    assert json.loads(call("GET", "/engines/status")[2])["llama.cpp"] == "Running: llama.cpp unknown"
    assert json.loads(call("GET", "/engines/df")[2]).keys() == {
        "models_disk_usage",
        "default_backend_disk_usage",
    }


def test_configuring_replaces_everything_and_the_context_holds(call: Caller) -> None:
    assert call("POST", "/engines/_configure", {"model": CODER, "context-size": 50})[0] == 202
    assert (
        call("POST", "/engines/_configure", {"model": CODER, "context-size": 40, "keep_alive": "10m0s"})[0]
        == 202
    )
    shown = json.loads(call("GET", f"/engines/_configure?model={CODER}")[2])
    assert [config["Config"] for config in shown] == [{"context-size": 40, "keep_alive": "10m0s"}]
    assert call("POST", CHAT, HI | {"messages": [{"role": "user", "content": "x" * 50}]})[0] == 400
    assert call("POST", "/engines/_configure", {"model": CODER, "context-size": 0})[0] == 202
    assert call("POST", CHAT, HI)[0] == 200
    assert json.loads(call("POST", "/engines/unload", {"all": True})[2]) == {"unloaded_runners": 1}
    assert json.loads(call("GET", "/engines/_configure")[2]) == []


def test_unloading_by_backend_forgets_the_configuration(call: Caller) -> None:
    call("POST", "/engines/_configure", {"model": CODER, "context-size": 50})
    body = {"backend": "llama.cpp", "models": ["docker.io/" + CODER]}
    assert json.loads(call("POST", "/engines/unload", body)[2]) == {"unloaded_runners": 1}
    assert json.loads(call("GET", "/engines/_configure")[2]) == []


def test_a_busy_runner_is_neither_configured_nor_unloaded(dmr: DmrDouble, call: Caller) -> None:
    dmr.add(double.Hang())
    hanging = Caller(dmr)
    hanging.connection.request("POST", CHAT, json.dumps(HI))
    assert dmr.wait_until(lambda: dmr.generating == 1)
    assert json.loads(call("GET", "/engines/ps")[2])[0] == {
        "backend_name": "llama.cpp",
        "model_name": CODER,
        "mode": "completion",
        "last_used": "0001-01-01T00:00:00Z",
        "in_use": True,
    }
    assert call("POST", "/engines/_configure", {"model": CODER, "context-size": 9})[::2] == (
        409,
        "runner already active\n",
    )
    assert json.loads(call("POST", "/engines/unload", {"all": True})[2]) == {"unloaded_runners": 0}
    hanging.connection.close()
    assert dmr.wait_until(lambda: dmr.generating == 0)
    assert "in_use" not in json.loads(call("GET", "/engines/ps")[2])[0]


def test_preloading_loads_and_answers_nothing(dmr: DmrDouble, call: Caller) -> None:
    status, headers, text = call("POST", CHAT, {"model": CODER}, {"X-Preload-Only": "true"})
    assert (status, headers["Content-Length"], text) == (200, "0", "")
    assert json.loads(call("GET", "/engines/ps")[2])[0]["model_name"] == CODER


# -- chat -----------------------------------------------------------------------------------------


def test_a_reply_has_the_captured_shape(call: Caller) -> None:
    status, headers, text = call("POST", CHAT, HI)
    body = json.loads(text)
    assert (status, ENGINE.items() <= headers.items()) == (200, True)
    assert body.keys() == {
        "choices",
        "created",
        "model",
        "system_fingerprint",
        "object",
        "usage",
        "id",
        "timings",
    }
    assert re.fullmatch(r"/models/bundles/sha256/[0-9a-f]{64}/model/model\.gguf", body["model"])
    assert body["usage"] == {
        "completion_tokens": 10,
        "prompt_tokens": 32,
        "total_tokens": 42,
        "prompt_tokens_details": {"cached_tokens": 0},
    }
    assert body["timings"]["prompt_n"] == 32 and body["timings"]["predicted_n"] == 10


def test_a_second_request_with_the_same_start_is_cached(call: Caller) -> None:
    messages = [{"role": "user", "content": "word " * 400}]
    call.chat(messages=messages)
    again = call.chat(messages=[*messages, {"role": "user", "content": "and more"}])
    assert 350 < again["usage"]["prompt_tokens_details"]["cached_tokens"] == again["timings"]["cache_n"] < 430


@pytest.mark.parametrize(
    ("change", "text", "finish"),
    [
        pytest.param({"max_tokens": 0}, "Hell", "length", id="0 is one token"),
        pytest.param({"max_tokens": 1}, "Hell", "length", id="1 is one token"),
        pytest.param({"max_tokens": 3}, "Hello! How", "length", id="cut"),
        pytest.param({"max_tokens": -1}, "Hello! How can I assist you today?", "stop", id="no limit"),
        pytest.param({"stop": ["can"]}, "Hello! How ", "stop", id="stop text"),
        pytest.param({"stop": "can"}, "Hello! How ", "stop", id="one stop text"),
        pytest.param(
            {"messages": [{"role": "assistant", "content": "Well. "}]},
            "Well. Hello! How can I assist you today?",
            "stop",
            id="prefill comes back",
        ),
    ],
)
def test_limits_and_stops_hold(call: Caller, change: dict[str, Any], text: str, finish: str) -> None:
    choice = call.chat(**change)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == (text, finish)


def test_several_choices_come_whole_and_interleaved(call: Caller) -> None:
    assert [c["index"] for c in call.chat(n=2)["choices"]] == [0, 1]
    records = stream(call, n=2)
    assert [r["choices"][0]["index"] for r in records[:4]] == [0, 1, 0, 1]


def test_eyes_see_a_picture_and_refuse_a_broken_one(call: Caller) -> None:
    seen = call.chat(model="hf.co/org/eyes:Q4_K_M", messages=image(PNG))
    assert seen["usage"]["prompt_tokens"] > 64
    broken = image("data:image/png;base64,aGVsbG8=")
    status, _, text = call("POST", CHAT, HI | {"model": "hf.co/org/eyes:Q4_K_M", "messages": broken})
    assert (status, json.loads(text)["error"]["message"]) == (400, "Failed to load image or audio file")


def stream(call: Caller, **more: Any) -> list[dict[str, Any]]:
    status, headers, text = call("POST", CHAT, HI | {"stream": True} | more)
    assert (status, headers["Content-Type"], headers["X-Accel-Buffering"]) == (200, "text/event-stream", "no")
    records = text.split("\n\n")
    assert records[-2:] == ["data: [DONE]", ""]
    return [json.loads(record.removeprefix("data: ")) for record in records[:-2]]


def test_a_stream_has_the_captured_records(call: Caller) -> None:
    records = stream(call)
    deltas = [record["choices"][0]["delta"] for record in records]
    assert deltas[0] == {"role": "assistant", "content": None}
    assert "".join(d["content"] for d in deltas[1:-1]) == "Hello! How can I assist you today?"
    assert deltas[-1] == {} and records[-1]["choices"][0]["finish_reason"] == "stop"
    assert "timings" in records[-1] and "usage" not in records[-1]


def test_usage_comes_in_one_more_record_without_choices(call: Caller) -> None:
    *_, finish, usage = stream(call, stream_options={"include_usage": True})
    assert "timings" not in finish and finish["choices"][0]["finish_reason"] == "stop"
    assert usage["choices"] == [] and {"usage", "timings"} <= usage.keys()


def test_completions_come_whole_and_streamed_and_for_several_prompts(call: Caller) -> None:
    body = {"model": CODER, "prompt": ["one", "two"], "max_tokens": 3}
    whole = json.loads(call("POST", "/v1/completions", body)[2])
    assert [c["text"] for c in whole["choices"]] == ["Hello! How"] * 2
    assert whole["object"] == "text_completion"
    text = call("POST", "/v1/completions", body | {"prompt": "one", "stream": True})[2]
    records = [json.loads(r[6:]) for r in text.split("\n\n")[:-2]]
    assert [r["choices"][0]["finish_reason"] for r in records] == [None, None, None, "length"]
    assert "usage" in records[-1]


def test_embeddings_need_a_model_for_them(dmr: DmrDouble, call: Caller) -> None:
    body = {"model": CODER, "input": ["hello"]}
    status, _, text = call("POST", "/engines/v1/embeddings", body)
    assert (status, "Pooling type 'none'" in text) == (400, True)
    assert [runner["mode"] for runner in json.loads(call("GET", "/engines/ps")[2])] == ["embedding"]
    dmr.models.append(StoredModel("ai/nomic", embeds=True))
    one, two = (
        json.loads(call("POST", "/v1/embeddings", {"model": "nomic", "input": i})[2])
        for i in ("a", ["a", "b"])
    )
    assert one["data"][0] == two["data"][0] and len(two["data"]) == 2


# -- what the model says --------------------------------------------------------------------------

CONSTANTS = st.sampled_from(
    [{"const": "x"}, {"const": None}, {"enum": [None, "a", "b"]}, {"type": "boolean"}]
)
PLAIN = st.builds(
    lambda low, room: {"type": "string", "minLength": low, "maxLength": low + room},
    st.integers(0, 9),
    st.integers(0, 90),
)
NUMBERS = st.sampled_from(
    [{"type": "integer", "minimum": 3}, {"type": "number", "maximum": -2}, {"type": "null"}]
)
SCHEMAS = st.recursive(
    CONSTANTS | PLAIN | NUMBERS,
    lambda inner: st.one_of(
        st.dictionaries(st.text(max_size=5), inner, max_size=4).map(
            lambda p: {"type": "object", "properties": p, "required": list(p), "additionalProperties": False}
        ),
        st.builds(lambda i, most: {"type": "array", "items": i, "maxItems": most}, inner, st.integers(0, 3)),
        inner.map(lambda i: {"anyOf": [{"type": "null"}, i]}),
        st.just({"type": ["null", "string"]}),
    ),
    max_leaves=8,
)


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """A second opinion on the few words of JSON schema that the strategy above writes."""
    match schema:
        case {"const": const}:
            return value == const
        case {"enum": options}:
            return value in options
        case {"anyOf": options}:
            return any(fits(value, option) for option in options)
        case {"type": [*kinds]}:
            return any(fits(value, {"type": kind}) for kind in kinds)
        case {"type": "object", "properties": properties}:
            return value.keys() == properties.keys() and all(fits(value[k], s) for k, s in properties.items())
        case {"type": "array", "items": items, "maxItems": most}:
            return len(value) <= most and all(fits(item, items) for item in value)
        case {"type": "string"}:
            return isinstance(value, str) and schema.get("minLength", 0) <= len(value) <= schema.get(
                "maxLength", 10**6
            )
        case {"type": "null"}:
            return value is None
        case {"type": "boolean"}:
            return isinstance(value, bool)
    return schema.get("minimum", -99) <= value <= schema.get("maximum", 99)


@given(SCHEMAS, st.integers(0, 2**32), st.booleans())
def test_made_up_documents_fit_their_schema(schema: dict[str, Any], seed: int, hostile: bool) -> None:
    value = double.plausible(schema, seed, double.HOSTILE if hostile else double.SENTENCES)
    assert fits(value, schema), schema


@given(st.text())
def test_tokens_lose_no_character(text: str) -> None:
    assert "".join(double.tokens_of(text)) == text


def test_the_default_answer_fits_and_repeats_itself(call: Caller) -> None:
    first, again = (call.chat(response_format=FORMAT)["choices"][0]["message"]["content"] for _ in range(2))
    assert fits(json.loads(first), SCHEMA) and first == again and first.startswith('{\n  "name"')
    assert (
        json.loads(call.chat(response_format={"type": "json_object"})["choices"][0]["message"]["content"])
        == {}
    )
    asked = {"type": "json_object", "schema": SCHEMA}
    assert fits(json.loads(call.chat(response_format=asked)["choices"][0]["message"]["content"]), SCHEMA)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        pytest.param("words", "words", id="a text"),
        pytest.param({"a": "ü"}, '{\n  "a": "ü"\n}', id="a document"),
        pytest.param(double.PROSE, double.PROSE.text, id="a fault"),
    ],
)
def test_answer_decides(said: Any, text: str) -> None:
    with DmrDouble(models=(CODER,), answer=lambda body: said) as dmr:
        assert Caller(dmr).chat()["choices"][0]["message"]["content"] == text


def test_a_bug_in_answer_fails_the_test() -> None:
    with (
        pytest.raises(AssertionError, match="answer"),
        DmrDouble(models=(CODER,), answer=lambda b: b["no"]) as dmr,
    ):
        assert Caller(dmr)("POST", CHAT, HI)[0] == 500


def test_hostile_answers_are_valid_documents_with_nasty_strings() -> None:
    with DmrDouble(models=(CODER,), answer=double.hostile_answer) as dmr:
        call = Caller(dmr)
        said = set()
        for n in range(60):
            messages = [{"role": "user", "content": str(n)}]
            content = call.chat(messages=messages, response_format=FORMAT)["choices"][0]["message"]["content"]
            said.add(json.loads(content)["name"])
        assert len(said & set(double.HOSTILE)) > 8
        assert call.chat()["choices"][0]["message"]["content"] in double.HOSTILE


# -- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        pytest.param(double.EMPTY_502, 502, "", id="engine_dead_502"),
        pytest.param(double.UNAVAILABLE_503, 503, "service unavailable\n", id="503"),
        pytest.param(double.LOADING_503, 503, "Loading model", id="loading"),
        pytest.param(double.BUSY_429, 429, "too many requests\n", id="429"),
        pytest.param(double.PLAIN_500, 500, "unable to load runner: ", id="500"),
        pytest.param(double.CRASH_500, 500, '"message": "llama.cpp terminated unexpectedly', id="crash"),
        pytest.param(
            double.EngineKilled(), 500, "llama.cpp terminated unexpectedly", id="engine_killed_nonstream"
        ),
        pytest.param(double.StreamError(), 500, double.PARSE_TEXT, id="chat_output_parse_error"),
        pytest.param(double.HTML_PAGE, 200, "<!doctype html>", id="html"),
        pytest.param(double.NOT_JSON, 200, '{"choices": [{"mess', id="not JSON"),
        pytest.param(double.NULL_CONTENT, 200, '"content":null', id="null content"),
        pytest.param(double.NoChoices(), 200, '"choices":[]', id="no choices"),
        pytest.param(double.CutShort(3), 200, '"finish_reason":"length"', id="cut by length"),
        pytest.param(
            double.Wrapped(), 200, r"Here is the JSON you asked for:\n\n```json\nHello", id="fenced"
        ),
        pytest.param(double.Thinks(inline=True), 200, r"<think>\nThe user wants", id="think tags"),
        pytest.param(double.Thinks(), 200, '"reasoning_content":"The user wants', id="reasoning"),
        pytest.param(
            double.ToolCalls((("f", '{"a'),), finish="length"),
            200,
            r'"arguments":"{\"a"',
            id="chat_tool_calls_cut",
        ),
        pytest.param(double.Drip(0.0001), 200, "Hello!", id="drip arrives"),
        pytest.param(double.Delay(0.01), 200, "Hello!", id="delay arrives"),
    ],
)
def test_a_fault_strikes_once_and_then_all_is_well(
    dmr: DmrDouble, call: Caller, fault: Fault, status: int, text: str
) -> None:
    dmr.add(fault)
    got, _, said = call("POST", CHAT, HI)
    assert got == status and text in said
    assert call.chat()["choices"][0]["message"]["content"] == "Hello! How can I assist you today?"


def raw_stream(dmr: DmrDouble) -> bytes:
    """All bytes of a streamed answer on a connection of its own, until the double ends it."""
    body = json.dumps(HI | {"stream": True}).encode()
    with socket.create_connection(("127.0.0.1", dmr.port), timeout=20) as sock:
        sock.sendall(
            b"POST %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
            % (CHAT.encode(), len(body), body)
        )
        return b"".join(iter(lambda: sock.recv(65536), b""))


@pytest.mark.parametrize(
    ("fault", "end", "records"),
    [
        pytest.param(Fault(), b"data: [DONE]\n\n\r\n0\r\n\r\n", 13, id="chat_stream"),
        pytest.param(double.EngineKilled(3), b"}\n\n\r\n", 3, id="stream_engine_killed"),
        pytest.param(
            double.StreamError(2),
            b'"type":"server_error"}}\n\n\r\n0\r\n\r\n',
            3,
            id="error record, no [DONE]",
        ),
        pytest.param(double.NoDone(), b"}\n\n\r\n0\r\n\r\n", 12, id="no [DONE]"),
        pytest.param(double.NoChoices(), b"data: [DONE]\n\n\r\n0\r\n\r\n", 1, id="no choices"),
        pytest.param(double.Close(), b"", 0, id="closed before a byte"),
    ],
)
def test_streams_end_as_captured(dmr: DmrDouble, fault: Fault, end: bytes, records: int) -> None:
    dmr.add(fault)
    got = raw_stream(dmr)
    assert got.endswith(end) and got.count(b"data: ") == records


def test_reasoning_and_tool_calls_stream_in_pieces(dmr: DmrDouble, call: Caller) -> None:
    dmr.add(double.Thinks("hmm"))
    dmr.add(double.ToolCalls((("get", '{"city": "Paris"}'),)))
    assert {"reasoning_content": "hmm"} in [r["choices"][0]["delta"] for r in stream(call)]
    calls = [r["choices"][0]["delta"].get("tool_calls") for r in stream(call)]
    fragments = [c[0] for c in calls if c]
    assert fragments[0]["function"]["name"] == "get" and "id" not in fragments[1]
    assert "".join(f["function"]["arguments"] for f in fragments) == '{"city": "Paris"}'


def test_a_reset_is_a_reset(dmr: DmrDouble) -> None:
    dmr.add(double.Reset())
    with pytest.raises(ConnectionResetError):
        raw_stream(dmr)


def test_a_plain_body_may_end_too_early(dmr: DmrDouble, call: Caller) -> None:
    dmr.add(double.NoDone())
    with pytest.raises(http.client.IncompleteRead):
        call("POST", CHAT, HI)


@pytest.mark.parametrize(
    ("fault", "body", "first"),
    [
        pytest.param(double.Hang(), HI, b"", id="no header"),
        pytest.param(double.Stall(), HI, b"HTTP/1.1 200 OK\r\n", id="half a body"),
        pytest.param(double.Stall(1), HI | {"stream": True}, b"HTTP/1.1 200 OK\r\n", id="one record"),
        pytest.param(double.Drip(3600), HI, b"", id="slower than anybody waits"),
        pytest.param(double.Delay(3600), HI, b"", id="later than anybody waits"),
    ],
)
def test_a_client_that_leaves_is_noticed_and_its_slot_freed(fault: Fault, body: Any, first: bytes) -> None:
    with DmrDouble(models=(CODER,), slots=1, faults=[fault]) as dmr:
        leaving = Caller(dmr)
        leaving.connection.request("POST", CHAT, json.dumps(body))
        if first:
            assert leaving.connection.sock.recv(len(first), socket.MSG_WAITALL) == first
        assert dmr.wait_until(lambda: dmr.generating == 1)
        leaving.connection.close()
        assert Caller(dmr).chat()["choices"]
        assert dmr.disconnects == 1


def test_faults_wait_for_the_request_they_are_for(dmr: DmrDouble, call: Caller) -> None:
    dmr.add(double.Refusal(double.BUSY_429.response, path="/models", times=2))
    dmr.add(double.Refusal(double.EMPTY_502.response, containing="poison", times=None))
    dmr.add(double.Refusal(double.UNAVAILABLE_503.response, skip=1))
    poison = HI | {"messages": [{"role": "user", "content": "poison"}]}
    assert [call("POST", CHAT, b)[0] for b in (HI, poison, HI, HI, poison)] == [200, 502, 503, 200, 502]
    assert [call("GET", "/models")[0] for _ in range(3)] == [429, 429, 200]


def test_faults_also_change_refusals(dmr: DmrDouble, call: Caller) -> None:
    dmr.add(double.BUSY_429)
    assert call("POST", CHAT, {"model": "ai/nope"})[0] == 429


@pytest.mark.parametrize("stream", [False, True])
def test_a_dead_server_refuses_every_connection(dmr: DmrDouble, call: Caller, stream: bool) -> None:
    dmr.add(double.Die(skip=1))
    body = HI | {"stream": stream}
    assert call("POST", CHAT, body)[0] == 200
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        call("POST", CHAT, body)
    with pytest.raises(ConnectionRefusedError):
        Caller(dmr)("GET", "/")


# -- slots, counters, sockets, the program --------------------------------------------------------


def test_a_request_without_a_slot_gets_no_byte_until_one_is_free() -> None:
    with DmrDouble(models=(CODER,), slots=1, faults=[double.Hang()]) as dmr:
        first, second, third = Caller(dmr), Caller(dmr), Caller(dmr)
        first.connection.request("POST", CHAT, json.dumps(HI))
        assert dmr.wait_until(lambda: dmr.generating == 1)
        second.connection.request("POST", CHAT, json.dumps(HI))
        third.connection.request("POST", CHAT, json.dumps(HI))
        assert dmr.wait_until(lambda: dmr.in_flight == 3)
        third.connection.close()  # one that waits may leave too
        assert dmr.wait_until(lambda: dmr.disconnects == 1)
        second.connection.sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.connection.sock.recv(1)
        second.connection.sock.settimeout(20)
        first.connection.close()
        assert second.connection.getresponse().status == 200
        assert (dmr.in_flight_peak, len(dmr.chats)) == (3, 3)


def test_many_clients_at_once_are_all_answered_and_all_recorded() -> None:
    with DmrDouble(models=(CODER,), slots=2, token_s=0.0005) as dmr:

        def work(n: int) -> str:
            caller = Caller(dmr)
            texts = [caller.chat(messages=[{"role": "user", "content": f"{n} {k}"}]) for k in range(5)]
            caller.connection.close()
            return texts[-1]["choices"][0]["message"]["content"]

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(work, range(8))) == {"Hello! How can I assist you today?"}
        asked = sorted(request.body["messages"][0]["content"] for request in dmr.chats)
        assert asked == sorted(f"{n} {k}" for n in range(8) for k in range(5))
        assert 2 < dmr.in_flight_peak <= 8 and dmr.disconnects == 0


def test_requests_are_recorded_as_they_came(dmr: DmrDouble, call: Caller) -> None:
    call("GET", "/v1/models?x=1", None, {"Authorization": "Bearer k"})
    call("POST", CHAT, b"nonsense")
    first, second = dmr.requests
    assert (first.method, first.path, first.headers["authorization"], first.body) == (
        "GET",
        "/v1/models?x=1",
        "Bearer k",
        None,
    )
    assert (second.raw, second.body, dmr.chats) == (b"nonsense", None, [second])


def test_a_chunked_body_is_read_whole(dmr: DmrDouble, call: Caller) -> None:
    raw = json.dumps(HI).encode()
    call.connection.request("POST", CHAT, iter([raw[:20], raw[20:]]), encode_chunked=True)
    assert call.connection.getresponse().status == 200


@pytest.mark.parametrize(
    "sent",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5",
    ],
)
def test_half_a_request_is_a_client_that_left(dmr: DmrDouble, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", dmr.port)) as sock:
        sock.sendall(sent)
    assert dmr.wait_until(lambda: dmr.disconnects == 1)
    assert dmr.requests == []


def test_loading_takes_its_time_once_and_ends_with_its_client() -> None:
    with DmrDouble(models=(CODER,), load_s=3600) as dmr:
        leaving = Caller(dmr)
        leaving.connection.request("POST", CHAT, json.dumps(HI))
        assert dmr.wait_until(lambda: dmr.in_flight == 1)
        leaving.connection.close()
        assert dmr.wait_until(lambda: dmr.disconnects == 1)
        dmr.load_s = 0.01
        assert Caller(dmr).chat()["choices"]


def test_a_pipelined_request_does_not_hide_the_clock(dmr: DmrDouble) -> None:
    dmr.add(double.Delay(0.05))
    body = json.dumps(HI).encode()
    one = b"POST %s HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (CHAT.encode(), len(body), body)
    with socket.create_connection(("127.0.0.1", dmr.port), timeout=20) as sock:
        sock.sendall(one[:-5])
        sock.sendall(one[-5:])
        assert dmr.wait_until(lambda: dmr.generating == 1)
        sock.sendall(one.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nConnection: close\r\n"))
        assert b"".join(iter(lambda: sock.recv(65536), b"")).count(b"HTTP/1.1 200 OK") == 2


def test_it_listens_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "dmr.sock"
    with DmrDouble(unix_socket=path) as dmr, socket.socket(socket.AF_UNIX) as sock:
        assert dmr.url == f"unix://{path}"
        sock.connect(str(path))
        sock.sendall(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert sock.recv(15) == b"HTTP/1.1 200 OK"
    assert not path.exists()


def test_it_ends_while_clients_are_still_there() -> None:
    with DmrDouble(models=(CODER,), faults=[double.Hang()]) as dmr:
        waiting = Caller(dmr)
        waiting.connection.request("POST", CHAT, json.dumps(HI))
        assert dmr.wait_until(lambda: dmr.generating == 1)
        before = threading.active_count()
    assert threading.active_count() < before
    assert dmr.disconnects == 0


def test_as_a_program_it_prints_its_address_and_serves_until_interrupted() -> None:
    command = [sys.executable, double.__file__, "--port", "0", "--model", "ai/x", "--hostile", "--slots", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        address = program.stdout.readline().strip()
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=20)
        connection.request("POST", "/v1/chat/completions", json.dumps(HI | {"model": "x"}))
        text = json.loads(connection.getresponse().read())["choices"][0]["message"]["content"]
        connection.close()
        assert text in double.HOSTILE
        os.kill(program.pid, signal.SIGINT)
        assert program.wait(20) == 0


def test_a_model_that_does_not_fit_beside_another_is_not_loaded() -> None:
    with DmrDouble(models=("ai/a", "ai/b"), fits=1) as dmr:
        told = [Caller(dmr)("POST", CHAT, HI | {"model": f"ai/{name}"}) for name in "aba"]
    assert [status for status, _, _ in told] == [200, 500, 200]
    assert "not enough GPU memory to load the model (CUDA)\n\nVerbose output" in told[1][2]
