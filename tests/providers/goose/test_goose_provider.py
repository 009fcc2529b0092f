"""The agent as a provider: routed to, at work at the user's desk, on the model that plays its role."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from doubles.scripted_model import MODEL, Call, Fail, Hang, Say, ScriptedModel, Step

from workflow_hub import config as configuration
from workflow_hub.errors import (
    HubError,
    ModelMissing,
    ReplyInvalid,
    RequestRefused,
    RunnerTimeout,
    SchemaIgnored,
    Unavailable,
    UsageError,
)
from workflow_hub.hub import Hub
from workflow_hub.providers import goose
from workflow_hub.providers.goose import Answer, Approve, Rule
from workflow_hub.providers.goose.desk import Desk
from workflow_hub.providers.goose.provider import text_of
from workflow_hub.routing.pick import plain
from workflow_hub.values import Delta, Files, Image, Message, Prompt, RefusedCall, Reply, Work

RULES = """\
version: 1
providers:
  dmr: {{kind: dmr, url: "{url}"}}
  goose: {{kind: goose, model: coder{more}}}
models:
  coder: {{provider: dmr, try: [{model}]}}
rules:
  - {{name: tools, when: {{needs: [files]}}, use: goose, limits: {{{limits}}}}}
  - {{name: rest, use: coder}}
"""
WRITE = Call("write", {"path": "a.txt", "content": "x"}, "I write.")
TOUCH = Call("shell", {"command": "touch b.txt"})
Asked = Callable[..., tuple[Reply, ScriptedModel]]


def prompt(text: str = "Write a file.", **fields: Any) -> Prompt:
    return Prompt("ask", (Message("user", text),), needs=frozenset({"files"}), **fields)


@pytest.fixture
def asked(project: Path, env: dict[str, str]) -> Asked:
    def answered(
        script: Sequence[Step],
        prompt: Prompt = prompt(),
        *,
        on_delta: Callable[[Delta], object] | None = None,
        desk: Desk | None = None,
        more: str = "",
        limits: str = "",
        model: str = MODEL,
        **settings: Any,
    ) -> tuple[Reply, ScriptedModel]:
        flags = {name.replace("__", "."): value for name, value in settings.items()}
        with ScriptedModel(script) as server:
            (project / "routing.yaml").write_text(
                RULES.format(url=server.url, more=more, limits=limits, model=model)
            )
            settings_ = configuration.load(project, env={}, flags=flags)

            async def answer() -> Reply:
                user = {**env, "WORKFLOW_HUB_TRUST": "1"}
                async with Hub.open(settings_, env=user, desk=desk) as hub:
                    router = hub.router("ask", plain("ask", needs=["files"]))
                    return await router.answer(prompt, on_delta)

            return anyio.run(answer), server

    return answered


def test_a_prompt_becomes_work(asked: Asked, project: Path) -> None:
    told: list[Delta] = []
    script = [WRITE, TOUCH, Say("It is done.", thoughts="Is it?")]
    reply, _ = asked(script, on_delta=told.append)
    assert reply.text == "It is done."
    assert reply.work == Work(
        files=Files(created=("a.txt",)),
        refused=(RefusedCall("shell", "touch b.txt", "no rule allows this command"),),
    )
    assert "".join(delta.text for delta in told) == "I write.\n\nIt is done."
    assert "".join(delta.reasoning for delta in told) == "Is it?"
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.model) == (300, 30, MODEL)
    assert reply.route is not None
    assert (reply.route.rule, reply.route.provider, reply.route.model) == ("tools", "goose", MODEL)
    assert (project / "a.txt").read_text() == "x"


def test_the_desk_says_where_and_hears_all(asked: Asked, project: Path) -> None:
    shop = project / "shop"
    shop.mkdir()
    heard: list[goose.Event] = []
    desk = Desk(shop, allow=(Rule("shell", "touch *"),), on_event=heard.append, verify="test -f b.txt")
    reply, _ = asked([WRITE, TOUCH, Say("done")], desk=desk)
    assert reply.work is not None
    assert reply.work.files.created == ("a.txt", "b.txt")
    assert reply.work.commands == ("touch b.txt",)
    assert reply.work.notes == ("`test -f b.txt` exits with 0",)
    assert (shop / "b.txt").exists()
    assert {"ToolAsked", "ToolDecided", "ToolFinished", "TextDelta"} == {type(one).__name__ for one in heard}


async def yes(request: goose.ToolRequest) -> Answer:
    return Answer.ONCE


@pytest.mark.parametrize(
    ("more", "approve", "ask", "created"),
    [
        pytest.param("", None, None, ("a.txt",), id="nothing said: the list"),
        pytest.param("", None, yes, ("a.txt", "b.txt"), id="somebody to ask: is asked"),
        pytest.param("", Approve.LIST, yes, ("a.txt",), id="the desk says list"),
        pytest.param("", Approve.DENY, yes, (), id="the desk says deny"),
        pytest.param(", approve: deny", None, yes, (), id="the file says deny"),
        pytest.param(", approve: deny", Approve.LIST, None, ("a.txt",), id="the desk comes first"),
        pytest.param(", approve: ask", None, None, ("a.txt",), id="nobody to ask: the list"),
        pytest.param(", allow: ['shell:touch *']", None, None, ("a.txt", "b.txt"), id="a rule of the file"),
    ],
)
def test_who_approves(
    asked: Asked, project: Path, more: str, approve: Approve | None, ask: goose.Ask | None, created: Any
) -> None:
    desk = Desk(project, approve=approve, ask=ask)
    reply, _ = asked([WRITE, TOUCH, Say("done")], desk=desk, more=more)
    assert reply.work is not None
    assert reply.work.files.created == created


def test_to_ask_with_nobody_there_makes_no_sense(asked: Asked, project: Path) -> None:
    with pytest.raises(UsageError, match="needs somebody to ask"):
        asked([Say("x")], desk=Desk(project, approve=Approve.ASK))


@pytest.mark.parametrize(
    ("ci", "in_copy", "apply", "patched", "applied"),
    [
        pytest.param("", None, False, False, False, id="in place"),
        pytest.param("true", None, False, True, False, id="a copy in CI"),
        pytest.param("true", False, False, False, False, id="in place in CI"),
        pytest.param("false", None, False, False, False, id="no CI"),
        pytest.param("", True, False, True, False, id="a copy"),
        pytest.param("", None, True, True, True, id="taken over"),
    ],
)
def test_where_the_work_is_done(
    asked: Asked,
    project: Path,
    env: dict[str, str],
    ci: str,
    in_copy: bool | None,
    apply: bool,
    patched: bool,
    applied: bool,
) -> None:
    env["CI"] = ci
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    reply, _ = asked([WRITE, Say("done")], desk=Desk(project, in_copy=in_copy, apply=apply))
    assert reply.work is not None
    assert (b"a.txt" in reply.work.patch, reply.work.applied) == (patched, applied)
    assert (project / "a.txt").exists() is (not patched or applied)


def test_in_ci_without_git_the_work_is_done_in_place(
    asked: Asked, project: Path, env: dict[str, str]
) -> None:
    env["CI"] = "1"
    asked([WRITE, Say("done")])
    assert (project / "a.txt").exists()


def test_a_failure_tells_what_was_done(asked: Asked) -> None:
    with pytest.raises(ReplyInvalid) as failed:
        asked([WRITE, Say("")])
    assert failed.value.work is not None
    assert failed.value.work.files == Files(created=("a.txt",))
    assert failed.value.partial == "I write."


def test_the_rules_limits_hold(asked: Asked) -> None:
    """The work is ended a little before, so that what was done can be told."""
    with pytest.raises(RunnerTimeout) as late:
        asked([WRITE, Hang("then")], limits="deadline: 6")
    assert late.value.work is not None and late.value.work.files.created == ("a.txt",)
    _, model = asked([Say("done")], prompt(options={"temperature": 0.5}), limits="max_tokens: 77")
    assert (model.requests[0]["max_tokens"], model.requests[0]["temperature"]) == (77, 0.5)


def test_the_settings_hold(asked: Asked, env: dict[str, str]) -> None:
    env |= {"MINE": "fine", "THEIRS": "hush"}
    reply, model = asked(
        [Call("shell", {"command": "env"}), Say("done")],
        more=", allow: [shell]",
        goose__pass_on=["MINE"],
        goose__sandbox="off",
    )
    assert "MINE=fine" in model.results()[0] and "hush" not in model.results()[0]
    assert reply.work is not None
    assert reply.work.notes == ("nothing but approval held the agent back: goose.sandbox is off",)
    with pytest.raises(RunnerTimeout, match=r"not done within 0\.5 seconds"):
        asked([Hang("x")], goose__seconds=0.5)
    with pytest.raises(HubError, match="more than 10 bytes"):
        asked([Say("x")], goose__output_bytes=10)


def test_the_turns_and_tool_servers_of_the_file_hold(asked: Asked) -> None:
    with pytest.raises(HubError, match="used up its 2 turns"):
        asked([Call("tree", {"path": "."})], more=", max_turns: 2")
    with pytest.raises(Unavailable, match="the tool server shop does not start"):
        asked([Say("x")], more=", extensions: {shop: {command: [/no/such]}}")


def test_a_server_that_fails(asked: Asked) -> None:
    with pytest.raises(RequestRefused) as refused:
        asked([Fail(500)])
    assert refused.value.work == Work()


def test_no_such_model(asked: Asked) -> None:
    with pytest.raises(ModelMissing, match="docker model pull ai/other"):
        asked([Say("x")], model="ai/other")


def test_no_goose(asked: Asked, env: dict[str, str], tmp_path: Path) -> None:
    env.pop("GOOSE_BIN")
    env["PATH"] = str(tmp_path)
    with pytest.raises(Unavailable, match="type `workflow-hub goose install`"):
        asked([Say("x")])


IMAGE = Image(b"png", "image/png")


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        pytest.param(
            Prompt("ask", (Message("user", "look", (IMAGE,)),)), RequestRefused, "takes no images", id="image"
        ),
        pytest.param(prompt(schema={"type": "object"}), SchemaIgnored, "follows no JSON schema", id="schema"),
    ],
)
def test_what_an_agent_does_not_take(asked: Asked, given: Prompt, error: type[HubError], says: str) -> None:
    with pytest.raises(error, match=says):
        asked([Say("x")], given)


@pytest.mark.parametrize(
    ("turns", "text"),
    [
        pytest.param([("user", "Do it.")], "Do it.", id="one"),
        pytest.param([("system", "Be kind."), ("user", "Do it.")], "Be kind.\n\nDo it.", id="with a lead"),
        pytest.param(
            [("user", "Do it."), ("assistant", "What?"), ("user", "This.")],
            "user: Do it.\n\nassistant: What?\n\nuser: This.",
            id="several",
        ),
    ],
)
def test_a_prompt_is_one_text(turns: list[tuple[Any, str]], text: str) -> None:
    assert text_of(Prompt("ask", tuple(Message(role, said) for role, said in turns))) == text


def test_an_agent_is_no_model_of_others(asked: Asked, project: Path, env: dict[str, str]) -> None:
    asked([Say("x")])  # writes the rules

    async def others() -> None:
        async with Hub.open(configuration.load(project, env={}), env=env) as hub:
            provider = hub.provider("goose")
            assert await provider.free(MODEL) is False
            with pytest.raises(Unavailable, match="an agent is no model"):
                await provider.endpoint(MODEL)

    anyio.run(others)


DOCS = Path(__file__).parents[3] / "docs" / "goose.md"


def test_the_example_of_the_docs(project: Path, env: dict[str, str]) -> None:
    code, output = (
        DOCS.read_text("utf-8").split(f"```{kind}\n")[1].split("```")[0] for kind in ("python", "text")
    )
    (project / "shop").mkdir()
    (project / "shop" / "cart.py").write_text("total = 1\n")
    (project / "test_cart.py").write_text("def test_cart():\n    import shop.cart\n")
    subprocess.run(["git", "init", "-q"], cwd=project, check=True)
    script = [
        Call("edit", {"path": "shop/cart.py", "before": "total", "after": "sum_of_prices"}),
        Call("shell", {"command": "pytest -q"}),
        Say("I renamed it, and the tests pass."),
    ]
    with ScriptedModel(script, "ai/qwen3-coder") as model:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=env
            | {"DMR_BASE_URL": model.url, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            cwd=project,
        )
    assert (done.stdout, done.stderr) == (output, "")
    assert (project / "shop" / "cart.py").read_text() == "sum_of_prices = 1\n"
