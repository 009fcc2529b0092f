"""Programs in environments of their own, so that what they need cannot clash with what the hub needs."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path


def environment(folder: Path, *requirements: str) -> Path:
    """The folder of the programs of an environment with these requirements; made where it is not there.

    Raises Unavailable where the package index does not have them for this Python.
    """
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    done = folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return programs
    venv.create(folder, with_pip=True, clear=True)
    pip(programs / "python", "install", *requirements)
    done.write_text(wanted, encoding="utf-8")
    return programs


class Unavailable(Exception):
    """What is to be measured, or measured with, cannot be had here."""


def pip(python: Path | str, *arguments: str) -> None:
    """Run pip quietly; its last complaint is the error."""
    done = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments, "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        complaint = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise Unavailable(f"pip {' '.join(arguments)}: {complaint}")
