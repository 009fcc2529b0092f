"""Prints how fast the hub is, as ratios measured side by side in one run.

    python benchmarks/speed.py              everything, about a quarter of an hour
    python benchmarks/speed.py engine       against plain loops, on the real 0.5B model
    python benchmarks/speed.py own          our own time, second runs, start-up, memory: no model

The loops send each function to the same server and ask for a complete docstring in free text, as
one would do by hand; `openai` joins if it is installed. Run it with nothing else on the machine.
"""

from __future__ import annotations

import ast
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
from functions import sample, write_many, write_package

HERE = Path(__file__).resolve().parent
DOUBLE = HERE.parent / "tests" / "doubles" / "dmr.py"
FUNCTIONS = 24
ROUNDS = 3
STARTS = 21
QUESTION = (
    "Write a complete Google-style docstring for this Python function. Reply with the docstring only.\n\n"
)
Row = tuple[str, str]
T = TypeVar("T")


def main(arguments: list[str]) -> None:
    parts: dict[str, Callable[[], Iterator[Row]]] = {"engine": against_loops, "own": own_time}
    chosen = arguments or list(parts)
    if unknown := [name for name in chosen if name not in parts]:
        sys.exit(f"there is no part {unknown[0]}; there are {', '.join(parts)}")
    # So that a stopped benchmark leaves no engine behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}\n")
    print("| measured | figure |\n|---|---|")
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(HOME=home, XDG_CACHE_HOME=f"{home}/cache", DMR_DISCOVERY="127.0.0.1:9")
        for name in chosen:
            for measured, figure in parts[name]():
                print(f"| {measured} | {figure} |", flush=True)


def against_loops() -> Iterator[Row]:
    """The same functions on the same engine: the hub, a plain httpx loop, openai's client."""
    from workflow_hub.providers.embedded import DEFAULT, EngineSettings, warm, weights

    functions = sample(FUNCTIONS)
    engine = warm.start(DEFAULT, EngineSettings())
    yield "model", f"{weights.need(DEFAULT).name}, {engine.slots} slots"
    yield "functions", str(len(functions))
    askers: dict[str, Callable[[], object]] = {
        "hub": lambda: _hub(functions),
        "httpx loop": lambda: _httpx_loop(engine.url, engine.key, functions),
    }
    if _has_openai():
        askers["openai loop"] = lambda: _openai_loop(engine.url, engine.key, functions)
    seconds: dict[str, list[float]] = {name: [] for name in askers}
    made: dict[str, list[Any]] = {name: [] for name in askers}
    try:
        for _ in range(ROUNDS):  # by turns: the loops' replies vary, and so does the machine
            for name, asker in askers.items():
                took, result = _timed(asker)
                seconds[name].append(took)
                made[name].append(result)
    finally:
        warm.stop()
    for name, times in seconds.items():
        each = ", ".join(f"{60 * len(functions) / took:.1f}" for took in times)
        yield f"{name}, functions/min", f"{60 * len(functions) * ROUNDS / sum(times):.1f} ({each})"
    yield "hub, documented, names exact", "; ".join(_exact(report, functions) for report in made["hub"])
    for name in [name for name in askers if name != "hub"]:
        valid = ", ".join(str(sum(map(_is_docstring, replies))) for replies in made[name])
        yield f"{name}, replies that are one valid docstring", valid
        yield f"hub against {name}", f"**{sum(seconds[name]) / sum(seconds['hub']):.2f} x**"


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    began = time.monotonic()
    made = work()
    return time.monotonic() - began, made


def _hub(functions: list[str]) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        path = write_package(Path(folder), functions)
        command = ["docstrings", path.name, "--provider", "embedded", "--write", "--no-cache"]
        done = _workflow_hub(*command, "--format", "json", folder=Path(folder))
        return {"report": json.loads(done.stdout), "source": path.read_text(encoding="utf-8")}


def _workflow_hub(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "workflow_hub", *arguments],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


def _exact(made: dict[str, object], functions: list[str]) -> str:
    """How many functions have a docstring, and how many of those name exactly their parameters."""
    from workflow_hub.tasks.docstrings.parts import bare
    from workflow_hub.tasks.docstrings.sections import documented

    nodes = [node for node in ast.walk(ast.parse(str(made["source"]))) if isinstance(node, ast.FunctionDef)]
    top = [node for node in nodes if ast.get_docstring(node)]
    exact = 0
    for node in top:
        arguments = node.args
        every = [
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            arguments.vararg,
            arguments.kwarg,
        ]
        names = {argument.arg for argument in every if argument} - {"self", "cls"}
        exact += {bare(name) for name in documented(ast.get_docstring(node) or "").parameters} == names
    return f"{len(top)} of {len(functions)}, {exact} exact"


def _httpx_loop(url: str, key: str, functions: list[str]) -> list[str]:
    with httpx.Client(timeout=600, headers={"Authorization": f"Bearer {key}"}) as client:
        replies = []
        for code in functions:
            body = {
                "model": "m",
                "temperature": 0.3,
                "messages": [{"role": "user", "content": QUESTION + code}],
            }
            reply = client.post(f"{url}/v1/chat/completions", json=body).raise_for_status().json()
            replies.append(reply["choices"][0]["message"]["content"])
        return replies


def _has_openai() -> bool:
    from importlib.util import find_spec

    return find_spec("openai") is not None


def _openai_loop(url: str, key: str, functions: list[str]) -> list[str]:
    import openai

    client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, timeout=600)
    replies = []
    for code in functions:
        messages = [{"role": "user", "content": QUESTION + code}]
        reply = client.chat.completions.create(model="m", temperature=0.3, messages=messages)
        replies.append(reply.choices[0].message.content or "")
    return replies


def _is_docstring(reply: str) -> bool:
    """Whether the reply, put where a docstring goes, is one: no code, no fence, no prose around it."""
    text = reply.strip()
    try:
        value = ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return '"""' not in text and "```" not in text and "def " not in text and bool(text)
    return isinstance(value, str)


def own_time() -> Iterator[Row]:
    """What the hub itself takes, against a server that answers at once."""
    yield from _startup()
    with _double() as url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_many(folder, 1000)
        first = _measured_run(folder, url)
        second = _measured_run(folder, url)
        yield "1,000 functions, first run: our own time per item", f"{1000 * first['cpu_s'] / 1000:.2f} ms"
        yield "1,000 functions, second run, once started", f"{second['wall_s']:.2f} s"
        yield "1,000 functions, second run, requests", str(second["calls"])
    with _double() as url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_many(folder, 10_000)
        run = _measured_run(folder, url)
        yield (
            "10,000 functions in one run, peak memory",
            f"{run['peak_mb']:.0f} MB ({run['done']} documented)",
        )


def _startup() -> Iterator[Row]:
    python = [sys.executable]
    contenders = {
        "`workflow-hub --help`": [str(Path(sys.executable).with_name("workflow-hub")), "--help"],
        "`import workflow_hub`": [*python, "-c", "import workflow_hub"],
    }
    for name, command in contenders.items():
        ratios = []
        for _ in range(STARTS):
            bare, _ = _timed(lambda: subprocess.run([*python, "-c", "pass"], check=True))
            ours, _ = _timed(lambda c=command: subprocess.run(c, check=True, stdout=subprocess.DEVNULL))
            ratios.append(ours / bare)
        yield f"{name} against `python -c pass`", f"**{statistics.median(ratios):.1f} x**"


@contextmanager
def _double() -> Iterator[str]:
    """A model runner that answers at once, in a process of its own."""
    server = subprocess.Popen([sys.executable, str(DOUBLE), "--port", "0"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait()


def _measured_run(folder: Path, url: str) -> dict[str, float]:
    """A run in a fresh process that has imported all it needs: wall and processor time, peak memory."""
    done = subprocess.run(
        [sys.executable, str(HERE / "measured_run.py"), str(folder)],
        env={**os.environ, "DMR_BASE_URL": url},
        stdout=subprocess.PIPE,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


if __name__ == "__main__":
    main(sys.argv[1:])
