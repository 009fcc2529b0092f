"""Lines of the Agent Client Protocol, read and written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import ReplyInvalid
from workflow_hub.providers.goose import acp
from workflow_hub.providers.goose.session import cut, read_call, read_output
from workflow_hub.providers.goose.work import ToolRequest


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(
            '{"jsonrpc":"2.0","id":"6dcf","method":"session/request_permission","params":{"a":1}}',
            acp.Request("6dcf", "session/request_permission", {"a": 1}),
            id="a question",
        ),
        pytest.param(
            '{"method":"session/update","params":{"a":1}}',
            acp.Notification("session/update", {"a": 1}),
            id="news",
        ),
        pytest.param('{"method":"x","params":[1]}', acp.Notification("x", {}), id="odd parameters"),
        pytest.param('{"id":3,"result":{"a":1}}', acp.Response(3, {"a": 1}), id="an answer"),
        pytest.param('{"id":3,"result":null}', acp.Response(3, {}), id="an empty answer"),
        pytest.param('{"id":3,"result":{},"error":null}', acp.Response(3, {}), id="no error"),
        pytest.param(
            '{"id":4,"error":{"code":-32002,"message":"Resource not found","data":"Session not found"}}',
            acp.Response(4, {}, "Resource not found: Session not found"),
            id="an error with its reason",
        ),
        pytest.param(
            '{"id":5,"error":{"code":-32601,"message":"Method not found"}}',
            acp.Response(5, {}, "Method not found"),
            id="an error",
        ),
        pytest.param('{"id":5,"error":"bad"}', acp.Response(5, {}, '"bad"'), id="an error of another form"),
        pytest.param("warning: something", None, id="words"),
        pytest.param("[" * 100_000, None, id="too deep"),
        pytest.param("[1]", None, id="no object"),
        pytest.param('{"id":null,"result":{}}', None, id="an answer to nobody"),
    ],
)
def test_what_a_line_says(line: str, message: acp.Received | None) -> None:
    assert acp.read(line.encode()) == message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(params=st.dictionaries(st.text(), JSON, max_size=4))
def test_what_is_written_is_one_line_that_says_the_same(params: dict[str, Any]) -> None:
    line = acp.tell("x", params)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert acp.read(line) == acp.Notification("x", params)


def test_half_a_character_is_replaced() -> None:
    assert json.loads(acp.ask(1, "x", {"a": "\udcff"}))["params"] == {"a": "?"}


@given(lines=st.lists(st.text(min_size=1).map(json.dumps).map(str.encode)), sizes=st.lists(st.integers(1, 9)))
def test_lines_come_whole_however_they_are_cut(lines: list[bytes], sizes: list[int]) -> None:
    data, reader, found = b"".join(line + b"\n" for line in lines), acp.Lines(10_000), []
    for size in [*sizes, len(data)]:
        found += reader.feed(data[:size])
        data = data[size:]
    found += reader.feed(data)
    assert found == lines


def test_a_line_without_an_end_is_refused() -> None:
    reader = acp.Lines(10)
    assert reader.feed(b"12345\n\n \n1234567") == [b"12345"]
    with pytest.raises(ReplyInvalid, match="more than 10 bytes"):
        reader.feed(b"8901")


@pytest.mark.parametrize(
    ("update", "call"),
    [
        pytest.param(
            {
                "title": "write · a.txt",
                "rawInput": {"path": "a.txt"},
                "_meta": {"goose": {"toolCall": {"toolName": "write", "extensionName": "developer"}}},
            },
            ToolRequest("1", "write", {"path": "a.txt"}),
            id="a tool of Goose's own",
        ),
        pytest.param(
            {
                "rawInput": {},
                "_meta": {"goose": {"toolCall": {"toolName": "shell", "extensionName": "evil"}}},
            },
            ToolRequest("1", "evil__shell", {}),
            id="one of the same name from elsewhere",
        ),
        pytest.param(
            {"_meta": {"goose": {"toolCall": {"toolName": "fs__write", "extensionName": "fs"}}}},
            ToolRequest("1", "fs__write", {}),
            id="one that has its full name",
        ),
        pytest.param({"title": "error"}, ToolRequest("1", "error", {}), id="a tool that does not exist"),
    ],
)
def test_which_tool_a_call_names(update: dict[str, Any], call: ToolRequest) -> None:
    assert read_call("1", update) == call


@pytest.mark.parametrize(
    ("update", "output"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param({"content": "x"}, "", id="not a list"),
        pytest.param(
            {"content": [{"content": {"text": "a"}}, {"type": "diff"}, {"content": {"text": "b"}}]},
            "a\nb",
            id="texts among others",
        ),
    ],
)
def test_what_a_tool_has_said(update: dict[str, Any], output: str) -> None:
    assert read_output(update) == output


@pytest.mark.parametrize(
    ("params", "text"),
    [
        pytest.param({}, "a\nb\nc", id="all"),
        pytest.param({"line": 2}, "b\nc", id="from a line on"),
        pytest.param({"limit": 2}, "a\nb\n", id="so many"),
        pytest.param({"line": 2, "limit": 1}, "b\n", id="a part"),
        pytest.param({"line": 0, "limit": 0}, "", id="none"),
        pytest.param({"line": 9}, "", id="behind the end"),
    ],
)
def test_the_lines_that_are_asked_for(params: dict[str, Any], text: str) -> None:
    assert cut("a\nb\nc", params) == text
