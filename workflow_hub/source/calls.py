"""Who calls whom within a package: the functions that run where a name is called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workflow_hub.source.calling import ON_SELF, SUPER
from workflow_hub.source.escapes import Scope, canonical
from workflow_hub.source.flow import SILENT, Flow, flow_of
from workflow_hub.source.package import Module, PackageIndex, Place
from workflow_hub.source.symbols import Symbol
from workflow_hub.source.trim import Function

# What a call of a class runs, as far as the package defines it.
_CONSTRUCTORS = ("__new__", "__init__", "__post_init__")


def called(index: PackageIndex, module: Module, owner: str | None, name: str) -> Iterator[Place]:
    """The functions that run where `name` is called in `module`, in the class `owner` or in none.

    A class stands for its constructors. Names that lead nowhere lead to nothing.
    """
    if (place := target(index, module, owner, name)) is None:
        return
    home, qualname = place
    if qualname not in home.bases:
        yield place
        return
    for constructor in _CONSTRUCTORS:
        if (method := method_of(index, place, constructor)) is not None:
            yield method


def target(index: PackageIndex, module: Module, owner: str | None, name: str) -> Place | None:
    """The function or class that `name` means where it is called."""
    first, _, rest = name.partition(".")
    if first in ON_SELF:
        if owner is None:
            return None
        # `cls(…)` makes one of the class; `self(…)` is `__call__`.
        if not rest:
            return (module, owner) if first == "cls" else method_of(index, (module, owner), "__call__")
        return method_of(index, (module, owner), rest, above=first == SUPER)
    if (place := index.place_of(module, name)) is not None:
        return place
    cls, _, method = name.rpartition(".")
    home = index.place_of(module, cls) if cls else None
    return method_of(index, home, method) if home is not None and home[1] in home[0].bases else None


def method_of(index: PackageIndex, cls: Place, name: str, *, above: bool = False) -> Place | None:
    """Where a method of the class is defined: in itself, or in a base; with `above` in a base only."""
    for module, owner in index.lineage(cls):
        if not (above and (module, owner) == cls) and f"{owner}.{name}" in module.docs:
            return module, f"{owner}.{name}"
    return None


def owner_in(module: Module, qualname: str) -> str | None:
    """The class that a function of the module is a method of."""
    owner = qualname.rpartition(".")[0]
    return owner if owner in module.bases else None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What names mean in a function of the package."""

    index: PackageIndex
    home: Module
    owner: str | None

    @property
    def module(self) -> str:
        """The dotted name of the module."""
        return self.home.name

    def follows(self, name: str) -> bool:
        """Whether a call of that name may lead into the package."""
        first = name.partition(".")[0]
        return self.owner is not None if first in ON_SELF else self.home.knows(first)

    def true_name(self, name: str) -> str:
        """One word for a class, whatever it is called here: where it is defined, or imported from."""
        if (place := self.index.place_of(self.home, name)) is not None:
            return f"{place[0].name}.{place[1]}"
        bound = self.home.imports.get(name)
        return canonical(bound.name if bound is not None and bound.name else name)

    def kin(self, name: str) -> frozenset[str] | None:
        """The true names of a class of the package and all its bases; None for what is none."""
        place = self.index.place_of(self.home, name)
        if place is None or place[1] not in place[0].bases:
            return None
        found: set[str] = set()
        for module, cls in self.index.lineage(place):
            scope = Surroundings(self.index, module, None)
            found.update((f"{module.name}.{cls}", *map(scope.true_name, module.bases[cls])))
        return frozenset(found)

    def callees(self, name: str) -> Iterator[tuple[str, Flow, Scope]]:
        """What runs where `name` is called: what a path calls it, its flow, and what names mean there."""
        for module, qualname in called(self.index, self.home, self.owner, name):
            flow = module.flows.get(qualname, SILENT)
            cls, _, method = qualname.rpartition(".")
            shown = cls if method in _CONSTRUCTORS else qualname
            yield shown, flow, Surroundings(self.index, module, owner_in(module, qualname))

    def made_by(self, name: str) -> tuple[str, Scope] | None:
        """The class that a call of `name` makes, and where that name is at home; None where nothing says."""
        place = target(self.index, self.home, self.owner, name)
        if place is None:
            return None
        module, qualname = place
        owner = owner_in(module, qualname)
        made = qualname if qualname in module.bases else module.returns.get(qualname)
        if made == "Self":
            made = owner
        return None if made is None else (made, Surroundings(self.index, module, owner))


def surroundings(symbol: Symbol, index: PackageIndex) -> Surroundings:
    """Those of a function that is at hand."""
    return Surroundings(
        index, index.module_of(symbol.source), None if symbol.owner is None else symbol.owner_name
    )


def flow_at(symbol: Symbol, node: Function, index: PackageIndex) -> Flow:
    """The flow of a function that is at hand; that of the index where it is the same one."""
    module = index.module_of(symbol.source)
    known = module.flows.get(symbol.qualname)
    if known is not None and known.line == node.lineno:
        return known
    return flow_of(node, symbol.source.text, knows=module.knows, is_method=symbol.owner is not None)


def said(index: PackageIndex, scope: Surroundings, name: str) -> str:
    """The first sentence of what is called as `name` (`self.total`, `tax.rate`); else empty."""
    first, _, rest = name.partition(".")
    if first in ON_SELF and scope.owner is not None:
        docs = (module.docs.get(f"{cls}.{rest}") for module, cls in index.lineage((scope.home, scope.owner)))
        return next(filter(None, docs), "")
    place = target(index, scope.home, scope.owner, name)
    return place[0].docs[place[1]] if place else ""
