"""The report as one JSON object; docs/report.schema.json is its schema."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from workflow_hub.report.coverage import Coverage, rounded
from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding, Fix
from workflow_hub.report.summary import Settled, Summary, is_cached
from workflow_hub.values import Done, Failed, Route, Skipped

VERSION = 1


def write(report: Report) -> str:
    """One object, with everything that the report holds."""
    document = {
        "task": report.task,
        "version": VERSION,
        "summary": _summary(report.summary, report.coverage),
        "outcomes": [_outcome(one, report) for one in report.outcomes],
        "findings": [_finding(one) for one in report.findings],
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _summary(summary: Summary, coverage: Coverage | None) -> dict[str, Any]:
    counts = asdict(summary)
    del counts["usage"]
    counts |= {"seconds": round(summary.seconds, 3)}
    if coverage is not None:
        counts["coverage"] = {**asdict(coverage), "percent": rounded(coverage.percent)}
    return counts


def _outcome(outcome: Settled, report: Report) -> dict[str, Any]:
    status, reason, made = _status(outcome, report)
    return {
        "item": outcome.item.id,
        "path": outcome.item.path,
        "line": outcome.item.line,
        "status": status,
        "reason": reason,
        "cached": is_cached(outcome),
        "route": outcome.route and _route(outcome.route),
        "usage": asdict(outcome.usage),
        "result": made,
    }


def _status(outcome: Settled, report: Report) -> tuple[str, str | None, dict[str, Any]]:
    match outcome:
        case Done():
            return "done", None, dict(report.result(outcome.result))
        case Skipped():
            return "skipped", outcome.reason, {}
        case Failed():
            return "failed", str(outcome.error), dict(report.left(outcome.error))


def _route(route: Route) -> dict[str, Any]:
    return {
        "rule": route.rule,
        "provider": route.provider,
        "model": route.model,
        "fallback_from": route.fallback_from,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "path": finding.path,
        "line": finding.line,
        "end_line": finding.end_line,
        "column": finding.column,
        "box": finding.box,
        "message": finding.message,
        "evidence": finding.evidence,
        "confidence": finding.confidence,
        "fingerprint": finding.fingerprint,
        "fix": finding.fix and _fix(finding.fix),
    }


def _fix(fix: Fix) -> dict[str, Any]:
    return {
        "line": fix.start.line,
        "column": fix.start.column,
        "end_line": fix.end.line,
        "end_column": fix.end.column,
        "text": fix.text,
    }
