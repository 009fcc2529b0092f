"""Which Goose there is on this machine, and whether it is a version that we know."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow_hub.errors import Unavailable
from workflow_hub.providers.goose import install

VARIABLE = "GOOSE_BIN"
INSTALL_COMMAND = "workflow-hub goose install"
KNOWN = (1, 52)
ANSWER_S = 30.0
# ` 1.52.0`, or with a suffix; the database tool of the same name answers `goose version: v3.24.1`.
VERSION = re.compile(r"\s*(?P<version>(\d+)\.(\d+)\.\d+\S*)\s*")


@dataclass(frozen=True, slots=True)
class Goose:
    """A Goose that answers. `origin` is GOOSE_BIN, `installed` or `PATH`; `warning` is empty for 1.52."""

    path: Path
    version: str
    origin: str
    warning: str = ""


def need(env: Mapping[str, str] = os.environ, *, platform: str = sys.platform) -> Goose:
    """The first Goose of GOOSE_BIN, the user's data folder and PATH; Unavailable with what to type.

    What GOOSE_BIN names has to be one; on PATH another program of that name is passed over.
    """
    if platform == "win32":
        raise Unavailable("Goose is driven on Linux and macOS only; on Windows use WSL")
    passed_over = ""
    for path, origin in _places(env):
        version = version_of(path)
        if version is not None:
            return Goose(path, version, origin, warning_about(version))
        if origin == VARIABLE:
            raise Unavailable(f"{VARIABLE} names {path}, which is not the agent Goose")
        passed_over = f" ({path} is another program, or does not run here)"
    raise Unavailable(
        f"Goose is not on this machine{passed_over}; type `{INSTALL_COMMAND}`, or set {VARIABLE}=FILE"
    )


def _places(env: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    if named := env.get(VARIABLE):
        yield Path(named).expanduser().absolute(), VARIABLE
    if here := install.installed():
        yield here, "installed"
    if found := shutil.which("goose", path=env.get("PATH", "")):
        yield Path(found).absolute(), "PATH"


def version_of(path: Path) -> str | None:
    """What `goose --version` says, None where it is not the agent or cannot be run."""
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            timeout=ANSWER_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    matched = VERSION.fullmatch(done.stdout)
    return matched["version"] if matched and done.returncode == 0 else None


def warning_about(version: str) -> str:
    """What to say about a version: nothing about one that we know."""
    matched = VERSION.fullmatch(version)
    if matched and (int(matched[2]), int(matched[3])) == KNOWN:
        return ""
    return (
        f"Goose {version} is not the version that workflow-hub knows ({KNOWN[0]}.{KNOWN[1]}); "
        f"if it misbehaves, type `{INSTALL_COMMAND}`"
    )
