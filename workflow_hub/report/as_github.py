"""The report as workflow commands of GitHub Actions: annotations beside the code, from a step's stdout."""

from __future__ import annotations

from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding
from workflow_hub.report.rules import Severity
from workflow_hub.report.visible import visible

COMMANDS: dict[Severity, str] = {"info": "notice", "warning": "warning", "error": "error"}


def write(report: Report) -> str:
    """A command a line, the findings first, then the items that failed."""
    return "".join(_command(one, report) for one in report.told)


def _command(finding: Finding, report: Report) -> str:
    properties = {
        "file": report.from_top(finding.path),
        "line": finding.line,
        "endLine": finding.end_line,
        "title": f"workflow-hub: {finding.rule}",
    }
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{COMMANDS[finding.severity]} {written}::{_data(visible(finding.message))}\n"


def _data(text: str) -> str:
    """As the runner reads it back: the order matters, for `%` begins every escape."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
