"""`workflow-hub docstrings`: a patch on stdout, or the files edited, or what is missing."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

import click

from workflow_hub.cli.diff import in_color
from workflow_hub.cli.live import Live
from workflow_hub.cli.options import Common, deliver, report_options
from workflow_hub.config import Config, project_root
from workflow_hub.hub import Hub, Watch, missing_docstrings, run_sync
from workflow_hub.report import as_text
from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding, told_apart
from workflow_hub.report.formats import FORMATS
from workflow_hub.report.summary import Settled, exit_code, summarize
from workflow_hub.source.escapes import Raised
from workflow_hub.tasks.docstrings import Applied, Written
from workflow_hub.values import Done


@click.command("docstrings")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--write", is_flag=True, help="Edit the files; without it, print a patch for `git apply`.")
@click.option("--check", is_flag=True, help="Only report what has no docstring; asks no model.")
@click.option("--style", type=click.Choice(["auto", "google", "numpy", "sphinx"]), help="Default: as it is.")
@click.option("--kinds", metavar="LIST", help="Of functions,classes,modules; default: functions.")
@click.option(
    "--samples", type=click.IntRange(1, 9), metavar="K", help="Ask K times; keep what they agree on."
)
@click.option("--examples", is_flag=True, help="Add examples that run; this runs the code of PATHs.")
@report_options
def command(
    paths: tuple[str, ...],
    write: bool,
    check: bool,
    style: str | None,
    kinds: str | None,
    samples: int | None,
    examples: bool,
    common: Common,
) -> int:
    """Write the docstrings that the Python code in PATHs lacks.

    PATH is a file, a folder or a glob. Without --write, stdout is a patch that `git apply` takes.
    """
    if write and check:
        raise click.UsageError("--write and --check exclude each other; choose one.")
    flags = {
        "docstrings.style": style,
        "docstrings.kinds": _split(kinds),
        "docstrings.samples": samples,
        "docstrings.examples": examples or None,
    }
    config = common.settings(flags)
    return _check(paths, config, common) if check else _document(paths, write, config, common)


def _split(kinds: str | None) -> list[str] | None:
    if kinds is None:
        return None
    named = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    if not named:
        raise click.UsageError("--kinds names nothing; write functions, classes, modules, or a few of them")
    return named


def _document(paths: tuple[str, ...], write: bool, config: Config, common: Common) -> int:
    live = Live(quiet=common.quiet)
    patches: list[bytes] = []
    outcomes: list[Applied] = []

    def settled(outcome: Applied) -> None:
        outcomes.append(outcome)
        live.settled(outcome)

    watch = Watch(settled, patches.append, live.say, live.progress, live.begun, live.replied)

    async def work() -> None:
        hub = Hub.open(config, pins=common.pins, may_download=True, watch=watch, jobs=common.jobs)
        async with hub:
            await hub.docstrings(paths, write=write)

    began = time.monotonic()

    def reported(*, cut_short: bool = False) -> int:
        found = told_apart(one.result.finding for one in outcomes if isinstance(one, Done))
        report = replace(
            _report(config, common, outcomes, began),
            findings=() if write else found,
            fixed=found if write else (),
            cut_short=cut_short,
        )
        try:
            if common.format == "text":
                _deliver_patch(b"".join(patches), common)
            else:
                _deliver(report, common)
        finally:
            lines = as_text.lines(report.summary, outcomes, "documented", verbose=common.verbose)
            for line in as_text.failures(outcomes) if common.quiet else lines:
                live.say(line, error=True)
        return _exit_code(report)

    try:
        with live.shown():
            run_sync(work)
    except BaseException:
        # Also after Ctrl-C: what has been settled is in the files, and is reported.
        if outcomes:
            reported(cut_short=True)
        raise
    return reported()


def _check(paths: tuple[str, ...], config: Config, common: Common) -> int:
    began = time.monotonic()
    every = list(missing_docstrings(config, paths))
    found = [one for one in every if isinstance(one, Finding)]
    others = [one for one in every if not isinstance(one, Finding)]
    report = replace(_report(config, common, others, began), findings=told_apart(found))
    _deliver(report, common)
    live = Live(quiet=common.quiet)
    live.say(f"{len(found)} without a docstring" if found else "nothing lacks a docstring")
    for line in as_text.failures(others):
        live.say(line, error=True)
    return _exit_code(report)


def _report(config: Config, common: Common, outcomes: Sequence[Settled], began: float) -> Report:
    return Report(
        "docstrings",
        summarize(outcomes, time.monotonic() - began),
        config.folder,
        project_root(config.folder),
        tuple(outcomes),
        fail_on=common.fail_on,
        version=version("workflow-hub"),
        result=_result,
    )


def _result(written: Written) -> dict[str, Any]:
    return {
        "docstring": written.docstring,
        "left_out": dict(written.left_out),
        "confidence": dict(written.confidence),
        "proof": asdict(written.proof),
        "evidence": [_evidence(one) for one in written.evidence],
    }


def _evidence(raised: Raised) -> dict[str, Any]:
    return {
        "exception": raised.name,
        "guard": raised.guard,
        "line": raised.line,
        "path": list(raised.path),
        "at": raised.at or None,
    }


def _deliver(report: Report, common: Common) -> None:
    deliver(FORMATS[common.format](report).encode("utf-8", "backslashreplace"), common.output)


def _deliver_patch(patch: bytes, common: Common) -> None:
    colored = common.output is None and common.colored(sys.stdout)
    deliver(in_color(patch) if colored else patch, common.output)


def _exit_code(report: Report) -> int:
    return exit_code(findings=report.faults > 0, incomplete=report.summary.failed > 0)
