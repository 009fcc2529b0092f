"""`workflow-hub docstrings --check`: what is missing and what is stale, without a model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from workflow_hub.cli.live import Live
from workflow_hub.cli.options import Common
from workflow_hub.cli.reports import deliver_report, report_of
from workflow_hub.config import Config
from workflow_hub.hub import audit_docstrings
from workflow_hub.report import as_text
from workflow_hub.report import baseline as baselines
from workflow_hub.report.baseline import Baseline
from workflow_hub.report.coverage import Coverage
from workflow_hub.report.finding import Finding, told_apart
from workflow_hub.report.gate import Gate
from workflow_hub.report.summary import exit_code
from workflow_hub.source.changed import Changes
from workflow_hub.tasks.docstrings import Judged, files, shown
from workflow_hub.values import Failed


@dataclass(frozen=True, slots=True)
class Debt:
    """The file of the findings that are known, and whether to write it."""

    path: Path | None
    write: bool = False

    def read(self) -> Baseline:
        """What is known; a file that is to be written need not be there."""
        if self.path is None or (self.write and not self.path.exists()):
            return {}
        return baselines.read(self.path)


def debt_of(config: Config, path: Path | None, write: bool, changes: Changes | None) -> Debt:
    """The baseline by the flags, or else by the settings."""
    path = path or config.settings.docstrings.baseline
    if write and path is None:
        raise click.UsageError("--write-baseline needs --baseline FILE, or the setting docstrings.baseline.")
    if write and changes is not None:
        raise click.UsageError("--write-baseline has to see everything; leave --changed and --staged out.")
    return Debt(path, write)


def check(paths: Sequence[str], config: Config, common: Common, changes: Changes | None, debt: Debt) -> int:
    """Report what is wrong with the docstrings in `paths`; the exit code."""
    began = time.monotonic()
    live = Live(quiet=common.quiet)
    settings = config.settings.docstrings
    known = debt.read()
    judged: list[Judged] = []
    others = []
    for one in audit_docstrings(config, paths, changes, live.say):
        if isinstance(one, Judged):
            judged.append(one)
        else:
            others.append(one)
    found = [finding for one in judged for finding in one.findings]
    failed = {one.item.path for one in others if isinstance(one, Failed)}
    if debt.path is not None:
        looked_at = _looked_at(paths, config, failed) if changes is None else _nowhere
        found = _settle(debt, known, found, looked_at, live.say)
    gate = Gate(common.fail_on, settings.fail_under, settings.max)
    findings = gate.weighed(told_apart(found))
    counted = [one.documented for one in judged if one.counts]
    coverage = Coverage(sum(counted), len(counted))
    report = report_of(config, common, others, began)
    report = replace(report, findings=findings, coverage=coverage if counted else None)
    deliver_report(report, common)
    live.say(f"{report.headline} {coverage}" if counted else report.headline)
    objections = list(gate.objections(findings, coverage))
    for line in (*objections, *as_text.failures(others)):
        live.say(line, error=True)
    return exit_code(findings=bool(objections or gate.faults(findings)), incomplete=bool(failed))


def _settle(
    debt: Debt,
    known: Baseline,
    found: Sequence[Finding],
    looked_at: Callable[[str], bool],
    say: Callable[[str], None],
) -> list[Finding]:
    """The findings that are new, with the baseline written where that was asked for."""
    assert debt.path is not None
    sifted = baselines.sift(known, found, looked_at)
    if debt.write:
        kept = {mark: one for mark, one in known.items() if not looked_at(one.path)}
        now = {**kept, **baselines.of(found)}
        baselines.write(debt.path, now)
        say(f"findings that {debt.path} knows now: {sum(one.count for one in now.values())}")
        return []
    if sifted.known:
        say(f"{sifted.known} known by {debt.path}")
    if gone := sum(one.count for one in sifted.gone.values()):
        say(f"{gone} of {debt.path} found no more; --write-baseline takes them out")
    return list(sifted.new)


def _looked_at(paths: Sequence[str], config: Config, failed: set[str]) -> Callable[[str], bool]:
    """Whether a file was judged; what is not there any more needs no judge."""
    folder = config.folder
    every = files(paths, folder, config.settings.docstrings)
    seen = {shown(one, folder) for one in every if isinstance(one, Path)} - failed

    def looked_at(path: str) -> bool:
        return path in seen or not (folder / path).exists()

    return looked_at


def _nowhere(path: str) -> bool:
    return False
