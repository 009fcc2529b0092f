"""Which files are meant, and what is read of them."""

from __future__ import annotations

import os
import subprocess
import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_hub.errors import SourceRefused, UsageError
from workflow_hub.source.files import Refusal, find_files, parse_source, read_source

KEPT = [
    pytest.param(b"", "utf-8", id="empty"),
    pytest.param(b"x = 1", "utf-8", id="no line end"),
    pytest.param(b"x = 1\r\ny = 2\r\n", "utf-8", id="CRLF"),
    pytest.param(b"x = 1\ry = 2\r", "utf-8", id="CR"),
    pytest.param(b"x = 1\r\ny = 2\nz = 3\r", "utf-8", id="mixed line ends"),
    pytest.param(b"x = 1\n\x0c\ny = 2\n", "utf-8", id="form feed"),
    pytest.param(b"\xef\xbb\xbfx = 1\n", "utf-8-sig", id="BOM"),
    pytest.param("x = 'ä€'\n".encode(), "utf-8", id="UTF-8"),
    pytest.param(b"# -*- coding: latin-1 -*-\nx = '\xe4'\n", "iso-8859-1", id="latin-1"),
    pytest.param("#!/x\n# coding: cp1252\nx = '€'\n".encode("cp1252"), "cp1252", id="cp1252, second line"),
    pytest.param("# coding: shift_jis\nx = '日本'\n".encode("shift_jis"), "shift_jis", id="shift_jis"),
]

REFUSED = [
    pytest.param(b"x = 1\ndef f(:\n", r"odd\.py:2: syntax error: ", id="syntax error"),
    pytest.param(b"if x:\n\ty\n        z\n", r"odd\.py:3: syntax error: ", id="tabs and spaces"),
    pytest.param(b"x = 1\0\n", "null bytes", id="null byte"),
    pytest.param("x = 1\n".encode("utf-16"), "null bytes", id="UTF-16"),
    pytest.param(b"x = '\xff'\n", "not in the encoding that it declares", id="not UTF-8 at the head"),
    pytest.param(b"a\nb\nc\nx = '\xff'\n", "not valid utf-8", id="not UTF-8 further down"),
    pytest.param(b"# coding: ascii\n\n\nx = '\xe4'\n", "not valid ascii", id="not what it declares"),
    pytest.param(b"\xef\xbb\xbf# coding: latin-1\n", "not in the encoding", id="BOM against coding line"),
    pytest.param(b"# coding: klingon\n", "declares an unknown encoding klingon", id="unknown encoding"),
    pytest.param(b"# coding: rot13\n", "not valid rot13", id="no text encoding"),
    pytest.param(b"# coding: unicode_escape \\ud800", "characters", id="lone surrogate"),
    pytest.param(b"# coding: unicode_escape\nx = '\\x41'\n", "not keep its bytes", id="no round trip"),
    pytest.param(b"x = " + b"-" * 100_000 + b"1\n", "nested too deeply", id="absurd nesting"),
]


@pytest.mark.parametrize(("data", "encoding"), KEPT)
def test_what_is_read_can_be_written_back(tmp_path: Path, data: bytes, encoding: str) -> None:
    path = tmp_path / "odd.py"
    path.write_bytes(data)
    source = read_source(path)
    assert (source.data, source.encoding) == (data, encoding)
    assert source.text.encode(source.encoding) == data
    assert not source.text.startswith("\ufeff")


@pytest.mark.parametrize(("data", "reason"), REFUSED)
def test_what_cannot_be_read_is_refused_in_one_sentence(data: bytes, reason: str) -> None:
    with pytest.raises(SourceRefused, match=reason) as caught:
        parse_source(Path("odd.py"), data)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_a_folder_a_pipe_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_bytes(b"#" * 33)
    os.mkfifo(tmp_path / "pipe.py")
    for path, reason in [
        (tmp_path / "gone.py", "not there any more"),
        (tmp_path, "is a folder"),
        (tmp_path / "pipe.py", "not a regular file"),
        (tmp_path / ("x" * 300), "cannot be read: File name too long"),
        (tmp_path / "a\0b", "cannot be read: embedded null"),
    ]:
        with pytest.raises(SourceRefused, match=reason):
            read_source(path)
    with pytest.raises(SourceRefused, match="larger than 32 bytes"):
        read_source(tmp_path / "big.py", limit_bytes=32)
    assert read_source(tmp_path / "big.py", limit_bytes=33).data == b"#" * 33


def test_an_invalid_escape_is_no_warning() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert parse_source(Path("x.py"), b"x = '\\d'\n").text == "x = '\\d'\n"
    assert caught == []


def test_lines_are_counted_as_ast_counts_them() -> None:
    source = parse_source(Path("x.py"), b"a = 1\r\n\x0cb = '\x1c\xc2\x85'\rc = 3\n")
    assert [source.lines[node.lineno - 1] for node in source.tree.body] == [
        "a = 1",
        "\x0cb = '\x1c\x85'",
        "c = 3",
    ]


@given(
    st.lists(st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=20)),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "latin-1", "cp1252"]),
)
def test_any_text_makes_the_round_trip(comments: list[str], end: str, encoding: str) -> None:
    head = "" if encoding.startswith("utf-8") else f"# coding: {encoding}"
    text = end.join([head, "x = 1", *(f"# {comment}" for comment in comments), "y = 2"])
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        data = text.encode(encoding, "ignore")
    try:
        source = parse_source(Path("x.py"), data)
    except SourceRefused as error:
        # A comment in the second line may itself declare an encoding.
        assert "coding" in text.removeprefix(head) or "\r" in text, error
        return
    assert source.text.encode(source.encoding) == data


def tree(root: Path, *files: str) -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def names(root: Path, *paths: str, exclude: tuple[str, ...] = (), stubs: bool = False) -> list[str]:
    """What is found, seen from root; refusals begin with `-`."""
    return [
        f"-{one.path.relative_to(root)}" if isinstance(one, Refusal) else str(one.relative_to(root))
        for one in find_files(paths, root=root, exclude=exclude, stubs=stubs)
    ]


FILES = ("a.py", "b.txt", "pkg/__init__.py", "pkg/c.py", "pkg/c.pyi", "pkg/deep/d.py", ".venv/v.py")

FOUND = [
    pytest.param(["."], ["a.py", "pkg/__init__.py", "pkg/c.py", "pkg/deep/d.py"], id="the whole folder"),
    pytest.param(["pkg"], ["pkg/__init__.py", "pkg/c.py", "pkg/deep/d.py"], id="one folder"),
    pytest.param(["pkg", "a.py", "pkg/c.py", "./pkg/../a.py"], 4, id="each once"),
    pytest.param(["b.txt"], ["b.txt"], id="a named file is taken, whatever its name"),
    pytest.param([".venv/v.py"], [".venv/v.py"], id="a named file in an excluded folder"),
    pytest.param([".venv"], [".venv/v.py"], id="a named folder that is excluded elsewhere"),
    pytest.param(["**/*.py"], ["a.py", "pkg/__init__.py", "pkg/c.py", "pkg/deep/d.py"], id="a glob"),
    pytest.param(["pkg/*/d.py"], ["pkg/deep/d.py"], id="a glob in the middle"),
    pytest.param(["pkg/[a-c].py"], ["pkg/c.py"], id="a glob with a class"),
]


@pytest.mark.parametrize(("paths", "expected"), FOUND)
def test_files_are_found(tmp_path: Path, paths: list[str], expected: list[str] | int) -> None:
    found = names(tree(tmp_path, *FILES), *paths)
    assert found == sorted(found, key=lambda name: Path(name).parts)
    assert found == expected if isinstance(expected, list) else len(found) == expected


IGNORED = [
    pytest.param({".gitignore": "*.py\n!keep.py\n"}, ["pkg/keep.py"], id="a negation"),
    pytest.param({".gitignore": "pkg/\n"}, ["a.py"], id="a folder"),
    pytest.param({".gitignore": "/a.py\n"}, ["pkg/a.py", "pkg/keep.py"], id="an anchor"),
    pytest.param({"pkg/.gitignore": "a.py\n"}, ["a.py", "pkg/keep.py"], id="a nested one"),
    pytest.param(
        {".gitignore": "a.py\n", "pkg/.gitignore": "!a.py\n"}, ["pkg/a.py", "pkg/keep.py"], id="nested wins"
    ),
    pytest.param({".gitignore": "pkg/**\n!pkg/keep.py\n"}, ["a.py", "pkg/keep.py"], id="inside, less one"),
    pytest.param(
        {".gitignore": "*\n!pkg\n!keep.py\n"}, ["pkg/keep.py"], id="a folder is not all that is in it"
    ),
    pytest.param({".gitignore": "p*/a.py\nkeep.py/\n"}, ["a.py", "pkg/keep.py"], id="no folder of that name"),
    pytest.param({".gitignore": "**\n!*/\n!/pkg/k*\n"}, ["pkg/keep.py"], id="everything, less one"),
    pytest.param({".gitignore": "a.py   \n\\#x\n[k]eep.py\n"}, [], id="spaces at the end, escapes, classes"),
    pytest.param({".gitignore": "!\n# no\n\npkg/a.py\n"}, ["a.py", "pkg/keep.py"], id="a broken pattern"),
    pytest.param({".git/info/exclude": "pkg/\n"}, ["a.py"], id="info/exclude"),
    pytest.param(
        {".git": "gitdir: .real/trees/x", ".real/trees/x/commondir": "../..", ".real/info/exclude": "a.py"},
        ["pkg/keep.py"],
        id="info/exclude of a work tree",
    ),
]


@pytest.mark.parametrize(("ignoring", "expected"), IGNORED)
def test_gitignore_holds(tmp_path: Path, ignoring: dict[str, str], expected: list[str]) -> None:
    tree(tmp_path, "a.py", "pkg/a.py", "pkg/keep.py", *ignoring)
    for name, text in ignoring.items():
        (tmp_path / name).write_text(text)
    assert names(tmp_path, ".") == expected


ATOMS = """a.py *.py p q p/ /p /a.py * ** p/** **/q p/* /p/q p/q/ q/*/ **/a.py ?.py [ab].py [!a].py
p/**/a.py \\[x].py /** /* **/ p/**/ a.* */q""".split()


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(ATOMS)), min_size=1, max_size=5), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_git_ignores_the_same_files(patterns: list[tuple[bool, str]], nested: int) -> None:
    lines = [("!" if kept else "") + pattern for kept, pattern in patterns]
    with tempfile.TemporaryDirectory() as name:
        root = tree(
            Path(name), "a.py", "b.py", "p/a.py", "p/b.py", "p/q/a.py", "p/q/c.py", "q/p/b.py", "[x].py"
        )
        (root / ".gitignore").write_text("\n".join(lines[nested:]) + "\n")
        (root / "p" / ".gitignore").write_text("\n".join(lines[:nested]) + "\n")
        git = ["git", "-C", name, "-c", "core.excludesFile="]
        subprocess.run([*git, "init", "-q"], check=True)
        told = [*git, "ls-files", "-z", "--others", "--exclude-standard", "*.py"]
        kept_by_git = subprocess.run(told, check=True, capture_output=True, text=True).stdout.split("\0")
        assert sorted(names(root, ".")) == sorted(filter(None, kept_by_git))


def test_patterns_above_the_root_hold_up_to_the_top_of_the_repository(tmp_path: Path) -> None:
    tree(tmp_path, ".git/HEAD", "sub/a.py", "sub/x/b.py", ".gitignore")
    (tmp_path / ".gitignore").write_text("b.py\n")
    assert names(tmp_path / "sub", ".") == ["a.py"]
    (tmp_path / ".gitignore").write_text("sub/x\n")
    assert names(tmp_path / "sub", ".") == ["a.py"]
    assert names(tmp_path / "sub", "x") == ["x/b.py"], "who names an ignored folder wants it"


def test_exclude_and_stubs(tmp_path: Path) -> None:
    tree(tmp_path, *FILES)
    assert names(tmp_path, ".", exclude=("deep/", "/a.py", "!pkg")) == ["pkg/__init__.py", "pkg/c.py"]
    assert names(tmp_path, "a.py", exclude=("a.py",)) == ["a.py"]
    assert names(tmp_path, "pkg/*", stubs=True, exclude=("*.py",)) == ["pkg/c.pyi"]
    with pytest.raises(UsageError, match="exclude: '!' is no pattern"):
        names(tmp_path, ".", exclude=("*.txt", "!"))


MISSING = [
    pytest.param("nowhere.py", r"nowhere\.py does not exist", id="a file"),
    pytest.param("src/**/*.py", r"no Python file matches 'src/\*\*/\*\.py'", id="a glob in no folder"),
    pytest.param("*.txt", r"no Python file matches '\*\.txt'", id="a glob of other files"),
]


@pytest.mark.parametrize(("path", "reason"), MISSING)
def test_what_is_not_there_is_said_before_anything_is_found(tmp_path: Path, path: str, reason: str) -> None:
    tree(tmp_path, "a.py", "b.txt")
    with pytest.raises(UsageError, match=reason):
        next(find_files(["a.py", path], root=tmp_path))


def test_links(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "a.py", "pkg/b.py", "other/c.py")
    outside = tree(tmp_path / "outside", "x.py", "y/z.py")
    (root / "pkg" / "same.py").symlink_to("../a.py")
    (root / "pkg" / "out.py").symlink_to(outside / "x.py")
    (root / "pkg" / "dangling.py").symlink_to("nothing.py")
    (root / "pkg" / "self.py").symlink_to("self.py")
    (root / "loop").symlink_to(".")
    (root / "away").symlink_to(outside / "y")
    assert names(root, ".") == ["a.py", "-away", "other/c.py", "pkg/b.py", "-pkg/out.py"]
    assert names(root, "pkg/same.py", "a.py") == ["a.py"]
    assert names(root, "pkg/out.py", "away") == ["-away", "-pkg/out.py"]
    assert names(root, "pkg/dangling.py") == ["-pkg/dangling.py"]
    assert names(root, "loop/loop/pkg/b.py") == ["pkg/b.py"]
    assert names(root, "loop/pkg/*.py") == ["a.py", "pkg/b.py", "-pkg/out.py"][1:]
    reasons = [one.reason for one in find_files(["pkg"], root=root) if isinstance(one, Refusal)]
    assert reasons == ["a link to a file outside of the project"]


def test_a_path_outside_of_the_root_is_its_own_bound(tmp_path: Path) -> None:
    root = tree(tmp_path / "root", "a.py")
    tree(tmp_path / "outside", "x.py", "[y]/z.py")
    outside = tmp_path / "outside"
    assert list(find_files([outside], root=root)) == [outside / "[y]" / "z.py", outside / "x.py"]
    assert list(find_files(["../outside/x.py"], root=root)) == [outside / "x.py"]
    assert list(find_files([outside / "*.py"], root=root)) == [outside / "x.py"]
    assert list(find_files(["*.py"], root=outside / "[y]")) == [outside / "[y]" / "z.py"]


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a.py", "shut/b.py")
    scandir = os.scandir

    def refusing(path: Path) -> object:
        if Path(path).name == "shut":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr("workflow_hub.source.files.os.scandir", refusing)
    assert names(tmp_path, ".") == ["a.py", "-shut"]
