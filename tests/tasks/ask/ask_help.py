"""What the tests of `ask` share."""

from __future__ import annotations

from workflow_hub.routing.signals import signals

# Nobody can tell without knowing more; which of them the model leans to tools for changes as it is trained.
LEFT_OPEN = ("Docs?", "A test for this.", "Logging", "Type hints for the parser?", "Shorter names, please.")


def _is_open(text: str) -> bool:
    found = signals(text)
    return found.unsure and found.needs == {"files"}


OPEN = next(filter(_is_open, LEFT_OPEN))
