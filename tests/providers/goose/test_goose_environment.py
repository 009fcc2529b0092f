"""What Goose gets to see of the user's environment, and of the model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workflow_hub.errors import UsageError
from workflow_hub.providers.goose.environment import environment, furnish, throw_away
from workflow_hub.providers.goose.work import Limits, Model

USERS = {
    "PATH": "/bin",
    "LANG": "C.UTF-8",
    "HOME": "/home/ada",
    "AWS_SECRET_ACCESS_KEY": "s",
    "OPENAI_API_KEY": "s",
    "OPENAI_HOST": "",
    "GOOSE_MODE": "auto",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "s",
    "HTTP_PROXY": "s",
    "PROJECT": "p",
}


def of(url: str, root: Path = Path("/root-of-goose"), **more: object) -> dict[str, str]:
    return environment(root, Model("ai/x", url, **more), Limits(turns=7), env=USERS)  # type: ignore[arg-type]


def test_nothing_of_the_users_but_what_commands_need() -> None:
    seen = of("http://localhost:12434/engines/v1", api_key="key")
    assert "s" not in seen.values() and "key" not in seen.values()
    assert (seen["PATH"], seen["LANG"], seen["HOME"]) == ("/bin", "C.UTF-8", "/root-of-goose/home")
    assert (seen["GOOSE_MODE"], seen["GOOSE_MAX_TURNS"], seen["GOOSE_PATH_ROOT"]) == (
        "approve",
        "7",
        "/root-of-goose",
    )
    assert "PROJECT" not in seen


def test_more_where_it_is_named() -> None:
    model = Model("ai/x", "http://localhost/v1", context_tokens=4096)
    seen = environment(
        Path("/r"), model, Limits(), pass_on=("PROJECT", "HOME", "NOT_THERE", "GOOSE_MODE"), env=USERS
    )
    assert (seen["PROJECT"], seen["HOME"], seen["GOOSE_CONTEXT_LIMIT"]) == ("p", "/home/ada", "4096")
    assert "NOT_THERE" not in seen
    assert seen["GOOSE_MODE"] == "approve", "our own settings cannot be replaced"


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        pytest.param(
            "http://localhost:12434/engines/v1",
            "http://localhost:12434",
            "engines/v1/chat/completions",
            id="Docker Model Runner",
        ),
        pytest.param("https://h/v1/", "https://h", "v1/chat/completions", id="a slash at the end"),
        pytest.param("http://[::1]:8", "http://[::1]:8", "chat/completions", id="no path"),
    ],
)
def test_where_the_model_is(url: str, host: str, path: str) -> None:
    seen = of(url)
    assert (seen["OPENAI_HOST"], seen["OPENAI_BASE_PATH"]) == (host, path)


@pytest.mark.parametrize("url", ["unix:///run/docker.sock", "localhost:12434", "", "http://"])
def test_where_goose_cannot_go(url: str) -> None:
    with pytest.raises(UsageError, match="over http or https"):
        of(url)


def test_the_key_is_in_a_file_for_its_owner() -> None:
    with throw_away() as root:
        furnish(root, Model("ai/x", "http://h/v1", api_key='k"ey: ü'))
        secrets = root / "config" / "secrets.yaml"
        assert secrets.stat().st_mode & 0o077 == 0
        assert root.stat().st_mode & 0o077 == 0
        assert json.loads(secrets.read_text("utf-8")) == {"OPENAI_API_KEY": 'k"ey: ü'}
    assert not root.exists()


def test_no_file_for_no_key() -> None:
    with throw_away() as root:
        furnish(root, Model("ai/x", "http://h/v1"))
        assert [path.name for path in (root / "config").iterdir()] == ["config.yaml"]
