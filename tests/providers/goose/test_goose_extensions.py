"""Tool servers of the user's beside Goose's own tools, and every use of them decided by the same policy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from doubles import tool_server
from doubles.scripted_model import Call, Say
from doubles.tool_server import ToolServer
from goose_work import Work

from workflow_hub.errors import Unavailable
from workflow_hub.providers.goose import Extension, Rule, Sandbox, extensions
from workflow_hub.values import Files

SHOP = Extension("shop", (sys.executable, tool_server.__file__))
PRICE, ORDER = Call("shop__price", {"sku": "tea"}), Call("shop__order", {"sku": "tea"})
NO_RULE = [("shop__order", "no rule allows this tool")]


@pytest.mark.parametrize(
    ("rule", "refused", "created"),
    [
        pytest.param("shop__price", NO_RULE, (), id="one tool"),
        pytest.param("shop__*", [], ("ordered-tea",), id="all of the server"),
        pytest.param("shell", [("shop__price", "no rule allows this tool"), *NO_RULE], (), id="none of it"),
    ],
)
def test_the_policy_holds_for_them(
    work: Work, rule: str, refused: list[tuple[str, str]], created: tuple[str, ...]
) -> None:
    outcome, model = work([PRICE, ORDER, Say("done")], extensions=(SHOP,), allow=(Rule(rule),))
    assert outcome.error is None
    assert model.tools() >= {"shop__price", "shop__order", "read"}
    assert [(one.request.tool, one.why) for one in outcome.refused] == refused
    assert outcome.files == Files(created=created)
    if rule != "shell":
        assert model.results()[0] == "price of tea: 42"


def test_one_that_listens(work: Work) -> None:
    with ToolServer() as server:
        shop = Extension("shop", url=server.url)
        outcome, model = work([PRICE, Say("done")], extensions=(shop,), allow=(Rule("shop__*"),))
    assert outcome.error is None
    assert model.results() == ["price of tea: 42"]


def test_it_is_behind_the_same_walls(work: Work, project: Path) -> None:
    """It stands in the working folder; what lies beside that is not its business."""
    command = ("/bin/sh", "-c", 'touch ../out; exec "$0" "$1"', *SHOP.command)
    script = [ORDER, Say("done")]
    outcome, _ = work(script, extensions=(Extension("shop", command),), allow=(Rule("shop__*"),))
    assert outcome.error is None
    assert (project / "ordered-tea").exists()
    assert not (project.parent / "out").exists()


@pytest.mark.parametrize(
    ("extension", "says"),
    [
        pytest.param(
            Extension("shop", ("/no/such",)), "the tool server shop does not start: ", id="no command"
        ),
        pytest.param(Extension("shop", ("false",)), "the tool server shop does not start: ", id="it ends"),
        pytest.param(
            Extension("far", url="http://127.0.0.1:9/mcp"),
            "the tool server far does not start: ",
            id="nobody listens",
        ),
    ],
)
@pytest.mark.parametrize("sandbox", [Sandbox.AUTO, Sandbox.OFF])
def test_one_that_does_not_start_ends_the_run(
    work: Work, extension: Extension, says: str, sandbox: Sandbox
) -> None:
    outcome, model = work([Say("x")], extensions=(extension,), sandbox=sandbox)
    assert isinstance(outcome.error, Unavailable)
    assert str(outcome.error).startswith(says)
    assert str(outcome.error).endswith("; look at `extensions` in routing.yaml")
    assert not model.requests, "the model was not asked without its tools"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param('{"fields": {"message": "Failed to load extension x', id="not written to its end"),
        pytest.param('["Failed to load extension x: y"]', id="of another form"),
        pytest.param('{"fields": {"message": "no Failed to load extension x: y"}}', id="another message"),
    ],
)
def test_other_words_of_the_log(tmp_path: Path, line: str) -> None:
    log = tmp_path / "state" / "logs" / "cli" / "2026-11-30" / "1.log"
    log.parent.mkdir(parents=True)
    log.write_text(f"{line}\n")
    extensions.need(tmp_path)
