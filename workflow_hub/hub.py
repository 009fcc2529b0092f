"""The hub: settings, prompts, rules, providers and the cache, put together once.

Everything that the command line does is a call here first. The calls are async; `run_sync` is the
door for those who are not, in a script as well as inside a running event loop (a notebook).
"""

from __future__ import annotations

import asyncio
import itertools
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

import anyio

from workflow_hub import config as configuration
from workflow_hub import pipeline, prompts
from workflow_hub.cache import Cache, default_path
from workflow_hub.config import Config, Settings
from workflow_hub.errors import RoutingError, UsageError
from workflow_hub.providers import OnDelta, Provider
from workflow_hub.providers.table import Around, make
from workflow_hub.report.rules import Severity
from workflow_hub.routing import pick, rules
from workflow_hub.routing.explain import explain
from workflow_hub.routing.health import Health
from workflow_hub.routing.router import Choice, Router
from workflow_hub.routing.shape import Options
from workflow_hub.source.changed import Changes
from workflow_hub.source.files import Refusal
from workflow_hub.source.history import History, history
from workflow_hub.source.literal import literal
from workflow_hub.tasks import ask as asking
from workflow_hub.tasks import docstrings as documenting
from workflow_hub.tasks.docstrings.apply import Applied, Applier
from workflow_hub.tasks.docstrings.audit import Audited, severities
from workflow_hub.tasks.docstrings.mending import Mended, mending, stale_docstrings
from workflow_hub.tasks.docstrings.provenance import SideFile, keeping
from workflow_hub.values import Failed, Reply

if TYPE_CHECKING:
    from workflow_hub.providers.goose.desk import Desk
    from workflow_hub.routing.signals import Signals

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pins:
    """Who is to answer, and nobody else: `--provider` and `--model`."""

    provider: str | None = None
    model: str | None = None

    def __bool__(self) -> bool:
        return self.provider is not None or self.model is not None


@dataclass(frozen=True, slots=True)
class Watch:
    """What a caller wants to hear while a run goes on; the defaults listen to nothing.

    Without a `patch` none is made.
    """

    settled: Callable[[Applied], None] = lambda outcome: None
    patch: Callable[[bytes], None] | None = None
    say: Callable[[str], None] = lambda message: None
    progress: Callable[[str, int, int], None] = lambda doing, done, total: None
    begun: Callable[[Sequence[tuple[str, Path]]], None] = lambda files: None
    replied: Callable[[Reply], None] = lambda reply: None
    chosen: Callable[[Choice, str], None] = lambda choice, why: None


@dataclass
class Hub:
    """Everything a run needs, closed at the end of `async with`.

    async with Hub.open() as hub:
        outcomes = await hub.docstrings(["src"], write=True)
    """

    config: Config
    rules: rules.Rules
    cache: Cache
    folders: Sequence[Path]
    env: Mapping[str, str]
    pins: Pins = Pins()
    may_download: bool = False
    watch: Watch = field(default_factory=Watch)
    jobs: int | None = None
    desk: Desk | None = None
    _providers: dict[str, Provider] = field(default_factory=dict)
    _health: Health = field(default_factory=Health)

    @classmethod
    def open(
        cls,
        config: Config | None = None,
        *,
        pins: Pins = Pins(),
        may_download: bool = False,
        watch: Watch | None = None,
        jobs: int | None = None,
        env: Mapping[str, str] | None = None,
        desk: Desk | None = None,
    ) -> Hub:
        """A hub for the current folder, or for that of `config`; nothing is contacted yet.

        `desk` is where agents work; without one, in that folder, by the list of what is allowed.
        """
        config = config or configuration.current_config()
        env = os.environ if env is None else env
        folders = list(configuration.project_folders(config.folder))
        cache = config.settings.cache
        return cls(
            config,
            rules.load(rules.find(folders), trusted=configuration.trusted(env)),
            Cache((cache.path or default_path()) if cache.enabled else None),
            folders,
            env,
            pins,
            may_download,
            watch or Watch(),
            jobs,
            desk,
        )

    async def __aenter__(self) -> Hub:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            for provider in self._providers.values():
                await provider.aclose()
        self.cache.close()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.config.settings

    def provider(self, name: str) -> Provider:
        """The provider called `name` in routing.yaml, made at its first use."""
        if name not in self._providers:
            spec = self.rules.providers[name]
            around = Around(
                self.config, self.env, self.may_download, self.watch.progress, self.desk, self._plays
            )
            # A pinned model of the catalogue takes the place of the one that the rules name.
            pinned = {"model": self.pins.model} if pick.is_embedded(self.rules, name, self.pins.model) else {}
            self._providers[name] = make(spec.kind, spec.model_dump() | pinned, around)
        return self._providers[name]

    def _plays(self, role: str) -> Provider:
        """The provider that plays a role of routing.yaml."""
        return self.provider(self.rules.models[role].provider)

    def router(self, task: str, signals: Signals | None = None) -> Router:
        """Who answers `task`, or the one prompt that has these signals: by the pins, or by the rules."""
        found = signals or pick.plain(task)
        if not self.pins:
            return self._by_the_rules(found)
        return self._router(
            task, pick.pinned(self.rules, found, provider=self.pins.provider, model=self.pins.model)
        )

    def _by_the_rules(self, found: Signals) -> Router:
        return self._router(found.task, pick.pick(self.rules, found))

    def _router(self, task: str, candidates: Sequence[pick.Candidate]) -> Router:
        options = self.rules.tasks.get(task, Options()).model_dump(exclude_none=True)
        return Router(candidates, self.provider, self.watch.say, self.watch.replied, self._health, options)

    async def docstrings(
        self,
        paths: Sequence[str | Path],
        *,
        write: bool = False,
        changes: Changes | None = None,
        stale: bool = False,
    ) -> list[Applied]:
        """Document what `paths` lack; every item ends in one outcome, in the order of the files.

        With `write` the files are edited; `watch.patch` gets the patch of each. With `changes`,
        only what changed is documented. With `stale`, what does not match its code is repaired, and
        nothing else is done. Raises a SetupError before the first item where nobody can answer or a
        path is not there.
        """
        folder, settings = self.config.folder, self.settings.docstrings
        files = documenting.files(paths, folder, settings)
        if not write or self.watch.patch is not None:
            _refuse_outside(files, folder)
        if write and changes is not None:
            _refuse_unstaged(files, folder, changes)
        look = documenting.Look(documenting.style_of(files, settings), settings.width, settings.types)
        template = prompts.find("docstrings", self.folders)
        task = documenting.task(template, look, samples=settings.samples)
        router = self.router(task.name)
        found: Iterator[Mended | documenting.Target]
        if stale:
            task = mending(task, look)
            levels = severities(settings, self.config.origin)
            past = _history(folder, levels, self.watch.say)
            found = stale_docstrings(files, folder, settings, levels, changes, past)
        else:
            found = documenting.targets(files, folder, settings, changes)
        outcomes: list[Applied] = []

        def settled(outcome: Applied) -> None:
            outcomes.append(outcome)
            self.watch.settled(outcome)

        top = configuration.project_root(folder)
        applier = Applier(top, settings.width, write, self.watch.patch, settled)
        if write and settings.provenance:
            applier.record = keeping(SideFile(top), task.fingerprint)
        self.watch.begun([(documenting.shown(one, folder), one) for one in files if isinstance(one, Path)])
        # Where there is nothing to ask, nobody has to be there.
        for first in found:
            if isinstance(first, documenting.Target):
                break
            applier.take(first)
        else:
            applier.finish()
            return outcomes
        choice = await router.choose()
        jobs = self.jobs or choice.model.slots
        try:
            await pipeline.run(
                task, itertools.chain([first], found), router, self.cache, jobs=jobs, emit=applier.take
            )
        finally:
            applier.finish()
        return outcomes

    async def ask(self, request: asking.Asked, *, on_delta: OnDelta | None = None) -> Reply:
        """The answer to any prompt, by whom its signals lead to; `on_delta` hears it as it comes.

        Raises a SetupError where nobody can answer, and an ItemError, with what came and what an agent
        has done, where the answer failed. Weights are never fetched.
        """
        found = asking.signals_of(request)
        if self.settings.routing.ask_when_unsure:
            found = await self.decided(request.text, found)
        router = self.router(asking.TASK, found)
        choice = await router.choose()
        why = "" if self.pins else next(rule.why for rule in explain(self.rules, found).rules if rule.matched)
        self.watch.chosen(choice, why)
        agent = choice.candidate.agent
        if agent and request.images:
            request = await self._described(request)
        template = prompts.find(asking.TASK, self.folders)
        return await asking.answer(request, router, template, agent=agent, on_delta=on_delta)

    async def decided(self, text: str, found: Signals) -> Signals:
        """The signals of a free text; where they are unsure, a small model that is at hand has its say."""
        if not found.unsure:
            return found
        try:
            router = self._by_the_rules(replace(found, needs=frozenset(), images=0))
        except RoutingError:  # nobody answers without tools
            return found
        return await asking.decided(found, text, router, prompts.find("doubt", self.folders))

    async def _described(self, request: asking.Asked) -> asking.Asked:
        """The request with its images in words, by the rules: whom a pin names need not have eyes."""
        self.watch.progress("looking at the image", 0, 0)
        seen = pick.plain(asking.DESCRIBE)
        router = self._by_the_rules(replace(seen, images=len(request.images)))
        return await asking.described(request, router, prompts.find(asking.DESCRIBE, self.folders))

    async def enrich_docstring(
        self, function_code: str, *, style: documenting.Style, example: bool = False
    ) -> str:
        """The docstring literal, quotes included, for the first function or class in `function_code`.

        For an example, where one is asked for, that code is run.
        """
        settings = self.settings.docstrings
        look = documenting.Look(style, settings.width, settings.types)
        template = prompts.find("docstrings", self.folders)
        task = documenting.task(template, look, samples=settings.samples)
        target = documenting.snippet(function_code, raises_through=settings.raises_through, example=example)
        outcome = await pipeline.carry(task, target, self.router(task.name), self.cache)
        if isinstance(outcome, Failed):
            raise outcome.error
        return literal(outcome.result.text)


def audit_docstrings(
    config: Config,
    paths: Sequence[str | Path],
    changes: Changes | None = None,
    say: Callable[[str], None] = lambda message: None,
) -> Iterator[Audited]:
    """What `paths` leave without a docstring, and where one does not say what the code does.

    Asks nobody, and needs no hub. With `changes`, only what changed is looked at. `say` hears what
    cannot be judged.
    """
    settings = config.settings.docstrings
    levels = severities(settings, config.origin)
    files = documenting.files(paths, config.folder, settings)
    past = _history(config.folder, levels, say)
    return documenting.audit(files, config.folder, settings, levels, changes, past)


def _history(
    folder: Path, levels: Mapping[str, Severity | None], say: Callable[[str], None]
) -> History | None:
    """What git remembers, where a rule needs it; None where there is nothing, and `say` hears why."""
    past = history(folder) if levels["docstring-stale"] else None
    if isinstance(past, str):
        say(f"docstring-stale is not judged: {past}")
        return None
    return past


def _refuse_outside(files: Sequence[Path | Refusal], folder: Path) -> None:
    """A patch names paths below the current folder only."""
    for file in files:
        if isinstance(file, Path) and not file.is_relative_to(folder):
            raise UsageError(
                f"{file} is outside of the current folder, where no patch reaches; use --write alone"
            )


def _refuse_unstaged(files: Sequence[Path | Refusal], folder: Path, changes: Changes) -> None:
    """What is staged cannot be edited on disk, where something else stands."""
    for path in changes.not_staged(files):
        name = documenting.shown(path, folder)
        raise UsageError(
            f"{name} has changes that are not staged; type `git add {name}`, or leave --write out"
        )


def run_sync(work: Callable[[], Awaitable[T]]) -> T:
    """The result of `work()`, from anywhere: inside a running event loop it runs in a thread of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return anyio.run(work)
    answer: Future[T] = Future()

    def in_thread() -> None:
        try:
            answer.set_result(anyio.run(work))
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=in_thread, daemon=True).start()
    return answer.result()
