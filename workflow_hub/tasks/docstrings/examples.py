"""Examples: which functions get one, what a model may draft, and how what came out stands in a docstring."""

from __future__ import annotations

import ast
import builtins
import re
from datetime import date

from workflow_hub.schema import TEXT_OR_NULL, Schema
from workflow_hub.source.facts import Facts
from workflow_hub.source.symbols import Symbol, last_name
from workflow_hub.tasks.docstrings.parts import Style
from workflow_hub.tasks.docstrings.sections import documented

LONGEST_DRAFT = 72
MOST_LINES = 4
# A call of a function with any of these around it is still a call of that function.
_TRANSPARENT = frozenset(
    "staticmethod classmethod property cached_property cache lru_cache final override".split()
)
_CLOSED = frozenset(
    """__import__ breakpoint compile delattr eval exec exit globals help input locals memoryview open quit
    setattr vars""".split()
)
_OPEN = frozenset(dir(builtins)) - _CLOSED
# What an argument may be made of: texts, numbers, containers. Names would be invented.
_LITERALS = r"""'[^'"\\\x00-\x1f]{0,24}'|[0-9 .,:-]|[(]|[)]|\[|\]|[{]|[}]|True|False|None"""
_MOST_PIECES = 32
_MOST_NAMES = 8
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{5,}|\bat 0x")
_PROMPTS = (">>>", "...", "Traceback")


def wants_example(symbol: Symbol, facts: Facts) -> bool:
    """Whether it is a public function of a module or class that gives something, and shows no example yet."""
    names = symbol.qualname.split(".")
    return (
        facts.kind == "function"
        and (facts.returns_value or facts.yields)
        and not facts.is_async
        and len(names) == (1 if symbol.owner is None else 2)
        and not any(name.startswith("_") for name in (*names, symbol.source.path.stem))
        and _decorators(symbol) <= _TRANSPARENT
        and ">>>" not in (symbol.docstring or "")
    )


def form(symbol: Symbol, facts: Facts) -> tuple[str, ...]:
    """The fixed parts of an example's call; between two of them stand arguments."""
    name = symbol.name
    decorators = _decorators(symbol)
    takes = bool(facts.parameters)
    if "property" in decorators or "cached_property" in decorators:
        call: tuple[str, ...] = (f"{symbol.owner_name}(", f").{name}")
    elif symbol.owner is None or decorators & {"staticmethod", "classmethod"}:
        head = f"{symbol.qualname}("
        call = (head, ")") if takes else (head + ")",)
    else:
        head = f").{name}("
        call = (f"{symbol.owner_name}(", head, ")") if takes else (f"{symbol.owner_name}(", head + ")")
    return (f"list({call[0]}", *call[1:-1], f"{call[-1]})") if facts.yields and len(call) > 1 else call


def draft_schema(symbol: Symbol, facts: Facts) -> Schema:
    """A call of its form, or null: arguments are literals, or made by classes that the code speaks of.

    A server that keeps to patterns cannot draft anything else; for the others there is `draft_fault`.
    """
    classes = [name for name in _defined(symbol) if name in facts.own_names and name[0].isupper()]
    words = [
        *(f"{name}(" for name in sorted(classes)[:_MOST_NAMES]),
        *(
            f"{one.name}="
            for one in facts.parameters[:_MOST_NAMES]
            if one.kind in ("positional", "keyword_only")
        ),
    ]
    pieces = "|".join((_LITERALS, *map(_literally, words)))
    arguments = f"({pieces}){{0,{_MOST_PIECES}}}"
    return {**TEXT_OR_NULL, "pattern": f"^{arguments.join(map(_literally, form(symbol, facts)))}$"}


def _literally(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign == "_" else f"[{sign}]" for sign in text)


def draft_fault(draft: str, symbol: Symbol) -> str | None:
    """Why a draft is not tried, as the end of a sentence about it; None where it may be."""
    if len(draft) > LONGEST_DRAFT or not draft.isprintable():
        return "was too long"
    try:
        tree = ast.parse(draft, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return "was no expression"
    nodes = list(ast.walk(tree))
    if not any(
        last_name(node) == symbol.name for node in nodes if isinstance(node, ast.Name | ast.Attribute)
    ):
        return f"did not use {symbol.name}"
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    known = _OPEN | bound | _defined(symbol)
    for node in nodes:
        match node:
            case ast.Name(id=name) if name not in known:
                return f"named {name}, which is not there"
            case ast.Attribute(attr=name) if name.startswith("_"):
                return f"named {name}, which is private"
            case ast.Constant(value=value) if value is ...:
                return "was a placeholder"
            case ast.Lambda() | ast.Await() | ast.NamedExpr() | ast.Yield() | ast.YieldFrom():
                return "was more than a call"
    return None


def _defined(symbol: Symbol) -> set[str]:
    """The public functions, classes and constants of the module, and what it imports."""
    found: set[str] = set()
    for node in symbol.source.tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in aliases}
    return {name for name in found if not name.startswith("_")}


def output_fault(draft: str, outputs: tuple[str, str], today: date, width: int) -> str | None:
    """Why what came out of a draft is not shown, of two runs; None where it may be.

    What depends on the day comes out alike in both, so that a year which nobody typed is no example.
    """
    output, again = outputs
    lines = output.splitlines()
    if output != again:
        return "did not come out the same twice"
    if not lines:
        return "showed nothing"
    if len(lines) > MOST_LINES or any(len(line) > width for line in (f">>> {draft}", *lines)):
        return "showed too much"
    if _ADDRESS.search(output) or (str(today.year) in output and str(today.year) not in draft):
        return "showed what changes"
    if any(line != line.rstrip() or not line.isprintable() or not line for line in lines):
        return "showed what cannot be seen"
    if '"""' in output or "'''" in output or any(line.lstrip().startswith(_PROMPTS) for line in lines):
        return "showed what would be read as something else"
    return None


def with_example(text: str, example: str, style: Style) -> str:
    """The docstring with the example at its end, in its own style or else in `style`."""
    lines = example.split("\n")
    match documented(text).style or style:
        case Style.GOOGLE:
            lines = ["Example:", *(f"    {line}" for line in lines)]
        case Style.NUMPY:
            lines = ["Examples", "--------", *lines]
    return "\n".join([text, "", *lines])


def _decorators(symbol: Symbol) -> set[str]:
    node = symbol.node
    return set() if isinstance(node, ast.Module) else {last_name(one) for one in node.decorator_list}
