"""The plain functions for those who do not write async; they work inside a running event loop, too."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from workflow_hub import config as configuration
from workflow_hub import prompts
from workflow_hub.config import Config
from workflow_hub.errors import RoutingError, UsageError
from workflow_hub.hub import Hub, Pins, run_sync
from workflow_hub.packaged import packaged
from workflow_hub.routing import rules
from workflow_hub.routing.explain import Explanation, explain
from workflow_hub.routing.signals import NEEDS, Signals, signals
from workflow_hub.tasks import TASKS
from workflow_hub.tasks.docstrings import Style
from workflow_hub.values import Route


def enrich_docstring(
    function_code: str, *, style: str = "google", example: bool = False, model: str | None = None
) -> str:
    """A docstring literal, quotes included, for the first function or class in `function_code`.

    Who answers is what routing.yaml says, or `model` alone. What the code says already in a
    docstring of its own stays. `style` is `google`, `numpy` or `sphinx`. With `example` it gets one if a
    drafted call runs and shows the same twice; for that the code is run, within limits. Raises UsageError for
    another style or where there is no Python in the code, another SetupError where nobody can
    answer, and ReplyInvalid where no answer could be trusted.
    """
    if style not in set(Style):
        raise UsageError(f"there is no style {style}; there are {', '.join(Style)}")
    chosen = Style(style)

    async def work() -> str:
        async with Hub.open(pins=Pins(model=model)) as hub:
            return await hub.enrich_docstring(function_code, style=chosen, example=example)

    return run_sync(work)


def route(text: str, *, images: Sequence[object] = (), task: str = "ask", needs: Iterable[str] = ()) -> Route:
    """Who would answer `text`, by which rule and why; no model is asked or looked for.

    Of `images` only the number counts. `needs` come on top of those that the words ask for: `files`,
    `terminal`, `mcp`. Raises RoutingError where nobody would answer or routing.yaml is wrong, and
    UsageError for a task or a need that there is not.
    """
    found = explained(text, images=len(images), task=task, needs=needs)
    if found.route is None:
        raise RoutingError(found.problem or "nobody answers")
    return found.route


def explained(
    text: str,
    *,
    images: int,
    task: str,
    needs: Iterable[str] = (),
    config: Config | None = None,
    ask: bool = False,
) -> Explanation:
    """What each rule of the current folder, or that of `config`, says of such a prompt.

    With `ask`, a small model that is loaded says what the words leave open.
    """
    config = config or configuration.current_config()
    folders = list(configuration.project_folders(config.folder))
    known = rules.load(rules.find(folders), trusted=configuration.trusted(os.environ))
    asked = set(needs)
    if wrong := sorted(asked.difference(NEEDS)):
        raise UsageError(f"there is no need {wrong[0]}; there are {', '.join(NEEDS)}")
    needed = declared(config)
    named = {name for rule in known.rules for part in rule.conditions for name in part.task}
    if task not in needed and task not in named:
        raise UsageError(f"there is no task {task}; there are {', '.join(sorted({*needed, *named}))}")
    asked |= needed.get(task, frozenset())
    found = signals(text, task=task, needs=sorted(asked), images=images)
    if ask:

        async def decided() -> Signals:
            async with Hub.open(config) as hub:
                return await hub.decided(text, found)

        found = run_sync(decided)
    return explain(known, found)


def declared(config: Config) -> Mapping[str, frozenset[str]]:
    """The needs that each task's own prompt declares."""
    folders = list(configuration.project_folders(config.folder))
    return {
        task: frozenset(prompts.find(task, folders).head.needs)
        if packaged(f"prompts/{task}.j2").is_file()
        else frozenset()
        for task in ("ask", "describe", *TASKS)
    }
