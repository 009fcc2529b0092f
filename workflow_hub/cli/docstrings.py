"""`workflow-hub docstrings`: a patch on stdout, or the files edited, or what is missing."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from typing import Any

import click

from workflow_hub.cli.live import Live
from workflow_hub.cli.options import Common, common_options, deliver
from workflow_hub.config import Config
from workflow_hub.hub import Hub, Watch, missing_docstrings, run_sync
from workflow_hub.report import as_json, as_text
from workflow_hub.report.summary import exit_code, summarize
from workflow_hub.tasks.docstrings import Applied, Missing, Written
from workflow_hub.values import Failed

COLORS = {b"+": "green", b"-": "red", b"@": "cyan"}


@click.command("docstrings")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--write", is_flag=True, help="Edit the files; without it, print a patch for `git apply`.")
@click.option("--check", is_flag=True, help="Only report what has no docstring; asks no model.")
@click.option("--style", type=click.Choice(["auto", "google", "numpy", "sphinx"]), help="Default: as it is.")
@click.option("--kinds", metavar="LIST", help="Of functions,classes,modules; default: functions.")
@common_options
def command(
    paths: tuple[str, ...], write: bool, check: bool, style: str | None, kinds: str | None, common: Common
) -> int:
    """Write the docstrings that the Python code in PATHs lacks.

    PATH is a file, a folder or a glob. Without --write, stdout is a patch that `git apply` takes.
    """
    if write and check:
        raise click.UsageError("--write and --check exclude each other; choose one.")
    flags = {"docstrings.style": style, "docstrings.kinds": _split(kinds)}
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

    def report() -> None:
        summary = summarize(outcomes, time.monotonic() - began)
        try:
            if common.format == "json":
                text = as_json.report("docstrings", summary, outcomes, _result)
                deliver(text.encode("utf-8", "backslashreplace"), common.output)
            else:
                colored = common.output is None and common.colored(sys.stdout)
                deliver(_colored(b"".join(patches)) if colored else b"".join(patches), common.output)
        finally:
            lines = as_text.lines(summary, outcomes, "documented", verbose=common.verbose)
            for line in as_text.failures(outcomes) if common.quiet else lines:
                live.say(line, error=True)

    try:
        with live.shown():
            run_sync(work)
    except BaseException:
        # Also after Ctrl-C: what has been settled is in the files, and is reported.
        if outcomes:
            report()
        raise
    report()
    return exit_code(incomplete=any(isinstance(one, Failed) for one in outcomes))


def _result(written: Written) -> dict[str, Any]:
    return {
        "docstring": written.docstring,
        "left_out": dict(written.left_out),
        "proof": asdict(written.proof),
    }


def _colored(patch: bytes) -> bytes:
    lines = patch.split(b"\n")
    return b"\n".join(
        click.style(line.decode("utf-8", "surrogateescape"), fg=color).encode("utf-8", "surrogateescape")
        if (color := COLORS.get(line[:1])) and not line.startswith((b"+++", b"---"))
        else line
        for line in lines
    )


def _check(paths: tuple[str, ...], config: Config, common: Common) -> int:
    began = time.monotonic()
    found = list(missing_docstrings(config, paths))
    missing = [one for one in found if isinstance(one, Missing)]
    others = [one for one in found if not isinstance(one, Missing)]
    if common.format == "json":
        summary = summarize(others, time.monotonic() - began)
        text = as_json.report("docstrings", summary, others, _result, map(_finding, missing))
    else:
        text = "".join(f"{one.place.path}:{one.place.line}: {_says(one)}\n" for one in missing)
    deliver(text.encode("utf-8", "backslashreplace"), common.output)
    live = Live(quiet=common.quiet)
    live.say(f"{len(missing)} without a docstring" if missing else "nothing lacks a docstring")
    for line in as_text.failures(others):
        live.say(line, error=True)
    return exit_code(findings=bool(missing), incomplete=any(isinstance(one, Failed) for one in others))


def _says(missing: Missing) -> str:
    name = missing.place.id.rpartition("::")[2] if "::" in missing.place.id else missing.place.path
    return f"{missing.kind} {name} has no docstring"


def _finding(missing: Missing) -> dict[str, Any]:
    from workflow_hub.cache import key

    return {
        "rule": "docstring-missing",
        "severity": "error",
        "path": missing.place.path,
        "line": missing.place.line,
        "end_line": missing.place.line,
        "column": 1,
        "box": None,
        "message": _says(missing),
        "evidence": None,
        "confidence": 1.0,
        "fingerprint": key("docstring-missing", missing.place.id),
        "fix": None,
    }
