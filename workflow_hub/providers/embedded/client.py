"""Asks llama.cpp's own server, which notices that a client has left only when it streams to it.

Measured with xllamacpp 2026.10: a request without `stream` whose client closed the connection was
worked on to its last token, its slot taken all the while; a streamed one ended with the next token.
So whole replies are asked for as streams too. (Docker Model Runner stands between and stops both.)
"""

from __future__ import annotations

import json
import os
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import anyio

from workflow_hub.errors import HubError
from workflow_hub.providers.dmr import OpenAIProvider, wire
from workflow_hub.providers.dmr.client import DEFAULT_MODEL, AsyncDockerModelClient, Messages
from workflow_hub.providers.dmr.stream import StreamReader
from workflow_hub.providers.dmr.wire import Call
from workflow_hub.values import Prompt, Reply


class EngineClient(AsyncDockerModelClient):
    """The client whose `reply` frees the slot when it is cancelled."""

    async def reply(
        self,
        messages: Messages,
        model: str = DEFAULT_MODEL,
        temperature: float | None = 0.7,
        max_tokens: int | None = None,
        **parameters: Any,
    ) -> Reply:
        """The whole reply, with usage and timings, read from a stream."""
        given = {"temperature": temperature, "max_tokens": max_tokens, **parameters}
        call = wire.chat(messages, model, given | {"stream_options": {"include_usage": True}}, stream=True)
        clock, reader = self._clock(), StreamReader(call)
        with self._border(call, clock, reader):
            response = await self._open(call, clock)
            async with aclosing(response):
                chunks = response.aiter_bytes()
                while not reader.done:
                    with anyio.fail_after(clock.patience()):
                        data = await anext(chunks, None)
                    if data is None:
                        break
                    reader.feed(data)
                    clock.began = reader.began
        return reader.reply()

    async def copy_first_slot(self, slots: int) -> None:
        """Let every slot have read what the first one has; milliseconds, where all are idle."""
        for slot, action in [(0, "save"), *((slot, "restore") for slot in range(1, slots))]:
            state = json.dumps({"filename": f"{os.getpid()}.state"}).encode()
            await self._fetch(Call(f"/slots/{slot}?action={action}", body=state), self._address.root)


class EngineProvider(OpenAIProvider):
    """The provider on top of that client: what the first prompt made one slot read, all have read.

    The first prompt is answered in the first slot, whose state is then copied to the others: without
    that, each of them would evaluate the instructions that the prompts of a run begin with.
    """

    def __init__(self, url: str, *, api_key: str, timeout: float, slots: int) -> None:
        # One try: an engine that is not there has died, and whoever started it starts it again.
        self._engine = EngineClient(url, api_key=api_key, timeout=timeout, tries=1)
        self._led = False
        super().__init__(url, slots=slots, client=self._engine)

    async def complete(self, prompt: Prompt, model: str) -> Reply:
        if self._led:
            return await super().complete(prompt, model)
        self._led = True
        reply = await super().complete(replace(prompt, options={**prompt.options, "id_slot": 0}), model)
        with suppress(HubError):  # they read it themselves then
            await self._engine.copy_first_slot(self._slots)
        return reply
