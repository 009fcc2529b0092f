"""`workflow-hub route` and `workflow_hub.route`: who answers, why, and what is wrong with the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from cli_help import at, each, run
from click.testing import CliRunner
from doubles.dmr import DmrDouble

import workflow_hub
from workflow_hub.cli import route as routing
from workflow_hub.errors import RoutingError, UsageError
from workflow_hub.values import Route

RULES = """\
version: 1
providers:
  dmr: {kind: dmr}
  embedded: {kind: embedded}
models:
  coder: {provider: dmr, try: [ai/a, ai/b]}
  vision: {provider: dmr, try: ai/v, accepts: [text, image]}
rules:
  - {name: eyes, when: {has: image}, use: vision}
  - {name: code, when: {task: [docstrings]}, use: coder, fallback: [embedded]}
  - {name: german, when: {language: de}, use: embedded}
  - {name: rest, use: coder}
"""
GERMAN = "Erkläre mir bitte, was der Unterschied zwischen einer Liste und einem Tupel ist."
TOOLS = "Delete the file notes.txt in this folder and run the tests."


@pytest.fixture
def own(project: Path) -> Path:
    """A folder with rules of its own, and a picture."""
    (project / "routing.yaml").write_text(RULES)
    (project / "shot.png").write_bytes(b"\x89PNG")
    return project


def typed(*arguments: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of `route`, in this process; errors of ours are raised."""
    done = CliRunner().invoke(routing.command, arguments, standalone_mode=False, catch_exceptions=False)
    return int(done.return_value or 0), done.stdout, done.stderr


# (arguments, the rule, the model)
EXPLAINED = [
    pytest.param(["What is a list?"], "rest", "ai/a", id="a prompt"),
    pytest.param([GERMAN], "german", "qwen2.5-coder-0.5b", id="a German one"),
    pytest.param(["--task", "docstrings"], "code", "ai/a", id="a task"),
    pytest.param(["--image", "shot.png", "What is this?"], "eyes", "ai/v", id="an image"),
]


@pytest.mark.parametrize(("arguments", "rule", "model"), EXPLAINED)
def test_who_answers_is_explained(own: Path, arguments: list[str], rule: str, model: str) -> None:
    code, out, err = typed("explain", *arguments, "--format", "json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert (document["route"]["rule"], document["route"]["model"]) == (rule, model)
    assert [one["name"] for one in document["rules"] if one["matched"]] == [rule]
    assert [one["name"] for one in document["rules"]] == ["eyes", "code", "german", "rest"]
    code, out, err = typed("explain", *arguments)
    assert f" by the rule {rule}\n" in out.splitlines(keepends=True)[0]


def test_tools_without_an_agent_are_nobodys(own: Path) -> None:
    code, out, err = typed("explain", TOOLS, "--format", "json")
    document = json.loads(out)
    assert code == 2 and document["route"] is None and not any(one["matched"] for one in document["rules"])
    assert "files" in document["signals"]["needs"]
    assert "no rule of routing.yaml leads to an agent" in err


def test_the_rules_are_listed(own: Path) -> None:
    code, out, _ = typed("list", "--offline")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["eyes", "code", "german", "rest"]
    document = json.loads(typed("list", "--offline", "--format", "json")[1])
    assert document["version"] == 1 and "models" not in document
    assert document["rules"][1] == {
        "name": "code",
        "when": {"task": ["docstrings"]},
        "use": "coder",
        "fallback": ["embedded"],
    }


def test_the_models_are_listed_with_what_to_type(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORKFLOW_HUB_WEIGHTS", raising=False)
    with DmrDouble(models=("ai/a", "ai/b")) as dmr:
        monkeypatch.setenv("DMR_BASE_URL", dmr.url)
        with workflow_hub.DockerModelClient(dmr.url) as client:
            client.chat([{"role": "user", "content": "hi"}], model="ai/b")
        code, out, err = typed("list")
        document = json.loads(typed("list", "--format", "json")[1])
        assert len(dmr.chats) == 1, "no prompt is sent"
    assert (code, err) == (0, "")
    assert out.splitlines()[4:] == [
        "",
        "dmr ai/a                     here",
        "dmr ai/b                     loaded",
        "dmr ai/v                     not here; type `docker model pull ai/v`",
        "embedded qwen2.5-coder-0.5b  not here; type `workflow-hub engine start`",
    ]
    assert document["models"][1:3] == [
        {"provider": "dmr", "model": "ai/b", "state": "loaded", "type": None},
        {"provider": "dmr", "model": "ai/v", "state": "not here", "type": "docker model pull ai/v"},
    ]


def test_the_models_of_a_provider_that_is_not_here(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_HUB_WEIGHTS", "/nowhere/no.gguf")
    code, out, err = typed("list")
    assert (code, err) == (0, "")
    assert out.splitlines()[5:] == [
        *(f"dmr ai/{one}                     provider not here; type `docker model status`" for one in "abv"),
        "embedded qwen2.5-coder-0.5b  not here",
    ]


def test_a_result_can_go_into_a_file(own: Path) -> None:
    assert typed("list", "--offline", "--format", "json", "--output", "rules.json") == (0, "", "")
    assert len(json.loads((own / "rules.json").read_text("utf-8"))["rules"]) == 4


def test_all_faults_are_printed(own: Path) -> None:
    path = own / "routing.yaml"
    path.write_text(
        RULES.replace("[docstrings]", "[docstring]").replace("{kind: embedded}", "{kind: embedded, model: x}")
    )
    code, out, err = typed("check")
    assert (code, err) == (2, "")
    assert [line.removeprefix(f"{path}:")[:30] for line in out.splitlines()] == [
        "4:30: there are no weights x; ",
        "10:18: rule code names the tas",
    ]


def test_models_are_looked_for_where_a_runner_is(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with DmrDouble(models=("ai/b",)) as dmr:
        monkeypatch.setenv("DMR_BASE_URL", dmr.url)
        code, out, err = typed("check")
    assert (code, err) == (2, "")
    assert out == (
        f"{own}/routing.yaml:7:27: nobody plays vision: ai/v is not at dmr; type `docker model pull ai/v`\n"
    )


def test_no_runner_is_no_fault(own: Path) -> None:
    code, out, err = typed("check")
    assert (code, out) == (0, f"{own}/routing.yaml: no faults\n")
    assert err.startswith("models at dmr were not looked for: no Docker Model Runner answers.")


def test_the_command_as_it_is_typed(tmp_path: Path) -> None:
    """Exit codes and streams of the real command; the rules are the packaged ones."""

    def check(arguments: tuple[str, ...], code: int, out: str, err: str) -> None:
        done = run("route", *arguments, cwd=tmp_path)
        assert done.code == code
        assert out in done.text and err in done.err

    each(
        [
            pytest.param(("explain", "What is a list?"), 0, "by the rule rest", "", id="explain"),
            pytest.param(("explain", TOOLS), 0, "goose ai/qwen3-coder by the rule tools", "", id="tools"),
            pytest.param(("explain",), 2, "", "name a prompt, or a task with --task", id="nothing"),
            pytest.param(("explain", "x", "--task", "nope"), 2, "", "there is no task nope; ", id="task"),
            pytest.param(("explain", "x", "--image", "no.png"), 2, "", "no.png", id="image"),
            pytest.param(("list",), 0, "type `docker model status`", "", id="list"),
            pytest.param(("list", "--offline"), 0, "everything", "", id="list of rules"),
            pytest.param((), 2, "", "Usage", id="no command"),
        ],
        check,
    )


def test_the_command_checks_the_packaged_rules(tmp_path: Path) -> None:
    with DmrDouble(models=("ai/qwen2.5-coder", "ai/gemma3")) as dmr:
        done = run("route", "check", cwd=tmp_path, env=at(dmr))
    assert (done.code, done.err) == (0, "")
    assert done.text.endswith("routing.yaml: no faults\n")


def test_a_route_is_a_value(own: Path) -> None:
    assert workflow_hub.route("What is a list?") == Route("rest", "dmr", "ai/a", None, "it takes everything")
    assert workflow_hub.route("", task="docstrings").rule == "code"
    assert workflow_hub.route("What is this?", images=["shot.png"]).rule == "eyes"


def test_a_route_is_told_inside_a_running_loop(own: Path) -> None:
    async def work() -> Route:
        return workflow_hub.route("What is a list?")

    assert anyio.run(work).rule == "rest"


def test_a_tasks_own_prompt_declares_needs(own: Path) -> None:
    (own / "prompts").mkdir()
    (own / "prompts" / "docstrings.j2").write_text(
        "---\nname: docstrings\nversion: 1\nneeds: [terminal]\n---\n"
        "{% block system %}S{% endblock %}{% block user %}U{% endblock %}"
    )
    with pytest.raises(RoutingError, match="the prompt needs terminal, and no rule"):
        workflow_hub.route("", task="docstrings")


# (arguments, error, words)
WRONG: list[Any] = [
    pytest.param({"needs": ["files"]}, RoutingError, "the prompt needs files, and no rule", id="needs"),
    pytest.param(
        {"needs": ["web"]},
        UsageError,
        "there is no need web; there are files, terminal, mcp",
        id="no such need",
    ),
    pytest.param(
        {"task": "x"},
        UsageError,
        "there is no task x; there are ask, describe, docstrings",
        id="no such task",
    ),
]


@pytest.mark.parametrize(("arguments", "error", "words"), WRONG)
def test_what_has_no_route(own: Path, arguments: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        workflow_hub.route("What is a list?", **arguments)


def test_rules_of_a_project_are_trusted_by_the_user_only(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (own / "routing.yaml").write_text(RULES.replace("{kind: dmr}", "{kind: dmr, url: 'http://x.com'}"))
    with pytest.raises(RoutingError, match=r"routing\.yaml:3:20: http://x\.com is neither"):
        workflow_hub.route("What is a list?")
    monkeypatch.setenv("WORKFLOW_HUB_TRUST", "1")
    assert workflow_hub.route("What is a list?").rule == "rest"
    assert typed("list", "--offline")[0] == 0
