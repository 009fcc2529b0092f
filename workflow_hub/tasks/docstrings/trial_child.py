"""What runs an example, in a process of its own; it is not imported, and uses the standard library alone.

stdin is one JSON object: {folder, module, expression, scratch, memory_bytes, cpu_s}. stdout is another:
{"output": …}, what a terminal would show, or {"fault": …}, the end of a sentence about the example.
"""

import contextlib
import importlib
import io
import json
import os
import sys
from typing import Any

MOST_SIGNS = 8192
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
NEVER = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile",
         "os.system", "os.kill", "os.killpg", "pty.", "signal.pthread_kill", "ftplib.", "smtplib.", "http.",
         "urllib.")  # fmt: skip
CHANGES = ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate",
           "os.chmod", "os.chown", "os.utime", "os.setxattr", "shutil.", "sqlite3.connect")  # fmt: skip


def limit(memory_bytes: int, cpu_s: int) -> None:
    """From here on memory, time and files are bounded; raises what `resource` does where they cannot be."""
    import resource

    for kind, most in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 1 << 20),
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    # The signal of the first says what happened; at the second the process is killed.
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))


def guard(scratch: str) -> None:
    """From here on nothing is sent, started, or changed outside of `scratch`; this cannot be undone."""
    scratch = os.path.realpath(scratch) + os.sep

    def inside(path: Any) -> bool:
        if isinstance(path, int) or path in (os.devnull, ":memory:", b":memory:"):
            return True
        return (os.path.realpath(os.fsdecode(path)) + os.sep).startswith(scratch)

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(NEVER):
            raise PermissionError(f"an example may not do this: {event}")
        if event == "open":
            path, _, flags = arguments
            if path is not None and isinstance(flags, int) and flags & WRITES and not inside(path):
                raise PermissionError("an example may not write there")
        elif event.startswith(CHANGES):
            paths = [one for one in arguments if isinstance(one, (str, bytes, os.PathLike))]
            if not all(map(inside, paths)):
                raise PermissionError("an example may not change that")

    sys.addaudithook(watch)


def unordered(value: object, depth: int = 4) -> bool:
    """Whether a set of several things is in it: those have no order of their own."""
    if isinstance(value, (set, frozenset)):
        return len(value) > 1
    if depth and isinstance(value, dict):
        return any(unordered(one, depth - 1) for pair in value.items() for one in pair)
    return (
        bool(depth) and isinstance(value, (list, tuple)) and any(unordered(one, depth - 1) for one in value)
    )


def tried(module: str, expression: str) -> dict[str, str]:
    """What the expression shows, evaluated in its module, as `output`; or as `fault` why it shows nothing."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            names = vars(importlib.import_module(module))
        except BaseException as error:
            return {"fault": f"could not be tried: its module is not importable here ({error})"[:200]}
        said.seek(0)
        said.truncate()
        try:
            value = eval(compile(expression, "<example>", "eval"), names)
            if unordered(value):
                return {"fault": "showed what has no order"}
            if value is not None:
                said.write(f"{value!r}\n")
        except BaseException as error:
            return {"fault": f"raised {type(error).__name__}"}
    return {"output": said.getvalue()[:MOST_SIGNS]}


def main() -> None:
    """Read what is to be tried from stdin, try it within the limits, and answer on the first stdout."""
    asked = json.loads(sys.stdin.buffer.read())
    # What the example itself writes to stdout, in C for one, is no answer of ours.
    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.path[0] = asked["folder"]
    try:
        limit(asked["memory_bytes"], asked["cpu_s"])
    except (ImportError, OSError, ValueError):
        result = {"fault": "could not be tried: memory cannot be limited here"}
    else:
        guard(asked["scratch"])
        result = tried(asked["module"], asked["expression"])
    os.write(answer, json.dumps(result).encode())
    os._exit(0)


if __name__ == "__main__":
    main()
