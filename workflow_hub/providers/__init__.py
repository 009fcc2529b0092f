"""Who answers: every provider is one room here, behind one protocol, listed in one table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from workflow_hub.values import Delta, ModelInfo, Prompt, Reply


class Provider(Protocol):
    """Answers prompts. One value serves many tasks at a time, in one event loop.

    `find` sends no prompt and starts no engine: it tells whether the model can be had, and
    raises an `Unavailable` that says what to type where it cannot. `complete` and `stream` may
    take minutes on a cold model; cancelling them frees the server's slot at once.
    """

    async def find(self, model: str) -> ModelInfo: ...

    async def complete(self, prompt: Prompt, model: str) -> Reply: ...

    def stream(self, prompt: Prompt, model: str) -> AsyncIterator[Delta]: ...

    async def aclose(self) -> None: ...
