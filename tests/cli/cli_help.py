"""The command as a user runs it: a process of its own, with real streams, signals and exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doubles.dmr import DmrDouble, plain_answer, requested_schema

COMMAND = str(Path(sys.executable).with_name("workflow-hub"))
SHOP = Path(__file__).parents[2] / "examples" / "shop"
# The functions of examples/shop that have to be documented.
SHOP_ITEMS = 31
PATIENCE_S = 60.0
# Weights that are not there: no test of the command fetches half a gigabyte by accident.
NO_WEIGHTS = {"WORKFLOW_HUB_WEIGHTS": "/nowhere/no.gguf"}


@dataclass(frozen=True)
class Ran:
    """What a finished process left behind."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        return self.out.decode()

    @property
    def report(self) -> dict[str, Any]:
        """stdout, all of it, as the JSON report."""
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def reasons(self) -> dict[str, str | None]:
        """What the JSON report says of each item that is not done."""
        return {one["item"]: one["reason"] for one in self.report["outcomes"] if one["status"] != "done"}

    @property
    def messages(self) -> list[str]:
        return self.err.splitlines()


# Prepared before the command is executed: no file may grow beyond 16 KiB, as on a full disk.
SMALL_FILES = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))"
# … or the permissions of files hold for root, too: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH are dropped.
AS_ANYBODY = "import ctypes; [ctypes.CDLL(None).prctl(24, one) for one in (1, 2)]"


def run(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    patience_s: float = PATIENCE_S,
    **options: Any,
) -> Ran:
    """Run the command to its end. A traceback is never right, whatever went wrong."""
    return finished(start(*arguments, cwd=cwd, env=env, **options), patience_s)


def start(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    prepared: str = "",
    **options: Any,
) -> subprocess.Popen[bytes]:
    """The command, begun. `prepared` is Python that its process runs before it becomes the command."""
    words = [COMMAND, *map(str, arguments)]
    if prepared:
        words = [
            sys.executable,
            "-c",
            f"{prepared}; import os, sys; os.execv(sys.argv[1], sys.argv[1:])",
            *words,
        ]
    streams: dict[str, Any] = {
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    return subprocess.Popen(
        words,
        cwd=cwd,
        env={**os.environ, **NO_WEIGHTS, **(env or {})},
        **(streams | options),
    )


def finished(process: subprocess.Popen[bytes], patience_s: float = PATIENCE_S) -> Ran:
    try:
        out, err = process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"the command hangs; it said {err!r}") from None
    text = (err or b"").decode("utf-8", "replace")
    assert "Traceback (most recent call last)" not in text, text
    assert "Exception ignored" not in text, text
    return Ran(process.returncode, out or b"", text)


def each(table: Iterable[Any], check: Callable[..., None]) -> None:
    """`check` every case of a table of pytest.param, some at a time: starting the command takes longest."""
    cases = list(table)
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        checks = [(case.id, pool.submit(check, *case.values)) for case in cases]
    errors = []
    for name, done in checks:
        if (error := done.exception()) is not None:
            error.add_note(f"in the case {name!r}")
            errors.append(error)
    if errors:
        raise BaseExceptionGroup(f"{len(errors)} of {len(cases)} cases", errors)


def folder_with(within: Path, **files: str) -> Path:
    """A folder of its own for one case, with these Python files in it."""
    folder = Path(tempfile.mkdtemp(dir=within))
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def at(dmr: DmrDouble) -> dict[str, str]:
    """The environment that leads to the double."""
    return {"DMR_BASE_URL": dmr.url}


def shop_in(folder: Path) -> Path:
    """A copy of the example in `folder`, as `folder/shop`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(SHOP, folder / "shop", ignore=shutil.ignore_patterns("__pycache__"))
    return folder / "shop"


def bytes_of(folder: Path) -> dict[str, bytes]:
    """All files of a folder, for comparing; git's and the record of who wrote what are left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {".git", ".workflow-hub"}.intersection(path.relative_to(folder).parts)
    }


def git(*arguments: str, cwd: Path, data: bytes | None = None) -> str:
    """What git says; it must succeed."""
    done = subprocess.run(["git", *arguments], cwd=cwd, input=data, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def on_first(act: Callable[[], object]) -> Callable[[dict[str, Any]], str]:
    """An `answer` for the double that does something while the first item is at the model."""
    todo = [act]

    def answer(body: dict[str, Any]) -> str:
        if todo and not is_canary(body):
            todo.pop()()
        return plain_answer(body)

    return answer


def is_canary(body: Mapping[str, Any]) -> bool:
    schema = requested_schema(body) or {}
    return any("const" in one for one in schema.get("properties", {}).values())


def questions(dmr: DmrDouble) -> list[list[str]]:
    """The slots of each request that came in, canaries aside."""
    bodies = [request.body for request in list(dmr.chats)]
    return [list((requested_schema(one) or {}).get("properties", {})) for one in bodies if not is_canary(one)]


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The process is gone afterwards, whatever the test found."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
