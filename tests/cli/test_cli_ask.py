"""`workflow-hub ask`: what the model is told, what comes out as it comes, and what becomes of failures."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cli_help import AS_ANYBODY, Ran, at, each, ended, finished, run, start
from doubles.dmr import (
    CRASH_500,
    CutShort,
    Die,
    DmrDouble,
    EngineKilled,
    Fault,
    Hang,
    NoDone,
    Refusal,
    Says,
    Stall,
    StoredModel,
    StreamError,
    Thinks,
    Wrapped,
    engine_error,
    images_of,
)
from doubles.tiny_model import build_text_model

HELLO = "Hello! How can I assist you today?"
QUESTION = "What is a list in Python?"
REPORT = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text("utf-8"))
PNG = b"\x89PNG\r\n\x1a\nnot much of a picture"
PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}}}
EYES = (StoredModel("ai/gemma3", sees=True),)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with something to read along."""
    (tmp_path / "cart.py").write_text("def add():\n    pass\n")
    (tmp_path / "notes.md").write_text("```\ncode\n```\n")
    (tmp_path / "shot.png").write_bytes(PNG)
    (tmp_path / "person.json").write_text(json.dumps(PERSON))
    return tmp_path


def ask(dmr: DmrDouble, here: Path, *arguments: str | Path, stdin: bytes | None = None, **env: str) -> Ran:
    """Ask, with `stdin` piped in."""
    if stdin is None:
        return run("ask", *arguments, cwd=here, env=at(dmr) | env)
    reading, writing = os.pipe()
    process = start("ask", *arguments, cwd=here, env=at(dmr) | env, stdin=reading)
    os.close(reading)
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(stdin)
    return finished(process)


def told(dmr: DmrDouble) -> tuple[str, str]:
    """(system, user) of the last request."""
    texts: dict[str, str] = {}
    for message in dmr.chats[-1].body["messages"]:
        content = message["content"]
        parts = content if isinstance(content, list) else [{"text": content}]
        texts[message["role"]] = "".join(part.get("text", "") for part in parts)
    return texts.get("system", ""), texts["user"]


CART = "cart.py\n```\ndef add():\n    pass\n```"
# (what is typed, what is piped in, what the model is told)
TOLD: list[Any] = [
    pytest.param((QUESTION,), None, QUESTION, id="a question"),
    pytest.param((QUESTION,), b"", QUESTION, id="a question, and nothing piped in"),
    pytest.param((QUESTION, "-f", "cart.py"), None, f"{CART}\n\n{QUESTION}", id="a file"),
    pytest.param(
        (QUESTION, "-f", "cart.py", "--file", "notes.md"),
        None,
        f"{CART}\n\nnotes.md\n````\n```\ncode\n```\n````\n\n{QUESTION}",
        id="two files, one with a fence",
    ),
    pytest.param((QUESTION,), b"a,b\n", f"stdin\n```\na,b\n```\n\n{QUESTION}", id="a pipe"),
    pytest.param((), f"{QUESTION}\n".encode(), QUESTION, id="a prompt from a pipe"),
    pytest.param(("-",), QUESTION.encode(), QUESTION, id="a prompt from a pipe, said"),
    pytest.param(("-f", "cart.py"), QUESTION.encode(), f"{CART}\n\n{QUESTION}", id="that and a file"),
    pytest.param(("--", "-1 + 1 = ?"), None, "-1 + 1 = ?", id="a prompt that looks like an option"),
    pytest.param(("Qu'est-ce que {{ 7*7 }} 日本?",), None, "Qu'est-ce que {{ 7*7 }} 日本?", id="any text"),
]


def test_what_the_model_is_told(here: Path) -> None:
    def check(arguments: tuple[str, ...], stdin: bytes | None, user: str) -> None:
        with DmrDouble(models=("ai/smollm2",)) as dmr:
            done = ask(dmr, here, *arguments, stdin=stdin)
            assert told(dmr)[1] == user
            assert "Answer to the point" in told(dmr)[0]
            assert dmr.chats[-1].body["stream"] is True
        assert (done.code, done.text) == (0, f"{HELLO}\n")

    each(TOLD, check)


def test_instructions_take_the_place_of_the_packaged_ones(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2",)) as dmr:
        assert ask(dmr, here, QUESTION, "--system", "Answer in Latin.").code == 0
        assert told(dmr) == ("Answer in Latin.", QUESTION)


def test_a_picture_goes_to_a_model_with_eyes(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2", *EYES)) as dmr:
        done = ask(dmr, here, "What is on it?", "--image", "shot.png", "--image", "shot.png")
        assert [one.body["model"] for one in dmr.chats] == ["ai/gemma3"]
        assert len(images_of(dmr.chats[-1].body)) == 2
    assert (done.code, done.text) == (0, f"{HELLO}\n")


# (what is typed, what is said)
WRONG: list[Any] = [
    pytest.param((), 'there is no prompt; type `workflow-hub ask "…"`, or pipe it in', id="nothing"),
    pytest.param(("",), "the prompt is empty", id="an empty prompt"),
    pytest.param((" \n",), "the prompt is empty", id="blanks"),
    pytest.param(("-",), "there is no prompt", id="an empty pipe"),
    pytest.param((b"caf\xe9",), "the prompt is no text in UTF-8", id="a prompt in another encoding"),
    pytest.param(("x", "y"), "unexpected extra argument", id="two prompts"),
    pytest.param(("x", "-f", "no.py"), "there is no file no.py", id="no such file"),
    pytest.param(("x", "-f", "."), ". is a folder; name the files in it", id="a folder"),
    pytest.param(("x", "-f", "empty"), "empty is empty", id="an empty file"),
    pytest.param(
        ("x", "-f", "shot.png"), "shot.png is a picture; hand it over with --image", id="a picture for a text"
    ),
    pytest.param(("x", "-f", "huge"), "huge is larger than 4 MB", id="a huge file"),
    pytest.param(("x", "--image", "cart.py"), "cart.py is none of PNG, JPEG", id="a text for a picture"),
    pytest.param(("x", "--image", "no.png"), "there is no file no.png", id="no such picture"),
    pytest.param(("x", "--image", "large.png"), "large.png is larger than 7.7 MB", id="a huge picture"),
    pytest.param(("x", "--json-schema", "cart.py"), "cart.py is not JSON", id="no JSON"),
    pytest.param(("x", "--json-schema", "float.json"), "float.json: $.type: number is outside", id="number"),
    pytest.param(("x", "--approve", "ask"), "--approve ask needs a terminal to ask at", id="nobody to ask"),
    pytest.param(("x", "--approve", "always"), "always", id="no such approval"),
    pytest.param(("x", "--tools", "--allow", ":x"), "`:x` is no rule; write TOOL or", id="no rule"),
    pytest.param(("x", "--no-tools", "--verify", "true"), "--no-tools excludes", id="nothing to verify"),
    pytest.param(("x", "--model", "ai/nope"), "docker model pull ai/nope", id="a model that is not there"),
    pytest.param(("x", "--provider", "static"), "there is no provider static", id="no such provider"),
    pytest.param(("x", "--provider", "embedded"), "WORKFLOW_HUB_WEIGHTS", id="weights that are not there"),
    pytest.param(("x", "--image", "shot.png"), "docker model pull ai/qwen3-vl", id="nobody with eyes"),
]


def test_what_cannot_be_asked_is_said_in_one_line(here: Path) -> None:
    (here / "empty").touch()
    (here / "huge").write_bytes(b"x" * 4_000_001)
    (here / "large.png").write_bytes(PNG + bytes(7_700_000))
    (here / "float.json").write_text('{"type": "number"}')

    def check(arguments: tuple[Any, ...], says: str) -> None:
        words = [one if isinstance(one, str) else os.fsdecode(one) for one in arguments]
        done = ask(dmr, here, *words)
        assert (done.code, done.out) == (2, b"")
        assert says in done.err
        assert len(done.messages) <= 4

    with DmrDouble(models=("ai/smollm2",)) as dmr:
        each(WRONG, check)
        assert dmr.chats == []


def test_a_file_that_may_not_be_read(here: Path) -> None:
    (here / "secret").write_text("x")
    (here / "secret").chmod(0)
    done = run("ask", "x", "-f", "secret", cwd=here, prepared=AS_ANYBODY)
    assert (done.code, done.err) == (2, "workflow-hub: secret cannot be read: Permission denied\n")


# -- what comes out ------------------------------------------------------------------------------


def test_the_answer_streams(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2",), faults=[Stall(times=None, chunks=4)]) as dmr:
        with ended(start("ask", QUESTION, cwd=here, env=at(dmr))) as process:
            assert process.stdout is not None
            assert process.stdout.read(5) == b"Hello"
            process.send_signal(signal.SIGINT)
            done = finished(process)
        assert dmr.wait_until(lambda: dmr.disconnects == 1)
    assert done.code == 130
    assert done.out.endswith(b"\n") and done.out.count(b"\n") == 1
    assert done.messages[-1] == "workflow-hub: interrupted"


def test_ctrl_c_before_anything_came(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2",), faults=[Hang(times=None)]) as dmr:
        with ended(start("ask", QUESTION, cwd=here, env=at(dmr))) as process:
            assert dmr.wait_until(lambda: dmr.in_flight == 1)
            process.send_signal(signal.SIGINT)
            done = finished(process)
        assert dmr.wait_until(lambda: dmr.disconnects == 1)
    assert (done.code, done.out, done.err) == (130, b"", "workflow-hub: interrupted\n")


# (what the model says, what is on stdout)
TEXTS = [
    pytest.param("One.", "One.\n", id="a line"),
    pytest.param("One.\n", "One.\n", id="a line with its end"),
    pytest.param("\nOne.\n\nTwo.\n\n\n", "One.\n\nTwo.\n", id="more ends than lines"),
    pytest.param("\x1b[31mred\x1b[0m\r\x07", "\x1b[31mred\x1b[0m\r\x07\n", id="raw where it is piped"),
    pytest.param("naïve 日本語 🙂", "naïve 日本語 🙂\n", id="any script"),
]


def test_the_answer_ends_with_one_line_end(here: Path) -> None:
    def check(text: str, out: str) -> None:
        with DmrDouble(models=("ai/smollm2",), answer=lambda body: text) as dmr:
            done = ask(dmr, here, QUESTION)
        assert (done.code, done.out) == (0, out.encode())

    each(TEXTS, check)


def test_stderr_says_who_answered(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2",)) as dmr:
        (line,) = ask(dmr, here, QUESTION).messages
        assert ask(dmr, here, QUESTION, "-q").err == ""
    assert line.startswith("dmr ai/smollm2 by the rule rest, ")
    assert line.endswith(" prompt tokens, 10 written")


def test_a_model_thinks_aloud_on_stderr_where_that_is_wanted(here: Path) -> None:
    for fault in (Thinks(times=None), Thinks(times=None, inline=True)):
        with DmrDouble(models=("ai/smollm2",), faults=[fault]) as dmr:
            done, loud = ask(dmr, here, QUESTION), ask(dmr, here, QUESTION, "-v")
        assert done.text.strip() == loud.text.strip() == HELLO
        assert fault.thought not in done.err
        assert fault.thought in loud.err


def test_the_answer_can_go_into_a_file(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2",)) as dmr:
        done = ask(dmr, here, QUESTION, "--output", "answer.txt")
    assert (done.code, done.out) == (0, b"")
    assert (here / "answer.txt").read_text() == f"{HELLO}\n"


def test_a_reader_that_leaves_ends_it(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2",), answer=lambda body: "word " * 200_000) as dmr:
        process = start("ask", QUESTION, cwd=here, env=at(dmr))
        assert process.stdout is not None
        assert process.stdout.read(4) == b"word"
        process.stdout.close()
        process.stdout = None
        done = finished(process)
    assert done.code == 2


# -- JSON ----------------------------------------------------------------------------------------


def test_the_report_is_one_object(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2",)) as dmr:
        done = ask(dmr, here, QUESTION, "--format", "json")
    jsonschema.Draft202012Validator(REPORT).validate(done.report)
    (outcome,) = done.report["outcomes"]
    assert (done.code, done.report["task"], done.report["summary"]["model_calls"]) == (0, "ask", 1)
    assert outcome["route"] == {
        "rule": "rest",
        "provider": "dmr",
        "model": "ai/smollm2",
        "fallback_from": None,
    }
    assert outcome["usage"]["completion_tokens"] == 10
    assert outcome["result"] == {
        "text": HELLO,
        "files": {"created": [], "changed": [], "deleted": []},
        "commands": [],
        "refused": [],
    }


def test_an_answer_of_a_schema_is_json(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2",)) as dmr:
        done = ask(dmr, here, "Who wrote Hamlet?", "--json-schema", "person.json")
        asked = dmr.chats[-1].body["response_format"]["json_schema"]["schema"]
        both = ask(dmr, here, "Who wrote Hamlet?", "--json-schema", "person.json", "--format", "json")
    assert asked["required"] == ["name", "age"] and asked["additionalProperties"] is False
    assert done.code == both.code == 0
    assert set(json.loads(done.out)) == {"name", "age"}
    assert done.text.endswith("}\n")
    (outcome,) = both.report["outcomes"]
    assert outcome["result"]["json"] == json.loads(outcome["result"]["text"]) == json.loads(done.out)


def test_json_that_does_not_fit_is_asked_for_once_more(here: Path) -> None:
    fault = Wrapped(containing="Who wrote Hamlet?")
    with DmrDouble(models=("ai/smollm2",), faults=[fault]) as dmr:
        done = ask(dmr, here, "Who wrote Hamlet?", "--json-schema", "person.json", "--format", "json")
        again = told(dmr)[1]
    assert (done.code, done.report["summary"]["model_calls"]) == (0, 2)
    assert "An earlier answer was refused: the reply is not JSON" in again


def test_json_that_never_fits_fails(here: Path) -> None:
    fault = Says('{"name": 7, "age": null}', times=None, containing="Who wrote Hamlet?")
    with DmrDouble(models=("ai/smollm2",), faults=[fault]) as dmr:
        done = ask(dmr, here, "Who wrote Hamlet?", "--json-schema", "person.json")
    assert (done.code, done.out) == (3, b"")
    assert "the reply does not fit its schema: $.name is not string" in done.err


# -- what goes wrong -----------------------------------------------------------------------------

# (what goes wrong, what has come by then, what is said)
FAILURES: list[Any] = [
    pytest.param(EngineKilled(times=None), True, "broke off", id="the engine dies"),
    pytest.param(NoDone(times=None), True, "broke off", id="no end"),
    pytest.param(StreamError(times=None), True, "", id="an error in the stream"),
    pytest.param(Stall(times=None), True, "did not reply within 2 s", id="it stalls"),
    pytest.param(CutShort(times=None), True, "reached its limit of tokens", id="cut at the limit"),
    pytest.param(Hang(times=None), False, "did not reply within 2 s", id="it hangs"),
    pytest.param(Says("", times=None), False, "sent a reply without text", id="an empty answer"),
    pytest.param(Says(" \n", times=None), False, "answered nothing", id="blanks"),
    pytest.param(Refusal(engine_error(400, "no", "bad"), times=None), False, "no", id="refused"),
    pytest.param(Refusal(CRASH_500.response, times=None), False, "", id="a crash"),
]


def test_a_prompt_that_fails_keeps_what_came(here: Path) -> None:
    (here / "routing.yaml").write_text(ONE_MODEL)

    def check(fault: Fault, came: bool, says: str) -> None:
        flags = ("--timeout", "2")
        with DmrDouble(models=("ai/smollm2",), faults=[fault]) as dmr:
            done = ask(dmr, here, QUESTION, *flags)
            document = ask(dmr, here, QUESTION, *flags, "--format", "json")
        assert (done.code, document.code) == (3, 3)
        assert says in done.err
        assert done.text.startswith("Hello") is came
        assert done.text == "" or done.text.endswith("\n")
        jsonschema.Draft202012Validator(REPORT).validate(document.report)
        (outcome,) = document.report["outcomes"]
        assert outcome["status"] == "failed" and outcome["reason"] and "\n" not in outcome["reason"][:40]
        assert outcome["result"].get("text", "") == done.text.strip()

    each(FAILURES, check)


ONE_MODEL = """\
version: 1
providers:
  dmr: {kind: dmr}
models:
  small: {provider: dmr, try: [ai/smollm2]}
rules:
  - {name: rest, use: small}
"""


def test_another_answers_and_that_is_said(here: Path) -> None:
    with DmrDouble(models=("ai/gemma3",)) as dmr:
        done = ask(dmr, here, QUESTION)
        report = ask(dmr, here, QUESTION, "--format", "json").report
    assert (done.code, done.text) == (0, f"{HELLO}\n")
    assert done.messages[-1].startswith("  fallback instead of ")
    assert "ai/smollm2" in done.messages[-1]
    assert report["summary"]["degraded"] == 1
    assert "ai/smollm2" in report["outcomes"][0]["route"]["fallback_from"]


def test_nobody_answers(here: Path) -> None:
    done = run("ask", QUESTION, cwd=here)
    assert (done.code, done.out) == (2, b"")
    for word in ("docker", "DMR_BASE_URL", "WORKFLOW_HUB_WEIGHTS"):
        assert word in done.err


def test_who_has_begun_to_answer_is_not_replaced(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2", "ai/gemma3"), faults=[EngineKilled(times=None, chunks=5)]) as dmr:
        done = ask(dmr, here, QUESTION)
        assert {one.body["model"] for one in dmr.chats} == {"ai/smollm2"}
    assert done.code == 3
    assert done.text.startswith("Hello")


def test_a_pin_is_the_only_one_asked(here: Path) -> None:
    with DmrDouble(models=("ai/smollm2", "ai/qwen3-coder")) as dmr:
        assert ask(dmr, here, QUESTION, "--model", "qwen3-coder").code == 0
        assert "qwen3-coder" in dmr.chats[-1].body["model"]
        dmr.add(Die(times=None))
        assert ask(dmr, here, QUESTION, "--model", "qwen3-coder").code in {2, 3}


def test_the_embedded_engine_answers(here: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Noise of random weights, up to the end of its context: shown, and called incomplete."""
    weights = build_text_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf", context_tokens=512)
    env = {
        "WORKFLOW_HUB_WEIGHTS": str(weights),
        "WORKFLOW_HUB_EMBEDDED_SLOTS": "1",
        "WORKFLOW_HUB_EMBEDDED_CONTEXT_TOKENS": "512",
    }
    done = run("ask", QUESTION, cwd=here, env=env)
    assert done.code in {0, 3}
    assert done.out
    assert "qwen2.5-coder-0.5b" in done.err
    assert "fallback instead of dmr ai/smollm2: no Docker Model Runner answers" in done.err
    valid = run("ask", QUESTION, "--json-schema", "person.json", cwd=here, env=env)
    assert valid.code in {0, 3}
    assert valid.code == 3 or set(json.loads(valid.out)) == {"name", "age"}


def test_weights_are_never_fetched(here: Path) -> None:
    done = run("ask", QUESTION, "--provider", "embedded", cwd=here, env={"WORKFLOW_HUB_WEIGHTS": ""})
    assert (done.code, done.out) == (2, b"")
    assert "workflow-hub engine start" in done.err
