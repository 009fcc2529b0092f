"""Functions to measure on: public ones of the standard library, stripped of their docstrings.

They are nobody's test data, they are on every machine, and the prompt was not tuned on these modules.
"""

from __future__ import annotations

import ast
import importlib.util
import random
from pathlib import Path

MODULES = ("calendar", "cmd", "fileinput", "ftplib", "imaplib", "plistlib", "poplib", "tarfile")
SEED = 20


def sample(count: int) -> list[str]:
    """`count` functions as source text, the same on every machine with the same Python."""
    found: list[str] = []
    for name in MODULES:
        tree = ast.parse(_source(name))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        found += [_stripped(node) for node in functions if _is_worthwhile(node)]
    random.Random(SEED).shuffle(found)
    return found[:count]


def _source(module: str) -> str:
    spec = importlib.util.find_spec(module)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def _is_worthwhile(node: ast.FunctionDef) -> bool:
    lines = (node.end_lineno or node.lineno) - node.lineno
    return not node.name.startswith("_") and not node.decorator_list and 4 <= lines <= 60


def _stripped(node: ast.FunctionDef) -> str:
    if ast.get_docstring(node) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(node)


def write_package(folder: Path, functions: list[str]) -> Path:
    """A module that holds the functions; those of a name that is taken get a number."""
    path = folder / "measured.py"
    taken: dict[str, int] = {}
    texts = []
    for text in functions:
        tree = ast.parse(text)
        node = tree.body[0]
        assert isinstance(node, ast.FunctionDef)
        taken[node.name] = taken.get(node.name, 0) + 1
        if taken[node.name] > 1:
            node.name += f"_{taken[node.name]}"
        texts.append(ast.unparse(tree))
    path.write_text("\n\n\n".join(texts) + "\n", encoding="utf-8")
    return path


def write_many(folder: Path, count: int, in_a_file: int = 50) -> None:
    """`count` small functions, all different, in files of `in_a_file`."""
    for start in range(0, count, in_a_file):
        texts = [
            f"def scale_{number}(value: int, factor: int = {number}) -> int:\n"
            f"    if value < {number % 7}:\n"
            f"        raise ValueError('too small for {number}')\n"
            f"    return value * factor + {number}\n"
            for number in range(start, min(start + in_a_file, count))
        ]
        (folder / f"part_{start:06}.py").write_text("\n\n".join(texts), encoding="utf-8")
