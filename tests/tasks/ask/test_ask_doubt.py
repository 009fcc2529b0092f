"""In doubt a small model that is loaded is asked; whatever goes wrong leaves the guess: tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from ask_help import OPEN
from click.testing import CliRunner
from doubles.dmr import PLAIN_500, DmrDouble, Hang, requested_schema

from workflow_hub import DockerModelClient
from workflow_hub.cli import route as routing
from workflow_hub.errors import RoutingError
from workflow_hub.hub import Hub
from workflow_hub.tasks.ask import Asked, doubt, signals_of
from workflow_hub.values import Reply

ASK = "WORKFLOW_HUB_ROUTING_ASK_WHEN_UNSURE"
RULES = """\
version: 1
providers:
  dmr: {kind: dmr}
models:
  small: {provider: dmr, try: [ai/cold, ai/small]}
rules:
  - {name: rest, use: small}
"""


@pytest.fixture
def dmr(project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DmrDouble]:
    """Two models, of which the second is loaded, and says `wants` where it is asked for that."""
    (project / "routing.yaml").write_text(RULES)
    monkeypatch.setenv(ASK, "true")

    def answer(body: dict[str, Any]) -> Any:
        schema = requested_schema(body)
        return wants[-1] if schema and "wants" in schema["properties"] else "Like so."

    with DmrDouble(models=("ai/cold", "ai/small"), answer=answer) as runner:
        monkeypatch.setenv("DMR_BASE_URL", runner.url)
        with DockerModelClient(runner.url) as client:
            client.complete("Wake up.", model="ai/small")
        runner.chats.clear()
        yield runner


wants: list[Any] = []


def ask(text: str) -> Reply:
    async def main() -> Reply:
        async with Hub.open() as hub:
            return await hub.ask(Asked(text))

    return anyio.run(main)


def questions(dmr: DmrDouble) -> list[str]:
    """Who was asked what is wanted."""
    return [one.body["model"] for one in dmr.chats if requested_schema(one.body)]


def test_words_will_do_where_the_model_says_so(dmr: DmrDouble) -> None:
    wants.append({"wants": "say"})
    assert ask(OPEN).text == "Like so."
    assert questions(dmr) == ["ai/small"]


# (what the model says)
DO = [
    pytest.param({"wants": "do"}, id="something is to be done"),
    pytest.param("say", id="no JSON"),
    pytest.param({"wants": "maybe"}, id="none of the choices"),
    pytest.param(PLAIN_500, id="an error"),
    pytest.param(Hang(), id="nothing"),
]


@pytest.mark.parametrize("said", DO)
def test_anything_else_is_done_by_an_agent_or_not_at_all(
    dmr: DmrDouble, monkeypatch: pytest.MonkeyPatch, said: Any
) -> None:
    monkeypatch.setattr(doubt, "PATIENCE_S", 0.5)
    wants.append(said)
    with pytest.raises(RoutingError, match="the prompt needs files"):
        ask(OPEN)
    assert questions(dmr) == ["ai/small"]


def test_nobody_is_asked_where_the_words_are_clear(dmr: DmrDouble) -> None:
    assert ask("What is a list?").text == "Like so."
    with pytest.raises(RoutingError):
        ask("Delete notes.txt")
    assert questions(dmr) == []


def test_nobody_is_waited_for(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "routing.yaml").write_text(RULES)
    monkeypatch.setenv(ASK, "true")
    with DmrDouble(models=("ai/cold",)) as cold:
        monkeypatch.setenv("DMR_BASE_URL", cold.url)
        with pytest.raises(RoutingError):
            ask(OPEN)
        assert cold.chats == []
    with pytest.raises(RoutingError):
        ask(OPEN)  # not even a runner


def test_nobody_is_asked_where_that_is_not_wanted(dmr: DmrDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ASK)
    with pytest.raises(RoutingError):
        ask(OPEN)
    assert dmr.chats == []


def test_a_long_prompt_is_asked_about_by_its_ends(dmr: DmrDouble) -> None:
    wants.append({"wants": "say"})
    ask(f"{OPEN} " + "And so on and so forth. " * 500 + OPEN)
    (asked,) = [one.body["messages"][-1]["content"] for one in dmr.chats if requested_schema(one.body)]
    assert OPEN in asked and asked.endswith(OPEN) and "\n…\n" in asked
    assert len(asked) < 2 * doubt.EDGE_CHARACTERS + 100


@pytest.mark.parametrize(
    ("said", "needs"), [pytest.param("say", [], id="say"), pytest.param("do", ["files"], id="do")]
)
def test_route_explain_asks_too(dmr: DmrDouble, said: str, needs: list[str]) -> None:
    def explained(*arguments: str) -> dict[str, Any]:
        typed = ["explain", OPEN, *arguments, "--format", "json"]
        done = CliRunner().invoke(routing.command, typed, standalone_mode=False, catch_exceptions=False)
        signals: dict[str, Any] = json.loads(done.stdout)["signals"]
        return signals

    wants.append({"wants": said})
    assert explained()["unsure"] is True
    assert dmr.chats == []
    asked = explained("--ask")
    assert (asked["needs"], asked["unsure"]) == (needs, False)
    assert questions(dmr) == ["ai/small"]


def test_words_that_leaned_the_other_way_are_overruled_too() -> None:
    """What is to be done after all needs what its words name."""
    leaning = signals_of(Asked("What is a list?"))
    assert leaning.needs == frozenset()
    overruled = doubt.told(leaning, "Run the tests", done=True)
    assert (overruled.needs, overruled.unsure) == (frozenset({"terminal"}), False)
    assert overruled.evidence[0].text == "Run the tests"
