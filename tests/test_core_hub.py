from __future__ import annotations

import ast
import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
import pytest
from doubles import dmr as double
from doubles.dmr import DmrDouble, plain_answer, requested_schema
from doubles.tiny_model import build_text_model

import workflow_hub
from workflow_hub import config as configuration
from workflow_hub.diagnosis import VERDICTS, Diagnosis, diagnose
from workflow_hub.doors import enrich_docstring
from workflow_hub.errors import (
    ConfigError,
    ModelMissing,
    PromptError,
    ReplyInvalid,
    RoutingError,
    RunnerUnreachable,
    SetupError,
    SourceRefused,
    UsageError,
)
from workflow_hub.hub import Hub, Pins, Watch, audit_docstrings, run_sync
from workflow_hub.routing.signals import Signals, signals
from workflow_hub.tasks.docstrings import Judged
from workflow_hub.values import Done, Failed, Message, Prompt, Reply, Route, Skipped

ROUTING = """\
version: 1
providers:
  dmr: {kind: dmr}
models:
  coder: {provider: dmr, try: [ai/qwen3-coder, ai/smollm2]}
rules:
  - {name: code, when: {task: docstrings}, use: coder}
"""
KETTLE = """\
def boil(kettle, minutes=3):
    kettle.fill()
    if minutes > 9:
        raise ValueError("too long")
    return kettle.heat(minutes)


def pour(kettle, cup):
    return cup.take(kettle)
"""
ASKED = "def sip(cup):\n    return cup.lift()\n"


def phrase(body: dict[str, Any]) -> str | dict[str, Any]:
    """Words that may stand in any slot, and the seal where the canary asks for it."""
    schema = requested_schema(body) or {}
    if "seal" in schema.get("properties", {}):
        return plain_answer(body)
    ways = ("on and on", "into the sink", "past the rim", "down the wall", "as steam", "for the guests")
    return {name: f"Lets the water run {way}." for name, way in zip(schema["properties"], ways, strict=False)}


@pytest.fixture
def runner(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DmrDouble]:
    """A model runner that the project's rules lead to."""
    (project / "routing.yaml").write_text(ROUTING)
    with DmrDouble(answer=phrase) as dmr:
        monkeypatch.setenv("DMR_BASE_URL", dmr.url)
        yield dmr


def document(*paths: str | Path, write: bool = False, **options: Any) -> list[Any]:
    async def main() -> list[Any]:
        async with Hub.open(**options) as hub:
            return await hub.docstrings(paths, write=write)

    return anyio.run(main)


def asked(dmr: DmrDouble) -> list[str]:
    """The questions about code, canaries left aside."""
    return [one.body["messages"][-1]["content"] for one in dmr.chats if "zqx7" not in one.raw.decode()]


# -- a run ---------------------------------------------------------------------------------------


def test_a_patch_for_every_file_and_the_files_left_alone(runner: DmrDouble, project: Path) -> None:
    heard: list[Any] = []
    patches: list[bytes] = []
    replies: list[Reply] = []
    begun: list[Any] = []
    (project / "b.py").write_text(ASKED)
    (project / "a.py").write_text(KETTLE)
    watch = Watch(settled=heard.append, patch=patches.append, replied=replies.append, begun=begun.extend)
    outcomes = document(".", watch=watch)
    assert [one.item.id for one in outcomes] == ["a.py::boil", "a.py::pour", "b.py::sip"]
    assert all(isinstance(one, Done) and one.route and one.route.rule == "code" for one in outcomes)
    assert outcomes == heard
    assert begun == [("a.py", project / "a.py"), ("b.py", project / "b.py")]
    assert len(replies) == len(asked(runner)) == 3
    assert (project / "a.py").read_text() == KETTLE
    assert len(patches) == 2
    (project / ".patch").write_bytes(b"".join(patches))
    subprocess.run(["git", "apply", ".patch"], check=True, cwd=project)
    assert "Lets the water run on and on." in (project / "a.py").read_text()
    assert all(ast.get_docstring(node) for node in ast.parse((project / "a.py").read_text()).body)


def test_files_are_edited_once_and_a_second_run_does_nothing(runner: DmrDouble, project: Path) -> None:
    (project / "a.py").write_text(KETTLE)
    document("a.py", write=True)
    written = (project / "a.py").read_bytes()
    before = len(runner.requests)
    assert document("a.py", write=True) == []
    assert (project / "a.py").read_bytes() == written
    assert len(runner.requests) == before, "not even looked for"


def test_answers_are_remembered_for_the_next_run(runner: DmrDouble, project: Path) -> None:
    (project / "a.py").write_text(KETTLE)
    first = document("a.py")
    second = document("a.py")
    assert len(asked(runner)) == 2
    assert [one.asked for one in first] == [1, 1] and [one.asked for one in second] == [0, 0]
    assert [one.result.docstring for one in first] == [one.result.docstring for one in second]
    no_cache = configuration.current_config({"cache.enabled": False})
    assert [one.asked for one in document("a.py", config=no_cache)] == [1, 1]


def test_a_file_of_answers_may_be_chosen(runner: DmrDouble, project: Path) -> None:
    (project / "a.py").write_text(KETTLE)
    chosen = project / "below" / "answers"
    document("a.py", config=configuration.current_config({"cache.path": chosen}))
    assert chosen.stat().st_size > 0


def test_what_cannot_be_asked_about_is_an_outcome_of_its_own(runner: DmrDouble, project: Path) -> None:
    (project / "a.py").write_text("def broken(:\n")
    (project / "b.py").write_text(ASKED)
    (project / "d.py").symlink_to(Path(workflow_hub.__file__))
    failed, done, skipped = document(".")
    assert isinstance(failed, Failed) and "a.py:1: syntax error" in str(failed.error)
    assert isinstance(done, Done)
    assert isinstance(skipped, Skipped) and skipped.reason == "a link to a file outside of the project"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("x = 1\n", 0, id="nothing to document"),
        pytest.param('def f():\n    """Said."""\n', 0, id="all is said"),
        pytest.param("def broken(:\n", 1, id="only what fails"),
    ],
)
def test_where_nothing_is_asked_nobody_has_to_be_there(project: Path, text: str, count: int) -> None:
    (project / "a.py").write_text(text)
    heard: list[Any] = []
    assert len(document("a.py", watch=Watch(settled=heard.append))) == len(heard) == count


def test_where_nobody_answers_the_run_stops_before_the_first_item(project: Path) -> None:
    (project / "routing.yaml").write_text(ROUTING)
    (project / "a.py").write_text(KETTLE)
    with pytest.raises(RunnerUnreachable, match=r"127\.0\.0\.1:9 \(discovery\): no connection"):
        document("a.py", write=True)
    assert (project / "a.py").read_text() == KETTLE


def test_a_model_that_is_not_there_is_named_with_what_to_type(runner: DmrDouble, project: Path) -> None:
    (project / "a.py").write_text(KETTLE)
    with pytest.raises(ModelMissing, match=r"ai/other is not at .*docker model pull ai/other"):
        document("a.py", pins=Pins(model="ai/other"))
    assert runner.chats == []


def test_the_second_of_a_role_answers_and_the_route_says_for_whom(runner: DmrDouble, project: Path) -> None:
    runner.models = [double.StoredModel("ai/smollm2")]
    (project / "a.py").write_text(ASKED)
    (one,) = document("a.py")
    assert (one.route.model, one.route.fallback_from) == ("ai/smollm2", "dmr ai/qwen3-coder")
    assert one.route.why.startswith("ai/qwen3-coder is not at ")


def test_a_server_that_dies_in_the_middle_fails_the_rest(runner: DmrDouble, project: Path) -> None:
    said: list[str] = []
    runner.add(double.Die(containing="sip"))
    (project / "a.py").write_text(KETTLE)
    (project / "b.py").write_text(ASKED)
    outcomes = document(".", jobs=1, watch=Watch(say=said.append), write=True)
    assert [type(one) for one in outcomes] == [Done, Done, Failed]
    assert "Lets the water" in (project / "a.py").read_text()
    assert (project / "b.py").read_text() == ASKED


def test_patches_do_not_reach_out_of_the_folder_but_edits_do(
    runner: DmrDouble, project: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text(ASKED)
    with pytest.raises(UsageError, match=r"outside\.py is outside of the current folder, .*use --write"):
        document(outside)
    (one,) = document(outside, write=True)
    assert isinstance(one, Done) and one.item.path == outside.as_posix()
    assert '"""' in outside.read_text()


def test_a_path_that_is_not_there(project: Path) -> None:
    with pytest.raises(UsageError, match=r"no\.py does not exist"):
        document("no.py")


def test_the_projects_own_prompt_and_style_hold_below_its_root(
    runner: DmrDouble, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / ".git").mkdir()
    (project / "prompts").mkdir()
    packaged = (Path(__file__).parents[1] / "prompts" / "docstrings.j2").read_text()
    (project / "prompts" / "docstrings.j2").write_text(packaged.replace("{{ code }}", "OURS {{ code }}"))
    (project / "workflow-hub.yaml").write_text("docstrings: {style: sphinx}\n")
    inner = project / "src"
    inner.mkdir()
    (inner / "a.py").write_text(ASKED)
    monkeypatch.chdir(inner)
    patches: list[bytes] = []
    (one,) = document(".", watch=Watch(patch=patches.append))
    assert ":param cup:" in one.result.docstring
    assert "OURS def sip" in asked(runner)[0]
    assert one.item.path == "a.py"
    assert b"+++ b/src/a.py" in patches[0], "git takes paths from the root of the work tree"


def test_what_has_no_docstring_is_listed_without_asking(project: Path) -> None:
    (project / "a.py").write_text(KETTLE)
    (project / "b.py").write_text("def broken(:\n")
    found = list(audit_docstrings(configuration.current_config(), ["."]))
    assert [type(one) for one in found] == [Judged, Judged, Failed]
    assert isinstance(found[0], Judged) and found[0].findings[0].item == "a.py::boil"


def test_to_list_needs_no_rules_and_no_cache(project: Path) -> None:
    (project / "a.py").write_text(KETTLE)
    (project / "routing.yaml").write_text("version: 3\n")
    config = configuration.current_config({"cache.path": project / "answers"})
    assert len(list(audit_docstrings(config, ["a.py"]))) == 2
    assert not (project / "answers").exists()
    with pytest.raises(UsageError, match=r"no\.py does not exist"):
        audit_docstrings(config, ["no.py"])


def own_prompt(project: Path, code: str) -> None:
    """A prompt of the project's, with `code` for the packaged one's `{{ code }}`."""
    packaged = (Path(__file__).parents[1] / "prompts" / "docstrings.j2").read_text()
    (project / "prompts").mkdir()
    (project / "prompts" / "docstrings.j2").write_text(packaged.replace("{{ code }}", code))


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_wrong_prompt_stops_the_run_once(runner: DmrDouble, project: Path, jobs: int) -> None:
    own_prompt(project, "{{ code.nothing }}")
    (project / "a.py").write_text(KETTLE)
    heard: list[Any] = []
    with pytest.raises(PromptError, match=r"docstrings\.j2: prompt docstrings: .*no attribute 'nothing'"):
        document("a.py", write=True, jobs=jobs, watch=Watch(settled=heard.append))
    assert heard == [] and runner.chats == []
    assert (project / "a.py").read_text() == KETTLE
    with pytest.raises(PromptError, match="no attribute 'nothing'"):
        enrich_docstring(KETTLE)


def test_what_was_accepted_before_the_run_stopped_is_written(runner: DmrDouble, project: Path) -> None:
    own_prompt(project, "{{ code.nothing if 'pour' in code else code }}")
    (project / "a.py").write_text(KETTLE)
    heard: list[Any] = []
    with pytest.raises(PromptError):
        document("a.py", write=True, jobs=1, watch=Watch(settled=heard.append))
    assert [one.item.id for one in heard] == ["a.py::boil"]
    boil, pour = ast.parse((project / "a.py").read_text()).body
    assert isinstance(boil, ast.FunctionDef) and isinstance(pour, ast.FunctionDef)
    assert ast.get_docstring(boil) and not ast.get_docstring(pour)


EMBEDDED = """\
version: 1
providers:
  dmr: {kind: dmr}
  own: {kind: embedded, model: qwen2.5-coder-0.5b}
rules:
  - {name: code, use: own}
"""


SIGNALLED = """\
version: 1
providers:
  dmr: {kind: dmr}
models:
  coder: {provider: dmr, try: ai/qwen3-coder}
  eyes: {provider: dmr, try: ai/gemma3, accepts: [text, image]}
tasks:
  ask: {temperature: 0.5, max_tokens: 70}
rules:
  - {name: look, when: {has: image}, use: eyes, limits: {max_tokens: 9}}
  - {name: german, when: {language: de}, use: coder}
  - {name: rest, use: eyes}
"""
GERMAN = "Erkläre mir bitte, was der Unterschied zwischen einer Liste und einem Tupel ist."

# (the prompt's signals, the rule, the model, max_tokens as sent)
PROMPTS: list[Any] = [
    pytest.param(signals(GERMAN), "german", "ai/qwen3-coder", 70, id="its language"),
    pytest.param(signals(GERMAN, images=1), "look", "ai/gemma3", 9, id="its images, and the rule's limit"),
    pytest.param(None, "rest", "ai/gemma3", 70, id="nothing is known of it"),
]


@pytest.mark.parametrize(("known", "rule", "model", "tokens"), PROMPTS)
def test_a_prompt_goes_where_its_signals_lead_with_the_options_of_the_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, known: Signals | None, rule: str, model: str, tokens: int
) -> None:
    (project / "routing.yaml").write_text(SIGNALLED)

    async def main() -> Reply:
        async with Hub.open() as hub:
            return await hub.router("ask", known).answer(Prompt("ask", (Message("user", GERMAN),)))

    with DmrDouble(models=("ai/qwen3-coder", "ai/gemma3")) as dmr:
        monkeypatch.setenv("DMR_BASE_URL", dmr.url)
        route = anyio.run(main).route
        body = dmr.chats[0].body
    assert route == Route(rule, "dmr", model)
    assert (body["temperature"], body["max_tokens"]) == (0.5, tokens)


def test_who_rests_does_so_for_all_tasks_of_a_hub(project: Path) -> None:
    (project / "routing.yaml").write_text(SIGNALLED)

    async def main() -> None:
        async with Hub.open() as hub:
            hub.router("ask").health.failed("dmr", None, RunnerUnreachable("gone"), at_once=True)
            with pytest.raises(RunnerUnreachable, match=r"^gone$"):
                await hub.router("docstrings").choose()

    anyio.run(main)


@pytest.mark.parametrize(
    ("pins", "runs"),
    [
        pytest.param(Pins(), "qwen2.5-coder-0.5b", id="the rules' own"),
        pytest.param(Pins(model="qwen2.5-coder-1.5b"), "qwen2.5-coder-1.5b", id="another of the catalogue"),
        pytest.param(Pins("own", "qwen2.5-coder-1.5b"), "qwen2.5-coder-1.5b", id="and its provider"),
        pytest.param(Pins("own"), "qwen2.5-coder-0.5b", id="its provider alone"),
    ],
)
def test_the_embedded_engine_runs_the_pinned_weights(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pins: Pins, runs: str
) -> None:
    monkeypatch.setenv("WORKFLOW_HUB_WEIGHTS", str(build_text_model(tmp_path / "tiny.gguf")))
    (project / "routing.yaml").write_text(EMBEDDED)

    async def main() -> Any:
        async with Hub.open(pins=pins) as hub:
            return (await hub.router("docstrings").choose()).model.id

    assert anyio.run(main) == runs


def test_a_pin_that_is_in_no_catalogue_is_not_for_the_embedded_engine(project: Path) -> None:
    (project / "routing.yaml").write_text(EMBEDDED)
    (project / "a.py").write_text(ASKED)
    with pytest.raises(ModelMissing, match=r"runs qwen2\.5-coder-0\.5b, not ai/x"):
        document("a.py", pins=Pins(model="ai/x"))


@pytest.mark.parametrize(
    ("file", "text", "error"),
    [
        pytest.param("routing.yaml", "version: 3\n", RoutingError, id="rules"),
        pytest.param(
            "routing.yaml",
            ROUTING.replace("kind: dmr", "kind: dmr, url: 'http://x.com'"),
            RoutingError,
            id="foreign",
        ),
        pytest.param("workflow-hub.yaml", "api: {base_url: 'http://x.com'}\n", ConfigError, id="settings"),
    ],
)
def test_a_wrong_file_stops_a_hub_from_opening(
    project: Path, file: str, text: str, error: type[SetupError]
) -> None:
    (project / file).write_text(text)
    with pytest.raises(error, match=rf"{file}:\d"):
        Hub.open()


def test_trust_opens_what_a_file_may_not_say(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "routing.yaml").write_text(ROUTING.replace("kind: dmr", "kind: dmr, url: 'http://x.com'"))
    monkeypatch.setenv("WORKFLOW_HUB_TRUST", "1")
    hub = Hub.open()
    assert hub.rules.providers["dmr"].model_dump()["url"] == "http://x.com"
    hub.cache.close()


def test_a_hub_may_have_an_environment_of_its_own(project: Path) -> None:
    (project / "routing.yaml").write_text(ROUTING)
    (project / "a.py").write_text(ASKED)
    with DmrDouble(answer=phrase) as dmr:
        assert isinstance(document("a.py", env={"DMR_BASE_URL": dmr.url})[0], Done)


# -- enrich_docstring ----------------------------------------------------------------------------

FUNCTION = "def boil(kettle, minutes=3):\n    return kettle.heat(minutes)\n"


def reads_as(literal: str) -> str:
    text = ast.literal_eval(literal)
    assert isinstance(text, str)
    return text


def test_a_literal_that_python_reads(runner: DmrDouble) -> None:
    text = reads_as(enrich_docstring(FUNCTION))
    assert text.startswith("Lets the water run on and on.")
    assert "Args:" in text and "minutes" in text


@pytest.mark.parametrize(
    ("style", "words"),
    [("google", "Args:"), ("numpy", "Parameters\n"), ("sphinx", ":param kettle:")],
)
def test_every_style(runner: DmrDouble, style: str, words: str) -> None:
    assert words in reads_as(enrich_docstring(FUNCTION, style=style))


def test_a_method_cut_from_its_class_and_what_it_says_already(runner: DmrDouble) -> None:
    code = (
        '    async def boil(self, kettle):\n        """Said by hand."""\n        return await kettle.heat()\n'
    )
    text = reads_as(enrich_docstring(code))
    assert text.startswith("Said by hand.\n") and "kettle" in text
    assert '"summary"' not in runner.chats[-1].raw.decode().partition("response_format")[2]


def test_what_is_complete_is_given_back_and_nobody_is_asked(runner: DmrDouble) -> None:
    assert enrich_docstring('def f():\n    """All is said."""\n') == '"""All is said."""'
    assert runner.chats == []


@pytest.mark.parametrize(("example", "shown"), [(True, ">>> mean([1, 2])\n        1.5\n"), (False, "")])
def test_an_example_runs_the_snippet_where_it_is_asked_for(
    runner: DmrDouble, example: bool, shown: str
) -> None:
    def answer(body: Any) -> str:
        document = json.loads(double.plain_answer(body))
        return json.dumps({**document, "example": "mean([1, 2])"} if "example" in document else document)

    runner.answer = answer
    text = reads_as(enrich_docstring("def mean(a):\n    return sum(a) / len(a)\n", example=example))
    assert (">>>" in text) is example and shown in text


def test_another_model(runner: DmrDouble) -> None:
    runner.models = [double.StoredModel("ai/other")]
    assert enrich_docstring(FUNCTION, model="ai/other")
    assert runner.chats[-1].body["model"] == "ai/other"


WRONG = [
    pytest.param(
        {"function_code": "x = 1"}, UsageError, "there is no function or class in the code", id="none"
    ),
    pytest.param({"function_code": ""}, UsageError, "there is no function or class", id="empty"),
    pytest.param({"function_code": "def f(:"}, UsageError, "cannot be read as Python", id="syntax"),
    pytest.param({"function_code": "x = '\ud800'"}, UsageError, "cannot be read as Python", id="surrogate"),
    pytest.param({"function_code": "\0"}, UsageError, "cannot be read as Python", id="null byte"),
    pytest.param(
        {"function_code": FUNCTION, "style": "epytext"},
        UsageError,
        "there is no style epytext; there are google, numpy, sphinx",
        id="style",
    ),
    pytest.param(
        {"function_code": FUNCTION, "model": "ai/none"}, ModelMissing, "docker model pull", id="model"
    ),
]


@pytest.mark.parametrize(("arguments", "error", "words"), WRONG)
def test_what_cannot_be_done_is_said(
    runner: DmrDouble, arguments: dict[str, Any], error: type[SetupError], words: str
) -> None:
    with pytest.raises(error, match=words):
        enrich_docstring(**arguments)


def test_nobody_there(project: Path) -> None:
    (project / "routing.yaml").write_text(ROUTING)
    with pytest.raises(RunnerUnreachable, match="DMR_BASE_URL="):
        enrich_docstring(FUNCTION)


def test_an_answer_that_cannot_be_trusted(runner: DmrDouble) -> None:
    runner.answer = lambda body: phrase(body) if "zqx7" in json.dumps(body) else '{"summary": "TODO"}'
    with pytest.raises(ReplyInvalid):
        enrich_docstring(FUNCTION)
    assert len(asked(runner)) == 2


def test_inside_a_running_event_loop(runner: DmrDouble) -> None:
    async def notebook() -> str:
        return enrich_docstring(FUNCTION)

    assert reads_as(asyncio.run(notebook())) == reads_as(anyio.run(notebook))


def test_in_threads_at_once(runner: DmrDouble) -> None:
    codes = [FUNCTION.replace("boil", f"boil{number}") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        literals = list(pool.map(enrich_docstring, codes))
    assert all("Args:" in reads_as(literal) for literal in literals)
    assert len(asked(runner)) == 8


def test_in_a_plain_script(runner: DmrDouble, project: Path) -> None:
    script = f"from workflow_hub import enrich_docstring\nprint(enrich_docstring({FUNCTION!r}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(workflow_hub.__file__).parents[1])},
    )
    assert reads_as(done.stdout.strip()).startswith("Lets the water run on and on.")
    assert done.stderr == ""


# -- run_sync ------------------------------------------------------------------------------------


class Odd(BaseException):
    pass


@pytest.mark.parametrize("error", [SourceRefused("no"), KeyError("bug"), Odd()], ids=["ours", "a bug", "odd"])
def test_an_error_comes_through_as_it_is(error: BaseException) -> None:
    async def work() -> None:
        raise error

    async def inside() -> None:
        run_sync(work)

    for call in (lambda: run_sync(work), lambda: anyio.run(inside)):
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error


def test_without_a_loop_the_work_runs_here_and_beside_one_in_a_thread() -> None:
    async def where() -> threading.Thread:
        return threading.current_thread()

    async def inside() -> threading.Thread:
        return run_sync(where)

    assert run_sync(where) is threading.main_thread()
    assert anyio.run(inside) is not threading.main_thread()


# -- diagnosis -----------------------------------------------------------------------------------


def diagnosed(**options: Any) -> Diagnosis:
    async def main() -> Diagnosis:
        async with Hub.open(**options) as hub:
            return await diagnose(hub)

    return anyio.run(main)


@pytest.mark.parametrize(
    ("models", "code", "statuses"),
    [
        pytest.param(["ai/qwen3-coder", "ai/smollm2"], 0, ["ok", "ok"], id="fine"),
        pytest.param(["ai/qwen3-coder"], 0, ["ok", "missing"], id="the first choice will do"),
        pytest.param(["ai/smollm2"], 1, ["missing", "ok"], id="degraded"),
        pytest.param(["ai/other"], 2, ["missing", "missing"], id="nobody"),
    ],
)
def test_every_candidate_is_looked_for(
    runner: DmrDouble, models: list[str], code: int, statuses: list[str]
) -> None:
    runner.models = [double.StoredModel(name, context_tokens=4096) for name in models]
    found = diagnosed()
    assert (found.exit_code, found.verdict) == (code, VERDICTS[code])
    candidates = [one for one in found.checks if one.name.startswith("docstrings: ")]
    assert [one.name for one in candidates] == [
        "docstrings: dmr ai/qwen3-coder",
        "docstrings: dmr ai/smollm2",
    ]
    assert [one.status for one in candidates] == statuses
    for one in candidates:
        assert ("docker model pull" if one.status == "missing" else "4096 tokens of context") in one.says
    assert runner.chats == []


def test_pins_are_what_is_looked_for(runner: DmrDouble) -> None:
    found = diagnosed(pins=Pins(model="ai/none"))
    assert (found.exit_code, found.checks[-1].name) == (2, "docstrings: dmr ai/none")


def test_settings_are_shown_with_their_origin_and_the_key_never(
    runner: DmrDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DMR_API_KEY", "very-secret")
    found = diagnosed()
    says = {one.name: one.says for one in found.checks}
    assert f"api.base_url = {runner.url} (environment variable DMR_BASE_URL)" in says["settings"]
    assert "api.key = *** (environment variable DMR_API_KEY)" in says["settings"]
    assert "very-secret" not in json.dumps([one.as_dict() for one in found.checks])
    assert says["cache"].endswith("answers.sqlite3")
    assert says["python"].startswith(".".join(map(str, sys.version_info[:3])))


def test_with_nothing_set_all_is_as_it_comes(runner: DmrDouble) -> None:
    plain = configuration.load(Path.cwd(), env={})
    says = {one.name: one.says for one in diagnosed(config=plain).checks}
    assert says["settings"] == "all as they come"
    off = configuration.load(Path.cwd(), env={}, flags={"cache.enabled": False})
    assert {one.name: one.says for one in diagnosed(config=off).checks}["cache"] == "in memory"


def test_a_cache_that_cannot_be_read_is_missing(runner: DmrDouble) -> None:
    async def main() -> Diagnosis:
        async with Hub.open() as hub:
            hub.cache.close()
            return await diagnose(hub)

    found = anyio.run(main)
    assert {one.name: one.status for one in found.checks}["cache"] == "missing"
