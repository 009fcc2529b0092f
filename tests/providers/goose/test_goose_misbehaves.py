"""A Goose that is not as we know it: a program that speaks the protocol, and then does what it may not."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from workflow_hub.errors import HubError, ReplyCut, ReplyInvalid, RequestRefused, Unavailable
from workflow_hub.providers import goose
from workflow_hub.providers.goose import Limits
from workflow_hub.values import Usage

# Takes a line for each message of its script that says `null`; prints the others.
AGENT = """#!{python}
import json, os, sys, time
if "--version" in sys.argv:
    print("1.52.0")
    sys.exit()
for step in json.loads({script!r}):
    if step is None:
        print("heard:", sys.stdin.readline().strip(), file=sys.stderr)
    elif step == "close stdin":
        os.close(0)
    elif step == "wait":
        time.sleep(600)
    elif isinstance(step, str):
        print(step, flush=True)
    else:
        print(json.dumps(step), flush=True)
print("that was all", file=sys.stderr)
"""
HELLO = [None, {"id": 1, "result": {"protocolVersion": 1}}]
SESSION = [*HELLO, None, {"id": 2, "result": {"sessionId": "s", "modes": {"currentModeId": "approve"}}}, None]
TOOL = {"_meta": {"goose": {"toolCall": {"toolName": "write"}}}}


def update(kind: str, **more: Any) -> dict[str, Any]:
    return {"method": "session/update", "params": {"update": {"sessionUpdate": kind, **more}}}


def says(text: str) -> dict[str, Any]:
    return update("agent_message_chunk", content={"type": "text", "text": text}, messageId="m")


def asks(id: str, **call: Any) -> dict[str, Any]:
    return {"id": id, "method": "session/request_permission", "params": {"toolCall": call}}


NAMED = update("tool_call", toolCallId="1", **TOOL)
END = {"id": 3, "result": {"stopReason": "end_turn", "usage": {"totalTokens": 1}}}
Run = Callable[..., goose.AgentOutcome]


@pytest.fixture
def run(tmp_path: Path, project: Path) -> Run:
    def with_script(script: list[Any], **limits: Any) -> goose.AgentOutcome:
        agent = tmp_path / "goose"
        agent.write_text(AGENT.format(python=sys.executable, script=json.dumps(script)))
        agent.chmod(0o755)
        model = goose.Model("m", "http://127.0.0.1:9")
        # Without walls between: a stdin that it has closed is held open by them.
        request = goose.AgentRequest("do", project, model, limits=Limits(**limits), sandbox=goose.Sandbox.OFF)

        async def asked() -> goose.AgentOutcome:
            events: list[goose.Event] = []
            env = {"GOOSE_BIN": str(agent), "PATH": os.environ["PATH"]}
            return await goose.run(request, on_event=events.append, env=env)

        return anyio.run(asked)

    return with_script


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        pytest.param(
            [None, {"id": 1, "result": {"protocolVersion": 2}}],
            Unavailable,
            "speaks version 2",
            id="another protocol",
        ),
        pytest.param(
            [*HELLO, None, {"id": 2, "result": {"sessionId": "s", "modes": {"currentModeId": "auto"}}}],
            Unavailable,
            "would not ask before it acts",
            id="approves all by itself",
        ),
        pytest.param(
            [*HELLO, None, {"id": 2, "error": {"code": 1, "message": "no"}}],
            RequestRefused,
            "Goose refuses to work: no",
            id="refuses",
        ),
        pytest.param(
            [*SESSION, NAMED, update("tool_call_update", toolCallId="1", status="completed"), END],
            ReplyInvalid,
            "Goose used write without asking",
            id="does not ask",
        ),
        pytest.param(
            [*SESSION, update("tool_call_update", toolCallId="2", status="completed"), END],
            ReplyInvalid,
            "Goose used a tool without asking",
            id="does not even say what",
        ),
        pytest.param(
            [*SESSION, says("half")], ReplyCut, r"It said last:\nheard: .*\n(.*\n)*that was all", id="ends"
        ),
        pytest.param([], ReplyCut, "Goose ended in the midst of its work", id="ends at once"),
        pytest.param([*SESSION, "x" * 2000], ReplyCut, "more than 1,900 bytes", id="says too much"),
    ],
)
def test_the_run_fails(run: Run, script: list[Any], error: type[HubError], message: str) -> None:
    outcome = run(script, output_bytes=1900)
    assert type(outcome.error) is error
    assert re.search(message, str(outcome.error))


def test_what_is_no_news_is_passed_over(run: Run) -> None:
    script = [
        *SESSION,
        "a word to the reader",
        {"id": 77, "result": {}},
        {"method": "goose/unknown"},
        update("plan", entries=[]),
        update("agent_thought_chunk", content={"type": "text", "text": "hm"}),
        update("agent_message_chunk", content={"type": "image"}),
        {"method": "session/update", "params": {"update": None}},
        says("well"),
        END,
    ]
    outcome = run(script)
    assert (outcome.text, outcome.error, outcome.usage) == ("well", None, Usage())


def answers(outcome: goose.AgentOutcome) -> list[dict[str, Any]]:
    """What we said to the questions, as the agent noted it before it ended without a word."""
    lines = str(outcome.error).splitlines()
    heard = [json.loads(line.removeprefix("heard: ")) for line in lines if line.startswith("heard: ")]
    return [message for message in heard if "method" not in message]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        pytest.param(
            asks("a", toolCallId="unknown", rawInput={"path": "a"}),
            {"result": {"outcome": {"outcome": "selected", "optionId": "reject_once"}}},
            id="a tool that was not named before",
        ),
        pytest.param(
            asks("a", toolCallId="1"),
            {"result": {"outcome": {"outcome": "selected", "optionId": "reject_once"}}},
            id="no arguments",
        ),
        pytest.param(
            asks("a", toolCallId="1", rawInput={"path": "a"}),
            {"result": {"outcome": {"outcome": "selected", "optionId": "allow_once"}}},
            id="what may be done",
        ),
        pytest.param(
            {"id": "a", "method": "fs/read_text_file", "params": {"path": "/etc/hostname"}},
            {"error": {"code": -32000, "message": "this file may not be read"}},
            id="a file that no tool asked for",
        ),
        pytest.param(
            {"id": "a", "method": "fs/read_text_file", "params": {}},
            {"error": {"code": -32000, "message": "this file may not be read"}},
            id="no file",
        ),
        pytest.param(
            {"id": "a", "method": "terminal/create", "params": {"command": "ls"}},
            {"error": {"code": -32601, "message": "terminal/create is not offered"}},
            id="what we never offered",
        ),
    ],
)
def test_questions(run: Run, question: dict[str, Any], answer: dict[str, Any]) -> None:
    outcome = run([*SESSION, NAMED, question, None])
    assert answers(outcome) == [{"jsonrpc": "2.0", "id": "a", **answer}]


def test_two_calls_with_one_id_are_refused(run: Run) -> None:
    """A command could pass for the writing of a file otherwise."""
    shell = update("tool_call", toolCallId="1", _meta={"goose": {"toolCall": {"toolName": "shell"}}})
    question = asks("a", toolCallId="1", rawInput={"command": "rm -r x", "path": "x"})
    outcome = run([*SESSION, shell, NAMED, question, None])
    assert [answer["result"]["outcome"]["optionId"] for answer in answers(outcome)] == ["reject_once"]
    assert [one.why for one in outcome.refused] == ["Goose did not say which tool it is"]
    assert outcome.commands == ()


def test_an_id_may_be_used_again(run: Run) -> None:
    """What was allowed for the first call is not for the second one."""
    end = update("tool_call_update", toolCallId="1", status="completed")
    question = asks("a", toolCallId="1", rawInput={"path": "x"})
    outcome = run([*SESSION, NAMED, question, None, end, NAMED, end, END])
    assert isinstance(outcome.error, ReplyInvalid)


def test_a_goose_that_does_not_listen(run: Run) -> None:
    """It closes its stdin, and goes once we have noticed: what we say to it cannot be said."""
    outcome = run([None, "close stdin", *HELLO[1:], "wait"])
    assert isinstance(outcome.error, ReplyCut)
