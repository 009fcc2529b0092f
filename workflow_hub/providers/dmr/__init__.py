"""Docker Model Runner, and any other server that speaks OpenAI's dialect, as providers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workflow_hub.errors import ModelMissing, ReplyInvalid, RequestRefused, RunnerUnreachable
from workflow_hub.providers.dmr.address import Address
from workflow_hub.providers.dmr.names import same_model, short_name
from workflow_hub.schema import response_format
from workflow_hub.values import Delta, ModelInfo, Prompt, Reply

if TYPE_CHECKING:
    import anyio

    from workflow_hub.providers.dmr.client import AsyncDockerModelClient
    from workflow_hub.providers.dmr.wire import Stored

__all__ = ["DmrProvider", "OpenAIProvider"]

Listed = tuple[tuple[str, ...], ModelInfo]


class OpenAIProvider:
    """Answers prompts over OpenAI's HTTP interface; at most `slots` requests are on their way at a time.

    More would wait at the server without a byte, and run into the time meant for the model.
    """

    def __init__(
        self,
        address: Address | str,
        *,
        api_key: str | None = None,
        timeout: float = 330.0,
        slots: int = 4,
        client: AsyncDockerModelClient | None = None,
    ) -> None:
        # Imported here because httpx takes its time, and a provider is only made to be asked.
        from workflow_hub.providers.dmr.client import AsyncDockerModelClient

        self._client = client or AsyncDockerModelClient(address, timeout=timeout, api_key=api_key)
        self._slots = slots
        self._free: anyio.Semaphore | None = None
        self._listing: list[Listed] | None = None

    @property
    def base_url(self) -> str:
        return self._client.base_url

    async def find(self, model: str) -> ModelInfo:
        """What the server's listing, read once, tells of `model`, whichever way it is spelt."""
        if self._listing is None:
            self._listing = await self._listed()
        for names, info in self._listing:
            if any(same_model(model, name) for name in names):
                return replace(info, slots=self._slots)
        there = ", ".join(info.id for _, info in self._listing) or "nothing"
        text = f"{model} is not at {self.base_url}; get it with `docker model pull {model}` (there: {there})"
        raise ModelMissing(text)

    async def complete(self, prompt: Prompt, model: str) -> Reply:
        async with self._slot():
            return await self._client.reply(prompt.messages, model, **_parameters(prompt))

    async def stream(self, prompt: Prompt, model: str) -> AsyncIterator[Delta]:
        async with (
            self._slot(),
            aclosing(self._client.stream(prompt.messages, model, **_parameters(prompt))) as deltas,
        ):
            async for delta in deltas:
                yield delta

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _listed(self) -> list[Listed]:
        """Each model with the names it goes by."""
        return [((info.identity,), info) for info in await self._client.models()]

    def _slot(self) -> anyio.Semaphore:
        """The places at the server; made in the event loop that uses them."""
        if self._free is None:
            import anyio

            self._free = anyio.Semaphore(self._slots)
        return self._free


class DmrProvider(OpenAIProvider):
    """Docker Model Runner, whose native listing knows all tags of a model and its digest."""

    async def _listed(self) -> list[Listed]:
        plain = await super()._listed()
        try:
            stored = await self._client.stored()
        except (ReplyInvalid, RequestRefused, RunnerUnreachable):
            # A gateway may pass the inference paths only; names will do as identities then.
            return plain
        return [_known(one, plain) for one in stored]


def _known(stored: Stored, plain: list[Listed]) -> Listed:
    names = (*stored.tags, stored.id)
    windows = (
        info.context_tokens for (name,), info in plain if any(same_model(name, other) for other in names)
    )
    context = next(windows, None) or stored.context_tokens
    return names, ModelInfo(short_name(names[0]), stored.id, context_tokens=context)


def _parameters(prompt: Prompt) -> dict[str, Any]:
    """The prompt's options and schema; without a temperature of its own, the server's default holds."""
    schema = {} if prompt.schema is None else {"response_format": response_format(prompt.schema)}
    return {"temperature": None, **schema, **prompt.options}
