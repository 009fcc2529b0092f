"""Of what kind a value is, as far as an annotation or an expression says: `mapping`, `text`, `truth` …"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from workflow_hub.source.files import parse_expression
from workflow_hub.source.symbols import last_name

ANYTHING = "anything"
_UNKNOWN = frozenset({ANYTHING})
_SEQUENCES = frozenset({"list", "tuple", "set", "iterator", "text", "bytes", "mapping"})
# By the last name of a type. An abstract one may be any of those that it stands for.
_TYPES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("str",), frozenset({"text"})),
    **dict.fromkeys(("bytes", "bytearray"), frozenset({"bytes"})),
    **dict.fromkeys(("int", "float", "complex"), frozenset({"number"})),
    **dict.fromkeys(("bool", "TypeGuard", "TypeIs"), frozenset({"truth"})),
    **dict.fromkeys(("None", "NoReturn", "Never"), frozenset({"none"})),
    **dict.fromkeys(("list", "List"), frozenset({"list"})),
    **dict.fromkeys(("tuple", "Tuple"), frozenset({"tuple"})),
    **dict.fromkeys(("set", "Set", "frozenset", "FrozenSet", "AbstractSet"), frozenset({"set"})),
    **dict.fromkeys(("dict", "Dict", "Mapping", "MutableMapping"), frozenset({"mapping"})),
    **dict.fromkeys(("OrderedDict", "defaultdict", "DefaultDict", "Counter"), frozenset({"mapping"})),
    **dict.fromkeys(("Sequence", "MutableSequence", "Collection", "Iterable", "Container"), _SEQUENCES),
    **dict.fromkeys(("Iterator", "Generator", "AsyncIterator", "AsyncGenerator"), frozenset({"iterator"})),
}
_WRAPPERS = frozenset({"Annotated", "Final", "ClassVar", "Required", "NotRequired", "ReadOnly"})
# What these calls give back; they are builtins, which hardly anybody takes for something else.
_CALLS: Mapping[str, str] = {
    **dict.fromkeys(("str", "repr", "format", "chr", "hex", "join"), "text"),
    **dict.fromkeys(("int", "float", "len", "ord", "hash", "id"), "number"),
    **dict.fromkeys(("bool", "isinstance", "issubclass", "callable", "hasattr", "any", "all"), "truth"),
    **dict.fromkeys(("list", "sorted"), "list"),
    **dict.fromkeys(("set", "frozenset"), "set"),
    **dict.fromkeys(("map", "filter", "zip", "enumerate", "reversed", "iter"), "iterator"),
    "dict": "mapping",
    "tuple": "tuple",
}


def kinds_of_annotation(annotation: str | None) -> frozenset[str]:
    """Every kind that the annotation admits; ANYTHING among them where it leaves that open."""
    if annotation is None:
        return _UNKNOWN
    try:
        return _of_type(parse_expression(annotation))
    except (SyntaxError, RecursionError):
        return _UNKNOWN


def _of_type(node: ast.expr) -> frozenset[str]:
    match node:
        case ast.Constant(value=None):
            return frozenset({"none"})
        case ast.Constant(value=str(quoted)):
            return kinds_of_annotation(quoted)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _of_type(left) | _of_type(right)
        case ast.Subscript(value=value, slice=inner):
            return _of_generic(last_name(value), inner)
        case ast.Name() | ast.Attribute():
            return _TYPES.get(last_name(node), _UNKNOWN)
    return _UNKNOWN


def _of_generic(name: str, inner: ast.expr) -> frozenset[str]:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if name == "Optional":
        return _of_type(inner) | {"none"}
    if name == "Union":
        return frozenset().union(*map(_of_type, parts))
    if name == "Literal":
        return frozenset().union(*map(kinds_of_value, parts))
    if name in _WRAPPERS:
        return _of_type(parts[0])
    return _TYPES.get(name, _UNKNOWN)


def kinds_of_value(node: ast.expr | None) -> frozenset[str]:
    """The kinds that an expression can have; ANYTHING where its form does not tell."""
    match node:
        case None | ast.Constant(value=None):
            return frozenset({"none"})
        case ast.Constant(value=bool()) | ast.Compare() | ast.UnaryOp(op=ast.Not()):
            return frozenset({"truth"})
        case ast.Constant(value=str()) | ast.JoinedStr():
            return frozenset({"text"})
        case ast.Constant(value=bytes()):
            return frozenset({"bytes"})
        case ast.Constant(value=int() | float() | complex()):
            return frozenset({"number"})
        case ast.List() | ast.ListComp():
            return frozenset({"list"})
        case ast.Set() | ast.SetComp():
            return frozenset({"set"})
        case ast.Dict() | ast.DictComp():
            return frozenset({"mapping"})
        case ast.Tuple():
            return frozenset({"tuple"})
        case ast.GeneratorExp():
            return frozenset({"iterator"})
        case ast.IfExp(body=one, orelse=other):
            return kinds_of_value(one) | kinds_of_value(other)
        case ast.Call(func=ast.Name(id=name)) if name in _CALLS:
            return frozenset({_CALLS[name]})
    return _UNKNOWN
