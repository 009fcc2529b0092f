"""llama.cpp on this machine, in a process of its own, as a provider."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread

from workflow_hub.errors import EngineFailed, HubError, ModelMissing, ReplyCut, RunnerUnreachable
from workflow_hub.providers import OnDelta
from workflow_hub.providers.embedded import warm, weights
from workflow_hub.providers.embedded.catalogue import CATALOGUE, DEFAULT, Weights
from workflow_hub.providers.embedded.client import EngineProvider
from workflow_hub.providers.embedded.engine import Engine, EngineSettings, launch, require_engine
from workflow_hub.providers.embedded.progress import Progress, Tell, silent
from workflow_hub.values import Delta, Endpoint, ModelInfo, Prompt, Reply

__all__ = ["CATALOGUE", "DEFAULT", "EmbeddedProvider", "EngineSettings", "Progress", "Tell"]

TIMEOUT_S = 330.0
CRASHES = 3  # in a row, without a reply between them
DEATH_S = 1.0


@dataclass(frozen=True, slots=True)
class _Session:
    """An engine, ours or the warm one, and what asks it."""

    engine: Engine | warm.WarmEngine
    provider: EngineProvider


class EmbeddedProvider:
    """Answers prompts with an engine of its own, started by the first of them and gone with `aclose`.

    A warm engine with the same weights is used instead. If the engine dies, it is started again, and
    each request that it took with it is asked once more. `progress` hears of downloads and starts, in
    another thread. Weights that are not here are fetched only where `may_download` says so.
    """

    def __init__(
        self,
        model: str | Weights = DEFAULT,
        *,
        settings: EngineSettings = EngineSettings(),
        progress: Tell | None = None,
        may_download: bool = False,
        projector: Path | None = None,
        timeout: float = TIMEOUT_S,
    ) -> None:
        self._weights = model
        self._name = model.name if isinstance(model, Weights) else model
        self._settings = settings
        self._progress = progress or silent
        self._may_download = may_download
        self._projector = projector
        self._timeout_s = timeout
        self._session: _Session | None = None
        self._lock = anyio.Lock()
        self._crashes = 0

    async def find(self, model: str) -> ModelInfo:
        """The model, if engine and weights are here, or the weights may be fetched.

        Raises EngineFailed, WeightsUnavailable or ModelMissing with the command to type.
        """
        self._must_be_ours(model)
        return await anyio.to_thread.run_sync(self._info)

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        """The model's reply; an engine that dies before anything was shown is started again, once."""
        tries, shown = 0, False

        def show(delta: Delta) -> None:
            nonlocal shown
            shown = True
            if on_delta is not None:
                on_delta(delta)

        while True:
            session = await self._ready()
            try:
                reply = await session.provider.complete(prompt, model, show if on_delta else None)
            except (RunnerUnreachable, ReplyCut) as error:
                tries += 1
                await self._bury(session, error, again=tries == 1 and not shown)
            else:
                self._crashes = 0
                return reply

    async def endpoint(self, model: str) -> Endpoint:
        """The engine's address and key; it is started, if it is not yet."""
        self._must_be_ours(model)
        engine = (await self._ready()).engine
        return Endpoint(f"{engine.url}/v1", engine.key)

    async def free(self, model: str) -> bool:
        """There is one model in the engine, and that stays."""
        return False

    async def aclose(self) -> None:
        """The engine is gone, unless it is the warm one; a later prompt would start another."""
        with anyio.CancelScope(shield=True):
            async with self._lock:
                await self._drop()

    def _must_be_ours(self, model: str) -> None:
        if model != self._name:
            raise ModelMissing(f"the embedded engine runs {self._name}, not {model}")

    def _info(self) -> ModelInfo:
        require_engine()
        path = weights.local(self._weights) if self._may_download else weights.need(self._weights)
        identity = weights.identity(path) if path else weights.entry_of(self._weights).sha256
        return ModelInfo(
            self._name,
            identity,
            self._settings.slots,
            self._settings.context_tokens,
            here=path is not None,
        )

    async def _ready(self) -> _Session:
        async with self._lock:
            session = self._session
            if session and isinstance(session.engine, Engine) and not session.engine.alive:
                await self._count_out(session.engine)
                session = None
            if session is None:
                engine = await anyio.to_thread.run_sync(self._start)
                provider = EngineProvider(
                    f"{engine.url}/v1",
                    api_key=engine.key,
                    timeout=self._timeout_s,
                    slots=self._settings.slots,
                )
                session = self._session = _Session(engine, provider)
            return session

    def _start(self) -> Engine | warm.WarmEngine:
        """Runs in a worker thread; a cancelled caller ends it at the next word of progress."""
        require_engine()
        path = (
            weights.ensure(self._weights, self._tell) if self._may_download else weights.need(self._weights)
        )
        if self._projector is None:
            running = warm.status()
            if running and warm.serves(running, weights.identity(path), self._settings):
                return running
        return launch(path, self._settings, tell=self._tell, projector=self._projector)

    def _tell(self, progress: Progress) -> None:
        anyio.from_thread.check_cancelled()
        self._progress(progress)

    async def _bury(self, session: _Session, error: HubError, *, again: bool) -> None:
        """Return if the engine died of the request and the request may be asked again; else raise."""
        with anyio.move_on_after(DEATH_S):
            while await anyio.to_thread.run_sync(_alive, session.engine):
                await anyio.sleep(0.05)
        if await anyio.to_thread.run_sync(_alive, session.engine):
            raise error
        async with self._lock:
            if self._session is session:
                await self._count_out(session.engine)
        if not again:
            raise ReplyCut(
                "the embedded engine died of this request; try a shorter one, or another model",
                partial=error.partial,
            ) from error

    async def _count_out(self, engine: Engine | warm.WarmEngine) -> None:
        """Note a death; raise EngineFailed where there were too many without a reply."""
        said = engine.log_tail() if isinstance(engine, Engine) else ""
        await self._drop()
        self._crashes += 1
        if self._crashes > CRASHES:
            raise EngineFailed(
                f"the embedded engine died {self._crashes} times in a row; check the free memory, "
                f"or take a smaller model" + (f". It said last:\n{said}" if said else "")
            )

    async def _drop(self) -> None:
        session, self._session = self._session, None
        if session:
            await session.provider.aclose()
            if isinstance(session.engine, Engine):
                await anyio.to_thread.run_sync(session.engine.close)


def _alive(engine: Engine | warm.WarmEngine) -> bool:
    return engine.alive
