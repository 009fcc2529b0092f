"""What the modules of a package say of themselves, as small strings: no tree is kept.

Modules are read when a name leads to them, so an index costs what a run touches. Names are
followed by their spelling alone: through imports, into classes and their bases.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from workflow_hub.errors import SourceRefused
from workflow_hub.source.attributes import attribute_names
from workflow_hub.source.files import SourceFile, read_source
from workflow_hub.source.flow import Flow, flow_of
from workflow_hub.source.symbols import Symbol, dotted, symbols

LONGEST_SENTENCE = 120
_WORD = re.compile(r"[^\W\d]\w*")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_ON_SELF = re.compile(r"\b(?:self|cls)\.([^\W\d]\w*)")
_SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?<!etc\.)\s")


@dataclass(frozen=True, slots=True)
class Import:
    """`from ..a.b import c` is (2, "a.b", "c"); `import a.b` is (0, "a.b", None)."""

    level: int
    module: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Module:
    """A module in short. Keys are qualified names (`Cart.add`); a docstring is its first sentence, or empty.

    `names` are the words of its top level, `members` those that a class defines or sets on `self`.
    `attributes` are those of a class that it declares itself, `flows` the functions that raise or call
    something. `bases` are without what stands in brackets, `returns` the annotations that are a name.
    """

    path: Path
    name: str
    digest: int
    docs: Mapping[str, str]
    bases: Mapping[str, tuple[str, ...]]
    returns: Mapping[str, str]
    imports: Mapping[str, Import]
    stars: tuple[Import, ...]
    names: frozenset[str]
    members: Mapping[str, frozenset[str]]
    attributes: Mapping[str, tuple[str, ...]]
    flows: Mapping[str, Flow]

    def knows(self, name: str) -> bool:
        """Whether a name of the top level may lead to something of the package."""
        return name in self.docs or name in self.imports or bool(self.stars)


Place = tuple[Module, str]  # a module, and a qualified name in it


class PackageIndex:
    """Finds what names mean within a package; `root` is the folder that the run looks at."""

    def __init__(self, sources: Iterable[SourceFile] = (), *, root: Path | None = None) -> None:
        self.root = root
        self._modules: dict[Path, Module | None] = {}
        self._located: dict[tuple[Path, int, str], Path | None] = {}
        for source in sources:
            self.module_of(source)

    def module_of(self, source: SourceFile) -> Module:
        """The module of a file that is at hand, read anew where the file has changed."""
        path = source.path.absolute()
        known = self._modules.get(path)
        if known is None or known.digest != hash(source.data):
            known = _summary(source, path)
            self._modules[path] = known
        return known

    def place_of(self, module: Module, name: str) -> Place | None:
        """Where the function or class that `module` knows as `name` (`money.Money`) is defined."""
        return self._follow(module, name, set())

    def documented_in_base(self, symbol: Symbol) -> bool:
        """Whether a base class in the package has a docstring for the method of that name."""
        module = self.module_of(symbol.source)
        own = (module, symbol.owner_name)
        return any(
            place[0].docs.get(f"{place[1]}.{symbol.name}") for place in self.lineage(own) if place != own
        )

    def inherited(self, symbol: Symbol) -> frozenset[str]:
        """The names of the attributes that the bases of a class in the package have."""
        own = (self.module_of(symbol.source), symbol.qualname)
        return frozenset(
            name for place in self.lineage(own) if place != own for name in place[0].attributes[place[1]]
        )

    def lineage(self, place: Place) -> Iterator[Place]:
        """The class and its bases within the package, each once, breadth first."""
        todo, seen = [place], {(place[0].path, place[1])}
        for module, name in todo:
            yield module, name
            for base in module.bases.get(name, ()):
                found = self.place_of(module, base)
                if found and found[1] in found[0].bases and (found[0].path, found[1]) not in seen:
                    seen.add((found[0].path, found[1]))
                    todo.append(found)

    def _follow(self, module: Module, name: str, seen: set[tuple[Path, str]]) -> Place | None:
        """Where `name` leads from `module`; `seen` is where the search has been: imports run in circles."""
        if name in module.docs:
            return module, name
        if (module.path, name) in seen:
            return None
        seen.add((module.path, name))
        first, _, rest = name.partition(".")
        if bound := module.imports.get(first):
            return self._through(module, bound, rest, seen)
        for star in module.stars:
            other = self._read(self._locate(module.path, star.level, star.module))
            if other and (found := self._follow(other, name, seen)):
                return found
        return None

    def _through(self, module: Module, bound: Import, rest: str, seen: set[tuple[Path, str]]) -> Place | None:
        """What `rest` means behind an import: what is imported is something in a module, or a submodule."""
        other = self._read(self._locate(module.path, bound.level, bound.module)) if bound.name else None
        if other and (found := self._follow(other, _dotted(bound.name, rest), seen)):
            return found
        inner = _dotted(bound.module, bound.name)
        submodule = self._read(self._locate(module.path, bound.level, inner))
        if submodule is None or not rest:
            return None
        if found := self._follow(submodule, rest, seen):
            return found
        step, _, beyond = rest.partition(".")
        return self._through(module, Import(bound.level, inner, step), beyond, seen) if beyond else None

    def _locate(self, importer: Path, level: int, module: str) -> Path | None:
        key = (importer.parent, level, module)
        if key not in self._located:
            # A snippet that is no file has no neighbours, whatever its path pretends.
            candidates = _candidates(importer, level, module) if importer.is_file() else ()
            self._located[key] = next((path for path in candidates if path.is_file()), None)
        return self._located[key]

    def _read(self, path: Path | None) -> Module | None:
        if path is None:
            return None
        if path not in self._modules:
            try:
                self._modules[path] = _summary(read_source(path), path)
            except SourceRefused:
                self._modules[path] = None
        return self._modules[path]


def first_sentence(docstring: str | None) -> str:
    """The first sentence of a docstring in one line, cut where it is long; empty without one."""
    if not docstring:
        return ""
    paragraph = " ".join(inspect.cleandoc(docstring).split("\n\n", 1)[0].split())
    sentence = _SENTENCE_END.split(paragraph, maxsplit=1)[0]
    return sentence if len(sentence) <= LONGEST_SENTENCE else sentence[: LONGEST_SENTENCE - 1] + "…"


def words(text: str) -> frozenset[str]:
    """Every word of a text that could be an identifier."""
    return frozenset(_WORD.findall(text))


def module_name(path: Path) -> str:
    """The dotted name that a file is imported by, from the folders with an `__init__.py` around it."""
    parts = [] if path.stem == "__init__" else [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name:
        parts.append(folder.name)
        folder = folder.parent
    return ".".join(reversed(parts)) or path.parent.name


def _dotted(*parts: str | None) -> str:
    return ".".join(part for part in parts if part)


def _candidates(importer: Path, level: int, module: str) -> Iterator[Path]:
    """The files that an import may mean: never one above the folder of the importer's own package."""
    parts = module.split(".") if module else []
    if level:
        bases = [importer.parents[level - 1]] if level <= len(importer.parents) else []
    else:
        named = [folder.parent for folder in importer.parents if folder.name == parts[0]]
        bases = [*named, importer.parent]
    for base in bases:
        whole = base.joinpath(*parts)
        yield whole / "__init__.py"
        if parts:
            yield whole.with_name(whole.name + ".py")


def _summary(source: SourceFile, path: Path) -> Module:
    docs: dict[str, str] = {}
    bases: dict[str, tuple[str, ...]] = {}
    returns: dict[str, str] = {}
    members: dict[str, frozenset[str]] = {}
    attributes: dict[str, tuple[str, ...]] = {}
    functions: dict[str, Symbol] = {}
    for symbol in symbols(source):
        if symbol.kind == "module" or (symbol.kind == "function" and "<locals>" in symbol.qualname):
            continue
        if symbol.kind == "function":
            functions[symbol.qualname] = symbol  # of several the last one holds
        docs[symbol.qualname] = docs.get(symbol.qualname) or first_sentence(symbol.docstring)
        if isinstance(symbol.node, ast.FunctionDef) and (name := _named(symbol.node.returns)):
            returns[symbol.qualname] = name
        if isinstance(symbol.node, ast.ClassDef):
            bases[symbol.qualname] = tuple(filter(None, map(_base, symbol.node.bases)))
            members[symbol.qualname] = _members(symbol.node, source.lines)
            attributes[symbol.qualname] = attribute_names(symbol.node)
    imports: dict[str, Import] = {}
    stars: list[Import] = []
    for node in _imports(source.tree.body):
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.asname or alias.name.partition(".")[0]
                imports[name] = Import(0, alias.name if alias.asname else name, None)
            elif alias.name == "*":
                stars.append(Import(node.level, node.module or "", None))
            else:
                imports[alias.asname or alias.name] = Import(node.level, node.module or "", alias.name)
    module = Module(
        path,
        module_name(path),
        hash(source.data),
        docs,
        bases,
        returns,
        imports,
        tuple(stars),
        _names(source.tree.body, source.lines),
        members,
        attributes,
        {},
    )
    return replace(module, flows=dict(_flows(functions.values(), module)))


def _flows(functions: Iterable[Symbol], module: Module) -> Iterator[tuple[str, Flow]]:
    for symbol in functions:
        assert isinstance(symbol.node, ast.FunctionDef | ast.AsyncFunctionDef)
        flow = flow_of(
            symbol.node, symbol.source.text, knows=module.knows, is_method=symbol.owner is not None
        )
        if flow.steps:
            yield symbol.qualname, flow


def _imports(body: Iterable[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports of a module's top level, through `if` and `try`."""
    todo = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, (ast.If, ast.Try)):
            todo += [*node.body, *node.orelse]
            if isinstance(node, ast.Try):
                todo += [inner for handler in node.handlers for inner in handler.body]


def _names(body: Iterable[ast.stmt], lines: list[str]) -> frozenset[str]:
    """What a module or class defines, and every word of its other statements."""
    found: set[str] = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            found.update(_WORD.findall("\n".join(lines[node.lineno - 1 : node.end_lineno])))
    return frozenset(found)


def _members(node: ast.ClassDef, lines: list[str]) -> frozenset[str]:
    text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
    bases = [name for base in node.bases if (name := _base(base))]
    return _names(node.body, lines).union(_ON_SELF.findall(text), words(" ".join([node.name, *bases])))


def _base(node: ast.expr) -> str | None:
    """The class that is meant: `Field` for `Field[str]`."""
    return dotted(node.value if isinstance(node, ast.Subscript) else node)


def _named(annotation: ast.expr | None) -> str | None:
    """An annotation that is a name, in quotes or not."""
    match annotation:
        case ast.Constant(value=str(text)) if _DOTTED.fullmatch(text):
            return text
    return dotted(annotation)
