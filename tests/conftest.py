"""What holds in every test: a home of its own, no model runner but those that the test starts."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something about the machine, and nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# A shell that starts the tests in the background has them ignore Ctrl-C, and whatever they start would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

OURS = ("DMR_", "WORKFLOW_HUB_", "MODEL_RUNNER_", "XDG_")
# A loopback port where nobody listens, so that discovery stays on this machine and finds nothing.
NOWHERE = "127.0.0.1:9"
TEST_CACHE = "WORKFLOW_HUB_TEST_CACHE"


@pytest.fixture(autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith(OURS) and name != "WORKFLOW_HUB_WEIGHTS"]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("DMR_DISCOVERY", NOWHERE)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but this machine fails the test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and address[0] not in {"127.0.0.1", "::1", "localhost"}:
            raise AssertionError(f"a test connects to {address[0]}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that the test works in."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="session")
def goose_bin() -> Path:
    """GOOSE_BIN, else what `goose install` left, else it is installed below WORKFLOW_HUB_TEST_CACHE."""
    from workflow_hub.providers.goose import find, install

    if named := os.environ.get(find.VARIABLE):
        return Path(named)
    default = Path(tempfile.gettempdir()) / "workflow-hub-test-cache"
    cache = Path(os.environ.get(TEST_CACHE) or default)
    return install.installed() or install.install(into=cache / "goose")
