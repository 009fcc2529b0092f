from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from doubles import dmr as double
from doubles.dmr import Busy, DmrDouble, StoredModel

from workflow_hub.errors import ModelMissing
from workflow_hub.providers import Provider
from workflow_hub.providers.dmr import DmrProvider, OpenAIProvider
from workflow_hub.schema import STRING, record
from workflow_hub.values import Message, ModelInfo, Prompt

MODEL = StoredModel("ai/qwen3-coder", context_tokens=4096)
PROMPT = Prompt(
    "greet", (Message("system", "Be kind."), Message("user", "hi")), record({"a": STRING}), {"max_tokens": 99}
)
HELLO = "Hello! How can I assist you today?"


def run(provider: Provider, work: Any) -> Any:
    async def main() -> Any:
        try:
            return await work(provider)
        finally:
            await provider.aclose()

    return anyio.run(main)


@pytest.mark.parametrize(
    "name", ["qwen3-coder", "ai/qwen3-coder:latest", "docker.io/ai/qwen3-coder", MODEL.id, MODEL.id[7:19]]
)
def test_a_model_is_found_by_every_name_it_has(name: str) -> None:
    with DmrDouble([MODEL]) as dmr:
        info = run(DmrProvider(dmr.url, slots=3), lambda provider: provider.find(name))
    assert info == ModelInfo("ai/qwen3-coder", MODEL.id, slots=3, context_tokens=4096)


def test_the_listing_is_read_once() -> None:
    async def work(provider: Provider) -> None:
        await provider.find("ai/qwen3-coder")
        await provider.find("ai/qwen3-coder")

    with DmrDouble() as dmr:
        run(DmrProvider(dmr.url), work)
        assert [request.path for request in dmr.requests] == ["/engines/v1/models", "/models"]


@pytest.mark.parametrize(("models", "there"), [(["ai/other"], "there: ai/other"), ([], "there: nothing")])
def test_a_missing_model_says_what_to_type_and_what_is_there(models: list[str], there: str) -> None:
    with DmrDouble(models) as dmr, pytest.raises(ModelMissing, match=f"docker model pull smollm2.*{there}"):
        run(DmrProvider(dmr.url), lambda provider: provider.find("smollm2"))


def test_without_the_native_listing_names_are_identities() -> None:
    # Skips the OpenAI listing, whose path contains this one.
    hidden = double.Refusal(double.text_error(404, "not found"), path="/models", skip=1)
    with DmrDouble([MODEL], faults=[hidden]) as dmr:
        info = run(DmrProvider(dmr.url), lambda provider: provider.find("qwen3-coder"))
    assert info == ModelInfo(
        "ai/qwen3-coder", "docker.io/ai/qwen3-coder:latest", slots=4, context_tokens=4096
    )


def test_another_openai_server_is_asked_for_nothing_of_dmrs() -> None:
    async def work(provider: Provider) -> tuple[ModelInfo, str]:
        return await provider.find("qwen3-coder"), (await provider.complete(PROMPT, "qwen3-coder")).text

    with DmrDouble() as dmr:
        info, text = run(OpenAIProvider(dmr.url + "/v1", api_key="key"), work)
        assert [request.path for request in dmr.requests] == ["/v1/models", "/v1/chat/completions"]
        assert {request.headers["authorization"] for request in dmr.requests} == {"Bearer key"}
    assert info.identity == "docker.io/ai/qwen3-coder:latest"
    assert text


def test_a_prompt_is_sent_with_its_schema_and_options_only() -> None:
    with DmrDouble() as dmr:
        reply = run(DmrProvider(dmr.url), lambda provider: provider.complete(PROMPT, "ai/qwen3-coder"))
        body = dmr.chats[0].body
    assert sorted(body) == ["max_tokens", "messages", "model", "response_format"]
    assert body["response_format"]["json_schema"]["schema"] == PROMPT.schema
    assert list(json.loads(reply.text)) == ["a"]


def test_a_stream_comes_through() -> None:
    async def work(provider: Provider) -> str:
        prompt = Prompt("greet", (Message("user", "hi"),))
        return "".join([delta.text async for delta in provider.stream(prompt, "ai/qwen3-coder")])

    with DmrDouble() as dmr:
        assert run(DmrProvider(dmr.url), work) == HELLO


@pytest.mark.parametrize("slots", [1, 3])
def test_never_more_in_flight_than_slots(slots: int) -> None:
    async def one(provider: Provider, number: int) -> None:
        prompt = Prompt("greet", (Message("user", str(number)),))
        if number % 2:
            await provider.complete(prompt, "ai/qwen3-coder")
        else:
            assert [delta async for delta in provider.stream(prompt, "ai/qwen3-coder")]

    async def work(provider: Provider) -> None:
        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(one, provider, number)

    busy = Busy()
    with DmrDouble(answer=busy) as dmr:
        run(DmrProvider(dmr.url, slots=slots), work)
        assert busy.most == slots
        assert len(dmr.chats) == 12


def test_a_cancelled_prompt_frees_its_slot() -> None:
    async def work(provider: Provider) -> str:
        with anyio.move_on_after(0.2) as scope:
            await provider.complete(PROMPT, "ai/qwen3-coder")
        assert scope.cancelled_caught
        return (await provider.complete(PROMPT, "ai/qwen3-coder")).text

    with DmrDouble(faults=[double.Hang()]) as dmr:
        assert run(DmrProvider(dmr.url, slots=1), work)
        assert dmr.wait_until(lambda: dmr.disconnects == 1)


def test_it_says_where_it_asks() -> None:
    provider = DmrProvider("localhost:1/v1/")
    assert provider.base_url == "http://localhost:1/v1"
    anyio.run(provider.aclose)
