"""What the tests of `ask` share."""

from __future__ import annotations

from workflow_hub.routing.signals import signals

# Nobody can tell without knowing more; which of them the model leans to tools for changes as it is trained.
LEFT_OPEN = ("Docs?", "Explain the parser.", "Rename it to sum_prices.", "A test for this.", "Logging")


def _is_open(text: str) -> bool:
    found = signals(text)
    return found.unsure and found.needs == {"files"}


OPEN = next(filter(_is_open, LEFT_OPEN))
