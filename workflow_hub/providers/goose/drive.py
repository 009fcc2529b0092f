"""One piece of work, from the request to its outcome: in place or on a copy, walled in, verified."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread
from anyio.abc import Process

from workflow_hub.config import project_root
from workflow_hub.errors import HubError, RunnerTimeout, UsageError
from workflow_hub.providers.goose import changes, environment, extensions, find, ledger, outcome, process
from workflow_hub.providers.goose.copy import Copy, Difference, copied, difference, some, take_over
from workflow_hub.providers.goose.git import Git
from workflow_hub.providers.goose.policy import Policy
from workflow_hub.providers.goose.sandbox import Walls, walls
from workflow_hub.providers.goose.session import Ask, OnEvent, Session
from workflow_hub.providers.goose.verify import verify
from workflow_hub.providers.goose.work import AgentOutcome, AgentRequest, Approve, Rule

T = TypeVar("T")
# What Goose keeps, below the place of a run.
ROOT = "goose"
# What is left of the caller's time when the work is ended, so that what was done can still be told.
TO_TELL_S = 2.0


@dataclass(frozen=True, slots=True)
class Site:
    """Where a run happens: the folder, what of the machine it sees, and the `place` that goes afterwards."""

    folder: Path
    place: Path
    goose: Path
    walls: Walls
    on_event: OnEvent
    ask: Ask | None
    env: Mapping[str, str]

    @property
    def root(self) -> Path:
        """The folder that Goose takes for its own, configuration and all."""
        return self.place / ROOT


async def run(
    request: AgentRequest, *, on_event: OnEvent, ask: Ask | None = None, env: Mapping[str, str] = os.environ
) -> AgentOutcome:
    """What has become of the request; what failed on the way is the outcome's `error`, with what was done.

    `on_event` hears everything at once, in this event loop. `ask` decides about tool calls where the
    request says `approve: ask`; the time it takes is not counted. When this returns, or is cancelled,
    Goose and all that it has started are gone. Raises UsageError for a request that makes no sense, and
    Unavailable where there is no Goose, or no sandbox and the request requires one.
    """
    _check(request, ask)
    folder = request.folder.resolve()
    goose = (await _aside(find.need, env)).path
    with environment.throw_away() as place:

        async def at(folder: Path, readable: Sequence[Path], writable: Sequence[Path] = ()) -> Site:
            environment.furnish(place / ROOT, request.model)
            writing = (folder, place / ROOT, *writable)
            inside = await _aside(_walls, request, folder, writing, (goose, *readable), env)
            return Site(folder, place, goose, inside, on_event, ask, env)

        if not request.in_copy:
            site = await at(folder, await _aside(_around, folder))
            return await _verified(request, site, await _driven(request, site))
        async with process.swept(place):
            copy = await _aside(copied, folder, place)
            site = await at(copy.folder, (copy.tree, copy.borrowed), (copy.tree / ".git",))
            done = await _driven(request, site)
            found = await _aside(difference, copy)  # now, for what verifies may leave traces
            done = await _verified(request, site, done)
            return await _aside(_brought_home, copy, found, done, request.apply)


def _check(request: AgentRequest, ask: Ask | None) -> None:
    if not request.folder.is_dir():
        raise UsageError(f"there is no folder {request.folder}")
    if not request.prompt.strip():
        raise UsageError("there is nothing to do: the prompt is empty")
    if request.approve is Approve.ASK and ask is None:
        raise UsageError("`approve: ask` needs somebody to ask; say `list` or `deny`")
    if request.apply and not request.in_copy:
        raise UsageError("what is done in place needs no taking over; leave out `apply`, or work in a copy")


async def _aside(work: Callable[..., T], *arguments: object) -> T:
    return await anyio.to_thread.run_sync(lambda: work(*arguments))


# -- the walls ----------------------------------------------------------------------------------


def _around(folder: Path) -> tuple[Path, ...]:
    """What commands read of the project outside of the folder: its work tree, and where git keeps its own."""
    root = project_root(folder)
    if not (root / ".git").is_file():
        return (root,)
    shared = Git(root).line("rev-parse", "--path-format=absolute", "--git-common-dir", may_fail=True)
    return (root, Path(shared)) if shared else (root,)


def _walls(
    request: AgentRequest,
    folder: Path,
    writable: Sequence[Path],
    readable: Sequence[Path],
    env: Mapping[str, str],
) -> Walls:
    named = [Path(env[name]) for name in request.pass_on if env.get(name, "").startswith("/")]
    words = [Path(word) for one in request.extensions for word in one.command if word.startswith("/")]
    beside = [word.parent for word in words if word.is_file()]
    return walls(
        request.sandbox,
        writable=(*writable, *_ruled(request.allow)),
        readable=(*readable, *named, *words, *beside),
        programs=(*map(Path, env.get("PATH", "").split(os.pathsep)), folder / ".venv" / "bin", *beside),
        env=env,
    )


def _ruled(rules: tuple[Rule, ...]) -> list[Path]:
    """Folders outside of the working folder that rules let be written to."""
    patterns = [rule.pattern for rule in rules if rule.tool in ("write", "edit") and rule.pattern]
    found = []
    for pattern in patterns:
        if pattern.startswith("/"):
            parts = Path(pattern).parts
            plain = next((n for n, part in enumerate(parts) if set(part) & set("*?[")), len(parts) - 1)
            found.append(Path(*parts[:plain]))
    return [folder for folder in found if folder.is_dir() and folder != folder.parent]


# -- the work -----------------------------------------------------------------------------------


async def _driven(request: AgentRequest, site: Site) -> AgentOutcome:
    began = time.monotonic()
    before = await anyio.to_thread.run_sync(changes.snapshot, site.folder, abandon_on_cancel=True)
    seen = environment.environment(
        site.root, request.model, request.limits, pass_on=request.pass_on, env=site.env
    )
    errors = site.place / "stderr"
    error: HubError | None = None
    seconds = _seconds_left(request.limits.seconds)
    with anyio.CancelScope(deadline=anyio.current_time() + seconds) as clock:
        session = Session(
            Policy(site.folder, request.approve, request.allow),
            on_event=site.on_event,
            ask=site.ask,
            clock=clock,
            output_bytes=request.limits.output_bytes,
            errors=errors,
            servers=extensions.servers(request.extensions),
            opened=lambda: extensions.need(site.root),
        )
        command = site.walls.around([str(site.goose), "acp"])
        async with process.started(command, seen, site.folder, site.place, errors) as started:
            error = await _conversed(session, started, request, site.root)
    if clock.cancelled_caught:
        error = RunnerTimeout(
            f"Goose was not done within {seconds:.3g} seconds; allow more, or ask for less",
            partial=session.text,
        )
    usage = await anyio.to_thread.run_sync(ledger.spent, site.root)
    after = await anyio.to_thread.run_sync(changes.snapshot, site.folder, abandon_on_cancel=True)
    return AgentOutcome(
        text=session.text,
        files=changes.compare(before, after),
        commands=tuple(session.commands),
        refused=tuple(session.refused),
        usage=usage,
        seconds=time.monotonic() - began,
        error=error,
        notes=(site.walls.note,) if site.walls.note else (),
    )


async def _conversed(
    session: Session, started: Process, request: AgentRequest, root: Path
) -> HubError | None:
    """What went wrong, None where nothing did."""
    try:
        ending = await session.converse(started, request.prompt)
        extensions.need(root)  # once more: Goose writes to its log when it finds the time
    except HubError as error:
        return error
    return outcome.judge(ending, request.model.name, request.limits.turns, session.text)


def _seconds_left(most: float) -> float:
    left = anyio.current_effective_deadline() - anyio.current_time()
    return max(0.0, min(most, left - TO_TELL_S))


async def _verified(request: AgentRequest, site: Site, done: AgentOutcome) -> AgentOutcome:
    """The outcome, failed where the user's command does not find the work in order."""
    if request.verify is None or done.error is not None:
        return done
    began = time.monotonic()
    error = await verify(
        request.verify,
        site.folder,
        environment=environment.of_commands(site.root, request.pass_on, site.env),
        walls=site.walls,
        throw_away=site.place,
        seconds=_seconds_left(request.limits.seconds),
    )
    notes = done.notes if error else (*done.notes, f"`{request.verify}` exits with 0")
    if error is not None:
        error.partial = done.text
    return replace(done, error=error, notes=notes, seconds=done.seconds + time.monotonic() - began)


def _brought_home(copy: Copy, found: Difference, done: AgentOutcome, apply: bool) -> AgentOutcome:
    """The outcome with what differs in the copy; it is taken over where that is wanted and all went well."""
    error, applied = done.error, False
    if apply and error is None:
        try:
            take_over(copy, found)
            applied = True
        except HubError as refusal:
            error = refusal
            error.partial = done.text
    below = copy.folder.relative_to(copy.tree)
    seen = (str(below / path) for path in (*done.files.created, *done.files.changed))
    ignored = [path for path in seen if path not in found.paths]
    behind = (f"ignored by git, and so left behind in the copy: {some(ignored)}",) if ignored else ()
    notes = (*done.notes, *copy.notes, *behind)
    return replace(done, files=found.files, error=error, patch=found.patch, applied=applied, notes=notes)
