from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from doubles import dmr as double
from doubles.dmr import Busy, DmrDouble, StoredModel

from workflow_hub.errors import ModelMissing, Unavailable
from workflow_hub.providers import Provider
from workflow_hub.providers.dmr import DmrProvider, OpenAIProvider
from workflow_hub.schema import STRING, record
from workflow_hub.values import Delta, Endpoint, Message, ModelInfo, Prompt, Reply

MODEL = StoredModel("ai/qwen3-coder", context_tokens=4096)
PROMPT = Prompt(
    "greet", (Message("system", "Be kind."), Message("user", "hi")), record({"a": STRING}), {"max_tokens": 99}
)


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
        assert [request.path for request in dmr.requests] == ["/engines/v1/models", "/models", "/engines/ps"]


@pytest.mark.parametrize(("models", "there"), [(["ai/other"], "there: ai/other"), ([], "there: nothing")])
def test_a_missing_model_says_what_to_type_and_what_is_there(models: list[str], there: str) -> None:
    with DmrDouble(models) as dmr, pytest.raises(ModelMissing, match=f"docker model pull smollm2.*{there}"):
        run(DmrProvider(dmr.url), lambda provider: provider.find("smollm2"))


LOADED = [
    pytest.param("complete", [], True, id="it chats"),
    pytest.param("embed", [], False, id="it embeds, in another process"),
    pytest.param("nothing", [], False, id="it sleeps"),
    pytest.param("complete", [double.NOT_JSON.response], False, id="the server does not tell"),
]


@pytest.mark.parametrize(("use", "answers", "loaded"), LOADED)
def test_it_is_told_whether_a_model_is_loaded(use: str, answers: list[double.Response], loaded: bool) -> None:
    async def work(provider: DmrProvider) -> ModelInfo:
        if use == "complete":
            await provider.complete(PROMPT, MODEL.id)
        elif use == "embed":
            await provider._client.embeddings(["hi"], "ai/qwen3-coder")
        return await provider.find("ai/qwen3-coder")

    faults = [double.Refusal(one, path="/engines/ps") for one in answers]
    with DmrDouble([replace(MODEL, embeds=True)], faults=faults) as dmr:
        assert run(DmrProvider(dmr.url), work).loaded is loaded


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


# What a reply may hold besides its text.
REPLIES = [
    pytest.param(double.Fault(), {}, id="text"),
    pytest.param(double.Thinks(), {}, id="reasoning"),
    pytest.param(double.Thinks(inline=True), {}, id="think tags"),
    pytest.param(double.ToolCalls((("f", '{"x":1}'), ("g", "{}"))), {}, id="tool calls"),
    pytest.param(double.Fault(), {"max_tokens": 3}, id="length"),
]


@pytest.mark.parametrize(("fault", "options"), REPLIES)
def test_a_reply_that_is_told_is_the_same_as_one_that_is_not(
    fault: double.Fault, options: dict[str, Any]
) -> None:
    told: list[Delta] = []

    async def work(provider: Provider) -> tuple[Reply, Reply]:
        prompt = Prompt("greet", (Message("user", "hi"),), options=options)
        whole = await provider.complete(prompt, "ai/qwen3-coder")
        return whole, await provider.complete(prompt, "ai/qwen3-coder", told.append)

    with DmrDouble(faults=[replace(fault, times=None)]) as dmr:
        whole, streamed = run(DmrProvider(dmr.url), work)
        first, second = dmr.chats
    assert "stream" not in first.body and second.body["stream"] is True
    assert "".join(delta.text for delta in told) == streamed.text == whole.text
    assert streamed.usage.completion_tokens and streamed.timings
    # The second prompt finds the first one in the server's cache.
    assert replace(streamed, usage=whole.usage, timings=whole.timings) == whole


def test_a_plain_reply_instead_of_a_stream_is_told_at_once() -> None:
    body = {"choices": [{"message": {"content": "hi", "reasoning_content": "hm"}}]}
    plain = double.Refusal(double.engine_answer(body))
    told: list[Delta] = []
    with DmrDouble(faults=[plain]) as dmr:
        reply = run(DmrProvider(dmr.url), lambda one: one.complete(PROMPT, "ai/qwen3-coder", told.append))
    assert (reply.text, told) == ("hi", [Delta("hi", "hm")])


ENDPOINTS = [
    pytest.param("", "/engines/v1", id="root"),
    pytest.param("/v1/", "/v1", id="short path"),
    pytest.param("/engines/llama.cpp", "/engines/llama.cpp/v1", id="engine"),
]


@pytest.mark.parametrize(("given", "path"), ENDPOINTS)
def test_another_program_is_sent_to_the_same_address(given: str, path: str) -> None:
    with DmrDouble() as dmr:
        endpoint = run(DmrProvider(dmr.url + given, api_key="k"), lambda one: one.endpoint("qwen3-coder"))
        assert endpoint == Endpoint(dmr.url + path, "k")


def test_a_missing_model_has_no_endpoint() -> None:
    with DmrDouble() as dmr, pytest.raises(ModelMissing, match="docker model pull smollm2"):
        run(DmrProvider(dmr.url), lambda provider: provider.endpoint("smollm2"))


def test_a_socket_is_no_endpoint_for_another_program(tmp_path: Path) -> None:
    with DmrDouble(unix_socket=tmp_path / "m.sock") as dmr, pytest.raises(Unavailable) as caught:
        run(DmrProvider(dmr.url), lambda provider: provider.endpoint("qwen3-coder"))
    assert "cannot reach qwen3-coder at unix://" in str(caught.value)
    assert "DMR_BASE_URL=http://localhost:12434" in str(caught.value)


# (who is loaded and idle, what is left, whether anything went)
ROOM = [
    pytest.param([], [], False, id="nobody is loaded"),
    pytest.param(["ai/qwen3-coder"], ["ai/qwen3-coder"], False, id="only itself"),
    pytest.param([MODEL.id], [MODEL.id], False, id="itself by its digest"),
    pytest.param(["ai/other", "ai/qwen3-coder"], ["ai/qwen3-coder"], True, id="another"),
    pytest.param(["ai/other", "ai/third"], [], True, id="two others"),
]


@pytest.mark.parametrize(("loaded", "left", "went"), ROOM)
def test_idle_models_make_room_for_another(loaded: list[str], left: list[str], went: bool) -> None:
    async def work(provider: DmrProvider) -> tuple[bool, list[str]]:
        for name in loaded:
            await provider.complete(PROMPT, name)
        return await provider.free("qwen3-coder"), [one.name for one in await provider._client.runners()]

    with DmrDouble([MODEL, "ai/other", "ai/third"]) as dmr:
        assert run(DmrProvider(dmr.url), work) == (went, left)


def test_the_settings_of_an_unloaded_model_survive() -> None:
    with DmrDouble([MODEL, "ai/other"]) as dmr:
        settings = {"model": "ai/other", "context-size": 4096}
        assert httpx.post(f"{dmr.url}/engines/_configure", json=settings, trust_env=False).is_success
        run(DmrProvider(dmr.url), lambda one: one.complete(PROMPT, "ai/other"))
        assert run(DmrProvider(dmr.url), lambda one: one.free("qwen3-coder"))
        (kept,) = httpx.get(f"{dmr.url}/engines/_configure?model=ai/other", trust_env=False).json()
    assert kept["Config"]["context-size"] == 4096


IDLE = double.json_answer([{"model_name": "ai/other", "mode": "completion"}])
# (what `ps` says at first, whether an unloading is tried)
BUSY = [
    pytest.param([], False, id="busy"),
    pytest.param([double.Refusal(IDLE, path="/engines/ps", skip=1)], True, id="busy since the last look"),
]


@pytest.mark.parametrize(("listed", "tried"), BUSY)
def test_a_busy_model_stays_and_is_not_said_to_have_gone(listed: list[double.Fault], tried: bool) -> None:
    async def work(provider: DmrProvider, dmr: DmrDouble) -> bool:
        async with anyio.create_task_group() as group:
            group.start_soon(provider.complete, PROMPT, "ai/other")
            assert await anyio.to_thread.run_sync(dmr.wait_until, lambda: dmr.generating == 1)
            freed = await provider.free("ai/qwen3-coder")
            group.cancel_scope.cancel()
        return freed

    with DmrDouble([MODEL, "ai/other"], faults=[*listed, double.Hang()]) as dmr:
        assert run(DmrProvider(dmr.url), lambda provider: work(provider, dmr)) is False
        assert tried == any(one.path == "/engines/unload" for one in dmr.requests)


@pytest.mark.parametrize("path", ["/engines/ps", "/engines/unload"])
def test_a_server_that_hides_its_native_paths_frees_nothing(path: str) -> None:
    async def work(provider: Provider) -> bool:
        await provider.complete(PROMPT, "ai/other")
        return await provider.free("ai/qwen3-coder")

    hidden = double.Refusal(double.text_error(404, "not found"), path=path, times=None)
    with DmrDouble([MODEL, "ai/other"], faults=[hidden]) as dmr:
        assert run(DmrProvider(dmr.url), work) is False
        assert run(OpenAIProvider(dmr.url), work) is False


@pytest.mark.parametrize("slots", [1, 3])
def test_never_more_in_flight_than_slots(slots: int) -> None:
    async def one(provider: Provider, number: int) -> None:
        prompt = Prompt("greet", (Message("user", str(number)),))
        if number % 2:
            await provider.complete(prompt, "ai/qwen3-coder")
        else:
            assert await provider.complete(prompt, "ai/qwen3-coder", lambda delta: None)

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
