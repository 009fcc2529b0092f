"""What has changed in git: files, renames followed, and the code in them that is not what it was."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from workflow_hub.errors import SourceRefused, UsageError
from workflow_hub.source.files import Refusal, SourceFile, parse_source, read_source
from workflow_hub.source.git import GitRefused, Repository, repository
from workflow_hub.source.proof import same_but_docstrings
from workflow_hub.source.symbols import Node, Symbol, symbols

_DIFF = (
    "diff",
    "--raw",
    "--no-color",
    "-O/dev/null",
    "-z",
    "--no-abbrev",
    "--find-renames",
    "-l1000",
    "--no-ext-diff",
    "--no-textconv",
    "--no-relative",
    "--ignore-submodules=all",
)
_REGULAR = ("100644", "100755")
_NO_BLOB = "0"
DEEPER = 100
_BRANCH = re.compile(r"(?!HEAD\b)[\w./-]+")


@dataclass(frozen=True, slots=True)
class Changed:
    """A file that changed, by git's ids of its contents.

    `before` is None for a file that is new. `staged` is None where the file on disk is what counts.
    """

    before: str | None
    staged: str | None = None


@dataclass(frozen=True)
class Changes:
    """The files that changed, by their full paths without links."""

    repository: Repository
    files: Mapping[Path, Changed] = field(default_factory=dict)

    def among(self, found: Iterable[Path | Refusal]) -> Iterator[Path]:
        """Those of `found` that changed."""
        return (path for path in found if isinstance(path, Path) and path.resolve() in self.files)

    def read(self, path: Path) -> SourceFile:
        """The file as it counts: as it is staged, or as it is on disk."""
        staged = self.files[path.resolve()].staged
        return read_source(path) if staged is None else parse_source(path, self.repository.blob(staged))

    def touches(self, symbol: Symbol) -> bool:
        """Whether the symbol's code is new or changed, from its decorators to its last line.

        Docstrings, comments and blank lines are no code, and neither is the place in the file.
        """
        before = self.files[symbol.source.path.resolve()].before
        if before is None:
            return True
        old = _nodes(self.repository, before, symbol.source.path)
        return all(same_but_docstrings(node, symbol.node) is None for node in old.get(symbol.qualname, ()))

    def not_staged(self, found: Iterable[Path | Refusal]) -> Iterator[Path]:
        """Those of `found` that are on disk not what is staged."""
        return (path for path in self.among(found) if self.files[path.resolve()].staged is not None)


def changed_since(folder: Path, revision: str | None = None) -> Changes:
    """What the files on disk, untracked ones included, changed: since HEAD, or since `revision`.

    Since `revision` means since HEAD parted from it. Before the first commit everything is new.
    UsageError with what to type where there is no work tree, no such revision, or no common commit.
    """
    tree = _work_tree(folder)
    untracked = ("ls-files", "-z", "--others", "--exclude-standard", "--full-name", "--", ":/")
    base = (
        _base(tree, revision) if revision else tree.says("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    )
    if base is None:
        return Changes(
            tree, dict.fromkeys(tree.names(*untracked[:2], "--cached", *untracked[2:]), Changed(None))
        )
    tracked = {path: Changed(before) for path, before, _ in _compared(tree, base)}
    return Changes(tree, tracked | dict.fromkeys(tree.names(*untracked), Changed(None)))


def staged(folder: Path) -> Changes:
    """What the index changes of HEAD; a file that is on disk as it is staged is read from there."""
    tree = _work_tree(folder)
    on_disk = {path for path, _, _ in _compared(tree)}
    return Changes(
        tree,
        {
            path: Changed(before, after if path in on_disk else None)
            for path, before, after in _compared(tree, "--cached")
        },
    )


def _work_tree(folder: Path) -> Repository:
    try:
        return repository(folder)
    except GitRefused as error:
        raise UsageError(
            f"git does not say what changed: {error}; name what to look at, without --changed or --staged"
        ) from error


def _base(tree: Repository, revision: str) -> str:
    """The commit where HEAD and `revision` parted."""
    commit = None
    if not revision.startswith("-"):
        commit = tree.says("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if commit is None:
        raise UsageError(_no_revision(tree, revision))
    base = tree.says("merge-base", commit, "HEAD")
    if base is not None:
        return base
    if tree.is_shallow:
        raise UsageError(
            f"{revision} and HEAD have no common commit in this shallow clone; "
            f"type `git fetch --deepen={DEEPER}`, or `git fetch --unshallow`, and run again"
        )
    raise UsageError(f"{revision} and HEAD have no common commit; name a revision that HEAD comes from")


def _no_revision(tree: Repository, revision: str) -> str:
    hint = "name one as in --changed=main, or type --changed= for what is not committed yet"
    if (tree.folder / revision).exists():
        hint = f"type `{revision} --changed`, or --changed=REF to compare with a revision"
    elif revision.startswith("origin/") or (tree.is_shallow and _BRANCH.fullmatch(revision)):
        branch = revision.removeprefix("origin/")
        # In a clone that has everything, a depth would cut it.
        depth = f"--depth={DEEPER} " if tree.is_shallow else ""
        remote = f"origin/{branch}"
        hint = f"type `git fetch {depth}origin {branch}:refs/remotes/{remote}` and --changed={remote}"
    elif tree.is_shallow:
        hint = f"the clone is shallow: type `git fetch --deepen={DEEPER}`, or `git fetch --unshallow`"
    return f"--changed: {revision!r} is no revision in this repository; {hint}"


def _compared(tree: Repository, *what: str) -> Iterator[tuple[Path, str | None, str | None]]:
    """The files of a diff, with the ids of both contents; renamed files by their new name."""
    fields = iter(tree.run(*_DIFF, *what, "--").split(b"\0"))
    for head in fields:
        if not head:
            continue
        old_mode, new_mode, old, new, status = head[1:].decode().split(" ")
        name = next(fields)
        if status.startswith(("R", "C")):
            name = next(fields)
        if new_mode in _REGULAR or status == "U":
            yield tree.path(name), _blob(old, old_mode), _blob(new, new_mode)


def _blob(blob: str, mode: str) -> str | None:
    return blob if mode in _REGULAR and blob.strip(_NO_BLOB) else None


@lru_cache(maxsize=2)
def _nodes(tree: Repository, blob: str, path: Path) -> Mapping[str, list[Node]]:
    """The nodes of a former content by qualified name; none where it was no Python."""
    found: dict[str, list[Node]] = {}
    try:
        for symbol in symbols(parse_source(path, tree.blob(blob))):
            found.setdefault(symbol.qualname, []).append(symbol.node)
    except SourceRefused:
        pass
    return found
