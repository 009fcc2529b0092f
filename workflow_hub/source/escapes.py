"""Which exceptions leave a function, by its own raises and by those of what it calls."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from workflow_hub.source.calling import RUNS, Call
from workflow_hub.source.flow import LONGEST_GUARD, Again, Flow, Guarded, Handler, Step, Throw
from workflow_hub.source.trim import cut

LONGEST_GUARDS = 160
BUILTIN: Mapping[str, type[BaseException]] = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}
_NO_CONDITION = ("except", "case ")
_ANY = frozenset({"Exception", "BaseException"})


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that leaves a function, and the evidence for it.

    `guard` is the condition around the `raise`, in Python's words; `line` is that of the `raise`, or
    of the call that it comes through. `path` are the functions it comes through, from the outside in
    (`parse`, `check`), and `at` is where it is raised there (`shop.parse:12`); both are empty for
    what the function raises itself.
    """

    name: str
    guard: str | None
    line: int
    path: tuple[str, ...] = ()
    at: str = ""

    @property
    def reason(self) -> str:
        """Where it comes from and when, for a reader: `from parse(), if not text`."""
        way = " -> ".join(f"{name}()" for name in self.path)
        when = cut(self.guard or "", LONGEST_GUARD)
        if when and not when.startswith(_NO_CONDITION):
            when = f"if {when}"
        return ", ".join(part for part in (way and f"from {way}", when) if part)


class Scope(Protocol):
    """What names mean where a function stands: `calls.Surroundings` in a package."""

    @property
    def module(self) -> str:
        """The dotted name of the module."""

    def true_name(self, name: str) -> str:
        """One word for a class, whatever it is called here."""

    def kin(self, name: str) -> frozenset[str] | None:
        """The true names of a class of the package and all its bases; None for what is none."""

    def callees(self, name: str) -> Iterable[tuple[str, Flow, Scope]]:
        """What runs where `name` is called: each with what it is to be called in a path."""

    def made_by(self, name: str) -> tuple[str, Scope] | None:
        """The class whose instance a call of `name` gives, and where it is called so.

        That is the class itself, or what a function of the package says that it returns.
        """


@dataclass(frozen=True, slots=True)
class Escape:
    """One exception on its way out, with the true names of its class and of all its bases."""

    raised: Raised
    true_name: str
    kin: frozenset[str]


def escapes(flow: Flow, scope: Scope, depth: int) -> tuple[Raised, ...]:
    """What leaves the function, once per class, in the order of its lines; `depth` calls are followed.

    Its own evidence comes before that of a callee, and a short path before a long one. Left out:
    what handlers catch and keep, and exceptions that cannot be named (variables, factories that do not
    say what they make, a bare `raise` of what nobody knows).
    """
    return tuple(one.raised for one in _Walk().leaving(flow, scope, depth))


class _Walk:
    def __init__(self) -> None:
        self.known: dict[tuple[int, int], list[Escape]] = {}

    def leaving(self, flow: Flow, scope: Scope, depth: int) -> list[Escape]:
        # By identity: the flows of an index stay as long as a walk takes.
        key = (id(flow), depth)
        if key not in self.known:
            self.known[key] = _merged(self.steps(flow.steps, scope, depth, ()))
        return self.known[key]

    def steps(
        self, steps: Iterable[Step], scope: Scope, depth: int, caught: Sequence[_Caught]
    ) -> Iterator[Escape]:
        for step in steps:
            match step:
                case Throw(name, guard, line):
                    if is_class(name, scope):
                        yield _escape(Raised(name, guard, line), scope)
                    elif made := scope.made_by(name):
                        yield from _made(*made, guard, line)
                case Again(level, guard, line):
                    yield from caught[level].again(guard, line, scope)
                case Call() if depth > 0:
                    yield from self.through(step, scope, depth)
                case Guarded(inner, handlers):
                    yield from self.guarded(inner, handlers, scope, depth, caught)

    def through(self, call: Call, scope: Scope, depth: int) -> Iterator[Escape]:
        for name, flow, inside in scope.callees(call.name):
            if call.how in RUNS[flow.kind]:
                for one in self.leaving(flow, inside, depth - 1):
                    yield replace(one, raised=_seen_from(call, name, one, inside))

    def guarded(
        self,
        steps: Iterable[Step],
        handlers: Sequence[Handler],
        scope: Scope,
        depth: int,
        caught: Sequence[_Caught],
    ) -> Iterator[Escape]:
        taken = [_Caught(handler) for handler in handlers]
        for one in self.steps(steps, scope, depth, caught):
            handler = next((each for each in taken if _catches(each.handler, one, scope)), None)
            if handler is None:
                yield one
            else:
                handler.escapes.append(one)
        for each in taken:
            yield from self.steps(each.handler.steps, scope, depth, (*caught, each))


@dataclass(slots=True)
class _Caught:
    """A handler, and what is known to come to it."""

    handler: Handler
    escapes: list[Escape] = field(default_factory=list)

    def again(self, guard: str | None, line: int, scope: Scope) -> Iterator[Escape]:
        """What it raises again: what came, and what it names, for more may come than is known."""
        yield from self.escapes
        for name in self.handler.types or ():
            if name not in _ANY and is_class(name, scope):
                yield _escape(Raised(name, guard, line), scope)


def _escape(raised: Raised, scope: Scope) -> Escape:
    true_name = scope.true_name(raised.name)
    names = {true_name, *(scope.kin(raised.name) or ())}
    for one in names & BUILTIN.keys():
        names.update(base.__name__ for base in BUILTIN[one].__mro__)
    # Where not all bases are known, it is an Exception, as nearly all are.
    kin = frozenset(names if "BaseException" in names else names | _ANY)
    return Escape(raised, true_name, kin)


def _made(name: str, scope: Scope, guard: str | None, line: int) -> Iterator[Escape]:
    """What is raised where a function makes the exception; its annotation has to name a known one."""
    if name in BUILTIN or scope.kin(name) is not None:
        one = _escape(Raised(name, guard, line), scope)
        yield replace(one, raised=replace(one.raised, name=one.true_name.rpartition(".")[2]))


def _seen_from(call: Call, name: str, one: Escape, inside: Scope) -> Raised:
    raised = one.raised
    return Raised(
        one.true_name.rpartition(".")[2],
        raised.guard,
        call.line,
        (name, *raised.path),
        raised.at or f"{inside.module}:{raised.line}",
    )


def _catches(handler: Handler, one: Escape, scope: Scope) -> bool:
    return handler.types is None or any(scope.true_name(name) in one.kin for name in handler.types)


def is_class(name: str, scope: Scope) -> bool:
    """Whether `raise name` names an exception, and not a constant or a factory."""
    last = name.rpartition(".")[2]
    if name == "NotImplemented":
        return False
    if last in BUILTIN or scope.kin(name) is not None:
        return True
    # Constants (`ERRORS`) and factories (`no_such_key(…)`) are no classes; `struct.error` is one.
    bare = last.lstrip("_")
    is_constant = bare.isupper() and len(bare) > 1
    return (bare[:1].isupper() and not is_constant) or (last == "error" and last != name)


def canonical(name: str) -> str:
    """The last part of a name; of built-in exceptions the true name (`OSError` for `IOError`)."""
    last = name.rpartition(".")[2]
    return BUILTIN[last].__name__ if last in BUILTIN else last


def _merged(found: Iterable[Escape]) -> list[Escape]:
    """One for each class, in the order of the lines: the evidence with the shortest path."""
    best: dict[str, Escape] = {}
    guards: dict[str, dict[str, None]] = {}
    for one in sorted(found, key=lambda one: one.raised.line):
        known = best.setdefault(one.true_name, one)
        if len(one.raised.path) < len(known.raised.path):
            best[one.true_name] = one
        if one.raised.guard is not None and not one.raised.path:
            guards.setdefault(one.true_name, {})[one.raised.guard] = None
    merged = [
        one
        if one.raised.path
        else replace(one, raised=replace(one.raised, guard=_joined(guards.get(one.true_name, ()))))
        for one in best.values()
    ]
    return sorted(merged, key=lambda one: one.raised.line)


def _joined(guards: Iterable[str]) -> str | None:
    return cut(" or ".join(guards), LONGEST_GUARDS) or None
