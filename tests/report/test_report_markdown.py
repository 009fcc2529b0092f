from __future__ import annotations

import itertools
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from markdown_it.token import Token
from report_samples import CHECK, EMPTY, MISSING, RUN, WRITTEN, report, reports

from workflow_hub.report import as_markdown
from workflow_hub.report.document import Report
from workflow_hub.report.visible import one_line
from workflow_hub.values import Failed, Skipped

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

# (report, headings, number of table rows, number of diffs)
REPORTS = [
    pytest.param(EMPTY, ["workflow-hub docstrings: shop"], 0, 0, id="nothing"),
    pytest.param(CHECK, ["workflow-hub docstrings: shop", "Not done"], 3, 0, id="a check"),
    pytest.param(RUN, ["workflow-hub docstrings: shop", "Not done", "Proposed"], 3, 1, id="a run"),
    pytest.param(WRITTEN, ["workflow-hub docstrings: shop", "Written"], 0, 1, id="a run that wrote"),
]


def words(token: Token) -> str:
    """The text of an inline token, in which nothing is markup."""
    assert token.children is not None
    assert {child.type for child in token.children} <= {"text", "text_special"}, token.content
    return "".join(child.content for child in token.children)


def read(text: str) -> tuple[list[str], list[list[str]], list[Token]]:
    """Headings, rows of tables without their heads, and fences."""
    tokens = READER.parse(text)
    headings = [words(two) for one, two in itertools.pairwise(tokens) if one.type == "heading_open"]
    rows: list[list[str]] = []
    for one, two in itertools.pairwise(tokens):
        if one.type == "tr_open" and two.type == "td_open":
            rows.append([])
        elif one.type == "td_open":
            rows[-1].append(words(two))
    return headings, rows, [one for one in tokens if one.type == "fence"]


@pytest.mark.parametrize(("report", "headings", "rows", "diffs"), REPORTS)
def test_a_page_has_tables_and_diffs(report: Report, headings: list[str], rows: int, diffs: int) -> None:
    found = read(as_markdown.write(report))
    assert found[0] == headings
    assert (len(found[1]), len(found[2])) == (rows, diffs)
    assert report.headline in as_markdown.write(report)


def test_the_page_of_a_run() -> None:
    assert as_markdown.write(RUN) == (
        "## workflow-hub docstrings: shop\n\n"
        "1 finding: 1 info; 4 items in 1.5 s: 2 done, 1 skipped, 1 failed.\n\n"
        "fallback embedded tiny instead of dmr ai/qwen3-coder: nobody listens\n\n"
        "| severity | where | what | rule |\n|---|---|---|---|\n"
        "| info | shop/cart.py:31 | function Cart.add has no docstring | docstring-missing |\n\n"
        "### Not done\n\n| | where | why |\n|---|---|---|\n"
        "| skipped | shop/cart.py:40 Cart.total | nothing to add |\n"
        "| failed | shop/feed.py:1 | was no JSON |\n\n"
        "### Proposed\n\n"
        "<details><summary>shop/cart.py:31 Cart.add</summary>\n\n"
        "```diff\n"
        "     def add(self, sku):\n"
        '+        """Add a `line` to <the> cart."""\n'
        "         return self.lines[sku]\n"
        "```\n\n</details>\n"
    )


def test_a_page_ends_where_a_job_summary_would() -> None:
    many = report(*[replace(MISSING, line=number) for number in range(1, 30_000)])
    text = as_markdown.write(many)
    assert as_markdown.LIMIT_BYTES - 200 < len(text.encode()) <= as_markdown.LIMIT_BYTES
    assert text.endswith(as_markdown.MORE)
    assert all(len(row) == 4 for row in read(text)[1])


class Tags(HTMLParser):
    """The tags of a page, and the text between them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(reports())
def test_nothing_in_a_report_is_markup(report: Report) -> None:
    text = as_markdown.write(report)
    headings, rows, fences = read(text)
    undone = [one for one in report.outcomes if isinstance(one, Failed | Skipped)]
    fixes = [one for one in (*report.findings, *report.fixed) if one.fix is not None]
    assert len(rows) == len(report.findings) + len(undone) and len(fences) == len(fixes)
    for finding, row in zip(report.findings, rows, strict=False):
        assert row[2] == one_line(finding.message).strip()
    assert len(headings) == 1 + bool(undone) + sum(
        any(one.fix for one in group) for group in (report.findings, report.fixed)
    )
    page = Tags()
    page.feed("".join(one.content for one in READER.parse(text) if one.type == "html_block"))
    assert page.tags == ["details", "summary"] * len(fixes)
    assert {one.type for one in READER.parse(text)} <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "fence"),
        *(
            f"{part}_{side}"
            for part in ("table", "thead", "tbody", "tr", "th", "td")
            for side in ("open", "close")
        ),
        "html_block",
    }
