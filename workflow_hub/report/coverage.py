"""How much of what should be documented is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many have a docstring, of those that should."""

    documented: int
    wanted: int

    @property
    def percent(self) -> float:
        """100 where there is nothing to document."""
        return 100 * self.documented / self.wanted if self.wanted else 100.0

    def __str__(self) -> str:
        return f"Documented: {self.documented} of {self.wanted} ({as_percent(self.percent)})."


def rounded(percent: float) -> float:
    """With one decimal, rounded down: what is not whole must not look so."""
    return int(percent * 10) / 10


def as_percent(percent: float) -> str:
    """`99.9 %`."""
    return f"{rounded(percent):.1f} %"
