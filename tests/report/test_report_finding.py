from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import CHECK, EMPTY, FIX, MISSING, PROPOSED, RUN, TEXTS, report

from workflow_hub.report.finding import Finding, Fix, Spot, fingerprint, told_apart
from workflow_hub.report.formats import FORMATS
from workflow_hub.report.preview import changes
from workflow_hub.report.rules import RULES, SEVERITIES, Severity, is_at_least
from workflow_hub.report.visible import one_line, visible

# (text, visible, in one line)
SEEN = [
    pytest.param("plain é 日本 😀", "plain é 日本 😀", "plain é 日本 😀", id="what is seen stays"),
    pytest.param("a\tb\nc", "a\tb\nc", "a\tb\\nc", id="tabs and lines"),
    pytest.param("a\r\nb", "a\\r\nb", "a\\r\\nb", id="a carriage return"),
    pytest.param("\x1b[31mred\x00", "\\x1b[31mred\\x00", "\\x1b[31mred\\x00", id="control characters"),
    pytest.param("a\u202eb\u2069", "a\\u202eb\\u2069", "a\\u202eb\\u2069", id="other directions"),
    pytest.param("\udc80\u2028\uffff", "\\udc80\\u2028\\uffff", "\\udc80\\u2028\\uffff", id="no characters"),
]


@pytest.mark.parametrize(("text", "seen", "line"), SEEN)
def test_what_would_not_be_seen_is_an_escape(text: str, seen: str, line: str) -> None:
    assert (visible(text), one_line(text)) == (seen, line)


@given(TEXTS)
def test_nothing_unseen_is_left(text: str) -> None:
    left = {unicodedata.category(letter) for letter in one_line(text) if letter != "\t"}
    assert not left & {"Cc", "Cs", "Zl", "Zp"}
    assert visible(visible(text)) == visible(text)
    one_line(text).encode()


# -- fingerprints --------------------------------------------------------------------------------


def test_a_fingerprint_depends_on_what_is_found_and_not_on_where() -> None:
    own = fingerprint("docstring-missing", "a.py::f")
    assert own == fingerprint("docstring-missing", "a.py::f")
    others = {
        fingerprint("docstring-incomplete", "a.py::f"),
        fingerprint("docstring-missing", "b.py::f"),
        fingerprint("docstring-missing", "a.py::g"),
        fingerprint("docstring-missing", "a.py::f", "returns"),
        fingerprint("docstring-missing", "a.py", "::f"),
    }
    assert own not in others and len(others) == 5


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=8))
def test_no_two_findings_of_a_report_share_one(prints: list[str]) -> None:
    found = [replace(MISSING, fingerprint=one) for one in prints]
    apart = told_apart(found)
    assert len({one.fingerprint for one in apart}) == len(found)
    assert told_apart(found) == apart
    firsts = [prints.index(one) for one in set(prints)]
    assert all(apart[index].fingerprint == prints[index] for index in firsts)


# -- severities and rules ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fail_on", "faults"),
    [pytest.param("info", 3, id="info"), pytest.param("warning", 2, id="warning"), ("error", 1)],
)
def test_faults_are_counted_from_fail_on_up(fail_on: Severity, faults: int) -> None:
    every = [replace(MISSING, severity=severity) for severity in SEVERITIES]
    assert report(*every, fail_on=fail_on).faults == faults


def test_severities_are_ordered() -> None:
    assert is_at_least("error", "warning") and is_at_least("info", "info")
    assert not is_at_least("info", "warning")


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_what_it_means_and_what_to_do(name: str) -> None:
    rule = RULES[name]
    assert rule.id == name and rule.says.endswith(".") and rule.help.endswith(".")


def test_the_documentation_lists_every_rule_and_every_format() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reports.md").read_text("utf-8")
    for rule in RULES.values():
        assert f"| `{rule.id}` | {rule.severity} | " in page
    assert all(f"`{name}`" in page for name in FORMATS)
    assert page.count("\n## ") > len(FORMATS)


# -- the report as a whole -----------------------------------------------------------------------


def test_a_report_in_one_sentence() -> None:
    assert CHECK.headline == "2 findings: 1 error, 1 warning; 1 item in 1.5 s: 1 failed."
    assert RUN.headline == "1 finding: 1 info; 4 items in 1.5 s: 2 done, 1 skipped, 1 failed."
    assert EMPTY.headline == "no findings."
    assert replace(EMPTY, cut_short=True).headline == "no findings; the run was cut short."


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        pytest.param("cart.py", "shop/cart.py", id="in the folder"),
        pytest.param("/work/tree/other/a.py", "other/a.py", id="elsewhere in the work tree"),
        pytest.param("/else/where.py", "/else/where.py", id="outside"),
    ],
)
def test_forges_see_paths_from_the_top(path: str, seen: str) -> None:
    assert EMPTY.from_top(path) == seen
    assert replace(EMPTY, folder=PurePath("/work/tree")).from_top("a.py") == "a.py"


# -- the fix, shown ------------------------------------------------------------------------------


def spot(line: int, column: int) -> Spot:
    return Spot(line, column, column)


def fixed(code: str, start: Spot, end: Spot, text: str) -> Finding:
    return replace(MISSING, line=31, code=code, fix=Fix("It", start, end, text))


# (finding, what is shown: " " stays, "-" goes, "+" comes)
SHOWN = [
    pytest.param(MISSING, [" def add(self, sku):", " return self.lines[sku]"], id="no fix"),
    pytest.param(
        PROPOSED,
        [" def add(self, sku):", '+"""Add a `line` to <the> cart."""', " return self.lines[sku]"],
        id="lines between",
    ),
    pytest.param(
        fixed("def f(): return 1", spot(31, 9), spot(31, 9), '\n    """Say."""\n   '),
        ["-def f(): return 1", "+def f():", '+"""Say."""', "+return 1"],
        id="a line opened",
    ),
    pytest.param(
        fixed("a\nb\nc", spot(31, 2), spot(33, 1), "\nx\nb\n"),
        [" a", "+x", " b", " c"],
        id="a piece that stays inside",
    ),
    pytest.param(
        fixed("# a", spot(32, 1), spot(32, 1), '"""Say."""\n'), [" # a", '+"""Say."""', " "], id="end"
    ),
    pytest.param(fixed("a\nb", spot(32, 1), spot(32, 1), "x\r\n"), [" a", "+x", " b"], id="other line ends"),
]


@pytest.mark.parametrize(("finding", "shown"), SHOWN)
def test_what_a_fix_changes_is_shown_line_by_line(finding: Finding, shown: list[str]) -> None:
    signs = {"same": " ", "old": "-", "new": "+"}
    assert [signs[change] + line.strip() for change, line in changes(finding)] == shown


def test_the_samples_agree() -> None:
    assert PROPOSED.fix == FIX
