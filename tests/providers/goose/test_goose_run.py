"""The real Goose at work, on a model that does what a script says."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest
from doubles.scripted_model import MODEL, Break, Call, Cut, Fail, Hang, Say, ScriptedModel, Step
from goose_work import Work, becomes

from workflow_hub.errors import (
    HubError,
    ReplyCut,
    ReplyInvalid,
    RequestRefused,
    RunnerTimeout,
    Unavailable,
    UsageError,
)
from workflow_hub.providers import goose
from workflow_hub.providers.goose import Answer, Approve, Limits, Rule
from workflow_hub.values import Files, Usage

ANY_COMMAND = (Rule("shell"),)
Failing = tuple[threading.Thread, dict[str, goose.AgentOutcome]]
FAILURES: Mapping[str, list[Step]] = {
    "500": [Fail(500)],
    "401": [Fail(401)],
    "in the stream": [Break("half a word")],
    "connection": [Break("half a word", None)],
    "no end": [Cut("half a word")],
    "nothing": [Say("")],
    "turns": [Call("tree", {"path": "."})],
}


@pytest.fixture(scope="module", autouse=True)
def failing(goose_bin: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failing]:
    """FAILURES at work beside the other tests: Goose tries again for seconds before it gives up."""
    folder = tmp_path_factory.mktemp("failures")
    env = {**os.environ, "GOOSE_BIN": str(goose_bin)}
    outcomes: dict[str, goose.AgentOutcome] = {}

    async def one(name: str, url: str) -> None:
        request = goose.AgentRequest("do", folder, goose.Model(MODEL, url), limits=Limits(turns=2))
        outcomes[name] = await goose.run(request, on_event=lambda event: None, env=env)

    async def all_of_them() -> None:
        with contextlib.ExitStack() as models:
            async with anyio.create_task_group() as group:
                for name, script in FAILURES.items():
                    group.start_soon(one, name, models.enter_context(ScriptedModel(script)).url)

    thread = threading.Thread(target=anyio.run, args=(all_of_them,))
    thread.start()
    yield thread, outcomes
    thread.join()


def kinds(events: list[goose.Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_a_file_is_created(work: Work, project: Path) -> None:
    events: list[goose.Event] = []
    script = [Call("write", {"path": "sub/ä 日.txt", "content": "höhe\n"}, "I write. "), Say("It is done.")]
    outcome, model = work(script, on_event=events.append, prompt="Write a file, grüße.")
    assert outcome.error is None
    assert (project / "sub" / "ä 日.txt").read_text("utf-8") == "höhe\n"
    assert outcome.files == Files(created=("sub/ä 日.txt",))
    assert outcome.text == "It is done."
    assert (outcome.commands, outcome.refused) == ((), ())
    assert outcome.usage == Usage(prompt_tokens=200, completion_tokens=20)
    assert outcome.seconds > 0
    assert kinds([event for event in events if not isinstance(event, goose.TextDelta)]) == [
        "ToolAsked",
        "ToolDecided",
        "ToolFinished",
    ]
    assert "".join(event.text for event in events if isinstance(event, goose.TextDelta)) == (
        "I write. It is done."
    )
    assert "Write a file, grüße." in str(model.requests[0]["messages"])
    assert model.tools() == {"read", "write", "edit", "tree", "shell", "read_image"}


def test_files_are_read_edited_and_listed(work: Work, project: Path) -> None:
    (project / "ü.txt").write_text("one\ntwo\n", "utf-8")
    script = [
        Call("read", {"path": "ü.txt", "line": 2}),
        Call("tree", {"path": "."}),
        Call("edit", {"path": "ü.txt", "before": "two", "after": "drei"}),
        Say("done"),
    ]
    outcome, model = work(script)
    assert outcome.files == Files(changed=("ü.txt",))
    assert (project / "ü.txt").read_text("utf-8") == "one\ndrei\n"
    assert model.results()[0].strip() == "two"
    assert "ü.txt" in model.results()[1]


@pytest.mark.parametrize(
    ("call", "approve", "why"),
    [
        pytest.param(
            Call("shell", {"command": "touch b"}), Approve.LIST, "no rule allows this command", id="command"
        ),
        pytest.param(
            Call("write", {"path": "../b", "content": ""}),
            Approve.LIST,
            "the path leads out of the working folder",
            id="outside",
        ),
        pytest.param(
            Call("write", {"path": "b", "content": ""}),
            Approve.DENY,
            "every tool is refused (approve: deny)",
            id="everything",
        ),
    ],
)
def test_what_is_refused_does_not_happen(
    work: Work, project: Path, call: Call, approve: Approve, why: str
) -> None:
    outcome, model = work([call, Say("I could not.")], approve=approve, allow=(Rule("shell", "ls"),))
    assert [(one.request.tool, one.why) for one in outcome.refused] == [(call.tool, why)]
    assert outcome.error is None, "the model was told, and came to its end"
    assert not outcome.files and outcome.commands == ()
    assert not (project.parent / "b").exists()
    assert "declined" in model.results()[0]


def test_a_file_outside_is_not_read(work: Work, project: Path) -> None:
    (project.parent / "secret").write_text("hush")
    (project / "link").symlink_to("../secret")
    outcome, model = work([Call("read", {"path": "link"}), Say("no")])
    assert len(outcome.refused) == 1
    assert "hush" not in str(model.requests[-1])


def test_a_file_that_cannot_be_read(work: Work, project: Path) -> None:
    (project / "big.txt").write_text("x" * 1_000_001)
    os.mkfifo(project / "pipe")
    script = [Call("read", {"path": "big.txt"}), Call("read", {"path": "pipe"}), Say("no")]
    outcome, model = work(script)
    assert outcome.error is None
    assert "larger than 1,000,000 bytes" in model.results()[0]
    assert "there is no such file" in model.results()[1]


def test_a_command_of_the_list_runs(work: Work) -> None:
    command = "printf 'a b' > 'c d.txt'"
    outcome, _ = work([Call("shell", {"command": command}), Say("done")], allow=(Rule("shell", command),))
    assert outcome.commands == (command,)
    assert outcome.files == Files(created=("c d.txt",))


def test_the_user_is_asked(work: Work) -> None:
    asked: list[str] = []
    answers = {"touch a": Answer.SESSION, "touch b": Answer.ONCE, "touch c": Answer.NO}

    async def ask(request: goose.ToolRequest) -> Answer:
        asked.append(request.arguments["command"])
        return answers[request.arguments["command"]]

    names = ["a", "a", "b", "b", "c"]
    script: list[Step] = [Call("shell", {"command": f"touch {name}"}) for name in names]
    outcome, _ = work([*script, Say("done")], approve=Approve.ASK, ask=ask)
    assert asked == ["touch a", "touch b", "touch b", "touch c"]
    assert outcome.files.created == ("a", "b")
    assert [one.why for one in outcome.refused] == ["you said no"]


def test_the_time_of_an_answer_is_not_counted(work: Work) -> None:
    deadlines: dict[str, float] = {}

    async def ask(request: goose.ToolRequest) -> Answer:
        deadlines["while asking"] = anyio.current_effective_deadline()
        return Answer.ONCE

    def heard(event: goose.Event) -> None:
        deadlines[type(event).__name__] = anyio.current_effective_deadline()

    script = [Call("write", {"path": "a", "content": ""}), Say("done")]
    outcome, _ = work(script, approve=Approve.ASK, ask=ask, on_event=heard)
    assert outcome.error is None
    assert deadlines["while asking"] == math.inf
    assert math.inf > deadlines["ToolFinished"] > deadlines["ToolAsked"]


def test_no_secret_is_seen_by_a_command(work: Work, env: dict[str, str]) -> None:
    env |= {"AWS_SECRET_ACCESS_KEY": "hush", "MINE": "fine"}
    outcome, model = work(
        [Call("shell", {"command": "env"}), Say("done")],
        allow=ANY_COMMAND,
        api_key="hush",
        pass_on=("MINE",),
    )
    assert outcome.error is None
    assert model.authorizations == ["Bearer hush"] * 2
    assert "MINE=fine" in model.results()[0]
    assert "hush" not in model.results()[0]


@pytest.mark.parametrize("prompt", ["/prompts", "!touch bang"])
def test_a_prompt_is_no_order_to_goose(work: Work, prompt: str) -> None:
    outcome, model = work([Say("hm")], prompt=prompt)
    assert outcome.text == "hm"
    assert prompt.strip() in str(model.requests[0]["messages"])
    assert not outcome.files


def test_what_was_done_before_a_failure_is_told(work: Work) -> None:
    script = [Call("write", {"path": "a", "content": ""}), Break("then")]
    outcome, _ = work(script)
    assert isinstance(outcome.error, RequestRefused)
    assert outcome.files.created == ("a",)
    assert outcome.usage == Usage(prompt_tokens=100, completion_tokens=10)


def alive(folder: Path) -> list[psutil.Process]:
    """The processes that stand in the folder: Goose and its commands do, and nobody else."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder) and process.pid != os.getpid():
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def test_a_hanging_model_is_ended_by_the_deadline(work: Work, project: Path) -> None:
    outcome, _ = work([Hang("I think")], limits=Limits(seconds=1.5))
    assert isinstance(outcome.error, RunnerTimeout)
    assert "not done within 1.5 seconds" in str(outcome.error)
    assert not alive(project)


def test_the_deadline_may_be_over_before_anything_began(work: Work) -> None:
    outcome, model = work([Say("x")], limits=Limits(seconds=0))
    assert isinstance(outcome.error, RunnerTimeout)
    assert not model.requests


LEAVES_MUCH = (
    "sleep 600 & setsid sleep 600 >/dev/null 2>&1 & (setsid nohup sleep 600 &) >/dev/null; touch started"
)


def test_nothing_that_a_command_left_survives_the_run(work: Work, project: Path) -> None:
    outcome, _ = work([Call("shell", {"command": LEAVES_MUCH}), Say("done")], allow=ANY_COMMAND)
    assert outcome.error is None
    assert not alive(project)


def test_nothing_survives_a_cancelled_run(work: Work, project: Path, env: dict[str, str]) -> None:
    async def cancelled(model: ScriptedModel) -> None:
        request = goose.AgentRequest("do", project, goose.Model(MODEL, model.url), allow=ANY_COMMAND)
        async with anyio.create_task_group() as group:

            def heard(event: goose.Event) -> None:
                if isinstance(event, goose.TextDelta):
                    group.cancel_scope.cancel()

            await goose.run(request, on_event=heard, env=env)

    with ScriptedModel([Call("shell", {"command": LEAVES_MUCH}), Hang("now")]) as model:
        anyio.run(cancelled, model)
    assert (project / "started").exists()
    assert not alive(project)


PARENT = """
import anyio, sys
from pathlib import Path
from workflow_hub.providers import goose
model = goose.Model("m", sys.argv[2])
request = goose.AgentRequest("do", Path(sys.argv[1]), model, allow=(goose.Rule("shell"),))
async def work():
    await goose.run(request, on_event=lambda event: print(type(event).__name__, flush=True))
anyio.run(work)
"""


def test_nothing_survives_a_killed_parent(project: Path, env: dict[str, str], tmp_path: Path) -> None:
    env |= {"TMPDIR": str(tmp_path / "temporary")}
    (tmp_path / "temporary").mkdir()

    def throw_aways() -> list[Path]:
        return list((tmp_path / "temporary").glob("workflow-hub-goose-*"))

    with ScriptedModel([Call("shell", {"command": LEAVES_MUCH}), Hang("now")]) as model:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(project), model.url],
            stdout=subprocess.PIPE,
            text=True,
            env=env,
            cwd=tmp_path,
        )
        assert parent.stdout is not None
        with parent.stdout:  # open until then: a parent that cannot print any more would end by itself
            assert "TextDelta\n" in iter(parent.stdout.readline, "")
            assert len(alive(project)) > 2
            assert throw_aways()
            parent.send_signal(signal.SIGKILL)
            parent.wait()
        assert becomes(lambda: not alive(project))
        assert becomes(lambda: not throw_aways())


def test_much_output_of_a_tool(work: Work) -> None:
    """1 MB: Goose shows the model the last lines, and we live with what Goose sends."""
    command = "yes 0123456789 | head -c 1000000"
    outcome, model = work([Call("shell", {"command": command}), Say("much")], allow=ANY_COMMAND)
    assert outcome.error is None
    assert outcome.text == "much"
    assert "0123456789" in model.results()[0]


def test_too_much_output_ends_the_run(work: Work, project: Path) -> None:
    limits = Limits(output_bytes=100_000)
    command = "yes 0123456789 | head -c 1000000; sleep 600"
    outcome, _ = work([Call("shell", {"command": command}), Say("much")], allow=ANY_COMMAND, limits=limits)
    assert isinstance(outcome.error, ReplyCut)
    assert "more than 100,000 bytes" in str(outcome.error)
    assert not alive(project)


def test_two_at_a_time(project: Path, env: dict[str, str]) -> None:
    async def both(first: str, second: str) -> list[str]:
        texts: list[str] = []

        async def one(url: str) -> None:
            request = goose.AgentRequest("do", project, goose.Model(MODEL, url))
            texts.append((await goose.run(request, on_event=lambda event: None, env=env)).text)

        async with anyio.create_task_group() as group:
            group.start_soon(one, first)
            group.start_soon(one, second)
        return sorted(texts)

    with ScriptedModel([Say("one")]) as first, ScriptedModel([Say("two")]) as second:
        assert anyio.run(both, first.url, second.url) == ["one", "two"]


def test_in_a_thread_that_is_not_the_main_one(work: Work) -> None:
    texts: list[str] = []
    thread = threading.Thread(target=lambda: texts.append(work([Say("fine")])[0].text))
    thread.start()
    thread.join()
    assert texts == ["fine"]


DOCS = Path(__file__).parents[3] / "docs" / "goose.md"


def test_the_example_of_the_docs(project: Path, env: dict[str, str]) -> None:
    text = DOCS.read_text("utf-8").partition("## From Python\n")[2]
    code, output = (text.split(f"```{kind}\n")[1].split("```")[0] for kind in ("python", "text"))
    (project / "shop").mkdir()
    (project / "shop" / "cart.py").write_text("total = 1\n")
    script = [
        Call("read", {"path": "shop/cart.py"}),
        Call("edit", {"path": "shop/cart.py", "before": "total", "after": "sum_of_prices"}),
        Call("shell", {"command": "pytest -q"}),
        Call("shell", {"command": "git push"}),
        Say("I renamed it, and the tests pass; pushing it was refused."),
    ]
    with ScriptedModel(script) as model:
        done = subprocess.run(
            [sys.executable, "-c", code.replace("http://localhost:12434/engines/v1", model.url)],
            capture_output=True,
            text=True,
            env=env,
            cwd=project,
        )
    assert (done.stdout, done.stderr) == (output, "")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        pytest.param({"prompt": " \n"}, "the prompt is empty", id="nothing to do"),
        pytest.param({"folder": Path("nowhere")}, "there is no folder nowhere", id="nowhere"),
        pytest.param({"approve": Approve.ASK}, "needs somebody to ask", id="nobody to ask"),
    ],
)
def test_what_makes_no_sense(work: Work, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        work([Say("x")], **fields)


def test_there_is_no_goose(work: Work, env: dict[str, str]) -> None:
    env |= {"GOOSE_BIN": "", "PATH": ""}
    with pytest.raises(Unavailable, match="type `workflow-hub goose install`"):
        work([Say("x")])


@pytest.mark.parametrize(
    ("name", "error", "says", "partial"),
    [
        pytest.param("500", RequestRefused, "the engine is out of order", "", id="500"),
        pytest.param("401", RequestRefused, "Authentication required", "", id="401"),
        pytest.param(
            "in the stream", RequestRefused, "the engine crashed", "half a word", id="in the stream"
        ),
        pytest.param("connection", ReplyCut, "broke off", "half a word", id="connection"),
        pytest.param("no end", ReplyCut, "broke off", "half a word", id="no end"),
        pytest.param("nothing", ReplyInvalid, "answered nothing", "", id="nothing"),
        pytest.param("turns", ReplyCut, "used up its 2 turns", "", id="turns"),
    ],
)
def test_a_failure_is_one(
    failing: Failing, name: str, error: type[HubError], says: str, partial: str
) -> None:
    thread, outcomes = failing
    thread.join()
    outcome = outcomes[name]
    assert type(outcome.error) is error
    assert says in str(outcome.error)
    assert outcome.error.partial == partial == outcome.text
