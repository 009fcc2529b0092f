"""The report as JUnit XML, for the test pages of GitLab, Jenkins and Azure DevOps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple
from xml.etree import ElementTree

from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding
from workflow_hub.report.visible import visible
from workflow_hub.values import Done, Failed, Place, Skipped

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


class _Case(NamedTuple):
    """A test case; `tag` says how it ended, and is None where it passed."""

    path: str
    line: int
    name: str
    tag: str | None = None
    kind: str = ""
    message: str = ""
    text: str = ""


def write(report: Report) -> str:
    """A suite for each file. A finding fails from `fail_on` up, and a failed item is an error."""
    cases = sorted(_cases(report), key=lambda case: (case.path, case.line))
    root = _suite("testsuites", f"workflow-hub {report.task}", cases)
    root.set("time", f"{report.summary.seconds:.3f}")
    for path, own in groupby(cases, key=lambda case: case.path):
        of_file = list(own)
        suite = _suite("testsuite", path, of_file)
        suite.extend(map(_element, of_file))
        root.append(suite)
    ElementTree.indent(root)
    return _HEAD + ElementTree.tostring(root, encoding="unicode") + "\n"


def _cases(report: Report) -> Iterator[_Case]:
    told = {one.item for one in report.findings}
    yield from (_of_finding(one, report) for one in report.findings)
    for outcome in report.outcomes:
        place: Place = outcome.item
        name = place.name or place.path
        match outcome:
            case Failed(error=error):
                kind = type(error).__name__
                yield _Case(place.path, place.line, name, "error", kind, str(error), str(error))
            case Skipped(reason=reason):
                yield _Case(place.path, place.line, name, "skipped", "", reason)
            case Done() if place.id not in told:
                yield _Case(place.path, place.line, name)


def _of_finding(finding: Finding, report: Report) -> _Case:
    name = f"{finding.name} [{finding.rule}]"
    where = f"{finding.path}:{finding.line}: {finding.message}"
    if not report.is_fault(finding):
        return _Case(finding.path, finding.line, name, "system-out", text=where)
    text = f"{where}\n\n{finding.code}" if finding.code else where
    return _Case(finding.path, finding.line, name, "failure", finding.rule, finding.message, text)


def _suite(tag: str, name: str, cases: Iterable[_Case]) -> ElementTree.Element:
    tags = [case.tag for case in cases]
    counts = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    return ElementTree.Element(
        tag,
        {"name": visible(name), "tests": str(len(tags))}
        | {word: str(tags.count(counted)) for word, counted in counts.items()},
    )


def _element(case: _Case) -> ElementTree.Element:
    # Jenkins makes packages and classes of the dots.
    dotted = case.path.removesuffix(".py").replace("/", ".")
    made = ElementTree.Element(
        "testcase",
        {
            "classname": visible(dotted),
            "name": visible(case.name),
            "file": visible(case.path),
            "line": str(case.line),
        },
    )
    if case.tag is not None:
        about = {"type": case.kind, "message": visible(case.message)}
        inner = ElementTree.SubElement(made, case.tag, {name: text for name, text in about.items() if text})
        inner.text = visible(case.text) or None
    return made
