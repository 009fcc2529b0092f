"""The docstrings that a model has written and nobody has reviewed yet: a side file of the project.

It lies at the top of the work tree and belongs into git: a line for each docstring, sorted, so that a
change is a small diff. There are no times in it, for git knows them, and a second run of the same
answers makes the same file.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType

from workflow_hub.errors import ConfigError, SourceRefused
from workflow_hub.located import read_text
from workflow_hub.source.literal import clean
from workflow_hub.tasks.docstrings.apply import Record
from workflow_hub.tasks.docstrings.task import Docstring, Target
from workflow_hub.values import Done

FILE = ".workflow-hub/docstrings.json"
VERSION = 1
LIMIT_BYTES = 32 << 20
# How long another process may hold the file; it takes some milliseconds.
PATIENCE_S = 30.0
# What else may lie in the folder is nobody's business.
IGNORED = "*.lock\n*.new\n"
_HALF_PAIR = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Who wrote a docstring: `item` is `shop/cart.py::Cart.add`, seen from the top of the work tree.

    `sha256` is that of the docstring's text, so that an edit shows; `prompt` is the fingerprint of
    the template and of the rules that judged the answer.
    """

    item: str
    sha256: str
    provider: str
    model: str
    prompt: str

    @property
    def path(self) -> str:
        """The file that the docstring is in."""
        return self.item.partition("::")[0]

    @property
    def name(self) -> str:
        """The qualified name; empty for a module."""
        return self.item.partition("::")[2]


# (item, hash of its docstring) -> hash of what takes its place
Repaired = Mapping[tuple[str, str], str]


def told_by(
    done: Iterable[Done[Target, Docstring]], top: Path, prompt: str
) -> tuple[list[Origin], dict[tuple[str, str], str]]:
    """Where the docstrings come from, and those that were repaired without asking for any words.

    Files that are not below `top` are left out.
    """
    fresh: list[Origin] = []
    repaired: dict[tuple[str, str], str] = {}
    for one in done:
        symbol, route = one.item.symbol, one.route
        if not symbol.source.path.is_relative_to(top):
            continue
        item = item_of(symbol.source.path.relative_to(top).as_posix(), symbol.qualname)
        digest = text_hash(one.result.text)
        if route is not None:
            fresh.append(Origin(item, digest, route.provider, route.model, prompt))
        else:
            repaired[item, text_hash(symbol.docstring or "")] = digest
    return fresh, repaired


def item_of(path: str, name: str) -> str:
    """The item as reports name it: the path, and behind `::` the qualified name if there is one."""
    return f"{path}::{name}" if name else path


def text_hash(docstring: str) -> str:
    """The hash of what a docstring says, however it is indented."""
    return hashlib.sha256(clean(docstring).encode("utf-8", "surrogatepass")).hexdigest()


def render(origins: Iterable[Origin]) -> str:
    """The text of the file: JSON with a line for each origin, sorted."""
    lines = [f"\n    {json.dumps(asdict(one), ensure_ascii=False)}" for one in sorted(set(origins))]
    end = "\n  " if lines else ""
    text = f'{{\n  "version": {VERSION},\n  "unreviewed": [{",".join(lines)}{end}]\n}}\n'
    # A file name that is no UTF-8.
    return _HALF_PAIR.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def parse(text: str, path: Path) -> tuple[Origin, ...]:
    """The origins in the text of the file; ConfigError with the file, and the line if there is one."""
    hint = "keep the lines of both sides after a merge, or delete the file, as if all were reviewed"
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", "it is nested too deeply")
        raise ConfigError(
            f"is not JSON ({reason}); {hint}", path=path, line=getattr(error, "lineno", None)
        ) from error
    match document:
        case {"version": int(version)} if version > VERSION:
            raise ConfigError("was written by a newer workflow-hub; update this one", path=path)
        case {"version": 1, "unreviewed": list(entries), **rest} if not rest:
            return tuple(_origin(entry, path, hint) for entry in entries)
    raise ConfigError(f"is not a list of unreviewed docstrings; {hint}", path=path)


def _origin(entry: object, path: Path, hint: str) -> Origin:
    fields = Origin.__dataclass_fields__
    if (
        isinstance(entry, dict)
        and entry.keys() == fields.keys()
        and all(isinstance(value, str) for value in entry.values())
    ):
        return Origin(**entry)
    raise ConfigError(f"holds {json.dumps(entry)[:80]}, which is no origin; {hint}", path=path)


class SideFile:
    """The side file of the project whose work tree begins at `top`."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.path = top / FILE

    def read(self) -> tuple[Origin, ...]:
        """What is on record: nothing without a file. ConfigError where the file is broken."""
        if not os.path.lexists(self.path):
            return ()
        return parse(read_text(self.path, limit_bytes=LIMIT_BYTES), self.path)

    @contextmanager
    def recording(self, fresh: Sequence[Origin], repaired: Repaired = MappingProxyType({})) -> Iterator[None]:
        """Inside, `fresh` is on record, in place of what was known of these items; if that fails, as before.

        So no docstring is ever in a file without being on record; one that was repaired stays
        unreviewed if it was. SourceRefused where the record cannot be kept.
        """
        if not fresh and not (repaired and self.path.exists()):
            yield
            return
        items = {one.item for one in fresh}
        with self._alone():
            before = self._read_again()
            kept = [one for one in before if one.item not in items]
            kept = [replace(one, sha256=repaired.get((one.item, one.sha256), one.sha256)) for one in kept]
            self._write([*kept, *fresh])
            try:
                yield
            except BaseException:
                self._write(before)
                raise

    def accept(self, chosen: Callable[[Origin], bool]) -> list[Origin]:
        """Take those that are `chosen` off the record, and return them."""
        if not self.read():
            return []
        with self._alone():
            before = self.read()
            accepted = [one for one in before if chosen(one)]
            if accepted:
                self._write([one for one in before if one not in accepted])
        return accepted

    def _read_again(self) -> tuple[Origin, ...]:
        try:
            return self.read()
        except ConfigError as error:  # it was whole when the run began
            raise SourceRefused(str(error)) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process has the file; its folder is there, and inside of the project."""
        import filelock

        folder = self.path.parent
        try:
            folder.mkdir(exist_ok=True)
            if not folder.resolve().is_relative_to(self.top.resolve()):
                raise SourceRefused(f"{folder} is a link that leads out of the project; remove it")
            ignored = folder / ".gitignore"
            if not os.path.lexists(ignored):
                ignored.write_text(IGNORED)
            lock = filelock.FileLock(self.path.with_suffix(".lock"), timeout=PATIENCE_S)
            lock.acquire()
        except filelock.Timeout as error:
            raise SourceRefused(f"another process holds {self.path}; run again when it is done") from error
        except OSError as error:
            raise self._refused(error) from error
        try:
            yield
        finally:
            lock.release()

    def _write(self, origins: Iterable[Origin]) -> None:
        """The file is replaced whole or not at all."""
        fresh = self.path.with_suffix(".new")
        try:
            with fresh.open("w", encoding="utf-8", newline="\n") as file:
                file.write(render(origins))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> SourceRefused:
        return SourceRefused(
            f"{self.path} cannot be written, so the docstrings were not, either: {error.strerror or error}; "
            "the setting `docstrings.provenance: false` does without it"
        )


def keeping(side: SideFile, prompt: str) -> Record:
    """What keeps the record for an Applier; one that is broken is told of now, before anybody is asked."""
    side.read()
    return lambda done: side.recording(*told_by(done, side.top, prompt))
