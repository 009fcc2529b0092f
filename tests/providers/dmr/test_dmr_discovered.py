from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from doubles import dmr as double
from doubles.dmr import DmrDouble

from workflow_hub.errors import RunnerUnreachable
from workflow_hub.providers.dmr.address import split
from workflow_hub.providers.dmr.discovered import FORGET_S, DiscoveredProvider
from workflow_hub.values import Delta, Endpoint, Message, Prompt

PROMPT = Prompt("greet", (Message("user", "hi"),))
MODEL = "ai/qwen3-coder"


def run(urls: list[str], work: Callable[[DiscoveredProvider], Awaitable[Any]], **options: Any) -> Any:
    async def main() -> Any:
        provider = DiscoveredProvider([split(url, "discovery") for url in urls], **options)
        try:
            return await work(provider)
        finally:
            await provider.aclose()

    return anyio.run(main)


async def use(provider: DiscoveredProvider) -> tuple[str, str, Endpoint, str]:
    """Everything it can do."""
    info = await provider.find(MODEL)
    told: list[Delta] = []
    reply = await provider.complete(PROMPT, MODEL, told.append)
    assert "".join(delta.text for delta in told) == reply.text
    assert not await provider.free(MODEL), "it is the only one"
    return info.id, reply.text, await provider.endpoint(MODEL), await provider.address()


def test_the_first_address_that_answers_is_used_for_all(nobody: str) -> None:
    with DmrDouble() as dmr, DmrDouble() as later:
        name, text, endpoint, address = run([nobody, dmr.url, later.url], use, api_key="secret")
        assert name == MODEL and text
        assert (endpoint, address) == (Endpoint(f"{dmr.url}/engines/v1", "secret"), dmr.url)
        assert later.requests == []
        assert {one.headers["authorization"] for one in dmr.requests} == {"Bearer secret"}


def test_many_questions_at_once_look_once() -> None:
    async def together(provider: DiscoveredProvider) -> None:
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(provider.complete, PROMPT, MODEL)

    with DmrDouble() as dmr:
        run([dmr.url], together)
        paths = [one.path for one in dmr.requests]
    assert len(paths) == 6 and paths[0] == "/engines/v1/models"


def test_that_nobody_is_there_is_found_out_once_for_a_while(nobody: str) -> None:
    refusing = double.Refusal(double.text_error(500, "broken"), path="/", times=None)

    async def twice(provider: DiscoveredProvider) -> None:
        for _ in range(2):
            with pytest.raises(RunnerUnreachable) as caught:
                await provider.find(MODEL)
            said.append(str(caught.value))
        with pytest.raises(RunnerUnreachable):
            await provider.complete(PROMPT, MODEL)
        with pytest.raises(RunnerUnreachable):
            await provider.address()

        now[0] += FORGET_S
        with pytest.raises(RunnerUnreachable):
            await provider.find(MODEL)

    said: list[str] = []
    now = [0.0]
    with DmrDouble(faults=[refusing]) as dmr:
        run([nobody, dmr.url], twice, clock=lambda: now[0])
        assert len(dmr.requests) == 2
    assert said[0] == said[1]
    assert nobody in said[0] and dmr.url in said[0]


def test_a_reply_that_is_left_frees_its_slot() -> None:
    async def leave(provider: DiscoveredProvider) -> None:
        with anyio.CancelScope() as scope:
            await provider.complete(PROMPT, MODEL, lambda delta: scope.cancel())
        assert scope.cancelled_caught

    with DmrDouble(token_s=0.05) as dmr:
        run([dmr.url], leave)
        assert dmr.wait_until(lambda: dmr.in_flight == 0)


def test_one_that_has_come_up_since_is_found() -> None:
    async def work(provider: DiscoveredProvider) -> str:
        with DmrDouble(port=port):
            now[0] += FORGET_S
            return (await provider.complete(PROMPT, MODEL)).text

    async def late(provider: DiscoveredProvider) -> str:
        with pytest.raises(RunnerUnreachable):
            await provider.find(MODEL)
        return await work(provider)

    now = [0.0]
    with DmrDouble() as dmr:
        port, url = dmr.port, dmr.url
    assert run([url], late, clock=lambda: now[0])


def test_closed_before_it_was_used(nobody: str) -> None:
    async def nothing(provider: DiscoveredProvider) -> None: ...

    assert run([nobody], nothing) is None
