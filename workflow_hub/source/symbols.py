"""The modules, classes and functions of a file, and which of them a docstring is wanted for."""

from __future__ import annotations

import ast
import io
import itertools
import re
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

from workflow_hub.source.files import SourceFile

Node = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
Kinds = Literal["functions", "classes", "modules"]
KINDS: Mapping[str, Kinds] = {"function": "functions", "class": "classes", "module": "modules"}
_BLOCKS = ("body", "handlers", "cases", "orelse", "finalbody")
_COMPOUND = (
    ast.ClassDef,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.TryStar,
    ast.ExceptHandler,
    ast.Match,
    ast.match_case,
)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_SKIP = re.compile(r"#\s*workflow-hub:\s*skip\b")


@dataclass(frozen=True, eq=False, slots=True)
class Symbol:
    """Something that can have a docstring.

    `qualname` is as Python has it (`Cart.add`, `outer.<locals>.inner`), and empty for a module.
    `parents` are the nodes around it, outermost first, `if`, `try` and `with` among them.
    """

    source: SourceFile
    kind: Literal["module", "class", "function"]
    qualname: str
    node: Node
    parents: tuple[ast.AST, ...]

    @property
    def name(self) -> str:
        """The last part of the qualified name; for a module, what it is imported as."""
        if self.qualname:
            return self.qualname.rpartition(".")[2]
        path = self.source.path
        return path.parent.name if path.stem == "__init__" else path.stem

    @property
    def docstring(self) -> str | None:
        """The docstring as the literal says it, indentation included."""
        return ast.get_docstring(self.node, clean=False)

    @property
    def line(self) -> int:
        """The line of `def` or `class`; decorators stand above it. A module begins at 1."""
        return 1 if isinstance(self.node, ast.Module) else self.node.lineno

    @property
    def first_line(self) -> int:
        """The line of the first decorator, or `line` without one."""
        return 1 if isinstance(self.node, ast.Module) else _first_line(self.node)

    @property
    def owner(self) -> ast.ClassDef | None:
        """The class whose body defines this, through any `if` or `try` in between."""
        for parent in reversed(self.parents):
            if isinstance(parent, ast.ClassDef):
                return parent
            if isinstance(parent, (ast.FunctionDef, ast.AsyncFunctionDef)):
                return None
        return None

    @property
    def owner_name(self) -> str:
        """The qualified name of what this is defined in; empty at the top of a module."""
        return self.qualname.rpartition(".")[0].removesuffix(".<locals>")

    @property
    def is_method(self) -> bool:
        """Whether it is a function in the body of a class."""
        return self.kind == "function" and self.owner is not None


def symbols(source: SourceFile) -> Iterator[Symbol]:
    """Every symbol of the file in source order, the module first."""
    yield Symbol(source, "module", "", source.tree, ())
    # A stack instead of recursion: a thousand `elif` are a thousand levels deep.
    todo: list[tuple[ast.AST, str, tuple[ast.AST, ...]]] = [
        (node, "", (source.tree,)) for node in reversed(source.tree.body)
    ]
    while todo:
        node, prefix, parents = todo.pop()
        if isinstance(node, ast.ClassDef):
            yield Symbol(source, "class", prefix + node.name, node, parents)
            prefix = f"{prefix}{node.name}."
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield Symbol(source, "function", prefix + node.name, node, parents)
            prefix = f"{prefix}{node.name}.<locals>."
        if not isinstance(node, _COMPOUND):
            continue
        inside = [child for block in _BLOCKS for child in _statements(node, block)]
        around = (*parents, node)
        todo.extend((child, prefix, around) for child in reversed(inside))


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])


def _statements(node: ast.AST, block: str) -> list[ast.AST]:
    found = getattr(node, block, None)
    return found if isinstance(found, list) else []


def own_nodes(body: Iterable[ast.AST]) -> list[ast.AST]:
    """All nodes that run as part of `body`, in no order: nothing inside functions, lambdas and classes."""
    # What ast.walk does, in a third of its time: every function of a run goes through here.
    found = list(body)
    for node in found:
        if isinstance(node, _SCOPES):
            continue
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                found.extend([item for item in value if isinstance(item, ast.AST)])
            elif isinstance(value, ast.AST) and name != "ctx":
                found.append(value)
    return found


def dotted(node: ast.expr | None) -> str | None:
    """`a.b.c` as written; None for anything but names joined by dots."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def last_name(node: ast.expr) -> str:
    """`setter` of `@price.setter`, `overload` of `@typing.overload`, `wraps` of `@wraps(f)`; else empty."""
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


@dataclass(frozen=True, slots=True)
class Policies:
    """What is documented beside the plain public functions; each word is a setting of `docstrings`."""

    overloads: bool = False
    setters: bool = False
    overrides: bool = False
    dunders: bool = False
    private: bool = False
    nested: bool = False
    tests: bool = False
    stubs: bool = False


class Index(Protocol):
    """What `wanted` asks of package.PackageIndex."""

    @property
    def root(self) -> Path | None:
        """The folder that paths are seen from; None where there is none."""

    def documented_in_base(self, symbol: Symbol) -> bool:
        """Whether the method that this one overrides has a docstring."""


def wanted(symbol: Symbol, kinds: Collection[Kinds], policies: Policies, index: Index) -> str | None:
    """None where a docstring is wanted, else the reason why not, in a short sentence."""
    if KINDS[symbol.kind] not in kinds:
        return f"{KINDS[symbol.kind]} are not asked for"
    return _unwanted_file(symbol, policies, index.root) or _unwanted_symbol(symbol, policies, index)


def _unwanted_file(symbol: Symbol, policies: Policies, root: Path | None) -> str | None:
    path = symbol.source.path
    if root is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    if not policies.stubs and path.suffix == ".pyi":
        return "the file is a stub"
    if not policies.tests and _is_test(path):
        return "the file belongs to the tests"
    if _file_says_skip(symbol.source):
        return "the file says `workflow-hub: skip`"
    return None


def _unwanted_symbol(symbol: Symbol, policies: Policies, index: Index) -> str | None:
    node = symbol.node
    if isinstance(node, ast.Module):
        return None if node.body else "the module is empty"
    if _says_skip(symbol):
        return "a comment says `workflow-hub: skip`"
    if _is_for_type_checkers(symbol):
        return "it exists for type checkers only"
    if not policies.nested and "<locals>" in symbol.qualname:
        return "it is defined inside a function"
    if not policies.private and any(_is_private(part) for part in symbol.qualname.split(".")):
        return "its name is private"
    if isinstance(node, ast.ClassDef):
        return None
    decorators = [last_name(decorator) for decorator in node.decorator_list]
    if not policies.dunders and _is_dunder(node.name):
        return "it is a dunder"
    if not policies.overloads and "overload" in decorators:
        return "it is an overload"
    if not policies.setters and symbol.is_method and {"setter", "deleter"} & set(decorators):
        return "the getter of the property speaks for it"
    if not policies.overrides and symbol.is_method:
        if "override" in decorators:
            return "it overrides a method"
        if index.documented_in_base(symbol):
            return "it overrides a method that has a docstring"
    return None


def _is_test(path: Path) -> bool:
    name = path.stem
    return (
        name.startswith("test_")
        or name.endswith("_test")
        or name == "conftest"
        or not {"tests", "test"}.isdisjoint(path.parts[:-1])
    )


def _is_dunder(name: str) -> bool:
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def _is_private(name: str) -> bool:
    return name.startswith("_") and not _is_dunder(name)


def _is_for_type_checkers(symbol: Symbol) -> bool:
    around = (*symbol.parents, symbol.node)
    return any(
        isinstance(parent, ast.If) and last_name(parent.test) == "TYPE_CHECKING" and child in parent.body
        for parent, child in itertools.pairwise(around)
    )


@lru_cache(maxsize=8)
def _comments(source: SourceFile) -> Mapping[int, tuple[str, bool]]:
    """Line number -> comment, and whether it has the line for itself."""
    found: dict[int, tuple[str, bool]] = {}
    try:
        for token in tokenize.generate_tokens(io.StringIO("\n".join(source.lines)).readline):
            if token.type == tokenize.COMMENT:
                found[token.start[0]] = (token.string, not token.line[: token.start[1]].strip())
    except (tokenize.TokenError, SyntaxError):
        pass  # the tokenizer in Python is stricter than the parser at a file's end
    return found


def comments_above(symbol: Symbol) -> list[str]:
    """The lines of the comment block directly above the symbol and its decorators, `#` included."""
    lines = symbol.source.lines
    last = symbol.first_line - 1
    first = last
    while first and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    if first == last:
        return []
    # A line in a string may look like a comment: where a `#` line is, no statement may be.
    ends = [
        end
        for block in _BLOCKS
        for sibling in _statements(symbol.parents[-1], block)
        if (end := getattr(sibling, "end_lineno", None)) is not None and end < symbol.first_line
    ]
    first = max([first, *ends])
    return [line.strip() for line in lines[first:last]]


def _says_skip(symbol: Symbol) -> bool:
    if "workflow-hub:" not in symbol.source.text:
        return False
    return any(_SKIP.search(comment) for comment in (*comments_above(symbol), *header_comments(symbol)))


def header_comments(symbol: Symbol) -> Iterator[str]:
    """The comments from the first decorator on, up to the body; none of those that begin the body."""
    if isinstance(symbol.node, ast.Module):
        return
    comments = _comments(symbol.source)
    line = symbol.node.lineno
    for number in range(symbol.first_line, max(line + 1, _first_line(symbol.node.body[0]))):
        text, is_alone = comments.get(number, ("", False))
        if text and (number < line or not is_alone):
            yield text


def _file_says_skip(source: SourceFile) -> bool:
    """Whether the comment block that begins the file does; one right above a `def` is that one's own."""
    if "workflow-hub:" not in source.text:
        return False
    lines = [line.strip() for line in source.lines]
    first = next((number for number, line in enumerate(lines) if line), len(lines))
    end = first
    while end < len(lines) and lines[end].startswith("#"):
        end += 1
    follower = lines[end] if end < len(lines) else ""
    if re.match(r"(@|(async\s+)?def\b|class\b)", follower):
        return False
    return any(_SKIP.search(line) for line in lines[first:end])
