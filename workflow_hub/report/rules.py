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
        "docstring-stale",
        "warning",
        "The code has changed since the docstring was written, in what the docstring speaks of.",
        "Read the docstring again. Whatever you change in it makes it fresh; `--fix-stale` repairs what can "
        "be told from the code.",
    ),
    Rule(
        "param-missing",
        "error",
        "A docstring that describes parameters leaves one out.",
        "Run `workflow-hub docstrings PATH --fix-stale --write` to have it described; your own words stay.",
    ),
    Rule(
        "param-unknown",
        "error",
        "A docstring describes a parameter that the signature does not have.",
        "Run `workflow-hub docstrings PATH --fix-stale --write`: what was renamed gets its new name, what is "
        "gone goes.",
    ),
    Rule(
        "param-order",
        "info",
        "A docstring describes the parameters in another order than the signature has them.",
        "Run `workflow-hub docstrings PATH --fix-stale --write` to have the entries moved as they are.",
    ),
    Rule(
        "returns-missing",
        "warning",
        "A docstring that describes parameters does not say what is returned.",
        "Run `workflow-hub docstrings PATH --fix-stale --write` to have it added, or begin the docstring "
        "with what is returned.",
    ),
    Rule(
        "returns-unneeded",
        "error",
        "A docstring says what is returned, and nothing is.",
        "Run `workflow-hub docstrings PATH --fix-stale --write` to have it taken out.",
    ),
    Rule(
        "yields-missing",
        "warning",
        "A docstring that describes parameters does not say what is yielded.",
        "Run `workflow-hub docstrings PATH --fix-stale --write` to have it added.",
    ),
    Rule(
        "yields-unneeded",
        "error",
        "A docstring says what is yielded, and nothing is.",
        "Run `workflow-hub docstrings PATH --fix-stale --write` to have it taken out.",
    ),
    Rule(
        "raises-missing",
        "info",
        "A docstring with sections does not name an exception that is raised.",
        "Run `workflow-hub docstrings PATH --fix-stale --write` to have it added.",
    ),
    Rule(
        "raises-unknown",
        "warning",
        "A docstring names an exception that cannot be raised, or that is spelt otherwise in the code.",
        "Run `workflow-hub docstrings PATH --fix-stale --write` to have it renamed or taken out.",
    ),
    Rule(
        "attribute-unknown",
        "warning",
        "A docstring describes an attribute that the class does not have.",
        "Rename it or take it out. Classes that set attributes by name are not judged.",
    ),
    Rule(
        "ignore-unknown",
        "warning",
        "A comment switches off a rule that does not exist.",
        "Write the rule as docs/docstring-rules.md does, or take the comment out.",
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
