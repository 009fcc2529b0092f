from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workflow_hub.config import Docstrings
from workflow_hub.errors import UsageError
from workflow_hub.tasks.docstrings import find
from workflow_hub.tasks.docstrings.find import (
    files,
    place_of,
    shown,
    snippet,
    style_of,
    targets,
)
from workflow_hub.tasks.docstrings.parts import Style
from workflow_hub.tasks.docstrings.task import Target
from workflow_hub.values import Failed, Skipped

CODE = '''\
def plain(a):
    return a


def partly(a):
    """Say something."""
    return a


def whole(a):
    """Say something.

    Args:
        a: thing

    Returns:
        thing
    """
    return a


class Shop:
    def __init__(self): ...
    def sell(self): ...
    def _hide(self): ...
    @property
    def size(self): return 1
    @size.setter
    def size(self, value): ...


def skipped():  # workflow-hub: skip
    ...


def outer():
    """Say."""
    def inner(): ...
'''


def write(folder: Path, **contents: str) -> None:
    for name, text in contents.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def ids(found: Iterator[Any]) -> list[str]:
    return [(one.place.id if isinstance(one, Target) else one.item.id).rpartition("::")[2] for one in found]


def found_in(folder: Path, paths: list[str] | None = None, **settings: Any) -> list[Any]:
    made = Docstrings(**settings)
    return list(targets(files(paths or ["."], folder, made), folder, made))


# (settings, the targets in CODE)
POLICIES: list[Any] = [
    pytest.param({}, "plain partly Shop.sell Shop.size", id="default"),
    pytest.param({"complete": False}, "plain Shop.sell Shop.size", id="what says something stays"),
    pytest.param({"kinds": ("classes",)}, "Shop", id="classes"),
    pytest.param({"kinds": ("modules",)}, "a.py", id="modules"),
    pytest.param({"private": True}, "plain partly Shop.sell Shop._hide Shop.size", id="private"),
    pytest.param({"dunders": True}, "plain partly Shop.__init__ Shop.sell Shop.size", id="dunders"),
    pytest.param({"setters": True}, "plain partly Shop.sell Shop.size Shop.size", id="setters"),
    pytest.param({"nested": True}, "plain partly Shop.sell Shop.size outer.<locals>.inner", id="nested"),
    pytest.param({"exclude": ("a.py",)}, "", id="excluded"),
]


@pytest.mark.parametrize(("settings", "names"), POLICIES)
def test_the_settings_say_what_is_documented(tmp_path: Path, settings: dict[str, Any], names: str) -> None:
    write(tmp_path, a=CODE)
    assert ids(iter(found_in(tmp_path, **settings))) == names.split()


def test_a_target_knows_its_place_its_facts_and_what_is_said(tmp_path: Path) -> None:
    write(tmp_path, src__a=CODE)
    plain, partly, sell, _ = found_in(tmp_path)
    assert (plain.place.id, plain.place.path, plain.place.line) == ("src/a.py::plain", "src/a.py", 1)
    assert plain.documented is None and list(plain.slots) == ["summary", "a", "returns"]
    assert partly.documented.summary and list(partly.slots) == ["a", "returns"]
    assert sell.place.id == "src/a.py::Shop.sell" and sell.facts.owner == "Shop"


def test_files_in_order_and_what_cannot_be_read_in_its_place(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project, a="def a(): ...\n", b="def b(:\n", d="def d(): ...\n")
    write(tmp_path, outside="def o(): ...\n")
    (project / "c.py").symlink_to(tmp_path / "outside.py")
    first, broken, link, last = found_in(project)
    assert (first.place.id, last.place.id) == ("a.py::a", "d.py::d")
    assert isinstance(broken, Failed) and broken.item.id == "b.py" and broken.item.line == 1
    assert str(broken.error).endswith("b.py:1: syntax error: invalid syntax")
    assert isinstance(link, Skipped) and link.reason == "a link to a file outside of the project"


def test_a_file_that_vanished_since_it_was_found_is_a_failure(tmp_path: Path) -> None:
    write(tmp_path, a="def a(): ...\n", b="def b(): ...\n")
    made = Docstrings()
    found = files(["."], tmp_path, made)
    (tmp_path / "a.py").unlink()
    gone, there = targets(found, tmp_path, made)
    assert isinstance(gone, Failed) and str(gone.error).endswith("a.py is not there any more")
    assert isinstance(there, Target)


def test_files_are_read_one_by_one_as_targets_are_wanted(tmp_path: Path) -> None:
    write(tmp_path, a="def a(): ...\n", b="def b(): ...\n")
    made = Docstrings()
    walk = targets(files(["."], tmp_path, made), tmp_path, made)
    assert isinstance(next(walk), Target)
    write(tmp_path, b="def later(): ...\n")
    assert ids(walk) == ["later"]


def test_code_that_is_nested_too_deeply_fails_alone(tmp_path: Path) -> None:
    deep = "def deep():\n    return " + "-" * 1500 + "1\n"
    write(tmp_path, a=f"{deep}\ndef plain(): ...\n")
    found = found_in(tmp_path)
    assert ids(iter(found)) == ["deep", "plain"]
    assert isinstance(found[0], Failed) and str(found[0].error).endswith(
        "a.py:1: deep is nested too deeply to be looked at"
    )
    assert isinstance(found[1], Target)


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"no\.py does not exist"):
        files(["no.py"], Path.cwd(), Docstrings())


# -- the style -----------------------------------------------------------------------------------

GOOGLE = 'def f(a):\n    """Say.\n\n    Args:\n        a: x\n    """\n'
NUMPY = 'def f(a):\n    """Say.\n\n    Parameters\n    ----------\n    a : int\n        x\n    """\n'
SPHINX = 'def f(a):\n    """Say.\n\n    :param a: x\n    """\n'
PLAIN = 'def f(a):\n    """Say."""\n'
STYLES: list[Any] = [
    pytest.param("numpy", [GOOGLE], Style.NUMPY, id="asked for"),
    pytest.param("auto", [], Style.GOOGLE, id="no files"),
    pytest.param("auto", [PLAIN], Style.GOOGLE, id="no sign of any"),
    pytest.param("auto", [NUMPY], Style.NUMPY, id="numpy"),
    pytest.param("auto", [PLAIN, SPHINX], Style.SPHINX, id="sphinx"),
    pytest.param("auto", [GOOGLE, NUMPY, NUMPY], Style.NUMPY, id="most of them"),
    pytest.param("auto", ["def broken(:\n    Args:\n", SPHINX], Style.SPHINX, id="a broken file has no vote"),
    pytest.param("auto", ["x = 1\n# Args:\n", SPHINX], Style.SPHINX, id="a comment has none either"),
]


@pytest.mark.parametrize(("asked", "texts", "style"), STYLES)
def test_the_style_is_the_one_asked_for_or_the_projects(
    tmp_path: Path, asked: Any, texts: list[str], style: Style
) -> None:
    for number, text in enumerate(texts):
        write(tmp_path, **{f"f{number}": text})
    found = [*sorted(tmp_path.glob("*.py")), tmp_path / "vanished.py", find.Refusal(tmp_path / "x", "a link")]
    assert style_of(found, Docstrings(style=asked)) == style


def test_enough_votes_decide(tmp_path: Path) -> None:
    write(tmp_path, a=NUMPY * find.VOTES, b=SPHINX * 3 * find.VOTES)
    assert style_of([tmp_path / "a.py", tmp_path / "b.py"], Docstrings()) == Style.NUMPY


# -- a snippet -----------------------------------------------------------------------------------

SNIPPETS = [
    pytest.param("def f(a): return a", "f", id="one line"),
    pytest.param("    @cached\n    async def f(self):\n        return 1\n", "f", id="indented"),
    pytest.param("import os\n\nclass C:\n    def m(self): ...\n", "C", id="the first"),
    pytest.param("if True:\n    def f(): ...\n", "f", id="under a condition"),
]


@pytest.mark.parametrize(("code", "name"), SNIPPETS)
def test_the_first_function_or_class_of_a_snippet(code: str, name: str) -> None:
    target = snippet(code)
    assert target.symbol.qualname == name
    assert (target.place.id, target.place.path) == (name, "<code>")
    assert target.documented is None


def test_a_snippet_that_says_something() -> None:
    assert snippet(PLAIN).documented is not None
    assert list(snippet(PLAIN).slots) == ["a"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param("x = 1", "there is no function or class in the code", id="none"),
        pytest.param("", "there is no function or class in the code", id="empty"),
        pytest.param("def f(:", "the code cannot be read as Python: <code>:1: syntax error", id="syntax"),
        pytest.param("def f(): '\ud800'", "the code cannot be read as Python: ", id="surrogate"),
        pytest.param("def f(): '\0'", "the code cannot be read as Python: ", id="null byte"),
    ],
)
def test_a_snippet_that_cannot_be_documented(code: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        snippet(code)
    assert str(caught.value).startswith(message)


def test_paths_are_shown_as_typed_below_the_folder_and_whole_outside(tmp_path: Path) -> None:
    assert shown(tmp_path / "a" / "b.py", tmp_path) == "a/b.py"
    assert shown(Path("/else/b.py"), tmp_path) == "/else/b.py"
    assert place_of(snippet("def f(): ...").symbol, tmp_path).id == "<code>::f"
