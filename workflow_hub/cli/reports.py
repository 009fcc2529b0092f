"""How a run of `docstrings` is reported, whatever it did."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from workflow_hub.cli.options import Common, deliver
from workflow_hub.config import Config, project_root
from workflow_hub.report.document import Report
from workflow_hub.report.formats import FORMATS
from workflow_hub.report.summary import Settled, exit_code, summarize
from workflow_hub.source.escapes import Raised
from workflow_hub.tasks.docstrings import Written


def report_of(config: Config, common: Common, outcomes: Sequence[Settled], began: float) -> Report:
    """The report of these outcomes, without findings yet; `began` is by the monotonic clock."""
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
        "derived": dict(written.derived),
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


def deliver_report(report: Report, common: Common, *, instead: bytes | None = None) -> None:
    """Every report that was asked for is where it was asked for, each also where another cannot be.

    `instead` stands for what `--format` means.
    """

    def written(form: str) -> bytes:
        return FORMATS[form](report).encode("utf-8", "backslashreplace")

    # What is put in first is done last.
    with ExitStack() as every:
        every.callback(deliver, written(common.format) if instead is None else instead, common.output)
        for form, file in common.reports:
            every.callback(deliver, written(form), file)


def code_of(report: Report) -> int:
    """The exit code that follows from a report."""
    return exit_code(findings=report.faults > 0, incomplete=report.summary.failed > 0)
