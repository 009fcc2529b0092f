"""Walls around an agent, by bubblewrap: it writes where it works and nowhere else, and finds no secrets.

The whole file system is there to be read, without the user's home, `/tmp` and the sockets of `/run`; of those
comes back what is needed to work. The network is the user's, for the model is on it.
"""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workflow_hub.errors import Unavailable
from workflow_hub.providers.goose.work import Sandbox

PROGRAM = "bwrap"
# Of its own: users (so that root is none), processes, memory. Gone with who started it; no capabilities.
BARE = (
    *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL", "--die-with-parent"),
    *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
)
PROBE_S = 10.0
EMPTY = tuple(Path(place).resolve() for place in ("/tmp", "/var/tmp", "/run"))
# How names are resolved, and where NixOS has its programs.
BACK = tuple(
    Path("/run", name) for name in ("systemd/resolve", "resolvconf", "NetworkManager", "current-system")
)
# For a home that cannot be emptied, because the work is in it.
SECRETS = (
    *(".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", ".mozilla", ".netrc"),
    *(".npmrc", ".pypirc", ".git-credentials", ".cargo/credentials", ".cargo/credentials.toml"),
    *(".config/gh", ".config/gcloud", ".config/git/credentials", ".config/hub", ".config/workflow-hub"),
    *(".local/share/keyrings", ".vault-token", ".terraform.d", ".bash_history", ".zsh_history"),
)
# Git runs what these name; a file `.git` names where they are.
GITS = ("config", "config.worktree", "hooks")
BESIDE_BIN = ("lib", "lib64", "libexec", "pyvenv.cfg")
HELD_BACK = "nothing but approval held the agent back"


@dataclass(frozen=True, slots=True)
class Walls:
    """What goes before a command so that it runs inside; nothing where there are no walls, and why."""

    words: tuple[str, ...] = ()
    note: str = ""

    def around(self, command: Sequence[str]) -> list[str]:
        """The command as it is to be run, inside of the walls."""
        return [*self.words, *command]


def walls(
    wanted: Sandbox,
    *,
    writable: Iterable[Path],
    readable: Iterable[Path],
    programs: Iterable[Path],
    env: Mapping[str, str] = os.environ,
) -> Walls:
    """Walls with these places inside, besides the file system; `programs` are folders such as those of PATH.

    Raises Unavailable where walls are required and cannot be had.
    """
    if wanted == Sandbox.OFF:
        return Walls(note=f"{HELD_BACK}: goose.sandbox is off")
    if not (why := lacking(env)):
        return Walls((_program(env) or "", *BARE, *_mounts(writable, readable, programs, env)))
    if wanted == Sandbox.REQUIRE:
        raise Unavailable(f"goose.sandbox is `require`, and {why}")
    return Walls(note=f"{HELD_BACK}: {why}")


def lacking(env: Mapping[str, str] = os.environ) -> str:
    """Why there can be no walls on this machine, and what to install; empty where there can."""
    if program := _program(env):
        return complaint(program)
    if sys.platform.startswith("linux"):
        return "bubblewrap is not here; install it (Debian and Ubuntu: `apt install bubblewrap`)"
    return "there is bubblewrap on Linux only"


@functools.cache
def complaint(program: str) -> str:
    """Why bubblewrap does not work here, empty where it does; found out once, by trying."""
    try:
        done = subprocess.run(
            [program, *BARE, "true"], capture_output=True, stdin=subprocess.DEVNULL, timeout=PROBE_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} does not run here: {error}"
    said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0].removeprefix("bwrap: ")
    return f"bubblewrap may not do its work here ({said})" if done.returncode else ""


def _program(env: Mapping[str, str]) -> str | None:
    return shutil.which(PROGRAM, path=env.get("PATH", os.defpath))


def _mounts(
    writable: Iterable[Path], readable: Iterable[Path], programs: Iterable[Path], env: Mapping[str, str]
) -> Iterator[str]:
    """bubblewrap's orders, which it obeys from left to right."""
    work = _tops(path.resolve() for path in writable)
    homes = _homes(env)
    hidden = _tops(place for place in (*homes, *EMPTY) if place.is_dir() and place != place.parent)
    wanted = (*readable, *BACK, *_found_in(programs, hidden))
    shown = _tops(
        path
        for one in wanted
        for path in (one, one.resolve())
        if one.exists() and path not in (*homes, *hidden) and _below(path, hidden) and not _below(path, work)
    )
    for place in hidden:
        yield from ("--tmpfs", str(place))
    for path in shown:
        yield from ("--ro-bind", str(path), str(path))
    for path in work:
        yield from ("--bind", str(path), str(path))
        yield from _guarded(path / ".git")
    for secret in (home / name for home in homes if _below(home, (*shown, *work)) for name in SECRETS):
        if secret.is_dir():
            yield from ("--tmpfs", str(secret))
        elif secret.exists():
            yield from ("--ro-bind", os.devnull, str(secret))


def _guarded(git: Path) -> Iterator[str]:
    """What git keeps is written to, but for what it would run; and it is not moved away, being a mount."""
    if git.is_dir():
        yield from ("--bind", str(git), str(git))
    for path in (git / name for name in GITS) if git.is_dir() else (git,):
        if path.exists():
            yield from ("--ro-bind", str(path), str(path))


def _homes(env: Mapping[str, str]) -> set[Path]:
    """The user's home, by the environment and by the system's own word."""
    homes = {Path(env["HOME"]).resolve()} if env.get("HOME") else set()
    with suppress(KeyError):  # a user without an entry, as in containers
        homes.add(Path(pwd.getpwuid(os.getuid()).pw_dir).resolve())
    return homes


def _found_in(folders: Iterable[Path], hidden: Sequence[Path]) -> Iterator[Path]:
    """The folders that are hidden, what programs in them need beside them, and where their links lead."""
    to_do, seen = [*folders], set()
    while to_do:
        folder = to_do.pop()
        if folder in seen or not folder.is_absolute() or not _below(folder.resolve(), hidden):
            continue
        seen.add(folder)
        yield folder
        yield from (folder.parent / name for name in BESIDE_BIN)
        if folder.is_dir():
            to_do += {path.resolve().parent for path in folder.iterdir() if path.is_symlink()}


def _tops(paths: Iterable[Path]) -> list[Path]:
    """The paths that are below none of the others, in order."""
    tops: list[Path] = []
    for path in sorted(set(paths)):
        if not _below(path, tops):
            tops.append(path)
    return tops


def _below(path: Path, places: Iterable[Path]) -> bool:
    return any(path.is_relative_to(place) for place in places)
