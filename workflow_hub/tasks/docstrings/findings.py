"""A docstring that is missing or lacks parts, as a finding, with the fix where there is one."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import replace

from workflow_hub.report.finding import Finding, Fix, Spot, fingerprint
from workflow_hub.report.rules import RULES, Severity
from workflow_hub.source.files import SourceFile
from workflow_hub.source.splice import Edit
from workflow_hub.source.symbols import Symbol
from workflow_hub.tasks.docstrings.task import Docstring, Target
from workflow_hub.values import Place

# Lines of code that a reader is shown, and lines below a fix.
LINES = 12
LINES_BELOW = 2


def missing(symbol: Symbol, place: Place) -> Finding:
    """That `symbol` has no docstring."""
    rule = RULES["docstring-missing"]
    message = f"{_called(symbol, place)} has no docstring"
    return _finding(symbol, place, rule.id, rule.severity, message)


def no_rule(symbol: Symbol, place: Place, name: str, hint: str) -> Finding:
    """That a comment at `symbol` switches off `name`, which is no rule."""
    rule = RULES["ignore-unknown"]
    message = f"{_called(symbol, place)} switches off {name}, and there is no such rule; {hint}"
    return _finding(symbol, place, rule.id, rule.severity, message, content=name)


def proposed(target: Target, made: Docstring, edits: Sequence[Edit]) -> Finding:
    """That `target` lacks what has been made, with the edits that put it there as the fix.

    It is an `info`: what is offered is no fault. Its confidence is that of the part that is least sure.
    """
    symbol, place = target.symbol, target.place
    fix = _fix(symbol.source, edits) if edits else None
    called = _called(symbol, place)
    if target.documented is None:
        finding = _finding(symbol, place, "docstring-missing", "info", f"{called} has no docstring", fix)
        return replace(finding, confidence=made.least_confidence)
    parts = [key for key in target.slots if key not in made.left_out]
    message = f"the docstring of {called} lacks {', '.join(parts)}"
    content = " ".join(sorted(parts))
    finding = _finding(symbol, place, "docstring-incomplete", "info", message, fix, content)
    return replace(finding, confidence=made.least_confidence)


def _finding(
    symbol: Symbol,
    place: Place,
    rule: str,
    severity: Severity,
    message: str,
    fix: Fix | None = None,
    content: str = "",
) -> Finding:
    return Finding(
        rule,
        severity,
        place.path,
        place.line,
        place.line,
        # `def` and `class` have nothing but blanks before them.
        1 + getattr(symbol.node, "col_offset", 0),
        message,
        fingerprint(rule, place.id, content),
        fix=fix,
        item=place.id,
        code=_code(symbol, fix),
    )


def _called(symbol: Symbol, place: Place) -> str:
    return f"{symbol.kind} {place.name or place.path}"


def _code(symbol: Symbol, fix: Fix | None) -> str:
    lines = symbol.source.lines
    end = getattr(symbol.node, "end_lineno", len(lines))
    last = symbol.line + LINES - 1
    if fix is not None:
        last = max(last, fix.end.line + LINES_BELOW)
    return "\n".join(lines[symbol.line - 1 : min(last, end)])


def _fix(source: SourceFile, edits: Sequence[Edit]) -> Fix:
    """The edits as one, with what stands between them."""
    pieces = []
    read = edits[0].start
    for edit in edits:
        pieces += [source.text[read : edit.start], edit.text]
        read = edit.end
    return Fix("Insert the docstring", _spot(source, edits[0].start), _spot(source, read), "".join(pieces))


def _spot(source: SourceFile, place: int) -> Spot:
    line = bisect.bisect_right(source.starts, place)
    before = source.text[source.starts[line - 1] : place]
    return Spot(line, len(before) + 1, len(before.encode("utf-8", "surrogatepass")) + 1)
