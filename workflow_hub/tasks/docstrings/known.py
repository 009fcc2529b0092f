"""What a docstring may speak of: the names and numbers of a symbol's code and of what stands around it."""

from __future__ import annotations

import ast
import builtins
import math
import operator
import re
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workflow_hub.source.facts import KNOWN_TO_ALL, Facts
from workflow_hub.source.package import module_name, words
from workflow_hub.source.symbols import Node, Symbol

_NUMBER = re.compile(r"\d[\d_]*(?:\.\d+)*")
_LARGEST_POWER = 64
# The names of Python's own protocols, which a text may speak of everywhere.
_DUNDERS = frozenset(
    name
    for kind in (*vars(builtins).values(), types.GeneratorType, types.CoroutineType)
    if isinstance(kind, type)
    for name in dir(kind)
    if name.startswith("__")
).union(
    "__aenter__ __aexit__ __aiter__ __all__ __anext__ __del__ __get__ __set__ __set_name__ __slots__".split()
)
_FOLD: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a symbol, for a text about it to be held against.

    `names` are identifiers as they are written, those of Python itself among them. `code` is its text in
    lower case, with all that stands around. `numbers` are those of its code and of the constants that it
    uses, and what can be counted in it. `node` is its syntax tree.
    """

    facts: Facts
    node: ast.AST
    names: frozenset[str]
    code: str
    numbers: frozenset[str]


def known_of(symbol: Symbol, facts: Facts) -> Known:
    """What may be said of `symbol`; docstrings, its own and those inside, are no source."""
    own = _text(symbol.node, symbol.first_line, symbol.source.lines)
    said = " ".join(
        (
            facts.comment or "",
            facts.owner_doc or "",
            *(f"{one.name} {one.says}" for one in facts.callees),
            # Of a callee's condition the names mean nothing here; its own is in the code.
            *(" ".join((one.name, *one.path)) for one in facts.raises),
            *facts.callers,
            symbol.qualname,
            module_name(symbol.source.path),
            *_functions_around(symbol),
            *_parameters_of(symbol.owner),
        )
    )
    near = words(f"{own}\n{said}").union(*facts.names_around) - KNOWN_TO_ALL
    used = words(own)
    constants = [value for name, value in _constants(symbol) if name in used]
    numbers = {*_written(own), *_written(said), str(len(facts.parameters))}
    for node in (symbol.node, *constants):
        numbers.update(map(canonical, map(str, _computed(node))))
    for value in constants:
        numbers.update(_written(ast.unparse(value)))
    code = "\n".join((own, said, *sorted(near))).lower()
    return Known(facts, symbol.node, near | KNOWN_TO_ALL | _DUNDERS, code, frozenset(numbers))


def _functions_around(symbol: Symbol) -> Iterator[str]:
    """The code of the functions that the symbol is defined in."""
    for parent in symbol.parents:
        if isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef):
            yield _text(parent, parent.lineno, symbol.source.lines)


def _parameters_of(owner: ast.ClassDef | None) -> Iterator[str]:
    """What the class around is made with."""
    for node in [] if owner is None else owner.body:
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            yield from (inner.arg for inner in ast.walk(node.args) if isinstance(inner, ast.arg))


def canonical(number: str) -> str:
    """The same text for the same number: `1_000` and `1000.0` are `1000`; a version stays."""
    bare = number.replace("_", "").replace(",", "")
    if bare.count(".") > 1:
        return bare
    whole, _, fraction = bare.partition(".")
    fraction = fraction.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole


def _written(text: str) -> Iterator[str]:
    for found in _NUMBER.findall(text):
        yield canonical(found)
        if found.count(".") > 1:
            yield from found.split(".")


def _text(node: Node, first_line: int, lines: Sequence[str]) -> str:
    """The lines of a node from `first_line` on, without the docstrings among them."""
    end = len(lines) if isinstance(node, ast.Module) else node.end_lineno
    kept = list(lines[first_line - 1 : end])
    for inner in ast.walk(node):
        match inner:
            case ast.Module(body=body) | ast.ClassDef(body=body) | ast.FunctionDef(body=body):
                _drop_docstring(body, kept, first_line)
            case ast.AsyncFunctionDef(body=body):
                _drop_docstring(body, kept, first_line)
    return "\n".join(kept)


def _drop_docstring(body: Sequence[ast.stmt], lines: list[str], first_line: int) -> None:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())) as said, *_]:
            begin, end = said.lineno - first_line, (said.end_lineno or said.lineno) - first_line
            lines[begin] = lines[begin].encode()[: said.col_offset].decode()
            lines[begin + 1 : end + 1] = [""] * (end - begin)


def _constants(symbol: Symbol) -> Iterator[tuple[str, ast.expr]]:
    """What the module and the class around bind to a name, and the value."""
    bodies: list[Iterable[ast.stmt]] = [symbol.source.tree.body]
    if symbol.owner is not None:
        bodies.append(symbol.owner.body)
    for node in (statement for body in bodies for statement in body):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value


def _computed(node: ast.AST) -> Iterator[float]:
    """The numbers that the code works out (`60 * 60`), and how many there are of what it lists."""
    for inner in ast.walk(node):
        match inner:
            case ast.Constant() | ast.BinOp():
                if (value := _value(inner)) is not None:
                    yield abs(value)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
                yield len(parts)
            case ast.Dict(keys=parts) | ast.BoolOp(values=parts) | ast.Match(cases=parts):
                yield len(parts)
            case ast.arguments():
                yield len([*inner.posonlyargs, *inner.args, *inner.kwonlyargs])


def _value(node: ast.AST) -> float | None:
    match node:
        case ast.Constant(value=bool()):
            return None
        case ast.Constant(value=int() | float() as value) if abs(value) < 1e18:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _value(operand)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right):
            one, other = _value(left), _value(right)
            return None if one is None or other is None else _folded(one, op, other)
    return None


def _folded(one: float, op: ast.operator, other: float) -> float | None:
    try:
        if isinstance(op, ast.LShift | ast.Pow):
            if abs(other) > _LARGEST_POWER:
                return None
            value: float = one * 2**other if isinstance(op, ast.LShift) else one**other
        else:
            fold = _FOLD.get(type(op))
            value = fold(one, other) if fold else math.inf
    except (ArithmeticError, TypeError):  # TypeError: a shift by a fraction
        return None
    return value if isinstance(value, int | float) and abs(value) < 1e18 else None
