"""`workflow-hub ask` with the real Goose: what it does is seen, decided, proved, and taken over or not."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import psutil
import pytest
from cli_help import Ran, at, git, run
from doubles.dmr import DmrDouble, Hang, Refusal, StoredModel, ToolCalls, engine_error, images_of
from terminal_help import screen, terminal

REPORT = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text("utf-8"))
PNG = b"\x89PNG\r\n\x1a\nnot much of a picture"
TASK = "Create a file a.txt with the word hi"
WRITE = ("write", {"path": "a.txt", "content": "hi\n"})
MODELS = ("ai/qwen3-coder", StoredModel("ai/gemma3", sees=True))
Step = str | tuple[str, dict[str, Any]]


def scripted(*steps: Step) -> Callable[[dict[str, Any]], Any]:
    """A model that calls these tools one after the other, or says these words; without tools it describes."""

    def answer(body: dict[str, Any]) -> Any:
        if not body.get("tools"):
            return "A form with a red button that says Pay."
        done = sum(message["role"] == "tool" for message in body["messages"])
        step = steps[min(done, len(steps) - 1)]
        return step if isinstance(step, str) else ToolCalls(((step[0], json.dumps(step[1])),))

    return answer


@pytest.fixture
def here(tmp_path: Path, goose_bin: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in; no process stands in it afterwards."""
    monkeypatch.setenv("GOOSE_BIN", str(goose_bin))
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "shot.png").write_bytes(PNG)
    (folder / "b.txt").write_text("old\n")
    yield folder
    assert not [one for one in psutil.process_iter(["cwd"]) if one.info["cwd"] == str(folder)]


@pytest.fixture
def repository(here: Path) -> Path:
    """The same, as a git work tree with all of it committed."""
    git("init", "-q", cwd=here)
    git("add", ".", cwd=here)
    git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all", cwd=here)
    return here


def ask(dmr: DmrDouble, here: Path, *arguments: str, **env: str) -> Ran:
    return run("ask", *arguments, cwd=here, env=at(dmr) | env)


def result(done: Ran) -> dict[str, Any]:
    """What the JSON report, which is valid, says of the one outcome."""
    jsonschema.Draft202012Validator(REPORT).validate(done.report)
    (outcome,) = done.report["outcomes"]
    found: dict[str, Any] = outcome["result"]
    return found


def test_work_is_done_and_told(here: Path) -> None:
    push = ("shell", {"command": "git push"})
    with DmrDouble(models=MODELS, answer=scripted(WRITE, push, "It is done.\n")) as dmr:
        done = ask(dmr, here, TASK)
    assert (done.code, done.text) == (0, "It is done.\n")
    assert (here / "a.txt").read_text() == "hi\n"
    for line in (
        "  allowed  write a.txt",
        "  refused  shell git push: no rule allows this command",
        "  created  a.txt",
        "  refused  shell git push: no rule allows this command",
    ):
        assert line in done.messages
    assert done.messages[-1].startswith("goose ai/qwen3-coder by the rule tools, ")


def test_work_is_told_as_json(here: Path) -> None:
    steps = (WRITE, ("shell", {"command": "echo hello"}), ("shell", {"command": "rm b.txt"}), "Done.")
    with DmrDouble(models=MODELS, answer=scripted(*steps)) as dmr:
        done = ask(dmr, here, TASK, "--format", "json", "--allow", "shell:echo *")
    found = result(done)
    assert done.code == 0
    assert found["text"] == "Done."
    assert found["files"] == {"created": ["a.txt"], "changed": [], "deleted": []}
    assert found["commands"] == ["echo hello"]
    assert [(one["tool"], one["on"]) for one in found["refused"]] == [("shell", "rm b.txt")]
    assert done.report["outcomes"][0]["route"]["provider"] == "goose"
    assert done.report["outcomes"][0]["usage"]["prompt_tokens"] > 0


def test_nothing_is_allowed_where_that_is_denied(here: Path) -> None:
    with DmrDouble(models=MODELS, answer=scripted(WRITE, "I may not.")) as dmr:
        done = ask(dmr, here, TASK, "--approve", "deny")
    assert (done.code, done.text) == (0, "I may not.\n")
    assert "  refused  write a.txt: every tool is refused (approve: deny)" in done.messages
    assert not (here / "a.txt").exists()


def test_words_before_a_tool_are_lines_of_their_own(here: Path) -> None:
    with DmrDouble(models=MODELS, answer=scripted("Hello.")) as dmr:
        assert ask(dmr, here, "Say hello", "--tools").text == "Hello.\n"


# (the command that has to succeed, the exit code, what is said)
PROOFS = [
    pytest.param("grep -q hi a.txt", 0, "", id="it holds"),
    pytest.param("echo no such word; exit 4", 3, "no such word", id="it does not"),
]


@pytest.mark.parametrize(("command", "code", "says"), PROOFS)
def test_work_is_proved(here: Path, command: str, code: int, says: str) -> None:
    with DmrDouble(models=MODELS, answer=scripted(WRITE, "Done.")) as dmr:
        done = ask(dmr, here, TASK, "--verify", command)
    assert (done.code, done.text) == (code, "Done.\n")
    assert says in done.err
    assert "  created  a.txt" in done.messages


def test_work_in_a_copy_is_shown_and_kept(repository: Path) -> None:
    with DmrDouble(models=MODELS, answer=scripted(WRITE, "Done.")) as dmr:
        done = ask(dmr, repository, TASK, "--in-copy")
    text, _, diff = done.text.partition("\n")
    assert (done.code, text) == (0, "Done.")
    assert diff.startswith("diff --git a/a.txt b/a.txt\n")
    assert not (repository / "a.txt").exists()
    (kept,) = [line for line in done.messages if line.startswith("  kept ")]
    words = shlex.split(kept.partition("`")[2].partition("`")[0])
    subprocess.run(words, check=True, cwd=repository)
    assert (repository / "a.txt").read_text() == "hi\n"


def test_work_in_a_copy_is_kept_for_json_too(repository: Path) -> None:
    (repository / "below").mkdir()
    with DmrDouble(models=MODELS, answer=scripted(WRITE, "Done.")) as dmr:
        done = ask(dmr, repository / "below", TASK, "--in-copy", "--format", "json")
    found = result(done)
    assert found["applied"] is False
    assert Path(found["patch"]).read_bytes().startswith(b"diff --git a/below/a.txt b/below/a.txt\n")
    (kept,) = [line for line in done.messages if line.startswith("  kept ")]
    subprocess.run(shlex.split(kept.partition("`")[2].partition("`")[0]), check=True, cwd=Path.home())
    assert (repository / "below" / "a.txt").read_text() == "hi\n"


def test_work_in_a_copy_is_taken_over(repository: Path) -> None:
    with DmrDouble(models=MODELS, answer=scripted(WRITE, "Done.")) as dmr:
        done = ask(dmr, repository, TASK, "--apply")
    assert done.code == 0
    assert "+hi" in done.text
    assert (repository / "a.txt").read_text() == "hi\n"
    assert not [line for line in done.messages if line.startswith("  kept ")]


def test_work_is_done_in_a_copy_in_ci(repository: Path) -> None:
    with DmrDouble(models=MODELS, answer=scripted(WRITE, "Done.")) as dmr:
        done = ask(dmr, repository, TASK, CI="true")
    assert "+hi" in done.text
    assert not (repository / "a.txt").exists()


def test_a_model_that_fails_is_a_failure_with_what_was_done(here: Path) -> None:
    broken = Refusal(engine_error(400, "the engine is out of order"), times=None, skip=1)
    with DmrDouble(models=MODELS, answer=scripted(WRITE, "Done."), faults=[broken]) as dmr:
        done = ask(dmr, here, TASK, "--format", "json")
    assert done.code == 3
    assert result(done)["files"]["created"] == ["a.txt"]
    assert "out of order" in done.err


def test_there_is_no_goose(here: Path) -> None:
    with DmrDouble(models=MODELS) as dmr:
        done = ask(dmr, here, TASK, GOOSE_BIN="", PATH="/nowhere")
        assert dmr.chats == []
    assert (done.code, done.out) == (2, b"")
    assert "workflow-hub goose install" in done.err


def test_a_plain_provider_is_no_agent(here: Path) -> None:
    with DmrDouble(models=MODELS, answer=scripted("Done.")) as dmr:
        done = ask(dmr, here, TASK, "--provider", "dmr")
        assert (done.code, dmr.chats) == (2, [])
        assert "--no-tools" in done.err
        assert ask(dmr, here, TASK, "--provider", "dmr", "--no-tools").code == 0
        assert ask(dmr, here, TASK, "--model", "ai/gemma3").code == 0
        assert dmr.chats[-1].body["model"] == "ai/gemma3" and dmr.chats[-1].body["tools"]


def test_an_agents_answer_may_be_json(here: Path) -> None:
    (here / "s.json").write_text('{"type": "object", "properties": {"ok": {"type": "boolean"}}}')
    for said, code in (('{"ok": true}', 0), ('```json\n{"ok": true}\n```', 0), ("Done!", 3)):
        with DmrDouble(models=MODELS, answer=scripted(WRITE, said)) as dmr:
            done = ask(dmr, here, TASK, "--json-schema", "s.json")
            assert '"ok"' in str(dmr.chats[0].body["messages"])
        assert done.code == code
        assert json.loads(done.out or "0") == ({"ok": True} if code == 0 else 0)
        (here / "a.txt").unlink()


def test_a_picture_is_described_to_the_agent(here: Path) -> None:
    with DmrDouble(models=MODELS, answer=scripted(WRITE, "Fixed.")) as dmr:
        done = ask(dmr, here, "Fix the button in pay.html", "--image", "shot.png", "--format", "json")
        first, *others = dmr.chats
    assert done.code == 0
    assert first.body["model"] == "ai/gemma3" and images_of(first.body)
    assert "Fix the button in pay.html" in str(first.body["messages"])
    assert not any(images_of(one.body) for one in others)
    told = str(others[0].body["messages"])
    assert "the image, as ai/gemma3 describes it" in told
    assert "A form with a red button that says Pay." in told and "Fix the button in pay.html" in told
    assert done.report["summary"]["model_calls"] == 2


def test_a_picture_that_nobody_can_describe(here: Path) -> None:
    with DmrDouble(models=("ai/qwen3-coder",), answer=scripted(WRITE, "Fixed.")) as dmr:
        done = ask(dmr, here, "Fix the button in pay.html", "--image", "shot.png")
        assert dmr.chats == []
    assert (done.code, done.out) == (2, b"")
    assert "docker model pull ai/qwen3-vl" in done.err


# -- at a terminal -------------------------------------------------------------------------------

QUESTION = b"[N]o: "
# (what is typed, is the file written, what is on screen)
DECISIONS = [
    pytest.param(b"o\n", True, "  allowed  write a.txt", id="once"),
    pytest.param(b"n\n", False, "  refused  write a.txt", id="no"),
]


@pytest.mark.parametrize(("keys", "written", "says"), DECISIONS)
def test_the_user_decides(here: Path, keys: bytes, written: bool, says: str) -> None:
    with (
        DmrDouble(models=MODELS, answer=scripted(WRITE, "Done.")) as dmr,
        terminal("ask", TASK, cwd=here, env=at(dmr)) as shown,
    ):
        shown.read(until=QUESTION)
        shown.type(keys)
        lines = screen(shown.read())
        assert shown.process.wait() == 0
    assert (here / "a.txt").exists() is written
    assert "the agent wants to write" in lines and "    a.txt" in lines
    assert any(line.startswith(says) for line in lines)
    assert "Done." in lines


def test_an_answer_for_the_session_is_not_asked_for_again(here: Path) -> None:
    other = ("write", {"path": "c.txt", "content": "ho\n"})
    with (
        DmrDouble(models=MODELS, answer=scripted(WRITE, other, "Done.")) as dmr,
        terminal("ask", TASK, "--approve", "ask", cwd=here, env=at(dmr)) as shown,
    ):
        shown.read(until=QUESTION)
        shown.type(b"s\n")
        text = shown.read()
    assert text.encode().count(QUESTION) == 1
    assert (here / "a.txt").exists() and (here / "c.txt").exists()


def test_a_pipe_at_a_terminal_is_not_asked(here: Path) -> None:
    push = ("shell", {"command": "git push"})
    reading, writing = os.pipe()
    os.close(writing)
    with (
        DmrDouble(models=MODELS, answer=scripted(WRITE, push, "Done.")) as dmr,
        terminal("ask", TASK, cwd=here, env=at(dmr), stdin=reading) as shown,
    ):
        text = shown.read()
        assert shown.process.wait() == 0
    os.close(reading)
    assert QUESTION.decode() not in text
    assert "no rule allows this command" in text
    assert (here / "a.txt").exists()


@pytest.mark.parametrize("when", ["asked", "working"])
def test_ctrl_c_ends_all_and_tells_what_was_done(here: Path, when: str) -> None:
    faults = [Hang(times=None, skip=1)] if when == "working" else []
    with (
        DmrDouble(models=MODELS, answer=scripted(WRITE, "Done."), faults=faults) as dmr,
        terminal("ask", TASK, cwd=here, env=at(dmr)) as shown,
    ):
        shown.read(until=QUESTION)
        if when == "working":
            shown.type(b"o\n")
            assert dmr.wait_until(lambda: len(dmr.chats) == 2, timeout_s=30)
        began = time.monotonic()
        shown.process.send_signal(signal.SIGINT)
        lines = [line for line in screen(shown.read()) if line]
        assert shown.process.wait() == 130
        assert time.monotonic() - began < 8  # a promise of one second, on a machine that may be busy
    assert any(line == "workflow-hub: interrupted" for line in lines)
    assert (here / "a.txt").exists() is (when == "working")
    assert any("may have used write a.txt" in line for line in lines) is (when == "working")
