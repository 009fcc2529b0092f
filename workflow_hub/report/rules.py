"""The rules that findings name, as a table: how grave each is, what it says, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

Severity = Literal["info", "warning", "error"]
# From the least to the gravest.
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, slots=True)
class Rule:
    """`says` is one sentence; `help` is Markdown, for a page beside the finding."""

    id: str
    severity: Severity
    says: str
    help: str


_TABLE = (
    Rule(
        "docstring-missing",
        "error",
        "A function, class or module has no docstring.",
        "Run `workflow-hub docstrings PATH --write` to have it written, or write one. A comment "
        "`# workflow-hub: skip` on the `def` line keeps a function out.",
    ),
    Rule(
        "docstring-incomplete",
        "warning",
        "A docstring lacks a parameter, the return value or an exception.",
        "Run `workflow-hub docstrings PATH --write` to have just that added; your own words stay. "
        "`docstrings.complete: false` leaves such docstrings alone.",
    ),
    Rule(
        "item-failed",
        "error",
        "An item could not be judged, so the report is not complete.",
        "The message says why. The other items were kept: type the same again to go on from there.",
    ),
)
RULES: Mapping[str, Rule] = {rule.id: rule for rule in _TABLE}


def is_at_least(severity: Severity, least: Severity) -> bool:
    """Whether one is as grave as the other, or graver."""
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)
