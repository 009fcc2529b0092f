"""How often the truth check refuses what people wrote: the first sentences of well-kept packages.

    python benchmarks/truth.py attrs click httpx rich        # names of installed packages

What maintainers say of their own code is mostly so, so that what is refused here is mostly refused
wrongly. Prints a line for each package, and with -v each refusal with its sentence.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections import Counter
from pathlib import Path

from workflow_hub.errors import SourceRefused
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import find_files, read_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols
from workflow_hub.tasks.docstrings.known import known_of
from workflow_hub.tasks.docstrings.slots import Slot
from workflow_hub.tasks.docstrings.truth import untrue
from workflow_hub.tasks.docstrings.words import tidy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("packages", nargs="+")
    parser.add_argument("-v", action="store_true", help="print what is refused, and why")
    typed = parser.parse_args()
    total: Counter[str] = Counter()
    for name in typed.packages:
        counts = measured(folder_of(name), verbose=typed.v)
        total += counts
        print(line(name, counts))
    print(line("all", total))


def measured(folder: Path, *, verbose: bool) -> Counter[str]:
    """How many first sentences of functions there are, and how many are refused."""
    index = PackageIndex(root=folder)
    counts: Counter[str] = Counter()
    for file in find_files([folder], root=folder, exclude=()):
        try:
            source = read_source(file) if isinstance(file, Path) else None
        except SourceRefused:
            continue
        for symbol in symbols(source) if source else ():
            if symbol.kind != "function" or not (text := symbol.docstring) or not text.strip():
                continue
            paragraph = " ".join(text.strip().split("\n\n", 1)[0].split())
            if paragraph.startswith((".. ", ":")):  # a directive or a field is no sentence
                continue
            facts = facts_of(symbol, index, body_tokens=0)
            reason = untrue(tidy(paragraph), Slot("summary"), known_of(symbol, facts))
            counts["said"] += 1
            if reason:
                counts["refused"] += 1
                if verbose:
                    print(f"  {symbol.source.path.name}:{symbol.line} {symbol.qualname}: {reason}")
                    print(f"      {tidy(paragraph)[:150]}")
    return counts


def folder_of(package: str) -> Path:
    spec = importlib.util.find_spec({"attrs": "attr"}.get(package, package))
    if spec is None or spec.origin is None:
        raise SystemExit(f"{package} is not installed; `pip install {package}`")
    return Path(spec.origin).parent


def line(name: str, counts: Counter[str]) -> str:
    share = 100 * counts["refused"] / max(counts["said"], 1)
    return f"{name:14} {counts['said']:5} sentences {counts['refused']:4} refused {share:5.1f} %"


if __name__ == "__main__":
    main()
