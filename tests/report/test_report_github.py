from __future__ import annotations

import re

import pytest
from hypothesis import given
from report_samples import CHECK, EMPTY, RUN, WRITTEN, reports

from workflow_hub.report import as_github
from workflow_hub.report.document import Report
from workflow_hub.report.visible import visible

# (report, what the runner is told)
REPORTS = [
    pytest.param(EMPTY, [], id="nothing"),
    pytest.param(
        CHECK,
        [
            "::error file=shop/shop/cart.py,line=31,endLine=31,title=workflow-hub%3A docstring-missing"
            "::function Cart.add has no docstring",
            "::warning file=shop/shop/cart.py,line=40,endLine=41,title=workflow-hub%3A docstring-incomplete"
            "::the docstring of function Cart.total lacks returns",
            "::error file=shop/shop/feed.py,line=1,endLine=1,title=workflow-hub%3A item-failed"
            "::cannot be read",
        ],
        id="a check, with an item that failed",
    ),
    pytest.param(
        RUN,
        [
            "::notice file=shop/shop/cart.py,line=31,endLine=31,title=workflow-hub%3A docstring-missing"
            "::function Cart.add has no docstring",
            "::error file=shop/shop/feed.py,line=1,endLine=1,title=workflow-hub%3A item-failed::was no JSON",
        ],
        id="a run",
    ),
    pytest.param(WRITTEN, [], id="a run that wrote"),
]


@pytest.mark.parametrize(("report", "commands"), REPORTS)
def test_a_command_a_line(report: Report, commands: list[str]) -> None:
    assert as_github.write(report).splitlines() == commands


def read(line: str) -> tuple[str, dict[str, str], str]:
    """What the runner makes of a line: it undoes what `@actions/core` (lib/command.js) does."""
    match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line, re.DOTALL)
    assert match is not None
    name, written, data = match.groups()
    properties = dict(one.split("=", 1) for one in written.split(","))
    return name, {key: unescaped(value) for key, value in properties.items()}, unescaped(data)


def unescaped(text: str) -> str:
    letters = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
    return re.sub("|".join(letters), lambda found: letters[found[0]], text)


@given(reports())
def test_the_runner_reads_what_was_meant(report: Report) -> None:
    text = as_github.write(report)
    # Nothing in a message or a path may end a line, or begin a command of its own.
    lines = re.split(r"\r\n|\r|\n", text)
    assert lines.pop() == ""
    for finding, line in zip(report.told, lines, strict=True):
        _, properties, message = read(line)
        assert message == visible(finding.message)
        assert properties["file"] == report.from_top(finding.path)
        assert properties["title"] == f"workflow-hub: {finding.rule}"
