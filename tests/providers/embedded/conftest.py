"""The tiny model, and a home of its own for every test: nothing of the user's is read or written."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from doubles.tiny_model import build_projector, build_text_model


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_text_model(tmp_path_factory.mktemp("tiny") / "tiny.gguf")


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with room for a reply that outlasts every test."""
    return build_text_model(tmp_path_factory.mktemp("tiny") / "endless.gguf", context_tokens=131072)


@pytest.fixture(scope="session")
def projector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_projector(tmp_path_factory.mktemp("tiny") / "projector.gguf")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.delenv("WORKFLOW_HUB_WEIGHTS", raising=False)
    return tmp_path


@pytest.fixture(scope="session")
def becomes() -> Callable[[Callable[[], object]], bool]:
    """Whether something outside this process comes true within 20 seconds."""

    def wait(holds: Callable[[], object]) -> bool:
        deadline = time.monotonic() + 20
        while not holds():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    return wait
