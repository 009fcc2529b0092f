"""Python files on disk: which ones are meant, and what they say, without running them."""

from __future__ import annotations

import ast
import io
import itertools
import os
import re
import stat
import threading
import tokenize
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pathspec import GitIgnoreSpec

from workflow_hub.errors import SourceRefused, UsageError

LIMIT_BYTES = 1 << 20
NEVER_ENTERED = frozenset(
    {
        ".eggs",
        ".git",
        ".tox",
        ".venv",
        "__pycache__",
        "build",
        "dist",
        "node_modules",
        "site-packages",
        "venv",
    }
)
_FILE, _FOLDER = "=f", "=d"
_LINE_END = re.compile(r"\r\n|\r|\n")
# One thread at a time parses: before 3.13, Python counts the depth of a tree for all threads together
# (CPython issue 106905), and warnings.catch_warnings changes the whole process.
_PARSING = threading.Lock()


@dataclass(frozen=True, eq=False)
class SourceFile:
    """A parsed file. `text.encode(encoding) == data`: line ends, form feeds and all.

    `encoding` is `utf-8-sig` where the file begins with a byte order mark, which `text` lacks.
    """

    path: Path
    data: bytes = field(repr=False)
    text: str = field(repr=False)
    encoding: str
    tree: ast.Module = field(repr=False)

    @cached_property
    def lines(self) -> list[str]:
        """The lines without their ends, as `ast` counts them: `lines[node.lineno - 1]`."""
        return _LINE_END.split(self.text)

    @cached_property
    def starts(self) -> list[int]:
        """Where each line begins, in characters of the text."""
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A path that was met on the way and is not read, and why."""

    path: Path
    reason: str


def read_source(path: Path, *, limit_bytes: int = LIMIT_BYTES) -> SourceFile:
    """The file at `path`, parsed; SourceRefused says in one sentence why it cannot be."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise SourceRefused(f"{path} is a folder, not a file")
        if not stat.S_ISREG(mode):
            raise SourceRefused(f"{path} is not a regular file")
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except FileNotFoundError as error:
        raise SourceRefused(f"{path} is not there any more") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise SourceRefused(f"{path} cannot be read: {reason}") from error
    if len(data) > limit_bytes:
        raise SourceRefused(f"{path} is larger than {limit_bytes} bytes")
    return parse_source(path, data)


def parse_source(path: Path, data: bytes) -> SourceFile:
    """What `read_source` makes of a file's bytes; `path` only names them."""
    if b"\0" in data:
        raise SourceRefused(f"{path} contains null bytes, so it is not Python source")
    encoding, text = _decode(path, data)
    try:
        with _parsing():
            tree = ast.parse(text)
    except SyntaxError as error:
        raise SourceRefused(f"{path}:{error.lineno or 1}: syntax error: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise SourceRefused(f"{path} is nested too deeply to be parsed") from error
    except ValueError as error:
        raise SourceRefused(f"{path} holds characters that Python source cannot") from error
    return SourceFile(path, data, text, encoding, tree)


def parse_expression(text: str) -> ast.expr:
    """The expression in `text`, such as an annotation; SyntaxError where there is none."""
    with _parsing():
        return ast.parse(text, mode="eval").body


@contextmanager
def _parsing() -> Iterator[None]:
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _decode(path: Path, data: bytes) -> tuple[str, str]:
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        if str(error.msg).startswith("unknown encoding"):
            raise SourceRefused(f"{path} declares an {error.msg.replace(':', '')}") from error
        raise SourceRefused(
            f"{path} is not in the encoding that it declares (UTF-8 without a word)"
        ) from error
    try:
        text = data.decode(encoding)
        same = text.encode(encoding) == data
    except (LookupError, ValueError, OverflowError) as error:
        raise SourceRefused(
            f"{path} is not valid {encoding}, the encoding it declares or defaults to"
        ) from error
    if not same:
        raise SourceRefused(f"{path} would not keep its bytes when written back as {encoding}")
    return encoding, text


def find_files(
    paths: Sequence[str | Path], *, root: Path, exclude: Sequence[str] = (), stubs: bool = False
) -> Iterator[Path | Refusal]:
    """Every Python file that `paths` mean, once, sorted; and what was met but is not read.

    A path is a file, a folder or a glob (`src/**/*.py`), relative to `root` where it is relative.
    A file named as such is always taken. In folders and globs `.gitignore`, `.git/info/exclude`,
    `exclude` (patterns as in .gitignore, seen from `root`) and NEVER_ENTERED hold. Links to files
    are replaced by their target, links to folders are not followed. A path that is not there, and
    a glob that no file matches, is a UsageError, raised before the first path is given.
    """
    finder = _Finder(_absolute(root), _exclusions(exclude), (".py", ".pyi") if stubs else (".py",))
    found: dict[Path, Path | Refusal] = {}
    for path in paths:
        for one in finder.meant_by(Path(path)):
            found.setdefault(one.path if isinstance(one, Refusal) else one, one)
    yield from (found[path] for path in sorted(found))


@dataclass(frozen=True, slots=True)
class _Rules:
    """Ignore patterns, and the folder that they are seen from."""

    folder: Path
    spec: GitIgnoreSpec

    def say(self, path: Path, *, is_folder: bool) -> bool | None:
        """True for ignored, False for expressly kept, None for no word on it."""
        relative = path.relative_to(self.folder).as_posix()
        return self.spec.check_file(f"{relative}/{_FOLDER if is_folder else _FILE}").include


class _Finder:
    def __init__(self, root: Path, exclude: GitIgnoreSpec, suffixes: tuple[str, ...]) -> None:
        self.root = root
        self.exclude = exclude
        self.suffixes = suffixes

    def meant_by(self, path: Path) -> Iterator[Path | Refusal]:
        """What one argument stands for; UsageError where it stands for nothing."""
        whole = _absolute(self.root / path)
        if _is_folder(whole):
            bound = self.root if whole.is_relative_to(self.root) else whole
            if not _inside(whole, bound):
                yield Refusal(whole, "a link to a folder outside of the project")
                return
            yield from self._walk(_canonical(whole, bound), bound)
        elif os.path.lexists(whole):
            bound = self.root if whole.is_relative_to(self.root) else whole.parent
            yield self._file(whole, bound)
        elif _is_glob(str(path)):
            yield from self._glob(path)
        else:
            raise UsageError(f"{path} does not exist; name a file, a folder or a glob such as 'src/**/*.py'")

    def _file(self, path: Path, bound: Path) -> Path | Refusal:
        if not _is_there(path):
            return Refusal(path, "a link to nothing")
        if not _inside(path, bound):
            return Refusal(path, "a link to a file outside of the project")
        return _canonical(path, bound)

    def _glob(self, path: Path) -> Iterator[Path | Refusal]:
        literal = list(itertools.takewhile(lambda part: not _is_glob(part), path.parts))
        fixed = _absolute(self.root.joinpath(*literal))
        spec = GitIgnoreSpec.from_lines(["/" + "/".join(path.parts[len(literal) :])])
        bound = self.root if fixed.is_relative_to(self.root) else fixed
        matched = False
        if _is_folder(fixed) and _inside(fixed, bound):
            fixed = _canonical(fixed, bound)
            for one in self._walk(fixed, bound):
                met = one.path if isinstance(one, Refusal) else one
                if met.is_relative_to(fixed) and spec.match_file(met.relative_to(fixed).as_posix()):
                    matched = True
                    yield one
        if not matched:
            raise UsageError(f"no Python file matches {str(path)!r} (ignored files left aside)")

    def _walk(self, folder: Path, bound: Path) -> Iterator[Path | Refusal]:
        excluded = _Rules(bound, self.exclude)
        todo = [(folder, _rules_above(folder, bound))]
        while todo:
            here, above = todo.pop()
            rules = (*above, *_rules_in(here))
            try:
                entries = sorted(os.scandir(here), key=lambda entry: entry.name)
            except OSError as error:
                yield Refusal(here, f"cannot be read: {error.strerror}")
                continue
            for entry in entries:
                path = here / entry.name
                is_folder = _is_folder(path) if entry.is_symlink() else entry.is_dir()
                if not is_folder and path.suffix not in self.suffixes:
                    continue
                if is_folder and entry.name in NEVER_ENTERED:
                    continue
                if _ignored(path, rules, is_folder) or excluded.say(path, is_folder=is_folder):
                    continue
                if is_folder and not entry.is_symlink():
                    todo.append((path, rules))
                elif is_folder and not _inside(path, bound):
                    yield Refusal(path, "a link to a folder outside of the project")
                elif not entry.is_symlink():
                    yield path
                elif not is_folder and _is_there(path):
                    yield self._file(path, bound)


def _is_glob(text: str) -> bool:
    return any(sign in text for sign in "*?[")


def _absolute(path: Path) -> Path:
    # Not Path.resolve: `..` goes away, links stay to be looked at.
    return Path(os.path.abspath(path))  # noqa: PTH100


def _is_there(path: Path) -> bool:
    return _mode(path) is not None


def _is_folder(path: Path) -> bool:
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


def _mode(path: Path) -> int | None:
    """The mode of what `path` leads to; None for links to nothing or to themselves."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return None


def _inside(path: Path, bound: Path) -> bool:
    return path.resolve().is_relative_to(bound.resolve())


def _canonical(path: Path, bound: Path) -> Path:
    """The same file by a path without links below `bound`, so that it is met once."""
    return bound / path.resolve().relative_to(bound.resolve())


def _ignored(path: Path, rules: Sequence[_Rules], is_folder: bool) -> bool:
    # The deepest file that has a word on it decides, as in git.
    for one in reversed(rules):
        said = one.say(path, is_folder=is_folder)
        if said is not None:
            return said
    return False


def _rules_above(folder: Path, bound: Path) -> tuple[_Rules, ...]:
    """The patterns that hold above `folder`: none where they ignore it, for its user asked for it."""
    top = next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)
    if top is None:
        top = bound if folder.is_relative_to(bound) else folder
    rules: tuple[_Rules, ...] = _rules_of(_exclude_file(top / ".git"), top)
    steps = [top, *(top.joinpath(*parts) for parts in _prefixes(folder.relative_to(top).parts))]
    for outer, inner in itertools.pairwise(steps):
        rules = (*rules, *_rules_in(outer))
        if _ignored(inner, rules, is_folder=True):
            return ()
    return rules


def _prefixes(parts: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for length in range(1, len(parts) + 1):
        yield parts[:length]


def _rules_in(folder: Path) -> tuple[_Rules, ...]:
    return _rules_of(folder / ".gitignore", folder)


def _rules_of(file: Path, folder: Path) -> tuple[_Rules, ...]:
    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    return (_Rules(folder, _ignoring(line for line in lines if _is_pattern(line))),)


def _ignoring(lines: Iterable[str]) -> GitIgnoreSpec:
    """A spec for paths that end in _FILE or _FOLDER.

    For pathspec a pattern speaks of everything below what it matches too. To git it does not
    (`!x` brings back x, and not all that is in it), and we go down folder by folder, as git does.
    With one more name at the end of patterns and paths nothing is below a match any more.
    """
    return GitIgnoreSpec.from_lines(_ended(line) for line in lines)


def _ended(line: str) -> str:
    if not line.strip() or line.startswith("#"):
        return ""
    line = re.sub(r"(?<!\\)\s+$", "", line)
    sign, pattern = ("!", line[1:]) if line.startswith("!") else ("", line)
    end = _FOLDER if pattern.endswith("/") else "=[fd]"
    pattern = pattern.rstrip("/")
    if pattern.endswith("/**"):
        pattern += "/*"  # what is inside of it, and not the folder
    if "/" not in pattern:
        pattern = "**/" + pattern
    return f"{sign}{pattern}/{end}"


def _is_pattern(line: str) -> bool:
    try:
        GitIgnoreSpec.from_lines([line, _ended(line)])
    except ValueError:
        return False
    return True


def _exclusions(patterns: Sequence[str]) -> GitIgnoreSpec:
    wrong = next((pattern for pattern in patterns if not _is_pattern(pattern)), None)
    if wrong is not None:
        raise UsageError(f"exclude: {wrong!r} is no pattern as in .gitignore")
    return _ignoring(patterns)


def _exclude_file(git: Path) -> Path:
    """The info/exclude of the repository; a work tree's `.git` is a file that points to it."""
    try:
        place = git.read_text("utf-8").removeprefix("gitdir:").strip()
        git = git.parent / place
        git = git / (git / "commondir").read_text("utf-8").strip()
    except OSError:
        pass
    return git / "info" / "exclude"
