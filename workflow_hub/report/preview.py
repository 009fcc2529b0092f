"""A finding's code as it is, and as it reads with the fix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Literal

from workflow_hub.report.finding import Finding

Change = Literal["same", "old", "new"]
_LINE_END = re.compile(r"\r\n|\r|\n")


def changes(finding: Finding) -> Iterator[tuple[Change, str]]:
    """The lines of the finding's code: what stays, what the fix takes away, and what it brings."""
    lines = _LINE_END.split(finding.code)
    fix = finding.fix
    if fix is None:
        yield from (("same", line) for line in lines)
        return
    first, last = fix.start.line - finding.line, fix.end.line - finding.line
    # A fix at the end of a file may begin behind its last line.
    lines += [""] * (last + 1 - len(lines))
    old = lines[first : last + 1]
    text = lines[first][: fix.start.column - 1] + fix.text + lines[last][fix.end.column - 1 :]
    yield from (("same", line) for line in lines[:first])
    yield from _compared(old, _LINE_END.split(text))
    yield from (("same", line) for line in lines[last + 1 :])


def _compared(old: list[str], new: list[str]) -> Iterator[tuple[Change, str]]:
    for kind, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield from (("same", line) for line in old[i1:i2])
        else:
            yield from (("old", line) for line in old[i1:i2])
            yield from (("new", line) for line in new[j1:j2])
