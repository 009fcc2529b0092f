from __future__ import annotations

import itertools
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import html5lib
import pytest
from hypothesis import given
from report_samples import CHECK, EMPTY, FIX, RUN, WRITTEN, reports

from workflow_hub.report import as_html
from workflow_hub.report.document import Report
from workflow_hub.report.visible import one_line, visible
from workflow_hub.values import Failed, Skipped

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")

# (report, headings of the second level, number of findings shown, number of code blocks)
REPORTS = [
    pytest.param(EMPTY, [], 0, 0, id="nothing"),
    pytest.param(CHECK, ["Findings", "Not done", "Rules"], 2, 1, id="a check"),
    pytest.param(RUN, ["Findings", "Not done", "Rules"], 1, 2, id="a run"),
    pytest.param(WRITTEN, ["Written"], 1, 2, id="a run that wrote"),
]


def parsed(page: str) -> Element:
    """The page, which the standard's own parser has nothing to say against."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree: Element = parser.parse(page)
    return tree


def texts(tree: Element, tag: str) -> list[str]:
    return ["".join(one.itertext()) for one in tree.iter(tag)]


@pytest.mark.parametrize(("report", "headings", "findings", "blocks"), REPORTS)
def test_a_page_shows_what_was_found(report: Report, headings: list[str], findings: int, blocks: int) -> None:
    tree = parsed(as_html.write(report))
    assert texts(tree, "h2") == headings
    assert (len(texts(tree, "article")), len(texts(tree, "pre"))) == (findings, blocks)
    assert report.headline in texts(tree, "p")


def test_the_code_is_beside_what_is_proposed() -> None:
    tree = parsed(as_html.write(RUN))
    before, after = tree.iter("pre")
    assert texts(before, "span") == ["    def add(self, sku):", "        return self.lines[sku]"]
    assert [one.get("data-n") for one in after.iter("span")] == ["31", "32"]
    assert texts(after, "ins") == [FIX.text.rstrip()]
    assert texts(tree, "figcaption") == ["as it is", "proposed"]
    assert texts(tree, "td") == [
        *("skipped", "shop/cart.py:40 Cart.total", "nothing to add"),
        *("failed", "shop/feed.py:1 ", "was no JSON"),
    ]
    assert any(one.startswith("fallback embedded tiny instead of") for one in texts(tree, "p"))


@pytest.mark.parametrize(
    "report", [pytest.param(one, id=str(index)) for index, one in enumerate((RUN, CHECK))]
)
def test_the_page_needs_nothing_and_can_be_heard(report: Report) -> None:
    page = as_html.write(report)
    tree = parsed(page)
    assert not {"script", "link", "img", "iframe", "object"} & {one.tag for one in tree.iter()}
    assert "://" not in page and "url(" not in page and "@import" not in page
    assert tree.get("lang") == "en" and texts(tree, "title")
    ids = [one.get("id") for one in tree.iter() if one.get("id")]
    assert len(ids) == len(set(ids))
    named = [one.get("aria-labelledby") for one in tree.iter() if one.get("aria-labelledby")]
    assert named and set(named) <= set(ids)
    for block in tree.iter("pre"):
        assert (block.get("tabindex"), block.get("role")) == ("0", "region") and block.get("aria-label")
    assert [one.get("scope") for one in tree.iter("th")] == ["col"] * 3
    levels = [int(one.tag[1]) for one in tree.iter() if one.tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1 and all(two <= one + 1 for one, two in itertools.pairwise(levels))


@given(reports())
def test_nothing_in_a_report_is_markup(report: Report) -> None:
    tree = parsed(as_html.write(report))
    shown = [*report.findings, *report.fixed]
    articles: list[Any] = list(tree.iter("article"))
    for finding, article in zip(shown, articles, strict=True):
        assert texts(article, "h4") == [one_line(finding.name)]
        assert texts(article, "p")[0].endswith(visible(finding.message))
    undone = [one for one in report.outcomes if isinstance(one, Failed | Skipped)]
    reasons = [visible(str(one.error) if isinstance(one, Failed) else one.reason) for one in undone]
    assert texts(tree, "td")[2::3] == reasons


@pytest.mark.chromium
def test_a_browser_shows_it(tmp_path: Path) -> None:
    """Chromium's own view of the page, after layout, is what was meant."""
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    assert program is not None, "this test opens the page in Chromium; install it (apt-get install chromium)"
    (tmp_path / "page.html").write_text(as_html.write(RUN), "utf-8")
    done = subprocess.run(
        [
            program,
            *(
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--no-proxy-server",
            ),
            f"--user-data-dir={tmp_path / 'profile'}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--dump-dom",
            (tmp_path / "page.html").as_uri(),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    seen, meant = parsed(done.stdout.decode()), parsed(as_html.write(RUN))
    for tag in ("title", "h1", "h2", "h3", "h4", "figcaption", "span", "ins", "td"):
        assert texts(seen, tag) == texts(meant, tag)
    assert texts(seen, "ins") == [FIX.text.rstrip()]
