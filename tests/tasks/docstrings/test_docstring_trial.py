"""Drafts that really run: what they show, and what they may not do."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import anyio
import pytest

from workflow_hub.source.files import parse_source, read_source
from workflow_hub.tasks.docstrings import trial
from workflow_hub.tasks.docstrings.trial import Fault, tried
from workflow_hub.tasks.docstrings.trial_child import unordered

CODE = """\
import os, socket, subprocess, random, time

def add(a, b): return a + b
def loud(a):
    print(a)
    os.write(1, b"straight to the terminal")
def connect(port): return socket.create_connection(("127.0.0.1", port))
def start(program): return subprocess.run([program])
def fork(): return os.fork()
def kill(): return os.kill(os.getppid(), 9)
def write(path): return open(path, "w").write("x")
def remove(path): return os.remove(path)
def note():
    write("mine")
    os.mkdir("folder")
    os.remove("mine")
    return os.path.isdir("folder"), os.path.exists("mine")
def chance(): return random.random()
def clock(): return time.strftime("%H:%M")
def hashed(a): return hash(a)
def home(): return os.path.expanduser("~")
def large(size): return len(b"x" * size)
def leave(): os._exit(3)
def unique(a): return [set(a)]
def wait():
    while True:
        time.sleep(1)
def fail(): raise KeyError("x")
def flood():
    while True:
        os.write(2, b"x" * 4096)
        return 1
def user(): return sorted(os.environ)
"""
SNIPPET = parse_source(Path("<code>"), CODE.encode())
DENIED = Fault("raised PermissionError")


def run(expression: str, **options: float) -> tuple[str, str] | Fault:
    return anyio.run(lambda: tried(expression, SNIPPET, **options))


SHOWN = [
    pytest.param("add(1, 2)", "3\n", id="a value"),
    pytest.param("add('a', 'b')", "'ab'\n", id="a text"),
    pytest.param("loud('hello')", "hello\n", id="what is printed"),
    pytest.param("note()", "(True, False)\n", id="files of its own"),
    pytest.param("flood()", "1\n", id="what it says on stderr is dropped"),
]


@pytest.mark.parametrize(("expression", "output"), SHOWN)
def test_what_a_terminal_would_show(expression: str, output: str) -> None:
    assert run(expression) == (output, output)


FAULTS = [
    pytest.param("fail()", Fault("raised KeyError"), id="an exception"),
    pytest.param("start('true')", DENIED, id="a program"),
    pytest.param("fork()", DENIED, id="a fork"),
    pytest.param("kill()", DENIED, id="a signal"),
    pytest.param("large(2 ** 34)", Fault("raised MemoryError"), id="much memory"),
    pytest.param("leave()", Fault("ended the process that it ran in"), id="the end"),
    pytest.param("unique('ab')", Fault("showed what has no order"), id="a set"),
]


@pytest.mark.parametrize(("expression", "fault"), FAULTS)
def test_what_is_no_example(expression: str, fault: Fault) -> None:
    assert run(expression) == fault


@pytest.mark.parametrize("expression", ["chance()", "clock()", "hashed('a')", "home()"])
def test_what_depends_on_chance_or_place_or_hour_comes_out_in_two_ways(expression: str) -> None:
    outputs = run(expression)
    assert isinstance(outputs, tuple) and outputs[0] != outputs[1]


def test_nothing_is_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        assert run(f"connect({server.getsockname()[1]})") == DENIED
        with pytest.raises(BlockingIOError):
            server.accept()


def test_nothing_is_changed_outside(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    assert run(f"write({str(tmp_path / 'new')!r})") == DENIED
    assert run(f"remove({str(tmp_path / 'kept')!r})") in (DENIED, Fault("raised FileNotFoundError"))
    assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("kept", "kept")]


def test_secrets_of_the_environment_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_HUB_SECRET", "x")
    outputs = run("user()")
    assert isinstance(outputs, tuple) and "HUB" not in outputs[0] and "HOME" in outputs[0]


def test_what_does_not_end_is_ended() -> None:
    assert run("wait()", wall_s=2) == Fault("took too long")


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_module_of_a_package_is_imported_by_its_name(tmp_path: Path, name: str) -> None:
    package = tmp_path / "shop" / "deep"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("def one(): return __name__\n")
    (package / "cart.py").write_text("from . import one\n\ndef two(): return one(), __name__\n")
    path = package / ("__init__.py" if name == "one" else "cart.py")
    source = read_source(path)
    outputs = anyio.run(lambda: tried(f"{name}()", source))
    expected = "'shop.deep'\n" if name == "one" else "('shop.deep', 'shop.deep.cart')\n"
    assert outputs == (expected, expected)
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_module_that_cannot_be_imported(tmp_path: Path) -> None:
    path = tmp_path / "needs.py"
    path.write_text("import no_such_module\n\ndef f(): return 1\n")
    source = read_source(path)
    outputs = anyio.run(lambda: tried("f()", source))
    assert isinstance(outputs, Fault)
    assert outputs.reason.startswith("could not be tried: its module is not importable here (No module named")


def test_the_active_environments_python_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).resolve().parent}\n")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    source = parse_source(Path("<code>"), b"import sys\n\ndef f(): return sys.prefix\n")
    assert anyio.run(lambda: tried("f()", source)) == (f"{str(tmp_path)!r}\n",) * 2


def test_a_python_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text("no program")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))  # no bubblewrap either
    outputs = run("add(1, 2)")
    assert isinstance(outputs, Fault) and outputs.reason.startswith("could not be tried: ")


def test_without_bubblewrap_the_child_guards_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run("add(1, 2)") == ("3\n", "3\n")
    assert run("start('true')") == run("connect(9)") == run(f"write({str(tmp_path / 'x')!r})") == DENIED
    assert list(tmp_path.iterdir()) == []


def test_where_there_are_walls_nothing_of_the_home_is_seen_but_what_is_needed() -> None:
    project = Path.home() / "project"
    project.mkdir()
    (Path.home() / "secret").write_text("x")
    (project / "look.py").write_text("import os\n\ndef f(path): return sorted(os.listdir(path))\n")
    source = read_source(project / "look.py")
    outputs = anyio.run(lambda: tried(f"f({str(Path.home())!r})", source))
    walls = trial._works(shutil.which("bwrap") or "")
    assert outputs == (f"{['project'] if walls else ['project', 'secret']}\n",) * 2


def test_a_bubblewrap_that_does_not_work_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bwrap"
    for content in ("#!/bin/sh\nexit 1\n", "no program"):
        program.write_text(content)
        program.chmod(0o755)
        trial._works.cache_clear()
        assert not trial._works(str(program))
    trial._works.cache_clear()


@pytest.mark.parametrize(
    ("value", "is_so"),
    [
        ({1, 2}, True),
        ({1}, False),
        ([{"a": ({1, 2},)}], True),
        ({frozenset({1, 2}): 1}, True),
        ([[[[[[{1, 2}]]]]]], False),
        ("ab", False),
    ],
)
def test_what_has_no_order(value: object, is_so: bool) -> None:
    assert unordered(value) is is_so


def test_no_scratch_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run("note()") == ("(True, False)\n",) * 2
    assert list(tmp_path.iterdir()) == []
