"""`workflow-hub docstrings --samples K` and `--examples`: what samples agree on, and what examples show."""

from __future__ import annotations

import doctest
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from cli_help import at, is_canary, questions, run
from doubles.dmr import DmrDouble, plain_answer, requested_schema

CODE = "def scale(factor, places):\n    return round(factor, places)\n"
# What each of three samples says of a slot.
SAID = {
    "summary": ["Bring a measure to its size.", "Bring the measure to size.", "Bring measures to a size."],
    "factor": ["how much is measured", "how much was measured", "measured amount"],
    "places": ["digits behind the point", "shops of a town", "address on a letter"],
    "returns": ["what was measured", "what was measured", "amount that was measured"],
}


def by_seed(body: dict[str, Any]) -> str:
    if is_canary(body):
        return plain_answer(body)
    slots = (requested_schema(body) or {}).get("properties", {})
    return json.dumps({slot: SAID[slot][body.get("seed", 1) - 1] for slot in slots})


@pytest.fixture
def one(tmp_path: Path) -> Path:
    (tmp_path / "one.py").write_text(CODE)
    return tmp_path


def test_parts_on_which_samples_agree_are_written_with_their_confidence(one: Path) -> None:
    with DmrDouble(answer=by_seed) as dmr:
        done = run("docstrings", "one.py", "--samples", "3", "--format", "json", cwd=one, env=at(dmr))
        bodies = [request.body for request in dmr.chats if not is_canary(request.body)]
    assert done.code == 0
    assert sorted(body["seed"] for body in bodies) == [1, 2, 3]
    assert len({json.dumps(body["messages"]) for body in bodies}) == 1
    assert all(body["temperature"] > 0 for body in bodies)
    (outcome,) = done.report["outcomes"]
    result = outcome["result"]
    assert result["derived"] == {"places": "samples disagree"}
    assert "places: passed to round()" in result["docstring"]
    assert result["confidence"]["summary"] == 1.0
    assert result["confidence"].keys() == {"summary", "factor", "returns"}
    assert all(0 < share <= 1 for share in result["confidence"].values())
    (finding,) = done.report["findings"]
    assert finding["confidence"] == min(result["confidence"].values()) < 1
    assert result["docstring"].startswith("Bring a measure to its size.")
    assert done.report["summary"]["model_calls"] == 3


def test_as_many_samples_are_remembered_and_another_number_is_another_question(one: Path) -> None:
    def ask(samples: str) -> Any:
        return run("docstrings", "one.py", "--samples", samples, "--format", "json", cwd=one, env=at(dmr))

    with DmrDouble(answer=by_seed) as dmr:
        first = ask("3")
        dmr.chats.clear()
        again = ask("3")
        assert dmr.chats == []
        alone = ask("1")
        assert len(questions(dmr)) == 1
    assert again.report["outcomes"][0]["result"] == first.report["outcomes"][0]["result"]
    assert alone.report["outcomes"][0]["result"]["confidence"] == {}


@pytest.mark.parametrize("samples", ["0", "10", "some"])
def test_a_number_of_samples_that_cannot_be(one: Path, samples: str) -> None:
    done = run("docstrings", "one.py", "--samples", samples, cwd=one)
    assert done.code == 2
    assert "--samples" in done.err and "\n  File" not in done.err


MODULE = """\
import time


def slug(title, *, apart="-"):
    return apart.join(title.lower().split())


def evens(most):
    for number in range(0, most, 2):
        yield number


def now():
    return time.time()


def stop(code):
    raise SystemExit(code) if code else code


class Cart:
    def __init__(self, currency):
        self.currency = currency

    def label(self, count):
        return f"{count} in {self.currency}"

    @property
    def kind(self):
        return self.currency.upper()
"""
# What is drafted for each function, and what is shown of it; None where nothing is.
DRAFTS = {
    "slug": ("slug('Fine  Tea', apart='_')", "'fine_tea'"),
    "evens": ("list(evens(5))", "[0, 2, 4]"),
    "now": ("now()", None),
    "label": ("Cart('EUR').label(2)", "'2 in EUR'"),
    "kind": ("Cart('EUR').kind", "'EUR'"),
}


def drafting(body: dict[str, Any]) -> str:
    document = json.loads(plain_answer(body))
    if "example" in document:
        code = body["messages"][-1]["content"]
        document["example"] = next(draft for name, (draft, _) in DRAFTS.items() if f"def {name}(" in code)
    return json.dumps(document)


@pytest.mark.parametrize("style", ["google", "numpy", "sphinx"])
def test_examples_are_written_that_doctest_finds_true(tmp_path: Path, style: str) -> None:
    path = tmp_path / "shop.py"
    path.write_text(MODULE)
    with DmrDouble(answer=drafting) as dmr:
        flags = ("--examples", "--write", "--style", style, "--format", "json")
        done = run("docstrings", "shop.py", *flags, cwd=tmp_path, env=at(dmr))
        dmr.chats.clear()
        again = run("docstrings", "shop.py", *flags, cwd=tmp_path, env=at(dmr))
        assert dmr.chats == []
    assert (done.code, again.code) == (0, 0)
    assert [(one["item"], one["status"]) for one in again.report["outcomes"]] == [("shop.py::now", "skipped")]
    results = {one["item"].replace(".", ":").split(":")[-1]: one["result"] for one in done.report["outcomes"]}
    for name, (draft, output) in DRAFTS.items():
        shown = f">>> {draft}" in results[name]["docstring"]
        assert shown is (output is not None)
        assert ("example" in results[name]["left_out"]) is not shown
    assert results["now"]["left_out"]["example"] == "did not come out the same twice"
    spec = importlib.util.spec_from_file_location("shop", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tested = doctest.testmod(module)
    assert (tested.attempted, tested.failed) == (4, 0)


def test_code_is_run_for_examples_alone(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "one.py").write_text(f"open({str(mark)!r}, 'w')\n\n\ndef slug(a):\n    return a\n")
    with DmrDouble(answer=drafting) as dmr:
        plain = run("docstrings", "one.py", "--format", "json", cwd=tmp_path, env=at(dmr))
        assert "example" not in questions(dmr)[0]
        tried = run("docstrings", "one.py", "--examples", "--format", "json", cwd=tmp_path, env=at(dmr))
    assert plain.report["outcomes"][0]["result"]["left_out"] == {}
    reason = tried.report["outcomes"][0]["result"]["left_out"]["example"]
    assert reason.startswith("could not be tried: its module is not importable here")
    assert not mark.exists()


@pytest.mark.parametrize(("trust", "code"), [({}, 2), ({"WORKFLOW_HUB_TRUST": "1"}, 0)], ids=["no", "yes"])
def test_a_project_does_not_make_its_readers_run_its_code(
    one: Path, trust: dict[str, str], code: int
) -> None:
    (one / "one.py").write_text("def slug(a):\n    return a\n")
    (one / "workflow-hub.yaml").write_text("docstrings:\n  examples: true\n")
    with DmrDouble(answer=drafting) as dmr:
        done = run("docstrings", "one.py", cwd=one, env=at(dmr) | trust)
    assert done.code == code
    if code:
        assert "workflow-hub.yaml:2: docstrings.examples runs the project's code" in done.err
