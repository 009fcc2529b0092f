"""The figures, one small function each."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import sys
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from quality.said import Said
from quality.source import Function, without_docstrings

_WORD = re.compile(r"[A-Za-z_]\w*")
# What a reader takes for code: quoted, called, dotted, with an underscore, or with a capital inside.
_CODE_LIKE = re.compile(
    r"``?([^`]+)``?"
    r"|\b([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\(\)"
    r"|(?<![\w./-])([A-Za-z_]\w+(?:\.[A-Za-z_]\w+)+)"
    r"|(?<![\w/-])([A-Za-z_]*[A-Za-z]_\w+|_\w+|[a-z]+[A-Z]\w*|[A-Z][a-z]+[A-Z]\w*)"
)
_ORDINARY = frozenset({"e.g", "i.e", "GitHub", "JavaScript", "iPhone", "eBay", "PyPI"})
_SOMETHING = r"(?:param\w*|arg\w*|function|method|class|return\w*|value)"
# A piece of code, or a type with another in it, has brackets that wait for nobody.
_OWN_BRACKETS = re.compile(r"``[^`]*``|\w\[[^\]]*\]")
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|TBD|XXX|lorem ipsum)\b|<\w[\w ]*\w>|\[\w[\w ]*\w\]|_(?:summary|description)_"
    r"|^(?:none|n/a|unknown|\.+|…)\.?$"
    rf"|^(?:short )?description(?: of (?:the )?{_SOMETHING})?\.?$",
    re.IGNORECASE,
)
# Words of a summary that say nothing about a function, whatever it is.
_HOLLOW = frozenset(
    """a an and as by class code do does for from function get given gets handle handles implement
    implements in instance into is it its method object of on or perform performs process processes
    provided return returned returns run runs self set sets specified that the this to use used uses
    using value values which with""".split()
)
_SHORTEST_STEM = 4


@dataclass(frozen=True, slots=True)
class Tally:
    """What was found and is so, what was found and is not, and what is so and was not found."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """1 where nothing was found: nothing was wrong."""
        found = self.right + self.wrong
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        """1 where there was nothing to find."""
        there = self.right + self.missed
        return self.right / there if there else 1.0


def tally(found: AbstractSet[str], labelled: AbstractSet[str]) -> Tally:
    return Tally(len(found & labelled), len(found - labelled), len(labelled - found))


def names_parameters(said: Said, function: Function) -> bool:
    """Whether it names the parameters of the signature, all of them, in their order, and no others."""
    return said.parameters == function.parameters


def same_code(before: str, after: str) -> bool:
    """Whether two modules differ in nothing but docstrings, comments and layout."""
    return without_docstrings(ast.parse(before)) == without_docstrings(ast.parse(after))


def gives_agree(said: Said, function: Function) -> bool:
    """Whether it tells of a returned value where there is one, of yielded ones where it is a generator.

    A property may tell or not: it reads as a value. What a generator returns at its end may stay untold.
    """
    own = list(_own(function.node))
    is_generator = any(isinstance(one, ast.Yield | ast.YieldFrom) for one in own)
    returns = any(isinstance(one, ast.Return) and not _is_nothing(one.value) for one in own)
    if function.is_property:
        return not is_generator or not said.returns
    if is_generator:
        return said.yields and (returns or not said.returns)
    return said.returns == returns and not said.yields


def _is_nothing(value: ast.expr | None) -> bool:
    return value is None or (isinstance(value, ast.Constant) and value.value is None)


def _own(node: ast.AST) -> Iterable[ast.AST]:
    """The nodes of a function, without those of functions and classes inside."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield child
            yield from _own(child)


def unknown_names(said: Said, module: str) -> list[str]:
    """The names in its prose that stand neither in the module's text nor for anything in Python."""
    known = {*_WORD.findall(module), *dir(builtins), *keyword.kwlist, *sys.stdlib_module_names}
    return [name for name in _named(said.prose) if name not in known]


def _named(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        for groups in _CODE_LIKE.findall(text):
            code = next(filter(None, groups))
            if code not in _ORDINARY:
                yield from _WORD.findall(code)


def restates(said: Said, function: Function) -> bool:
    """Whether every word of the summary comes from the function's or its class's name, or is hollow.

    An empty summary does. Words count as the same where one begins with the other, endings aside.
    """
    named = {word for name in function.name.split(".") for word in _words(name)}
    return all(word in _HOLLOW or _is_among(word, named) for word in _words(said.summary))


def _words(text: str) -> list[str]:
    """`max_retryCount` has `max`, `retry` and `count`."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", text)]


def _is_among(word: str, named: AbstractSet[str]) -> bool:
    stem = _stem(word)
    return any(_stem(name) == stem for name in named)


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ating", "ated", "ates", "ate", "ing", "ed", "es", "er", "s", "e"):
        if len(word) - len(ending) >= _SHORTEST_STEM - 1 and word.endswith(ending):
            return word.removesuffix(ending)
    return word


def has_placeholder(said: Said) -> bool:
    """Whether some description waits for somebody to write it."""
    return any(_PLACEHOLDER.search(_OWN_BRACKETS.sub("", text)) for text in said.prose)


def share(holds: Iterable[bool]) -> float:
    """The share of cases in which it holds; 0 where there is no case."""
    every = list(holds)
    return sum(every) / len(every) if every else 0.0
