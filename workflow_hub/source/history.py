"""When docstrings were last touched, by git, and what their files were then."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from workflow_hub.errors import SourceRefused
from workflow_hub.source.files import SourceFile, parse_source
from workflow_hub.source.git import GitRefused, Repository, repository
from workflow_hub.source.symbols import Node, Symbol, symbols

_LINE = re.compile(rb"([0-9a-f]{40,64}) \d+ (\d+)")
_NOT_COMMITTED = "0"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, and the file as it is called there; `time` counts seconds."""

    sha: str
    time: int
    path: str

    def __str__(self) -> str:
        day = datetime.datetime.fromtimestamp(self.time, datetime.UTC).date()
        return f"{self.sha[:7]}, {day.isoformat()}"


@dataclass(frozen=True)
class History:
    """What git remembers of the files in a work tree."""

    tree: Repository
    _blamed: dict[SourceFile, Mapping[Node, Commit]] = field(default_factory=dict)

    def written(self, symbol: Symbol) -> tuple[Commit, Symbol] | None:
        """The commit that last touched the symbol's docstring, and the symbol as it was in there.

        None where a line of it is not committed yet, and where the symbol is not to be found there:
        under the same name, once, with a docstring.
        """
        source = symbol.source
        if source not in self._blamed:
            self._blamed.clear()
            self._blamed[source] = dict(_last_commits(self.tree, source))
        commit = self._blamed[source].get(symbol.node)
        then = None if commit is None else _then(self.tree, commit).get(symbol.qualname)
        if commit is None or then is None or then.docstring is None:
            return None
        return commit, then


def history(folder: Path) -> History | str:
    """The history around `folder`; why there is none, as the end of a sentence, where there is none."""
    try:
        tree = repository(folder)
    except GitRefused as error:
        return str(error)
    if tree.is_shallow:
        return "the clone is shallow; `git fetch --unshallow` brings its history"
    return History(tree)


def _last_commits(tree: Repository, source: SourceFile) -> Iterator[tuple[Node, Commit]]:
    """The newest commit of the lines of each docstring that is committed as it stands."""
    places = {
        symbol.node: range(literal.lineno, (literal.end_lineno or literal.lineno) + 1)
        for symbol in symbols(source)
        if symbol.docstring is not None
        for literal in symbol.node.body[:1]
    }
    # git knows one kind of line end.
    if not places or len(source.lines) != source.data.count(b"\n") + 1:
        return
    try:
        blamed = dict(_blame(tree, source, list(places.values())))
    except GitRefused:
        return  # a file that is not committed yet
    for node, lines in places.items():
        commits = [blamed[line] for line in lines if line in blamed]
        if commits and all(commit.sha.strip(_NOT_COMMITTED) for commit in commits):
            yield node, max(commits, key=lambda commit: commit.time)


def _blame(tree: Repository, source: SourceFile, ranges: Sequence[range]) -> Iterator[tuple[int, Commit]]:
    """The commit of each line in the ranges; that of a line which is not committed has only noughts."""
    where = [f"-L{lines.start},{lines.stop - 1}" for lines in ranges]
    path = source.path.resolve()
    output = tree.run_alone(
        "blame", "--porcelain", "-w", "--contents", "-", *where, "--", str(path), data=source.data
    )
    times: dict[str, int] = {}
    paths: dict[str, str] = {}
    sha, line = "", 0
    for row in output.split(b"\n"):
        if row.startswith(b"\t"):
            yield line, Commit(sha, times[sha], paths[sha])
        elif begun := _LINE.match(row):
            sha, line = begun[1].decode(), int(begun[2])
        elif row.startswith(b"committer-time "):
            times[sha] = int(row.split()[1])
        elif row.startswith(b"filename "):
            paths[sha] = tree.unquoted(row.partition(b" ")[2])


@lru_cache(maxsize=8)
def _then(tree: Repository, commit: Commit) -> Mapping[str, Symbol]:
    """The symbols of the file in that commit by name; none that is there twice."""
    try:
        source = parse_source(tree.top / commit.path, tree.blob(f"{commit.sha}:{commit.path}"))
    except (SourceRefused, GitRefused):
        return {}
    every = list(symbols(source))
    names = [symbol.qualname for symbol in every]
    return {symbol.qualname: symbol for symbol in every if names.count(symbol.qualname) == 1}
