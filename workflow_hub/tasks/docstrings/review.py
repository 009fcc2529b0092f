"""How the docstrings that are on record stand: unreviewed, edited by somebody since, or gone."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from workflow_hub.errors import SourceRefused, UsageError
from workflow_hub.source.files import read_source
from workflow_hub.source.symbols import symbols
from workflow_hub.tasks.docstrings.provenance import Origin, SideFile, item_of, text_hash

# Item -> the hash and line of each docstring of that name.
Found = dict[str, list[tuple[str, int]]]
State = Literal["unreviewed", "edited", "gone"]


@dataclass(frozen=True, slots=True)
class Standing:
    """A docstring that is on record; `line` is that of its `def` or `class`, None where there is none.

    `edited` counts as reviewed: somebody has changed its words since.
    """

    origin: Origin
    state: State
    line: int | None = None


def standings(paths: Sequence[str], folder: Path, top: Path) -> list[Standing]:
    """How what is on record of `paths`, seen from `folder`, stands; without paths, of all below `folder`."""
    origins = SideFile(top).read()
    chosen = _chosen(paths, origins, folder, top)
    return list(_standings(filter(chosen, origins), top))


def accept(paths: Sequence[str], folder: Path, top: Path) -> list[Origin]:
    """Take what is on record of `paths` off it, as reviewed; the docstrings stay as they are."""
    side = SideFile(top)
    return side.accept(_chosen(paths, side.read(), folder, top))


def _standings(origins: Iterable[Origin], top: Path) -> Iterator[Standing]:
    """File by file, in the order of the lines; what is gone comes last."""
    for path, own in itertools.groupby(sorted(origins), key=lambda one: one.path):
        found = _docstrings(top / path, path)
        standing = [_standing(origin, found) for origin in own]
        yield from sorted(standing, key=lambda one: (one.line is None, one.line))


def _standing(origin: Origin, found: Found | None) -> Standing:
    if found is None:
        # What cannot be read may still say it.
        return Standing(origin, "unreviewed")
    there = found.get(origin.item, [])
    for digest, line in there:
        if digest == origin.sha256:
            return Standing(origin, "unreviewed", line)
    return Standing(origin, "edited", there[0][1]) if there else Standing(origin, "gone")


def _docstrings(file: Path, path: str) -> Found | None:
    """The docstrings of a file; None where it cannot be read."""
    if not file.exists():
        return {}
    try:
        source = read_source(file)
    except SourceRefused:
        return None
    found: Found = {}
    for symbol in symbols(source):
        if symbol.docstring is not None:
            there = found.setdefault(item_of(path, symbol.qualname), [])
            there.append((text_hash(symbol.docstring), symbol.line))
    return found


def _chosen(
    paths: Sequence[str], origins: Sequence[Origin], folder: Path, top: Path
) -> Callable[[Origin], bool]:
    """Whether an origin belongs to `paths`: files, folders, or items (`shop/cart.py::Cart.add`).

    UsageError for one that is neither there nor on record, or that is outside of the project.
    """
    tests = [_belongs(path, folder, top) for path in paths or ["."]]
    for path, test in zip(paths, tests, strict=False):
        if not any(map(test, origins)) and not (folder / path).exists():
            raise UsageError(
                f"nothing is on record of {path}; `workflow-hub docstrings status` lists what is"
            )
    return lambda origin: any(test(origin) for test in tests)


def _belongs(text: str, folder: Path, top: Path) -> Callable[[Origin], bool]:
    file, colons, name = text.partition("::")
    place = Path(os.path.normpath(folder / file))
    if not place.is_relative_to(top):
        raise UsageError(f"{text} is outside of the project in {top}")
    path = place.relative_to(top).as_posix()
    if colons:
        return lambda origin: origin.item == item_of(path, name)
    return lambda origin: path in (".", origin.path) or origin.path.startswith(f"{path}/")
