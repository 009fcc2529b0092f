"""Asks llama.cpp's own server, which notices that a client has left only when it streams to it.

Measured with xllamacpp 2026.10: a request without `stream` whose client closed the connection was
worked on to its last token, its slot taken all the while; a streamed one ended with the next token.
So whole replies are asked for as streams too. (Docker Model Runner stands between and stops both.)
"""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import anyio

from workflow_hub.providers.dmr import OpenAIProvider, wire
from workflow_hub.providers.dmr.client import DEFAULT_MODEL, AsyncDockerModelClient, Messages
from workflow_hub.providers.dmr.stream import StreamReader
from workflow_hub.values import Reply


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


class EngineProvider(OpenAIProvider):
    """The provider on top of that client."""

    def __init__(self, url: str, *, api_key: str, timeout: float, slots: int) -> None:
        super().__init__(url, api_key=api_key, timeout=timeout, slots=slots)
        # One try: an engine that is not there has died, and whoever started it starts it again.
        self._client = EngineClient(url, api_key=api_key, timeout=timeout, tries=1)
