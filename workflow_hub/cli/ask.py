"""`workflow-hub ask`: any prompt, answered by whoever can, as it comes; or one JSON report."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workflow_hub.cli import INTERRUPTED, answered, attached
from workflow_hub.cli.answered import Answered
from workflow_hub.cli.options import Common, common_options
from workflow_hub.cli.shown import PLACE, Shown
from workflow_hub.errors import HubError, ItemError, UsageError
from workflow_hub.hub import Hub, run_sync
from workflow_hub.report.summary import exit_code
from workflow_hub.tasks.ask import Asked, Given, text_in
from workflow_hub.values import Done, Reply

if TYPE_CHECKING:
    from workflow_hub.providers.goose.desk import Desk


@dataclass(frozen=True, slots=True)
class Hands:
    """What was typed of an agent's work: who decides, what is allowed, where it is done and proved."""

    approve: str | None
    allow: tuple[str, ...]
    in_copy: bool
    apply: bool
    verify: str | None

    @property
    def wanted(self) -> bool:
        """Whether it makes sense with an agent only."""
        return self.in_copy or self.apply or self.verify is not None


@click.command("ask")
@click.argument("text", required=False)
@click.option("-f", "--file", "files", multiple=True, type=Path, help="Text to read along; repeatable.")
@click.option("--image", "images", multiple=True, type=Path, help="A picture to look at; repeatable.")
@click.option("--system", metavar="TEXT", help="Instructions, in place of the packaged ones.")
@click.option("--json-schema", "schema", type=Path, metavar="FILE", help="Answer with JSON of this schema.")
@click.option("--tools/--no-tools", default=None, help="An agent, or words alone; default: as it is asked.")
@click.option("--approve", type=click.Choice(["ask", "list", "deny"]), help="Who decides about tools.")
@click.option("--allow", multiple=True, metavar="TOOL[:PATTERN]", help="Allow this; repeatable.")
@click.option("--in-copy", is_flag=True, help="Let the agent work in a copy, and show the difference.")
@click.option("--apply", is_flag=True, help="Take over what it did in the copy.")
@click.option("--verify", metavar="CMD", help="A command that must succeed when it is done.")
@common_options
def command(
    text: str | None,
    files: tuple[Path, ...],
    images: tuple[Path, ...],
    system: str | None,
    schema: Path | None,
    tools: bool | None,
    common: Common,
    **hands: Any,
) -> int:
    """Ask anything: TEXT goes to whoever can answer it, an agent where something is to be done.

    What is piped in is read along; without TEXT, or where it is `-`, that is the prompt.

    Exit code 3: the prompt failed, and what there is of an answer was kept.
    """
    typed = Hands(**hands)
    if tools is None and typed.wanted:
        tools = True
    elif typed.wanted and not tools:
        raise UsageError("--no-tools excludes --in-copy, --apply and --verify: nothing would be done")
    # What is typed is looked at first: stdin may take its time.
    wanted = attached.schema(schema) if schema else None
    pictures, read = tuple(map(attached.image, images)), tuple(map(attached.file, files))
    said, piped = _words(text)
    return _ask(Asked(said, (*read, *piped), pictures, system, wanted, tools), typed, common)


def _words(text: str | None) -> tuple[str, tuple[Given, ...]]:
    """The prompt, and what is piped in besides it."""
    if text is None or text == "-":
        prompt = attached.standard_input(typed=text is not None)
        if prompt is None:
            raise UsageError('there is no prompt; type `workflow-hub ask "…"`, or pipe it in')
        return prompt, ()
    said = text_in(text.encode("utf-8", "surrogateescape"), "the prompt")
    piped = attached.standard_input()
    return said, () if piped is None else (Given(attached.STDIN, piped),)


def _ask(request: Asked, hands: Hands, common: Common) -> int:
    shown = Shown(
        quiet=common.quiet,
        verbose=common.verbose,
        streams=common.format == "text" and common.output is None and request.schema is None,
        colored=common.colored(sys.stderr),
    )
    config = common.settings({})

    async def work() -> Reply:
        desk = _desk(hands, config.folder, shown)
        async with Hub.open(config, pins=common.pins, watch=shown.watch, desk=desk) as hub:
            return await hub.ask(request, on_delta=shown.delta)

    began = time.monotonic()
    try:
        with shown.shown():
            reply = run_sync(work)
        outcome: Answered = Done(PLACE, reply, reply.route, shown.usage, shown.asked)
        code = exit_code()
    except ItemError as error:
        outcome, code = shown.failed(error), exit_code(incomplete=True)
    except HubError as error:
        shown.finish()
        answered.tell_work(error.work, shown)
        raise
    except KeyboardInterrupt:
        outcome, code = shown.failed(shown.interrupted), INTERRUPTED
    shown.finish()
    answered.report(outcome, request, shown, common, time.monotonic() - began)
    return code


def _desk(hands: Hands, folder: Path, shown: Shown) -> Desk:
    from workflow_hub.cli import approve
    from workflow_hub.providers.goose.desk import Desk
    from workflow_hub.providers.goose.work import Approve, Rule

    if hands.approve == "ask" and not approve.possible():
        raise UsageError(
            "--approve ask needs a terminal to ask at; say list or deny, and --allow what it may"
        )
    return Desk(
        folder,
        Approve(hands.approve) if hands.approve else None,
        tuple(map(Rule.parse, hands.allow)),
        approve.Approval(shown.ready) if approve.possible() else None,
        shown.event,
        True if hands.in_copy or hands.apply else None,
        hands.apply,
        hands.verify,
    )
