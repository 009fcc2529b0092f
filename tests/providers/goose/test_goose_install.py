"""The pinned package into a folder: verified, or nothing. npm is a program that copies a file."""

from __future__ import annotations

import base64
import hashlib
import io
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from workflow_hub.errors import SetupError
from workflow_hub.providers.goose import install
from workflow_hub.providers.goose.install import Package

BINARY = b"\x7fELF and the rest"
HERE = ("Linux", "x86_64")


def tarball(path: Path, member: str = "package/bin/goose", kind: bytes = tarfile.REGTYPE) -> Package:
    """A package whose tarball is at `path`."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in (("package/package.json", b"{}"), (member, BINARY)):
            info = tarfile.TarInfo(name)
            info.size, info.type = len(data), kind if name == member else tarfile.REGTYPE
            archive.addfile(info, io.BytesIO(data))
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    return Package("@x/goose", "1.52.0", f"sha512-{digest}", path.stat().st_size, len(BINARY), machine=HERE)


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return tarball(tmp_path / "x-goose-1.52.0.tgz")


@pytest.fixture
def npm(tmp_path: Path) -> str:
    """Notes how it was called, and delivers the tarball into the folder that it is told."""
    path = tmp_path / "npm"
    path.write_text(f'#!/bin/sh\necho "$PWD" "$@" >>{tmp_path}/calls\ncp {tmp_path}/*.tgz "$4"\n')
    path.chmod(0o755)
    return str(path)


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_it_is_there_afterwards(tmp_path: Path, package: Package, npm: str) -> None:
    into, said = tmp_path / "into", list[str]()
    assert install.installed(package, into) is None
    path = install.install(package, into=into, npm=npm, tell=said.append, machine=HERE)
    assert path == install.installed(package, into) == into / "1.52.0" / "goose"
    assert path.read_bytes() == BINARY
    assert path.stat().st_mode & 0o111
    assert said == ["fetching @x/goose@1.52.0", "verifying @x/goose@1.52.0", "unpacking @x/goose@1.52.0"]
    folder, *typed = calls(tmp_path)[0].split()
    assert typed == ["pack", "@x/goose@1.52.0", "--pack-destination", folder, "--ignore-scripts"]
    assert {one.name for one in path.parent.iterdir()} == {"goose", "goose.lock"}


def test_it_is_fetched_once(tmp_path: Path, package: Package, npm: str) -> None:
    """Two at the same time, and a third one afterwards."""
    both = [
        threading.Thread(
            target=install.install,
            args=(package,),
            kwargs={"into": tmp_path / "into", "npm": npm, "machine": HERE},
        )
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert install.install(package, into=tmp_path / "into", npm=npm, machine=HERE).read_bytes() == BINARY
    assert len(calls(tmp_path)) == 1


def refused(package: Package, into: Path, npm: str, **more: tuple[str, str]) -> str:
    with pytest.raises(SetupError) as caught:
        install.install(package, into=into, npm=npm, **{"machine": HERE, **more})
    assert install.installed(package, into) is None
    assert not list(into.rglob(".fetching-*"))
    return str(caught.value)


def test_other_bytes_are_not_installed(tmp_path: Path, package: Package, npm: str) -> None:
    with next(tmp_path.glob("*.tgz")).open("ab") as file:
        file.write(b"!")
    assert "is not what was published" in refused(package, tmp_path / "into", npm)


@pytest.mark.parametrize(
    ("member", "kind"),
    [
        pytest.param("package/bin/gander", tarfile.REGTYPE, id="another name"),
        pytest.param("package/bin/goose", tarfile.DIRTYPE, id="a folder"),
    ],
)
def test_a_package_without_the_binary(tmp_path: Path, npm: str, member: str, kind: bytes) -> None:
    made = tarball(tmp_path / "x.tgz", member, kind)
    assert "holds no package/bin/goose" in refused(made, tmp_path / "into", npm)


def test_there_is_no_npm(tmp_path: Path, package: Package) -> None:
    assert "npm is not on this machine; install Node.js" in refused(
        package, tmp_path / "into", str(tmp_path / "no")
    )


@pytest.mark.parametrize(
    ("script", "says"),
    [
        pytest.param(
            "echo 'npm error 404 Not Found' >&2; exit 1", "failed (exit 1). It said:\nnpm error 404", id="404"
        ),
        pytest.param("exit 0", "failed (exit 0)", id="no file"),
    ],
)
def test_npm_fails(tmp_path: Path, package: Package, npm: str, script: str, says: str) -> None:
    Path(npm).write_text(f"#!/bin/sh\n{script}\n")
    assert says in refused(package, tmp_path / "into", npm)


def test_npm_does_not_end(
    tmp_path: Path, package: Package, npm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "NPM_S", 0.05)
    Path(npm).write_text("#!/bin/sh\nexec sleep 60\n")
    assert "did not deliver @x/goose@1.52.0 within" in refused(package, tmp_path / "into", npm)


def test_no_room(tmp_path: Path, package: Package, npm: str) -> None:
    huge = replace(package, tarball_bytes=10**18)
    assert "make room" in refused(huge, tmp_path / "into", npm)


def test_a_folder_that_cannot_be_written(tmp_path: Path, package: Package, npm: str) -> None:
    into = tmp_path / "file"
    into.write_text("x")
    assert f"cannot be stored in {into}" in refused(package, into, npm)


def test_another_machine(tmp_path: Path, package: Package, npm: str) -> None:
    says = refused(package, tmp_path / "into", npm, machine=("Darwin", "arm64"))
    assert says.startswith(
        "@x/goose@1.52.0 runs on Linux x86_64, and this is Darwin arm64; install Goose by its own"
    )


def test_what_it_costs() -> None:
    assert install.sizes() == "97 MB to fetch, 301 MB on disk"
