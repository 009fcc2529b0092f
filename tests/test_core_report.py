from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

import jsonschema
import pytest
from doubles.dmr import DmrDouble
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.cli import run
from workflow_hub.errors import ReplyInvalid, SourceRefused
from workflow_hub.report import as_json, as_text
from workflow_hub.report.document import Report
from workflow_hub.report.finding import Finding, Fix, Spot
from workflow_hub.report.summary import Settled, Summary, exit_code, is_cached, is_degraded, summarize
from workflow_hub.values import Done, Failed, Place, Route, Skipped, Usage

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "report.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

SHOP = PurePath("/work/shop")
CART = Place("shop/cart.py::Cart.add", "shop/cart.py", 31)
FILE = Place("shop/feed.py", "shop/feed.py", 1)
CODE = Route("code", "dmr", "ai/qwen3-coder")
STAND_IN = Route("code", "embedded", "tiny", "dmr ai/qwen3-coder", "nobody listens")
USED = Usage(310, 268, 61)

DONE = Done(CART, "a docstring", CODE, USED, 1)
REMEMBERED: Settled = Done(CART, "a docstring", CODE)
DEGRADED: Settled = Done(CART, "a docstring", STAND_IN, USED, 2)
SKIPPED: Settled = Skipped(CART, "nothing to add", CODE, USED, 1)
PASSED_OVER: Settled = Skipped(FILE, "a link out of the project")
FAILED: Settled = Failed(CART, ReplyInvalid("was no JSON"), STAND_IN, USED, 2)
UNREADABLE: Settled = Failed(FILE, SourceRefused("cannot be read"))
ALL: list[Settled] = [DONE, REMEMBERED, DEGRADED, SKIPPED, PASSED_OVER, FAILED, UNREADABLE]

# (outcome, cached, degraded)
KINDS = [
    pytest.param(DONE, False, False, id="asked"),
    pytest.param(REMEMBERED, True, False, id="remembered"),
    pytest.param(DEGRADED, False, True, id="a fallback answered"),
    pytest.param(Done(CART, "x", STAND_IN), True, True, id="a fallback answered once"),
    pytest.param(SKIPPED, False, False, id="skipped"),
    pytest.param(Skipped(CART, "nothing to add", CODE), True, False, id="skipped from memory"),
    pytest.param(PASSED_OVER, False, False, id="nobody was to be asked"),
    pytest.param(FAILED, False, False, id="failed at a fallback"),
    pytest.param(Failed(CART, ReplyInvalid("x"), CODE), False, False, id="failed before it was asked"),
]


@pytest.mark.parametrize(("outcome", "cached", "degraded"), KINDS)
def test_where_an_outcome_came_from(outcome: Settled, cached: bool, degraded: bool) -> None:
    assert (is_cached(outcome), is_degraded(outcome)) == (cached, degraded)


def test_a_run_in_numbers() -> None:
    assert summarize(ALL, 4.5) == Summary(
        items=7,
        done=3,
        skipped=2,
        failed=2,
        cached=1,
        degraded=1,
        model_calls=6,
        usage=Usage(1240, 1072, 244),
        seconds=4.5,
    )
    assert summarize(iter([]), 0.0) == Summary()


@pytest.mark.parametrize(
    ("findings", "incomplete", "code"),
    [(False, False, 0), (True, False, 1), (False, True, 3), (True, True, 3)],
)
def test_the_graver_code_holds(findings: bool, incomplete: bool, code: int) -> None:
    assert exit_code(findings=findings, incomplete=incomplete) == code


# -- JSON ----------------------------------------------------------------------------------------


def result(made: str) -> dict[str, Any]:
    return {"docstring": made}


def report(outcomes: list[Settled], findings: list[Finding] | None = None) -> dict[str, Any]:
    summary = summarize(outcomes, 41.23456)
    text = as_json.write(
        Report("docstrings", summary, SHOP, SHOP, tuple(outcomes), tuple(findings or []), result=result)
    )
    assert text.endswith("}\n")
    document: dict[str, Any] = json.loads(text)
    VALIDATOR.validate(document)
    return document


FINDING = Finding(
    "docstring-missing",
    "error",
    "shop/cart.py",
    31,
    31,
    5,
    "function Cart.add has no docstring",
    "f",
    fix=Fix("Insert the docstring", Spot(32, 1, 1), Spot(32, 1, 1), '        """Add."""\n'),
    item="shop/cart.py::Cart.add",
    code="    def add(self):\n        return 1",
)
FINDING_IN_JSON: dict[str, Any] = {
    "rule": "docstring-missing",
    "severity": "error",
    "path": "shop/cart.py",
    "line": 31,
    "end_line": 31,
    "column": 5,
    "box": None,
    "message": "function Cart.add has no docstring",
    "evidence": None,
    "confidence": 1.0,
    "fingerprint": "f",
    "fix": {"line": 32, "column": 1, "end_line": 32, "end_column": 1, "text": '        """Add."""\n'},
}


def test_the_report_is_the_promised_object() -> None:
    document = report([DONE], [FINDING])
    assert document == {
        "task": "docstrings",
        "version": 1,
        "summary": {
            "items": 1,
            "done": 1,
            "skipped": 0,
            "failed": 0,
            "cached": 0,
            "degraded": 0,
            "model_calls": 1,
            "seconds": 41.235,
        },
        "outcomes": [
            {
                "item": "shop/cart.py::Cart.add",
                "path": "shop/cart.py",
                "line": 31,
                "status": "done",
                "reason": None,
                "cached": False,
                "route": {
                    "rule": "code",
                    "provider": "dmr",
                    "model": "ai/qwen3-coder",
                    "fallback_from": None,
                },
                "usage": {"prompt_tokens": 310, "cached_tokens": 268, "completion_tokens": 61},
                "result": {"docstring": "a docstring"},
            }
        ],
        "findings": [FINDING_IN_JSON],
    }


def test_every_kind_of_outcome_has_its_status_and_reason() -> None:
    told = [(one["status"], one["reason"], one["result"] != {}) for one in report(ALL)["outcomes"]]
    assert told == [
        ("done", None, True),
        ("done", None, True),
        ("done", None, True),
        ("skipped", "nothing to add", False),
        ("skipped", "a link out of the project", False),
        ("failed", "was no JSON", False),
        ("failed", "cannot be read", False),
    ]
    assert [one["route"] is None for one in report(ALL)["outcomes"]] == [False] * 4 + [True, False, True]


USAGES = st.builds(Usage, *[st.integers(0, 10**9)] * 3)
ROUTES = st.none() | st.builds(Route, st.text(), st.text(), st.text(), st.none() | st.text(), st.text())
PLACES = st.builds(Place, st.text(min_size=1), st.text(min_size=1), st.integers(1, 10**6))
WORDS = st.text(min_size=1)
OUTCOMES: st.SearchStrategy[Settled] = st.one_of(
    st.builds(Done, PLACES, st.text(), ROUTES, USAGES, st.integers(0, 9)),
    st.builds(Skipped, PLACES, WORDS, ROUTES, USAGES, st.integers(0, 9)),
    st.builds(Failed, PLACES, WORDS.map(ReplyInvalid), ROUTES, USAGES, st.integers(0, 9)),
)


@given(st.lists(OUTCOMES, max_size=5))
def test_every_report_keeps_to_its_schema(outcomes: list[Settled]) -> None:
    document = report(outcomes)
    summary = document["summary"]
    assert summary["items"] == summary["done"] + summary["skipped"] + summary["failed"] == len(outcomes)
    assert summary["cached"] == sum(one["cached"] for one in document["outcomes"])
    assert [one["item"] for one in document["outcomes"]] == [one.item.id for one in outcomes]


# (the way to a value in a good report, what is put there): the schema is not satisfied with anything.
BREAKS: list[Any] = [
    pytest.param(["version"], 2, id="version"),
    pytest.param(["more"], 1, id="another key"),
    pytest.param(["summary", "cached"], -1, id="negative count"),
    pytest.param(["outcomes", 0, "status"], "fine", id="status"),
    pytest.param(["outcomes", 0, "reason"], "why", id="done for a reason"),
    pytest.param(["outcomes", 1, "reason"], None, id="failed without one"),
    pytest.param(["outcomes", 1, "result"], {"a": 1}, id="failed with a result"),
    pytest.param(["outcomes", 0, "line"], 0, id="line"),
    pytest.param(["outcomes", 0, "route"], {}, id="empty route"),
    pytest.param(["outcomes", 0, "usage", "prompt_tokens"], 1.5, id="half a token"),
    pytest.param(["findings", 0, "severity"], "fatal", id="severity"),
    pytest.param(["findings", 0, "box"], [1, 2, 3], id="box"),
    pytest.param(["findings", 0, "confidence"], 1.1, id="confidence"),
    pytest.param(["findings", 0, "fix"], "a text", id="a fix without a place"),
    pytest.param(["findings", 0, "fix", "line"], 0, id="the line of a fix"),
]


@pytest.mark.parametrize(("way", "value"), BREAKS)
def test_the_schema_refuses_what_was_not_promised(way: list[Any], value: Any) -> None:
    document = report([DONE, FAILED], [FINDING])
    inner = document
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = value
    assert not VALIDATOR.is_valid(document)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


CODE_FILE = "def boil(kettle):\n    return kettle.heat()\n\n\ndef pour(kettle):\n    return kettle.cup\n"
RULES = """\
version: 1
providers: {dmr: {kind: dmr}}
models: {coder: {provider: dmr, try: [ai/none, ai/qwen3-coder]}}
rules: [{name: code, use: coder}]
"""


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["a.py"], 0, '"degraded": 2', id="a fallback"),
        pytest.param(["."], 3, '"status": "failed"', id="a file that is no Python"),
        pytest.param(["--check", "a.py"], 1, '"rule": "docstring-missing"', id="findings"),
        pytest.param(["--check", "."], 3, '"status": "failed"', id="findings and a failure"),
    ],
)
def test_what_the_command_prints_keeps_to_the_schema(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    (project / "routing.yaml").write_text(RULES)
    (project / "a.py").write_text(CODE_FILE)
    (project / "b.py").write_text("def broken(:\n")
    with DmrDouble() as dmr:
        monkeypatch.setenv("DMR_BASE_URL", dmr.url)
        assert run(["docstrings", *arguments, "--format", "json", "--output", "out.json"]) == code
    text = (project / "out.json").read_text("utf-8")
    VALIDATOR.validate(json.loads(text))
    assert words in text
    assert capfdbinary.readouterr().out == b""


# -- text ----------------------------------------------------------------------------------------


def told(outcomes: list[Settled], *, verbose: bool = False) -> list[str]:
    return list(as_text.lines(summarize(outcomes, 3.21), outcomes, "documented", verbose=verbose))


HEADS = [
    pytest.param([], "nothing to do", id="nothing"),
    pytest.param(
        [DONE],
        "1 documented in 3.2 s; 1 requests, 310 prompt tokens (268 cached), 61 written",
        id="asked",
    ),
    pytest.param([REMEMBERED], "1 documented in 3.2 s, 1 from memory", id="remembered"),
    pytest.param([UNREADABLE, PASSED_OVER], "0 documented, 1 failed, 1 skipped in 3.2 s", id="nobody asked"),
]


@pytest.mark.parametrize(("outcomes", "head"), HEADS)
def test_the_first_line_is_the_run(outcomes: list[Settled], head: str) -> None:
    assert told(outcomes)[0] == head


def test_failures_then_the_skipped_then_who_stood_in() -> None:
    assert told(ALL)[1:] == [
        "  failed   shop/cart.py:31 Cart.add: was no JSON",
        "  failed   shop/feed.py:1: cannot be read",
        "  skipped  shop/cart.py:31 Cart.add: nothing to add",
        "  skipped  shop/feed.py:1: a link out of the project",
        "  fallback embedded tiny instead of dmr ai/qwen3-coder: nobody listens",
    ]


def test_all_failures_are_named_and_five_of_the_skipped() -> None:
    lines = told([FAILED] * 9 + [SKIPPED] * 7)
    assert sum(line.startswith("  failed   ") for line in lines) == 9
    assert sum(line.startswith("  skipped  shop") for line in lines) == 5
    assert "  skipped  2 more; -v shows them" in lines
    assert sum(line.startswith("  skipped  shop") for line in told([SKIPPED] * 7, verbose=True)) == 7
    assert not any("more" in line for line in told([SKIPPED] * 5))
