from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest
from hypothesis import given
from report_samples import CHECK, EMPTY, FIX, MISSING, PROPOSED, RUN, WRITTEN, report, reports

from workflow_hub.report import as_sarif
from workflow_hub.report.document import Report
from workflow_hub.report.rules import RULES

SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "schemas" / "sarif-2.1.0.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())

# (report, number of results, number of notifications, whether all was judged)
REPORTS = [
    pytest.param(EMPTY, 0, 0, True, id="nothing"),
    pytest.param(CHECK, 2, 1, False, id="a check"),
    pytest.param(RUN, 1, 2, False, id="a run"),
    pytest.param(WRITTEN, 0, 0, True, id="a run that wrote"),
    pytest.param(replace(WRITTEN, cut_short=True), 0, 0, False, id="a run that was interrupted"),
]


def sarif(report: Report) -> dict[str, Any]:
    """The one run of the log, which is as its published schema says."""
    log = json.loads(as_sarif.write(report).encode("utf-8", "backslashreplace"))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    found: dict[str, Any] = run
    return found


@pytest.mark.parametrize(("report", "results", "notifications", "judged"), REPORTS)
def test_a_log_has_results_and_says_what_was_not_judged(
    report: Report, results: int, notifications: int, judged: bool
) -> None:
    run = sarif(report)
    (invocation,) = run["invocations"]
    assert len(run["results"]) == results
    assert len(invocation["toolExecutionNotifications"]) == notifications
    assert invocation["executionSuccessful"] is judged


def test_a_finding_as_a_result() -> None:
    (result,) = sarif(report(PROPOSED))["results"]
    place = {"uri": "shop/shop/cart.py", "uriBaseId": "%SRCROOT%"}
    assert result == {
        "ruleId": "docstring-missing",
        "ruleIndex": 0,
        "level": "note",
        "message": {"text": "function Cart.add has no docstring"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": place,
                    "region": {"startLine": 31, "startColumn": 5},
                },
                "logicalLocations": [{"fullyQualifiedName": "Cart.add"}],
            }
        ],
        "partialFingerprints": {"workflowHub/v1": MISSING.fingerprint},
        "rank": 100.0,
        "fixes": [
            {
                "description": {"text": "Insert the docstring"},
                "artifactChanges": [
                    {
                        "artifactLocation": place,
                        "replacements": [
                            {
                                "deletedRegion": {
                                    "startLine": 32,
                                    "startColumn": 1,
                                    "endLine": 32,
                                    "endColumn": 1,
                                },
                                "insertedContent": {"text": FIX.text},
                            }
                        ],
                    }
                ],
            }
        ],
    }


def test_evidence_and_more_than_a_line() -> None:
    result = sarif(CHECK)["results"][1]
    assert (result["properties"], result["rank"]) == ({"evidence": "it returns Money"}, 83.0)
    assert result["locations"][0]["physicalLocation"]["region"]["endLine"] == 41


def test_the_rules_bring_their_help() -> None:
    run = sarif(CHECK)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(RULES)
    assert all("`" not in rule["help"]["text"] for rule in rules)
    assert rules[0]["help"]["markdown"] == RULES["docstring-missing"].help
    assert (run["columnKind"], run["newlineSequences"]) == ("unicodeCodePoints", ["\r\n", "\n", "\r"])


def test_what_was_skipped_and_what_failed_are_notifications() -> None:
    failed, skipped = sarif(RUN)["invocations"][0]["toolExecutionNotifications"]
    assert (failed["level"], failed["message"]["text"]) == ("error", "was no JSON")
    assert failed["descriptor"] == {"id": "item-failed", "index": list(RULES).index("item-failed")}
    assert (skipped["level"], skipped["message"]["text"]) == (
        "note",
        "shop/cart.py::Cart.total: nothing to add",
    )


@given(reports())
def test_any_report_is_valid_and_its_paths_are_whole(report: Report) -> None:
    run = sarif(report)
    for finding, result in zip(report.findings, run["results"], strict=True):
        place = result["locations"][0]["physicalLocation"]["artifactLocation"]
        path = unquote_to_bytes(place["uri"]).decode("utf-8", "surrogateescape")
        assert path == report.from_top(finding.path)
        if finding.fix is not None:
            (replacement,) = result["fixes"][0]["artifactChanges"][0]["replacements"]
            assert replacement["insertedContent"]["text"] == finding.fix.text
