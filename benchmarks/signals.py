"""Prints how well and how fast needs are inferred from a prompt's words.

    python benchmarks/signals.py

On prompts that nothing was trained on or chosen by, in intent/kept-*.yaml; what comes of those of
each author that the training left out, `intent/train.py` prints. Times are beside those of
`text.split()` on the same text, in one run.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from workflow_hub.routing.signals import Signals, signals

KEPT = Path(__file__).resolve().parent / "intent"
WORDS = 4000
ROUNDS = 50
SHORT = "is anything still listening on 8080? my dev server refuses to come up"
PROSE = (
    "We met on Tuesday to discuss the roadmap, and the team agreed that the importer should handle larger "
    "files. It reads rows in batches; each row is validated, then stored.\n"
)
CODE = "Some words of prose are here.\n\n    def total(prices):\n        return sum(prices)\n\n"
FENCED = "Some words of prose are here.\n\n```python\ndef total(prices):\n    return sum(prices)\n```\n\n"


def main() -> int:
    print(f"{'prompts':10}{'number':>8}{'right':>8}{'missed':>8}{'needless':>10}{'unsure':>8}{'if told':>9}")
    for path in sorted(KEPT.glob("kept-*.yaml")):
        print(accuracy(path.stem, yaml.safe_load(path.read_text("utf-8"))))
    print(f"\n{'text':10}{'words':>8}{'ms':>8}{'times split()':>16}")
    texts = {"prose": PROSE, "code": CODE, "fences": FENCED}
    for name, text in {"a line": SHORT, **{name: _of(WORDS, piece) for name, piece in texts.items()}}.items():
        ours, split = fastest(signals, text), fastest(str.split, text)
        print(f"{name:10}{len(text.split()):>8,}{ours * 1000:>8.2f}{ours / split:>16,.0f}")
    return 0


def accuracy(part: str, prompts: list[dict[str, Any]]) -> str:
    """One line of the table: how many prompts were told right (tools or not), and how the others failed.

    `if told`: how many would be right if where unsure somebody knew.
    """
    judged: list[tuple[bool, Signals]] = [(bool(one["needs"]), signals(one["text"])) for one in prompts]
    tools = [told for wanted, told in judged if wanted]
    plain = [told for wanted, told in judged if not wanted]
    wrong = [(wanted, told) for wanted, told in judged if wanted != bool(told.needs)]
    shares = (
        (1 - len(wrong) / len(judged), 8),
        (sum(wanted for wanted, _ in wrong) / len(tools), 8),
        (sum(not wanted for wanted, _ in wrong) / len(plain), 10),
        (sum(told.unsure for _, told in judged) / len(judged), 8),
        (1 - sum(not told.unsure for _, told in wrong) / len(judged), 9),
    )
    return f"{part:10}{len(judged):>8,}" + "".join(f"{share:>{width}.1%}" for share, width in shares)


def _of(words: int, piece: str) -> str:
    return piece * (words // len(piece.split()))


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
