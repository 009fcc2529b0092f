"""The proof that a changed file is the old one, docstrings aside."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from workflow_hub.errors import SourceRefused
from workflow_hub.source.files import SourceFile, parse_source
from workflow_hub.source.literal import clean, settled
from workflow_hub.source.symbols import Node, Symbol

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Range:
    """The bytes `start:end` of the old file became `new_start:new_end` of the new one.

    `start == end` is an insertion; otherwise a docstring that was there has been replaced.
    """

    start: int
    end: int
    new_start: int
    new_end: int


@dataclass(frozen=True, slots=True)
class Proof:
    """What was checked about a changed file; a proof that fails is raised, never returned."""

    ast_equal: bool
    bytes_outside_equal: bool
    sha256_before: str
    sha256_after: str
    inserted_bytes: int


def prove(
    before: SourceFile, after: bytes, ranges: Sequence[Range], docstrings: Iterable[tuple[Symbol, str]] = ()
) -> Proof:
    """That `after` is `before` with these docstrings and nothing else; SourceRefused where it is not.

    It parses, in the same encoding; its syntax tree without docstrings is equal; every byte outside of
    `ranges` is; the docstrings read as asked, and those that were not asked for read as before.
    """
    if not _equal_outside(before.data, after, ranges):
        raise SourceRefused(f"{before.path}: bytes outside of the docstrings would change")
    parsed = parse_source(before.path, after)
    if parsed.encoding != before.encoding:
        raise SourceRefused(f"{before.path}: the encoding would change to {parsed.encoding}")
    pairs = same_but_docstrings(before.tree, parsed.tree)
    if pairs is None:
        raise SourceRefused(f"{before.path}: more than docstrings would change")
    wanted = {symbol.node: text for symbol, text in docstrings}
    for old, new in pairs:
        found = ast.get_docstring(new, clean=False)
        if old in wanted:
            kept = found is not None and clean(found) == settled(wanted[old])
        else:
            kept = found == ast.get_docstring(old, clean=False)
        if not kept:
            line = getattr(old, "lineno", 1)
            raise SourceRefused(f"{before.path}:{line}: the docstring would not read as it should")
    return Proof(
        ast_equal=True,
        bytes_outside_equal=True,
        sha256_before=hashlib.sha256(before.data).hexdigest(),
        sha256_after=hashlib.sha256(after).hexdigest(),
        inserted_bytes=sum(one.new_end - one.new_start for one in ranges),
    )


def same_but_docstrings(before: Node, after: Node) -> list[tuple[Node, Node]] | None:
    """The modules, classes and functions of both trees in pairs, None where the trees differ.

    A list of things to compare instead of `ast.dump`, which recurses too deeply on long chains.
    """
    pairs: list[tuple[Node, Node]] = []
    todo: list[tuple[object, object]] = [(before, after)]
    while todo:
        old, new = todo.pop()
        if old.__class__ is not new.__class__:
            return None
        if isinstance(old, ast.AST):
            if isinstance(old, _DOCUMENTED):
                assert isinstance(new, _DOCUMENTED)
                pairs.append((old, new))
                todo.append((_statements(old), _statements(new)))
            for name in old._fields:
                one, other = getattr(old, name, None), getattr(new, name, None)
                # Names are interned and `ast.Load()` is one object: most fields need no look.
                if one is not other and not (name == "body" and isinstance(old, _DOCUMENTED)):
                    todo.append((one, other))
        elif isinstance(old, list):
            assert isinstance(new, list)
            if len(old) != len(new):
                return None
            todo += zip(old, new, strict=True)
        elif old != new:
            return None
    return pairs


def _statements(node: Node) -> list[ast.stmt]:
    """The body without the docstring."""
    return node.body if ast.get_docstring(node, clean=False) is None else node.body[1:]


def _equal_outside(before: bytes, after: bytes, ranges: Sequence[Range]) -> bool:
    edges = [Range(0, 0, 0, 0), *ranges, Range(len(before), len(before), len(after), len(after))]
    return all(
        one.end <= two.start
        and one.new_end <= two.new_start
        and before[one.end : two.start] == after[one.new_end : two.new_start]
        for one, two in pairwise(edges)
    )
