"""Docker Model Runner wherever it is: located at the first question, then as any other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import anyio

from workflow_hub.errors import RunnerUnreachable
from workflow_hub.providers import OnDelta
from workflow_hub.providers.dmr import DmrProvider
from workflow_hub.providers.dmr.address import Address
from workflow_hub.values import Endpoint, ModelInfo, Prompt, Reply

# Below the shortest rest of one that was not there (routing/health.py).
FORGET_S = 5.0


class DiscoveredProvider:
    """The model runner at the first of `addresses` that answers, which is remembered.

    That none answers is remembered for FORGET_S: long enough for all that is asked at once.
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        api_key: str | None = None,
        timeout: float = 330.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._addresses = addresses
        self._api_key = api_key
        self._timeout_s = timeout
        self._clock = clock
        self._found: DmrProvider | None = None
        self._nobody: RunnerUnreachable | None = None
        self._until = 0.0
        self._looking = anyio.Lock()

    async def find(self, model: str) -> ModelInfo:
        """The model at the address that answers, which is looked for at first use."""
        return await (await self._provider()).find(model)

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        """The model's reply, from there."""
        return await (await self._provider()).complete(prompt, model, on_delta)

    async def endpoint(self, model: str) -> Endpoint:
        """Where another program reaches the model: the address that was found."""
        return await (await self._provider()).endpoint(model)

    async def free(self, model: str) -> bool:
        """Whether idle models were unloaded there to make room."""
        return await (await self._provider()).free(model)

    async def aclose(self) -> None:
        """What was found is closed."""
        if self._found is not None:
            await self._found.aclose()

    async def address(self) -> str:
        """Where it is; raises RunnerUnreachable where it is nowhere."""
        return (await self._provider()).base_url

    async def _provider(self) -> DmrProvider:
        from workflow_hub.providers.dmr.discovery import locate

        async with self._looking:
            if self._found is not None:
                return self._found
            if self._nobody is not None and self._clock() < self._until:
                raise self._nobody
            try:
                address = await locate(self._addresses, api_key=self._api_key)
            except RunnerUnreachable as error:
                self._nobody, self._until = error, self._clock() + FORGET_S
                raise
            self._found = DmrProvider(address, api_key=self._api_key, timeout=self._timeout_s)
            return self._found
