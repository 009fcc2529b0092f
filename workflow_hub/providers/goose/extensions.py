"""Tool servers (MCP) that Goose starts or reaches for a run, and whether it could."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workflow_hub.errors import Unavailable
from workflow_hub.providers.goose.work import Extension

LOGS = "state/logs/cli/*/*.log"
FAILED = "Failed to load extension "


def servers(extensions: Iterable[Extension]) -> list[Mapping[str, Any]]:
    """The tool servers in the words of the protocol (session/new, `mcpServers`)."""
    return [
        {"type": "http", "name": one.name, "url": one.url, "headers": []}
        if one.url
        else {"name": one.name, "command": one.command[0], "args": [*one.command[1:]], "env": []}
        for one in extensions
    ]


def need(root: Path) -> None:
    """Raise Unavailable where a tool server of the run at `root` did not start.

    Goose goes on without it, and tells its log alone. Source: Goose 1.52.0.
    """
    for log in root.glob(LOGS):
        for line in log.read_text("utf-8", "replace").splitlines():
            if FAILED in line and (said := _message(line)).startswith(FAILED):
                name, _, why = said.removeprefix(FAILED).partition(": ")
                raise Unavailable(
                    f"the tool server {name} does not start: {why}; look at `extensions` in routing.yaml"
                )


def _message(line: str) -> str:
    try:
        event = json.loads(line)
    except ValueError:  # not written to its end yet
        return ""
    match event:
        case {"fields": {"message": str(message)}}:
            return message
    return ""
