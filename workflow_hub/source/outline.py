"""What a module defines for others, in a line for each: its signature, and what it says of itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from workflow_hub.source.files import SourceFile
from workflow_hub.source.package import first_sentence
from workflow_hub.source.symbols import Symbol, symbols
from workflow_hub.source.trim import estimate_tokens, signature_of

MODULE_TOKENS = 160


def first_words(symbol: Symbol) -> str:
    """What a symbol says of itself, in one sentence; or empty."""
    return first_sentence(symbol.docstring)


def outline(source: SourceFile, budget_tokens: int, says: Callable[[Symbol], str] = first_words) -> str:
    """The public functions and classes of a module; empty where it has none.

    The first of these that fits into `budget_tokens`: signatures with what each `says`, that alone
    where there is any, names alone, as many names as fit.
    """
    public = list(public_symbols(source))
    for form in (_whole, _short):
        text = "\n".join(form(symbol, says(symbol)) for symbol in public)
        if estimate_tokens(text) <= budget_tokens:
            return text
    names = [symbol.name for symbol in public]
    while estimate_tokens(text := _listed(names, len(public))) > budget_tokens and names:
        names.pop()
    return text


def public_symbols(source: SourceFile) -> Iterator[Symbol]:
    """The functions and classes of the top level, each once; of those in `__all__` where there is one."""
    exported = exports(source.tree)
    is_public: Callable[[str], bool] = (
        (lambda name: not name.startswith("_")) if exported is None else exported.__contains__
    )
    seen: set[str] = set()
    for symbol in symbols(source):
        if symbol.qualname.isidentifier() and symbol.qualname not in seen and is_public(symbol.qualname):
            seen.add(symbol.qualname)
            yield symbol


def exports(tree: ast.Module) -> frozenset[str] | None:
    """The names in `__all__`, as far as it is written out; None without one."""
    found: set[str] = set()
    there = False
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                there = True
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                there = True
            case ast.AugAssign(target=ast.Name(id="__all__"), value=value):
                there = True
            case _:
                continue
        found.update(
            item.value
            for item in ast.walk(value)
            if isinstance(item, ast.Constant) and isinstance(item.value, str)
        )
    return frozenset(found) if there else None


def _whole(symbol: Symbol, says: str) -> str:
    assert not isinstance(symbol.node, ast.Module)
    signature = signature_of(symbol.node, symbol.source.text)
    return f"{signature}  # {says}" if says else signature


def _short(symbol: Symbol, says: str) -> str:
    return f"{symbol.name}: {says}" if says else symbol.name


def _listed(names: Sequence[str], count: int) -> str:
    return ", ".join([*names, "..."] if len(names) < count else names)
