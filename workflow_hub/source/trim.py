"""Python code as short as it can be said: what a small model reads of a function, class or module."""

from __future__ import annotations

import ast
import copy
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

CHARS_PER_TOKEN = 3.3
LONGEST_STRING = 40
LONGEST_LINE = 200
LONGEST_SIGNATURE = 1500
MOST_ELEMENTS = 6
_HUGE = 1 << 128
_LOGGERS = frozenset({"log", "logger", "logging", "_log", "_logger", "LOG", "LOGGER", "warnings"})

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


def estimate_tokens(text: str) -> int:
    """How many tokens a model is likely to see in `text`, for code: one for 3.3 bytes, rounded up."""
    return math.ceil(len(text.encode("utf-8", "replace")) / CHARS_PER_TOKEN)


def trim(node: ast.Module | Definition, source_text: str, budget_tokens: int) -> str:
    """The body of `node` in at most `budget_tokens` (at least one), without docstrings and comments.

    Long strings and literals are cut. Where that is not enough, `...` stands for what matters least:
    imports, logging and plain assignments go first, then calls and what is set on objects, at last
    returns, yields and raises. Of methods, and of what a module defines, only signatures are shown, and
    of `__init__` what it sets.
    """
    lines = list(_Writer(source_text, whole=isinstance(node, Function)).block(node.body, 0))
    text = _joined(lines)
    # The least important first; at the same weight inner lines before the line that holds them.
    order = sorted(range(len(lines)), key=lambda at: (-lines[at].weight, lines[at].indent, at))
    dropped: set[int] = set()
    while order and (excess := estimate_tokens(text) - budget_tokens) > 0:
        excess_chars = excess * CHARS_PER_TOKEN
        while order and excess_chars > 0:
            at = order.pop()
            dropped.add(at)
            excess_chars -= lines[at].indent * 4 + len(lines[at].text) + 1
        text = _joined(_without(lines, dropped))
    return text


def signature_of(node: Definition, source_text: str) -> str:
    """`async def name(a, *, b: int = 1) -> str` in one line, without decorators and the colon."""
    bare = copy.copy(node)
    bare.body = [ast.Pass()]
    bare.decorator_list = []
    try:
        text = ast.unparse(shortened(bare)).removesuffix(":\n    pass").replace("\n", "\\n")
    except (ValueError, RecursionError):
        last = max(node.body[0].lineno - 1, node.lineno)
        text = " ".join("\n".join(source_text.splitlines()[node.lineno - 1 : last]).split()).rstrip(":")
    return cut(text, LONGEST_SIGNATURE)


def text_of(node: ast.AST, source_text: str, limit: int = LONGEST_LINE) -> str:
    """`node` as Python in one line of at most `limit` characters."""
    try:
        text = ast.unparse(node if _is_short(node) else shortened(node)).replace("\n", "\\n")
    except (ValueError, RecursionError):
        # Python 3.11 cannot write every f-string that it can read; nor what is nested too deeply.
        text = " ".join((ast.get_source_segment(source_text, node) or "...").split())
    return cut(text, limit)


def shortened(node: ast.AST) -> ast.AST:
    """A copy with long strings, numbers and literals cut; `node` itself where nothing was long."""
    if isinstance(node, ast.Constant):
        return _short_constant(node)
    changes: dict[str, object] = {}
    if isinstance(node, (ast.List, ast.Set, ast.Tuple)) and len(node.elts) > MOST_ELEMENTS:
        changes["elts"] = [*(shortened(element) for element in node.elts[:3]), ast.Constant(...)]
    elif isinstance(node, ast.Dict) and len(node.keys) > MOST_ELEMENTS:
        changes["keys"] = [*node.keys[:3], None]
        changes["values"] = [*(shortened(value) for value in node.values[:3]), ast.Constant(...)]
    else:
        for name, old in ast.iter_fields(node):
            if isinstance(old, ast.AST):
                new: object = shortened(old)
            elif isinstance(old, list):
                new = [shortened(item) if isinstance(item, ast.AST) else item for item in old]
                if all(one is other for one, other in zip(new, old, strict=True)):
                    continue
            else:
                continue
            if new is not old:
                changes[name] = new
    if not changes:
        return node
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _is_short(node: ast.AST) -> bool:
    """Whether nothing in `node` can be long, by its place in the source alone."""
    place = (getattr(node, name, None) for name in ("lineno", "end_lineno", "col_offset", "end_col_offset"))
    match tuple(place):
        case (int(first), int(last), int(begin), int(end)):
            return first == last and end - begin <= LONGEST_STRING
    return False


def _short_constant(node: ast.Constant) -> ast.Constant:
    value = node.value
    if isinstance(value, str) and len(value) > LONGEST_STRING:
        return ast.Constant(value[: LONGEST_STRING - 3] + "…")
    if isinstance(value, bytes) and len(value) > LONGEST_STRING:
        return ast.Constant(value[: LONGEST_STRING - 3] + b"...")
    if isinstance(value, int) and abs(value) > _HUGE:
        return ast.Constant(...)
    return node


def without_docstring(body: Sequence[ast.stmt]) -> Sequence[ast.stmt]:
    """The statements of a body, less a docstring at its head."""
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *_]:
            return body[1:]
    return body


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of the shown code; the lower the `weight`, the sooner it goes. `opens` a block or not."""

    indent: int
    text: str
    weight: int
    opens: bool = False


class _Writer:
    """Statements as lines; `whole` shows functions with their bodies, else only what they take."""

    def __init__(self, source_text: str, *, whole: bool) -> None:
        self.source_text = source_text
        self.whole = whole

    def text(self, node: ast.AST) -> str:
        return text_of(node, self.source_text)

    def block(self, body: Iterable[ast.stmt], indent: int) -> Iterator[_Line]:
        for node in body:
            match node:
                case ast.Expr(value=ast.Constant(value=str())):
                    continue  # a docstring, or a string that stands for a comment
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    yield from self.definition(node, indent)
                case ast.Match():
                    cases = list(self.compound(list(self.parts(node)), indent + 1))
                    heaviest = max(line.weight for line in cases)
                    yield _Line(indent, f"match {self.text(node.subject)}:", heaviest, opens=True)
                    yield from cases
                case _:
                    parts = list(self.parts(node))
                    if parts:
                        yield from self.compound(parts, indent)
                    else:
                        yield _Line(indent, self.text(node), _weight(node))

    def compound(self, parts: Sequence[tuple[str, Sequence[ast.stmt]]], indent: int) -> Iterator[_Line]:
        """All headers of a statement weigh as much as its weightiest line, so that none is orphaned."""
        lines: list[_Line] = []
        for header, body in parts:
            lines.append(_Line(indent, header, 0, opens=True))
            lines.extend(self.block(body, indent + 1))
        heaviest = max(line.weight for line in lines)
        for line in lines:
            is_header = line.opens and line.indent == indent
            yield replace(line, weight=heaviest) if is_header else line

    def parts(self, node: ast.stmt) -> Iterator[tuple[str, Sequence[ast.stmt]]]:
        """The headers of a compound statement with the statements under each; none for a simple one."""
        text = self.text
        match node:
            case ast.If():
                yield from self.branches(node)
                return
            case ast.For() | ast.AsyncFor():
                yield f"{_async(node)}for {text(node.target)} in {text(node.iter)}:", node.body
            case ast.While():
                yield f"while {text(node.test)}:", node.body
            case ast.With() | ast.AsyncWith():
                yield f"{_async(node)}with {', '.join(map(text, node.items))}:", node.body
            case ast.Try() | ast.TryStar():
                yield "try:", node.body
                star = "*" if isinstance(node, ast.TryStar) else ""
                for handler in node.handlers:
                    caught = f"{star} {text(handler.type)}" if handler.type else ""
                    name = f" as {handler.name}" if handler.name else ""
                    yield f"except{caught}{name}:", handler.body
            case ast.Match():
                for case in node.cases:
                    guard = f" if {text(case.guard)}" if case.guard else ""
                    yield f"case {text(case.pattern)}{guard}:", case.body
        if orelse := getattr(node, "orelse", []):
            yield "else:", orelse
        if finalbody := getattr(node, "finalbody", []):
            yield "finally:", finalbody

    def branches(self, node: ast.If) -> Iterator[tuple[str, Sequence[ast.stmt]]]:
        word = "if"
        while True:
            yield f"{word} {self.text(node.test)}:", node.body
            match node.orelse:
                case []:
                    return
                case [ast.If() as node]:
                    word = "elif"
                case others:
                    yield "else:", others
                    return

    def definition(self, node: Definition, indent: int) -> Iterator[_Line]:
        header = signature_of(node, self.source_text)
        if self.whole and not isinstance(node, ast.ClassDef):
            yield from self.compound([(header + ":", without_docstring(node.body) or node.body)], indent)
            return
        weight = _weight_of_name(node.name)
        for decorator in node.decorator_list:
            yield _Line(indent, f"@{self.text(decorator)}", weight)
        if node.name == "__init__" and (sets := [one for one in node.body if _sets_attribute(one)]):
            yield from self.compound([(header + ":", sets)], indent)
            return
        yield _Line(indent, header + ": ...", weight)


def _async(node: ast.stmt) -> str:
    return "async " if isinstance(node, (ast.AsyncFor, ast.AsyncWith)) else ""


def _weight(node: ast.stmt) -> int:
    """3 for what callers see, 2 for what changes the world, 1 for what computes, 0 for the rest."""
    match node:
        case ast.Return() | ast.Raise():
            return 3
        case ast.Expr(value=ast.Yield() | ast.YieldFrom()) | ast.Assign(value=ast.Yield() | ast.YieldFrom()):
            return 3
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))) if name in _LOGGERS:
            return 0
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.Delete() | ast.AnnAssign():
            return 2
        case ast.Assign(targets=targets) if any(
            isinstance(target, (ast.Attribute, ast.Subscript)) for target in targets
        ):
            return 2
        case ast.Assign(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Assert():
            return 1
    return 0


def _sets_attribute(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return any(isinstance(target, ast.Attribute) for target in targets)


def _weight_of_name(name: str) -> int:
    if name == "__init__":
        return 3
    return 0 if name.startswith("_") else 2


def _without(lines: Sequence[_Line], dropped: set[int]) -> Iterator[_Line]:
    """The lines that stay, with one `...` for each run of those that do not."""
    gap = False
    for at, line in enumerate(lines):
        if at not in dropped:
            yield line
        elif not gap:
            yield _Line(line.indent, "...", 0)
        gap = at in dropped


def _joined(lines: Iterable[_Line]) -> str:
    """The lines as text; a block of one simple line goes on the line that opens it."""
    text: list[str] = []
    kept = list(lines)
    at = 0
    while at < len(kept):
        line = kept[at]
        written = "    " * line.indent + line.text
        inner = kept[at + 1] if at + 1 < len(kept) else None
        if line.opens and inner is not None and inner.indent > line.indent and not inner.opens:
            beyond = kept[at + 2] if at + 2 < len(kept) else None
            if beyond is None or beyond.indent <= line.indent:
                written += " " + inner.text
                at += 1
        text.append(written)
        at += 1
    return "\n".join(text)


def cut(text: str, limit: int) -> str:
    """The text, or as much of it as `limit` characters hold, with `…` at its end."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
