"""The plain functions for those who do not write async; they work inside a running event loop, too."""

from __future__ import annotations

from workflow_hub.errors import UsageError
from workflow_hub.hub import Hub, Pins, run_sync
from workflow_hub.tasks.docstrings import Style


def enrich_docstring(function_code: str, *, style: str = "google", model: str | None = None) -> str:
    """A docstring literal, quotes included, for the first function or class in `function_code`.

    Who answers is what routing.yaml says, or `model` alone. What the code says already in a
    docstring of its own stays. `style` is `google`, `numpy` or `sphinx`. Raises UsageError for
    another style or where there is no Python in the code, another SetupError where nobody can
    answer, and ReplyInvalid where no answer could be trusted.
    """
    if style not in set(Style):
        raise UsageError(f"there is no style {style}; there are {', '.join(Style)}")
    chosen = Style(style)

    async def work() -> str:
        async with Hub.open(pins=Pins(model=model)) as hub:
            return await hub.enrich_docstring(function_code, style=chosen)

    return run_sync(work)
