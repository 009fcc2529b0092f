"""Python source on its way to a measurement: docstrings taken out, put in and read; nothing is run."""

from __future__ import annotations

import ast
import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass

Definition = ast.FunctionDef | ast.AsyncFunctionDef
SKIP = "# workflow-hub: skip"
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class Function:
    """A function as it stands in its module: `owner` is the class whose body defines it.

    `place` is that among the module's functions, which docstrings do not change.
    """

    place: int
    node: Definition
    name: str
    owner: str | None

    @property
    def is_property(self) -> bool:
        words = {ast.unparse(one).rpartition(".")[2] for one in self.node.decorator_list}
        return bool(words & {"property", "cached_property"})

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names in the order of the signature, without what a method is bound to."""
        arguments = self.node.args
        names = [one.arg for one in (*arguments.posonlyargs, *arguments.args)]
        is_static = any(ast.unparse(one) == "staticmethod" for one in self.node.decorator_list)
        bound = self.owner is not None and not is_static
        ends = (arguments.vararg, *arguments.kwonlyargs, arguments.kwarg)
        return (*names[bound:], *(one.arg for one in ends if one is not None))


def functions(tree: ast.Module) -> list[Function]:
    """Every function of the module in the order of the source, nested ones too."""
    return [Function(place, *found) for place, found in enumerate(_functions(tree, "", None))]


def _functions(node: ast.AST, prefix: str, owner: str | None) -> Iterator[tuple[Definition, str, str | None]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield child, prefix + child.name, owner
                yield from _functions(child, f"{prefix}{child.name}.<locals>.", None)
            case ast.ClassDef():
                yield from _functions(child, f"{prefix}{child.name}.", prefix + child.name)
            case _:
                yield from _functions(child, prefix, owner)


def prepare(text: str, lines: Collection[int]) -> str:
    """The module with the docstrings of the functions at `lines` removed, and no other one missing.

    Other functions that have no docstring get a comment above them that keeps the hub from them.
    """
    rows = text.split("\n")
    every = functions(ast.parse(text))
    # From the last to the first, so that the places before stay as they are; what is nested in a function
    # lies below its docstring.
    for one in sorted(every, key=lambda one: one.node.lineno, reverse=True):
        if one.node.lineno in lines:
            _strip(rows, one.node)
        elif ast.get_docstring(one.node) is None and "<locals>" not in one.name:
            first = min([one.node.lineno, *(each.lineno for each in one.node.decorator_list)]) - 1
            indent = rows[first][: len(rows[first]) - len(rows[first].lstrip())]
            rows.insert(first, indent + SKIP)
    return "\n".join(rows)


def _strip(rows: list[str], node: Definition) -> None:
    if ast.get_docstring(node, clean=False) is None:
        return
    docstring = node.body[0]
    assert docstring.end_lineno is not None and docstring.end_col_offset is not None
    first, last = docstring.lineno - 1, docstring.end_lineno - 1
    before = rows[first].encode()[: docstring.col_offset].decode()
    after = rows[last].encode()[docstring.end_col_offset :].decode()
    if len(node.body) > 1 and not before.strip() and not after.strip():
        del rows[first : last + 1]
    else:
        rows[first : last + 1] = [f"{before}pass{after}"]


def without_docstrings(tree: ast.AST) -> str:
    """The tree as text without docstrings; where one was all there was, `pass` stands for it."""
    bare = copy.deepcopy(tree)
    for node in ast.walk(bare):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(bare)


def alone(function: Function, docstring: str | None = None, *, about: str | None = None) -> str:
    """The function as a module of its own, a method in its class, whose docstring is `about`."""
    node = copy.deepcopy(function.node)
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:] or [ast.Pass()]
    if docstring is not None:
        node.body.insert(0, ast.Expr(ast.Constant(docstring)))
    lines = ast.unparse(node).split("\n")
    if function.owner is None:
        return "\n".join(lines) + "\n"
    name = function.owner.rpartition(".")[2]
    head = [f"class {name}:", *([f'    """{about}"""'] if about else [])]
    return "\n".join([*head, *(f"    {line}" if line else line for line in lines)]) + "\n"
