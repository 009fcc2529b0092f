"""What the code changed since its docstring was written, of what the docstring speaks of."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from workflow_hub.source.facts import Facts, Parameter
from workflow_hub.source.files import parse_expression
from workflow_hub.source.symbols import Node, dotted, own_nodes
from workflow_hub.tasks.docstrings.check import Fault, Kin, required
from workflow_hub.tasks.docstrings.parts import last_name
from workflow_hub.tasks.docstrings.reading import Reading, type_field

# Names that mean what another spelling means.
_BUILTIN = {name.title(): name for name in ("list", "dict", "set", "tuple", "type")} | {
    "FrozenSet": "frozenset"
}


@dataclass(frozen=True, slots=True)
class Version:
    """A function, or a class, at one time: what it says, and what it calls."""

    facts: Facts
    node: Node

    @property
    def calls(self) -> set[str]:
        """The names of what is called, as they are written."""
        body = self.node.body
        return {dotted(one.func) or "" for one in own_nodes(body) if isinstance(one, ast.Call)}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed and that the docstring speaks of, as `says` tells.

    Where the docstring has a piece of code that is another now, `part` is where: the entry of the
    parameter `name`, its "type", what "returns", or the "prose". What does not raise `name` any more has
    the part "raises".
    """

    says: str
    part: Literal["", "default", "type", "returns", "prose", "raises"] = ""
    name: str = ""
    old: str = ""
    new: str = ""


def stale(then: Version, now: Version, reading: Reading, kin: Kin, when: str) -> Iterator[Fault]:
    """One fault with all that changed since `when`, or none."""
    if found := [*changes(then, now, reading, kin)]:
        what = ", ".join(one.says for one in found)
        says = f"is stale: {what} since the docstring was written ({when})"
        yield Fault("docstring-stale", says, what, evidence=f"then: {then.facts.signature}")


def changes(then: Version, now: Version, reading: Reading, kin: Kin) -> Iterator[Change]:
    """What changed of what the docstring speaks of."""
    yield from _parameters(then.facts, now.facts, reading)
    yield from _given_back(then.facts, now.facts, reading)
    yield from _raised(then, now, reading, kin)


def _parameters(then: Facts, now: Facts, reading: Reading) -> Iterator[Change]:
    old = {one.name: one for one in then.parameters}
    new = {one.name: one for one in now.parameters}
    described = reading.names("parameters") if reading.is_sure("parameters") else {}
    # A docstring that lists no parameters may still name one, as code.
    spoken = {*described, *re.findall(r"`(\w+)`", reading.prose)}
    added = [name for name in required(now) if name not in old]
    for name in (name for name in old if name not in new):
        at = list(old).index(name)
        successor = list(new)[at] if len(old) == len(new) else None
        if successor in added:
            added.remove(successor)
            if name in spoken:
                says = f"parameter {name} renamed to {successor}"
                yield Change(says, "prose", name, f"`{name}`", f"`{successor}`")
        elif name in spoken:
            yield Change(f"parameter {name} removed")
    if described:
        yield from (Change(f"parameter {name} added") for name in added if name not in described)
    for name in described.keys() & old.keys() & new.keys():
        yield from _retyped(old[name], new[name], _entry(reading, name))


def _retyped(old: Parameter, new: Parameter, entry: str) -> Iterator[Change]:
    """What the entry of a parameter quotes of it, and is otherwise now."""
    if old.default != new.default and _quotes(entry, old.default) and not _quotes(entry, new.default):
        says = f"default of {old.name} changed from {old.default} to {new.default or 'none'}"
        yield Change(says, "default", old.name, old.default or "", new.default or "")
    if canonical(old.annotation) == canonical(new.annotation):
        return
    if _quotes(entry, old.annotation) and not _quotes(entry, new.annotation):
        says = f"type of {old.name} changed from {old.annotation} to {new.annotation or 'none'}"
        yield Change(says, "type", old.name, old.annotation or "", new.annotation or "")


def _given_back(then: Facts, now: Facts, reading: Reading) -> Iterator[Change]:
    has_section = reading.has("returns", "yields")
    if then.yields != now.yields:
        if has_section:
            yield Change("it yields now" if now.yields else "it does not yield any more")
    elif then.returns_value != now.returns_value:
        if has_section and then.returns_value:
            yield Change("nothing is returned any more")
        elif reading.has("parameters") and not has_section and now.returns_value:
            yield Change("a value is returned now")
    elif has_section and then.returns and now.returns and canonical(then.returns) != canonical(now.returns):
        text = "\n".join(reading.text(section) for section in reading.sections)
        if not _quotes(text, now.returns):
            says = f"what is returned changed from {then.returns} to {now.returns}"
            yield Change(says, "returns", "", then.returns, now.returns)


def _raised(then: Version, now: Version, reading: Reading, kin: Kin) -> Iterator[Change]:
    described = {last_name(name) for name in reading.names("raises")}
    old = {last_name(one.name) for one in then.facts.raises}
    new = {last_name(one.name): one.name for one in now.facts.raises}
    if described and now.calls <= then.calls:
        # What is called anew may raise it instead.
        kept = {name for one in new.values() for name in kin(one)}
        for name in sorted((old & described) - kept):
            yield Change(f"{name} is not raised any more", "raises", name)
    if reading.sections:
        yield from (
            Change(f"{name} is raised")
            for name, full in new.items()
            if name not in old and not _covers(described, kin(full))
        )


def _covers(described: Collection[str], names: Collection[str]) -> bool:
    return not set(described).isdisjoint(names)


def _entry(reading: Reading, name: str) -> str:
    """The lines of the entry that describes a parameter, and of the field for its type."""
    lines = [
        line
        for section in reading.of("parameters")
        for entry in section.entries
        if name in entry.names
        for line in reading.lines[entry.start : entry.end]
    ]
    return "\n".join([*lines, *filter(type_field(name).fullmatch, reading.lines)])


def _quotes(text: str, code: str | None) -> bool:
    """Whether a text has this piece of code in it."""
    return code is not None and quotation(code).search(text) is not None


def quotation(code: str) -> re.Pattern[str]:
    """Finds a piece of code in a text, apart from longer ones."""
    return re.compile(rf"(?<![\w.]){re.escape(code)}(?![\w\[]|\.\w)")


def canonical(annotation: str | None) -> str | None:
    """An annotation in one spelling: without quotes and modules, `Optional[X]` and `Union` as `X | None`."""
    if annotation is None:
        return None
    try:
        return ast.unparse(_Plain().visit(parse_expression(annotation.strip("'\""))))
    except (SyntaxError, RecursionError):
        return annotation


class _Plain(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self.visit_Name(ast.Name(node.attr))

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(_BUILTIN.get(node.id, node.id))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Name(canonical(node.value) or "") if isinstance(node.value, str) else node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return _either([self.visit(node.left), self.visit(node.right)])

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        value, inner = self.visit(node.value), self.visit(node.slice)
        name = value.id if isinstance(value, ast.Name) else ""
        if name == "Optional":
            return _either([inner, ast.Constant(None)])
        if name == "Union":
            return _either(inner.elts if isinstance(inner, ast.Tuple) else [inner])
        return ast.Subscript(value, inner)


def _either(options: list[ast.expr]) -> ast.expr:
    """The options joined by `|`, each once, in the order of the alphabet."""
    texts = {part for option in options for part in ast.unparse(option).split(" | ")}
    return ast.Name(" | ".join(sorted(texts)))
