"""Where prompts/ and routing.yaml are: the project's own before the packaged ones."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def packaged(name: str) -> Path:
    """The path of `prompts/x.j2` or `routing.yaml`: in the wheel, or beside the package in a checkout."""
    installed = _PACKAGE / "data" / name
    return installed if installed.exists() else _PACKAGE.parent / name
