"""From paths to targets: the functions, classes and modules whose docstring is missing or lacks parts."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path

from workflow_hub.config import Docstrings
from workflow_hub.errors import SourceRefused, UsageError
from workflow_hub.source.changed import Changes
from workflow_hub.source.facts import RAISES_THROUGH, facts_of
from workflow_hub.source.files import (
    LIMIT_BYTES,
    Refusal,
    SourceFile,
    find_files,
    parse_source,
    read_source,
)
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import Policies, Symbol, symbols, wanted
from workflow_hub.tasks.docstrings.examples import wants_example
from workflow_hub.tasks.docstrings.order import callees_first
from workflow_hub.tasks.docstrings.parts import Style
from workflow_hub.tasks.docstrings.sections import detect, documented
from workflow_hub.tasks.docstrings.task import Target
from workflow_hub.values import Failed, Place, Skipped

# A style is known after this many docstrings that show one, or after this many files.
VOTES = 40
FILES_ASKED = 200
_SHOWS_A_STYLE = re.compile(
    rb"^\s*(?:Args|Arguments|Parameters|Attributes|Returns|Raises|Yields)\s*:?\s*$|:param |:ivar |:returns?:",
    re.M,
)

Found = Target | Skipped[Place] | Failed[Place]


def files(paths: Sequence[str | Path], folder: Path, settings: Docstrings) -> list[Path | Refusal]:
    """The Python files that `paths` mean; UsageError for a path that is not there."""
    return list(find_files(paths, root=folder, exclude=settings.exclude, stubs=settings.stubs))


def targets(
    found: Iterable[Path | Refusal], folder: Path, settings: Docstrings, changes: Changes | None = None
) -> Iterator[Found]:
    """What is to be documented, file by file; lazy, one file in memory at a time.

    With `changes`, what has not changed is no target. A file that cannot be read is a failure of that
    file; a link out of the tree is passed over.
    """
    index = PackageIndex(root=folder)
    for file in found if changes is None else changes.among(found):
        match opened(file, folder, changes):
            case SourceFile() as source:
                for one in _in_file(source, index, folder, settings):
                    if changes is None or not isinstance(one, Target) or changes.touches(one.symbol):
                        yield one
            case refused:
                yield refused


def style_of(found: Iterable[Path | Refusal], settings: Docstrings) -> Style:
    """The style that was asked for; for `auto` what these files use already, or else Google's."""
    if settings.style != "auto":
        return Style(settings.style)
    paths = [file for file in found if isinstance(file, Path)]
    return detect(itertools.islice(_styled_docstrings(paths[:FILES_ASKED]), VOTES)) or Style.GOOGLE


def _styled_docstrings(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            # A pipe would never end, and a huge file is not read anyway.
            if not path.is_file() or path.stat().st_size > LIMIT_BYTES:
                continue
            if not _SHOWS_A_STYLE.search(path.read_bytes()):
                continue
            source = read_source(path)
        except (OSError, SourceRefused):
            continue  # reported as a failure when its turn comes
        for symbol in symbols(source):
            if (text := symbol.docstring) and documented(text).style is not None:
                yield text


def snippet(code: str, *, raises_through: int = RAISES_THROUGH, example: bool = False) -> Target:
    """The first function or class of `code`, which may be indented; UsageError where there is none.

    With `example` it gets one, where it is a function that can have one.
    """
    try:
        source = parse_source(Path("<code>"), textwrap.dedent(code).encode())
    except (SourceRefused, UnicodeEncodeError) as error:
        raise UsageError(f"the code cannot be read as Python: {error}") from error
    symbol = next((symbol for symbol in symbols(source) if symbol.kind != "module"), None)
    if symbol is None:
        raise UsageError("there is no function or class in the code")
    said = documented(symbol.docstring or "") if _has_words(symbol) else None
    facts = facts_of(symbol, PackageIndex(), body_tokens=0, raises_through=raises_through)
    place = Place(symbol.qualname, "<code>", symbol.line)
    return Target(symbol, facts, said, place, example and wants_example(symbol, facts))


def policies_of(settings: Docstrings) -> Policies:
    """The settings of the same names."""
    return Policies(**{policy.name: getattr(settings, policy.name) for policy in fields(Policies)})


def shown(path: Path, folder: Path) -> str:
    """The path as a reader in `folder` types it, with forward slashes."""
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def place_of(symbol: Symbol, folder: Path) -> Place:
    """Where the symbol stands, its path as a reader in `folder` types it."""
    path = shown(symbol.source.path, folder)
    return Place(f"{path}::{symbol.qualname}" if symbol.qualname else path, path, symbol.line)


def opened(
    file: Path | Refusal, folder: Path, changes: Changes | None = None
) -> SourceFile | Skipped[Place] | Failed[Place]:
    """The file, parsed, as `changes` has it; the outcome of an item that is the file where it cannot be."""
    path = file.path if isinstance(file, Refusal) else file
    name = shown(path, folder)
    place = Place(name, name, 1)
    if isinstance(file, Refusal):
        return Skipped(place, file.reason)
    try:
        return read_source(path) if changes is None else changes.read(path)
    except SourceRefused as error:
        return Failed(place, error)


def _in_file(source: SourceFile, index: PackageIndex, folder: Path, settings: Docstrings) -> Iterator[Found]:
    """What cannot be looked at first, then the targets, each after those that it calls."""
    targets: list[Target] = []
    policies = policies_of(settings)
    for symbol in symbols(source):
        if wanted(symbol, settings.kinds, policies, index) is not None:
            continue
        place = place_of(symbol, folder)
        try:
            facts = facts_of(symbol, index, body_tokens=0, raises_through=settings.raises_through)
        except SourceRefused as error:
            yield Failed(place, error)
            continue
        said = documented(symbol.docstring or "") if _has_words(symbol) else None
        target = Target(symbol, facts, said, place, settings.examples and wants_example(symbol, facts))
        if target.slots and (said is None or settings.complete):
            targets.append(target)
    yield from callees_first(targets)


def _has_words(symbol: Symbol) -> bool:
    return bool(symbol.docstring and symbol.docstring.strip())
