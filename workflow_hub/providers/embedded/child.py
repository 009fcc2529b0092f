"""The engine's process: llama.cpp's server on a loopback port, for as long as somebody wants it.

Run as a file, not as a module: it imports nothing of the package, and nothing from the folder that the
user stands in. Its orders are one line of JSON on stdin (so that the key is neither in the arguments nor
in the environment), its answer is one line of JSON on stdout once the model is loaded; what llama.cpp
says goes to stderr.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import json
import os
import select
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
GRACE_S = 1
WATCH_S = 0.25
PROMPT_CACHE_MIB = 512


def main() -> None:
    """Serve the ordered model until the parent goes, or the state file, or nobody has asked for long."""
    orders = json.loads(sys.stdin.buffer.readline())
    report = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    follow(orders["parent"])
    try:
        import xllamacpp
    except ImportError as error:
        tell(report, {"error": str(error)})
        return
    with tempfile.TemporaryDirectory(prefix="workflow-hub-slots-", ignore_cleanup_errors=True) as folder:
        try:
            server = xllamacpp.Server(parameters(xllamacpp, orders, folder))
        except RuntimeError as error:
            tell(report, {"error": str(error)})
            return
        follow(None)
        serve(server.listening_address, orders, report)
    if hasattr(signal, "alarm"):
        signal.alarm(GRACE_S)  # the server's own clean-up may wait for a generation; nobody waits for it


def serve(address: str, orders: dict[str, Any], report: Any) -> None:
    """Say where the server is, and return when nobody wants it any more."""
    if orders["state_file"]:
        state = Path(orders["state_file"])
        facts = orders["state"] | {"pid": os.getpid(), "address": address, "key": orders["key"]}
        inode = publish(state, facts)
        tell(report, {"address": address})
        until_unwanted(state, inode, orders["idle_s"], address, orders["key"])
    else:
        tell(report, {"address": address})
        until_orphaned(orders["parent"])


def parameters(xllamacpp: Any, orders: dict[str, Any], folder: str) -> Any:
    """llama.cpp's parameters for the orders; a slot's state is saved in the folder when asked for."""
    chosen = xllamacpp.CommonParams()
    chosen.model.path = orders["model"]
    if orders["projector"]:
        chosen.mmproj.path = orders["projector"]
        chosen.mmproj_use_gpu = False
    chosen.n_ctx = orders["context_tokens"]
    chosen.n_parallel = orders["slots"]
    chosen.kv_unified = True  # every slot may use the whole context
    chosen.cpuparams.n_threads = orders["threads"]
    chosen.cpuparams_batch.n_threads = orders["threads"]
    chosen.slot_save_path = f"{folder}{os.sep}"
    chosen.cache_idle_slots = False  # a slot keeps what it has read until another needs the room
    chosen.cache_ram_mib = PROMPT_CACHE_MIB  # llama.cpp's own limit is 8 GiB, too much for a laptop
    chosen.hostnames = ["127.0.0.1"]
    chosen.port = 0
    chosen.api_keys = [orders["key"]]
    chosen.endpoint_metrics = True
    chosen.ui = False
    return chosen


def tell(report: Any, answer: dict[str, str]) -> None:
    """The one line on stdout, if anybody still reads it."""
    with contextlib.suppress(OSError):
        report.write(json.dumps(answer) + "\n")
        report.close()


def follow(parent: int | None) -> None:
    """Let the system kill us when the parent dies (Linux); None takes that back.

    Only for loading, when no other thread of ours runs: the signal comes when the *thread* that started
    us ends, which afterwards is no reason to go.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL if parent else 0)
    if parent and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def publish(state: Path, facts: dict[str, Any]) -> int:
    """The inode of the state file, which holds the facts, whole, for its owner's eyes only."""
    fresh = state.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(facts, file)
        inode = os.fstat(file.fileno()).st_ino
    fresh.replace(state)
    return inode


def until_orphaned(parent: int) -> None:
    """Return when the parent is gone: stdin ends, or somebody else inherited both it and us."""
    if sys.platform == "win32":
        sys.stdin.buffer.read()
        return
    while os.getppid() == parent:
        if select.select([0], [], [], WATCH_S)[0] and not os.read(0, 1024):
            return


def until_unwanted(state: Path, inode: int, idle_s: float, address: str, key: str) -> None:
    """Return when the state file is gone or another's, or when nobody has asked for `idle_s` (0: never)."""
    last, since = work_done(address, key), time.monotonic()
    checked = since
    gone = threading.Event()
    while not gone.wait(WATCH_S):
        try:
            if state.stat().st_ino != inode:
                return
        except OSError:
            return
        if not idle_s or time.monotonic() - checked < min(idle_s / 4, 10):
            continue
        checked = time.monotonic()
        if (now := work_done(address, key)) != last:
            last, since = now, checked
        elif checked - since > idle_s:
            return  # the file stays: by now it might be another's, and a stale one is recognised


def work_done(address: str, key: str) -> tuple[str, ...]:
    """The counters of /metrics that grow while the engine works; the time where it is too busy to say."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {key}"})
        lines = connection.getresponse().read().decode().splitlines()
    except OSError:
        return (str(time.monotonic()),)
    finally:
        connection.close()
    return tuple(line for line in lines if "_total " in line and not line.startswith("#"))


if __name__ == "__main__":
    main()
