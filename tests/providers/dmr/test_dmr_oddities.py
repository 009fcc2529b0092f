"""The oddities that a client of the real server meets, each by its name (contract, 2.5, 3, 4.1 and 9)."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from dmr_help import Ask
from doubles import dmr as double
from doubles.dmr import DmrDouble, StoredModel

from workflow_hub.errors import (
    ContextOverflow,
    ModelMissing,
    ReplyCut,
    RequestRefused,
    RequestTooLarge,
    RunnerBusy,
    UsageError,
)
from workflow_hub.values import Message

HI = [Message("user", "hi")]
HELLO = "Hello! How can I assist you today?"
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


def answering(body: Any, status: int = 200, kind: str = "application/json") -> dict[str, Any]:
    """Client options: a server that always answers this."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = httpx.Response(status, headers={"content-type": kind}, content=content)
    return {"transport": httpx.MockTransport(lambda request: response), "tries": 1}


# -- section 2.5 -------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [0, -1])
def test_max_tokens_0_is_one_token_and_minus_1_has_no_end(ask: Ask, limit: int) -> None:
    with DmrDouble() as dmr:
        with pytest.raises(UsageError, match=f"max_tokens={limit}"):
            ask(dmr.url, "chat", HI, max_tokens=limit)
        assert dmr.connections == 0


def test_no_messages_make_the_model_invent_a_turn(ask: Ask) -> None:
    with pytest.raises(UsageError, match="invent a turn"):
        ask("http://h", "chat", [])


def test_an_unknown_role_and_null_content_are_accepted_by_the_server_only(ask: Ask) -> None:
    for turn in ({"role": "robot", "content": "hi"}, {"role": "user", "content": None}):
        with pytest.raises(UsageError):
            ask("http://h", "chat", [turn])


def test_a_last_message_of_the_assistant_is_continued_and_repeated(ask: Ask) -> None:
    with DmrDouble() as dmr:
        turns = [*HI, Message("assistant", "Well: ")]
        assert ask(dmr.url, "reply", turns).text == HELLO
        assert "".join(delta.text for delta in ask(dmr.url, "stream", turns)) == HELLO


def test_n_counts_the_tokens_of_one_choice_only(ask: Ask) -> None:
    with DmrDouble() as dmr:
        one, two = ask(dmr.url, "reply", HI), ask(dmr.url, "reply", HI, n=2)
        streamed = "".join(delta.text for delta in ask(dmr.url, "stream", HI, n=2))
    assert [chat.body.get("n") for chat in dmr.chats] == [None, 2, 2]
    assert one.text == two.text == streamed == HELLO, "the first of the choices, and nothing of the second"
    assert two.usage.completion_tokens == one.usage.completion_tokens > 0


def test_more_choices_than_slots_are_refused_in_the_servers_words(ask: Ask) -> None:
    with DmrDouble(slots=2) as dmr, pytest.raises(RequestRefused, match="Field 'n': Value must be between 1"):
        ask(dmr.url, "chat", HI, n=3)


def test_completions_take_no_list_of_prompts(ask: Ask) -> None:
    with pytest.raises(UsageError, match="one string"):
        ask("http://h", "completions", ["one", "two"])


def test_a_field_of_the_wrong_type_is_refused_in_the_servers_words(ask: Ask) -> None:
    with DmrDouble() as dmr, pytest.raises(RequestRefused, match="Field 'temperature'"):
        ask(dmr.url, "chat", HI, temperature="hot")


def test_a_schema_cut_by_max_tokens_is_broken_json_with_finish_length(ask: Ask) -> None:
    with DmrDouble(answer=lambda body: {"name": "Alice"}, faults=[double.CutShort(5)]) as dmr:
        reply = ask(dmr.url, "reply", HI)
    assert (reply.finish, reply.text) == ("length", '{\n  "')


def test_a_tool_call_may_come_as_plain_text(ask: Ask) -> None:
    text = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
    with DmrDouble(faults=[double.Says(text)]) as dmr:
        reply = ask(dmr.url, "reply", HI, tools=[TOOL])
    assert (reply.text, reply.tool_calls, reply.finish) == (text, (), "stop")


def test_a_required_tool_runs_on_until_max_tokens(ask: Ask) -> None:
    with pytest.raises(UsageError, match="set max_tokens"):
        ask("http://h", "chat", HI, tools=[TOOL], tool_choice="required")
    with DmrDouble() as dmr:
        assert ask(dmr.url, "reply", HI, tools=[TOOL], tool_choice="required", max_tokens=99).finish == "stop"


def test_a_named_tool_is_not_enforced_and_the_reply_says_what_was_called(ask: Ask) -> None:
    choice = {"type": "function", "function": {"name": "other"}}
    with DmrDouble(faults=[double.ToolCalls((("get_weather", "{}"),))]) as dmr:
        (call,) = ask(dmr.url, "reply", HI, tools=[TOOL], tool_choice=choice).tool_calls
    assert call.name == "get_weather"


def test_a_tool_call_cut_by_max_tokens_has_broken_arguments(ask: Ask) -> None:
    function = {"name": "get_weather", "arguments": '{"city'}
    message = {"content": "", "tool_calls": [{"id": "1", "function": function}]}
    body = {"choices": [{"message": message, "finish_reason": "length"}]}
    reply = ask("http://h", "reply", HI, client=answering(body))
    assert (reply.finish, reply.tool_calls[0].arguments) == ("length", '{"city')


def test_output_that_does_not_fit_the_tool_format_is_a_500_or_an_error_record(ask: Ask) -> None:
    with DmrDouble(faults=[double.StreamError(), double.StreamError(chunks=3)]) as dmr:
        with pytest.raises(RequestRefused, match="peg-native"):
            ask(dmr.url, "chat", HI)
        with pytest.raises(RequestRefused, match="peg-native") as caught:
            ask(dmr.url, "stream", HI)
    assert caught.value.partial == "Hello!"


def test_an_image_for_a_text_model_is_a_500_naming_mmproj(ask: Ask) -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    with DmrDouble() as dmr, pytest.raises(RequestRefused, match=r"mmproj.*choose a model that takes images"):
        ask(dmr.url, "chat", [{"role": "user", "content": [part]}])


def test_embeddings_of_a_chat_model_are_a_400(ask: Ask) -> None:
    with DmrDouble() as dmr, pytest.raises(RequestRefused, match="embedding model"):
        ask(dmr.url, "embeddings", ["x"], "ai/qwen3-coder")


def test_the_prompt_that_is_too_long_is_plain_json_for_a_stream_too(ask: Ask) -> None:
    with DmrDouble([StoredModel("ai/qwen3-coder", context_tokens=64)]) as dmr:
        for method in ("chat", "stream"):
            with pytest.raises(ContextOverflow, match="available context size"):
                ask(dmr.url, method, [Message("user", "word " * 2000)])


def test_the_model_in_a_reply_is_a_path_in_the_store_and_not_shown(ask: Ask) -> None:
    with DmrDouble() as dmr:
        assert ask(dmr.url, "reply", HI, "qwen3-coder").model == "qwen3-coder"


def test_missing_done_is_an_error_even_after_a_clean_end(ask: Ask) -> None:
    with DmrDouble(faults=[double.NoDone()]) as dmr, pytest.raises(ReplyCut) as caught:
        ask(dmr.url, "stream", HI)
    assert caught.value.partial == HELLO


def test_a_body_over_10_mib_is_a_400_and_never_sent(ask: Ask) -> None:
    with pytest.raises(RequestTooLarge):
        ask("http://h", "complete", "x" * 11_000_000)
    with pytest.raises(RequestTooLarge):
        ask("http://h", "chat", HI, client=answering(b"request too large\n", 400, "text/plain"))


def test_think_tags_and_reasoning_content_both_end_in_reasoning(ask: Ask) -> None:
    for inline in (True, False):
        with DmrDouble(faults=[double.Thinks("hm", inline=inline, times=2)]) as dmr:
            reply = ask(dmr.url, "reply", HI)
            deltas = ask(dmr.url, "stream", HI)
        assert (reply.text, reply.reasoning) == (HELLO, "hm")
        assert "".join(delta.text for delta in deltas) == HELLO
        assert "".join(delta.reasoning for delta in deltas).strip() == "hm"


def test_a_request_waiting_for_a_slot_gets_no_byte_and_is_waited_for(ask: Ask) -> None:
    with DmrDouble(slots=1, delay_s=0.3) as dmr:
        assert ask(dmr.url, "stream", HI, client={"stall_timeout": 0.05})


# -- section 3 ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["qwen3-coder", "ai/qwen3-coder", "AI/Qwen3-Coder", "docker.io/ai/qwen3-coder:latest"]
)
def test_every_spelling_of_a_name_reaches_the_model(ask: Ask, name: str) -> None:
    with DmrDouble() as dmr:
        assert ask(dmr.url, "chat", HI, name) == HELLO
        assert ask(dmr.url, "model", name).id == "ai/qwen3-coder"


def test_the_tag_is_matched_with_its_case(ask: Ask) -> None:
    with DmrDouble(["ai/qwen:Q4"]) as dmr, pytest.raises(ModelMissing):
        ask(dmr.url, "chat", HI, "ai/qwen:q4")


# -- section 4.1 -------------------------------------------------------------------------------


def test_a_load_blocks_without_a_byte_and_is_waited_for(ask: Ask) -> None:
    with DmrDouble(load_s=0.3) as dmr:
        assert ask(dmr.url, "chat", HI, client={"stall_timeout": 0.05}) == HELLO


def test_a_model_that_does_not_load_is_a_500_and_not_asked_again(ask: Ask) -> None:
    with DmrDouble(faults=[double.PLAIN_500]) as dmr:
        with pytest.raises(RequestRefused, match=r"unable to load runner.*docker model logs"):
            ask(dmr.url, "chat", HI)
        assert len(dmr.chats) == 1


def test_a_load_that_another_client_broke_off_starts_again(ask: Ask) -> None:
    canceled = double.Refusal(double.text_error(500, "unable to load runner: context canceled"))
    with DmrDouble(faults=[canceled]) as dmr:
        assert ask(dmr.url, "chat", HI) == HELLO


def test_the_empty_502_after_a_crash_heals_by_itself(ask: Ask) -> None:
    with DmrDouble(faults=[double.EMPTY_502]) as dmr:
        assert ask(dmr.url, "chat", HI) == HELLO


# -- section 9 ---------------------------------------------------------------------------------


def test_quirk_1_errors_come_in_four_formats(ask: Ask) -> None:
    crash = {"type": "error", "code": None, "message": "llama.cpp terminated unexpectedly: x"}
    formats = [
        (answering(b"model is required\n", 400, "text/plain"), RequestRefused, "model is required"),
        (answering({"error": {"code": 400, "message": "odd"}}, 400), RequestRefused, "odd"),
        (answering(crash, 500, "text/plain"), RequestRefused, "terminated unexpectedly: x"),
        (answering(b"", 502), RunnerBusy, "empty HTTP 502"),
    ]
    for client, kind, words in formats:
        with pytest.raises(kind, match=words):
            ask("http://h", "chat", HI, client=client)


def test_quirk_2_inference_never_pulls(ask: Ask) -> None:
    with DmrDouble() as dmr:
        with pytest.raises(ModelMissing, match="docker model pull ai/other"):
            ask(dmr.url, "chat", HI, "ai/other")
        assert [request.path for request in dmr.requests] == ["/engines/v1/chat/completions"]


def test_quirk_3_one_model_has_three_identities(ask: Ask) -> None:
    with DmrDouble() as dmr:
        (listed,) = ask(dmr.url, "models")
        reply = ask(dmr.url, "reply", HI, listed.id)
    assert (listed.id, listed.identity) == ("ai/qwen3-coder", "docker.io/ai/qwen3-coder:latest")
    assert reply.model == listed.id


def test_quirk_10_an_origin_is_never_sent_so_never_refused(ask: Ask) -> None:
    with DmrDouble() as dmr:
        ask(dmr.url, "chat", HI)
        assert all("origin" not in request.headers for request in dmr.requests)


def test_quirk_18_the_command_line_in_a_500_is_not_repeated(ask: Ask) -> None:
    leak = b"unable to start process: name: 'x' arg: '[\"--key\" \"s\"]' err: no such file\n"
    with pytest.raises(RequestRefused, match="no such file") as caught:
        ask("http://h", "chat", HI, client=answering(leak, 500, "text/plain"))
    assert "--key" not in str(caught.value)


def test_quirk_26_twelve_hex_digits_are_an_id(ask: Ask) -> None:
    model = StoredModel("ai/qwen3-coder")
    with DmrDouble([model]) as dmr:
        assert ask(dmr.url, "chat", HI, model.id.removeprefix("sha256:")[:12]) == HELLO


@pytest.mark.parametrize("path", ["/v1/", "/engines/v1/", "/engines/v1"])
def test_quirk_29_addresses_are_spelt_differently_by_different_commands(ask: Ask, path: str) -> None:
    with DmrDouble() as dmr:
        assert ask(dmr.url + path, "chat", HI) == HELLO
