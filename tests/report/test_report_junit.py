from __future__ import annotations

from collections import Counter
from dataclasses import replace

import junitparser
import pytest
from hypothesis import given
from report_samples import CHECK, EMPTY, RUN, WRITTEN, reports

from workflow_hub.report import as_junit
from workflow_hub.report.document import Report
from workflow_hub.report.rules import Severity
from workflow_hub.report.visible import visible
from workflow_hub.values import Failed, Skipped

# (report, number of cases, then of failures, errors and skipped ones)
REPORTS = [
    pytest.param(EMPTY, (0, 0, 0, 0), id="nothing"),
    pytest.param(CHECK, (3, 1, 1, 0), id="a check, with an item that failed"),
    pytest.param(RUN, (4, 0, 1, 1), id="a run"),
    pytest.param(WRITTEN, (1, 0, 0, 0), id="a run that wrote"),
]


def cases(report: Report) -> list[junitparser.TestCase]:
    """Every case, as junitparser reads it; the counts in the file are those that it finds."""
    read = junitparser.JUnitXml.fromstring(as_junit.write(report).encode())
    told = [(one.tests, one.failures, one.errors, one.skipped) for one in (read, *read)]
    for suite in read:
        suite.update_statistics()
    read.update_statistics()
    assert [(one.tests, one.failures, one.errors, one.skipped) for one in (read, *read)] == told
    return [case for suite in read for case in suite]


@pytest.mark.parametrize(("report", "counts"), REPORTS)
def test_findings_fail_and_failed_items_are_errors(report: Report, counts: tuple[int, ...]) -> None:
    cases(report)
    read = junitparser.JUnitXml.fromstring(as_junit.write(report).encode())
    assert (read.tests, read.failures, read.errors, read.skipped) == counts
    assert read.name == "workflow-hub docstrings"


def test_a_case_says_where_and_what() -> None:
    add, total, feed = cases(CHECK)
    assert (add.classname, add.name) == ("shop.cart", "Cart.add [docstring-missing]")
    (failure,) = add.result
    assert (failure.type, failure.message) == ("docstring-missing", "function Cart.add has no docstring")
    assert failure.text == (
        "shop/cart.py:31: function Cart.add has no docstring\n\n"
        "    def add(self, sku):\n        return self.lines[sku]"
    )
    assert total.is_passed
    assert total.system_out == "shop/cart.py:40: the docstring of function Cart.total lacks returns"
    (error,) = feed.result
    assert (feed.name, error.type, error.message) == ("shop/feed.py", "SourceRefused", "cannot be read")


def test_what_was_done_passes_and_what_was_skipped_says_why() -> None:
    add, total, _, money = cases(RUN)
    assert add.is_passed and money.is_passed
    assert (money.name, money.result) == ("total", [])
    (skipped,) = total.result
    assert skipped.message == "nothing to add"


@pytest.mark.parametrize(("fail_on", "failures"), [("error", 1), ("warning", 2)])
def test_fail_on_says_what_fails(fail_on: Severity, failures: int) -> None:
    found = cases(replace(CHECK, fail_on=fail_on))
    assert sum(isinstance(one, junitparser.Failure) for case in found for one in case.result) == failures


@given(reports())
def test_any_report_is_read_back(report: Report) -> None:
    read = cases(report)
    told = Counter(one.message for case in read for one in case.result if isinstance(one, junitparser.Error))
    meant = Counter(visible(str(one.error)) for one in report.outcomes if isinstance(one, Failed))
    assert told == meant
    failures = [one for case in read for one in case.result if isinstance(one, junitparser.Failure)]
    assert len(failures) == report.faults
    assert {one.message for one in failures} == {
        visible(one.message) for one in report.findings if report.is_fault(one)
    }
    assert sum(case.is_skipped for case in read) == sum(isinstance(one, Skipped) for one in report.outcomes)
