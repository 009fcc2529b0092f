from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from dmr_help import DATA
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import HubError, ReplyCut, ReplyInvalid, RequestRefused
from workflow_hub.providers.dmr.stream import StreamReader
from workflow_hub.providers.dmr.wire import Call
from workflow_hub.values import Delta, ToolCall, Usage

CALL = Call("/chat/completions", "ai/x", b"")
DONE = b"data: [DONE]\n\n"


def record(delta: Any = None, *, index: int = 0, finish: str | None = None, **more: Any) -> bytes:
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice], **more}, ensure_ascii=False).encode() + b"\n\n"


def said(*texts: str) -> bytes:
    return b"".join(record({"content": text}) for text in texts)


def read(data: bytes, call: Call = CALL) -> tuple[list[Delta], StreamReader]:
    reader = StreamReader(call)
    return reader.feed(data), reader


WHOLE = [
    pytest.param(said("a", "b"), "ab", "", id="pieces"),
    pytest.param(b": ping\n\n" + said("a") + b":\n", "a", "", id="comments are ignored"),
    pytest.param(b"event: x\nid: 1\nretry: 3\nword\n" + said("a"), "a", "", id="other fields are ignored"),
    pytest.param(said("a").replace(b"\n", b"\r\n"), "a", "", id="carriage returns"),
    pytest.param(said("a").replace(b"data: ", b"data:"), "a", "", id="no space after the colon"),
    pytest.param(said("a\u2028b\x85c"), "a\u2028b\x85c", "", id="Unicode's other line ends are text"),
    pytest.param(record({"content": "b"}, index=1) + said("a"), "a", "", id="n: only index 0 counts"),
    pytest.param(record({"reasoning_content": "hm"}) + said("a"), "a", "hm", id="reasoning_content"),
    pytest.param(said("<th", "ink>h", "m</thi", "nk>\n", "\na"), "a", "hm", id="think tags, split"),
    pytest.param(said("<think>hm"), "", "hm", id="an unclosed thought"),
    pytest.param(said("  ") + said("a"), "  a", "", id="white space of the answer"),
    pytest.param(b'data: {"choices":[7,{"delta":7},{"delta":{"content":"a"}}]}\n', "a", "", id="odd choices"),
]


@pytest.mark.parametrize(("data", "text", "reasoning"), WHOLE)
def test_a_stream_adds_up(data: bytes, text: str, reasoning: str) -> None:
    deltas, reader = read(data + DONE + said("after the end"))
    assert "".join(delta.text for delta in deltas) == reader.reply().text == text
    assert reader.reply().reasoning == reasoning


def test_finish_usage_and_timings_come_from_their_chunks() -> None:
    tail = (
        b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2},"timings":{"cache_n":1}}\n\n'
    )
    reply = read(said("a") + record(finish="length") + tail + DONE)[1].reply()
    assert (reply.finish, reply.usage, reply.model) == ("length", Usage(3, 0, 2), "ai/x")
    assert reply.timings is not None
    assert reply.timings.cache_n == 1


def test_tool_calls_are_put_together_by_index() -> None:
    def fragment(index: int, **more: Any) -> bytes:
        return record({"tool_calls": [{"index": index, **more}, 7, {"index": "odd"}]})

    data = fragment(1, id="b", function={"name": "g", "arguments": "{"})
    data += fragment(0, id="a", function={"name": "f", "arguments": '{"x"'})
    data += (
        fragment(0, function={"arguments": ":1}"}) + fragment(1, function={"arguments": "}"}) + fragment(0)
    )
    reply = read(data + record({"tool_calls": 7}) + DONE)[1].reply()
    assert reply.tool_calls == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))


@pytest.mark.parametrize(
    ("data", "partial"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param(said("a", "b"), "ab", id="no end mark"),
        pytest.param(said("a") + b'data: {"choices"', "a", id="in the middle of a record"),
        pytest.param(said(" <thi"), " <thi", id="with half a tag held back"),
        pytest.param(said("a") + b"data: [DONE]", "a", id="in the middle of the end mark"),
    ],
)
def test_a_stream_without_done_is_cut(data: bytes, partial: str) -> None:
    with pytest.raises(ReplyCut, match="broke off") as caught:
        read(data)[1].reply()
    assert caught.value.partial == partial


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(
            b'data: {"error":{"code":500,"message":"no luck","type":"server_error"}}\n', id="record"
        ),
        pytest.param(b'data: {"id":"x","error":{"code":500,"message":"no luck"}}\n', id="record with an id"),
        pytest.param(
            b'error: {"code":500,"message":"no luck","type":"server_error"}\n', id="older builds' line"
        ),
        pytest.param(b'error: {"error":{"code":500,"message":"no luck"}}\n', id="older line, wrapped"),
    ],
)
def test_an_error_inside_a_stream_keeps_what_came(line: bytes) -> None:
    reader = StreamReader(CALL)
    assert reader.feed(said("half")) == [Delta("half")]
    with pytest.raises(RequestRefused, match="no luck") as caught:
        reader.feed(line)
    assert (caught.value.partial, caught.value.status) == ("half", 500)


@pytest.mark.parametrize("line", [b"data: {nonsense}\n", b"data: [1]\n", b"data: " + b"[" * 100_000 + b"\n"])
def test_a_record_that_makes_no_sense_keeps_what_came(line: bytes) -> None:
    with pytest.raises(ReplyInvalid) as caught:
        read(said("half") + line)
    assert caught.value.partial == "half"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(DONE, "without a choice", id="nothing but the end"),
        pytest.param(b'data: {"choices":[],"usage":{}}\n' + DONE, "without a choice", id="empty choices"),
        pytest.param(
            record({"role": "assistant", "content": None}) + DONE, "without text", id="null content"
        ),
    ],
)
def test_a_whole_stream_without_a_reply_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(ReplyInvalid, match=words):
        read(data)[1].reply()


@pytest.mark.parametrize("repeats", [True, False], ids=["repeated", "not repeated"])
def test_a_prefill_is_not_part_of_the_reply(repeats: bool) -> None:
    call = Call("/chat/completions", "ai/x", b"", prefill="The sum")
    texts = ("The", " sum is", " 4") if repeats else (" is", " 4")
    assert read(said(*texts) + DONE, call)[1].reply().text == " is 4"


def test_a_reply_that_is_only_the_head_of_the_prefill_stays() -> None:
    call = Call("/chat/completions", "ai/x", b"", prefill="The sum")
    assert read(said("The") + DONE, call)[1].reply().text == "The"


STREAMS = sorted(path.name for path in DATA.glob("chat_*.sse"))


@given(st.sampled_from(STREAMS), st.lists(st.integers(0, 5000), max_size=8))
def test_it_does_not_matter_how_bytes_are_cut(name: str, cuts: list[int]) -> None:
    data = (DATA / name).read_bytes()
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(places)]
    assert outcome(pieces) == outcome([data])


@given(st.lists(st.binary(max_size=40) | st.sampled_from([said("a"), DONE, b"data: {}\n", b"error: x\n"])))
def test_any_bytes_are_read_or_refused_as_ours(pieces: list[bytes]) -> None:
    assert outcome(pieces)


def outcome(pieces: list[bytes]) -> Any:
    reader = StreamReader(CALL)
    try:
        for piece in pieces:
            reader.feed(piece)
        return reader.reply()
    except HubError as error:
        return type(error), str(error), error.partial
