"""The report as SARIF 2.1.0 (OASIS), for code scanning on GitHub, in Azure DevOps and in editors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding, Fix
from workflow_hub.report.rules import Rule, Severity
from workflow_hub.report.visible import visible
from workflow_hub.values import Skipped

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
# The name that GitHub and Azure DevOps give to the top of the work tree.
BASE = "%SRCROOT%"
LEVELS: dict[Severity, str] = {"info": "note", "warning": "warning", "error": "error"}


def write(report: Report) -> str:
    """One run; the items that were not judged are notifications of its invocation."""
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(report)]}
    return json.dumps(log, ensure_ascii=False, indent=2) + "\n"


def _run(report: Report) -> dict[str, Any]:
    notifications = list(_notifications(report))
    return {
        "tool": {
            "driver": {
                "name": "workflow-hub",
                "semanticVersion": report.version,
                "rules": [_rule(rule) for rule in report.rules.values()],
            }
        },
        "automationDetails": {"id": f"workflow-hub/{report.task}/"},
        "invocations": [
            {
                "executionSuccessful": not (report.summary.failed or report.cut_short),
                "toolExecutionNotifications": notifications,
            }
        ],
        "originalUriBaseIds": {BASE: {"description": {"text": "The top of the work tree."}}},
        "columnKind": "unicodeCodePoints",
        "newlineSequences": ["\r\n", "\n", "\r"],
        "results": [_result(one, report) for one in report.findings],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.says},
        "fullDescription": {"text": f"{rule.says} {_plain(rule.help)}"},
        "help": {"text": _plain(rule.help), "markdown": rule.help},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")


def _result(finding: Finding, report: Report) -> dict[str, Any]:
    result = {
        "ruleId": finding.rule,
        "ruleIndex": list(report.rules).index(finding.rule),
        "level": LEVELS[finding.severity],
        "message": {"text": visible(finding.message)},
        "locations": [_location(finding, report)],
        "partialFingerprints": {"workflowHub/v1": finding.fingerprint},
        "rank": round(finding.confidence * 100, 1),
    }
    about = {"evidence": finding.evidence, "box": finding.box}
    if properties := {name: value for name, value in about.items() if value is not None}:
        result["properties"] = properties
    if finding.fix is not None:
        result["fixes"] = [_fix(finding.fix, _artifact(finding.path, report))]
    return result


def _location(finding: Finding, report: Report) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": finding.line, "startColumn": finding.column}
    if finding.end_line > finding.line:
        region["endLine"] = finding.end_line
    location: dict[str, Any] = {
        "physicalLocation": {"artifactLocation": _artifact(finding.path, report), "region": region}
    }
    if finding.name != finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(finding.name)}]
    return location


def _artifact(path: str, report: Report) -> dict[str, Any]:
    seen = report.from_top(path)
    # Bytes of a name that are no UTF-8 are in the URI as they are on the disk.
    uri = quote(seen.encode("utf-8", "surrogateescape"))
    return {"uri": f"file://{uri}"} if PurePath(seen).is_absolute() else {"uri": uri, "uriBaseId": BASE}


def _fix(fix: Fix, artifact: dict[str, Any]) -> dict[str, Any]:
    deleted = {
        "startLine": fix.start.line,
        "startColumn": fix.start.column,
        "endLine": fix.end.line,
        "endColumn": fix.end.column,
    }
    replacement = {"deletedRegion": deleted, "insertedContent": {"text": fix.text}}
    return {
        "description": {"text": fix.says},
        "artifactChanges": [{"artifactLocation": artifact, "replacements": [replacement]}],
    }


def _notifications(report: Report) -> Iterator[dict[str, Any]]:
    for failure in report.failures:
        yield {
            "descriptor": {"id": failure.rule, "index": list(report.rules).index(failure.rule)},
            "level": "error",
            "message": {"text": visible(failure.message)},
            "locations": [_location(failure, report)],
        }
    for one in report.outcomes:
        if isinstance(one, Skipped):
            place = {
                "artifactLocation": _artifact(one.item.path, report),
                "region": {"startLine": one.item.line},
            }
            yield {
                "level": "note",
                "message": {"text": visible(f"{one.item.id}: {one.reason}")},
                "locations": [{"physicalLocation": place}],
            }
