"""Findings that are known do not count, what is new does; what a project lets pass."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import MISSING

from workflow_hub.errors import UsageError
from workflow_hub.report import baseline
from workflow_hub.report.coverage import Coverage
from workflow_hub.report.finding import Finding, fingerprint
from workflow_hub.report.gate import Gate


def finding(rule: str, item: str, severity: str = "error") -> Finding:
    path = item.partition("::")[0]
    mark = fingerprint(rule, item)
    return replace(MISSING, rule=rule, item=item, path=path, severity=severity, fingerprint=mark)


A, B, C = (
    finding("param-missing", "a.py::f"),
    finding("param-order", "a.py::f"),
    finding("param-order", "b.py::f"),
)

# (known, found, new, how many are known, how many are gone)
SIFTED = [
    pytest.param([], [A, B], [A, B], 0, 0, id="nothing is known"),
    pytest.param([A, B], [A, B], [], 2, 0, id="all is known"),
    pytest.param([A], [A, B], [B], 1, 0, id="one is new"),
    pytest.param([A, B], [B], [], 1, 1, id="one is gone"),
    pytest.param([A, A], [A], [], 1, 1, id="one of two is gone"),
    pytest.param([A], [A, A, A], [A, A], 1, 0, id="more of the same"),
    pytest.param([A, C], [A], [], 1, 0, id="one was not looked at"),
]


@pytest.mark.parametrize(("known", "found", "new", "count", "gone"), SIFTED)
def test_what_is_known_is_taken_out(
    known: list[Finding], found: list[Finding], new: list[Finding], count: int, gone: int
) -> None:
    sifted = baseline.sift(baseline.of(known), found, lambda path: path == "a.py")
    assert (list(sifted.new), sifted.known) == (new, count)
    assert sum(one.count for one in sifted.gone.values()) == gone


def test_the_file_has_a_line_for_each_and_is_sorted(tmp_path: Path) -> None:
    path = tmp_path / "debt.json"
    baseline.write(path, baseline.of([C, A, B, A]))
    marks = {one.fingerprint: one for one in (A, B, C)}
    assert path.read_text() == (
        "{\n"
        '  "version": 1,\n'
        '  "findings": {\n'
        f'    "{A.fingerprint}": {{"item": "a.py::f", "rule": "param-missing", "count": 2}},\n'
        f'    "{B.fingerprint}": {{"item": "a.py::f", "rule": "param-order", "count": 1}},\n'
        f'    "{C.fingerprint}": {{"item": "b.py::f", "rule": "param-order", "count": 1}}\n'
        "  }\n"
        "}\n"
    )
    assert baseline.read(path).keys() == marks.keys()
    assert list(tmp_path.iterdir()) == [path]


@given(st.lists(st.builds(finding, st.sampled_from(["a", "b"]), st.text(max_size=8)), max_size=12))
def test_a_file_is_read_as_it_was_written(findings: list[Finding]) -> None:
    known = baseline.of(findings)
    assert baseline._entries(json.loads(baseline.text(known))) == known


BAD = [
    pytest.param("", id="empty"),
    pytest.param("[]", id="a list"),
    pytest.param('{"version": 2, "findings": {}}', id="another version"),
    pytest.param('{"version": 1}', id="no findings"),
    pytest.param(
        '{"version": 1, "findings": {"x": {"rule": "r", "item": "i", "count": "many"}}}', id="no number"
    ),
    pytest.param("[" * 100_000, id="deep"),
]


@pytest.mark.parametrize("text", BAD)
def test_another_file_is_no_baseline(tmp_path: Path, text: str) -> None:
    (tmp_path / "debt.json").write_text(text)
    with pytest.raises(UsageError, match="is no baseline; --write-baseline writes it anew"):
        baseline.read(tmp_path / "debt.json")


def test_a_file_that_is_not_there_or_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no baseline .*; --write-baseline makes it"):
        baseline.read(tmp_path / "debt.json")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        baseline.read(tmp_path)
    with pytest.raises(UsageError, match="cannot be written: No such file"):
        baseline.write(tmp_path / "no" / "debt.json", {})


# (most of a rule, least coverage, findings, how many count, objections)
GATES = [
    pytest.param({}, None, [A], 1, [], id="an error"),
    pytest.param({}, None, [replace(A, severity="warning")], 0, [], id="a warning"),
    pytest.param({"param-missing": 1}, None, [A], 0, [], id="one may be"),
    pytest.param(
        {"param-missing": 1},
        None,
        [A, A],
        2,
        ["param-missing: 2, more than the 1 of docstrings.max"],
        id="two may not",
    ),
    pytest.param(
        {"param-missing": 0},
        None,
        [replace(A, severity="info")],
        0,
        ["param-missing: 1, more than the 0 of docstrings.max"],
        id="none may be",
    ),
    pytest.param(
        {}, 66.7, [], 0, ["documented: 66.6 %, less than the 66.7 % of docstrings.fail_under"], id="coverage"
    ),
    pytest.param({}, 66.6, [], 0, [], id="enough coverage"),
]


@pytest.mark.parametrize(("most", "least", "findings", "faults", "objections"), GATES)
def test_a_gate_says_what_is_over_a_limit(
    most: dict[str, int], least: float | None, findings: list[Finding], faults: int, objections: list[str]
) -> None:
    gate = Gate("error", least, most)
    weighed = gate.weighed(findings)
    assert (gate.faults(weighed), list(gate.objections(weighed, Coverage(2, 3)))) == (faults, objections)


def test_what_may_be_is_an_info_and_does_not_count_as_one() -> None:
    gate = Gate("info", None, {"param-missing": 1})
    (one,) = gate.weighed([A])
    assert (one.severity, gate.faults([one])) == ("info", 0)


def test_coverage_is_rounded_down_and_nothing_is_all() -> None:
    assert str(Coverage(1999, 2000)) == "Documented: 1999 of 2000 (99.9 %)."
    assert Coverage(0, 0).percent == 100.0
