"""Whole replies read from a stream: what the double sends, and every way in which it can end."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from doubles import dmr as double
from doubles.dmr import DmrDouble, Fault

from workflow_hub.errors import ContextOverflow, ReplyCut, RequestRefused, RunnerTimeout
from workflow_hub.providers.embedded.client import EngineClient, EngineProvider
from workflow_hub.values import Message, Prompt, Reply

MODEL = "ai/qwen3-coder"


def ask(dmr: DmrDouble, text: str = "Say hi.", **more: Any) -> Reply:
    async def run() -> Reply:
        async with EngineClient(f"{dmr.url}/v1", api_key="k", tries=1, stall_timeout=0.2) as client:
            return await client.reply([Message("user", text)], MODEL, **more)

    return anyio.run(run)


def test_a_reply_is_asked_for_as_a_stream_and_comes_whole() -> None:
    with DmrDouble() as dmr:
        reply = ask(dmr, temperature=None, max_tokens=3)
        sent = dmr.chats[0]
    assert (reply.text, reply.finish, reply.model) == ("Hello! How", "length", MODEL)
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (32, 3)
    assert reply.timings is not None and reply.timings.predicted_n == 3
    assert sent.body["stream_options"] == {"include_usage": True} and "temperature" not in sent.body
    assert sent.headers["authorization"] == "Bearer k"


@pytest.mark.parametrize(
    ("fault", "error", "partial"),
    [
        pytest.param(double.NoDone(), ReplyCut, "Hello! How can I assist you today?", id="no end mark"),
        pytest.param(double.EngineKilled(3), ReplyCut, "Hello!", id="cut"),
        pytest.param(double.StreamError(3), RequestRefused, "Hello!", id="error in the stream"),
        pytest.param(double.Stall(3), RunnerTimeout, "Hello!", id="stalled"),
        pytest.param(
            double.Refusal(double.engine_error(400, "too long", "exceed_context_size_error")),
            ContextOverflow,
            "",
            id="refused",
        ),
    ],
)
def test_a_reply_that_does_not_come_whole_is_an_error(
    fault: Fault, error: type[Exception], partial: str
) -> None:
    with DmrDouble(faults=[fault]) as dmr, pytest.raises(error) as caught:
        ask(dmr)
    assert caught.value.partial == partial  # type: ignore[attr-defined]


def test_cancelling_closes_the_connection() -> None:
    async def run(dmr: DmrDouble) -> None:
        async with EngineClient(f"{dmr.url}/v1", api_key="k") as client, anyio.create_task_group() as group:
            group.start_soon(client.reply, [Message("user", "hi")], MODEL)
            assert await anyio.to_thread.run_sync(dmr.wait_until, lambda: dmr.generating == 1)
            group.cancel_scope.cancel()

    with DmrDouble(faults=[double.Hang()]) as dmr:
        anyio.run(run, dmr)

        assert dmr.wait_until(lambda: dmr.disconnects == 1)


def test_where_slots_cannot_be_copied_prompts_are_answered_all_the_same() -> None:
    asked = Prompt("test", (Message("user", "Say hi."),), None, {"max_tokens": 3})

    async def run(dmr: DmrDouble) -> list[Reply]:
        provider = EngineProvider(f"{dmr.url}/v1", api_key="k", timeout=5.0, slots=2)
        try:
            return [await provider.complete(asked, MODEL) for _ in range(2)]
        finally:
            await provider.aclose()

    with DmrDouble() as dmr:
        replies = anyio.run(run, dmr)
        assert [reply.text for reply in replies] == ["Hello! How"] * 2
        assert [chat.body.get("id_slot") for chat in dmr.chats] == [0, None]
