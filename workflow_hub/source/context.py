"""What stands around a function in its package: what it calls, and how it is called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from workflow_hub.source.calling import ON_SELF, called_name, local_names, variables_of
from workflow_hub.source.calls import Surroundings, said, surroundings, target
from workflow_hub.source.files import SourceFile
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import Symbol, own_nodes, symbols
from workflow_hub.source.trim import Function, text_of

MOST_CALLEES = 12
MOST_CALLERS = 2
LONGEST_CALL = 80
_PART = re.compile(r"[^\W_]+")

Home = tuple[Path, str]  # where something is defined: its file, and its qualified name there


@dataclass(frozen=True, slots=True)
class Callee:
    """Something of the package that is called as `name`; `says` is its first sentence, or empty."""

    name: str
    says: str
    home: Home


def home_of(symbol: Symbol) -> Home:
    """The same for a symbol that is at hand."""
    return symbol.source.path.absolute(), symbol.qualname


def callees(
    symbol: Symbol, node: Function, own: Sequence[ast.AST], index: PackageIndex, around: Surroundings
) -> tuple[Callee, ...]:
    """What the function calls, most relevant first.

    That is what makes the result, then what shares a word with the function's name, then the first.
    """
    words = _words(symbol.name)
    rank: dict[str, tuple[bool, bool, int, int]] = {}
    for call, name, makes_result in _package_calls(node, own, around):
        if name != symbol.name:
            shares = not words.isdisjoint(_words(name.rpartition(".")[2]))
            order = (not makes_result, not shares, call.lineno, call.col_offset)
            rank[name] = min(order, rank.get(name, order))
    found: dict[Home, Callee] = {}
    for name in sorted(rank, key=rank.__getitem__):
        place = target(index, around.home, around.owner, name)
        if place is not None and (home := (place[0].path, place[1])) != home_of(symbol):
            found.setdefault(home, Callee(name, said(index, around, name), home))
    return tuple(found.values())[:MOST_CALLEES]


def _package_calls(
    node: Function, own: Sequence[ast.AST], around: Surroundings
) -> Iterator[tuple[ast.Call, str, bool]]:
    """The calls that may lead into the package, by name, and whether each is part of a result."""
    named = [(call, called_name(call.func)) for call in own if isinstance(call, ast.Call)]
    calls = [(call, name) for call, name in named if name is not None and around.follows(name)]
    if not calls:
        return
    local = local_names(variables_of(node, own), own) - ON_SELF
    results = [one.value for one in own if isinstance(one, (ast.Return, ast.Yield, ast.YieldFrom))]
    within = {id(inner) for value in results if value is not None for inner in ast.walk(value)}
    for call, name in calls:
        if name.partition(".")[0] not in local:
            yield call, name, id(call) in within


def _words(name: str) -> set[str]:
    return {word.lower() for word in _PART.findall(name)}


def callers(symbol: Symbol, index: PackageIndex) -> tuple[str, ...]:
    """How other functions of the same file call it, at most MOST_CALLERS: the calls that tell most."""
    return _callers_in(symbol.source, index).get(symbol.qualname, ())


@lru_cache(maxsize=2)
def _callers_in(source: SourceFile, index: PackageIndex) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, dict[str, int]] = {}
    for symbol in symbols(source):
        if symbol.kind != "function" or not isinstance(symbol.node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        around = surroundings(symbol, index)
        for call, name, _ in _package_calls(symbol.node, own_nodes(symbol.node.body), around):
            place = target(index, around.home, around.owner, name)
            if place is None or place[0] is not around.home or place[1] == symbol.qualname:
                continue
            if tells := _tells(call):
                text = text_of(call, source.text, LONGEST_CALL)
                found.setdefault(place[1], {}).setdefault(text, tells)
    return {
        name: tuple(sorted(calls, key=lambda text: -calls[text])[:MOST_CALLERS])
        for name, calls in found.items()
    }


def _tells(call: ast.Call) -> int:
    """How much its arguments say: only literals do; what else is passed tells of the caller."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return sum(isinstance(value, ast.Constant) for value in values)
