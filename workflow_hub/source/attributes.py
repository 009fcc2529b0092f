"""The attributes of a class: what its body declares, and what its `__init__` sets on `self`."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from workflow_hub.source.symbols import Symbol, last_name, own_nodes
from workflow_hub.source.trim import Function, text_of

# What is annotated in a class body and is no attribute of its instances.
_NO_FIELDS = frozenset({"ClassVar", "InitVar", "KW_ONLY", "TypeAlias"})

_Set = tuple[ast.stmt, ast.expr | None]  # the statement that makes an attribute, and its annotation


@dataclass(frozen=True, slots=True)
class Attribute:
    """A public attribute; `documented` where a `#:` comment or a string below it speaks for it."""

    name: str
    annotation: str | None = None
    documented: bool = False


def attributes_of(symbol: Symbol, node: ast.ClassDef) -> tuple[Attribute, ...]:
    """Those that the class itself declares or sets, once each, in source order.

    Left out: private ones, methods and properties, and the members of an enum, whose names say it.
    """
    text, lines = symbol.source.text, symbol.source.lines
    init = _methods(node).get("__init__")
    with_text = {*_followed_by_text(node.body), *_followed_by_text(init.body if init else [])}
    return tuple(
        Attribute(
            name,
            None if annotation is None else text_of(annotation, text),
            statement in with_text or _has_comment(statement, lines),
        )
        for name, (statement, annotation) in _found(node).items()
    )


def attribute_names(node: ast.ClassDef) -> tuple[str, ...]:
    """The names alone."""
    return tuple(_found(node))


def _found(node: ast.ClassDef) -> dict[str, _Set]:
    if any(last_name(base).endswith(("Enum", "Flag")) for base in node.bases):
        return {}
    methods = _methods(node)
    found: dict[str, _Set] = {}
    for name, how in (*_declared(node), *_set_by(methods.get("__init__"))):
        if not name.startswith("_") and name not in methods:
            found.setdefault(name, how)
    return found


def _methods(node: ast.ClassDef) -> dict[str, Function]:
    return {one.name: one for one in node.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))}


def _declared(node: ast.ClassDef) -> Iterator[tuple[str, _Set]]:
    for inner in node.body:
        match inner:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                outer = annotation.value if isinstance(annotation, ast.Subscript) else annotation
                if last_name(outer) not in _NO_FIELDS:
                    yield name, (inner, annotation)


def _set_by(init: Function | None) -> Iterator[tuple[str, _Set]]:
    """What `__init__` sets, with the annotation of a parameter that goes in as it is."""
    if init is None or not (arguments := [*init.args.posonlyargs, *init.args.args]):
        return
    own = arguments[0].arg
    types = {argument.arg: argument.annotation for argument in (*arguments[1:], *init.args.kwonlyargs)}
    assigned = [one for one in own_nodes(init.body) if isinstance(one, ast.Assign | ast.AnnAssign)]
    for statement in sorted(assigned, key=lambda one: one.lineno):
        value = statement.value
        annotation = types.get(value.id) if isinstance(value, ast.Name) else None
        if isinstance(statement, ast.AnnAssign):
            annotation = statement.annotation
        for target in _targets(statement):
            if isinstance(target, ast.Attribute) and _is_name(target.value, own):
                yield target.attr, (statement, annotation)


def _targets(statement: ast.Assign | ast.AnnAssign) -> Iterator[ast.expr]:
    todo = [statement.target] if isinstance(statement, ast.AnnAssign) else list(statement.targets)
    for target in todo:
        if isinstance(target, (ast.Tuple, ast.List)):
            todo += target.elts
        else:
            yield target


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _has_comment(statement: ast.stmt, lines: list[str]) -> bool:
    """Whether a comment that begins with `#:` stands behind the statement or on the line above it."""
    last = lines[(statement.end_lineno or statement.lineno) - 1].encode()
    behind = last[statement.end_col_offset or 0 :].decode("utf-8", "replace").lstrip()
    above = lines[statement.lineno - 2].lstrip() if statement.lineno > 1 else ""
    return behind.startswith("#:") or above.startswith("#:")


def _followed_by_text(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements with a string of their own below them."""
    for statement, follower in itertools.pairwise(body):
        if isinstance(follower, ast.Expr) and isinstance(follower.value, ast.Constant):
            yield statement
