"""The real Goose for every test, fetched once; a folder that it works in, and a run of it in one line."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from doubles.scripted_model import MODEL, ScriptedModel, Step
from goose_work import Work

from workflow_hub.providers import goose
from workflow_hub.providers.goose import find


@pytest.fixture
def env(goose_bin: Path) -> dict[str, str]:
    """The user's environment, with the real Goose in it."""
    return {**os.environ, find.VARIABLE: str(goose_bin)}


@pytest.fixture
def work(env: dict[str, str], project: Path) -> Work:
    def worked(
        script: Sequence[Step],
        *,
        on_event: Callable[[goose.Event], object] = lambda event: None,
        ask: goose.Ask | None = None,
        **fields: Any,
    ) -> tuple[goose.AgentOutcome, ScriptedModel]:
        key = fields.pop("api_key", "")
        with ScriptedModel(script) as model:
            behind = goose.Model(MODEL, model.url, context_tokens=32768, api_key=key)
            request = goose.AgentRequest(**{"prompt": "do it", "folder": project, "model": behind, **fields})

            async def asked() -> goose.AgentOutcome:
                return await goose.run(request, on_event=on_event, ask=ask, env=env)

            return anyio.run(asked), model

    return worked
