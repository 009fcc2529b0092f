"""`workflow-hub docstrings --check`: what is missing and what is stale, without a model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from workflow_hub.cli.live import Live
from workflow_hub.cli.options import Common
from workflow_hub.cli.reports import code_of, deliver_report, report_of
from workflow_hub.config import Config
from workflow_hub.hub import audit_docstrings
from workflow_hub.report import as_text
from workflow_hub.report.finding import told_apart
from workflow_hub.source.changed import Changes
from workflow_hub.tasks.docstrings import Judged


def check(paths: Sequence[str], config: Config, common: Common, changes: Changes | None) -> int:
    """Report what is wrong with the docstrings in `paths`; the exit code."""
    began = time.monotonic()
    live = Live(quiet=common.quiet)
    judged: list[Judged] = []
    others = []
    for one in audit_docstrings(config, paths, changes, live.say):
        if isinstance(one, Judged):
            judged.append(one)
        else:
            others.append(one)
    found = told_apart(finding for one in judged for finding in one.findings)
    report = replace(report_of(config, common, others, began), findings=found)
    deliver_report(report, common)
    live.say(f"{report.headline} {coverage(judged)}".strip())
    for line in as_text.failures(others):
        live.say(line, error=True)
    return code_of(report)


def coverage(judged: Sequence[Judged]) -> str:
    """How many of those that should have a docstring have one."""
    every = [one.documented for one in judged if one.counts]
    return f"Documented: {sum(every)} of {len(every)} ({sum(every) / len(every):.1%})." if every else ""
