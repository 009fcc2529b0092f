"""Local models at work on your code: on Docker Model Runner, or an embedded llama.cpp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflow_hub.doors import enrich_docstring, route
    from workflow_hub.hub import Hub
    from workflow_hub.providers.dmr.client import AsyncDockerModelClient, DockerModelClient

__all__ = ["AsyncDockerModelClient", "DockerModelClient", "Hub", "enrich_docstring", "route"]

# Where each name lives; it is imported when it is first used.
_HOMES = {
    "AsyncDockerModelClient": "workflow_hub.providers.dmr.client",
    "DockerModelClient": "workflow_hub.providers.dmr.client",
    "Hub": "workflow_hub.hub",
    "enrich_docstring": "workflow_hub.doors",
    "route": "workflow_hub.doors",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
