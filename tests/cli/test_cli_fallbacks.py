"""Who answers: the runner wherever it is, the next in line where it is not, and all that it does wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cli_help import at, bytes_of, each, folder_with, questions, run, shop_in
from doubles.dmr import (
    BUSY_429,
    CRASH_500,
    EMPTY_502,
    HTML_PAGE,
    LOADING_503,
    NOT_JSON,
    NULL_CONTENT,
    PLAIN_500,
    PROSE,
    UNAVAILABLE_503,
    Close,
    CutShort,
    Die,
    DmrDouble,
    Drip,
    EngineKilled,
    Fault,
    Hang,
    NoChoices,
    NoDone,
    Refusal,
    Reset,
    Says,
    Stall,
    Thinks,
    ToolCalls,
    Wrapped,
    engine_error,
    plain_answer,
    text_error,
)
from doubles.tiny_model import build_text_model

ONE = "def one(item):\n    return item\n"
NOWHERE = "127.0.0.1:9"

ADDRESSES: list[Any] = [
    pytest.param(lambda dmr: {"DMR_DISCOVERY": f"{NOWHERE},127.0.0.1:{dmr.port}"}, id="discovery"),
    pytest.param(lambda dmr: {"DMR_BASE_URL": dmr.url}, id="DMR_BASE_URL"),
    pytest.param(lambda dmr: {"MODEL_RUNNER_HOST": f"127.0.0.1:{dmr.port}"}, id="MODEL_RUNNER_HOST"),
    pytest.param(lambda dmr: {"DMR_BASE_URL": f"{dmr.url}/engines/llama.cpp/v1/"}, id="an engine path"),
    pytest.param(
        lambda dmr: {"DMR_BASE_URL": dmr.url, "MODEL_RUNNER_HOST": NOWHERE, "DMR_DISCOVERY": NOWHERE},
        id="DMR_BASE_URL before the others",
    ),
    pytest.param(
        lambda dmr: {"CODER_URL": f"{dmr.url}/engines/v1/", "CODER_MODEL": "ai/qwen3-coder"},
        id="what Compose injects",
    ),
]


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """A folder with one function in one file."""
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "one.py").write_text(ONE)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment that gives the embedded engine its tiny model."""
    path = build_text_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf")
    return {"WORKFLOW_HUB_WEIGHTS": str(path)}


def test_the_runner_is_found(tmp_path: Path) -> None:
    def check(env: Callable[[DmrDouble], dict[str, str]]) -> None:
        here = folder_with(tmp_path, one=ONE)
        flags = ("--write", "--no-cache", "--format", "json")
        with DmrDouble() as dmr:
            done = run("docstrings", "one.py", *flags, cwd=here, env=env(dmr))
            assert len(questions(dmr)) == 1
        assert (done.code, done.report["summary"]["degraded"]) == (0, 0)

    each(ADDRESSES, check)


def test_the_runner_is_found_at_a_socket(one: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    socket = tmp_path_factory.mktemp("s") / "dmr.sock"
    with DmrDouble(unix_socket=socket) as dmr:
        done = run("docstrings", "one.py", cwd=one, env={"DMR_BASE_URL": f"unix://{socket}"})
        assert len(questions(dmr)) == 1
    assert done.code == 0


def test_a_key_is_sent_and_never_shown(one: Path) -> None:
    with DmrDouble() as dmr:
        done = run("docstrings", "one.py", "-v", cwd=one, env=at(dmr) | {"DMR_API_KEY": "s3cret"})
        assert {request.headers.get("authorization") for request in dmr.requests} == {"Bearer s3cret"}
    assert "s3cret" not in done.err + done.text


def test_the_next_of_the_try_list_answers_and_that_is_said(one: Path) -> None:
    with DmrDouble(models=("ai/qwen2.5",)) as dmr:
        done = run("docstrings", "one.py", "--write", "--format", "json", cwd=one, env=at(dmr))
        again = run("docstrings", "one.py", "--format", "json", "--no-cache", cwd=one, env=at(dmr))
    assert done.code == 0
    assert done.report["summary"]["degraded"] == 1
    (outcome,) = done.report["outcomes"]
    assert outcome["route"]["model"] == "ai/qwen2.5"
    assert "ai/qwen3-coder" in outcome["route"]["fallback_from"]
    assert "fallback" in done.err
    assert "ai/qwen2.5" in done.err
    assert again.report["outcomes"] == []


def test_the_embedded_engine_stands_in_where_the_model_is_missing(one: Path, tiny: dict[str, str]) -> None:
    with DmrDouble(models=("ai/gemma3",)) as dmr:
        done = run("docstrings", "one.py", "--format", "json", cwd=one, env=at(dmr) | tiny)
        assert dmr.chats == []
    (outcome,) = done.report["outcomes"]
    assert outcome["route"]["provider"] == "embedded"
    assert "ai/qwen3-coder" in outcome["route"]["fallback_from"]
    assert done.report["summary"]["model_calls"] > 0
    assert done.code == {"done": 0, "failed": 3}[outcome["status"]]
    assert "fallback" in done.err
    assert "embedded" in done.err


def test_where_nobody_answers_it_is_said_what_was_tried_and_what_to_type(one: Path) -> None:
    done = run("docstrings", "one.py", cwd=one)
    assert (done.code, done.out) == (2, b"")
    for word in (NOWHERE, "docker", "DMR_BASE_URL", "WORKFLOW_HUB_WEIGHTS"):
        assert word in done.err
    assert "nothing to do" not in done.err


DOCUMENTED = '''\
def one(item):
    """Say it.

    Args:
        item: a

    Returns:
        b
    """
    return item
'''


def test_where_nothing_is_to_be_asked_nobody_has_to_be_there(one: Path) -> None:
    (one / "one.py").write_text(DOCUMENTED)
    done = run("docstrings", "one.py", "--write", cwd=one)
    assert done.code == 0


# (flags, environment besides the double's, what the message names)
PINS = [
    pytest.param(("--model", "ai/other"), ["docker model pull ai/other"], id="a model that is not there"),
    pytest.param(("--provider", "nobody"), ["nobody", "dmr", "embedded"], id="no such provider"),
    pytest.param(("--provider", "embedded"), ["WORKFLOW_HUB_WEIGHTS"], id="a provider that cannot answer"),
    pytest.param(
        ("--provider", "embedded", "--model", "ai/qwen3-coder"), ["ai/qwen3-coder"], id="not that provider's"
    ),
    pytest.param(("--model", "qwen2.5-coder-0.5b"), ["WORKFLOW_HUB_WEIGHTS"], id="the engine's model"),
]


def test_a_pin_that_cannot_hold_is_an_error(one: Path) -> None:
    def check(flags: tuple[str, ...], named: list[str]) -> None:
        done = run("docstrings", "one.py", "--write", *flags, cwd=one, env=at(dmr))
        assert done.code == 2
        assert all(word in done.err for word in named)

    with DmrDouble() as dmr:
        each(PINS, check)
        assert dmr.chats == []
    assert (one / "one.py").read_text() == ONE


def test_a_pin_has_no_fallback(one: Path, tiny: dict[str, str]) -> None:
    done = run("docstrings", "one.py", "--provider", "dmr", cwd=one, env=tiny)
    assert done.code == 2
    assert "docker" in done.err


PINNED = [
    pytest.param("ai/qwen2.5", id="as stored"),
    pytest.param("docker.io/ai/qwen2.5:latest", id="in full"),
    pytest.param("qwen2.5", id="short"),
    pytest.param("coder", id="a role of routing.yaml"),
]


def test_a_pinned_model_answers_and_is_no_fallback(one: Path) -> None:
    def check(model: str) -> None:
        flags = ("--model", model, "--no-cache", "--format", "json")
        with DmrDouble(models=("ai/qwen3-coder", "ai/qwen2.5")) as dmr:
            done = run("docstrings", "one.py", *flags, cwd=one, env=at(dmr))
            asked = {request.body["model"] for request in dmr.chats}
        assert (done.code, done.report["summary"]["degraded"]) == (0, 0)
        assert ("qwen3-coder" in "".join(asked)) is (model == "coder")

    each(PINNED, check)


IGNORES = [
    pytest.param(PROSE.text, id="prose"),
    pytest.param("", id="nothing"),
    pytest.param('{"seal": "hello"}', id="the right keys, the wrong values"),
    pytest.param("[" * 100_000, id="brackets without end"),
]


def test_a_server_that_ignores_the_schema_is_not_believed(one: Path) -> None:
    def check(text: str) -> None:
        with DmrDouble(answer=lambda body: text) as dmr:
            done = run("docstrings", "one.py", "--write", cwd=one, env=at(dmr))
            assert questions(dmr) == []
        assert done.code == 3
        assert "schema" in done.err

    each(IGNORES, check)
    assert (one / "one.py").read_text() == ONE


def test_another_model_answers_where_one_ignores_the_schema(one: Path) -> None:
    def answer(body: dict[str, Any]) -> str:
        return "Sure!" if body["model"] == "ai/qwen3-coder" else plain_answer(body)

    with DmrDouble(models=("ai/qwen3-coder", "ai/qwen2.5"), answer=answer) as dmr:
        done = run("docstrings", "one.py", "--write", "--format", "json", cwd=one, env=at(dmr))
    assert (done.code, done.report["summary"]["degraded"]) == (0, 1)
    assert done.report["outcomes"][0]["route"]["model"] == "ai/qwen2.5"
    assert "schema" in done.err


def test_a_server_that_dies_loses_nothing_and_the_next_run_goes_on(tmp_path: Path) -> None:
    here = shop_in(tmp_path / "work").parent
    with DmrDouble(faults=[Die(skip=11)]) as dmr:
        first = run("docstrings", "shop", "--write", "--format", "json", cwd=here, env=at(dmr))
        asked = questions(dmr)
    summary = first.report["summary"]
    assert first.code == 3
    assert summary["items"] == summary["done"] + summary["failed"] == 31
    assert 6 <= summary["done"] <= 11
    with DmrDouble() as dmr:
        second = run("docstrings", "shop", "--write", "--format", "json", cwd=here, env=at(dmr))
        assert len(questions(dmr)) == summary["failed"]
    assert len(asked) < 31
    assert (second.code, second.report["summary"]["done"]) == (0, summary["failed"])
    assert run("docstrings", "shop", "--check", cwd=here).code == 0


# name of the function whose requests go wrong: (what goes wrong, how often, does it get its docstring)
FAULTS: dict[str, tuple[Any, int | None, bool]] = {
    "empty_502_after_a_crash": (EMPTY_502, 1, True),
    "unavailable_twice": (UNAVAILABLE_503, 2, True),
    "loading_once": (LOADING_503, 1, True),
    "busy_once": (BUSY_429, 1, True),
    "reset_once": (Reset(), 1, True),
    "closed_once": (Close(), 1, True),
    "killed_once": (EngineKilled(), 1, False),
    "always_502": (EMPTY_502, None, False),
    "always_503": (UNAVAILABLE_503, None, False),
    "always_429": (BUSY_429, None, False),
    "always_reset": (Reset(), None, False),
    "always_closed": (Close(), None, False),
    "plain_500": (PLAIN_500, None, False),
    "crash_500": (CRASH_500, None, False),
    "web_page": (HTML_PAGE, None, False),
    "not_json": (NOT_JSON, None, False),
    "null_content": (NULL_CONTENT, None, False),
    "prose": (PROSE, None, False),
    "empty_text": (Says(""), None, False),
    "wrong_keys": (Says('{"other": 1}'), None, False),
    "wrong_types": (Says('{"summary": 7, "item": [], "returns": {}}'), None, False),
    "deep_json": (Says("[" * 50_000), None, False),
    "a_list": (Says("[]"), None, False),
    "huge_json": (Says('{"summary": "' + "x " * 500_000 + '"}'), None, False),
    "prose_once": (PROSE, 1, True),
    "cut_short": (CutShort(), None, False),
    "no_choices": (NoChoices(), None, False),
    "no_end": (NoDone(), None, False),
    "tool_calls": (ToolCalls((("look", "{}"),)), None, False),
    "wrapped": (Wrapped(), None, False),
    "thinks_aside": (Thinks(), None, True),
    "thinks_inline": (Thinks(inline=True), None, True),
    "hangs": (Hang(), None, False),
    "drips": (Drip(0.05), None, False),
    "stalls": (Stall(), None, False),
    "refused_401": (Refusal(text_error(401, "unauthorized")), None, False),
    "redirected": (Refusal(text_error(302, "", ("Location", "http://127.0.0.1:9/"))), None, False),
    "overflow": (Refusal(engine_error(400, "too long", "exceed_context_size_error")), None, False),
}


def test_whatever_goes_wrong_is_an_outcome_of_that_item(tmp_path: Path) -> None:
    for name in FAULTS:
        (tmp_path / f"{name}.py").write_text(f"def {name}(item):\n    return item\n")
    (tmp_path / "well.py").write_text("def well(item):\n    return item\n")
    before = bytes_of(tmp_path)
    faults: list[Fault] = []
    for name, (fault, times, _) in FAULTS.items():
        faults.append(replace(fault, times=times, containing=f"def {name}("))
    with DmrDouble(slots=32, faults=faults) as dmr:
        flags = ("--write", "--jobs", "4", "--timeout", "3", "--format", "json")
        done = run("docstrings", ".", *flags, cwd=tmp_path, env=at(dmr))
    after = bytes_of(tmp_path)
    outcomes = {Path(one["path"]).stem: one for one in done.report["outcomes"]}
    assert done.code == 3
    assert set(outcomes) == {*FAULTS, "well"}
    for name, (_, _, documented) in (FAULTS | {"well": (None, None, True)}).items():
        outcome = outcomes[name]
        assert outcome["status"] == ("done" if documented else "failed"), outcome
        assert documented or outcome["reason"]
        assert (after[f"{name}.py"] != before[f"{name}.py"]) is documented, name
        assert len(str(outcome["reason"])) < 1000, name
    failed = [line for line in done.messages if line.startswith("  failed ")]
    assert len(failed) == sum(not documented for _, _, documented in FAULTS.values())


WHOLE = [
    pytest.param(Hang(times=None), id="hangs"),
    pytest.param(Refusal(text_error(503, "service unavailable"), times=None), id="unavailable"),
    pytest.param(Refusal(HTML_PAGE.response, times=None), id="a proxy's page"),
    pytest.param(Close(times=None), id="closes"),
]


def test_a_server_that_answers_no_request_at_all(one: Path) -> None:
    def check(fault: Fault) -> None:
        with DmrDouble(faults=[fault]) as dmr:
            done = run("docstrings", "one.py", "--write", "--timeout", "1", cwd=one, env=at(dmr))
        assert done.code == 3
        assert "one.py:1" in done.err

    each(WHOLE, check)
    assert (one / "one.py").read_text() == ONE


LISTINGS = [
    pytest.param(Hang(times=None, path="/models"), id="hangs"),
    pytest.param(Refusal(HTML_PAGE.response, times=None, path="/models"), id="a login page"),
    pytest.param(Refusal(NOT_JSON.response, times=None, path="/models"), id="broken JSON"),
    pytest.param(Refusal(text_error(500, "no"), times=None, path="/models"), id="an error"),
    pytest.param(Reset(times=None, path="/models"), id="a reset"),
]


def test_a_server_that_lists_no_models_is_none(one: Path) -> None:
    def check(fault: Fault) -> None:
        with DmrDouble(faults=[fault]) as dmr:
            done = run("docstrings", "one.py", cwd=one, env=at(dmr))
            assert dmr.chats == []
        assert done.code == 2
        assert "DMR_BASE_URL" in done.err

    each(LISTINGS, check)
