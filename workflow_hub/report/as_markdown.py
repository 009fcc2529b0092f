"""The report as GitHub-flavoured Markdown, for a job summary or a comment."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from workflow_hub.report.as_text import stand_ins
from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding
from workflow_hub.report.preview import changes
from workflow_hub.report.visible import one_line
from workflow_hub.values import Failed, Skipped

# GitHub takes a job summary of 1 MiB.
LIMIT_BYTES = 1_000_000
MORE = "\n*More would not fit here; the formats `json` and `html` have all of it.*\n"
_MEANS_SOMETHING = re.compile(r"[\\`*_\[\]<>&|~#$]")
_BACKTICKS = re.compile(r"`+")
_SIGNS = {"same": " ", "old": "-", "new": "+"}


def write(report: Report) -> str:
    """The figures, a table of the findings, one of what was not done, and the fixes as diffs."""
    parts: list[str] = []
    left = LIMIT_BYTES - len(MORE)
    for part in _parts(report):
        left -= len(part.encode("utf-8", "backslashreplace"))
        if left < 0:
            return "".join([*parts, MORE])
        parts.append(part)
    return "".join(parts)


def _parts(report: Report) -> Iterator[str]:
    """Pieces of text between which the page may end."""
    yield f"## workflow-hub {report.task}: {_escaped(report.folder.name)}\n\n{report.headline}\n"
    if report.coverage is not None:
        yield f"\n{report.coverage}\n"
    for line in stand_ins(report.outcomes):
        yield f"\n{_escaped(line.strip())}\n"
    if report.findings:
        yield "\n| severity | where | what | rule |\n|---|---|---|---|\n"
        yield from (_row(one.severity, _where(one), one.message, one.rule) for one in report.findings)
    undone = [one for one in report.outcomes if isinstance(one, Failed | Skipped)]
    if undone:
        yield "\n### Not done\n\n| | where | why |\n|---|---|---|\n"
    for one in undone:
        word, why = ("failed", str(one.error)) if isinstance(one, Failed) else ("skipped", one.reason)
        yield _row(word, f"{one.item.path}:{one.item.line} {one.item.name}", why)
    yield from _diffs("Proposed", report.findings)
    yield from _diffs("Written", report.fixed)


def _row(*cells: str) -> str:
    return "".join(f"| {_escaped(cell)} " for cell in cells) + "|\n"


def _where(finding: Finding) -> str:
    return f"{finding.path}:{finding.line}"


def _diffs(heading: str, findings: tuple[Finding, ...]) -> Iterator[str]:
    fixed = [one for one in findings if one.fix is not None]
    if fixed:
        yield f"\n### {heading}\n"
    for one in fixed:
        diff = "\n".join(_SIGNS[change] + one_line(line) for change, line in changes(one))
        fence = "`" * max(3, 1 + max(map(len, _BACKTICKS.findall(diff)), default=0))
        title = html.escape(one_line(f"{_where(one)} {one.name}"))
        yield (f"\n<details><summary>{title}</summary>\n\n{fence}diff\n{diff}\n{fence}\n\n</details>\n")


def _escaped(text: str) -> str:
    """The text as it is, and in one line: nothing in it is markup."""
    return _MEANS_SOMETHING.sub(r"\\\g<0>", one_line(text).strip())
