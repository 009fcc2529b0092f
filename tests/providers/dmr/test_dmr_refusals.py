from __future__ import annotations

import json
from typing import Any

import pytest
from doubles import dmr as double
from hypothesis import given
from hypothesis import strategies as st

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
from workflow_hub.providers.dmr.refusals import redirected, refusal, words_of

OVERFLOW = b'{"error":{"code":400,"message":"request (9 tokens) exceeds","type":"exceed_context_size_error"}}'
CRASH = b'{"type":"error","code":null,"message":"llama.cpp terminated unexpectedly: x\\nmore","param":null}'
PAGE = b"<html><head><title>Bad\nGateway</title></head><body>" + b"x" * 9000
CASES = [
    pytest.param(
        404,
        b"error while getting model: get model '\"ai/x\"': model not found\n",
        ModelMissing,
        "docker model pull ai/x",
        id="model not in the store",
    ),
    pytest.param(
        404, b'{"error":{"code":404,"message":"no such model"}}', ModelMissing, "pull ai/x", id="404 as JSON"
    ),
    pytest.param(404, b"", ModelMissing, "no explanation", id="404 without a word"),
    pytest.param(404, b"backend not found\n", RunnerUnreachable, "backend not found", id="another engine"),
    pytest.param(404, b"404 page not found\n", RunnerUnreachable, "check DMR_BASE_URL", id="Go's router"),
    pytest.param(404, PAGE, RunnerUnreachable, "a web page, 'Bad'", id="404 as a web page"),
    pytest.param(400, OVERFLOW, ContextOverflow, "larger context", id="prompt too long"),
    pytest.param(400, b"request too large\n", RequestTooLarge, "request too large", id="too large, DMR's"),
    pytest.param(413, b"", RequestTooLarge, "no explanation", id="too large, a proxy's"),
    pytest.param(502, b"", RunnerBusy, "started again", id="empty after a crash"),
    pytest.param(502, PAGE, RequestRefused, "not a model runner's", id="502 of a proxy"),
    pytest.param(503, b"service unavailable\n", RunnerBusy, "docker model status", id="installing or off"),
    pytest.param(429, b"slow down", RunnerBusy, "slow down", id="too many"),
    pytest.param(
        500,
        b'{"error":{"message":"Loading model","type":"unavailable_error"}}',
        RunnerBusy,
        "Loading model",
        id="loading, the engine's",
    ),
    pytest.param(
        500, b"unable to load runner: backend loading disabled\n", RunnerBusy, "disabled", id="starting up"
    ),
    pytest.param(
        500, b"unable to load runner: context canceled", RunnerBusy, "canceled", id="another client left"
    ),
    pytest.param(
        500, b"unable to load runner: failed to load model", RequestRefused, "docker model logs", id="no load"
    ),
    pytest.param(
        500,
        double.NO_MEMORY.body,
        OutOfMemory,
        r"ai/x does not fit .*not enough GPU memory .*unload --all",
        id="no memory, as DMR knows it",
    ),
    pytest.param(
        500,
        b"unable to load runner: llama.cpp failed: x\ncudaMalloc failed: out of memory",
        OutOfMemory,
        "does not fit",
        id="no memory, in the engine's log",
    ),
    pytest.param(
        400,
        double.TEMPLATE_400.response.body,
        TemplateRefused,
        r"ai/x's chat template .*: Error: Jinja Exception: Conversation roles must alternate .*; ask another",
        id="template",
    ),
    pytest.param(
        400,
        b'{"error":{"message":"Unable to generate parser for this template. JSON schema error at #"}}',
        RequestRefused,
        "simplify it",
        id="a schema is no template",
    ),
    pytest.param(500, CRASH, RequestRefused, r"unexpectedly: x;", id="JSON in a text type"),
    pytest.param(500, b'{"error":"plain"}', RequestRefused, "plain", id="error as a string"),
    pytest.param(
        400, b'{"error":{"message":"odd","code":"x","type":3}}', RequestRefused, "odd", id="odd fields"
    ),
    pytest.param(401, b"who are you", RequestRefused, "DMR_API_KEY", id="key"),
    pytest.param(403, b"Origin not allowed\n", RequestRefused, "DMR_ORIGINS", id="origin"),
    pytest.param(412, b"vLLM binary not found", RequestRefused, "install-runner", id="engine not installed"),
    pytest.param(418, b"[" * 100_000, RequestRefused, "HTTP 418", id="nonsense"),
]


@pytest.mark.parametrize(("status", "body", "kind", "words"), CASES)
def test_a_refusal_becomes_ours_with_the_next_step(
    status: int, body: bytes, kind: type[HubError], words: str
) -> None:
    error = refusal(status, body, model="ai/x", where="http://h")
    assert type(error) is kind
    assert error.args[0] == str(error)
    with pytest.raises(kind, match=words):
        raise error
    if isinstance(error, RequestRefused):
        assert error.status == status


@pytest.mark.parametrize(
    ("told", "tokens"), [({"n_ctx": 8192}, 8192), ({}, 0), ({"n_ctx": "x"}, 0), ({"n_ctx": -1}, 0)]
)
def test_an_overflow_tells_how_long_the_context_is(told: dict[str, Any], tokens: int) -> None:
    body = {"error": {"message": "too long", "type": "exceed_context_size_error", **told}}
    error = refusal(400, json.dumps(body).encode(), model="ai/x")
    assert isinstance(error, ContextOverflow) and error.context_tokens == tokens


def test_a_listing_that_is_not_there_is_no_missing_model() -> None:
    error = refusal(404, b"not found\n", where="http://h/x")
    assert isinstance(error, RunnerUnreachable)
    assert "http://h/x" in str(error)


def test_the_command_line_of_the_engine_is_not_repeated() -> None:
    text = b"unable to start process: name: 'x' arg: '[\"--model\" \"/m\"]' err: no such file"
    assert words_of(text).message == "unable to start process: name: 'x' err: no such file"


def test_a_redirect_is_told_and_not_followed() -> None:
    error = redirected(307, "http://elsewhere/")
    assert "http://elsewhere/" in str(error)
    assert error.status == 307
    assert "nowhere" in str(redirected(302, ""))


@given(st.integers(300, 599), st.binary(max_size=2000) | st.text(max_size=2000).map(str.encode))
def test_any_refusal_is_one_short_line(status: int, body: bytes) -> None:
    text = str(refusal(status, body, model="ai/x", where="http://h"))
    assert len(text) < 600
    assert "\n" not in text
