"""A copy to work in, on real repositories: what is in it, what differs, and what is taken over."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflow_hub.errors import SetupError, SourceRefused, UsageError
from workflow_hub.providers.goose.copy import copied, difference, take_over
from workflow_hub.values import Files

Tree = Mapping[str, tuple[int, bytes]]
Change = Callable[[Path], object]
BINARY = bytes(range(256)) * 40
START = {
    "shop/cart.py": "total = 1\n" * 20,
    "shop/ü 日.txt": "höhe\n",
    "readme.md": "hello\r\n",
    "tool.sh": "#!/bin/sh\n",
    "old.txt": "gone soon\n",
    "build/kept.txt": "tracked, though ignored\n",
    ".gitignore": "build/\n*.log\n",
    ".gitattributes": "*.txt text eol=crlf ident\n*.md -diff\n",
}


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode()


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def tree(folder: Path, *, without: str = ".git") -> Tree:
    """Every file and link below the folder: whether it may be run, and its content."""
    found = {}
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != without]
        for name in [*files, *(name for name in folders if Path(here, name).is_symlink())]:
            path = Path(here, name)
            if name == without or not (path.is_file() or path.is_symlink()):
                continue
            content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
            mode = 0 if path.is_symlink() else path.stat().st_mode & 0o777
            found[str(path.relative_to(folder))] = (mode, content)
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A work tree with commits, a stash, and changes of every kind that are not committed."""
    folder = tmp_path / "repository"
    write(folder, START)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "core.autocrlf", "true")
    git(folder, "add", "-A", "-f")
    git(folder, "commit", "-qm", "first")
    git(folder, "branch", "other")
    write(folder, {"tool.sh": "stashed"})
    git(folder, "stash")
    (folder / "old.txt").unlink()
    write(folder, {"shop/cart.py": "total = 2\n" * 20, "shop/staged.py": "staged\n"})
    git(folder, "add", "shop/staged.py")
    write(folder, {"shop/new.py": "untracked\n", "trace.log": "ignored", "shop/pic.bin": BINARY})
    (folder / "link").symlink_to("shop/cart.py")
    (folder / "tool.sh").chmod(0o755)
    return folder


def test_the_copy_holds_what_the_user_has(repository: Path, tmp_path: Path) -> None:
    before = tree(repository, without="")
    copy = copied(repository / "shop", tmp_path)
    assert copy.folder == tmp_path / "tree" / "shop"
    assert tree(copy.tree) == {path: held for path, held in tree(repository).items() if path != "trace.log"}
    assert git(copy.tree, "status", "--porcelain") == git(repository, "status", "--porcelain")
    assert git(copy.tree, "log", "--format=%s", "other", "main") == "first\n"
    assert git(copy.tree, "branch", "--show-current") == "main\n"
    assert git(copy.tree, "remote") == git(copy.tree, "stash", "list") == ""
    assert difference(copy).patch == b""
    assert copy.notes == ()
    assert tree(repository, without="") == before, "nothing of the user's repository is touched"


def agents_git(folder: Path) -> None:
    """All that would show in the user's repository, were it one work tree of it."""
    write(folder, {"by-agent.txt": "x\n"})
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "by the agent")
    git(folder, "branch", "agents")
    write(folder, {"by-agent.txt": "y\n"})
    git(folder, "stash")
    git(folder, "branch", "-D", "other")


def test_the_agents_git_is_its_own(repository: Path, tmp_path: Path) -> None:
    before = tree(repository, without="")
    copy = copied(repository, tmp_path)
    agents_git(copy.folder)
    assert difference(copy).files == Files(created=("by-agent.txt",))
    assert tree(repository, without="") == before


def to_a_folder(folder: Path) -> None:
    (folder / "tool.sh").unlink()
    write(folder, {"tool.sh/main.sh": "new\n"})


def to_a_file(folder: Path) -> None:
    shutil.rmtree(folder / "shop")
    write(folder, {"shop": "no folder any more\n"})


def to_a_link(folder: Path) -> None:
    (folder / "readme.md").unlink()
    (folder / "readme.md").symlink_to("tool.sh")


def folder_to_a_link(folder: Path) -> None:
    shutil.move(folder / "shop", folder / "store")
    (folder / "shop").symlink_to("store")


CHANGES = [
    pytest.param(lambda folder: None, Files(), id="nothing"),
    pytest.param(lambda folder: write(folder, {"x.log": "ignored"}), Files(), id="ignored"),
    pytest.param(lambda folder: (folder / "empty").mkdir(), Files(), id="an empty folder"),
    pytest.param(lambda folder: os.mkfifo(folder / "pipe"), Files(), id="a pipe"),
    pytest.param(
        lambda folder: write(folder, {'a/ö\n\t"é.txt': "x", "empty": ""}),
        Files(created=('a/ö\n\t"é.txt', "empty")),
        id="created",
    ),
    pytest.param(
        lambda folder: (folder / "build" / "kept.txt").write_text("x"),
        Files(changed=("build/kept.txt",)),
        id="tracked though ignored",
    ),
    pytest.param(
        lambda folder: write(folder, {"shop/pic.bin": BINARY[::-1], "new.bin": BINARY}),
        Files(created=("new.bin",), changed=("shop/pic.bin",)),
        id="binary",
    ),
    pytest.param(
        lambda folder: write(folder, {"readme.md": "hello\n", "shop/ü 日.txt": "höhe\r\n$Id$\n"}),
        Files(changed=("readme.md", "shop/ü 日.txt")),
        id="line ends",
    ),
    pytest.param(
        lambda folder: (folder / "shop" / "cart.py").rename(folder / "cart.py"),
        Files(created=("cart.py",), deleted=("shop/cart.py",)),
        id="renamed",
    ),
    pytest.param(lambda folder: (folder / "tool.sh").chmod(0o644), Files(changed=("tool.sh",)), id="mode"),
    pytest.param(lambda folder: (folder / "link").unlink(), Files(deleted=("link",)), id="a link deleted"),
    pytest.param(to_a_link, Files(changed=("readme.md",)), id="a file becomes a link"),
    pytest.param(
        to_a_folder, Files(created=("tool.sh/main.sh",), deleted=("tool.sh",)), id="a file becomes a folder"
    ),
    pytest.param(
        to_a_file,
        Files(
            created=("shop",),
            deleted=("shop/cart.py", "shop/new.py", "shop/pic.bin", "shop/staged.py", "shop/ü 日.txt"),
        ),
        id="a folder becomes a file",
    ),
    pytest.param(
        folder_to_a_link,
        Files(
            created=(
                "shop",
                "store/cart.py",
                "store/new.py",
                "store/pic.bin",
                "store/staged.py",
                "store/ü 日.txt",
            ),
            deleted=("shop/cart.py", "shop/new.py", "shop/pic.bin", "shop/staged.py", "shop/ü 日.txt"),
        ),
        id="a folder becomes a link",
    ),
]


@pytest.mark.parametrize(("change", "files"), CHANGES)
def test_what_was_changed_is_told_and_taken_over(
    repository: Path, tmp_path: Path, change: Change, files: Files
) -> None:
    copy = copied(repository, tmp_path)
    change(copy.folder)
    found = difference(copy)
    assert found.files == files
    expected = kept(copy.tree)
    assert applied_by_git(repository, tmp_path / "by-git", found.patch) == expected
    index = (repository / ".git" / "index").read_bytes()
    take_over(copy, found)
    assert kept(repository) == expected
    assert (repository / ".git" / "index").read_bytes() == index


def kept(folder: Path) -> Tree:
    return {name: held for name, held in tree(folder).items() if not name.endswith(".log")}


def applied_by_git(repository: Path, folder: Path, patch: bytes) -> Tree:
    """What `git apply` makes of a patch in the same work tree, where bytes stay as they are."""
    shutil.copytree(repository, folder, symlinks=True)
    if patch:
        subprocess.run(["git", "apply", "--check"], cwd=folder, input=patch, check=True)
        write(folder, {".git/info/attributes": "* -text -ident\n"})
        subprocess.run(["git", "apply", "--whitespace=nowarn"], cwd=folder, input=patch, check=True)
    return kept(folder)


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: "/".join(f"n{part}" for part in parts))
CONTENTS = st.one_of(st.binary(max_size=40), st.text("a \t\r\n$Id:", max_size=40).map(str.encode))


TREES = st.dictionaries(PATHS, CONTENTS, max_size=3)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=TREES, after=TREES)
def test_any_names_and_bytes(
    tmp_path_factory: pytest.TempPathFactory, before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    place = tmp_path_factory.mktemp("any")
    repository = place / "repository"
    repository.mkdir()
    git(repository, "init", "-q")
    write_where_possible(repository, before)
    copy = copied(repository, place)
    for path in before.keys() - after.keys():
        (copy.tree / path).unlink(missing_ok=True)
    write_where_possible(copy.tree, after)
    found = difference(copy)
    expected = tree(copy.tree)
    assert applied_by_git(repository, place / "by-git", found.patch) == expected
    take_over(copy, found)
    assert tree(repository) == expected


def write_where_possible(folder: Path, files: Mapping[str, bytes]) -> None:
    """A name may be that of a folder above another one."""
    for name, content in files.items():
        try:
            write(folder, {name: content})
        except OSError:
            continue


def user_replaces_a_folder_by_a_link(folder: Path) -> None:
    shutil.move(folder / "shop", folder.parent / "elsewhere")
    (folder / "shop").symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize(
    ("users", "agents", "named"),
    [
        pytest.param(
            lambda folder: write(folder, {"shop/cart.py": "mine"}),
            lambda folder: write(folder, {"shop/cart.py": "the agent's", "readme.md": "x"}),
            "shop/cart.py",
            id="both changed it",
        ),
        pytest.param(
            lambda folder: (folder / "readme.md").unlink(),
            lambda folder: write(folder, {"readme.md": "x"}),
            "readme.md",
            id="deleted",
        ),
        pytest.param(
            lambda folder: write(folder, {"readme.md": "mine"}),
            lambda folder: (folder / "readme.md").unlink(),
            "readme.md",
            id="to be deleted, but changed",
        ),
        pytest.param(
            lambda folder: write(folder, {"fresh": "mine"}),
            lambda folder: write(folder, {"fresh": "the agent's"}),
            "fresh",
            id="both created it",
        ),
        pytest.param(
            lambda folder: write(folder, {"fresh/mine": "x"}),
            lambda folder: write(folder, {"fresh": "x"}),
            "fresh",
            id="a folder where a file is to be",
        ),
        pytest.param(
            lambda folder: write(folder, {"fresh": "x"}),
            lambda folder: write(folder, {"fresh/file": "x"}),
            "fresh/file",
            id="a file where a folder is to be",
        ),
        pytest.param(
            user_replaces_a_folder_by_a_link,
            lambda folder: write(folder, {"shop/cart.py": "x"}),
            "shop/cart.py",
            id="what was there is behind a link now",
        ),
        pytest.param(
            lambda folder: (folder / "out").symlink_to(".."),
            lambda folder: write(folder, {"out/fresh": "x"}),
            "out/fresh",
            id="a link leads out",
        ),
        pytest.param(
            lambda folder: (folder / "tool.sh").chmod(0o644),
            lambda folder: write(folder, {"tool.sh": "x"}),
            "tool.sh",
            id="mode",
        ),
        pytest.param(
            lambda folder: write(folder, {f"n{nth}": "mine" for nth in range(7)}),
            lambda folder: write(folder, {f"n{nth}": "" for nth in range(7)}),
            "n0, n1, n2, n3, n4 and 2 more",
            id="many",
        ),
    ],
)
def test_what_the_user_changed_meanwhile_is_left_alone(
    repository: Path, tmp_path: Path, users: Change, agents: Change, named: str
) -> None:
    copy = copied(repository, tmp_path)
    users(repository)
    before = tree(repository, without="")
    agents(copy.folder)
    found = difference(copy)
    with pytest.raises(SourceRefused) as refused:
        take_over(copy, found)
    assert str(refused.value) == (
        f"changed while the agent worked on a copy: {named}; nothing was taken over, the patch is kept"
    )
    assert tree(repository, without="") == before


def test_what_the_agent_left_alone_may_have_changed(repository: Path, tmp_path: Path) -> None:
    copy = copied(repository, tmp_path)
    write(repository, {"shop/cart.py": "mine"})
    write(copy.folder, {"fresh": "x"})
    (repository / "fresh").mkdir()  # of which git, and so the copy, knows nothing
    take_over(copy, difference(copy))
    assert (repository / "shop" / "cart.py").read_text() == "mine"
    assert (repository / "fresh").read_text() == "x"


def test_what_fails_in_the_midst_says_how_far_it_came(repository: Path, tmp_path: Path) -> None:
    copy = copied(repository, tmp_path)
    write(copy.folder, {"a": "x", "b": "x"})
    found = difference(copy)
    (found.result / "b").unlink()
    with pytest.raises(SourceRefused, match="b: No such file or directory; 1 of 2 files were taken over"):
        take_over(copy, found)
    assert (repository / "a").read_text() == "x"


def no_commit(folder: Path) -> Path:
    git(folder, "init", "-q")
    return folder


def detached(folder: Path) -> Path:
    git(no_commit(folder), "commit", "-q", "--allow-empty", "-m", "x")
    git(folder, "checkout", "-q", "--detach")
    return folder


def second_work_tree(folder: Path) -> Path:
    git(detached(folder), "worktree", "add", "-q", "../second")
    return folder.parent / "second"


def other_hashes(folder: Path) -> Path:
    git(folder, "init", "-q", "--object-format=sha256")
    git(folder, "commit", "-q", "--allow-empty", "-m", "x")
    return folder


def shallow(folder: Path) -> Path:
    other_hashes(folder)
    git(folder, "commit", "-q", "--allow-empty", "-m", "y")
    git(folder.parent, "clone", "-q", "--depth", "1", folder.as_uri(), "shallow")
    return folder.parent / "shallow"


@pytest.mark.parametrize("make", [no_commit, detached, second_work_tree, other_hashes, shallow])
def test_repositories_of_every_kind(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    (tmp_path / "first").mkdir()
    folder = make(tmp_path / "first")
    write(folder, {"mine.txt": "x", "sub folder/y": "y"})
    git(folder, "add", "mine.txt")
    before = git(folder, "status", "--porcelain")
    copy = copied(folder / "sub folder", tmp_path)
    assert git(copy.tree, "status", "--porcelain") == before
    assert git(copy.tree, "log", "--all", "--format=%s") == git(folder, "log", "--all", "--format=%s")
    write(copy.folder, {"z": "z"})
    take_over(copy, difference(copy))
    assert (folder / "sub folder" / "z").read_text() == "z"


def test_repositories_inside_stay_out(repository: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    write(inner, {"x": "x"})
    git(inner, "init", "-q")
    git(inner, "add", ".")
    git(inner, "commit", "-qm", "x")
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "module")
    shutil.copytree(inner, repository / "nested")
    copy = copied(repository, tmp_path)
    assert copy.notes == ("repositories of their own, and so not in the copy: nested, module",)
    assert not list((copy.tree / "module").iterdir())
    shutil.copytree(inner, copy.tree / "cloned")
    assert difference(copy).patch == b""


def test_a_hook_of_git_may_have_started_us(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "wrong"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "wrong"))
    copy = copied(repository, tmp_path)
    write(copy.folder, {"z": "z"})
    assert difference(copy).files.created == ("z",)


def test_settings_of_the_copy_start_nothing_of_ours(repository: Path, tmp_path: Path) -> None:
    """An agent that may write to the copy's `.git` must not have us run what it names there."""
    copy = copied(repository, tmp_path)
    mark = f"touch {tmp_path / 'mark'}"
    for setting in ("core.fsmonitor", "filter.x.clean", "diff.external", "diff.x.textconv"):
        git(copy.tree, "config", setting, mark)
    write(copy.folder, {".gitattributes": "* filter=x diff=x\n", "readme.md": "changed"})
    found = difference(copy)
    take_over(copy, found)
    assert not (tmp_path / "mark").exists()
    assert b"+changed" in found.patch


@pytest.mark.parametrize(
    ("of", "error", "says"),
    [
        pytest.param(
            lambda repository: repository.parent,
            UsageError,
            "{} is in no git work tree, so there is no copy of it to work in; work in place",
            id="no repository",
        ),
        pytest.param(
            lambda repository: repository / ".git",
            UsageError,
            "{} is in no git work tree, so there is no copy of it to work in; work in place",
            id="not its files",
        ),
        pytest.param(
            lambda repository: repository / "all.log",
            UsageError,
            "git ignores {}, so nothing of it would be in a copy; work in place",
            id="ignored",
        ),
    ],
)
def test_no_copy(
    repository: Path, tmp_path: Path, of: Callable[[Path], Path], error: type[Exception], says: str
) -> None:
    folder = of(repository)
    folder.mkdir(exist_ok=True)
    with pytest.raises(error) as raised:
        copied(folder, tmp_path)
    assert str(raised.value) == says.format(folder)


def test_no_git(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="git is not on this machine"):
        copied(repository, tmp_path)


def test_a_broken_repository(repository: Path, tmp_path: Path) -> None:
    write(repository, {".git/index": "broken"})
    with pytest.raises(SetupError, match=r"`git ls-files` failed in .*: .*index"):
        copied(repository, tmp_path)


def test_a_file_that_cannot_be_copied(repository: Path, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(BINARY) - 1, before[1]))
    try:
        with pytest.raises(SourceRefused, match=r"pic\.bin cannot be copied: File too large"):
            copied(repository, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
