"""The report as GitLab's Code Quality artifact: findings in the merge request."""

from __future__ import annotations

import json
from typing import Any

from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding
from workflow_hub.report.rules import Severity
from workflow_hub.report.visible import visible

SEVERITIES: dict[Severity, str] = {"info": "info", "warning": "minor", "error": "major"}


def write(report: Report) -> str:
    """A list with an object for each finding, and one for each item that failed."""
    every = [_issue(one, report) for one in report.told]
    return json.dumps(every, ensure_ascii=False, indent=2) + "\n"


def _issue(finding: Finding, report: Report) -> dict[str, Any]:
    return {
        "description": visible(finding.message),
        "check_name": finding.rule,
        "fingerprint": finding.fingerprint,
        "severity": SEVERITIES[finding.severity],
        "location": {
            "path": report.from_top(finding.path),
            "lines": {"begin": finding.line, "end": finding.end_line},
        },
    }
