"""What has changed, as real git has it, in repositories of every shape and with settings of any kind."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import UsageError
from workflow_hub.source.changed import Changes, changed_since, staged
from workflow_hub.source.files import SourceFile, parse_source
from workflow_hub.source.git import GitRefused, repository
from workflow_hub.source.proof import same_but_docstrings
from workflow_hub.source.symbols import symbols

BEFORE = '''\
"""A shop."""

import os


@cached
def price(item):
    """The price."""
    return item.price  # net


class Cart:
    """A cart."""

    def add(self, line):
        """Add a line."""
        self.lines.append(line)

    def total(self):
        return sum(self.lines)


def last(items):
    first = items[0]
    return items[-1]
'''

# (what is changed to what, the symbols that count as changed; a module and a class hold what is in them)
EDITS = [
    pytest.param("", "", [], id="nothing"),
    pytest.param("return item.price", "return item.cost", ["", "price"], id="a line of the body"),
    pytest.param("# net", "# gross", [], id="a comment"),
    pytest.param("The price.", "What it costs.", [], id="a docstring"),
    pytest.param('    """The price."""\n', "", [], id="a docstring that goes"),
    pytest.param("import os\n", "import os\n\n\n\n", [], id="blank lines"),
    pytest.param("import os", "import sys", [""], id="only what is around"),
    pytest.param("@cached\n", "", ["", "price"], id="a decorator that goes"),
    pytest.param("@cached", "@cached(1)", ["", "price"], id="a decorator"),
    pytest.param("def price(item)", "def price(item, tax=0)", ["", "price"], id="the signature"),
    pytest.param("def price(", "def cost(", ["", "cost"], id="another name"),
    pytest.param("sum(self.lines)", "len(self.lines)", ["", "Cart", "Cart.total"], id="a method"),
    pytest.param(
        "        self.lines.append(line)\n", "", ["", "Cart", "Cart.add"], id="a last line that goes"
    ),
    pytest.param("    return items[-1]\n", "", ["", "last"], id="the last line of the file goes"),
    pytest.param("\n    first = items[0]\n    ", "\n\n    ", ["", "last"], id="a line in between goes"),
    pytest.param("class Cart:", "class Basket:", ["", "Basket", "Basket.add", "Basket.total"], id="a class"),
    pytest.param(BEFORE, "def new(): ...\n" + BEFORE, ["", "new"], id="something new above"),
    pytest.param(BEFORE, BEFORE.replace("\n", "\r\n"), [], id="line ends"),
]

ODD_NAMES = [
    "with space.py",
    'quo"te.py',
    "back\\slash.py",
    "tab\tand\nline.py",
    "naïve 名.py",
    "-dash.py",
    ":colon.py",
    "[glob]*.py",
    os.fsdecode(b"latin-\xe9.py"),
    "{old => new}.py",
]

# Settings of a user that change what git prints, or run programs.
SETTINGS = {
    "core.quotepath": "true",
    "core.fsmonitor": "/nowhere/monitor",
    "color.ui": "always",
    "diff.external": "/nowhere/diff",
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "diff.relative": "true",
    "diff.renames": "false",
    "diff.renameLimit": "1",
    "diff.orderFile": "/nowhere/order",
    "diff.python.textconv": "/nowhere/textconv",
    "diff.autoRefreshIndex": "false",
    "diff.wordRegex": ".",
    "status.showUntrackedFiles": "no",
    "core.pager": "/nowhere/pager",
}


def git(*arguments: str, cwd: Path) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    done = subprocess.run(["git", *who, *arguments], cwd=cwd, capture_output=True, check=True)
    return done.stdout.decode().strip()


def commit(folder: Path, message: str = "more") -> str:
    git("add", "--all", cwd=folder)
    git("commit", "-q", "-m", message, cwd=folder)
    return git("rev-parse", "HEAD", cwd=folder)


@pytest.fixture
def repo(project: Path) -> Path:
    """A repository with one commit of one file."""
    git("init", "-q", "-b", "main", cwd=project)
    (project / "shop.py").write_text(BEFORE)
    commit(project)
    return project


def touched(changes: Changes) -> dict[str, list[str]]:
    """The changed symbols of each changed file, by its name below the top."""
    return {
        path.relative_to(changes.repository.top).as_posix(): names(changes, changes.read(path))
        for path in changes.among(sorted(changes.files))
        if path.suffix == ".py"
    }


def names(changes: Changes, source: SourceFile) -> list[str]:
    return [symbol.qualname for symbol in symbols(source) if changes.touches(symbol)]


@pytest.mark.parametrize(("old", "new", "expected"), EDITS)
def test_a_symbol_is_changed_when_its_code_is(repo: Path, old: str, new: str, expected: list[str]) -> None:
    assert old in BEFORE
    (repo / "shop.py").write_bytes(BEFORE.replace(old, new, 1).encode())
    found = touched(changed_since(repo))
    assert found == ({} if old == new else {"shop.py": expected})


@given(
    st.lists(st.integers(0, BEFORE.count("\n") - 1), unique=True, max_size=6),
    st.sampled_from(["# x", "", "   # y"]),
)
def test_lines_that_say_nothing_change_nothing(rows: list[int], blank: str) -> None:
    lines = BEFORE.split("\n")
    for row in sorted(rows, reverse=True):
        lines.insert(row, blank)
    before, after = (
        parse_source(Path("a.py"), BEFORE.encode()),
        parse_source(Path("a.py"), "\n".join(lines).encode()),
    )
    assert same_but_docstrings(before.tree, after.tree) is not None


def test_names_of_any_kind_and_settings_of_any_kind(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ODD_NAMES:
        (repo / name).write_text(BEFORE)
    commit(repo)
    (repo / ".gitattributes").write_text("*.py diff=python\n")
    for key, value in SETTINGS.items():
        git("config", key, value, cwd=repo)
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "/nowhere/diff")
    monkeypatch.setenv("GIT_LITERAL_PATHSPECS", "1")
    for name in ODD_NAMES:
        (repo / name).write_text(BEFORE + "\n\ndef new(): ...\n")
        (repo / ("new " + name.replace("\\", ""))).write_text("def fresh(): ...\n")
    here = repo / "inner"
    here.mkdir()
    found = touched(changed_since(here))
    assert {name: found[name] for name in ODD_NAMES} == {name: ["", "new"] for name in ODD_NAMES}
    assert sum(value == ["", "fresh"] for value in found.values()) == len(ODD_NAMES)
    git("add", "--all", cwd=repo)
    assert touched(staged(here)) == found


def test_against_a_revision_means_since_head_parted_from_it(repo: Path) -> None:
    git("switch", "-q", "-c", "topic", cwd=repo)
    (repo / "shop.py").write_text(BEFORE.replace("item.price", "item.cost"))
    commit(repo)
    git("switch", "-q", "main", cwd=repo)
    (repo / "shop.py").write_text(BEFORE.replace("items[-1]", "items[-2]"))
    commit(repo)
    git("switch", "-q", "topic", cwd=repo)
    (repo / "untracked.py").write_text("def fresh(): ...\n")
    expected = {"shop.py": ["", "price"], "untracked.py": ["", "fresh"]}
    assert touched(changed_since(repo, "main")) == expected
    git("switch", "-q", "--detach", cwd=repo)
    assert touched(changed_since(repo, "main")) == expected
    assert touched(changed_since(repo)) == {"untracked.py": ["", "fresh"]}


def test_a_renamed_file_is_compared_with_what_it_was(repo: Path) -> None:
    git("mv", "shop.py", "store.py", cwd=repo)
    (repo / "store.py").write_text(BEFORE.replace("item.price", "item.cost"))
    assert touched(changed_since(repo)) == {"store.py": ["", "price"]}
    commit(repo)
    assert touched(changed_since(repo, "HEAD~1")) == {"store.py": ["", "price"]}


def test_what_is_staged_counts_and_not_what_is_on_disk(repo: Path) -> None:
    (repo / "shop.py").write_text(BEFORE.replace("item.price", "item.cost"))
    (repo / "same.py").write_text("def same(): ...\n")
    git("add", "--all", cwd=repo)
    (repo / "shop.py").write_text("not python(")
    (repo / "untracked.py").write_text("def fresh(): ...\n")
    changes = staged(repo)
    assert touched(changes) == {"same.py": ["", "same"], "shop.py": ["", "price"]}
    assert list(changes.not_staged(changes.files)) == [repo.resolve() / "shop.py"]


def test_what_ran_through_a_filter_is_read_from_disk(repo: Path) -> None:
    git("config", "core.autocrlf", "true", cwd=repo)
    (repo / "shop.py").write_bytes(BEFORE.replace("item.price", "item.cost").replace("\n", "\r\n").encode())
    git("add", "--all", cwd=repo)
    changes = staged(repo)
    assert touched(changes) == {"shop.py": ["", "price"]}
    assert changes.read(repo / "shop.py").data == (repo / "shop.py").read_bytes()


def test_before_the_first_commit_everything_is_new(project: Path) -> None:
    git("init", "-q", cwd=project)
    (project / "known.py").write_text("def known(): ...\n")
    git("add", "known.py", cwd=project)
    (project / "untracked.py").write_text("def fresh(): ...\n")
    assert touched(changed_since(project)) == {"known.py": ["", "known"], "untracked.py": ["", "fresh"]}
    assert touched(staged(project)) == {"known.py": ["", "known"]}


def test_a_former_content_that_is_no_python_has_no_code(repo: Path) -> None:
    (repo / "shop.py").write_text("not python(")
    commit(repo)
    (repo / "shop.py").write_text("def f(): ...\n")
    assert touched(changed_since(repo)) == {"shop.py": ["", "f"]}


def test_a_conflict_and_a_link_and_what_is_gone(repo: Path) -> None:
    (repo / "gone.py").write_text("def gone(): ...\n")
    commit(repo)
    (repo / "gone.py").unlink()
    (repo / "link.py").symlink_to("shop.py")
    assert touched(changed_since(repo)) == touched(staged(repo)) == {}
    git("switch", "-q", "-c", "topic", cwd=repo)
    (repo / "shop.py").write_text("a = 1\n")
    commit(repo)
    git("switch", "-q", "main", cwd=repo)
    (repo / "shop.py").write_text("a = 2\n")
    commit(repo)
    assert subprocess.run(["git", "merge", "-q", "topic"], cwd=repo, capture_output=True).returncode
    (repo / "shop.py").write_text("def settled(): ...\n")
    assert touched(changed_since(repo))["shop.py"] == ["", "settled"]
    assert touched(staged(repo)) == {}, "what is in conflict is not staged"


def shallow(repo: Path, tmp_path: Path) -> Path:
    """A clone with the last commit of a branch and nothing below it, as CI makes it."""
    git("switch", "-q", "-c", "topic", cwd=repo)
    (repo / "shop.py").write_text(BEFORE.replace("item.price", "item.cost"))
    commit(repo)
    git("switch", "-q", "main", cwd=repo)
    (repo / "other.py").write_text("a = 1\n")
    commit(repo)
    clone = tmp_path / "clone"
    git("clone", "-q", "--depth=1", "--branch=topic", f"file://{repo}", str(clone), cwd=tmp_path)
    return clone


def test_a_shallow_clone_says_what_to_type_until_it_has_what_it_needs(repo: Path, tmp_path: Path) -> None:
    clone = shallow(repo, tmp_path)
    with pytest.raises(UsageError, match=r"no revision.* `git fetch --depth=100 origin main:refs") as refused:
        changed_since(clone, "origin/main")
    git(*_typed(refused.value), cwd=clone)
    git("fetch", "-q", "--depth=1", "--force", "origin", "main:refs/remotes/origin/main", cwd=clone)
    with pytest.raises(UsageError, match="no common commit in this shallow") as refused:
        changed_since(clone, "origin/main")
    git(*_typed(refused.value), cwd=clone)
    assert touched(changed_since(clone, "origin/main")) == {"shop.py": ["", "price"]}


def test_what_to_fetch_depends_on_what_is_there(repo: Path, tmp_path: Path) -> None:
    clone = shallow(repo, tmp_path)
    with pytest.raises(
        UsageError, match=r"`git fetch --depth=100 origin main:refs/\S+` and --changed=origin/main"
    ):
        changed_since(clone, "main")
    with pytest.raises(UsageError, match=r"the clone is shallow: type `git fetch --deepen=100`"):
        changed_since(clone, "HEAD~1")
    with pytest.raises(UsageError, match=r"type `git fetch origin other:refs/"):
        changed_since(repo, "origin/other")


def _typed(error: Exception) -> list[str]:
    return str(error).split("`git ")[1].partition("`")[0].split()


def unrelated(repo: Path) -> None:
    git("switch", "-q", "--orphan", "other", cwd=repo)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=repo)
    git("switch", "-q", "main", cwd=repo)


# (what is done to the repository, the revision, what the message has)
REFUSED: list[object] = [
    pytest.param(lambda repo: None, "no-such", "'no-such' is no revision", id="no revision"),
    pytest.param(lambda repo: None, "--all", "'--all' is no revision", id="an option"),
    pytest.param(lambda repo: None, "shop.py", "type `shop.py --changed`, or --changed=REF", id="a file"),
    pytest.param(lambda repo: None, "HEAD:shop.py", "is no revision", id="no commit"),
    pytest.param(lambda repo: None, "a\nb", r"'a\nb' is no revision", id="two lines"),
    pytest.param(unrelated, "other", "no common commit; name a revision", id="another history"),
]


@pytest.mark.parametrize(("prepare", "revision", "said"), REFUSED)
def test_a_revision_that_will_not_do_is_refused_in_one_line(
    repo: Path, prepare: Callable[[Path], None], revision: str, said: str
) -> None:
    prepare(repo)
    with pytest.raises(UsageError) as refused:
        changed_since(repo, revision)
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.fixture(params=["outside", "bare", "git folder", "no git"])
def nowhere(request: pytest.FixtureRequest, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.parent))
    here = project
    match request.param:
        case "bare":
            git("init", "-q", "--bare", cwd=project)
        case "git folder":
            git("init", "-q", cwd=project)
            here = project / ".git"
        case "no git":
            monkeypatch.setenv("PATH", str(project))
    yield here


def test_without_a_work_tree_the_message_says_so_in_one_line(nowhere: Path) -> None:
    for ask in (changed_since, staged):
        with pytest.raises(UsageError, match=r"git does not say .*; name what") as refused:
            ask(nowhere)
        assert "\n" not in str(refused.value)


def test_git_is_quoted_where_it_refuses(repo: Path) -> None:
    with pytest.raises(GitRefused, match="Not a valid object name nothing"):
        repository(repo).blob("nothing")
