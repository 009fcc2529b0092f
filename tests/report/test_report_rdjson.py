from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from report_samples import CHECK, EMPTY, FIX, PROPOSED, RUN, WRITTEN, report, reports

from workflow_hub.report import as_rdjson
from workflow_hub.report.document import Report
from workflow_hub.report.finding import Fix, Spot

SCHEMA = json.loads((Path(__file__).parents[1] / "data" / "schemas" / "rdjson.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft4Validator(SCHEMA)

# (report, severities of its diagnostics)
REPORTS = [
    pytest.param(EMPTY, [], id="nothing"),
    pytest.param(CHECK, ["ERROR", "WARNING", "ERROR"], id="a check, with an item that failed"),
    pytest.param(RUN, ["INFO", "ERROR"], id="a run"),
    pytest.param(WRITTEN, [], id="a run that wrote"),
]


def diagnostics(report: Report) -> list[dict[str, Any]]:
    document = json.loads(as_rdjson.write(report).encode("utf-8", "backslashreplace"))
    VALIDATOR.validate(document)
    assert document["source"] == {"name": "workflow-hub"}
    found: list[dict[str, Any]] = document["diagnostics"]
    return found


@pytest.mark.parametrize(("report", "severities"), REPORTS)
def test_every_finding_and_every_failure_is_a_diagnostic(report: Report, severities: list[str]) -> None:
    assert [one["severity"] for one in diagnostics(report)] == severities


def test_a_finding_with_its_fix() -> None:
    assert diagnostics(report(PROPOSED)) == [
        {
            "message": "function Cart.add has no docstring",
            "location": {"path": "shop/cart.py", "range": {"start": {"line": 31}}},
            "severity": "INFO",
            "code": {"value": "docstring-missing"},
            "suggestions": [
                {
                    "range": {"start": {"line": 32, "column": 1}, "end": {"line": 32, "column": 1}},
                    "text": FIX.text,
                }
            ],
        }
    ]


def test_columns_of_a_suggestion_count_bytes() -> None:
    fix = Fix("It", Spot(1, 13, 14), Spot(1, 14, 16), "x")
    (one,) = diagnostics(report(replace(PROPOSED, fix=fix)))
    place = one["suggestions"][0]["range"]
    assert (place["start"]["column"], place["end"]["column"]) == (14, 16)


def test_lines_without_columns_are_whole_lines() -> None:
    assert diagnostics(CHECK)[1]["location"]["range"] == {"start": {"line": 40}, "end": {"line": 41}}


@given(reports())
def test_any_report_is_valid_and_holds_no_half_characters(report: Report) -> None:
    found = diagnostics(report)
    for finding, one in zip(report.findings, found, strict=False):
        one["location"]["path"].encode()
        one["message"].encode()
        if finding.fix is not None:
            assert one["suggestions"][0]["text"] == finding.fix.text
