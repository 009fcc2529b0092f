"""The real llama.cpp server with a tiny random model: how it starts, what it takes, and how it ends."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import venv
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from workflow_hub.errors import EngineFailed
from workflow_hub.providers.embedded import child, cpus, engine
from workflow_hub.providers.embedded.engine import Engine, EngineSettings, launch
from workflow_hub.providers.embedded.progress import Progress

SETTINGS = EngineSettings(slots=4, context_tokens=2048)
LONG = EngineSettings(slots=4, context_tokens=131072)
Becomes = Callable[[Callable[[], object]], bool]


@pytest.fixture(scope="module")
def running(endless: Path, projector: Path) -> Iterator[Engine]:
    started = launch(endless, LONG, projector=projector)
    yield started
    started.close()


@pytest.fixture(scope="module")
def http(running: Engine) -> Iterator[httpx.Client]:
    bearer = {"Authorization": f"Bearer {running.key}"}
    with httpx.Client(base_url=running.url, headers=bearer, timeout=20, trust_env=False) as client:
        yield client


def body(content: Any = "hi", **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}], "max_tokens": 8} | more


def gone(pid: int) -> bool:
    """Whether the process has ended; whoever inherited it may not have asked for its exit code yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def busy(http: httpx.Client) -> int:
    """How many requests the engine works on, by its own count."""
    lines = http.get("/metrics").text.splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("llamacpp:requests_processing ")))


# -- what it takes -------------------------------------------------------------------------------


def test_a_chat_is_answered(http: httpx.Client) -> None:
    reply = http.post("/v1/chat/completions", json=body()).json()
    assert reply["usage"]["completion_tokens"] <= 8
    assert {"cache_n", "prompt_ms", "predicted_ms"} <= reply["timings"].keys()


def test_a_schema_is_obeyed_even_by_noise(http: httpx.Client) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"enum": ["x", "y"]}, "b": {"const": "z"}, "c": {"type": "boolean"}},
        "required": ["a", "b", "c"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    reply = http.post("/v1/chat/completions", json=body(response_format=form, max_tokens=400)).json()
    document = json.loads(reply["choices"][0]["message"]["content"])
    assert document["a"] in ("x", "y") and document["b"] == "z" and isinstance(document["c"], bool)


def test_every_slot_has_the_whole_context(http: httpx.Client) -> None:
    assert [slot["n_ctx"] for slot in http.get("/slots").json()] == [LONG.context_tokens] * 4


def test_so_many_requests_as_slots_run_at_once_and_a_client_that_leaves_frees_its_slot(
    http: httpx.Client, becomes: Becomes
) -> None:
    long = body(max_tokens=-1, stream=True, ignore_eos=True)
    go_on = threading.Event()

    def read() -> None:
        with http.stream("POST", "/v1/chat/completions", json=long) as reply:
            lines = reply.iter_lines()  # kept, for its end would close the connection
            next(lines)
            go_on.wait(20)

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        assert becomes(lambda: busy(http) == 4)
        go_on.set()
        assert [reader.result() for reader in readers] == [None] * 4
    assert becomes(lambda: busy(http) == 0)


def png() -> bytes:
    """A picture of 28 by 28 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + bytes([9 * row % 256, 5, 200]) * 28 for row in range(28))
    header = struct.pack(">IIBBBBB", 28, 28, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def with_image(data: bytes) -> dict[str, Any]:
    url = "data:image/png;base64," + base64.b64encode(data).decode()
    return body([{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": url}}])


def test_a_picture_is_read_and_counted(http: httpx.Client) -> None:
    plain = http.post("/v1/chat/completions", json=body()).json()["usage"]["prompt_tokens"]
    seen = http.post("/v1/chat/completions", json=with_image(png())).json()["usage"]["prompt_tokens"]
    assert seen > plain


def test_a_broken_picture_is_refused(http: httpx.Client) -> None:
    reply = http.post("/v1/chat/completions", json=with_image(b"\x89PNG broken"))
    assert (reply.status_code, reply.json()["error"]["message"]) == (
        400,
        "Failed to load image or audio file",
    )


# -- who may ask ---------------------------------------------------------------------------------


def test_nothing_is_answered_without_the_key(running: Engine) -> None:
    for headers in ({}, {"Authorization": "Bearer guess"}):
        reply = httpx.post(
            f"{running.url}/v1/chat/completions", json=body(), headers=headers, trust_env=False
        )
        assert reply.status_code == 401
    assert engine.answers(running.url, running.key)
    assert not engine.answers(running.url, "guess")


def test_it_listens_on_loopback_alone(running: Engine) -> None:
    process = psutil.Process(running.process.pid)
    listening = [c.laddr for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
    assert [address.ip for address in listening] == ["127.0.0.1"]
    assert running.url == f"http://127.0.0.1:{listening[0].port}"


def test_the_key_is_in_neither_the_arguments_nor_the_environment(running: Engine) -> None:
    process = psutil.Process(running.process.pid)
    assert running.key not in " ".join(process.cmdline())
    assert running.key not in process.environ().values()
    assert running.key not in repr(running)


def test_two_engines_have_two_keys_and_two_ports(running: Engine, tiny: Path) -> None:
    other = launch(tiny, SETTINGS)
    assert (other.key != running.key, other.url != running.url) == (True, True)
    other.close()


def test_a_server_that_is_late_counts_as_there_and_one_that_is_gone_does_not(tiny: Path) -> None:
    gone = launch(tiny, SETTINGS)
    gone.close()
    assert not engine.answers(gone.url, gone.key)
    with socket.create_server(("127.0.0.1", 0)) as late:
        assert engine.answers(f"http://127.0.0.1:{late.getsockname()[1]}", "k", timeout_s=0.05)


# -- how it ends ---------------------------------------------------------------------------------


def test_closing_ends_it_and_closing_again_does_nothing(tiny: Path) -> None:
    told: list[Progress] = []
    started = launch(tiny, SETTINGS, tell=told.append)
    assert started.alive and Progress("loading the model") in told
    started.close()
    assert not started.alive and not psutil.pid_exists(started.process.pid)
    started.close()


def test_closing_does_not_wait_for_a_long_reply(endless: Path) -> None:
    started = launch(endless, LONG)
    bearer = {"Authorization": f"Bearer {started.key}"}
    long = body(max_tokens=-1, stream=True, ignore_eos=True)
    url = f"{started.url}/v1/chat/completions"
    with httpx.stream("POST", url, json=long, headers=bearer, trust_env=False) as reply:
        lines = reply.iter_lines()
        next(lines)
        started.close()
    assert not started.alive


def test_what_it_said_can_be_read_when_it_is_gone(tiny: Path) -> None:
    started = launch(tiny, SETTINGS)
    started.process.kill()
    started.process.wait()
    assert "slots are idle" in started.log_tail() or "listening" in started.log_tail()
    started.close()


PARENT = """
import os, sys, time
from pathlib import Path
from workflow_hub.providers.embedded.engine import EngineSettings, launch
engine = launch(Path(sys.argv[1]), EngineSettings(context_tokens=512))
heir = os.fork() if sys.argv[2] == "heir" else 0  # a fork holds the engine's stdin open
if not heir:
    print(engine.process.pid, os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("heir", ["alone", "heir"])
def test_it_is_gone_when_its_parent_is_killed(tiny: Path, becomes: Becomes, heir: str) -> None:
    command = [sys.executable, "-c", PARENT, str(tiny), heir]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid, other = map(int, parent.stdout.readline().split())
        assert not gone(pid)
        parent.kill()
        assert becomes(lambda: gone(pid))
        if other != parent.pid:
            os.kill(other, signal.SIGKILL)


LOADING = """
import os, sys, time
from workflow_hub.providers.embedded import child
child.follow(os.getppid() if sys.argv[1] != "stranger" else 1)
if sys.argv[1] == "loaded":
    child.follow(None)
print(os.getpid(), flush=True)
time.sleep(60)
"""
MIDDLE = """
import subprocess, sys, time
loading = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]])
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
@pytest.mark.parametrize(
    ("state", "dies"),
    [
        pytest.param("loading", True, id="dies with its parent while it loads"),
        pytest.param("loaded", False, id="looks after itself afterwards"),
    ],
)
def test_the_system_kills_it_while_it_loads(becomes: Becomes, state: str, dies: bool) -> None:
    command = [sys.executable, "-c", MIDDLE, LOADING, state]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as middle:
        assert middle.stdout is not None
        pid = int(middle.stdout.readline())
        middle.kill()
        middle.wait()
        if dies:
            assert becomes(lambda: gone(pid))
        else:
            assert not gone(pid)
            os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_an_orphan_does_not_begin_to_load() -> None:
    done = subprocess.run([sys.executable, "-c", LOADING, "stranger"], stdout=subprocess.PIPE, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")


# -- what can go wrong when it starts ------------------------------------------------------------


def test_a_file_that_is_no_model_fails_with_the_engines_own_words(home: Path) -> None:
    (home / "bad.gguf").write_bytes(b"GGUF but nothing else in it")
    with pytest.raises(EngineFailed, match=r"(?s)did not start.*It said:.*bad\.gguf"):
        launch(home / "bad.gguf", SETTINGS)


def test_a_missing_engine_names_the_command(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(EngineFailed, match=r"pip install 'workflow-hub\[embedded\]'"):
        engine.require_engine("no_such_engine")
    engine.require_engine()
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    python = str(tmp_path / "bare" / "bin" / "python")
    with pytest.raises(EngineFailed, match=r"pip install 'workflow-hub\[embedded\]'"):
        launch(tiny, SETTINGS, python=python)


def test_an_engine_that_cannot_be_imported_says_why(
    tiny: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "xllamacpp.py").write_text("raise ImportError('libgomp.so.1: cannot open shared object file')")
    monkeypatch.setenv("PYTHONPATH", str(home))
    with pytest.raises(EngineFailed, match=r"did not start \(libgomp"):
        launch(tiny, SETTINGS)


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize(
    ("stand_in", "words"),
    [
        pytest.param("exit 3", r"did not start \(exit code 3\)", id="without a word"),
        pytest.param("read orders; echo; exit 4", r"did not start \(exit code 4\)", id="with an empty word"),
        pytest.param(
            """read orders; echo '{"address": "http://127.0.0.1:9"}'; sleep 0.2""",
            "never became healthy",
            id="gone before it answers",
        ),
    ],
)
def test_a_child_that_does_not_get_there_is_an_error(
    tiny: Path, tmp_path: Path, stand_in: str, words: str
) -> None:
    (tmp_path / "python").write_text(f"#!/bin/sh\n{stand_in}\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(EngineFailed, match=words):
        launch(tiny, SETTINGS, python=str(tmp_path / "python"))


def test_a_start_has_a_deadline(tiny: Path) -> None:
    with pytest.raises(EngineFailed, match="not loaded in time"):
        launch(tiny, SETTINGS, timeout_s=0)


def test_stopping_the_start_ends_the_child(tiny: Path) -> None:
    before = psutil.Process().children()

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        launch(tiny, SETTINGS, tell=stop)
    assert psutil.Process().children() == before


# -- the child's own functions -------------------------------------------------------------------


def test_the_state_file_is_for_its_owner_alone(home: Path) -> None:
    inode = child.publish(home / "engine.json", {"key": "k"})
    assert inode == (home / "engine.json").stat().st_ino
    assert stat.S_IMODE((home / "engine.json").stat().st_mode) == 0o600
    assert json.loads((home / "engine.json").read_text()) == {"key": "k"}
    assert [path.name for path in home.iterdir()] == ["engine.json"]


def test_an_engine_too_busy_to_answer_counts_as_working(running: Engine) -> None:
    assert child.work_done(running.url, running.key) == child.work_done(running.url, running.key)
    silent = "http://127.0.0.1:9"
    assert child.work_done(silent, "") != child.work_done(silent, "")


# -- threads -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "count"),
    [
        pytest.param({}, 4, id="nothing is told"),
        pytest.param({"cpu.max": "max 100000"}, 4, id="no limit"),
        pytest.param({"cpu.max": "250000 100000"}, 2, id="a limit of two and a half"),
        pytest.param({"cpu.max": "1000 100000"}, 1, id="less than one"),
        pytest.param(
            {"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3, id="the older files"
        ),
        pytest.param(
            {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 4, id="older, no limit"
        ),
    ],
)
def test_usable_cpus_obey_the_control_group(tmp_path: Path, files: dict[str, str], count: int) -> None:
    for name, content in files.items():
        path = tmp_path / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    assert cpus.usable_cpus(tmp_path, affinity={0, 1, 2, 3}) == count


def test_hyperthreads_count_once(tmp_path: Path) -> None:
    for cpu, siblings in enumerate(("0,2", "1,3", "0,2", "1,3")):
        path = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list"
        path.parent.mkdir(parents=True)
        path.write_text(siblings + "\n")
    assert cpus.physical_cores(tmp_path, affinity={0, 1, 2, 3}) == 2
    assert cpus.physical_cores(tmp_path, affinity={0}) == 1
    assert cpus.threads(tmp_path) >= 1
