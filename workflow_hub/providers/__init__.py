"""Who answers: every provider is one room here, behind one protocol, listed in one table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from workflow_hub.values import Delta, Endpoint, ModelInfo, Prompt, Reply

OnDelta = Callable[[Delta], None]


class Provider(Protocol):
    """Answers prompts. One value serves many tasks at a time, in one event loop.

    `find` sends no prompt and starts no engine: it tells whether the model can be had, and
    raises an `Unavailable` that says what to type where it cannot.

    `complete` may take minutes on a cold model; cancelling it frees the server's slot at once. With
    `on_delta` the reply is told piece by piece as it comes, and is the same in the end.

    `endpoint` is where another program reaches the model over OpenAI's interface. It may start an
    engine, and raises an `Unavailable` where no other program can.

    `free` makes room in memory for a model by unloading idle ones beside it, and tells whether there
    were any that went.
    """

    async def find(self, model: str) -> ModelInfo:
        """The model as it can be had here."""

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        """The model's reply to the prompt."""

    async def endpoint(self, model: str) -> Endpoint:
        """Where another program reaches the model."""

    async def free(self, model: str) -> bool:
        """Whether idle models went, to make room for this one."""

    async def aclose(self) -> None:
        """What the provider has opened or started is closed."""
