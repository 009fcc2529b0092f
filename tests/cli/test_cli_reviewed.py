"""`docstrings --write` keeps a record of what it wrote; `status` and `accept` read it and take off it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_help import AS_ANYBODY, Ran, at, bytes_of, each, folder_with, git, on_first, run
from doubles.dmr import DmrDouble

TEA = "def boil(kettle):\n    return kettle.heat()\n"
MORE = f"{TEA}\n\nclass Cup:\n    def pour(self, tea):\n        return tea\n"
RECORD = ".workflow-hub/docstrings.json"


def unreviewed(top: Path) -> list[str]:
    return [one["item"] for one in json.loads((top / RECORD).read_text())["unreviewed"]]


def status(top: Path) -> Ran:
    return run("docstrings", "status", "--format", "json", cwd=top)


def states(done: Ran) -> dict[str, str]:
    return {one["item"]: one["status"] for one in done.report["docstrings"]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository in whose folder `tea` three docstrings have been written, seen from there."""
    (tmp_path / "tea").mkdir()
    (tmp_path / "tea" / "a.py").write_text(MORE)
    (tmp_path / "tea" / "b.py").write_text(TEA)
    git("init", "-q", cwd=tmp_path)
    with DmrDouble() as dmr:
        done = run("docstrings", ".", "--write", cwd=tmp_path / "tea", env=at(dmr))
    assert done.messages[-1].strip().startswith("review   `workflow-hub docstrings status`")
    return tmp_path


def test_what_was_written_is_on_record_with_who_wrote_it(project: Path) -> None:
    assert unreviewed(project) == ["tea/a.py::Cup.pour", "tea/a.py::boil", "tea/b.py::boil"]
    done = run("docstrings", "status", cwd=project / "tea")
    by = "unreviewed, written by dmr ai/qwen3-coder"
    assert done.text.splitlines() == [
        f"a.py:1: boil: {by}",
        f"a.py:{line_of(project, 'pour')}: Cup.pour: {by}",
        f"b.py:1: boil: {by}",
    ]
    assert (done.code, done.messages) == (0, ["3 unreviewed, 0 edited since, 0 gone"])
    (first, *_) = status(project).report["docstrings"]
    assert first | {"prompt": ""} == {
        "item": "tea/a.py::boil",
        "path": "tea/a.py",
        "line": 1,
        "status": "unreviewed",
        "provider": "dmr",
        "model": "ai/qwen3-coder",
        "prompt": "",
    }
    assert first["prompt"].startswith("docstrings-")


def line_of(project: Path, name: str) -> int:
    lines = (project / "tea" / "a.py").read_text().splitlines()
    return 1 + next(number for number, line in enumerate(lines) if f"def {name}" in line)


def test_a_second_run_leaves_the_record_as_it_is(project: Path) -> None:
    before = (project / RECORD).read_bytes()
    with DmrDouble() as dmr:
        run("docstrings", "tea", "--write", cwd=project, env=at(dmr))
    assert (project / RECORD).read_bytes() == before


def test_what_somebody_edits_is_reviewed_and_what_goes_is_gone(project: Path) -> None:
    a, b = project / "tea" / "a.py", project / "tea" / "b.py"
    text = a.read_text()
    a.write_text("\n\n" + text.replace('"""', '"""In short: ', 1))
    b.unlink()
    done = status(project)
    assert states(done) == {
        "tea/a.py::boil": "edited",
        "tea/a.py::Cup.pour": "unreviewed",
        "tea/b.py::boil": "gone",
    }
    assert done.messages == ["1 unreviewed, 1 edited since, 1 gone"]
    a.write_text("def (:\n")
    assert states(status(project))["tea/a.py::boil"] == "unreviewed"
    a.write_text(TEA)
    assert states(status(project))["tea/a.py::boil"] == "gone"


def test_a_repair_without_words_is_no_review(project: Path) -> None:
    a = project / "tea" / "a.py"
    a.write_text(a.read_text().replace("def boil(kettle)", "def boil()").replace("kettle.heat", "heat"))
    before = (project / RECORD).read_bytes()
    with DmrDouble() as dmr:
        done = run("docstrings", "tea", "--fix-stale", "--write", cwd=project, env=at(dmr))
        assert dmr.chats == []
    assert done.code == 0 and "kettle:" not in a.read_text()
    assert (project / RECORD).read_bytes() != before
    assert states(status(project))["tea/a.py::boil"] == "unreviewed"


# (the folder that the user stands in, what is typed, what stays on record)
ACCEPTED = [
    pytest.param(".", (), [], id="everything"),
    pytest.param("tea", ("a.py",), ["tea/b.py::boil"], id="a file"),
    pytest.param(".", ("tea/",), [], id="a folder"),
    pytest.param(".", ("tea/b.py", "./tea/a.py::Cup.pour"), ["tea/a.py::boil"], id="a file and a docstring"),
    pytest.param("other", (), ["tea/a.py::Cup.pour", "tea/a.py::boil", "tea/b.py::boil"], id="elsewhere"),
    pytest.param("other", ("../tea/a.py",), ["tea/b.py::boil"], id="seen from elsewhere"),
]


@pytest.mark.parametrize(("here", "typed", "left"), ACCEPTED)
def test_accept_takes_off_the_record(
    project: Path, here: str, typed: tuple[str, ...], left: list[str]
) -> None:
    (project / "other").mkdir()
    before = bytes_of(project)
    done = run("docstrings", "accept", *typed, cwd=project / here)
    assert (done.code, unreviewed(project)) == (0, left)
    assert len(done.text.splitlines()) == 3 - len(left)
    assert done.messages == [f"{3 - len(left)} accepted"]
    assert bytes_of(project) == before
    again = run("docstrings", "accept", "--format", "json", cwd=project)
    assert again.report == {"version": 1, "accepted": left}


def test_a_gate_for_what_nobody_has_reviewed(project: Path) -> None:
    assert run("docstrings", "status", "--check", cwd=project).code == 1
    run("docstrings", "accept", cwd=project)
    assert run("docstrings", "status", "--check", cwd=project).code == 0


# (arguments, what the message says)
REFUSED = [
    pytest.param(("status", "no/where"), "nothing is on record of no/where; `", id="nothing there"),
    pytest.param(("accept", "tea/a.py::Cup"), "on record of tea/a.py::Cup;", id="no such docstring"),
    pytest.param(("accept", "../x"), "../x is outside of the project", id="outside"),
    pytest.param(("accept", "--nonsense"), "docstrings accept", id="an unknown option"),
]


def test_what_makes_no_sense_is_refused(project: Path) -> None:
    def check(arguments: tuple[str, ...], says: str) -> None:
        done = run("docstrings", *arguments, cwd=project)
        assert (done.code, done.out) == (2, b"")
        assert says in done.err

    before = (project / RECORD).read_bytes()
    each(REFUSED, check)
    assert (project / RECORD).read_bytes() == before


def test_a_folder_called_status_is_typed_as_a_path(tmp_path: Path) -> None:
    for name in ("status", "accept"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text(TEA)
    for path in ("./status", "status/", "status/a.py", "./accept"):
        assert run("docstrings", path, "--check", cwd=tmp_path).code == 1
    assert run("docstrings", "--check", "status", cwd=tmp_path).code == 1, "only where it comes first"
    done = run("docstrings", "status", cwd=tmp_path)
    assert (done.code, done.out) == (0, b"")
    assert done.messages[0] == "`status` is the command; for the path type ./status"


def test_a_setting_does_without(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(TEA)
    (tmp_path / "workflow-hub.yaml").write_text("docstrings: {provenance: false}\n")
    with DmrDouble() as dmr:
        done = run("docstrings", "a.py", "--write", cwd=tmp_path, env=at(dmr))
    assert not (tmp_path / ".workflow-hub").exists()
    assert "on record" not in done.err


def test_a_patch_is_nothing_that_was_written(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(TEA)
    with DmrDouble() as dmr:
        run("docstrings", "a.py", "--patch", "p", cwd=tmp_path, env=at(dmr))
    assert not (tmp_path / ".workflow-hub").exists()


def test_a_broken_record_is_told_before_anybody_is_asked(project: Path) -> None:
    (project / RECORD).write_text("<<<<<<< ours\n")
    (project / "tea" / "c.py").write_text(TEA)
    with DmrDouble() as dmr:
        done = run("docstrings", "tea/c.py", "--write", cwd=project, env=at(dmr))
        assert dmr.chats == []
    for ran in (done, run("docstrings", "status", cwd=project), run("docstrings", "accept", cwd=project)):
        assert (ran.code, len(ran.messages)) == (2, 1)
        assert ran.messages[0].startswith(f"workflow-hub: {project / RECORD}:1: is not JSON")
    assert (project / "tea" / "c.py").read_text() == TEA


def test_what_cannot_be_put_on_record_is_not_written(tmp_path: Path) -> None:
    here = folder_with(tmp_path, a=TEA)
    (here / ".workflow-hub").mkdir()

    def lock_up() -> None:
        (here / ".workflow-hub").chmod(0o500)

    with DmrDouble(answer=on_first(lock_up)) as dmr:
        done = run("docstrings", "a.py", "--write", cwd=here, env=at(dmr), prepared=AS_ANYBODY)
    (here / ".workflow-hub").chmod(0o700)
    assert done.code == 3
    assert "docstrings.provenance: false" in done.err
    assert (here / "a.py").read_text() == TEA


def test_what_is_not_written_after_all_is_not_on_record(tmp_path: Path) -> None:
    here = folder_with(tmp_path, a=TEA, b=TEA)

    def edit() -> None:
        (here / "a.py").write_text(f"# edited\n{TEA}")

    with DmrDouble(answer=on_first(edit)) as dmr:
        done = run("docstrings", "a.py", "b.py", "--write", cwd=here, env=at(dmr))
    assert done.code == 3
    assert unreviewed(here) == ["b.py::boil"]
