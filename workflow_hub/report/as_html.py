"""The report as one page of HTML that needs nothing beside it; `page.html.j2` is its look."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from workflow_hub.report.as_text import stand_ins
from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding
from workflow_hub.report.preview import Change, changes
from workflow_hub.report.visible import one_line, visible
from workflow_hub.values import Failed, Skipped


class _Line(NamedTuple):
    """A line of code; its number is None where it is not in the file yet."""

    number: int | None
    change: Change
    text: str


def write(report: Report) -> str:
    """The findings file by file, each with its code and what the fix makes of it, then what was not done."""
    page: str = _template().render(
        report=report,
        sections=[
            ("Findings", "proposed", _by_file(report.findings)),
            ("Written", "written", _by_file(report.fixed)),
        ],
        undone=[one for one in report.outcomes if isinstance(one, Failed | Skipped)],
        is_failed=lambda one: isinstance(one, Failed),
        stand_ins=[line.strip() for line in stand_ins(report.outcomes)],
        sides=_sides,
    )
    return page


@cache
def _template() -> Any:
    # Only this format needs it.
    import jinja2

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"visible": visible, "one_line": one_line}
    return environment.from_string(Path(__file__).with_name("page.html.j2").read_text("utf-8"))


def _by_file(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    return [(path, list(own)) for path, own in groupby(findings, key=lambda one: one.path)]


def _sides(finding: Finding) -> Any:
    """The code as it is and, where there is a fix, as it reads with it."""
    before: list[_Line] = []
    after: list[_Line] = []
    number = finding.line
    for change, text in changes(finding):
        if change != "new":
            before.append(_Line(number, change, text))
        if change != "old":
            after.append(_Line(number if change == "same" else None, change, text))
        number += change != "new"
    return (before, after) if finding.fix is not None else (before, None)
