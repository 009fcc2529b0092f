"""What a slow step says of itself while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """A step in words ("downloading qwen2.5-coder-0.5b") and how far it is; `total` is 0 where unknown."""

    doing: str
    done_bytes: int = 0
    total_bytes: int = 0


Tell = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Tell nobody."""
