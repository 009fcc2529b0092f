"""What the tests of Goose share: how its fixture is called, and waiting for what happens elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from doubles.scripted_model import ScriptedModel, Step

from workflow_hub.providers import goose


class Work(Protocol):
    """Runs Goose on a scripted model, in the project's folder; fields of the request by their names."""

    def __call__(
        self,
        script: Sequence[Step],
        *,
        on_event: Callable[[goose.Event], object] = ...,
        ask: goose.Ask | None = ...,
        **fields: Any,
    ) -> tuple[goose.AgentOutcome, ScriptedModel]: ...


def becomes(holds: Callable[[], object]) -> bool:
    """Whether something outside this process comes true within 20 seconds."""
    deadline = time.monotonic() + 20
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
