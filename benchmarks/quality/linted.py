"""What pydoclint complains about."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

REQUIREMENT = "pydoclint==0.12.0"
_HIT = re.compile(r" +\d+: (DOC\d+):")
# What it says of the signatures: they are as their authors wrote them.
_OF_SIGNATURES = frozenset({"DOC106", "DOC107", "DOC108"})
# What it says of exceptions; it looks at `raise` in the function's own body, and not at what it calls.
OF_RAISES = frozenset({"DOC501", "DOC502", "DOC503"})
# That `__init__` has a docstring is what was asked for.
_ALWAYS = ("--quiet", "--allow-init-docstring=True")
# Whether docstrings are to hold the types of parameters, and those of what is given back.
_TASTES = tuple(
    (
        f"--arg-type-hints-in-docstring={of_parameters}",
        f"--check-return-types={given}",
        f"--check-yield-types={given}",
    )
    for of_parameters, given in itertools.product((True, False), repeat=2)
)
# A star would begin an emphasis there.
_BY_STYLE: Mapping[str, tuple[str, ...]] = {"sphinx": ("--omit-stars-when-documenting-varargs=True",)}


def hits(programs: Path, modules: Mapping[str, str], style: str, folder: Path) -> Counter[str]:
    """How often each code is complained about in the modules, given by file name.

    Where types are to stand in docstrings is a matter of taste, which may differ between a function with
    annotations and one without: for each module, the kindest of the settings counts.
    """
    folder.mkdir(parents=True)
    for name, text in modules.items():
        (folder / name).write_text(text, encoding="utf-8")
    reports = [codes(_report(programs, folder, style, taste)) for taste in _TASTES]
    kindest = [min((one.get(name, Counter()) for one in reports), key=Counter.total) for name in modules]
    return sum(kindest, Counter())


def _report(programs: Path, folder: Path, style: str, taste: tuple[str, ...]) -> str:
    options = [*_ALWAYS, f"--style={style}", *_BY_STYLE.get(style, ()), *taste]
    done = subprocess.run(
        [programs / "pydoclint", *options, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"pydoclint: {done.stderr.strip()}")
    return done.stdout + done.stderr


def codes(report: str) -> dict[str, Counter[str]]:
    """How often each code stands in a report, by file name, without those that are about signatures."""
    found: dict[str, Counter[str]] = {}
    name = ""
    for line in report.splitlines():
        if (hit := _HIT.match(line)) is None:
            name = Path(line).name
        elif hit[1] not in _OF_SIGNATURES:
            found.setdefault(name, Counter())[hit[1]] += 1
    return found
