"""What changed since a docstring was written, told from a repository with two commits, or some more."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from workflow_hub.config import Docstrings
from workflow_hub.source.history import History, history
from workflow_hub.tasks.docstrings.audit import Judged, audit, severities
from workflow_hub.tasks.docstrings.stale import canonical

WHEN = "2026-01-02T12:00:00+00:00"
LATER = "2026-02-03T12:00:00+00:00"
DOC = '''
    """Boil it.

    Args:
        cup: What for.
        heat (int): How much; 3 unless you say so.

    Returns:
        int: How long.

    Raises:
        ValueError: It is negative.
    """
'''
BODY = "    if heat < 0:\n        raise ValueError\n    return heat\n"
OLD = f"def boil(cup, heat: int = 3) -> int:{DOC}{BODY}"

# (the code then, what is replaced in it by what, what is said of it)
CASES = {
    "nothing": (OLD, {}, None),
    "lines around": (OLD, {"def boil": "import os\n\n\ndef boil"}, None),
    "code that the docstring does not speak of": (OLD, {"return heat": "return heat + 1"}, None),
    "a parameter": (OLD, {"heat: int = 3": "heat: int = 3, timeout=1"}, "parameter timeout added"),
    "a parameter that goes": (OLD, {"cup, ": ""}, "parameter cup removed"),
    "a parameter by another name": (OLD, {"(cup,": "(pot,"}, "parameter cup renamed to pot"),
    "a hidden parameter": (OLD, {"heat: int = 3": "heat: int = 3, _x=1"}, None),
    "a default that is told": (OLD, {"int = 3": "int = 4"}, "default of heat changed from 3 to 4"),
    "a default that goes": (OLD, {"int = 3": "int"}, "default of heat changed from 3 to none"),
    "a default that is not told": (OLD.replace("; 3", "; it"), {"int = 3": "int = 4"}, None),
    "a type that is told": (OLD, {"heat: int": "heat: float"}, "type of heat changed from int to float"),
    "a type that is not told": (OLD.replace(" (int)", ""), {"heat: int": "heat: float"}, None),
    "another return type": (OLD, {"-> int": "-> str"}, "what is returned changed from int to str"),
    "no return value": (OLD, {"-> int": "-> None", "return heat": "return"}, "nothing is returned any more"),
    "a generator": (OLD, {" -> int": "", "return heat": "yield heat"}, "it yields now"),
    "an exception that goes": (
        OLD,
        {"if heat < 0:\n        raise ValueError": "heat"},
        "ValueError is not raised any more",
    ),
    "an exception that a new call may raise": (
        OLD,
        {"if heat < 0:\n        raise ValueError": "checked(heat)"},
        None,
    ),
    "an exception that became another": (
        OLD,
        {"raise ValueError": "raise KeyError"},
        "ValueError is not raised any more, KeyError is raised",
    ),
    "a subclass": (OLD, {"raise ValueError": "raise UnicodeError"}, None),
    "a value": (
        f'def f(a):\n    """Do it.\n\n    Args:\n        a: x\n    """\n    {"a"}\n',
        {"\n    a\n": "\n    return a\n"},
        "a value is returned now",
    ),
    "two things": (
        OLD,
        {"cup, heat: int": "heat: float"},
        "parameter cup removed, type of heat changed from int to float",
    ),
    "a summary": ('def f(a):\n    """Boil it."""\n', {"(a)": "(a, b)"}, None),
    "a summary that names a parameter": (
        'def f(cup):\n    """Boil it for `cup`."""\n',
        {"(cup)": "(pot)"},
        "parameter cup renamed to pot",
    ),
    "a docstring that was mended": (OLD, {"cup": "pot", "heat < 0": "heat < 1"}, None),
    "another spelling of a type": (
        OLD.replace("-> int", "-> Optional[List[int]]").replace("int: How long", "Optional[List[int]]: x"),
        {"-> Optional[List[int]]": "-> None | list[int]"},
        None,
    ),
    "a function by another name": (OLD, {"def boil(cup": "def cook(pot"}, None),
    "two of one name": (OLD + "\n\n" + OLD, {"(cup,": "(pot,"}, None),
    "a method": (
        "class A:\n    A = 1\n\n" + "\n".join("    " + line if line else "" for line in OLD.split("\n")),
        {"(cup,": "(self, cup, pot,"},
        "parameter pot added",
    ),
}


def git(*arguments: str, cwd: Path, when: str = WHEN) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    dates = {"GIT_COMMITTER_DATE": when, "GIT_AUTHOR_DATE": when}
    done = subprocess.run(
        ["git", *who, *arguments], cwd=cwd, capture_output=True, check=True, env={**os.environ, **dates}
    )
    return done.stdout.decode().strip()


def commit(folder: Path, when: str = WHEN) -> str:
    git("add", "--all", cwd=folder)
    git("commit", "-q", "--allow-empty", "-m", "x", cwd=folder, when=when)
    return git("rev-parse", "--short=7", "HEAD", cwd=folder)


def told(folder: Path, *names: str) -> dict[str, str]:
    """What is said of staleness, by file."""
    past = history(folder)
    assert isinstance(past, History), past
    settings = Docstrings()
    paths = [folder / name for name in names] or sorted(folder.glob("*.py"))
    judged = audit(paths, folder, settings, severities(settings, str), None, past)
    found = [finding for one in judged if isinstance(one, Judged) for finding in one.findings]
    return {one.path: one.message for one in found if one.rule == "docstring-stale"}


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """The commit with all cases as they were, and what is said of them as they are."""
    folder = tmp_path_factory.mktemp("cases")
    git("init", "-q", cwd=folder)
    for name, (old, _, _) in CASES.items():
        (folder / f"{name}.py").write_text(old)
    then = commit(folder)
    for name, (old, edits, _) in CASES.items():
        new = old
        for one, other in edits.items():
            assert one in new
            new = new.replace(one, other)
        (folder / f"{name}.py").write_text(new)
    return then, told(folder)


@pytest.mark.parametrize("name", CASES)
def test_what_changed_is_told_with_the_commit_that_wrote_the_docstring(
    cases: tuple[str, dict[str, str]], name: str
) -> None:
    then, messages = cases
    expected = CASES[name][2]
    message = messages.get(f"{name}.py")
    if expected is None:
        assert message is None
    else:
        assert message is not None and message.startswith("the docstring of function ")
        assert message.endswith(f" is stale: {expected} since the docstring was written ({then}, 2026-01-02)")


@pytest.fixture
def repo(project: Path) -> Path:
    git("init", "-q", "-b", "main", cwd=project)
    (project / "a.py").write_text(OLD)
    commit(project)
    return project


def test_a_docstring_is_as_old_as_its_newest_line(repo: Path) -> None:
    (repo / "a.py").write_text(OLD.replace("(cup,", "(pot,"))
    assert "renamed to pot" in told(repo)["a.py"]
    commit(repo, LATER)
    assert "2026-01-02" in told(repo)["a.py"]
    (repo / "a.py").write_text((repo / "a.py").read_text().replace("Boil it.", "Boil it well."))
    assert told(repo) == {}, "who edits it has read it"
    fresh = commit(repo, LATER)
    assert told(repo) == {}
    (repo / "a.py").write_text((repo / "a.py").read_text().replace("int = 3", "int = 5"))
    assert f"({fresh}, 2026-02-03)" in told(repo)["a.py"]


def test_an_indentation_is_no_new_word(repo: Path) -> None:
    moved = "class A:\n" + "".join(f"    {line}\n" if line else "\n" for line in OLD.split("\n"))
    (repo / "a.py").write_text("def g(): ...\n\n\n" + OLD.replace("\n\n    Args", "  \n\n    Args"))
    commit(repo, LATER)
    (repo / "a.py").write_text("def g(): ...\n\n\n" + OLD.replace("(cup,", "(pot,"))
    assert "2026-01-02" in told(repo)["a.py"]
    (repo / "a.py").write_text(moved.replace("(cup,", "(pot,"))
    assert told(repo) == {}, "it was no method then"


NAMES = ["with space.py", 'quo"te.py', "naïve 名.py", "back\\slash.py", "tab\t.py"]


def test_renames_are_followed_whatever_the_names_are(repo: Path) -> None:
    git("config", "core.quotepath", "false", cwd=repo)
    git("config", "--global", "blame.ignoreRevsFile", "/nowhere/revs", cwd=repo)
    git("config", "diff.renames", "false", cwd=repo)
    last = "a.py"
    for name in NAMES:
        git("mv", last, name, cwd=repo)
        commit(repo, LATER)
        last = name
        (repo / name).write_text(OLD.replace("(cup,", "(pot,"))
        assert "2026-01-02" in told(repo, name)[name]
        (repo / name).write_text(OLD)
    (repo / "b.py").write_text(OLD.replace("(cup,", "(pot,"))
    assert told(repo) == {}, "what was never committed has no past"


def test_line_ends_of_a_kind_that_git_does_not_know_are_left_alone(repo: Path) -> None:
    (repo / "a.py").write_bytes(OLD.replace("(cup,", "(pot,").replace("\n", "\r").encode())
    assert told(repo) == {}
    (repo / "a.py").write_bytes(OLD.replace("(cup,", "(pot,").replace("\n", "\r\n").encode())
    assert "renamed" in told(repo)["a.py"]


def test_a_former_content_that_is_no_python_tells_nothing(repo: Path) -> None:
    (repo / "b.py").write_text(f"not python(\n\n\n{OLD}")
    commit(repo, LATER)
    (repo / "b.py").write_text(OLD.replace("(cup,", "(pot,"))
    assert told(repo) == {}


def test_where_there_is_no_history_the_reason_is_told(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(repo, LATER)
    git("clone", "-q", "--depth=1", f"file://{repo}", str(tmp_path / "clone"), cwd=tmp_path)
    assert history(tmp_path / "clone") == "the clone is shallow; `git fetch --unshallow` brings its history"
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    assert "not a git repository" in str(history(tmp_path))


SPELLINGS = [
    pytest.param("Optional[int]", "int | None", id="optional"),
    pytest.param("typing.Union[str, 'shop.Cart']", "Cart | str", id="union"),
    pytest.param("t.Dict[str, List[int]]", "dict[str, list[int]]", id="builtin"),
    pytest.param("'list[Optional[int]]'", "List[None | int]", id="quoted"),
    pytest.param("collections.abc.Iterator[int]", "Iterator[int]", id="modules"),
    pytest.param("Union[int]", "int", id="one"),
    pytest.param("Callable[[int], str]", "typing.Callable[[int], str]", id="callable"),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_spellings_of_one_type_are_one(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


def test_what_is_no_expression_stays_as_it_is() -> None:
    assert (canonical(None), canonical("'not a type'"), canonical("int") == canonical("str")) == (
        None,
        "'not a type'",
        False,
    )
