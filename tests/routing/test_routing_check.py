from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from workflow_hub.errors import ModelMissing, RunnerUnreachable
from workflow_hub.packaged import packaged
from workflow_hub.routing.check import check, serve
from workflow_hub.values import ModelInfo

TASKS = {"ask": frozenset[str](), "docstrings": frozenset[str](), "deploy": frozenset({"terminal"})}
GOOD = """\
version: 1
providers:
  dmr: {kind: dmr}
  other: {kind: dmr}
  embedded: {kind: embedded, model: qwen2.5-coder-0.5b}
  goose: {kind: goose, model: coder}
models:
  coder: {provider: dmr, try: [ai/a, ai/b], context_tokens: 4096}
  small: {provider: other, try: ai/c}
rules:
  - {name: tools, when: {needs: [files, terminal, mcp]}, use: goose}
  - {name: code, when: {task: docstrings}, use: coder}
  - {name: rest, use: small, fallback: [embedded]}
"""

# (what is replaced in GOOD, by what, the faults)
CASES: list[Any] = [
    pytest.param("", "", [], id="none"),
    pytest.param(
        "0.5b",
        "0.6b",
        [":5:30: there are no weights qwen2.5-coder-0.6b; there are qwen2.5-coder-0.5b and"],
        id="weights",
    ),
    pytest.param(
        "{provider: other, try: ai/c}",
        "{provider: embedded, try: ai/c}",
        [":9:31: nobody plays small: embedded runs qwen2.5-coder-0.5b alone"],
        id="a role of the engine that it does not have",
    ),
    pytest.param(
        "{task: docstrings}",
        "{any: [{task: docstring}, {task: [docstrings, asks]}]}",
        [":12:18: rule code names the task docstring, which", ":12:18: rule code names the task asks, which"],
        id="tasks that nobody knows",
    ),
    pytest.param(
        "rules:",
        "tasks: {docstrings: {temperature: 0}, docstring: {max_tokens: 9}}\nrules:",
        [":10:39: there is no task docstring; there are ask, deploy and docstrings"],
        id="options of a task that nobody knows",
    ),
    pytest.param(
        "use: goose}",
        "use: goose, fallback: [small, embedded]}",
        [
            ":11:81: rule tools never asks small: after an agent only agents are asked",
            ":11:88: rule tools never asks embedded: after an agent only agents are asked",
        ],
        id="a model after an agent",
    ),
    pytest.param(
        "rest, use",
        "rest, when: {language: en}, use",
        [":10:1: prompts of the task ask have no rule (one of 0 tokens in und, say); add one, or"],
        id="a language without a rule",
    ),
    pytest.param(
        "rest, use",
        "rest, when: {tokens: {under: 100}}, use",
        [":10:1: prompts of the task ask have no rule (one of 100 tokens in und, say)"],
        id="long prompts without a rule",
    ),
    pytest.param(
        "[files, terminal, mcp]",
        "[files, mcp]",
        [":10:1: prompts of the task deploy that need terminal have no rule"],
        id="a prompt's declared needs without a rule",
    ),
    pytest.param(
        "use: coder}", "uses: coder}", [":12:5: rules.1.use: Field", ":12:44: unknown key"], id="wrong shape"
    ),
    pytest.param(
        "{name: rest, use: small, fallback: [embedded]}",
        "{name: more, when: {task: [docstrings], language: de}, use: coder}",
        [":10:1: prompts of the task ask have no rule", ":13:5: rule more is never reached: code above"],
        id="several at once",
    ),
    pytest.param(
        "rest, use: small, fallback: [embedded]",
        "rest, use: tiny, fallback: [huge]",
        [":13:18: tiny is neither", ":13:40: huge is neither"],
        id="references",
    ),
]


def routing(folder: Path, text: str) -> Path:
    path = folder / "routing.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("old", "new", "faults"), CASES)
def test_all_faults_are_found_without_a_server(tmp_path: Path, old: str, new: str, faults: list[str]) -> None:
    assert old in GOOD
    path = routing(tmp_path, GOOD.replace(old, new, 1))
    found = [str(fault).removeprefix(str(path)) for fault in check(path, TASKS).faults]
    assert len(found) == len(faults), found
    for fault, words in zip(found, faults, strict=True):
        assert fault.startswith(words)


def test_a_file_with_more_than_can_be_looked_at_is_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = routing(tmp_path, GOOD.replace("rest, use", "rest, when: {language: en}, use"))
    assert check(path, TASKS).faults
    monkeypatch.setattr("workflow_hub.routing.check.MOST", 1)
    assert not check(path, TASKS).faults


def test_the_packaged_file_has_no_faults() -> None:
    tasks = {"ask": frozenset[str](), "docstrings": frozenset[str]()}
    assert check(packaged("routing.yaml"), tasks).faults == ()


class Listing:
    """A provider of which only `find` matters: it has `models`, or is not there."""

    def __init__(self, *models: str, there: bool = True) -> None:
        self.models = models
        self.there = there

    async def find(self, model: str) -> ModelInfo:
        if not self.there:
            raise RunnerUnreachable("nobody listens")
        if model not in self.models:
            raise ModelMissing(f"{model} is not here")
        return ModelInfo(model, model)


# (the models at dmr, those at other or None where nobody listens, faults, notes)
SERVERS: list[Any] = [
    pytest.param(["ai/b"], ["ai/c"], [], [], id="all roles are played"),
    pytest.param(
        [],
        ["ai/c"],
        [":8:26: nobody plays coder: ai/a and ai/b are not at dmr; type `docker model pull ai/a`"],
        [],
        id="a role that nobody plays",
    ),
    pytest.param(
        ["ai/a"], None, [], ["models at other were not looked for: nobody listens"], id="a server is not here"
    ),
    pytest.param(
        ["ai/a"],
        [],
        [":9:28: nobody plays small: ai/c is not at other; type `docker model pull ai/c`"],
        [],
        id="one model",
    ),
]


@pytest.mark.parametrize(("dmr", "other", "faults", "notes"), SERVERS)
def test_models_are_looked_for_where_a_server_is(
    tmp_path: Path, dmr: list[str], other: list[str] | None, faults: list[str], notes: list[str]
) -> None:
    path = routing(tmp_path, GOOD)
    reading = check(path, TASKS)
    providers = {"dmr": Listing(*dmr), "other": Listing(*other or (), there=other is not None)}

    async def look() -> None:
        assert reading.rules is not None
        served = await serve(reading, reading.rules, providers.__getitem__)  # type: ignore[arg-type]
        assert [str(fault).removeprefix(str(path)) for fault in served.faults] == faults
        assert list(served.notes) == notes

    anyio.run(look)
