"""`workflow-hub docstrings status|accept`: what a model has written and nobody has reviewed yet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from workflow_hub import config as configuration
from workflow_hub.cli.options import deliver
from workflow_hub.report.summary import exit_code
from workflow_hub.report.visible import one_line
from workflow_hub.tasks.docstrings import review
from workflow_hub.tasks.docstrings.find import shown
from workflow_hub.tasks.docstrings.provenance import Origin, item_of
from workflow_hub.tasks.docstrings.review import Standing

_paths = click.argument("paths", nargs=-1, metavar="[PATH]...")
_format = click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)


@click.command("status")
@_paths
@click.option("--check", is_flag=True, help="Exit code 1 if something is unreviewed.")
@_format
def status(paths: tuple[str, ...], check: bool, form: str) -> int:
    """List the docstrings that a model has written and nobody has reviewed yet.

    PATH is a file, a folder, or one docstring (shop/cart.py::Cart.add); without one, the current
    folder. What somebody has edited since counts as reviewed; what is gone is told.
    """
    folder, top = _place()
    found = review.standings(paths, folder, top)
    counts = Counter(one.state for one in found)
    _print(
        form,
        {"version": 1, "docstrings": [_row(one, folder, top) for one in found]},
        (_line(one, folder, top) for one in found),
    )
    click.echo(
        f"{counts['unreviewed']} unreviewed, {counts['edited']} edited since, {counts['gone']} gone", err=True
    )
    return exit_code(findings=check and counts["unreviewed"] > 0)


@click.command("accept")
@_paths
@_format
def accept(paths: tuple[str, ...], form: str) -> int:
    """Mark docstrings as reviewed: they are taken off the record, and stay as they are.

    PATH is a file, a folder, or one docstring (shop/cart.py::Cart.add); without one, the current
    folder.
    """
    folder, top = _place()
    accepted = [_item(one, folder, top) for one in review.accept(paths, folder, top)]
    _print(form, {"version": 1, "accepted": accepted}, map(one_line, accepted))
    click.echo(f"{len(accepted)} accepted", err=True)
    return 0


SUB_COMMANDS: Mapping[str, click.Command] = {"status": status, "accept": accept}


class WithSubCommands(click.Command):
    """`docstrings PATH…`, with words that stand for sub-commands where they come first.

    `status` is one of them, and `./status` or `status/` is a path.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """The context of the command that is meant: a sub-command's, or its own."""
        if args and (named := SUB_COMMANDS.get(args[0])) is not None:
            if Path(args[0]).exists():
                click.echo(f"`{args[0]}` is the command; for the path type ./{args[0]}", err=True)
            return named.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The sub-commands, at the end of the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(80)) for name, one in SUB_COMMANDS.items()])


def _place() -> tuple[Path, Path]:
    """The current folder, and the top of its work tree."""
    folder = configuration.current_config().folder
    return folder, configuration.project_root(folder)


def _row(standing: Standing, folder: Path, top: Path) -> dict[str, Any]:
    origin = standing.origin
    return {
        "item": _item(origin, folder, top),
        "path": shown(top / origin.path, folder),
        "line": standing.line,
        "status": standing.state,
        "provider": origin.provider,
        "model": origin.model,
        "prompt": origin.prompt,
    }


def _line(standing: Standing, folder: Path, top: Path) -> str:
    origin = standing.origin
    place = shown(top / origin.path, folder) + ("" if standing.line is None else f":{standing.line}")
    says = f"{standing.state}, written by {origin.provider} {origin.model}"
    return one_line(f"{place}: {origin.name or 'module'}: {says}")


def _item(origin: Origin, folder: Path, top: Path) -> str:
    return item_of(shown(top / origin.path, folder), origin.name)


def _print(form: str, document: Mapping[str, Any], lines: Iterable[str]) -> None:
    if form == "json":
        text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    else:
        text = "".join(f"{line}\n" for line in lines)
    deliver(text.encode("utf-8", "backslashreplace"), None)
