"""Memory stays where it is, however many functions a run goes through; benchmarks/speed.py takes 10,000."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cli.cli_help import COMMAND, NO_WEIGHTS, at
from doubles.dmr import DmrDouble

LIMIT_MB = 300
# Ten times the functions may take so much more: their outcomes, which the report needs.
GROWTH_MB = 15
FEW, MANY = 100, 1000
IN_A_FILE = 25
FUNCTION = """
def step_{number}(items, limit, *, strict=False):
    if strict and len(items) > limit:
        raise ValueError(limit)
    return [item for item in items[:limit] if item != {number}]

"""


def project_in(folder: Path, functions: int) -> Path:
    folder.mkdir()
    for first in range(0, functions, IN_A_FILE):
        text = "".join(FUNCTION.format(number=number) for number in range(first, first + IN_A_FILE))
        (folder / f"part_{first:05}.py").write_text(text)
    return folder


# In a process of its own: what a process has at most counts from before it became the command, so a
# child of the tests would begin with all that the tests hold.
WEIGH = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)
"""


def peak_mb(folder: Path, dmr: DmrDouble) -> float:
    """What a run with --write needed at most, in MB, by the count of the system."""
    done = subprocess.run(
        [sys.executable, "-c", WEIGH, COMMAND, "docstrings", ".", "--write", "-q"],
        cwd=folder,
        env={**os.environ, **NO_WEIGHTS, **at(dmr)},
        stdout=subprocess.PIPE,
        check=True,
    )
    assert all('"""' in path.read_text() for path in folder.glob("*.py"))
    return int(done.stdout) / 1024


def test_memory_does_not_grow_with_the_number_of_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What measures the coverage of a process would be measured with it.
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    with DmrDouble() as dmr:
        few = peak_mb(project_in(tmp_path / "few", FEW), dmr)
        many = peak_mb(project_in(tmp_path / "many", MANY), dmr)
    assert many < LIMIT_MB
    assert many - few < GROWTH_MB
