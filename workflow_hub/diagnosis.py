"""What can be had on this machine: each candidate of each rule, found or not, and what to type."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import anyio.to_thread

from workflow_hub.errors import SetupError, Unavailable
from workflow_hub.hub import Hub
from workflow_hub.routing.pick import Candidate
from workflow_hub.routing.shape import Goose
from workflow_hub.tasks import TASKS


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Literal["ok", "missing"]
    says: str

    def as_dict(self) -> dict[str, str]:
        """The check as it stands in JSON."""
        return {"name": self.name, "status": self.status, "says": self.says}


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks; `exit_code` is 0 fine, 1 degraded, 2 nobody answers a task."""

    checks: tuple[Check, ...]
    verdict: str
    exit_code: int


async def diagnose(hub: Hub) -> Diagnosis:
    """Look for every candidate of every task, and for the agent; sends no prompt and starts nothing.

    An agent that is missing takes nothing from the tasks, and leaves the exit code as it is.
    """
    checks = [_python(), _settings(hub), _cache(hub)]
    codes = []
    for task in TASKS:
        candidates = hub.router(task).candidates
        looks = {candidate: await _look(hub, candidate) for candidate in candidates}
        checks += [Check(f"{task}: {candidate}", *look) for candidate, look in looks.items()]
        answered = [status == "ok" for status, _ in looks.values()]
        codes.append(0 if answered[0] else 1 if any(answered) else 2)
    checks += await anyio.to_thread.run_sync(lambda: [*_agents(hub)])
    code = max(codes)
    return Diagnosis(tuple(checks), VERDICTS[code], code)


VERDICTS = {
    0: "All is here.",
    1: "Degraded: the first choice is not here, and another answers instead.",
    2: "Nobody can answer: follow one of the lines above.",
}


# Settings that are never shown.
SECRETS = frozenset({"api.key"})


async def _look(hub: Hub, candidate: Candidate) -> tuple[Literal["ok", "missing"], str]:
    try:
        model = await hub.provider(candidate.provider).find(candidate.model)
    except Unavailable as error:
        return "missing", str(error)
    context = f", {model.context_tokens} tokens of context" if model.context_tokens else ""
    return "ok", f"{model.id}{context}"


def _agents(hub: Hub) -> Iterator[Check]:
    """Goose, and the walls around it, where the rules name it."""
    if not any(isinstance(spec, Goose) for spec in hub.rules.providers.values()):
        return
    from workflow_hub.providers.goose import find, sandbox

    try:
        goose = find.need(hub.env)
        says = f"{goose.version} at {goose.path} ({goose.origin})"
        yield Check("goose", "ok", f"{says}; {goose.warning}" if goose.warning else says)
    except Unavailable as error:
        yield Check("goose", "missing", str(error))
    lacking = sandbox.lacking(hub.env)
    yield Check("sandbox", "missing" if lacking else "ok", lacking or "bubblewrap works")


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_version()} on {platform.machine()}")


def _settings(hub: Hub) -> Check:
    set_here = [
        f"{key} = {'***' if key in SECRETS else value} ({origin})"
        for key, value, origin in hub.config.listed()
        if origin != "default"
    ]
    return Check("settings", "ok", "; ".join(set_here) or "all as they come")


def _cache(hub: Hub) -> Check:
    try:
        hub.cache.get(["probe"])
    except SetupError as error:
        return Check("cache", "missing", str(error))
    return Check("cache", "ok", str(hub.cache.path or "in memory"))
