"""The calls that code makes, by the names it uses, and what becomes of what they give."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from workflow_hub.source.symbols import dotted, last_name
from workflow_hub.source.trim import Function

SUPER = "super()"
ON_SELF = frozenset({"self", "cls", SUPER})
# What goes through all of an iterable that it is given.
_CONSUMERS = frozenset(
    """all any dict extend frozenset join list max min next reversed set sorted sum tuple update""".split()
)

How = Literal["called", "awaited", "iterated", "async iterated"]
Kind = Literal["function", "coroutine", "generator", "async generator"]
# What has to be done with what a call gives, so that the function's body runs.
RUNS: Mapping[Kind, frozenset[How]] = {
    "function": frozenset({"called", "awaited", "iterated", "async iterated"}),
    "coroutine": frozenset({"awaited"}),
    "generator": frozenset({"iterated"}),
    "async generator": frozenset({"async iterated"}),
}


@dataclass(frozen=True, slots=True)
class Call:
    """A call of `name`: `parse`, `money.pay`, `self.total`, `super().total`."""

    name: str
    how: How
    line: int


def kind_of(node: Function, own: Sequence[ast.AST]) -> Kind:
    """What a call of the function gives, told by `async` and by a `yield` among its own nodes."""
    yields = any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in own)
    if isinstance(node, ast.AsyncFunctionDef):
        return "async generator" if yields else "coroutine"
    return "generator" if yields else "function"


def called_name(node: ast.expr) -> str | None:
    """`a.b` or `super().b` as written; None for what is called by no name."""
    match node:
        case ast.Attribute(value=ast.Call(func=ast.Name(id="super"), args=[]), attr=name):
            return f"{SUPER}.{name}"
    return dotted(node)


def calls_in(top: ast.AST, how: How, follows: Callable[[str], bool]) -> Iterator[Call]:
    """The calls of an expression or simple statement, inner ones last; nothing inside of lambdas."""
    todo: list[tuple[ast.AST, How]] = [(top, how)]
    while todo:
        node, how = todo.pop()
        match node:
            case ast.Lambda():
                continue
            case ast.Await(value=value):
                todo.append((value, "awaited"))
            case ast.YieldFrom(value=value) | ast.Starred(value=value):
                todo.append((value, "iterated"))
            case ast.GeneratorExp() if how == "called":
                todo.append((node.generators[0].iter, "called"))  # the rest waits for its first use
            case ast.comprehension():
                todo += [(condition, "called") for condition in node.ifs]
                todo.append((node.iter, "async iterated" if node.is_async else "iterated"))
            case ast.Call():
                name = called_name(node.func)
                if name is not None and follows(name):
                    yield Call(name, how, node.lineno)
                todo.append((node.func, "called"))
                use: How = "iterated" if last_name(node) in _CONSUMERS else "called"
                todo += [(argument, use) for argument in node.args]
                todo += [(keyword.value, "called") for keyword in node.keywords]
            case _:
                todo += [(child, "called") for child in ast.iter_child_nodes(node)]


def local_names(variables: Iterable[str], own: Sequence[ast.AST]) -> set[str]:
    """What a function itself gives a name to: its variables, and functions, classes and imports inside."""
    return {*variables, *_defined(own)}


def variables_of(node: Function, own: Sequence[ast.AST]) -> dict[str, ast.expr | None]:
    """The function's parameters and variables; with its value where a variable is set only once."""
    arguments = node.args
    found: dict[str, ast.expr | None] = {
        argument.arg: None
        for argument in (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            *filter(None, (arguments.vararg, arguments.kwarg)),
        )
    }
    values: dict[int, ast.expr] = {}
    for inner in own:
        match inner:
            case ast.Assign(targets=[ast.Name() as target], value=value):
                values[id(target)] = value
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                values[id(target)] = value
    for inner in own:
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            found[inner.id] = None if inner.id in found else values.get(id(inner))
    return found


def _defined(own: Sequence[ast.AST]) -> Iterator[str]:
    """The names of functions, classes and imports inside of the function."""
    for inner in own:
        match inner:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in names)
