"""`workflow-hub docstrings --samples`: what the samples of a model agree on, and what they leave open."""

from __future__ import annotations

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
    assert result["left_out"] == {"places": "samples disagree"}
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
