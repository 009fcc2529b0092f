"""A hundred files that are not ours, and as nasty ones of our own, through --write and hostile replies.

What is checked here is checked without the package's own parsing, splicing and proofs.
"""

from __future__ import annotations

import ast
import io
import itertools
import re
import subprocess
import sys
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cli.cli_help import Ran, at, each, run
from doubles.dmr import HOSTILE, SENTENCES, DmrDouble, plausible, prompt_of, requested_schema
from doubles.nasty_code import PIECES, write_nasty_files

# Pure Python from the index, with code from 2009 to this year: 140 files and 1,600 definitions.
PACKAGES = ("attrs", "sqlparse", "rich")
FILES = 100
EVERYTHING = """\
docstrings:
  kinds: [functions, classes, modules]
  overloads: true
  setters: true
  overrides: true
  dunders: true
  private: true
  nested: true
  tests: true
"""
# What is put around a sentence, so that it is both worth writing and hard to write.
ENDS = (
    *(
        '"',
        "'",
        '"quoted"',
        '""',
        "\\",
        "\\\\",
        '\\"',
        "\\'",
        "\\n",
        "\\x41",
        "\\u0041",
        "\\N{BULLET}",
        "\\N{",
    ),
    *(
        "\\d+",
        "{",
        "}}",
        "{0}",
        "{!r}",
        "%s",
        "%(name)s",
        "${HOME}",
        "{% raw %}",
        "#",
        "# noqa",
        ":",
        "::",
        "`",
    ),
    *(
        "é",
        "日本 🙂",
        "e\u0301",
        "\u202e",
        "\u00a0",
        "\ttab",
        "\r\nnext",
        "\n\nArgs:\n    x: y",
        "-----",
        "*args",
    ),
    *(">>> 1", ":param x:", "</script>", "\\\n", "\ufeff", "'''", '"""', "\x0c", "\x1c", "\u2028", "\x85"),
)
TEXTS = (
    *HOSTILE,
    *(f"{sentence} {end}" for sentence, end in zip(itertools.cycle(SENTENCES), ENDS)),
    *(f"{end}{sentence}" for sentence, end in zip(itertools.cycle(SENTENCES), ENDS)),
)


def hostile(body: Mapping[str, Any]) -> dict[str, Any]:
    """A document of the schema whose strings nobody would like to see in source code."""
    seed = zlib.crc32(prompt_of(body).encode("utf-8", "replace"))
    document: dict[str, Any] = plausible(requested_schema(body) or {}, seed, TEXTS)
    return document


# -- the independent check -----------------------------------------------------------------------


@dataclass(frozen=True)
class Apart:
    """A file without its docstrings: its text as UTF-8, its tree, and where each docstring stands."""

    text: bytes
    skeleton: str
    spans: tuple[tuple[int, int] | None, ...]
    warnings: tuple[str, ...]


def taken_apart(data: bytes) -> Apart:
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    text = data.decode(encoding)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        tree = ast.parse(text)
        compile(data, "file", "exec", dont_inherit=True)
    whole = text.encode()
    starts = [0, *(found.end() for found in re.finditer(rb"\r\n|\r|\n", whole))]
    spans: list[tuple[int, int] | None] = []
    for node in list(ast.walk(tree)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        match node.body:
            case [ast.Expr(ast.Constant(str()) as one), *_]:
                assert one.end_lineno is not None and one.end_col_offset is not None
                begins = starts[one.lineno - 1] + one.col_offset
                spans.append((begins, starts[one.end_lineno - 1] + one.end_col_offset))
                del node.body[0]
            case _:
                spans.append(None)
    return Apart(whole, ast.dump(tree), tuple(spans), tuple(sorted(str(one.message) for one in warned)))


SPACE = re.compile(rb"[ \t\r\n\f]*")


def space_after(text: bytes, position: int) -> bytes:
    found = SPACE.match(text, position)
    assert found is not None
    return found[0]


def is_kept(gap: bytes, left: bytes, right: bytes) -> bool:
    """Whether `gap` is still there around a new docstring; blanks after a colon may become a line end."""
    splits = range(len(gap) + 1)
    whole = any(left.startswith(gap[:place]) and right.endswith(gap[place:]) for place in splits)
    return whole or not set(gap) & set(b"\r\n")


def check_only_docstrings_changed(before: bytes, after: bytes) -> None:
    """Every byte outside of docstrings is where it was; only the space around a new one may double."""
    if before == after:
        return
    old, new = taken_apart(before), taken_apart(after)
    assert new.skeleton == old.skeleton
    assert set(new.warnings) <= set(old.warnings)
    at_old = at_new = 0
    pairs = [(was, now) for was, now in zip(old.spans, new.spans, strict=True) if was or now]
    for was, now in sorted(pairs, key=lambda pair: pair[1] or (0, 0)):
        assert now is not None, "a docstring has gone"
        piece = new.text[at_new : now[0]]
        if was is not None:
            assert old.text[at_old : was[0]] == piece
            at_old, at_new = was[1], now[1]
            continue
        solid = piece.rstrip(b" \t\r\n\f")
        assert old.text[at_old : at_old + len(solid)] == solid
        at_old += len(solid)
        gap, left, right = space_after(old.text, at_old), piece[len(solid) :], space_after(new.text, now[1])
        assert is_kept(gap, left, right), (gap, left, right)
        at_old, at_new = at_old + len(gap), now[1] + len(right)
    assert old.text[at_old:] == new.text[at_new:]
    if b"\n" not in before.replace(b"\r\n", b""):
        assert b"\n" not in after.replace(b"\r\n", b"")


# -- the files -----------------------------------------------------------------------------------


def downloaded(folder: Path) -> Path | None:
    """The wheels of PACKAGES in `folder`, by name from the index; None where there is none."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input"]
    options = ["--disable-pip-version-check", "--retries", "1", "--timeout", "10", "--dest", str(folder)]
    done = subprocess.run([*command, *options, *PACKAGES], capture_output=True, cwd=folder)
    return folder if done.returncode == 0 else None


def unpack(wheels: Path, folder: Path, count: int) -> None:
    """`count` Python files of the wheels into `folder`: all of the small packages, then the longest."""
    chosen: list[tuple[str, bytes]] = []
    for wheel in sorted(wheels.glob("*.whl"), key=lambda wheel: wheel.stat().st_size):
        with zipfile.ZipFile(wheel) as archive:
            files = [(name, archive.read(name)) for name in archive.namelist() if name.endswith(".py")]
        chosen += sorted(files, key=lambda file: -len(file[1]))[: count - len(chosen)]
    for name, data in chosen:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def python_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py"))}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder whose settings want a docstring everywhere."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "workflow-hub.yaml").write_text(EVERYTHING)
    return folder


def documented(here: Path, dmr: DmrDouble) -> Ran:
    return run("docstrings", ".", "--write", "--format", "json", cwd=here, env=at(dmr), patience_s=300)


def check_two_runs(here: Path) -> None:
    before = python_in(here)
    with DmrDouble(answer=hostile) as dmr:
        first = documented(here, dmr)
        after = python_in(here)
        assert dmr.chats
        dmr.chats.clear()
        second = documented(here, dmr)
        assert dmr.chats == []
    assert python_in(here) == after
    assert after.keys() == before.keys()
    for name, data in before.items():
        try:
            check_only_docstrings_changed(data, after[name])
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error
    summary = first.report["summary"]
    assert first.code in {0, 3}
    assert summary["items"] == summary["done"] + summary["skipped"] + summary["failed"]
    assert summary["done"] > summary["items"] / 3
    assert sum(after[name] != data for name, data in before.items()) > len(before) / 2
    assert second.report["summary"]["model_calls"] == 0
    assert second.report["summary"]["done"] == 0
    # What may stand in a docstring is a question of taste; that something hard did is not.
    old, new = b"".join(before.values()), b"".join(after.values())
    hard = (b"\\\\", b'"quoted"', b"\\x41", b"{%", b"%(name)s", "日本".encode())
    assert sum(new.count(text) > old.count(text) for text in hard) >= 2


@pytest.mark.index
def test_a_hundred_files_that_are_not_ours(here: Path, tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    if downloaded(wheels):
        unpack(wheels, here, FILES)
    else:
        write_nasty_files(here, FILES, seed=2009)
    assert len(python_in(here)) == FILES
    check_two_runs(here)


STYLES = [pytest.param(style, id=style) for style in ("google", "numpy", "sphinx")]


def test_files_as_nasty_as_we_could_think_of(tmp_path: Path) -> None:
    def check(style: str) -> None:
        folder = tmp_path / style
        folder.mkdir()
        (folder / "workflow-hub.yaml").write_text(f"{EVERYTHING}  style: {style}\n  types: true\n")
        write_nasty_files(folder, len(PIECES), seed=zlib.crc32(style.encode()))
        check_two_runs(folder)

    each(STYLES, check)


# (before, after): what the check above must find
DAMAGES = [
    pytest.param(b"def f(): return 1\n", b"def f():\n    '''x'''\n    return 2\n", id="other code"),
    pytest.param(
        b"def f():\n    return 1 # a\n", b"def f():\n    '''x'''\n    return 1 # b\n", id="a comment"
    ),
    pytest.param(b"def f():\n    return 1\n", b"def f():\n    '''x'''\n    return  1\n", id="a space"),
    pytest.param(
        b"def f():\n    return 1\n", b"def f():\n    '''x'''\n    return 1\n\n", id="a line at the end"
    ),
    pytest.param(b"def f():\n    '''x'''\n", b"def f():\n    pass\n", id="a docstring that is gone"),
    pytest.param(
        b"def f():\r\n    return 1\r\n", b"def f():\r\n    '''x'''\n    return 1\r\n", id="a line end"
    ),
    pytest.param(b"def f():\n    return 1\n", b"def f():\n    '''\\d'''\n    return 1\n", id="a warning"),
]


@pytest.mark.parametrize(("before", "after"), DAMAGES)
def test_the_check_itself_finds_damage(before: bytes, after: bytes) -> None:
    check_only_docstrings_changed(before, before)
    with pytest.raises(AssertionError):
        check_only_docstrings_changed(before, after)


def _pairs() -> Iterator[tuple[bytes, bytes]]:
    yield b"def f(): return 1\n", b"def f():\n    '''x'''\n    return 1\n"
    yield b"class A:\n\n    x = 1\n", b"class A:\n    '''x'''\n\n    x = 1\n"
    yield b"#!/bin/sh\nimport os\n", b"#!/bin/sh\n'''x'''\nimport os\n"
    yield b"def f():\n    'a'\n    return 1\n", b"def f():\n    '''a\n\n    b'''\n    return 1\n"


def test_the_check_itself_takes_what_is_right() -> None:
    for before, after in _pairs():
        check_only_docstrings_changed(before, after)
