"""`workflow-hub goose`: what is printed, what is asked, and what is never done without a yes."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
import yaml

from workflow_hub.cli.goose import command
from workflow_hub.errors import SetupError, Unavailable, UsageError
from workflow_hub.providers.goose import install


def goose(*arguments: str) -> int:
    code: int = command.main(arguments, standalone_mode=False)
    return code


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's data folder, and a PATH on which there is nothing."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GOOSE_BIN", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "block"),
    [
        pytest.param(
            [],
            {
                "GOOSE_PROVIDER": "ollama",
                "OLLAMA_HOST": "http://localhost:12434/engines/llama.cpp",
                "GOOSE_MODEL": "ai/qwen3-coder:latest",
            },
            id="as it is known",
        ),
        pytest.param(
            ["--host", "http://h:1", "--model", "ai/x"],
            {"GOOSE_PROVIDER": "ollama", "OLLAMA_HOST": "http://h:1", "GOOSE_MODEL": "ai/x"},
            id="another runner",
        ),
    ],
)
def test_config(capsys: pytest.CaptureFixture[str], arguments: list[str], block: dict[str, str]) -> None:
    assert goose("config", *arguments) == 0
    assert yaml.safe_load(capsys.readouterr().out) == block


def program(path: Path, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho ' {version}'\n")
    path.chmod(0o755)
    return path


def test_status(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unavailable, match="type `workflow-hub goose install`"):
        goose("status")
    path = program(data / "goose", "1.52.0")
    assert goose("status") == 0
    assert capsys.readouterr() == (f"Goose 1.52.0 at {path} (PATH)\n", "")
    program(path, "1.60.0")
    assert goose("status") == 0
    assert capsys.readouterr().err.startswith("Goose 1.60.0 is not the version that workflow-hub knows")


def test_install_asks_at_a_terminal_only(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"97 MB to fetch, 301 MB on disk; type `.* install --yes`"):
        goose("install")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(click, "confirm", lambda *_, **__: (_ for _ in ()).throw(click.Abort()))
    with pytest.raises(click.Abort):
        goose("install")
    assert not list(data.iterdir())


def test_install_without_npm(data: Path) -> None:
    with pytest.raises(SetupError, match="npm is not on this machine"):
        goose("install", "--yes")


def test_install(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Fetching is another test's; here it has been done by the second time."""
    place = install.folder() / install.PACKAGE.version / "goose"

    def fetched(**_: object) -> Path:
        program(place, "1.52.0")
        with place.open("ab") as file:
            file.truncate(install.PACKAGE.binary_bytes)
        return place

    monkeypatch.setattr(install, "install", fetched)
    assert goose("install", "--yes") == 0
    assert goose("install") == 0
    assert capsys.readouterr().out == f"Goose 1.52.0 is in {place}\nGoose 1.52.0 is already in {place}\n"
