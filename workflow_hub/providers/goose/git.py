"""The user's git, asked for one thing at a time: names and bytes out, nothing of the environment in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workflow_hub.errors import SetupError, UsageError

# Nobody is asked for a password, no lock is taken for a look, and words of git are those that we know.
SETTLED = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
# No hook of the user's runs because of us.
NO_HOOKS = "core.hooksPath=/dev/null"


@dataclass(frozen=True, slots=True)
class Git:
    """git in a folder, with settings of its own and the places that its variables name.

    What the environment says about git is not heard: we may have been started by a hook of git's.
    """

    folder: Path
    settings: Sequence[str] = ()
    places: Mapping[str, Path] = field(default_factory=dict)

    def output(
        self, *arguments: str, stdin: bytes = b"", may_fail: bool = False, otherwise: str = ""
    ) -> bytes:
        """What it prints. SetupError in git's words where it fails, UsageError where `otherwise` says why."""
        code, said, complaint = self._done(arguments, stdin)
        if code and otherwise:
            raise UsageError(f"{otherwise} (git says: {complaint})" if "dubious" in complaint else otherwise)
        if code and not may_fail:
            raise SetupError(f"`git {arguments[0]}` failed in {self.folder}: {complaint or code}")
        return b"" if code else said

    def line(self, *arguments: str, may_fail: bool = False, otherwise: str = "") -> str:
        """What it prints, which is one line."""
        said = self.output(*arguments, may_fail=may_fail, otherwise=otherwise)
        return os.fsdecode(said.removesuffix(b"\n"))

    def names(self, *arguments: str, may_fail: bool = False) -> list[str]:
        """What it prints, piece by piece, where each piece ends with a NUL."""
        return [os.fsdecode(name) for name in self.output(*arguments, may_fail=may_fail).split(b"\0")[:-1]]

    def take(self, *arguments: str, names: Iterable[str]) -> None:
        """Hand names over on stdin, each with a NUL behind it."""
        self.output(*arguments, stdin=b"".join(os.fsencode(name) + b"\0" for name in names))

    def agrees(self, *arguments: str) -> bool:
        """Whether it exits with 0."""
        return self._done(arguments, b"")[0] == 0

    def _done(self, arguments: Sequence[str], stdin: bytes) -> tuple[int, bytes, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        settings = [word for setting in (NO_HOOKS, *self.settings) for word in ("-c", setting)]
        try:
            done = subprocess.run(
                ["git", *settings, *arguments],
                cwd=self.folder,
                env={**kept, **SETTLED, **{name: str(path) for name, path in self.places.items()}},
                input=stdin,
                capture_output=True,
            )
        except FileNotFoundError as error:
            raise SetupError("git is not on this machine, and a copy of a work tree needs it") from error
        complaint = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return done.returncode, done.stdout, complaint[0].removeprefix("fatal: ") if complaint else ""
