"""What differs below a folder, by content."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from workflow_hub.providers.goose.changes import _digest, compare, snapshot
from workflow_hub.values import Files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.txt").write_text("two")
    (tmp_path / "link").symlink_to("a.txt")
    (tmp_path / "far").symlink_to("sub")
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def relink(path: Path, to: str) -> None:
    path.unlink()
    path.symlink_to(to)


@pytest.mark.parametrize(
    ("change", "files"),
    [
        pytest.param(lambda at: None, Files(), id="nothing"),
        pytest.param(lambda at: (at / "a.txt").touch(), Files(), id="only the time"),
        pytest.param(lambda at: (at / "a.txt").write_text("one"), Files(), id="the same again"),
        pytest.param(lambda at: (at / ".git" / "index").touch(), Files(), id="what git keeps"),
        pytest.param(
            lambda at: (at / "a.txt").write_text("uno"), Files(changed=("a.txt",)), id="as long as before"
        ),
        pytest.param(lambda at: (at / "sub" / "ä 日.txt").touch(), Files(("sub/ä 日.txt",)), id="unicode"),
        pytest.param(
            lambda at: Path(os.fsdecode(os.fsencode(at) + b"/\xff")).touch(),
            Files(("\\xff",)),
            id="no unicode",
        ),
        pytest.param(lambda at: (at / "sub" / "b.txt").unlink(), Files(deleted=("sub/b.txt",)), id="gone"),
        pytest.param(
            lambda at: (at / "a.txt").rename(at / "c.txt"),
            Files(("c.txt",), (), ("a.txt",)),
            id="another name",
        ),
        pytest.param(
            lambda at: relink(at / "link", "sub"), Files(changed=("link",)), id="a link to elsewhere"
        ),
        pytest.param(lambda at: relink(at / "far", "."), Files(changed=("far",)), id="a link to a folder"),
    ],
)
def test_changes(folder: Path, change: Callable[[Path], object], files: Files) -> None:
    before = snapshot(folder)
    change(folder)
    found = compare(before, snapshot(folder))
    assert found == files
    assert bool(found) == bool(files.created + files.changed + files.deleted)


def test_what_goes_while_we_look_has_no_content(folder: Path) -> None:
    assert _digest(folder / "gone") == b""
