"""Asks llama.cpp's own server, which notices that a client has left only when it streams to it.

Measured with xllamacpp 2026.10: a request without `stream` whose client closed the connection was
worked on to its last token, its slot taken all the while; a streamed one ended with the next token.
So whole replies are asked for as streams too. (Docker Model Runner stands between and stops both.)
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from workflow_hub.errors import HubError
from workflow_hub.providers import OnDelta
from workflow_hub.providers.dmr import OpenAIProvider
from workflow_hub.providers.dmr.client import DEFAULT_MODEL, AsyncDockerModelClient, Messages
from workflow_hub.providers.dmr.wire import Call
from workflow_hub.values import Delta, Message, Prompt, Reply

STATES = 4  # megabytes each


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
        """The whole reply, read from a stream."""
        return await self.told(messages, _nothing, model, temperature, max_tokens, **parameters)

    async def save_slot(self, slot: int, name: str) -> None:
        """Keep what the slot has read, under a name, as long as the engine lives."""
        await self._slot(slot, "save", name)

    async def restore_slot(self, slot: int, name: str) -> None:
        """Let the slot have read what was saved; milliseconds, if it is idle."""
        await self._slot(slot, "restore", name)

    async def _slot(self, slot: int, action: str, name: str) -> None:
        body = json.dumps({"filename": name}).encode()
        await self._fetch(Call(f"/slots/{slot}?action={action}", body=body), self._address.root)


class EngineProvider(OpenAIProvider):
    """The provider on top of that client: what the first prompt begins with is evaluated once.

    The first prompt is answered in the first slot, whose state is then copied to the others; otherwise
    each of them would evaluate the instructions for itself. A warm engine may know the state from an
    earlier run: it keeps STATES of them, and another's does no harm.
    """

    def __init__(self, url: str, *, api_key: str, timeout: float, slots: int) -> None:
        # One try: an engine that is not there has died, and whoever started it starts it again.
        self._engine = EngineClient(url, api_key=api_key, timeout=timeout, tries=1)
        self._led = False
        super().__init__(url, api_key=api_key, slots=slots, client=self._engine)

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        """The model's reply. The first prompt leads: what it has read is restored into the other slots."""
        if self._led:
            return await super().complete(prompt, model, on_delta)
        self._led = True
        name = _state(prompt.lead)
        with suppress(HubError):
            await self._engine.restore_slot(0, name)
        first = replace(prompt, options={**prompt.options, "id_slot": 0})
        reply = await super().complete(first, model, on_delta)
        with suppress(HubError):  # they read it themselves then
            if reply.usage.cached_tokens < reply.usage.prompt_tokens / 2:
                await self._engine.save_slot(0, name)
            for slot in range(1, self._slots):
                await self._engine.restore_slot(slot, name)
        return reply


def _nothing(delta: Delta) -> None:
    """Who asks for the whole reply hears no pieces."""


def _state(lead: tuple[Message, ...]) -> str:
    """The name for the state of a slot that has read these messages."""
    digest = hashlib.sha256(repr(lead).encode("utf-8", "surrogatepass")).digest()
    return f"{digest[0] % STATES}.state"
