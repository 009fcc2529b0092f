"""A file is replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from pathlib import Path

import pytest

from workflow_hub.errors import SourceRefused
from workflow_hub.source.files import read_source
from workflow_hub.source.write import replace

OLD, NEW = b"x = 1\r\n", b'"""It."""\r\n\r\nx = 1\r\n'
NOBODY = 65534


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "shop.py"
    path.write_bytes(OLD)
    return path


@contextmanager
def as_nobody():
    """Without the rights of root, for whom nothing is forbidden; other users are as they are."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def open_to_nobody(folder):
    """The folder can be reached by everyone as long as this lasts."""
    modes = {}
    for one in (folder, *folder.parents):
        modes[one] = one.stat().st_mode
        if os.geteuid() == 0 and modes[one] & 0o055 != 0o055:
            one.chmod(modes[one] | 0o055)
    try:
        yield
    finally:
        for one, mode in modes.items():
            if one.stat().st_mode != mode:
                one.chmod(mode)


def names(folder):
    return sorted(one.name for one in folder.iterdir())


@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o4775])
def test_the_bytes_are_new_and_the_mode_is_old(path, mode):
    source = read_source(path)
    path.chmod(mode)
    replace(source, NEW)
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == NEW
    assert names(path.parent) == ["shop.py"]


def test_the_owner_stays_where_that_is_allowed(path):
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    owner = path.stat().st_uid, path.stat().st_gid
    replace(read_source(path), NEW)
    assert (path.stat().st_uid, path.stat().st_gid) == owner


def test_a_link_stays_a_link(path):
    (path.parent / "inner").mkdir()
    link = path.parent / "inner" / "link.py"
    link.symlink_to("../shop.py")
    replace(read_source(link), NEW)
    assert link.readlink() == Path("../shop.py")
    assert path.read_bytes() == NEW


def test_a_name_as_long_as_names_may_be(path):
    path = path.rename(path.with_name("x" * 252 + ".py"))
    replace(read_source(path), NEW)
    assert path.read_bytes() == NEW


def changed(path):
    path.write_bytes(OLD + b"y = 2\n")


def turned_into_a_folder(path):
    path.unlink()
    path.mkdir()


def turned_into_a_loop(path):
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        pytest.param(changed, "changed while we worked; run again", id="changed"),
        pytest.param(Path.unlink, "not there any more; run again", id="vanished"),
        pytest.param(turned_into_a_folder, "changed while we worked", id="a folder now"),
        pytest.param(turned_into_a_loop, "cannot be written", id="a link to itself now"),
        pytest.param(lambda path: path.chmod(0o444), "is read-only", id="read-only"),
    ],
)
def test_replace_refuses(path, happens, reason):
    source = read_source(path)
    happens(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(SourceRefused, match=reason) as refused:
        replace(source, NEW)
    assert "\n" not in str(refused.value)
    assert (path.read_bytes() if path.is_file() else None) == before
    assert set(names(path.parent)) <= {"shop.py"}


def test_a_folder_that_nothing_may_be_added_to(path):
    source = read_source(path)
    path.chmod(0o666)
    with open_to_nobody(path.parent):
        path.parent.chmod(0o555)
        try:
            with as_nobody(), pytest.raises(SourceRefused, match="left alone: Permission denied"):
                assert path.read_bytes() == OLD
                replace(source, NEW)
        finally:
            path.parent.chmod(0o755)
    assert path.read_bytes() == OLD
    assert names(path.parent) == ["shop.py"]


def test_a_file_of_somebody_else(path):
    source = read_source(path)
    path.chmod(0o666)
    with open_to_nobody(path.parent):
        path.parent.chmod(0o777)
        with as_nobody():
            replace(source, NEW)
        path.parent.chmod(0o755)
    assert path.read_bytes() == NEW
    assert stat.S_IMODE(path.stat().st_mode) == 0o666


def run_python(program, *arguments):
    program = textwrap.dedent(program)
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_disk_without_room(path):
    # A limit on the size of a file is the one way to run out of room that needs no disk.
    said = run_python(
        """
        import resource, signal, sys
        from pathlib import Path
        from workflow_hub.errors import SourceRefused
        from workflow_hub.source.files import read_source
        from workflow_hub.source.write import replace
        source = read_source(Path(sys.argv[1]))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            replace(source, b"#" * 200_000)
        except SourceRefused as error:
            print(error)
        """,
        str(path),
    )
    assert said == f"{path} cannot be written, so it was left alone: File too large\n"
    assert path.read_bytes() == OLD
    assert names(path.parent) == ["shop.py"]


def test_kill_9_at_any_line_leaves_the_old_file_or_the_new_one(path):
    # A child for every line of the module that runs, killed at that line, until one comes through.
    said = run_python(
        """
        import os, signal, sys
        from pathlib import Path
        from workflow_hub.source import write
        from workflow_hub.source.files import parse_source
        path, old, new = Path(sys.argv[1]), b"x = 1\\n" * 50_000, b"x = 2\\n" * 60_000
        source = parse_source(path, old)

        def replaced_until(last):
            left = last
            def trace(frame, event, argument):
                nonlocal left
                if frame.f_code.co_filename != write.__file__:
                    return None
                left -= event == "line"
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return trace
            sys.settrace(trace)
            write.replace(source, new)
            os._exit(0)

        for last in range(1000):
            path.write_bytes(old)
            child = os.fork() or replaced_until(last)
            status = os.waitpid(child, 0)[1]
            data = path.read_bytes()
            print("new" if data == new else "old" if data == old else "damaged", status)
            others = [one for one in path.parent.iterdir() if one != path]
            assert all(one.suffix == ".tmp" for one in others)
            for one in others:
                one.unlink()
            if status == 0:
                break
        """,
        str(path),
    )
    runs = [line.split() for line in said.splitlines()]
    assert {state for state, status in runs if status == "9"} == {"old", "new"}
    assert runs[-1] == ["new", "0"]
    assert len(runs) > 20
