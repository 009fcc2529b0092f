"""What a task has found in a file, and what would repair it: one model for every format."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from workflow_hub.report.rules import Severity


@dataclass(frozen=True, slots=True)
class Spot:
    """A place between two characters. All count from 1; `utf8_column` counts bytes of UTF-8."""

    line: int
    column: int
    utf8_column: int


@dataclass(frozen=True, slots=True)
class Fix:
    """The text that is to stand for what is between `start` and `end`, which may be the same spot.

    Line ends in `text` are those of the file.
    """

    says: str
    start: Spot
    end: Spot
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; lines and columns count from 1, columns in characters.

    `path` is seen from the folder of the run. `evidence` is what the finding rests on, `box` is
    (x, y, width, height) in the pixels of a picture. `item` is the id of the item that it is about
    (`shop/cart.py::Cart.add`), and `code` are the lines of the file from `line` on, as far as a
    reader needs them; the fix lies within.
    """

    rule: str
    severity: Severity
    path: str
    line: int
    end_line: int
    column: int
    message: str
    fingerprint: str
    evidence: str | None = None
    confidence: float = 1.0
    fix: Fix | None = None
    box: tuple[int, int, int, int] | None = None
    item: str = ""
    code: str = ""

    @property
    def name(self) -> str:
        """The name of the item in its file, or else the path."""
        return self.item.rpartition("::")[2] if "::" in self.item else self.path


def fingerprint(rule: str, item: str, content: str = "") -> str:
    """The same for the same finding in another run, wherever its lines have moved to.

    `item` is the id of what it is about, with the path; `content` tells findings of one rule about
    one item apart.
    """
    return hashlib.sha256(json.dumps([rule, item, content]).encode()).hexdigest()


def told_apart(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings with no fingerprint twice: a name that is defined twice counts from the top."""
    seen: Counter[str] = Counter()
    apart = []
    for finding in findings:
        first = finding.fingerprint
        if nth := seen[first]:
            finding = replace(finding, fingerprint=fingerprint(finding.rule, first, str(nth)))
        seen[first] += 1
        apart.append(finding)
    return tuple(apart)
