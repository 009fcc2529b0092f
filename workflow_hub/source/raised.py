"""Which exceptions leave a function, and under which condition, as far as its own body says."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from workflow_hub.source.symbols import dotted, last_name, own_nodes
from workflow_hub.source.trim import Function, text_of

LONGEST_GUARD = 80
LONGEST_GUARDS = 160
BUILTIN: Mapping[str, type[BaseException]] = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
_ANY = frozenset({"Exception", "BaseException"})

# The bases of a class, and theirs, by their last names; None for a name that is no known class.
Ancestors = Callable[[str], Sequence[str] | None]


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that a function raises. `guard` is the condition around it, in Python's words."""

    name: str
    guard: str | None
    line: int


def raised_by(node: Function, source_text: str, ancestors: Ancestors) -> tuple[Raised, ...]:
    """What `node` raises itself, once per name, in source order.

    Left out: what its own handlers catch and keep, what stands after a `return`, asserts, and
    exceptions that cannot be named (variables, factories, a bare `raise` under `except Exception`).
    """
    own = own_nodes(node.body)
    if not any(isinstance(inner, ast.Raise) for inner in own):
        return ()
    found, _ = _Flow(_variables(node, own), source_text, ancestors).block(node.body, _Around())
    merged: dict[str, Raised] = {}
    guards: dict[str, dict[str, None]] = {}
    for one in sorted(found, key=lambda one: one.line):
        merged.setdefault(one.name, one)
        if one.guard is not None:
            guards.setdefault(one.name, {})[one.guard] = None
    return tuple(replace(one, guard=_joined(guards.get(one.name, ()))) for one in merged.values())


def _joined(guards: Iterable[str]) -> str | None:
    text = " or ".join(guards)
    if len(text) > LONGEST_GUARDS:
        text = text[: LONGEST_GUARDS - 1] + "…"
    return text or None


@dataclass(frozen=True, slots=True)
class _Around:
    """Where a statement stands: its guard, what a bare `raise` raises, and what caught names hold."""

    guard: str | None = None
    caught: tuple[str, ...] = ()
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()


Found = tuple[list[Raised], bool]  # and whether execution can go on behind the statement


class _Flow:
    def __init__(
        self, variables: Mapping[str, ast.expr | None], source_text: str, ancestors: Ancestors
    ) -> None:
        self.source_text = source_text
        self.ancestors = ancestors
        self.variables = variables

    def block(self, body: Iterable[ast.stmt], around: _Around) -> Found:
        found: list[Raised] = []
        for node in body:
            more, goes_on = self.statement(node, around)
            found += more
            if not goes_on:
                return found, False
        return found, True

    def statement(self, node: ast.stmt, around: _Around) -> Found:
        match node:
            case ast.Raise():
                names = around.caught if node.exc is None else self.names(node.exc, around)
                return [Raised(name, around.guard, node.lineno) for name in names], False
            case ast.Return() | ast.Continue() | ast.Break():
                return [], False
            case ast.If():
                return self.branches(node, around)
            case ast.For() | ast.AsyncFor() | ast.While():
                found, _ = self.block(node.body, around)
                more, goes_on = self.block(node.orelse, around)
                return found + more, goes_on and not _is_endless(node)
            case ast.With() | ast.AsyncWith():
                found, goes_on = self.block(node.body, around)
                silent = [name for item in node.items for name in _suppressed(item.context_expr)]
                return [one for one in found if not self.is_caught(one.name, silent)], goes_on or bool(silent)
            case ast.Try() | ast.TryStar():
                return self.attempt(node, around)
            case ast.Match():
                return self.cases(node, around)
        return [], True

    def branches(self, node: ast.If, around: _Around) -> Found:
        found: list[Raised] = []
        tests: list[ast.expr] = []
        anyone_goes_on = False
        while True:
            constant = node.test.value if isinstance(node.test, ast.Constant) else None
            tests.append(node.test)
            if constant is None or constant:
                more, goes_on = self.block(node.body, replace(around, guard=self.guard(node.test)))
                found += more
                anyone_goes_on = anyone_goes_on or goes_on
                if constant:
                    return found, anyone_goes_on
            match node.orelse:
                case []:
                    return found, True
                case [ast.If() as node]:
                    continue
                case others:
                    either = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
                    more, goes_on = self.block(others, replace(around, guard=f"not ({self.guard(either)})"))
                    return found + more, anyone_goes_on or goes_on

    def attempt(self, node: ast.Try | ast.TryStar, around: _Around) -> Found:
        found, goes_on = self.block(node.body, around)
        found = [one for one in found if self.escapes(one.name, node.handlers)]
        if goes_on:
            more, goes_on = self.block(node.orelse, around)
            found += more
        for handler in node.handlers:
            types = _types(handler)
            caught = tuple(name for name in types if name not in _ANY and self.is_class(name))
            inside = replace(
                around,
                guard=f"except {self.guard(handler.type)}" if handler.type else "except",
                caught=caught,
                aliases=(*around.aliases, (handler.name or "", caught)),
            )
            more, handler_goes_on = self.block(handler.body, inside)
            found += more
            goes_on = goes_on or handler_goes_on
        more, finally_goes_on = self.block(node.finalbody, around)
        return found + more, goes_on and finally_goes_on

    def cases(self, node: ast.Match, around: _Around) -> Found:
        found: list[Raised] = []
        anyone_goes_on = False
        for case in node.cases:
            guard = f"case {self.guard(case.pattern)}"
            if case.guard is not None:
                guard += f" if {self.guard(case.guard)}"
            more, goes_on = self.block(case.body, replace(around, guard=guard))
            found += more
            anyone_goes_on = anyone_goes_on or goes_on
        takes_all = any(
            case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
            for case in node.cases
        )
        return found, anyone_goes_on or not takes_all

    def guard(self, node: ast.AST) -> str:
        return text_of(node, self.source_text, LONGEST_GUARD)

    def names(self, node: ast.expr | None, around: _Around) -> tuple[str, ...]:
        """The classes that `raise node` raises; empty where they cannot be named."""
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Attribute) and node.func.attr == "with_traceback":
                return self.names(node.func.value, around)
            node = node.func
        elif isinstance(node, ast.Name):
            for alias, names in reversed(around.aliases):
                if alias == node.id:
                    return names
            made = self.variables.get(node.id)
            if isinstance(made, ast.Call):
                node = made.func
        name = dotted(node)
        return (name,) if name is not None and self.is_class(name) else ()

    def is_class(self, name: str) -> bool:
        first, _, _ = name.partition(".")
        last = name.rpartition(".")[2]
        if first in self.variables or name == "NotImplemented":
            return False
        if last in BUILTIN or self.ancestors(name) is not None:
            return True
        # Constants (`ERRORS`) and factories (`no_such_key(…)`) are no classes; `struct.error` is one.
        bare = last.lstrip("_")
        is_constant = bare.isupper() and len(bare) > 1
        return (bare[:1].isupper() and not is_constant) or (last == "error" and first != last)

    def escapes(self, name: str, handlers: Sequence[ast.ExceptHandler]) -> bool:
        for handler in handlers:
            if handler.type is None or self.is_caught(name, _types(handler)):
                return _raises_again(handler)
        return True

    def is_caught(self, name: str, types: Iterable[str]) -> bool:
        kin = self.kin(name)
        return any(_canonical(one) in kin for one in types)

    def kin(self, name: str) -> set[str]:
        """The last names of `name` and all its bases; `Exception` too where its bases are not known."""
        names = {_canonical(name), *map(_canonical, self.ancestors(name) or ())}
        for one in names & BUILTIN.keys():
            names.update(base.__name__ for base in BUILTIN[one].__mro__)
        return names if "BaseException" in names else names | _ANY


def _canonical(name: str) -> str:
    """The last name; of built-in ones the true name (`OSError` for `IOError`)."""
    last = name.rpartition(".")[2]
    return BUILTIN[last].__name__ if last in BUILTIN else last


def _variables(node: Function, own: Sequence[ast.AST]) -> dict[str, ast.expr | None]:
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


def _types(handler: ast.ExceptHandler) -> tuple[str, ...]:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return tuple(name for kind in kinds if (name := dotted(kind)) is not None)


def _raises_again(handler: ast.ExceptHandler) -> bool:
    return any(
        isinstance(node, ast.Raise)
        and (node.exc is None or (isinstance(node.exc, ast.Name) and node.exc.id == handler.name))
        for node in own_nodes(handler.body)
    )


def _suppressed(manager: ast.expr) -> Iterable[str]:
    if isinstance(manager, ast.Call) and last_name(manager) == "suppress":
        return [name for argument in manager.args if (name := dotted(argument)) is not None]
    return ()


def _is_endless(node: ast.stmt) -> bool:
    """`while True` without a `break` of its own."""
    if not (isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and node.test.value):
        return False
    todo: list[ast.AST] = list(node.body)
    while todo:
        inner = todo.pop()
        if isinstance(inner, ast.Break):
            return False
        if isinstance(inner, ast.stmt | ast.ExceptHandler | ast.match_case) and not isinstance(
            inner, (ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            todo.extend(ast.iter_child_nodes(inner))
    return True
