from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from report_samples import CHECK, EMPTY, MISSING, RUN, WRITTEN, reports

from workflow_hub.report import as_gitlab
from workflow_hub.report.document import Report

# (report, severities of its issues)
REPORTS = [
    pytest.param(EMPTY, [], id="nothing"),
    pytest.param(CHECK, ["major", "minor", "major"], id="a check, with an item that failed"),
    pytest.param(RUN, ["info", "major"], id="a run"),
    pytest.param(WRITTEN, [], id="a run that wrote"),
]


def issues(report: Report) -> list[dict[str, Any]]:
    """The issues, which have what GitLab documents under "Code Quality report format"."""
    found: list[dict[str, Any]] = json.loads(as_gitlab.write(report).encode("utf-8", "backslashreplace"))
    for one in found:
        assert set(one) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert one["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert set(one["location"]) == {"path", "lines"}
        assert not one["location"]["path"].startswith("./")
        assert one["location"]["lines"]["begin"] >= 1
    assert len({one["fingerprint"] for one in found}) == len(found), "GitLab takes each only once"
    return found


@pytest.mark.parametrize(("report", "severities"), REPORTS)
def test_every_finding_and_every_failure_is_an_issue(report: Report, severities: list[str]) -> None:
    assert [one["severity"] for one in issues(report)] == severities


def test_a_finding_as_an_issue() -> None:
    assert issues(CHECK)[0] == {
        "description": "function Cart.add has no docstring",
        "check_name": "docstring-missing",
        "fingerprint": MISSING.fingerprint,
        "severity": "major",
        "location": {"path": "shop/shop/cart.py", "lines": {"begin": 31, "end": 31}},
    }


@given(reports())
def test_any_report_has_its_keys(report: Report) -> None:
    found = issues(report)
    places = [report.from_top(one.path) for one in report.told]
    assert [one["location"]["path"] for one in found] == places
