"""Running a drafted example: twice, each time in a process of its own, with little time, memory and room.

The child sets limits on itself and refuses to open connections, start programs, or write outside of its
scratch folder; where bubblewrap works, the system refuses that too. The project's own code runs here, so this
is only for those who asked for it.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
from anyio.abc import Process

from workflow_hub.source.files import SourceFile
from workflow_hub.source.package import module_name

WALL_S = 10.0
CPU_S = 5
MEMORY_BYTES = 1 << 30
MOST_BYTES = 64 * 1024
CHILD = Path(__file__).with_name("trial_child.py")
# What differs between the two runs besides the scratch folder: what depends on it is no example.
RUNS: Sequence[Mapping[str, str]] = (
    {"PYTHONHASHSEED": "1", "TZ": "UTC"},
    {"PYTHONHASHSEED": "2", "TZ": "Pacific/Kiritimati"},
)
_BARE = ("--unshare-all", "--die-with-parent", "--new-session", "--ro-bind", "/", "/")
_SYSTEM = ("--dev", "/dev", "--proc", "/proc")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why there is nothing to show, as the end of a sentence about the example."""

    reason: str


async def tried(expression: str, source: SourceFile, *, wall_s: float = WALL_S) -> tuple[str, str] | Fault:
    """What a terminal would show of `expression` in either run, where `source` is imported as a module.

    Code that is no file is put into one.
    """
    if os.name != "posix":
        return Fault("could not be tried: memory cannot be limited here")
    results: dict[int, str | Fault] = {}

    async def run(number: int) -> None:
        with tempfile.TemporaryDirectory(prefix="workflow-hub-", ignore_cleanup_errors=True) as scratch:
            results[number] = await _once(expression, source, Path(scratch), RUNS[number], wall_s)

    async with anyio.create_task_group() as group:
        for number in range(len(RUNS)):
            group.start_soon(run, number)
    match results[0], results[1]:
        case str(one), str(other):
            return one, other
        case (Fault() as fault, _) | (_, Fault() as fault):
            return fault
    raise AssertionError("a run ends in one of the two")


async def _once(
    expression: str, source: SourceFile, scratch: Path, differing: Mapping[str, str], wall_s: float
) -> str | Fault:
    folder, module = _importable(source, scratch)
    asked = {
        "folder": str(folder),
        "module": module,
        "expression": expression,
        "scratch": str(scratch),
        "memory_bytes": MEMORY_BYTES,
        "cpu_s": CPU_S,
    }
    env = {"PATH": os.defpath, "HOME": str(scratch), "TMPDIR": str(scratch), "LANG": "C.UTF-8", **differing}
    # As words of the command, so that the child's own folder need not be seen inside of walls.
    python = _python(os.environ)
    command = [*_walls(scratch, folder, python), str(python), "-s", "-B", "-c", CHILD.read_text("utf-8")]
    try:
        process = await anyio.open_process(
            command, stderr=subprocess.DEVNULL, cwd=scratch, env=env, start_new_session=True
        )
    except OSError as error:
        return Fault(f"could not be tried: {command[0]} does not start ({error.strerror})")
    answer = b""
    try:
        with anyio.move_on_after(wall_s) as limit:
            answer = await _talk(process, json.dumps(asked).encode())
            await process.wait()
    finally:
        await _end(process)
    if limit.cancelled_caught or _is_over_time(process.returncode):
        return Fault("took too long")
    match _document(answer):
        case {"output": str(output)}:
            return output
        case {"fault": str(reason)}:
            return Fault(reason)
    return Fault("ended the process that it ran in")


def _is_over_time(code: int | None) -> bool:
    """Whether the system ended it for that: told by the signal, or by bubblewrap as its exit code."""
    return code in (-signal.SIGXCPU, 128 + signal.SIGXCPU)


def _document(answer: bytes) -> object:
    try:
        return json.loads(answer)
    except ValueError:
        return None


async def _talk(process: Process, asked: bytes) -> bytes:
    assert process.stdin is not None and process.stdout is not None
    with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
        await process.stdin.send(asked)
    await process.stdin.aclose()
    answer = b""
    with suppress(anyio.EndOfStream):
        while len(answer) < MOST_BYTES:
            answer += await process.stdout.receive()
    return answer


async def _end(process: Process) -> None:
    """The child is gone, and what it may have started all the same."""
    with anyio.CancelScope(shield=True):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        await process.aclose()


def _importable(source: SourceFile, scratch: Path) -> tuple[Path, str]:
    """The folder that a module is found in, and its dotted name."""
    path = source.path.absolute()
    if not path.is_file():
        (scratch / "snippet.py").write_bytes(source.data)
        return scratch, "snippet"
    name = module_name(path)
    levels = name.count(".") + (1 if path.stem == "__init__" else 0)
    return path.parents[levels], name


def _python(env: Mapping[str, str]) -> Path:
    """The interpreter of the environment that is active, which has what the project needs; else our own."""
    active = Path(env.get("VIRTUAL_ENV", ""), "bin", "python")
    return active if env.get("VIRTUAL_ENV") and active.is_file() else Path(sys.executable)


def _walls(scratch: Path, folder: Path, python: Path) -> list[str]:
    """bubblewrap's words where it works, with nothing of the home but what is needed; else none."""
    program = shutil.which("bwrap")
    if program is None or not _works(program):
        return []
    hidden = [Path(tempfile.gettempdir()).resolve(), Path.home().resolve()]
    shown = dict.fromkeys(
        place
        for one in (folder, python.parent.parent, Path(sys.prefix), Path(sys.base_prefix), *_home_of(python))
        for place in (one, one.resolve())
        if any(place.is_relative_to(hide) for hide in hidden)
    )
    words = [program, *_BARE, *_SYSTEM]
    for place in hidden:
        words += ["--tmpfs", str(place)]
    for place in shown:
        words += ["--ro-bind", str(place), str(place)]
    return [*words, "--bind", str(scratch), str(scratch), "--chdir", str(scratch)]


def _home_of(python: Path) -> Iterator[Path]:
    """The installation that an environment's interpreter is a link into."""
    yield python.resolve().parent.parent


@functools.cache
def _works(program: str) -> bool:
    try:
        done = subprocess.run(
            [program, *_BARE, *_SYSTEM, "true"], capture_output=True, stdin=subprocess.DEVNULL, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
