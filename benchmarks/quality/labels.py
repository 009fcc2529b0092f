"""The labelled functions: which exceptions leave them, told by reading."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

SEED = 20


@dataclass(frozen=True, slots=True)
class Label:
    """The function at `line` of `file`, whose path starts where the package is imported from."""

    file: str
    line: int
    name: str
    raises: frozenset[str]


@dataclass(frozen=True, slots=True)
class Labels:
    """The functions, and the versions of the packages that they are in."""

    packages: Mapping[str, str]
    functions: tuple[Label, ...]


def read(path: Path) -> Labels:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    functions = (
        Label(one["file"], one["line"], one["name"], frozenset(one["raises"]))
        for one in document["functions"]
    )
    return Labels(document["packages"], tuple(functions))


def sample(labels: Labels, count: int, after: int = 0) -> list[Label]:
    """`count` of the functions behind the first `after`, in an order that is the same on every machine."""
    functions = list(labels.functions)
    random.Random(SEED).shuffle(functions)
    return functions[after : after + count]
