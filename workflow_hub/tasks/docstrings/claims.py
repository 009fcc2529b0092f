"""Claims that the code itself speaks against: what is returned, raised, optional, a default, asynchronous.

A claim is false only where that can be known. What may be so, for all that the code says, is let pass;
which way round a condition goes is not looked at.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from workflow_hub.source.escapes import BUILTIN
from workflow_hub.source.facts import Parameter
from workflow_hub.source.symbols import last_name, own_nodes
from workflow_hub.source.trim import without_docstring
from workflow_hub.tasks.docstrings.kinds import ANYTHING, kinds_of_annotation, kinds_of_value
from workflow_hub.tasks.docstrings.known import Known, canonical
from workflow_hub.tasks.docstrings.slots import Slot


@dataclass(frozen=True, slots=True)
class Claim:
    """Words of a text that are not so, and what is, as the end of a sentence: "which it does not"."""

    words: str
    truth: str


Check = Callable[[str, Slot, Known], Iterator[Claim]]

# A word for a type, by the kinds of value that it may be said of.
_TYPE_WORDS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("list",), frozenset({"list", "tuple", "set"})),
    **dict.fromkeys(("tuple",), frozenset({"tuple"})),
    **dict.fromkeys(("dict", "dictionary", "mapping"), frozenset({"mapping"})),
    **dict.fromkeys(("string", "str"), frozenset({"text"})),
    **dict.fromkeys(("integer", "int", "float"), frozenset({"number"})),
    **dict.fromkeys(("boolean", "bool"), frozenset({"truth"})),
    **dict.fromkeys(("iterator", "generator"), frozenset({"iterator"})),
}
_TYPE_CLAIM = re.compile(
    rf"^(?:(?:an?|the|new|sorted|single|empty) )*({'|'.join(_TYPE_WORDS)})"
    r"(?=$|[.,;:]| (?:of|that|which|with|containing|mapping|representing|where|for|to|from|in|or|if)\b)",
    re.IGNORECASE,
)
_TRUTH_CLAIM = re.compile(r"^(?:True|False)\b(?: if| when| where| unless|,)|^whether\b", re.IGNORECASE)
_RETURNS = re.compile(r"^(?:returns?|(?:gets?|computes?|builds?|makes?|creates?) and returns?) (?=\w)", re.I)
_RETURNS_NO_VALUE = re.compile(r"^returns? (?:to|from|control|early|None|nothing|without|if|when)\b", re.I)
_RETURNS_NONE = re.compile(r"\breturns? (None|nothing)\b(?! (?:if|when|where|unless|for|on|or|and)\b)", re.I)
_YIELDS = re.compile(r"^yields? (?!control|to\b)(?=\w)", re.IGNORECASE)
_ASYNC = re.compile(r"\b(asynchronous(?:ly)?|coroutine|async)\b", re.IGNORECASE)
_HINTS_OF_ASYNC = re.compile(r"async|await|coro|future|task|thread|schedul|executor|loop|callback|concurren")
_RAISES = re.compile(
    r"(?<!that )(?<!which )(?<!is )(?<!are )\b(?:[Rr]ais(?:e|es|ing)|[Tt]hrow(?:s|ing)?) (?:an? |the )?"
    r"`?([A-Za-z_][\w.]*)`?"
    r"(?:(?:,| or| and)(?: an?| the)? `?([A-Z][\w.]*)`?)?"
)
_EXCEPTION = re.compile(r"(?:\w+\.)*[A-Z]\w*(?:Error|Exception|Exit|Interrupt|Iteration|Group)")
_OPTIONAL = re.compile(r"^(?:an? )?(optional)\b|[(,] ?(optional)\b", re.IGNORECASE)
_DEFAULT = re.compile(
    r"(?:\bdefault(?:s|ing)? to|\bdefault (?:value )?is|\bdefault[:=]|\(default) ?"
    r"(?P<value>[`'\"]?[^\s`'\",;)]*[`'\"]?)",
    re.IGNORECASE,
)
_LITERAL = re.compile(r"[`'\"].*|-?\d[\d_.]*|True|False|None")
# What Python raises by itself, and what in the code may make it.
_BY_ITSELF: Mapping[str, tuple[type[ast.AST], ...]] = {
    **dict.fromkeys(("KeyError", "IndexError", "LookupError"), (ast.Subscript, ast.Delete)),
    **dict.fromkeys(("AttributeError",), (ast.Attribute,)),
    **dict.fromkeys(("ZeroDivisionError", "ArithmeticError"), (ast.Div, ast.FloorDiv, ast.Mod)),
    **dict.fromkeys(("AssertionError",), (ast.Assert,)),
    **dict.fromkeys(("ImportError", "ModuleNotFoundError"), (ast.Import, ast.ImportFrom)),
}


def contradiction(text: str, slot: Slot, known: Known) -> Claim | None:
    """The first claim of the text that the code speaks against."""
    return next((claim for check in CHECKS for claim in check(text, slot, known)), None)


def _none(text: str, slot: Slot, known: Known) -> Iterator[Claim]:
    found = _RETURNS_NONE.search(text) if known.facts.kind == "function" else None
    if found and "none" not in (kinds := _returned(known)) and ANYTHING not in kinds:
        yield Claim(found[0], "which it does not")


def _value(text: str, slot: Slot, known: Known) -> Iterator[Claim]:
    facts = known.facts
    if slot.kind != "summary" or facts.kind != "function" or facts.yields or _is_left_open(known):
        return
    found = None if _RETURNS_NO_VALUE.search(text) else _RETURNS.search(text)
    if found and not facts.returns_value and not _is_property(known):
        yield Claim(found[0].strip(), "though it returns nothing")
    found = _YIELDS.search(text)
    if found and not _returned(known) & {"iterator", ANYTHING}:
        yield Claim(found[0].strip(), "which it does not")


def _type(text: str, slot: Slot, known: Known) -> Iterator[Claim]:
    match slot.kind:
        case "summary":
            found = _RETURNS.search(text)
            if not found or known.facts.yields or known.facts.kind != "function":
                return
            text, kinds, shown = text[found.end() :], _returned(known), known.facts.returns
        case "returns":
            kinds, shown = _returned(known), slot.type
        case "yields" | "parameter" | "attribute" if not slot.name.startswith("*"):
            kinds, shown = kinds_of_annotation(slot.type), slot.type
        case _:
            return
    if ANYTHING in kinds:
        return
    truth = f"where it is {shown}" if shown else f"where it is {' or '.join(sorted(kinds))}"
    if (claim := _TYPE_CLAIM.search(text)) and not _TYPE_WORDS[claim[1].lower()] & kinds:
        yield Claim(claim[1], truth)
    elif (claim := _TRUTH_CLAIM.search(text)) and "truth" not in kinds and slot.kind != "parameter":
        yield Claim(claim[0].rstrip(" ,"), truth)


def _asynchronous(text: str, slot: Slot, known: Known) -> Iterator[Claim]:
    found = _ASYNC.search(text)
    if found and not known.facts.is_async and not _HINTS_OF_ASYNC.search(known.code):
        yield Claim(found[0], "which it is not")


def _raises(text: str, slot: Slot, known: Known) -> Iterator[Claim]:
    if known.facts.kind != "function" or slot.kind == "raises" or _is_left_open(known):
        return
    for found in _RAISES.finditer(text):
        for name in filter(None, found.groups()):
            name = name.rstrip(".")
            if _EXCEPTION.fullmatch(name) and not _may_raise(name.rpartition(".")[2], known):
                yield Claim(f"raises {name}", "which it does not")


def _may_raise(name: str, known: Known) -> bool:
    raised = [one.name.rpartition(".")[2] for one in known.facts.raises]
    if name in raised or (name in known.facts.own_names and name not in BUILTIN):
        return True
    kin = BUILTIN.get(name)
    if kin and any(issubclass(BUILTIN[one], kin) for one in raised if one in BUILTIN):
        return True
    if kin in {Exception, BaseException} and raised:
        return True
    able = _BY_ITSELF.get(name, ())
    inside = own_nodes(getattr(known.node, "body", []))
    return any(isinstance(node, able) for node in inside) or _is_passed_on(name, inside)


def _is_passed_on(name: str, inside: list[ast.AST]) -> bool:
    """Whether the exception is spoken of in the code other than to be caught."""
    caught = {
        id(inner)
        for node in inside
        if isinstance(node, ast.ExceptHandler) and node.type is not None
        for inner in ast.walk(node.type)
    }
    return any(
        isinstance(node, ast.Name | ast.Attribute) and id(node) not in caught and last_name(node) == name
        for node in inside
    )


def _optional(text: str, slot: Slot, known: Known) -> Iterator[Claim]:
    parameter = _parameter(slot, known)
    found = _OPTIONAL.search(text)
    if parameter and found and parameter.default is None and not parameter.kind.endswith("star"):
        kinds = kinds_of_annotation(parameter.annotation)
        if parameter.annotation is None or not kinds & {"none", ANYTHING}:
            yield Claim(found[1] or found[2], "though it has no default")


def _default(text: str, slot: Slot, known: Known) -> Iterator[Claim]:
    parameter = _parameter(slot, known)
    found = _DEFAULT.search(text)
    if not parameter or not found or parameter.kind.endswith("star"):
        return
    said, value = found[0].lstrip("("), found["value"].rstrip(".:")
    if parameter.default is None:
        yield Claim(said, "though it has no default")
    elif _is_other(value, parameter.default):
        yield Claim(said, f"where it is {parameter.default}")


def _is_other(said: str, default: str) -> bool:
    """Whether both are literals, and not the same; a default of None stands for what the body puts there."""
    try:
        value = ast.literal_eval(default)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return False
    if value is None or not isinstance(value, str | int | float) or not _LITERAL.fullmatch(said):
        return False
    bare = said.strip("`'\"")
    if isinstance(value, bool) or not re.fullmatch(r"-?\d[\d_.]*", bare):
        return bare.lower() != str(value).lower()
    return canonical(bare.lstrip("-")) != canonical(str(value).lstrip("-"))


def _parameter(slot: Slot, known: Known) -> Parameter | None:
    if slot.kind != "parameter":
        return None
    return next((one for one in known.facts.parameters if one.shown == slot.name), None)


def _returned(known: Known) -> frozenset[str]:
    """The kinds of value that a function returns, by its annotation or by what stands after `return`."""
    facts = known.facts
    if facts.returns is not None:
        return kinds_of_annotation(facts.returns)
    if facts.yields:
        return frozenset({"iterator"})
    own = own_nodes(getattr(known.node, "body", []))
    returns = [node for node in own if isinstance(node, ast.Return)]
    kinds = frozenset().union(*(kinds_of_value(node.value) for node in returns)) if returns else {"none"}
    return frozenset(kinds) if _always_leaves(known.node) else frozenset(kinds) | {"none"}


def _always_leaves(node: ast.AST) -> bool:
    """Whether the last statement returns or raises, so that no one runs off the end."""
    body = getattr(node, "body", [])
    last = body[-1] if body else None
    match last:
        case ast.Return() | ast.Raise():
            return True
        case ast.If(orelse=[_, *_] as other):
            return _always_leaves(last) and _always_leaves(ast.Module(other, []))
        case ast.With() | ast.AsyncWith():
            return False  # it may keep an exception to itself
    return isinstance(node, ast.If) and isinstance(last, ast.Return | ast.Raise)


def _is_property(known: Known) -> bool:
    return any("property" in name for name in known.facts.decorators)


def _is_left_open(known: Known) -> bool:
    """Whether it is for others to fill in: a body of nothing, or one that only raises."""
    body = without_docstring(getattr(known.node, "body", []))
    match body:
        case [] | [ast.Pass() | ast.Raise() | ast.Expr(value=ast.Constant())]:
            return True
    return False


CHECKS: tuple[Check, ...] = (_none, _value, _type, _asynchronous, _raises, _optional, _default)
