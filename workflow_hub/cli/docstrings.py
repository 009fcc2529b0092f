"""`workflow-hub docstrings`: a patch on stdout, or the files edited, or what is missing."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click

from workflow_hub.cli import check as checking
from workflow_hub.cli.diff import in_color
from workflow_hub.cli.live import Live
from workflow_hub.cli.options import Common, deliver, each_once, new_file, report_options
from workflow_hub.cli.reports import code_of, deliver_report, report_of
from workflow_hub.cli.reviewed import WithSubCommands
from workflow_hub.config import Config
from workflow_hub.hub import Hub, Watch, run_sync
from workflow_hub.report import as_text
from workflow_hub.report.finding import told_apart
from workflow_hub.source import changed
from workflow_hub.source.changed import Changes
from workflow_hub.tasks.docstrings import Applied
from workflow_hub.values import Done


@click.command("docstrings", cls=WithSubCommands)
@click.argument("paths", nargs=-1, metavar="PATH...")
@click.option("--write", is_flag=True, help="Edit the files; without it, print a patch for `git apply`.")
@click.option("--patch", type=new_file, metavar="FILE", help="Write the patch there, also with --write.")
@click.option("--check", is_flag=True, help="Only report what is missing or stale; asks no model.")
@click.option("--fix-stale", is_flag=True, help="Only repair what in docstrings does not match the code.")
@click.option(
    "--changed",
    "since",
    is_flag=False,
    flag_value="",
    metavar="[=REF]",
    help="Only what changed: since HEAD, or since HEAD parted from REF.",
)
@click.option("--staged", is_flag=True, help="Only what is staged, as it is staged.")
@click.option("--style", type=click.Choice(["auto", "google", "numpy", "sphinx"]), help="Default: as it is.")
@click.option("--kinds", metavar="LIST", help="Of functions,classes,modules; default: functions.")
@click.option(
    "--samples", type=click.IntRange(1, 9), metavar="K", help="Ask K times; keep what they agree on."
)
@click.option("--examples", is_flag=True, help="Add examples that run; this runs the code of PATHs.")
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --check: findings that are known do not count.",
)
@click.option("--write-baseline", is_flag=True, help="Make all findings known ones.")
@report_options
def command(
    paths: tuple[str, ...],
    write: bool,
    patch: Path | None,
    check: bool,
    fix_stale: bool,
    since: str | None,
    staged: bool,
    style: str | None,
    kinds: str | None,
    samples: int | None,
    examples: bool,
    baseline: Path | None,
    write_baseline: bool,
    common: Common,
) -> int:
    """Write the docstrings that the Python code in PATHs lacks.

    PATH is a file, a folder or a glob; with --changed and --staged it may be left out. Without --write,
    stdout is a patch that `git apply` takes; of what is staged, `git apply --cached`.
    """
    if write and check:
        raise click.UsageError("--write and --check exclude each other; choose one.")
    if fix_stale and check:
        raise click.UsageError("--fix-stale and --check exclude each other; choose one.")
    if not check and (baseline or write_baseline):
        raise click.UsageError("--baseline and --write-baseline go with --check.")
    if patch is not None and check:
        raise click.UsageError("--check asks no model, so there is no patch; leave --check or --patch out.")
    each_once(patch, common.output, *(file for _, file in common.reports))
    flags = {
        "docstrings.style": style,
        "docstrings.kinds": _split(kinds),
        "docstrings.samples": samples,
        "docstrings.examples": examples or None,
    }
    config = common.settings(flags)
    changes = _changes(config, since, staged)
    if not paths and changes is None:
        raise click.UsageError("Missing argument 'PATH...'.")
    paths = paths or (".",)
    if check:
        debt = checking.debt_of(config, baseline, write_baseline, changes)
        return checking.check(paths, config, common, changes, debt)
    return _document(paths, write, patch, config, common, changes, stale=fix_stale)


def _changes(config: Config, since: str | None, staged: bool) -> Changes | None:
    """What changed by git, as far as it was asked for."""
    if staged and since is not None:
        raise click.UsageError("--changed and --staged exclude each other; choose one.")
    if staged:
        return changed.staged(config.folder)
    return None if since is None else changed.changed_since(config.folder, since or None)


def _split(kinds: str | None) -> list[str] | None:
    if kinds is None:
        return None
    named = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    if not named:
        raise click.UsageError("--kinds names nothing; write functions, classes, modules, or a few of them")
    return named


def _document(
    paths: Sequence[str],
    write: bool,
    patch: Path | None,
    config: Config,
    common: Common,
    changes: Changes | None,
    *,
    stale: bool,
) -> int:
    live = Live(quiet=common.quiet)
    patches: list[bytes] = []
    outcomes: list[Applied] = []

    def settled(outcome: Applied) -> None:
        outcomes.append(outcome)
        live.settled(outcome)

    wanted = None if write and patch is None else patches.append
    watch = Watch(settled, wanted, live.say, live.progress, live.begun, live.replied)

    async def work() -> None:
        hub = Hub.open(config, pins=common.pins, may_download=True, watch=watch, jobs=common.jobs)
        async with hub:
            await hub.docstrings(paths, write=write, changes=changes, stale=stale)

    began = time.monotonic()

    def reported(*, cut_short: bool = False) -> int:
        found = told_apart(one.result.finding for one in outcomes if isinstance(one, Done))
        report = replace(
            report_of(config, common, outcomes, began),
            findings=() if write else found,
            fixed=found if write else (),
            cut_short=cut_short,
        )
        verb = "repaired" if stale else "documented"
        lines = list(as_text.lines(report.summary, outcomes, verb, verbose=common.verbose))
        if report.fixed and config.settings.docstrings.provenance:
            lines.append("  review   `workflow-hub docstrings status` lists what nobody has reviewed yet")
        instead = _shown(b"".join(patches), common) if common.format == "text" and patch is None else None
        # What is put in first is done last, and each is done also where another cannot be.
        with ExitStack() as every:
            for line in reversed(list(as_text.failures(outcomes) if common.quiet else lines)):
                every.callback(live.say, line, error=True)
            every.callback(deliver_report, report, common, instead=instead)
            if patch is not None:
                every.callback(deliver, b"".join(patches), patch)
        return code_of(report)

    try:
        with live.shown():
            run_sync(work)
    except BaseException:
        # Also after Ctrl-C: what has been settled is in the files, and is reported.
        if outcomes:
            reported(cut_short=True)
        raise
    return reported()


def _shown(patch: bytes, common: Common) -> bytes:
    return in_color(patch) if common.output is None and common.colored(sys.stdout) else patch
