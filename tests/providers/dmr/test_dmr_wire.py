from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import HubError, ReplyInvalid, RequestRefused, RequestTooLarge, UsageError
from workflow_hub.providers.dmr import wire
from workflow_hub.values import Image, Message, Timings, ToolCall, Usage

HI = [Message("user", "hi")]
CALL = wire.Call("/chat/completions", "ai/x")
REFUSED: list[Any] = [
    pytest.param([], {}, "invent a turn", id="no messages"),
    pytest.param("hi", {}, "complete", id="a string for a list"),
    pytest.param(["hi"], {}, "not str", id="a string for a message"),
    pytest.param([{"content": "hi"}], {}, "role", id="no role"),
    pytest.param([{"role": "user", "content": None}], {}, "no content", id="null content"),
    pytest.param(HI, {"max_tokens": -5}, "max_tokens=-5", id="negative limit"),
    pytest.param(HI, {"max_completion_tokens": 0}, "max_completion_tokens=0", id="the limit's new name"),
    pytest.param(HI, {"stream": True}, "stream", id="a stream in disguise"),
    pytest.param(HI, {"tool_choice": "required"}, "max_tokens", id="required tool without a limit"),
    pytest.param(HI, {"temperature": float("nan")}, "JSON", id="not a number"),
    pytest.param(HI, {"tools": {1, 2}}, "JSON", id="a set"),
]


def sent(call: wire.Call) -> dict[str, Any]:
    assert call.body is not None
    document = json.loads(call.body)
    assert isinstance(document, dict)
    return document


def chat_reply(message: Any, **more: Any) -> bytes:
    return json.dumps(
        {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], **more}
    ).encode()


@pytest.mark.parametrize(("messages", "parameters", "words"), REFUSED)
def test_what_the_server_would_misread_is_not_sent(
    messages: Any, parameters: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        wire.chat(messages, "ai/x", parameters)


@pytest.mark.parametrize("model", ["", "  ", None])
def test_a_model_must_be_named(model: Any) -> None:
    with pytest.raises(UsageError, match="docker model list"):
        wire.chat(HI, model, {})


def test_parameters_pass_through_unknown_ones_too_and_none_is_left_out() -> None:
    parameters = {"temperature": 0, "max_tokens": None, "grammar": "root ::= x", "n": 3, "stream": False}
    assert sent(wire.chat(HI, "ai/x", parameters)) == {
        "model": "ai/x",
        "messages": [{"role": "user", "content": "hi"}],
        "temperature": 0,
        "grammar": "root ::= x",
        "n": 3,
    }


def test_images_follow_the_text_as_data_uris() -> None:
    message = Message("user", "what?", (Image(b"png", "image/png"), Image(b"jpg", "image/jpeg")))
    content = sent(wire.chat([message], "ai/x", {}))["messages"][0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url", "image_url"]
    assert content[1]["image_url"]["url"] == "data:image/png;base64," + base64.b64encode(b"png").decode()


def test_an_image_needs_no_text() -> None:
    content = sent(wire.chat([Message("user", "", (Image(b"p", "image/png"),))], "ai/x", {}))["messages"][0][
        "content"
    ]
    assert [part["type"] for part in content] == ["image_url"]


def test_openai_messages_pass_as_they_are() -> None:
    turns = [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
        {"role": "tool", "tool_call_id": "1", "content": "4"},
    ]
    assert sent(wire.chat(turns, "ai/x", {}))["messages"] == turns


def test_half_a_character_is_refused() -> None:
    with pytest.raises(RequestRefused, match="surrogate"):
        wire.chat([Message("user", "\ud800")], "ai/x", {})


def test_a_body_of_exactly_10_mib_is_sent_and_one_byte_more_is_not() -> None:
    frame = len(wire.chat([Message("user", "")], "ai/x", {}).body or b"")
    largest = "x" * (wire.BODY_LIMIT_BYTES - frame)
    assert len(wire.chat([Message("user", largest)], "ai/x", {}).body or b"") == wire.BODY_LIMIT_BYTES
    with pytest.raises(RequestTooLarge, match="10 MiB"):
        wire.chat([Message("user", largest + "x")], "ai/x", {})


@pytest.mark.parametrize("prompt", [["one", "two"], None])
def test_a_completion_takes_one_prompt(prompt: Any) -> None:
    with pytest.raises(UsageError, match="one string"):
        wire.completion(prompt, "ai/x", {})


def test_embeddings_take_one_text_or_many_but_not_none() -> None:
    assert sent(wire.embedding("one", "ai/x", {}))["input"] == ["one"]
    assert wire.embedding(("one", "two"), "ai/x", {}).count == 2
    with pytest.raises(UsageError, match="no texts"):
        wire.embedding([], "ai/x", {})


def test_a_model_is_asked_for_by_a_path_that_survives_its_name() -> None:
    assert wire.retrieval("ai/x:0.5b").path == "/models/ai/x:0.5b"
    assert wire.retrieval("a?b#c d").path == "/models/a%3Fb%23c%20d"


READ = [
    pytest.param({"content": "hi"}, "hi", "", id="text"),
    pytest.param({"content": ""}, "", "", id="empty text is a reply"),
    pytest.param({"content": "hi", "reasoning_content": "hm"}, "hi", "hm", id="reasoning beside the text"),
    pytest.param({"content": None, "reasoning_content": "hm"}, "", "hm", id="nothing but a thought"),
    pytest.param({"content": "<think>\nhm\n</think>\n\nhi"}, "hi", "hm", id="think tags"),
    pytest.param({"content": "<think>b</think>hi", "reasoning_content": "a"}, "hi", "ab", id="both"),
    pytest.param({"content": "<think>hm"}, "", "hm", id="an unclosed thought"),
]


@pytest.mark.parametrize(("message", "text", "reasoning"), READ)
def test_text_and_reasoning_are_told_apart(message: dict[str, Any], text: str, reasoning: str) -> None:
    reply = wire.read_chat(chat_reply(message), CALL)
    assert (reply.text, reply.reasoning) == (text, reasoning)


def test_of_several_choices_the_first_is_the_reply() -> None:
    choices = [
        {"index": number, "message": {"content": text}, "finish_reason": finish}
        for number, (text, finish) in enumerate([("one", "length"), ("two", "stop"), ("", "stop")])
    ]
    reply = wire.read_chat(json.dumps({"choices": choices}).encode(), CALL)
    assert (reply.text, reply.finish) == ("one", "length")


def test_null_content_beside_tool_calls_is_a_reply() -> None:
    function = {"name": "f", "arguments": "{}"}
    calls = [{"id": "1", "type": "function", "function": function}]
    reply = wire.read_chat(chat_reply({"content": None, "tool_calls": calls}), CALL)
    assert (reply.text, reply.tool_calls) == ("", (ToolCall("1", "f", "{}"),))


INVALID = [
    pytest.param(chat_reply({"content": None}), "without text", id="null content"),
    pytest.param(chat_reply({}), "without text", id="no content"),
    pytest.param(chat_reply({"content": None, "tool_calls": 7}), "without text", id="odd tool calls"),
    pytest.param(b'{"choices": []}', "without a choice", id="empty choices"),
    pytest.param(b"{}", "without a choice", id="no choices"),
    pytest.param(b"[]", "without a choice", id="a list"),
    pytest.param(b"", "with nothing", id="empty body"),
    pytest.param(b'{"choices": [{"mess', "not JSON", id="half a body"),
    pytest.param(b"\xff\xfe", "not JSON", id="not UTF-8"),
    pytest.param(b"[" * 100_000, "not JSON", id="deeply nested"),
    pytest.param(b"<!doctype html><title>Sign in</title>", "web page, 'Sign in'", id="a web page"),
]


@pytest.mark.parametrize(("data", "words"), INVALID)
def test_what_is_no_reply_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ReplyInvalid, match=words):
        wire.read_chat(data, CALL)


def test_an_error_inside_a_200_is_an_error() -> None:
    with pytest.raises(RequestRefused, match="no luck") as caught:
        wire.read_chat(b'{"error": {"code": 500, "message": "no luck"}}', CALL)
    assert caught.value.status == 500


def test_usage_and_timings_survive_odd_values() -> None:
    body = {"usage": {"prompt_tokens": "many", "completion_tokens": 3, "prompt_tokens_details": None}}
    assert wire.read_usage(body) == Usage(completion_tokens=3)
    assert wire.read_usage({"usage": 7}) == Usage()
    assert wire.read_timings({"timings": {"prompt_ms": True, "predicted_n": -1}}) == Timings()
    assert wire.read_timings({}) is None


def test_embeddings_come_in_the_order_of_the_texts() -> None:
    data = json.dumps({"data": [{"index": 1, "embedding": [2]}, {"index": 0, "embedding": [1.5]}]}).encode()
    assert wire.read_embeddings(data, wire.Call("/embeddings", "ai/x", b"", count=2)) == [[1.5], [2.0]]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param([], id="none"),
        pytest.param([{"index": 0, "embedding": "AAAA"}], id="base64"),
        pytest.param([{"index": 0, "embedding": [None]}], id="null"),
        pytest.param([{"index": 1, "embedding": [1.0]}], id="another index"),
        pytest.param({"index": 0}, id="no list"),
        pytest.param([7], id="a number"),
    ],
)
def test_a_missing_vector_is_refused(data: Any) -> None:
    with pytest.raises(ReplyInvalid, match="no vector"):
        wire.read_embeddings(
            json.dumps({"data": data}).encode(), wire.Call("/embeddings", "ai/x", b"", count=1)
        )


def test_a_completion_without_text_is_refused() -> None:
    with pytest.raises(ReplyInvalid, match="completion without text"):
        wire.read_completion(b'{"choices": [{}]}', CALL)


def test_an_untagged_model_keeps_its_digest_and_optional_fields_may_lack() -> None:
    digest = "sha256:" + "a" * 64
    models = wire.read_models(json.dumps({"data": [{"id": digest}, {"id": "ai/x", "dmr": 3}]}).encode())
    assert [(model.id, model.context_tokens) for model in models] == [(digest, None), ("ai/x", None)]
    assert wire.read_stored(json.dumps([{"id": digest}]).encode()) == [wire.Stored(digest)]


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"data": [{"name": "x"}]}', b'{"data": 1}'])
def test_other_json_is_no_listing(data: bytes) -> None:
    with pytest.raises(ReplyInvalid, match="model runner's address"):
        wire.read_models(data)


@pytest.mark.parametrize("data", [b"{}", b"[1]"])
def test_other_json_is_no_native_listing(data: bytes) -> None:
    with pytest.raises(ReplyInvalid, match="stored models"):
        wire.read_stored(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "tool_calls", "usage", "error", "function", "data", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_refused_as_ours(document: Any) -> None:
    data = json.dumps(document).encode()
    for read in (
        wire.read_chat,
        wire.read_completion,
        wire.read_embeddings,
        wire.read_models,
        wire.read_model,
    ):
        try:
            read(data, CALL)
        except HubError as error:
            assert str(error)


@given(st.text())
def test_text_arrives_as_it_was_written(text: str) -> None:
    assert sent(wire.chat([Message("user", text)], "ai/x", {}))["messages"][0]["content"] == text
