"""Docker Model Runner, and any other server that speaks OpenAI's dialect, as providers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workflow_hub.errors import (
    HubError,
    ModelMissing,
    ReplyInvalid,
    RequestRefused,
    RunnerUnreachable,
    Unavailable,
)
from workflow_hub.providers import OnDelta
from workflow_hub.providers.dmr.address import Address
from workflow_hub.providers.dmr.names import same_model, short_name
from workflow_hub.schema import response_format
from workflow_hub.values import Endpoint, ModelInfo, Prompt, Reply

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
        self._api_key = api_key
        self._slots = slots
        self._places: anyio.Semaphore | None = None
        self._listing: list[Listed] | None = None

    @property
    def base_url(self) -> str:
        """The address that requests go to."""
        return self._client.base_url

    async def find(self, model: str) -> ModelInfo:
        """What the server's listing, read once, tells of `model`, whichever way it is spelt."""
        _, info = await self._entry(model)
        return replace(info, slots=self._slots)

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        """The model's reply, once one of the server's slots is free."""
        async with self._slot():
            if on_delta is None:
                return await self._client.reply(prompt.messages, model, **_parameters(prompt))
            return await self._client.told(prompt.messages, on_delta, model, **_parameters(prompt))

    async def endpoint(self, model: str) -> Endpoint:
        """The server's own address; raises Unavailable where that is a Unix socket."""
        await self.find(model)
        address = self._client.address
        if address.socket is not None:
            raise Unavailable(
                f"another program cannot reach {model} at {address.shown}; let the model runner listen on a "
                "port (`docker desktop enable model-runner --tcp 12434`, or `dmr serve --port 12434`) and "
                "set DMR_BASE_URL=http://localhost:12434"
            )
        return Endpoint(address.url, self._api_key or "")

    async def free(self, model: str) -> bool:
        """OpenAI's interface has nothing to unload with."""
        return False

    async def aclose(self) -> None:
        """The connections are closed."""
        await self._client.aclose()

    async def _entry(self, model: str) -> Listed:
        """The names that `model` goes by, and what is known of it. Raises ModelMissing."""
        if self._listing is None:
            self._listing = await self._listed()
        for names, info in self._listing:
            if _goes_by(names, model):
                return names, info
        there = ", ".join(info.id for _, info in self._listing) or "nothing"
        text = f"{model} is not at {self.base_url}; get it with `docker model pull {model}` (there: {there})"
        raise ModelMissing(text)

    async def _listed(self) -> list[Listed]:
        """Each model with the names it goes by."""
        return [((info.identity,), info) for info in await self._client.models()]

    def _slot(self) -> anyio.Semaphore:
        """The places at the server; made in the event loop that uses them."""
        if self._places is None:
            import anyio

            self._places = anyio.Semaphore(self._slots)
        return self._places


class DmrProvider(OpenAIProvider):
    """Docker Model Runner, whose native paths know all tags of a model, its digest, and what is loaded."""

    async def free(self, model: str) -> bool:
        """Unload the idle models that are not `model`; a server that lets nobody do that has none.

        The server says 200 whatever became of them, so they are looked for again.
        """
        try:
            names, _ = await self._entry(model)
            before = await self._client.runners()
            idle = {one.name for one in before if not one.busy and not _goes_by(names, one.name)}
            if not idle:
                return False
            await self._client.unload(sorted(idle))
            left = {one.name for one in await self._client.runners()}
        except HubError:
            return False
        return bool(idle - left)

    async def _listed(self) -> list[Listed]:
        plain = await super()._listed()
        try:
            stored = await self._client.stored()
        except (ReplyInvalid, RequestRefused, RunnerUnreachable):
            # A gateway may pass the inference paths only; names will do as identities then.
            return plain
        loaded = await self._loaded()
        return [_known(one, plain, loaded) for one in stored]

    async def _loaded(self) -> list[str]:
        """The names of those that chat, and are in memory; none where the server does not tell."""
        try:
            return [one.name for one in await self._client.runners() if one.mode == "completion"]
        except HubError:
            return []


def _goes_by(names: Iterable[str], name: str) -> bool:
    return any(same_model(name, other) for other in names)


def _known(stored: Stored, plain: list[Listed], loaded: list[str]) -> Listed:
    names = (*stored.tags, stored.id)
    windows = (info.context_tokens for (name,), info in plain if _goes_by(names, name))
    context = next(windows, None) or stored.context_tokens
    warm = any(_goes_by(names, name) for name in loaded)
    return names, ModelInfo(short_name(names[0]), stored.id, context_tokens=context, loaded=warm)


def _parameters(prompt: Prompt) -> dict[str, Any]:
    """The prompt's options and schema; without a temperature of its own, the server's default holds."""
    schema = {} if prompt.schema is None else {"response_format": response_format(prompt.schema)}
    return {"temperature": None, **schema, **prompt.options}
