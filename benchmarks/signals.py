"""Prints how well and how fast needs are inferred from a prompt's words.

    python benchmarks/signals.py

On the development prompts, which the rules were written with, and on the held-out ones, which they
were not. Times are beside those of `text.split()` on the same text of about 4,000 words, in one run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from workflow_hub.routing.signals import Signals, signals

PROMPTS = Path(__file__).resolve().parent.parent / "tests" / "routing" / "prompts"
WORDS = 4000
ROUNDS = 50
PROSE = (
    "We met on Tuesday to discuss the roadmap, and the team agreed that the importer should handle larger "
    "files. It reads rows in batches; each row is validated, then stored.\n"
)
CODE = "Some words of prose are here.\n\n    def total(prices):\n        return sum(prices)\n\n"


def main() -> int:
    print(f"{'prompts':9}{'number':>8}{'right':>9}{'tools missed':>15}{'tools for nothing':>20}{'unsure':>9}")
    for part in ("dev", "held"):
        print(accuracy(part, yaml.safe_load((PROMPTS / f"{part}.yaml").read_text("utf-8"))))
    print(f"\n{WORDS} words{'ms':>11}{'times split()':>17}")
    for name, piece in (("prose", PROSE), ("code", CODE)):
        text = piece * (WORDS // len(piece.split()))
        ours, split = fastest(signals, text), fastest(str.split, text)
        print(f"{name:10}{ours * 1000:>11.2f}{ours / split:>17.1f}")
    return 0


def accuracy(part: str, prompts: list[dict[str, Any]]) -> str:
    """One line of the table: how many prompts were told right (tools or not), and how the others failed."""
    judged: list[tuple[bool, Signals]] = [(bool(one["needs"]), signals(one["text"])) for one in prompts]
    asked = sum(1 for wanted, _ in judged if wanted)
    missed = sum(1 for wanted, told in judged if wanted and not told.needs)
    needless = sum(1 for wanted, told in judged if not wanted and told.needs)
    unsure = sum(1 for _, told in judged if told.unsure)
    right = 1 - (missed + needless) / len(judged)
    return (
        f"{part:9}{len(judged):>8}{right:>9.1%}{f'{missed} of {asked}':>15}"
        f"{f'{needless} of {len(judged) - asked}':>20}{unsure / len(judged):>9.1%}"
    )


def fastest(act: Callable[[str], object], text: str) -> float:
    """Seconds of the fastest of many rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act(text)
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    sys.exit(main())
