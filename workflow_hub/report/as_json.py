"""The report as one JSON object; docs/report.schema.json is its schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from workflow_hub.report.summary import Settled, Summary, is_cached
from workflow_hub.values import Done, Failed, Route, Skipped

VERSION = 1


def report(
    task: str,
    summary: Summary,
    outcomes: Iterable[Settled],
    result: Callable[[Any], dict[str, Any]],
    findings: Iterable[dict[str, Any]] = (),
) -> str:
    """The whole report; `result` turns what a task made into the outcome's `result`."""
    document = {
        "task": task,
        "version": VERSION,
        "summary": _summary(summary),
        "outcomes": [_outcome(one, result) for one in outcomes],
        "findings": list(findings),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _summary(summary: Summary) -> dict[str, Any]:
    counts = asdict(summary)
    del counts["usage"]
    return counts | {"seconds": round(summary.seconds, 3)}


def _outcome(outcome: Settled, result: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    status, reason, made = _status(outcome, result)
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


def _status(
    outcome: Settled, result: Callable[[Any], dict[str, Any]]
) -> tuple[str, str | None, dict[str, Any]]:
    match outcome:
        case Done():
            return "done", None, result(outcome.result)
        case Skipped():
            return "skipped", outcome.reason, {}
        case Failed():
            return "failed", str(outcome.error), {}


def _route(route: Route) -> dict[str, Any]:
    return {
        "rule": route.rule,
        "provider": route.provider,
        "model": route.model,
        "fallback_from": route.fallback_from,
    }
