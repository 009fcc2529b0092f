"""What the code itself says of a part, in words: for where a model had none, or none that may stand.

It says less than a good sentence, and is true by construction: what is done with a parameter first,
what a function returns, what it takes for an exception to be raised.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from workflow_hub.source.escapes import Raised
from workflow_hub.source.facts import Facts
from workflow_hub.source.symbols import Symbol, dotted, own_nodes
from workflow_hub.source.trim import Function, text_of, without_docstring
from workflow_hub.tasks.docstrings.slots import Slot

LONGEST_CODE = 48
MOST_NAMES = 3
# What is done with an operand, where the expression is too long to be shown.
_FORMS = {ast.BinOp: "used in a computation", ast.Compare: "compared", ast.Subscript: "used in a lookup"}
# An end of a quotation, an escape, or the sign that something was cut.
_SPOILS = re.compile(r"[`\\\n…]|\.\.\.")
_READ = 3  # the rank of an attribute of it, or of a method


@dataclass(frozen=True, slots=True)
class _Use:
    """One thing that is done with a value; the one of the lowest `rank` tells most about what it is for."""

    rank: int
    phrase: str


def derived(slot: Slot, symbol: Symbol, facts: Facts) -> str | None:
    """The phrase for one part of a function's docstring; None where the code does not tell."""
    node = symbol.node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    code = _Code(symbol.source.text)
    match slot.kind:
        case "summary":
            return _summary(node, code, facts)
        case "parameter":
            return _use_of(slot.name.lstrip("*"), node, code)
        case "returns":
            return _given(node, code, ast.Return)
        case "yields":
            return _given(node, code, ast.Yield, ast.YieldFrom)
        case "raises":
            return next((_thrown(one) for one in facts.raises if one.name == slot.name), None)
    return None


class _Code:
    """Nodes as they are shown: `name()` for a call, short code between backquotes."""

    def __init__(self, source_text: str) -> None:
        self.source_text = source_text

    def of(self, node: ast.AST) -> str | None:
        """The node's code, where it is short, nothing of it was cut, and nothing in it ends the quotation."""
        text = text_of(node, self.source_text, LONGEST_CODE + 1)
        return f"``{text}``" if len(text) <= LONGEST_CODE and not _SPOILS.search(text) else None

    def called(self, node: ast.Call) -> str:
        """`open()`, `super().close()`, or `a call` where what is called has no name."""
        name = dotted(node.func)
        match node.func:
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=attribute):
                name = f"super().{attribute}"
            case ast.Attribute(attr=attribute) if name is None:
                name = attribute
        return f"{name}()" if name and len(name) <= LONGEST_CODE else "a call"


def _use_of(name: str, node: Function, code: _Code) -> str:
    """What is done first with the parameter `name`, of all that tells most: `passed to open() as mode`."""
    uses = list(_uses(name, node.body, code))
    reads = [use.phrase for use in uses if use.rank == _READ]
    best = min(uses, key=lambda use: use.rank, default=None)
    if best is None:
        return "not used here"
    if best.rank == _READ:
        return f"used for its {_listed(list(dict.fromkeys(reads)))}"
    return best.phrase


def _uses(name: str, body: Iterable[ast.AST], code: _Code) -> Iterator[_Use]:
    """Its uses in the order of the code, inner functions included, those aside that name one of theirs so."""
    todo: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(one, ()) for one in reversed(list(body))]
    while todo:
        node, above = todo.pop()
        if isinstance(node, ast.Name) and node.id == name and _is_read(node, above):
            yield _use(node, above, code)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and name in _names_of(node):
            continue
        inner = ((child, (node, *above[:1])) for child in ast.iter_child_nodes(node))
        todo.extend(reversed(list(inner)))


def _is_read(node: ast.Name, above: Sequence[ast.AST]) -> bool:
    return isinstance(node.ctx, ast.Load) or isinstance(above[0], ast.AugAssign)


def _names_of(node: Function | ast.Lambda) -> set[str]:
    return {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}


def _use(node: ast.Name, above: Sequence[ast.AST], code: _Code) -> _Use:
    """What the node just above, and the one above that, do with it."""
    parent, outer = above[0], above[1] if len(above) > 1 else None
    match parent:
        case ast.Assign(targets=[ast.Attribute() as kept]) | ast.AnnAssign(target=ast.Attribute() as kept):
            if place := dotted(kept):
                return _Use(0, f"kept as {place}")
        case ast.Call(func=ast.Name() as called) if called is node:
            return _Use(1, f"called as {shown}" if (shown := code.of(parent)) else "called")
        case ast.keyword(arg=None) if isinstance(outer, ast.Call):
            return _Use(2, f"passed on to {code.called(outer)}")
        case ast.keyword(arg=str(keyword)) if isinstance(outer, ast.Call):
            to = f"passed to {code.called(outer)}"
            return _Use(2, to if keyword == node.id else f"{to} as {keyword}")
        case ast.Starred() if isinstance(outer, ast.Call):
            return _Use(2, f"passed on to {code.called(outer)}")
        case ast.Call(func=ast.Name(id="isinstance" | "issubclass" | "callable" | "type")):
            return _Use(7, "looked at for its type")
        case ast.Call():
            return _Use(2, f"passed to {code.called(parent)}")
        case ast.Attribute(attr=attribute):
            is_called = isinstance(outer, ast.Call) and outer.func is parent
            return _Use(_READ, f"{attribute}()" if is_called else attribute)
        case ast.For() | ast.AsyncFor() | ast.comprehension() if parent.iter is node:
            each = code.of(parent.target)
            return _Use(2, f"gone through, each as {each}" if each else "gone through")
        case ast.Compare(comparators=[other], ops=[ast.In() | ast.NotIn()]):
            if other is node:
                return _Use(4, f"searched for {shown}" if (shown := code.of(parent.left)) else "searched")
            return _Use(4, f"looked for in {shown}" if (shown := code.of(other)) else "looked for")
        case ast.Compare(ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)]):
            return _Use(7, "compared with None")
        case ast.withitem():
            return _Use(2, "entered as a context")
        case ast.Return() | ast.Yield() | ast.YieldFrom():
            return _Use(5, "returned" if isinstance(parent, ast.Return) else "yielded")
        case ast.Await():
            return _Use(2, "awaited")
        case ast.Raise():
            return _Use(2, "raised")
        case ast.FormattedValue():
            return _Use(4, "put into a text")
        case ast.If() | ast.IfExp() | ast.While() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Assert():
            return _Use(6, "tested for truth")
        case ast.Dict() | ast.List() | ast.Set() | ast.Tuple():
            return _Use(6, f"put into {shown}" if (shown := code.of(parent)) else "put together with others")
        case ast.AugAssign(target=ast.Name() as target) if target is node:
            return _Use(6, "added to")
    form = outer if outer is not None and isinstance(parent, ast.Slice) else parent
    if form.__class__ in _FORMS:
        return _Use(4, f"used in {shown}" if (shown := code.of(form)) else _FORMS[form.__class__])
    return _Use(8, "used in the body")


def _given(node: Function, code: _Code, *kinds: type[ast.AST]) -> str | None:
    """The values that are returned or yielded, as they stand: ``self._size`` or ``0``."""
    found = (one for one in own_nodes(node.body) if isinstance(one, kinds))
    values: dict[str, None] = {}
    for one in sorted(found, key=lambda one: (one.lineno, one.col_offset)):  # type: ignore[attr-defined]
        value = getattr(one, "value", None)
        if value is not None:
            said = _value(value, code)
            values[f"all of {said}" if isinstance(one, ast.YieldFrom) else said] = None
    return _listed(list(values), "or") or None


def _value(node: ast.expr, code: _Code) -> str:
    if shown := code.of(node):
        return shown
    match node:
        case ast.Await(value=inner):
            return _value(inner, code)
        case ast.Call():
            return f"what {code.called(node)} gives"
        case ast.List() | ast.ListComp():
            return "a list"
        case ast.Tuple():
            return f"a tuple of {len(node.elts)}"
        case ast.Dict() | ast.DictComp():
            return "a dictionary"
        case ast.Set() | ast.SetComp():
            return "a set"
        case ast.JoinedStr() | ast.Constant(value=str()):
            return "a text"
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
            return "the outcome of a test"
        case ast.Lambda():
            return "a function"
    return "a computed value"


def _thrown(raised: Raised) -> str:
    """When it is raised: the condition of its own `raise`, or the callee that raises it."""
    if raised.path:
        return f"if {raised.path[0]}() raises it"
    guard = raised.guard or ""
    if not guard or guard.startswith(("except", "case ")) or _SPOILS.search(guard):
        return "raised by this function itself"
    return f"if ``{guard}``"


def _summary(node: Function, code: _Code, facts: Facts) -> str | None:
    """What comes of a call: its one statement, or what it gives back and raises; None where that is nothing.

    What else a longer function does would be a guess.
    """
    match without_docstring(node.body):
        case [ast.Assign(targets=[ast.Attribute() | ast.Subscript() as target], value=value)]:
            place, shown = code.of(target), code.of(value)
            return f"Set {place} to {shown}." if place and shown else None
        case [ast.Expr(value=ast.Call() as call)]:
            return f"Call {code.called(call)}."
        case [ast.Raise(exc=ast.expr() as raised)]:
            name = dotted(raised.func if isinstance(raised, ast.Call) else raised)
            return name and f"Raise {name}."
    yields = _given(node, code, ast.Yield, ast.YieldFrom)
    returns = _given(node, code, ast.Return) if facts.returns_value else None
    own = [one for one in facts.raises if not one.path]
    outcomes = (
        yields and f"yield {yields}",
        returns and not yields and f"return {returns}",
        own and f"raise {_listed([one.name for one in own], 'or')}",
    )
    text = " or ".join(one for one in outcomes if one)
    return f"{text[0].upper()}{text[1:]}." if text else None


def _listed(items: Sequence[str], word: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; of more than MOST_NAMES the first, and that there are others."""
    shown = [*items] if len(items) <= MOST_NAMES else [*items[: MOST_NAMES - 1], "others"]
    return f" {word} ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)
