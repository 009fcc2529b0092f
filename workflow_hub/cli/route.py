"""`workflow-hub route explain|check|list`: who answers which prompt, and why."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from workflow_hub import config as configuration
from workflow_hub.cli import SET_UP
from workflow_hub.cli.options import deliver
from workflow_hub.config import Config
from workflow_hub.routing import rules

if TYPE_CHECKING:
    from workflow_hub.routing.presence import Seen

Command = TypeVar("Command", bound=Callable[..., Any])

_File = functools.partial(click.Path, path_type=Path, dir_okay=False)
_OPTIONS = (
    click.option("--config", "file", type=_File(exists=True), help="Settings file."),
    click.option("--output", type=_File(writable=True), help="Write there, not to stdout."),
)
_format = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)


def _shared(command: Command) -> Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.group("route")
def command() -> None:
    """Say who answers a prompt, and why; it is not sent."""


@command.command()
@click.argument("text", required=False)
@click.option("--task", metavar="NAME", help="The task; default: ask.")
@click.option(
    "--image",
    "images",
    multiple=True,
    type=_File(exists=True),
    help="An image that goes with it; may be repeated.",
)
@click.option("--ask", is_flag=True, help="Where the words leave it open, ask a small model that is loaded.")
@_format
@_shared
def explain(
    text: str | None,
    task: str | None,
    images: tuple[Path, ...],
    ask: bool,
    form: str,
    file: Path | None,
    output: Path | None,
) -> int:
    """Print each signal of TEXT, each rule, and why it takes the prompt or not.

    Exit code 2: no rule takes it.
    """
    from workflow_hub.doors import explained
    from workflow_hub.routing.explain import as_dict, as_lines

    if text is None and task is None:
        raise click.UsageError("name a prompt, or a task with --task")
    config = configuration.current_config(file=file)
    found = explained(text or "", images=len(images), task=task or "ask", config=config, ask=ask)
    _print(as_dict(found) if form == "json" else as_lines(found), output)
    if found.problem:
        click.echo(f"workflow-hub: {found.problem}", err=True)
        return SET_UP
    return 0


@command.command("list")
@click.option("--offline", is_flag=True, help="Only the rules: do not look for the models.")
@_format
@_shared
def list_rules(offline: bool, form: str, file: Path | None, output: Path | None) -> int:
    """Print the rules, first things first: what each takes, and who answers; then where the models are.

    A model is loaded, here or not here, or its provider is not; no prompt is sent.
    """
    from workflow_hub.routing import presence
    from workflow_hub.routing.explain import listing, table

    config = configuration.current_config(file=file)
    known = rules.load(_path(config), trusted=configuration.trusted(os.environ))
    seen = None if offline else _look(config, known)
    if form == "json":
        _print(listing(known) | ({} if seen is None else {"models": presence.as_dicts(seen)}), output)
    else:
        _print([*table(known), *([] if seen is None else ["", *presence.as_lines(seen)])], output)
    return 0


def _look(config: Config, known: rules.Rules) -> list[Seen]:
    from workflow_hub.hub import Hub, run_sync
    from workflow_hub.routing import presence

    async def look() -> list[Seen]:
        async with Hub.open(config) as hub:
            return await presence.look(presence.named(known), hub.provider)

    return run_sync(look)


@command.command()
@_shared
def check(file: Path | None, output: Path | None) -> int:
    """Look for faults in routing.yaml, and for its models where a model runner is there.

    Exit code 2: there is one; all of them are printed as FILE:LINE:COLUMN.
    """
    from workflow_hub.doors import declared
    from workflow_hub.hub import Hub, run_sync
    from workflow_hub.routing.check import check as checked
    from workflow_hub.routing.check import serve

    config = configuration.current_config(file=file)
    reading = checked(_path(config), declared(config), trusted=configuration.trusted(os.environ))
    faults, known = list(reading.faults), reading.rules
    if known is not None and not faults:

        async def look() -> None:
            async with Hub.open(config) as hub:
                served = await serve(reading, known, hub.provider)
            faults.extend(served.faults)
            for note in served.notes:
                click.echo(note, err=True)

        run_sync(look)
    _print([str(fault) for fault in faults] or [f"{_path(config)}: no faults"], output)
    return SET_UP if faults else 0


def _path(config: Config) -> Path:
    return rules.find(configuration.project_folders(config.folder))


def _print(what: dict[str, Any] | Iterable[str], output: Path | None) -> None:
    if isinstance(what, dict):
        text = json.dumps(what, indent=2, ensure_ascii=False) + "\n"
    else:
        text = "".join(f"{line}\n" for line in what)
    deliver(text.encode("utf-8", "backslashreplace"), output)
