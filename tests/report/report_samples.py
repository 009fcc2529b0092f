"""Reports to write down: a run, a check, one with odd names, and any that hypothesis can think of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath
from typing import Any

from hypothesis import strategies as st

from workflow_hub.errors import ReplyInvalid, SourceRefused
from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding, Fix, Spot, fingerprint, told_apart
from workflow_hub.report.rules import RULES, SEVERITIES
from workflow_hub.report.summary import Settled, summarize
from workflow_hub.values import Done, Failed, Place, Route, Skipped

FOLDER, TOP = PurePath("/work/tree/shop"), PurePath("/work/tree")

ADD = Place("shop/cart.py::Cart.add", "shop/cart.py", 31)
TOTAL = Place("shop/cart.py::Cart.total", "shop/cart.py", 40)
FEED = Place("shop/feed.py", "shop/feed.py", 1)
CODE = "    def add(self, sku):\n        return self.lines[sku]"
MISSING = Finding(
    "docstring-missing",
    "error",
    ADD.path,
    31,
    31,
    5,
    "function Cart.add has no docstring",
    fingerprint("docstring-missing", ADD.id),
    item=ADD.id,
    code=CODE,
)
FIX = Fix(
    "Insert the docstring", Spot(32, 1, 1), Spot(32, 1, 1), '        """Add a `line` to <the> cart."""\n'
)
PROPOSED = replace(MISSING, severity="info", fix=FIX)
INCOMPLETE = Finding(
    "docstring-incomplete",
    "warning",
    TOTAL.path,
    40,
    41,
    5,
    "the docstring of function Cart.total lacks returns",
    fingerprint("docstring-incomplete", TOTAL.id),
    evidence="it returns Money",
    confidence=0.83,
    item=TOTAL.id,
)
ROUTE = Route("code", "dmr", "ai/qwen3-coder")
STAND_IN = Route("code", "embedded", "tiny", "dmr ai/qwen3-coder", "nobody listens")


def report(
    *findings: Finding, outcomes: tuple[Settled, ...] = (), seconds: float = 1.5, **more: Any
) -> Report:
    return Report(
        "docstrings", summarize(outcomes, seconds), FOLDER, TOP, outcomes, findings, version="0.1.0", **more
    )


CHECK = report(MISSING, INCOMPLETE, outcomes=(Failed(FEED, SourceRefused("cannot be read")),))
RUN = report(
    PROPOSED,
    outcomes=(
        Done(ADD, "made", ROUTE),
        Skipped(TOTAL, "nothing to add", STAND_IN),
        Failed(FEED, ReplyInvalid("was no JSON")),
        Done(Place("shop/money.py::total", "shop/money.py", 3), "made", STAND_IN),
    ),
)
WRITTEN = report(fixed=(PROPOSED,), outcomes=(Done(ADD, "made", ROUTE),))
EMPTY = report()

# What has a meaning somewhere on the way to a reader, and what is not seen at all.
NASTY = st.sampled_from(
    "\n \r\n %0A :: , : | ` ``` < > & \" ' ]]> <!-- --> \\ \\| * _ [x](y) # ~ $ {{ }} {% %} \x00 \x1b[31m "
    "\x85 \u202e \u2028 \ufeff \uffff \udc80 \U0001f600 é 日本 ::error:: </script> &amp;".split(" ")
)
TEXTS = st.lists(st.one_of(NASTY, st.text(max_size=8)), min_size=1, max_size=6).map("".join).filter(bool)
# A file name holds neither of these, and what begins with a slash is not seen from the folder.
PATHS = TEXTS.map(lambda text: text.replace("\0", "").lstrip("/")).filter(
    lambda text: text.strip("/.") and ".." not in text
)
SPOTS = st.integers(1, 40).map(lambda column: Spot(3, column, column))
FIXES = st.none() | st.builds(lambda spot, text: Fix("Insert it", spot, spot, text), SPOTS, TEXTS)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    path, name = draw(PATHS), draw(TEXTS)
    rule = draw(st.sampled_from(sorted(RULES)))
    item = f"{path}::{name}"
    return Finding(
        rule,
        draw(st.sampled_from(SEVERITIES)),
        path,
        line := draw(st.integers(1, 3)),
        line + draw(st.integers(0, 3)),
        draw(st.integers(1, 200)),
        draw(TEXTS),
        fingerprint(rule, item),
        evidence=draw(st.none() | TEXTS),
        confidence=draw(st.floats(0, 1)),
        fix=draw(FIXES),
        item=item,
        code=draw(TEXTS),
    )


@st.composite
def reports(draw: st.DrawFn) -> Report:
    """Any report, with any text in it."""
    found = told_apart(draw(st.lists(findings(), max_size=3)))
    places = st.builds(
        lambda path, name, line: Place(f"{path}::{name}", path, line), PATHS, TEXTS, st.just(7)
    )
    outcomes = st.one_of(
        st.builds(Skipped, places, TEXTS), st.builds(Failed, places, TEXTS.map(ReplyInvalid))
    )
    settled = tuple(draw(st.lists(outcomes, max_size=2)))
    return report(*found, outcomes=settled, fixed=found[:1], fail_on=draw(st.sampled_from(SEVERITIES)))
