"""What is known of a symbol before a model is asked: everything that its source says by itself."""

from __future__ import annotations

import ast
import builtins
import hashlib
import keyword
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from workflow_hub.errors import SourceRefused
from workflow_hub.source.attributes import Attribute, attributes_of
from workflow_hub.source.calls import flow_at, surroundings
from workflow_hub.source.context import Callee, callees, callers, home_of
from workflow_hub.source.escapes import Raised, escapes
from workflow_hub.source.outline import MODULE_TOKENS, first_words, outline, public_symbols
from workflow_hub.source.package import PackageIndex, first_sentence, words
from workflow_hub.source.symbols import Symbol, comments_above, last_name, own_nodes
from workflow_hub.source.trim import Function, signature_of, text_of, trim, without_docstring

BODY_TOKENS = 120
LONGEST_DEFAULT = 60
LONGEST_COMMENT = 300
RAISES_THROUGH = 1
KNOWN_TO_ALL = frozenset([*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "self", "cls"])
_NOTHING = re.compile(r"None|(?:\w+\.)*(?:NoReturn|Never)")
# Comments to other tools, and rulers.
_NOISE = re.compile(
    r"(!|-\*-|pragma\b|type:|noqa\b|pylint\b|mypy\b|pyright\b|ruff\b|fmt:|isort\b|flake8\b|nosec\b|yapf\b"
    r"|pyre-|coding[:=]|workflow-hub:|todo\b|fixme\b|xxx\b|\W*$)",
    re.IGNORECASE,
)

ParameterKind = Literal["positional_only", "positional", "star", "keyword_only", "double_star"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter; `annotation` and `default` as Python text, None where there is none."""

    name: str
    kind: ParameterKind
    annotation: str | None
    default: str | None

    @property
    def shown(self) -> str:
        """`*args`, `**options`, or the bare name."""
        return {"star": "*", "double_star": "**"}.get(self.kind, "") + self.name


@dataclass(frozen=True, slots=True)
class Facts:
    """What the source says of a symbol. Texts are Python in one line, `body` aside.

    `parameters` lack a method's `self` and `cls`, and `self` in a function outside of a class too; a
    class has those of its `__init__`, and the `attributes` that no base of it has. `owner` is the
    qualified name of the class around, `owner_doc` its first sentence. `callees` are functions and
    classes of the same package, most relevant first, or what a module defines for others; `callers` are
    calls of it in the same file. `identity` is a digest that changes when the answer may: with the code,
    the class around and the comment above, and never with docstrings, other comments, blank lines, what
    is called, or the place in the file.
    """

    kind: Literal["module", "class", "function"]
    qualname: str
    signature: str
    parameters: tuple[Parameter, ...]
    returns: str | None
    returns_value: bool
    yields: bool
    raises: tuple[Raised, ...]
    decorators: tuple[str, ...]
    is_async: bool
    comment: str | None
    owner: str | None
    owner_doc: str | None
    callees: tuple[Callee, ...]
    body: str
    identity: str
    callers: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    init: str | None = None
    attributes: tuple[Attribute, ...] = ()
    own_names: frozenset[str] = frozenset()
    names_around: tuple[frozenset[str], ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every word that the code around knows: a text that uses another identifier invented it."""
        return self.own_names.union(*self.names_around)


def facts_of(
    symbol: Symbol,
    index: PackageIndex,
    *,
    body_tokens: int = BODY_TOKENS,
    raises_through: int = RAISES_THROUGH,
) -> Facts:
    """The facts of a symbol; SourceRefused where its code is nested too deeply to be looked at.

    The body is what takes longest to write: `body_tokens=0` leaves it empty. Exceptions are followed
    through `raises_through` calls inside of the package.
    """
    try:
        match symbol.node:
            case ast.Module() as node:
                return _of_module(symbol, node, index, body_tokens)
            case ast.ClassDef() as node:
                return _of_class(symbol, node, index, body_tokens)
            case node:
                return _of_function(symbol, node, index, body_tokens, raises_through)
    except RecursionError as error:
        place = f"{symbol.source.path}:{symbol.line}"
        raise SourceRefused(f"{place}: {symbol.name} is nested too deeply to be looked at") from error


def identity_of(symbol: Symbol) -> str:
    """`Facts.identity` alone, for those who only want to know whether they have met this before."""
    # A comment that opens the file parts from what it stands above when the module gets a docstring.
    comment = None if _opens_the_file(symbol) else _comment(symbol)
    parts = [symbol.kind, symbol.owner_name, comment or ""]
    _write(symbol.node, parts)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _of_function(
    symbol: Symbol, node: Function, index: PackageIndex, body_tokens: int, raises_through: int
) -> Facts:
    text = symbol.source.text
    module = index.module_of(symbol.source)
    own = own_nodes(node.body)
    yields = any(isinstance(inner, (ast.Yield, ast.YieldFrom)) for inner in own)
    returns = None if node.returns is None else text_of(node.returns, text)
    around = surroundings(symbol, index)
    owner = symbol.owner_name if symbol.owner is not None else None
    return Facts(
        kind="function",
        qualname=symbol.qualname,
        signature=signature_of(node, text),
        parameters=tuple(_parameters(node, text, bound=_is_bound(symbol, node))),
        returns=returns,
        returns_value=_returns_value(own, returns, yields=yields),
        yields=yields,
        raises=escapes(flow_at(symbol, node, index), around, raises_through),
        decorators=_decorators(node, text),
        is_async=isinstance(node, ast.AsyncFunctionDef),
        comment=_comment(symbol),
        owner=owner,
        owner_doc=None if symbol.owner is None else first_sentence(ast.get_docstring(symbol.owner)) or None,
        callees=callees(symbol, node, own, index, around),
        callers=callers(symbol, index),
        body=trim(node, text, body_tokens) if body_tokens else "",
        identity=identity_of(symbol),
        own_names=_own_names(symbol, node),
        names_around=(module.members.get(owner or "", frozenset()), module.names, KNOWN_TO_ALL),
    )


def _of_class(symbol: Symbol, node: ast.ClassDef, index: PackageIndex, body_tokens: int) -> Facts:
    text = symbol.source.text
    module = index.module_of(symbol.source)
    methods = [one for one in node.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))]
    init = next((method for method in methods if method.name == "__init__"), None)
    public = dict.fromkeys(method.name for method in methods if not method.name.startswith("_"))
    around = "" if symbol.owner is None else symbol.owner_name
    inherited = index.inherited(symbol)
    return Facts(
        kind="class",
        qualname=symbol.qualname,
        signature=signature_of(node, text),
        parameters=() if init is None else tuple(_parameters(init, text, bound=True)),
        returns=None,
        returns_value=False,
        yields=False,
        raises=(),
        decorators=_decorators(node, text),
        is_async=False,
        comment=_comment(symbol),
        owner=around or None,
        owner_doc=None if symbol.owner is None else first_sentence(ast.get_docstring(symbol.owner)) or None,
        callees=(),
        body=trim(node, text, body_tokens) if body_tokens else "",
        identity=identity_of(symbol),
        bases=tuple(text_of(base, text) for base in node.bases),
        methods=tuple(public),
        init=None if init is None else signature_of(init, text),
        attributes=tuple(one for one in attributes_of(symbol, node) if one.name not in inherited),
        own_names=_own_names(symbol, node),
        names_around=(module.members.get(symbol.qualname, frozenset()), module.names, KNOWN_TO_ALL),
    )


def module_body(
    symbol: Symbol, node: ast.Module, budget_tokens: int, says: Callable[[Symbol], str] = first_words
) -> str:
    """What a module defines for others; its code in short where that is nothing."""
    text = outline(symbol.source, budget_tokens, says)
    return text or trim(node, symbol.source.text, budget_tokens)


def _of_module(symbol: Symbol, node: ast.Module, index: PackageIndex, body_tokens: int) -> Facts:
    module = index.module_of(symbol.source)
    defined = (Callee(one.name, first_words(one), home_of(one)) for one in public_symbols(symbol.source))
    return Facts(
        kind="module",
        qualname="",
        signature=f"module {module.name}",
        parameters=(),
        returns=None,
        returns_value=False,
        yields=False,
        raises=(),
        decorators=(),
        is_async=False,
        comment=None,
        owner=None,
        owner_doc=None,
        callees=tuple(defined),
        body=module_body(symbol, node, body_tokens) if body_tokens else "",
        identity=identity_of(symbol),
        own_names=words(f"{module.name} {outline(symbol.source, MODULE_TOKENS)}"),
        names_around=(*module.members.values(), module.names, KNOWN_TO_ALL),
    )


def _parameters(node: Function, text: str, *, bound: bool) -> Iterator[Parameter]:
    """In the order of the signature; `bound` leaves out the first, which Python fills in."""

    def one(argument: ast.arg, kind: ParameterKind, default: ast.expr | None) -> Parameter:
        return Parameter(
            argument.arg,
            kind,
            None if argument.annotation is None else text_of(argument.annotation, text),
            None if default is None else text_of(default, text, LONGEST_DEFAULT),
        )

    arguments = node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    for at, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        if at or not bound:
            only = at < len(arguments.posonlyargs)
            yield one(argument, "positional_only" if only else "positional", default)
    if arguments.vararg:
        yield one(arguments.vararg, "star", None)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield one(argument, "keyword_only", default)
    if arguments.kwarg:
        yield one(arguments.kwarg, "double_star", None)


def _decorators(node: Function | ast.ClassDef, text: str) -> tuple[str, ...]:
    return tuple(text_of(decorator, text, LONGEST_DEFAULT) for decorator in node.decorator_list)


def _is_bound(symbol: Symbol, node: Function) -> bool:
    """Whether it is a method, or will be: pasted without its class, or put into one later on."""
    first = next(iter((*node.args.posonlyargs, *node.args.args)), None)
    if first is not None and first.arg == "self":
        return True
    return symbol.is_method and not _is_static(node)


def _is_static(node: Function) -> bool:
    return any(last_name(decorator) == "staticmethod" for decorator in node.decorator_list)


def _returns_value(own: Sequence[ast.AST], returns: str | None, *, yields: bool) -> bool:
    """Of a generator only what it returns at its end counts; an annotation outweighs the body."""
    if returns is not None and not yields:
        return _NOTHING.fullmatch(returns.strip("'\"")) is None
    return any(
        isinstance(inner, ast.Return)
        and inner.value is not None
        and not (isinstance(inner.value, ast.Constant) and inner.value.value is None)
        for inner in own
    )


def _comment(symbol: Symbol) -> str | None:
    if symbol.kind == "module":
        return None
    lines = (line.lstrip("#").strip() for line in comments_above(symbol))
    text = " ".join(line for line in lines if not _NOISE.match(line))
    return (text if len(text) <= LONGEST_COMMENT else text[: LONGEST_COMMENT - 1] + "…") or None


def _opens_the_file(symbol: Symbol) -> bool:
    """Whether nothing but comments and the module's docstring stands above the symbol."""
    body = symbol.source.tree.body
    first = 0 if ast.get_docstring(symbol.source.tree, clean=False) is None else 1
    return body[first : first + 1] == [symbol.node]


def _own_names(symbol: Symbol, node: Function | ast.ClassDef) -> frozenset[str]:
    """The words of the symbol's code, comments included, its docstring left out."""
    first, last = symbol.first_line - 1, node.end_lineno or node.lineno
    lines = symbol.source.lines[first:last]
    rest = without_docstring(node.body)
    if len(rest) < len(node.body):
        docstring = node.body[0]
        begin, end = docstring.lineno - 1 - first, (docstring.end_lineno or docstring.lineno) - first
        # On a shared line there is code too: better a word too many than one too few.
        if not lines[begin][: docstring.col_offset].strip() and (not rest or rest[0].lineno > end + first):
            del lines[begin:end]
    return words("\n".join([*lines, symbol.qualname]))


def _write(node: ast.AST, parts: list[str]) -> None:
    """Everything of the code that matters, in an order that is the code's: no places, no docstrings."""
    if isinstance(node, ast.Constant):
        # As hexadecimal: Python refuses to write long decimal numbers.
        parts.append(f"{node.value:#x}" if type(node.value) is int else repr(node.value))
        return
    parts.append(f"({type(node).__name__}")
    for name in node._fields:
        value: object = getattr(node, name, None)
        if name == "body" and isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)
        ):
            value = without_docstring(node.body)
        if isinstance(value, ast.AST):
            if not isinstance(value, ast.expr_context):
                parts.append(name)
                _write(value, parts)
        elif isinstance(value, list):
            if value:
                parts.append(f"{name}[")
                for item in value:
                    if isinstance(item, ast.AST):
                        _write(item, parts)
                    else:
                        parts.append(f"={item}")
                parts.append("]")
        elif value is not None:
            parts.append(f"{name}={value}")
    parts.append(")")
