"""docs/routing.schema.json, which editors use, and the reader agree about the shape of routing.yaml."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from workflow_hub.located import read_yaml
from workflow_hub.packaged import packaged
from workflow_hub.providers.goose.environment import EXTENSIONS
from workflow_hub.routing.shape import Rules

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema.Draft202012Validator(
    json.loads((ROOT / "docs" / "routing.schema.json").read_text("utf-8"))
)
FULL: dict[str, Any] = {
    "version": 1,
    "providers": {
        "dmr": {"kind": "dmr", "url": "auto"},
        "embedded": {"kind": "embedded", "model": "qwen2.5-coder-0.5b"},
        "goose": {
            "kind": "goose",
            "model": "coder",
            "approve": "ask",
            "allow": ["shell:git *", "write"],
            "max_turns": 9,
            "extensions": {
                "web": {"url": "http://localhost/mcp"},
                "my-notes_2": {"command": ["notes", "-x"]},
            },
        },
    },
    "models": {
        "coder": {"provider": "dmr", "try": ["ai/a", "ai/b"], "context_tokens": 4096},
        "eyes": {"provider": "dmr", "try": "ai/c", "accepts": ["text", "image"]},
    },
    "tasks": {"docstrings": {"temperature": 0.2, "top_p": 0.9, "max_tokens": 300}},
    "rules": [
        {"name": "tools", "when": {"needs": ["files", "terminal", "mcp"]}, "use": "goose"},
        {"name": "look", "when": {"has": "image", "language": ["en", "und"]}, "use": "eyes"},
        {
            "name": "code",
            "when": {
                "any": [{"task": "docstrings"}, {"all": [{"tokens": {"over": 5, "under": 2000}}]}],
                "not": {"language": "de"},
            },
            "use": "coder",
            "fallback": ["embedded"],
        },
        {
            "name": "rest",
            "use": "embedded",
            "fallback": "coder",
            "limits": {"deadline": 90.5, "max_tokens": 800},
        },
    ],
}


def agree(document: Any) -> bool:
    """Whether both take the document; they must not differ."""
    try:
        Rules.model_validate(document)
        taken = True
    except ValidationError:
        taken = False
    assert VALIDATOR.is_valid(document) is taken, document
    return taken


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to everything inside of a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, one in inner for place in places(one, (*here, key)))]


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(VALIDATOR.schema)


def test_the_packaged_file_names_the_schema_and_follows_it() -> None:
    path = packaged("routing.yaml")
    text = path.read_text("utf-8")
    first, _, _ = text.partition("\n")
    assert (path.parent / first.removeprefix("# yaml-language-server: $schema=")).samefile(
        ROOT / "docs" / "routing.schema.json"
    )
    assert agree(read_yaml(text, path).value)


def test_a_file_with_everything_in_it_is_right() -> None:
    assert agree(FULL)


ODD = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1001,
        0.5,
        1e9 + 0.5,
        "",
        "x",
        "a:b",
        ":b",
        "image",
        "text",
        "de",
        "files",
        [],
        ["x"],
        [1],
        {},
        {"x": 1},
    ]
)


@pytest.mark.parametrize("place", places(FULL)[1:], ids=lambda place: ".".join(map(str, place)))
@given(odd=ODD)
def test_reader_and_schema_agree_whatever_is_changed(place: tuple[Any, ...], odd: Any) -> None:
    document = copy.deepcopy(FULL)
    inside: Any = document
    for key in place[:-1]:
        inside = inside[key]
    inside[place[-1]] = odd
    agree(document)
    del inside[place[-1]]
    agree(document)


@pytest.mark.parametrize("name", ["", "Shop", "my shop", "a__b", "a_", "1a", *EXTENSIONS])
def test_no_tool_server_has_such_a_name(name: str) -> None:
    """Its tools could pass for others."""
    document = copy.deepcopy(FULL)
    document["providers"]["goose"]["extensions"] = {name: {"command": ["x"]}}
    assert not agree(document)


def test_the_page_shows_the_packaged_file() -> None:
    _, _, rules = packaged("routing.yaml").read_text("utf-8").partition("version: 1\n")
    page = (ROOT / "docs" / "routing.md").read_text("utf-8")
    assert f"```yaml\nversion: 1\n{rules}```\n" in page
