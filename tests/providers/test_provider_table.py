from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from doubles.dmr import DmrDouble
from doubles.tiny_model import build_text_model

from workflow_hub import config
from workflow_hub.errors import ConfigError, ModelMissing
from workflow_hub.providers import Provider
from workflow_hub.providers.table import PROVIDERS, Around, dmr_addresses, make
from workflow_hub.values import Message, Prompt, Reply

PROMPT = Prompt("greet", (Message("user", "hi"),), options={"max_tokens": 4})


def around(
    env: Mapping[str, str] | None = None,
    *,
    progress: Callable[[str, int, int], None] = lambda *step: None,
    **flags: Any,
) -> Around:
    names = {name.replace("__", "."): value for name, value in flags.items()}
    settings = config.load(Path.cwd(), env=env or {}, flags=names)
    return Around(settings, env or {}, may_download=False, progress=progress)


# (url in routing.yaml, the setting, the environment, the addresses, what named the first)
ADDRESSES = [
    pytest.param("auto", None, {}, ["http://localhost:12434"], "discovery", id="nothing"),
    pytest.param(
        "auto", None, {"DMR_DISCOVERY": "a:1,b:2"}, ["http://a:1", "http://b:2"], "discovery", id="list"
    ),
    pytest.param("http://r:1", None, {}, ["http://r:1"], "routing.yaml", id="routing.yaml"),
    pytest.param(
        "http://r:1", "http://s:1", {}, ["http://s:1"], "command line", id="setting before routing.yaml"
    ),
    pytest.param(
        "http://r:1",
        None,
        {"DMR_BASE_URL": "e:1"},
        ["http://e:1"],
        "environment variable DMR_BASE_URL",
        id="variable before routing.yaml",
    ),
    pytest.param(
        "auto",
        None,
        {"MODEL_RUNNER_HOST": "http://m:1"},
        ["http://m:1"],
        "MODEL_RUNNER_HOST",
        id="other variable",
    ),
]


@pytest.mark.parametrize(("url", "setting", "env", "shown", "origin"), ADDRESSES)
def test_where_the_model_runner_may_be(
    project: Path, url: str, setting: str | None, env: dict[str, str], shown: list[str], origin: str
) -> None:
    found = dmr_addresses(url, around(env, api__base_url=setting))
    # In a container discovery knows more; the first is the same everywhere.
    assert [one.shown for one in found][: len(shown)] == shown
    assert found[0].origin == origin


def test_a_wrong_address_names_what_set_it(project: Path) -> None:
    with pytest.raises(ConfigError, match=r"routing\.yaml is no address"):
        make("dmr", {"url": "ftp://x"}, around())


def answered(provider: Provider, model: str) -> Reply:
    async def main() -> Reply:
        try:
            await provider.find(model)
            return await provider.complete(PROMPT, model)
        finally:
            await provider.aclose()

    return anyio.run(main)


def test_the_model_runner_is_asked_with_key_and_at_the_address(project: Path) -> None:
    with DmrDouble() as dmr:
        provider = make("dmr", {"kind": "dmr", "url": dmr.url}, around(api__key="secret"))
        assert dmr.requests == [], "nothing is contacted yet"
        assert answered(provider, "ai/qwen3-coder").text
        assert {one.headers["authorization"] for one in dmr.requests} == {"Bearer secret"}


def test_the_embedded_engine_runs_as_the_settings_say_and_tells_how_it_goes(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKFLOW_HUB_WEIGHTS", str(build_text_model(tmp_path / "tiny.gguf")))
    told: list[tuple[str, int, int]] = []
    made = around(progress=lambda *step: told.append(step), embedded__slots=2, embedded__context_tokens=512)
    provider = make("embedded", {"model": "qwen2.5-coder-0.5b"}, made)
    info = anyio.run(provider.find, "qwen2.5-coder-0.5b")
    assert (info.slots, info.context_tokens) == (2, 512)
    assert answered(provider, "qwen2.5-coder-0.5b").text
    assert told and all(isinstance(doing, str) and done <= max(total, done) for doing, done, total in told)


def test_another_model_than_its_own_is_missing(project: Path) -> None:
    provider = make("embedded", {"model": "qwen2.5-coder-0.5b"}, around())
    with pytest.raises(ModelMissing, match=r"runs qwen2\.5-coder-0\.5b, not ai/x"):
        anyio.run(provider.find, "ai/x")


def test_every_kind_of_the_rules_is_in_the_table() -> None:
    from workflow_hub.routing.rules import Dmr, Embedded, Goose

    kinds = {part.model_fields["kind"].annotation.__args__[0] for part in (Dmr, Embedded, Goose)}  # type: ignore[union-attr]
    assert kinds == PROVIDERS.keys()
