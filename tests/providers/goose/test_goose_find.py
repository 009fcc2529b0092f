"""Which Goose is taken, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow_hub.errors import Unavailable
from workflow_hub.providers.goose import find, install


def program(folder: Path, says: str, code: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "goose"
    path.write_text(f"#!/bin/sh\necho '{says}'\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """One in the user's data folder; its size is what is known to be right."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    path = program(install.folder() / install.PACKAGE.version, " 1.52.0")
    with path.open("ab") as file:
        file.truncate(install.PACKAGE.binary_bytes)  # a hole: no room on the disk
    return path


@pytest.mark.parametrize(
    ("says", "version", "warning"),
    [
        pytest.param(" 1.52.0", "1.52.0", "", id="the one we know"),
        pytest.param(" 1.52.7-canary+abc", "1.52.7-canary+abc", "", id="its later repairs"),
        pytest.param(
            "1.53.0", "1.53.0", "Goose 1.53.0 is not the version that workflow-hub knows (1.52)", id="newer"
        ),
        pytest.param("1.5.2", "1.5.2", "Goose 1.5.2 is not the version", id="older"),
        pytest.param("goose version: v3.24.1", None, "", id="the database tool"),
        pytest.param("", None, "", id="nothing"),
    ],
)
def test_versions(tmp_path: Path, says: str, version: str | None, warning: str) -> None:
    path = program(tmp_path, says)
    assert find.version_of(path) == version
    if version is not None:
        found = find.need({"GOOSE_BIN": str(path)})
        assert (found.path, found.version, found.origin) == (path, version, "GOOSE_BIN")
        assert found.warning.startswith(warning) and bool(found.warning) == bool(warning)


def test_one_that_fails_is_none(tmp_path: Path) -> None:
    assert find.version_of(program(tmp_path, "1.52.0", code=1)) is None
    assert find.version_of(tmp_path) is None


def test_the_order(tmp_path: Path, installed: Path) -> None:
    named, on_path = program(tmp_path / "named", "1.52.1"), program(tmp_path / "bin", "1.52.2")
    env = {"PATH": str(on_path.parent), "GOOSE_BIN": str(named)}
    assert find.need(env).origin == "GOOSE_BIN"
    del env["GOOSE_BIN"]
    assert find.need(env) == find.Goose(installed, "1.52.0", "installed")
    installed.write_text("half")
    assert find.need(env) == find.Goose(on_path, "1.52.2", "PATH")


def test_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(
        Unavailable, match="not on this machine; type `workflow-hub goose install`, or set GOOSE_BIN"
    ):
        find.need({"PATH": str(tmp_path)})


def test_another_program_of_that_name(tmp_path: Path) -> None:
    path = program(tmp_path, "goose version: v3.24.1")
    with pytest.raises(Unavailable, match=rf"\({path} is another program"):
        find.need({"PATH": str(tmp_path)})
    with pytest.raises(Unavailable, match=f"GOOSE_BIN names {path}, which is not the agent Goose"):
        find.need({"GOOSE_BIN": str(path), "PATH": str(tmp_path)})


def test_a_system_where_it_cannot_be_driven() -> None:
    with pytest.raises(Unavailable, match="use WSL"):
        find.need({}, platform="win32")


def test_the_real_one(goose_bin: Path) -> None:
    found = find.need({"GOOSE_BIN": str(goose_bin)})
    assert (found.version, found.warning) == ("1.52.0", "")
