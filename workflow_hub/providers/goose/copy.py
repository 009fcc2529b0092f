"""A copy of a git work tree for an agent to work in, what it has changed there, and how that is taken over.

The copy holds what the user has: committed, uncommitted and untracked, but not what git ignores. It is a
repository of its own, with the same branches, index and history, whose objects are borrowed: git works in it
as usual, and the user's repository is only read. What differs is told by books of our own beside the copy,
which hear no setting and no attribute of it.
"""

from __future__ import annotations

import functools
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workflow_hub.errors import SourceRefused, UsageError
from workflow_hub.providers.goose.git import Git
from workflow_hub.values import Files

# Bytes as they are: no line ends, filters or keywords are converted, whatever the folder's own rules say.
ATTRIBUTES = "* -text -filter -ident !working-tree-encoding !diff\n"
SETTINGS = (
    "core.bare=false",
    "core.autocrlf=false",
    "core.safecrlf=false",
    "core.fileMode=true",
    "core.symlinks=true",
    "core.ignoreCase=false",
    "core.fsmonitor=false",
    "core.looseCompression=0",
)
# What the copy's git has to know of the user's, to see the files alike.
SHARED = r"^core\.(autocrlf|eol|filemode|symlinks|ignorecase|precomposeunicode)$"
HERE = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
PATCH = ("-r", "-p", "-M", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-color")
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy at `tree` of the work tree at `original`; `folder` is the user's folder in it.

    `base` is git's name for what was copied, in the `books`. `borrowed` is what the copy's git reads of the
    user's repository. `notes` say what is not in the copy.
    """

    folder: Path
    tree: Path
    original: Path
    books: Path
    base: str
    borrowed: Path
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What was changed in a copy: a patch that `git apply` takes in the work tree, and the files in it.

    Those created and changed are kept below `result`, whatever becomes of the copy.
    """

    patch: bytes
    files: Files
    result: Path

    @property
    def paths(self) -> tuple[str, ...]:
        """Every file in it, those that are gone first."""
        return (*self.files.deleted, *self.files.changed, *self.files.created)


def copied(folder: Path, within: Path) -> Copy:
    """A copy, below `within`, of the work tree that `folder` is in.

    Raises UsageError where it is in none or git ignores it, SourceRefused where a file cannot be read.
    """
    original = Path(Git(folder).line("rev-parse", "--show-toplevel", otherwise=_no_work_tree(folder)))
    theirs = Git(original)
    below = folder.resolve().relative_to(original.resolve())
    if below.parts and theirs.agrees("check-ignore", "-q", "--", str(below)):
        raise UsageError(f"git ignores {folder}, so nothing of it would be in a copy; work in place")
    tree, books = within / "tree", within / "books"
    (tree / below).mkdir(parents=True)
    listed = list(dict.fromkeys(theirs.names(*HERE)))
    left_out = _copy_files(original, tree, listed)
    borrowed = Path(theirs.line("rev-parse", "--path-format=absolute", "--git-path", "objects"))
    _make_repository(theirs, tree, borrowed)
    _initialise(theirs, books, borrowed)
    (books / "info" / "attributes").write_text(ATTRIBUTES)
    base = _recorded(_books(books, tree), listed)
    notes = (f"repositories of their own, and so not in the copy: {some(left_out)}",) if left_out else ()
    return Copy(tree / below, tree, original, books, base, borrowed, notes)


def difference(copy: Copy) -> Difference:
    """What differs between the copy and what was copied; what git ignores, and `.git`, is left out.

    It is asked for once.
    """
    books = _books(copy.books, copy.tree)
    after = _recorded(books, books.names(*HERE))
    said = books.names("diff-tree", "-r", "-z", "--no-renames", "--name-status", copy.base, after)
    kinds = dict(zip(said[1::2], said[::2], strict=True))  # T: a file has become a link, or the reverse
    created, changed, deleted = (
        tuple(sorted(path for path, kind in kinds.items() if kind in which)) for which in ("A", "MT", "D")
    )
    result = copy.books.with_name("result")
    for path in (*changed, *created):
        (result / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(copy.tree / path, result / path, follow_symlinks=False)
    patch = books.output("diff-tree", *PATCH, copy.base, after)
    return Difference(patch, Files(created, changed, deleted), result)


def take_over(copy: Copy, found: Difference) -> None:
    """The user's work tree has what was changed in the copy, each file replaced whole.

    Raises SourceRefused, with nothing changed, where a file is not any more as it was copied.
    """
    books = _books(copy.books, copy.original, "index-of-original")
    _recorded(books, found.paths)
    before = _entries(books.names("ls-tree", "-r", "-z", copy.base))
    now = _entries(books.names("ls-files", "-s", "-z"))
    gone = {copy.original / path for path in found.files.deleted}
    others = [
        path
        for path in found.paths
        if now.get(path) != before.get(path)
        or (path not in before and not _is_free(copy.original, copy.original / path, gone))
    ]
    if others:
        raise SourceRefused(
            f"changed while the agent worked on a copy: {some(others)}; nothing was taken over, "
            "the patch is kept"
        )
    done = 0
    try:
        for path in found.paths:
            if path in found.files.deleted:
                _delete(copy.original, copy.original / path)
            else:
                _replace(found.result / path, copy.original / path)
            done += 1
    except OSError as error:
        raise SourceRefused(
            f"{error.filename}: {error.strerror}; {done} of {len(found.paths)} files were taken over, "
            "the patch is kept"
        ) from error


# -- the copy -----------------------------------------------------------------------------------


def _no_work_tree(folder: Path) -> str:
    return f"{folder} is in no git work tree, so there is no copy of it to work in; work in place"


def _copy_files(original: Path, tree: Path, paths: Iterable[str]) -> list[str]:
    """The paths that are folders, and so repositories of their own: these are left empty."""
    left_out = []
    is_there = _is_there(original)
    for path in paths:
        source, target = original / path, tree / path
        if is_there(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy2(source, target, follow_symlinks=False)
            except OSError as error:
                raise SourceRefused(f"{source} cannot be copied: {error.strerror}") from error
        elif source.is_dir() and not source.is_symlink():
            target.mkdir(parents=True, exist_ok=True)
            left_out.append(path)
    return left_out


def _make_repository(theirs: Git, tree: Path, borrowed: Path) -> None:
    """A repository in `tree` with the user's branches, index and ignored names, and no way back to theirs."""
    ours = _initialise(theirs, tree / ".git", borrowed)
    for setting in theirs.names("config", "-z", "--get-regexp", SHARED, may_fail=True):
        ours.output("config", *setting.split("\n", 1))
    refs = theirs.output("for-each-ref", "--format=create %(refname) %(objectname)").splitlines(keepends=True)
    ours.output("update-ref", "--stdin", stdin=b"".join(ref for ref in refs if b" refs/stash " not in ref))
    if branch := theirs.line("symbolic-ref", "-q", "HEAD", may_fail=True):
        ours.output("symbolic-ref", "HEAD", branch)
    else:
        ours.output("update-ref", "--no-deref", "HEAD", theirs.line("rev-parse", "HEAD"))
    ours.take("update-index", "-z", "--index-info", names=theirs.names("ls-files", "-s", "-z"))
    Git(tree).output("update-index", "-q", "--refresh", may_fail=True)


def _initialise(theirs: Git, folder: Path, borrowed: Path) -> Git:
    """A repository whose git folder is `folder`, of the kind of theirs, which finds their objects."""
    kind = theirs.line("rev-parse", "--show-object-format")
    folder.mkdir()
    Git(folder).output("init", "-q", "--bare", "--template=", f"--object-format={kind}", ".")
    ours = Git(folder, (), {"GIT_DIR": folder})
    ours.output("config", "core.bare", "false")
    (folder / "info").mkdir(exist_ok=True)
    (folder / "objects" / "info" / "alternates").write_bytes(os.fsencode(borrowed) + b"\n")
    for name in ("shallow", "info/exclude"):
        source = Path(theirs.line("rev-parse", "--path-format=absolute", "--git-path", name))
        if source.is_file():
            shutil.copyfile(source, folder / name)
    return ours


# -- what differs -------------------------------------------------------------------------------


def _books(books: Path, tree: Path, index: str = "index") -> Git:
    return Git(tree, SETTINGS, {"GIT_DIR": books, "GIT_WORK_TREE": tree, "GIT_INDEX_FILE": books / index})


def _recorded(books: Git, paths: Sequence[str]) -> str:
    """Git's name for those of the paths that are there; the index holds just these."""
    found = dict.fromkeys(filter(_is_there(books.folder), paths))
    gone = [path for path in books.names("ls-files", "-z") if path not in found]
    books.take("update-index", "-z", "--force-remove", "--stdin", names=gone)
    books.take("update-index", "-z", "--add", "--replace", "--stdin", names=found)
    return books.line("write-tree")


def _is_there(root: Path) -> Callable[[str], bool]:
    """Whether a path is a file or a link below `root`, and no link leads to it."""

    @functools.cache
    def is_own(folder: Path) -> bool:
        return folder == root or (is_own(folder.parent) and not folder.is_symlink())

    def is_there(path: str) -> bool:
        try:
            mode = (root / path).lstat().st_mode
        except OSError:
            return False
        return (stat.S_ISREG(mode) or stat.S_ISLNK(mode)) and is_own((root / path).parent)

    return is_there


def _entries(said: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """Mode and content of each path, of `MODE TYPE ID<TAB>PATH` (ls-tree) or `MODE ID STAGE<TAB>PATH`."""
    entries = {}
    for line in said:
        facts, _, path = line.partition("\t")
        mode, second, third = facts.split()
        entries[path] = (mode, third if second == "blob" else second)
    return entries


def some(paths: Sequence[str]) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    return ", ".join(path.rstrip("/") for path in paths[:SHOWN]) + more


# -- taking over --------------------------------------------------------------------------------


def _is_free(root: Path, path: Path, gone: set[Path]) -> bool:
    """Whether a file can be created at `path` below `root`, once those of `gone` are not there any more."""
    above = [folder for folder in path.parents if folder.is_relative_to(root) and folder != root]
    for folder in reversed(above):
        if folder in gone:
            return True
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            return False
    if path.is_dir() and not path.is_symlink():
        return all(one in gone or (one.is_dir() and not one.is_symlink()) for one in path.rglob("*"))
    return not os.path.lexists(path)


def _delete(root: Path, path: Path) -> None:
    path.unlink()
    with suppress(OSError):  # a folder that is not empty stays
        for folder in path.parents:
            if folder == root:
                break
            folder.rmdir()


def _replace(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        target.rmdir()
    with tempfile.TemporaryDirectory(prefix=".workflow-hub-", dir=target.parent) as aside:
        fresh = Path(aside, "file")
        shutil.copy2(source, fresh, follow_symlinks=False)
        with suppress(FileNotFoundError, PermissionError):
            owner = target.lstat()
            os.chown(fresh, owner.st_uid, owner.st_gid, follow_symlinks=False)
        fresh.replace(target)
