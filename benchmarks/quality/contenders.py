"""Who writes docstrings: the hub, a plain loop, PyCodeCommenter. Each asks the same engine."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from quality.labels import Label
from quality.source import Function, alone, functions

REQUIREMENT = "PyCodeCommenter[openai]==2.6.1"
QUESTION = (
    "Write a complete Google-style docstring for this Python function. Reply with the docstring only.\n\n"
)
# Far above any docstring: only a reply that has lost the thread is cut.
MOST_TOKENS = 1024
HUB_SETTINGS = """\
docstrings:
  complete: false
  private: true
  dunders: true
  overrides: true
  raises_through: {through}
"""
_FENCE = re.compile(r"```(?:python|py)?\n(.*?)(?:```|\Z)", re.DOTALL)
_MARKER = re.compile(r"\s*\(AI-drafted, unreviewed\)")


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the model answers; `model` is what the hub knows it by."""

    url: str
    key: str
    model: str


@dataclass(frozen=True, slots=True)
class Made:
    """Docstrings by function, None where there is none, and what they took.

    `left_out` are the parts that a docstring was to have and has not, `derived` those that the code
    said for the model, each with the reason.
    """

    docstrings: Mapping[Label, str | None]
    seconds: float = 0.0
    prompt_tokens: int = 0
    written_tokens: int = 0
    requests: int = 0
    left_out: Sequence[str] = field(default_factory=list)
    derived: Sequence[str] = field(default_factory=list)


def hub(
    engine: Engine,
    chosen: Mapping[Label, Function],
    folder: Path,
    files: Sequence[Path],
    style: str,
    through: int = 1,
) -> Made:
    """`workflow-hub docstrings --write` in the folder of the packages, read from the files afterwards.

    Exceptions are followed `through` that many calls.
    """
    (folder / "workflow-hub.yaml").write_text(HUB_SETTINGS.format(through=through), encoding="utf-8")
    options = ["--style", style, "--provider", "embedded", "--model", engine.model, "--format", "json"]
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "workflow_hub", "docstrings", *map(str, files), "--write", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode not in {0, 3}:
        raise RuntimeError(f"workflow-hub docstrings: {done.stderr.strip()}")
    report = json.loads(done.stdout)
    outcomes = report["outcomes"]
    return Made(
        {label: _docstring_at(folder / label.file, one.place) for label, one in chosen.items()},
        seconds,
        sum(one["usage"]["prompt_tokens"] for one in outcomes),
        sum(one["usage"]["completion_tokens"] for one in outcomes),
        report["summary"]["model_calls"],
        [reason for one in outcomes for reason in _left_out(one)],
        [reason for one in outcomes if one["status"] == "done" for reason in _parts(one, "derived")],
    )


def _left_out(outcome: Mapping[str, Any]) -> list[str]:
    if outcome["status"] != "done":
        return [f"the docstring: {outcome['reason']}"]
    return _parts(outcome, "left_out")


def _parts(outcome: Mapping[str, Any], kind: str) -> list[str]:
    return [f"{part}: {reason}" for part, reason in outcome["result"][kind].items()]


def _docstring_at(path: Path, place: int) -> str | None:
    return ast.get_docstring(functions(ast.parse(path.read_text(encoding="utf-8")))[place].node)


def loop(engine: Engine, chosen: Mapping[Label, Function]) -> Made:
    """One request a function in plain words, as one would do by hand; the replies are read with goodwill."""
    docstrings: dict[Label, str | None] = {}
    usage = {"prompt_tokens": 0, "completion_tokens": 0}
    began = time.monotonic()
    with httpx.Client(timeout=600, headers={"Authorization": f"Bearer {engine.key}"}) as client:
        for label, function in chosen.items():
            body = {
                "model": engine.model,
                "temperature": 0.3,
                "max_tokens": MOST_TOKENS,
                "messages": [{"role": "user", "content": QUESTION + alone(function)}],
            }
            reply = client.post(f"{engine.url}/v1/chat/completions", json=body).raise_for_status().json()
            docstrings[label] = docstring_in(reply["choices"][0]["message"]["content"])
            usage = {key: usage[key] + reply["usage"][key] for key in usage}
    seconds = time.monotonic() - began
    return Made(docstrings, seconds, usage["prompt_tokens"], usage["completion_tokens"], len(chosen))


def docstring_in(reply: str) -> str | None:
    """The docstring that a free reply holds: fenced or not, quoted or not, in repeated code or not."""
    fenced = _FENCE.search(reply)
    text = (fenced[1] if fenced else reply).strip()
    try:
        tree = ast.parse(text)
    except SyntaxError:
        quoted = re.search(r'("""|\'\'\')(.*?)(?:\1|\Z)', text, re.DOTALL)
        if quoted is None and re.search(r"^\s*(?:async )?def ", text, re.M):
            return None  # code that cannot be read and has no docstring
        return (quoted[2] if quoted else text).strip() or None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            found = ast.get_docstring(node)
            if found:
                return found
    return None


def pycodecommenter(engine: Engine, chosen: Mapping[Label, Function], folder: Path, programs: Path) -> Made:
    """`pycodecommenter generate --ai-draft` on a module for each function, at the engine's OpenAI address."""
    given, made, home = folder / "given", folder / "made", folder / "home"
    for part in (given, home):
        part.mkdir(parents=True)
    for number, function in enumerate(chosen.values()):
        # A class without a docstring would be asked about too.
        text = alone(function, about="A class.")
        (given / f"part_{number:03}.py").write_text(text, encoding="utf-8")
    options = ["--ai-provider", "openai-compatible", "--ai-model", engine.model, "--yes-send-code-to-ai"]
    began = time.monotonic()
    done = subprocess.run(
        [
            programs / "pycodecommenter",
            *("generate", str(given), "--output-dir", str(made), "--ai-draft"),
            *(*options, "--ai-base-url", f"{engine.url}/v1"),
        ],
        env=os.environ | {"HOME": str(home), "OPENAI_COMPATIBLE_API_KEY": engine.key},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"pycodecommenter: {done.stderr.strip() or done.stdout.strip()}")
    docstrings: dict[Label, str | None] = {}
    for number, label in enumerate(chosen):
        written = functions(ast.parse((made / f"part_{number:03}.py").read_text(encoding="utf-8")))
        text = ast.get_docstring(written[0].node)
        docstrings[label] = text and _MARKER.sub("", text)
    return Made(docstrings, seconds)
