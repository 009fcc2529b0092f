"""git, asked so that neither the user's settings nor the environment change what comes back."""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from workflow_hub.errors import UsageError

# A monitor of the file system is a program of the user's.
_NEUTRAL = ("-c", "core.fsmonitor=false", "-c", "core.quotepath=true")
# What changes the output or the meaning of paths. GIT_DIR and GIT_INDEX_FILE stay: hooks rely on them.
_UNWANTED = (
    "GIT_DIFF_OPTS",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_TRACE",
)


class GitRefused(UsageError):
    """git ended with an error; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The work tree around `folder`; `top` is its root, without links on the way."""

    folder: Path
    top: Path

    def run(self, *arguments: str, data: bytes = b"") -> bytes:
        """What git prints; GitRefused where it fails."""
        return _run(self.folder, *arguments, data=data)

    def run_alone(self, *arguments: str, data: bytes = b"") -> bytes:
        """The same without the settings that the user has for all repositories.

        A `blame.ignoreRevsFile` among them fails wherever there is no such file, and nothing takes it back.
        """
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        # git has trusted the folder already, by those settings.
        trusted = ("-c", f"safe.directory={self.top}")
        return _run(self.folder, *trusted, *arguments, data=data, env=alone)

    def says(self, *arguments: str) -> str | None:
        """The one line that git prints; None where it fails."""
        try:
            return os.fsdecode(self.run(*arguments)).removesuffix("\n")
        except GitRefused:
            return None

    def names(self, *arguments: str) -> list[Path]:
        """The files that git lists with `-z`, seen from the top, as full paths."""
        return [self.path(name) for name in self.run(*arguments).split(b"\0") if name]

    def path(self, name: bytes) -> Path:
        """Where the file of that name is; git names it from the top of the work tree."""
        return self.top / os.fsdecode(name)

    def unquoted(self, name: bytes) -> str:
        """A name that git shows in quotes, with escapes, where it has more than letters in it."""
        # Escapes are those of C, bytes beyond ASCII among them: all are escapes of Python, too.
        shown: bytes = ast.literal_eval(f"b{name.decode()}") if name.startswith(b'"') else name
        return os.fsdecode(shown)

    def blob(self, blob: str) -> bytes:
        """The content that git keeps under that id or name."""
        return self.run("cat-file", "blob", blob)

    @property
    def is_shallow(self) -> bool:
        """Whether the clone lacks the beginning of its history."""
        return self.says("rev-parse", "--is-shallow-repository") == "true"


def repository(folder: Path) -> Repository:
    """The work tree that `folder` is in; GitRefused where it is in none, or git is not installed."""
    top = _run(folder, "rev-parse", "--show-toplevel").removesuffix(b"\n")
    return Repository(folder, Path(os.fsdecode(top)).resolve())


def _run(
    folder: Path, *arguments: str, data: bytes = b"", env: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    around = {name: value for name, value in os.environ.items() if name not in _UNWANTED}
    # Looking must not write: no lock, no refreshed index, no question at a terminal.
    around |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", **env}
    try:
        done = subprocess.run(
            ["git", *_NEUTRAL, *arguments],
            cwd=folder,
            env=around,
            input=data,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise GitRefused("git is not installed, or not on the PATH") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").splitlines()
        fatal = [line.removeprefix("fatal: ") for line in said if line.startswith("fatal: ")]
        raise GitRefused((fatal or said or ["git failed without a word"])[0])
    return done.stdout
