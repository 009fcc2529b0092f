"""What a docstring says against what the code says: facts and a reading in, faults out.

Where the reading is not sure, or the code leaves it open, there is no fault.
"""

from __future__ import annotations

import ast
import difflib
import keyword
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from workflow_hub.source.facts import Facts, Parameter
from workflow_hub.source.symbols import Node, own_nodes
from workflow_hub.source.trim import without_docstring
from workflow_hub.tasks.docstrings.parts import last_name
from workflow_hub.tasks.docstrings.reading import Reading

# All the names that an exception goes by: its own and its bases'.
Kin = Callable[[str], Collection[str]]

_SECTIONS = ("parameters", "returns", "yields", "raises")
# What is handed to others as a value, whatever it is in the body.
_TURNED = frozenset({"contextmanager", "asynccontextmanager", "fixture"})
_PROPERTIES = frozenset({"property", "cached_property"})
_PASSED_ON = frozenset({"staticmethod", "classmethod", "override", "final", *_PROPERTIES})
_NO_NAMES = frozenset({"self", "cls"})
GIVES = re.compile(r"\b(?:return|yield|generat|iterat|give|produc)", re.IGNORECASE)
_NOTHING = re.compile(r"\W*(?:none|nothing|void)\b", re.IGNORECASE)
_KIND = re.compile(r"(?:Error|Exception|Warning)$")
_HEADER = re.compile(r"^\s*(?:[:@]?\w+:|\w+\n-+\n?)\s*", re.MULTILINE)
# Statements and expressions that cannot raise, whatever the values are.
_HARMLESS = (
    ast.Return,
    ast.Pass,
    ast.Expr,
    ast.If,
    ast.IfExp,
    ast.Assign,
    ast.Constant,
    ast.Name,
    ast.Tuple,
    ast.List,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
)
# Bases that add no attribute of their own that somebody would describe.
_PLAIN_BASES = frozenset(
    "object ABC Protocol Generic NamedTuple TypedDict Enum IntEnum StrEnum Flag IntFlag Exception".split()
)
_PLAIN_DECORATORS = frozenset("dataclass final total_ordering runtime_checkable unique define frozen".split())
_ALWAYS = frozenset({"name", "value", "args"})
_BY_NAME = re.compile(r"\b(?:setattr|__getattr__|__getattribute__|__dict__|vars)\b")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, by a rule of report.rules; `says` goes on from "the docstring of function f".

    `content` tells faults of one rule in one docstring apart. `line` is that of the cleaned text, None
    where the fault is not at a line of it. `names` are what it is about, a likely new name behind it;
    `evidence` is what shows the fault.
    """

    rule: str
    says: str
    content: str = ""
    line: int | None = None
    names: tuple[str, ...] = ()
    evidence: str | None = None


def check(node: Node, facts: Facts, reading: Reading, kin: Kin, members: Collection[str]) -> Iterator[Fault]:
    """The faults of a docstring; `members` are the names that a class knows of itself."""
    if isinstance(node, ast.ClassDef):
        if facts.init is not None:
            yield from _parameters(facts, reading)
        yield from _attributes(node, facts, reading, members)
    elif not isinstance(node, ast.Module):
        yield from _parameters(facts, reading)
        yield from _incomplete(facts, reading)
        yield from _given_back(node, facts, reading)
        yield from _raises(node, facts, reading, kin)


def required(facts: Facts) -> dict[str, Parameter]:
    """The parameters that a list of parameters has to name: not `*args`, `**options` and `_unused`."""
    return {
        one.name: one
        for one in facts.parameters
        if one.kind not in {"star", "double_star"} and not one.name.startswith("_")
    }


def renamed(
    unknown: Sequence[str], missing: Sequence[str], described: Sequence[str], named: Sequence[str]
) -> dict[str, str]:
    """Which unknown name is likely which missing one: by much the same letters, or else at the same place.

    `described` and `named` are all names of the docstring and of the signature, in order.
    """
    found: dict[str, str] = {}
    left = list(missing)
    for name in unknown:
        for meant in difflib.get_close_matches(name, left, n=1):
            found[name] = meant
            left.remove(meant)
    for name in unknown:
        at = described.index(name)
        if name not in found and len(described) == len(named) and named[at] in left:
            found[name] = named[at]
            left.remove(named[at])
    return found


def _parameters(facts: Facts, reading: Reading) -> Iterator[Fault]:
    if not reading.is_sure("parameters"):
        return
    named = [one.name for one in facts.parameters]
    # `self` may be named, and "None" says that there are none.
    described = {
        name: line
        for name, line in reading.names("parameters").items()
        if name in named or not (name in _NO_NAMES or keyword.iskeyword(name))
    }
    is_open = any(one.kind in {"star", "double_star"} for one in facts.parameters)
    unknown = [] if is_open else [name for name in described if name not in named and "." not in name]
    missing = [name for name in required(facts) if name not in described]
    guesses = renamed(unknown, missing, list(described), named)
    for name in unknown:
        meant = guesses.get(name)
        hint = f"; did you mean {meant}?" if meant else ""
        says = f"describes the parameter {name}, which the signature does not have{hint}"
        yield Fault("param-unknown", says, name, described[name], (name, *([meant] if meant else [])))
    for name in missing:
        if name not in guesses.values():
            yield Fault("param-missing", f"does not describe the parameter {name}", name, names=(name,))
    for section in reading.of("parameters"):
        known = [name for name in dict.fromkeys(section.names) if name in named]
        ordered = sorted(known, key=named.index)
        if known != ordered:
            says = f"describes the parameters as {', '.join(known)}; the signature has {', '.join(ordered)}"
            yield Fault("param-order", says, " ".join(ordered), section.start)


def _incomplete(facts: Facts, reading: Reading) -> Iterator[Fault]:
    """Sections are there, and none for the parameters."""
    lacking = list(required(facts))
    if lacking and reading.has("returns", "yields", "raises") and not reading.has("parameters"):
        mentioned = set(re.findall(r"\w+", reading.prose))
        if not mentioned.issuperset(lacking):
            yield Fault("docstring-incomplete", f"has no section for the parameters: {', '.join(lacking)}")


def _given_back(node: ast.AST, facts: Facts, reading: Reading) -> Iterator[Fault]:
    """What is returned or yielded, and is not said to be; and the other way round."""
    decorators = {name.partition("(")[0].rpartition(".")[2] for name in facts.decorators}
    if decorators & _TURNED or is_stub(node):
        return
    if not reading.has("returns", "yields"):
        told = reading.has("parameters") and not GIVES.search(reading.prose)
        if told and facts.yields:
            yield Fault("yields-missing", "does not say what is yielded")
        elif told and facts.returns_value and not decorators & _PROPERTIES:
            yield Fault("returns-missing", "does not say what is returned")
        return
    if facts.yields or facts.returns_value or decorators & _PROPERTIES:
        return
    for kind, word in (("returns", "returned"), ("yields", "yielded")):
        for section in reading.of(kind):
            if not _NOTHING.match(_HEADER.sub("", reading.text(section), count=1)):
                says = f"says what is {word}, and nothing is"
                yield Fault(f"{kind}-unneeded", says, line=section.start)
                break


def _raises(
    node: ast.FunctionDef | ast.AsyncFunctionDef, facts: Facts, reading: Reading, kin: Kin
) -> Iterator[Fault]:
    described = {last_name(name): line for name, line in reading.names("raises").items()}
    raised = {last_name(one.name): one for one in facts.raises}
    # That a method is to be written elsewhere is no news to who calls it.
    raised.pop("NotImplementedError", None)
    missing = [name for name in raised if not described.keys() & set(kin(raised[name].name))]
    guesses: dict[str, str] = {}
    if reading.is_sure("raises"):
        own = own_nodes(without_docstring(node.body))
        # What a decorator makes of a function may raise what it likes.
        as_is = {last_name(name) for name in facts.decorators} <= _PASSED_ON and not is_stub(node)
        harmless = as_is and all(_is_harmless(inner) for inner in own)
        for name, line in described.items():
            close = _spelt_like(name, missing) if name not in facts.names else []
            guesses |= dict.fromkeys(close, name)
            if name not in raised and (harmless or close):
                hint = (
                    f", which the code does not know; did you mean {close[0]}?"
                    if close
                    else ", and nothing is raised"
                )
                yield Fault("raises-unknown", f"says that {name} is raised{hint}", name, line, (name, *close))
    if reading.has(*_SECTIONS) and all(section.sure for section in reading.of("raises")):
        for name in missing:
            if name not in guesses:
                reason = raised[name].reason
                says = f"does not say that {name} is raised{f' ({reason})' if reason else ''}"
                yield Fault("raises-missing", says, name, names=(name,))


def _spelt_like(name: str, others: Sequence[str]) -> list[str]:
    """Of exceptions, the one that is spelt much like `name`; that they all end in `Error` says nothing."""
    stems = {_KIND.sub("", other): other for other in others}
    return [stems[stem] for stem in difflib.get_close_matches(_KIND.sub("", name), stems, n=1)]


def _attributes(
    node: ast.ClassDef, facts: Facts, reading: Reading, members: Collection[str]
) -> Iterator[Fault]:
    if not reading.is_sure("attributes") or not _is_closed(node, facts):
        return
    for name, line in reading.names("attributes").items():
        if name not in members and name not in _ALWAYS and "." not in name:
            close = difflib.get_close_matches(name, members, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            says = f"describes the attribute {name}, which the class does not have{hint}"
            yield Fault("attribute-unknown", says, name, line, (name, *close))


def _is_closed(node: ast.ClassDef, facts: Facts) -> bool:
    """Whether all attributes of the class can be known from its own code."""
    bases = {last_name(base.partition("[")[0]) for base in facts.bases}
    decorators = {last_name(name.partition("(")[0]) for name in facts.decorators}
    if not (bases <= _PLAIN_BASES and decorators <= _PLAIN_DECORATORS) or node.keywords:
        return False
    return not any(
        _BY_NAME.search(name)
        for inner in ast.walk(node)
        for name in (getattr(inner, "id", ""), getattr(inner, "attr", ""), getattr(inner, "name", ""))
        if isinstance(name, str)
    )


def is_stub(node: ast.AST) -> bool:
    """Whether a body says nothing about what others will do in its place: `...`, `pass` or a `raise`."""
    body = without_docstring(getattr(node, "body", ()))
    return all(
        isinstance(one, (ast.Pass, ast.Raise))
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in body
    )


def _is_harmless(node: ast.AST) -> bool:
    if isinstance(node, ast.Compare):
        return all(isinstance(one, (ast.Is, ast.IsNot)) for one in node.ops)
    if isinstance(node, ast.Assign):
        return all(isinstance(target, ast.Name) for target in node.targets)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return not node.decorator_list
    return isinstance(node, (*_HARMLESS, ast.BoolOp, ast.boolop, ast.cmpop, ast.expr_context))
