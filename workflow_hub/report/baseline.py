"""The findings that a project has accepted for now: what is in the file does not count, what is new does.

The file is JSON with a line for each kind of finding, sorted by what it is about, so that a change of it
reads well in a review.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workflow_hub.errors import UsageError
from workflow_hub.report.finding import Finding

VERSION = 1
MOST_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class Known:
    """So many findings of a rule about an item; more than one where a name is defined twice."""

    rule: str
    item: str
    count: int

    @property
    def path(self) -> str:
        """The file that the item is in."""
        return self.item.partition("::")[0]


Baseline = Mapping[str, Known]  # by fingerprint


@dataclass(frozen=True, slots=True)
class Sifted:
    """The findings that are new, how many are known, and what the baseline has that is not found any more."""

    new: tuple[Finding, ...]
    known: int
    gone: Baseline


def of(findings: Iterable[Finding]) -> Baseline:
    """The baseline that knows exactly these findings, whose fingerprints are not told apart yet."""
    found: dict[str, Known] = {}
    for one in findings:
        known = found.setdefault(one.fingerprint, Known(one.rule, one.item, 0))
        found[one.fingerprint] = replace(known, count=known.count + 1)
    return found


def sift(baseline: Baseline, findings: Sequence[Finding], looked_at: Callable[[str], bool]) -> Sifted:
    """The findings without those that the baseline knows; `looked_at` says whether a path was judged."""
    counted: Counter[str] = Counter()
    new = []
    for one in findings:
        counted[one.fingerprint] += 1
        known = baseline.get(one.fingerprint)
        if known is None or counted[one.fingerprint] > known.count:
            new.append(one)
    gone = {
        mark: replace(known, count=known.count - counted[mark])
        for mark, known in baseline.items()
        if counted[mark] < known.count and looked_at(known.path)
    }
    return Sifted(tuple(new), len(findings) - len(new), gone)


def read(path: Path) -> Baseline:
    """The baseline in a file; UsageError, with what to type, where there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES)
        return _entries(json.loads(data))
    except FileNotFoundError as error:
        raise UsageError(f"there is no baseline {path}; --write-baseline makes it") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UsageError(f"{path} is no baseline; --write-baseline writes it anew") from error


def _entries(document: Any) -> Baseline:
    if document["version"] != VERSION:
        raise ValueError("another version")
    return {
        str(mark): Known(str(entry["rule"]), str(entry["item"]), int(entry["count"]))
        for mark, entry in document["findings"].items()
    }


def text(baseline: Baseline) -> str:
    """The file's text: an entry a line, by item and rule."""
    ordered = sorted(baseline.items(), key=lambda pair: (pair[1].item, pair[1].rule, pair[0]))
    lines = [
        f'    "{mark}": {json.dumps({"item": one.item, "rule": one.rule, "count": one.count})}'
        for mark, one in ordered
    ]
    inside = "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"
    return f'{{\n  "version": {VERSION},\n  "findings": {inside}\n}}\n'


def write(path: Path, baseline: Baseline) -> None:
    """The file holds the baseline; it is replaced in one step. UsageError where it cannot be."""
    fresh = path.with_name(f".{path.name}.tmp")
    try:
        fresh.write_text(text(baseline), "utf-8")
        fresh.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        fresh.unlink(missing_ok=True)
