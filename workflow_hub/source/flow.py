"""What raises in a function, without its code: raises, calls, and the handlers around them, as steps."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from workflow_hub.source.calling import (
    ON_SELF,
    Call,
    How,
    Kind,
    called_name,
    calls_in,
    kind_of,
    local_names,
    variables_of,
)
from workflow_hub.source.symbols import dotted, last_name, own_nodes
from workflow_hub.source.trim import Function, text_of, without_docstring

LONGEST_GUARD = 80


@dataclass(frozen=True, slots=True)
class Throw:
    """`raise name`, under the innermost condition around it, in Python's words."""

    name: str
    guard: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Again:
    """What the handler at that depth caught is raised again; 0 is the outermost handler around."""

    depth: int
    guard: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Handler:
    """What it catches, as written (None: everything), and what it does then."""

    types: tuple[str, ...] | None
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Guarded:
    """Steps whose exceptions the handlers see, the first that fits takes each."""

    steps: tuple[Step, ...]
    handlers: tuple[Handler, ...]


Step = Throw | Call | Again | Guarded


@dataclass(frozen=True, slots=True)
class Flow:
    """The steps of the function at `line` that raise or call, in source order, as far as they are reached."""

    kind: Kind
    steps: tuple[Step, ...]
    line: int = 0


SILENT = Flow("function", ())
_ALL = (Handler(None),)


def flow_of(node: Function, source_text: str, *, knows: Callable[[str], bool], is_method: bool) -> Flow:
    """The flow of a function; of its calls, those whose first name `knows` is true of.

    Left out: calls of its own parameters and variables, `self` and `cls` of a method aside; what
    stands after a `return`; asserts; bodies of nested functions and classes; that an abstract method
    is not implemented.
    """
    own = own_nodes(node.body)
    variables = variables_of(node, own)
    local = local_names(variables, own)

    def follows(name: str) -> bool:
        first = name.partition(".")[0]
        return is_method if first in ON_SELF else first not in local and knows(first)

    speaks = any(
        isinstance(inner, ast.Raise)
        or (isinstance(inner, ast.Call) and (name := called_name(inner.func)) is not None and follows(name))
        for inner in own
    )
    if not speaks:
        return SILENT
    builder = _Builder(
        variables_of(node, own), source_text, follows, is_abstract=_is_abstract(node, is_method=is_method)
    )
    steps, _ = builder.block(node.body, _Around())
    return Flow(kind_of(node, own), _short(steps), node.lineno)


def _is_abstract(node: Function, *, is_method: bool) -> bool:
    """By its decorator; or a method that does nothing but raise."""
    if any(last_name(decorator).startswith("abstract") for decorator in node.decorator_list):
        return True
    body = without_docstring(node.body)
    return is_method and len(body) == 1 and isinstance(body[0], ast.Raise)


def _short(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps, each call once in a block, and nothing for a `try` in which nothing raises."""
    kept: dict[object, Step] = {}
    for step in steps:
        match step:
            case Call(name, how):
                kept.setdefault((name, how), step)
            case Guarded(steps=(), handlers=handlers) if not any(one.steps for one in handlers):
                continue
            case _:
                kept[id(step)] = step
    return tuple(kept.values())


@dataclass(frozen=True, slots=True)
class _Around:
    """Where a statement stands: the condition, as a form and its parts, and the handlers' `as` names."""

    guard: tuple[str, tuple[ast.AST, ...]] | None = None
    handlers: tuple[str | None, ...] = ()

    def under(self, form: str, *parts: ast.AST) -> _Around:
        return replace(self, guard=(form, parts))


Built = tuple[list[Step], bool]  # and whether execution can go on behind the statement


class _Builder:
    def __init__(
        self,
        variables: Mapping[str, ast.expr | None],
        source_text: str,
        follows: Callable[[str], bool],
        *,
        is_abstract: bool,
    ) -> None:
        self.variables = variables
        self.source_text = source_text
        self.follows = follows
        self.is_abstract = is_abstract

    def block(self, body: Iterable[ast.stmt], around: _Around) -> Built:
        steps: list[Step] = []
        for node in body:
            more, goes_on = self.statement(node, around)
            steps += more
            if not goes_on:
                return steps, False
        return steps, True

    def statement(self, node: ast.stmt, around: _Around) -> Built:
        match node:
            case ast.Raise():
                return [*self.calls(node), *self.thrown(node, around)], False
            case ast.Return():
                return self.calls(node), False
            case ast.Continue() | ast.Break():
                return [], False
            case ast.If():
                return self.branches(node, around)
            case ast.For() | ast.AsyncFor() | ast.While():
                return self.loop(node, around)
            case ast.With() | ast.AsyncWith():
                return self.manager(node, around)
            case ast.Try() | ast.TryStar():
                return self.attempt(node, around)
            case ast.Match():
                return self.cases(node, around)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return [], True
            case ast.AnnAssign(value=value):
                return self.calls(value), True
            case ast.Assign(targets=[ast.Tuple() | ast.List()], value=value):
                return self.calls(value, "iterated"), True
        return self.calls(node), True

    def branches(self, node: ast.If, around: _Around) -> Built:
        steps: list[Step] = []
        tests: list[ast.expr] = []
        anyone_goes_on = False
        while True:
            constant = node.test.value if isinstance(node.test, ast.Constant) else None
            tests.append(node.test)
            steps += self.calls(node.test)
            if constant is None or constant:
                more, goes_on = self.block(node.body, around.under("{}", node.test))
                steps += more
                anyone_goes_on = anyone_goes_on or goes_on
                if constant:
                    return steps, anyone_goes_on
            match node.orelse:
                case []:
                    return steps, True
                case [ast.If() as node]:
                    continue
                case others:
                    either = tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests)
                    more, goes_on = self.block(others, around.under("not ({})", either))
                    return steps + more, anyone_goes_on or goes_on

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, around: _Around) -> Built:
        match node:
            case ast.While():
                head = self.calls(node.test)
            case ast.For():
                head = self.calls(node.iter, "iterated")
            case _:
                head = self.calls(node.iter, "async iterated")
        body, _ = self.block(node.body, around)
        orelse, goes_on = self.block(node.orelse, around)
        return [*head, *body, *orelse], goes_on and not _is_endless(node)

    def manager(self, node: ast.With | ast.AsyncWith, around: _Around) -> Built:
        how: How = "iterated" if isinstance(node, ast.With) else "async iterated"
        head = [step for item in node.items for step in self.calls(item.context_expr, how)]
        steps, goes_on = self.block(node.body, around)
        silent = tuple(name for item in node.items for name in _suppressed(item.context_expr))
        if not silent:
            return head + steps, goes_on
        return [*head, Guarded(_short(steps), (Handler(silent),))], True

    def attempt(self, node: ast.Try | ast.TryStar, around: _Around) -> Built:
        tried, goes_on = self.block(node.body, around)
        handlers: list[Handler] = []
        handled = False
        for handler in node.handlers:
            inside = around.under("except {}", handler.type) if handler.type else around.under("except")
            inside = replace(inside, handlers=(*around.handlers, handler.name))
            steps, handler_goes_on = self.block(handler.body, inside)
            handlers.append(Handler(self.types(handler.type), _short(steps)))
            handled = handled or handler_goes_on
        whole: list[Step] = [Guarded(_short(tried), tuple(handlers))] if handlers else tried
        if goes_on:
            orelse, goes_on = self.block(node.orelse, around)
            whole += orelse
        last, finally_goes_on = self.block(node.finalbody, around)
        if not finally_goes_on:
            # A `return` in `finally` drops what is on its way.
            whole = [Guarded(_short(whole), _ALL)]
        return whole + last, (goes_on or handled) and finally_goes_on

    def cases(self, node: ast.Match, around: _Around) -> Built:
        steps = self.calls(node.subject)
        anyone_goes_on = False
        for case in node.cases:
            if case.guard is None:
                inside = around.under("case {}", case.pattern)
            else:
                steps += self.calls(case.guard)
                inside = around.under("case {} if {}", case.pattern, case.guard)
            more, goes_on = self.block(case.body, inside)
            steps += more
            anyone_goes_on = anyone_goes_on or goes_on
        takes_all = any(
            case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
            for case in node.cases
        )
        return steps, anyone_goes_on or not takes_all

    def thrown(self, node: ast.Raise, around: _Around) -> Iterator[Step]:
        """What `raise` raises; nothing where it cannot be named."""
        inner = len(around.handlers) - 1
        match node.exc:
            case None:
                if inner >= 0:
                    yield Again(inner, self.guard(around), node.lineno)
            case ast.IfExp(body=one, orelse=other):
                yield from self.named(one, node.lineno, around)
                yield from self.named(other, node.lineno, around)
            case ast.expr() as raised:
                yield from self.named(raised, node.lineno, around)

    def named(self, raised: ast.expr, line: int, around: _Around) -> Iterator[Step]:
        match raised:
            case ast.Call(func=ast.Attribute(value=inside, attr="with_traceback")):
                raised = inside
        if isinstance(raised, ast.Name):
            for depth in range(len(around.handlers) - 1, -1, -1):
                if around.handlers[depth] == raised.id:
                    yield Again(depth, self.guard(around), line)
                    return
            value = self.variables.get(raised.id)
            raised = value if isinstance(value, ast.Call) else raised
        made = isinstance(raised, ast.Call)
        name = called_name(raised.func) if isinstance(raised, ast.Call) else dotted(raised)
        if name is None or (name == "NotImplementedError" and self.is_abstract):
            return
        if name.partition(".")[0] not in self.variables or (made and self.follows(name)):
            yield Throw(name, self.guard(around), line)

    def types(self, node: ast.expr | None) -> tuple[str, ...] | None:
        """What a handler catches; a variable may hold anything, and counts for nothing."""
        if node is None:
            return None
        kinds = node.elts if isinstance(node, ast.Tuple) else [node]
        names = (name for kind in kinds if (name := dotted(kind)) is not None)
        return tuple(name for name in names if name.partition(".")[0] not in self.variables)

    def guard(self, around: _Around) -> str | None:
        if around.guard is None:
            return None
        form, parts = around.guard
        return form.format(*(text_of(part, self.source_text, LONGEST_GUARD) for part in parts))

    def calls(self, node: ast.AST | None, how: How = "called") -> list[Step]:
        return [] if node is None else list(calls_in(node, how, self.follows))


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
