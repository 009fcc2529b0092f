"""The report in reviewdog's diagnostic format: comments on a pull request, fixes as suggestions."""

from __future__ import annotations

import json
from typing import Any

from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding, Fix, Spot
from workflow_hub.report.visible import visible


def write(report: Report) -> str:
    """One DiagnosticResult; an item that failed is a diagnostic as well."""
    document = {
        "source": {"name": "workflow-hub"},
        "diagnostics": [_diagnostic(one) for one in report.told],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _diagnostic(finding: Finding) -> dict[str, Any]:
    # Without columns a range is whole lines, its end included.
    lines: dict[str, Any] = {"start": {"line": finding.line}}
    if finding.end_line > finding.line:
        lines["end"] = {"line": finding.end_line}
    diagnostic: dict[str, Any] = {
        "message": visible(finding.message),
        # reviewdog refuses JSON with half a surrogate pair in it.
        "location": {"path": _whole(finding.path), "range": lines},
        "severity": finding.severity.upper(),
        "code": {"value": finding.rule},
    }
    if finding.fix is not None:
        diagnostic["suggestions"] = [_suggestion(finding.fix)]
    return diagnostic


def _suggestion(fix: Fix) -> dict[str, Any]:
    return {"range": {"start": _position(fix.start), "end": _position(fix.end)}, "text": fix.text}


def _position(spot: Spot) -> dict[str, int]:
    return {"line": spot.line, "column": spot.utf8_column}


def _whole(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
