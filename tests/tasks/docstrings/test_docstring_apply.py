from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.config import Docstrings
from workflow_hub.errors import ReplyInvalid, SourceRefused
from workflow_hub.tasks.docstrings.apply import Applier, Written
from workflow_hub.tasks.docstrings.find import targets
from workflow_hub.tasks.docstrings.task import Docstring, Target
from workflow_hub.values import Done, Failed, Place, Route, Skipped, Usage

ROUTE, USED = Route("code", "dmr", "m"), Usage(10, 4, 2)
CODE = "def boil(kettle):\n    kettle.heat()\n\n\ndef pour(kettle):\n    return kettle.cup\n"


def found_in(folder: Path, code: str | bytes = CODE, name: str = "a.py") -> list[Target]:
    path = folder / name
    path.write_bytes(code.encode() if isinstance(code, str) else code)
    return [one for one in targets([path], folder, Docstrings()) if isinstance(one, Target)]


def done(target: Target, text: str = "Say what it does.", **left_out: str) -> Done[Target, Docstring]:
    return Done(target, Docstring(text, left_out), ROUTE, USED, 1)


class Run:
    """An applier with everything it says."""

    def __init__(self, root: Path, *, write: bool = True) -> None:
        self.patches: list[bytes] = []
        self.outcomes: list[Any] = []
        self.applier = Applier(root, 88, write, self.patches.append, self.outcomes.append)

    def take(self, *outcomes: Any) -> list[Any]:
        for outcome in outcomes:
            self.applier.take(outcome)
        self.applier.finish()
        return self.outcomes


def test_the_docstrings_of_a_file_go_in_together_with_one_proof(tmp_path: Path) -> None:
    boil, pour = found_in(tmp_path)
    run = Run(tmp_path)
    first, second = run.take(done(boil, "Boil.", kettle="was left open"), done(pour, "Pour."))
    data = (tmp_path / "a.py").read_bytes()
    assert data.decode() == CODE.replace("):\n    k", '):\n    """Boil."""\n    k').replace(
        "):\n    r", '):\n    """Pour."""\n    r'
    )
    proof, finding = first.result.proof, first.result.finding
    written = Written("Boil.", {"kettle": "was left open"}, proof, finding)
    assert first == Done(boil.place, written, ROUTE, USED, 1)
    assert (finding.item, finding.fix.text) == ("a.py::boil", '    """Boil."""\n')
    assert proof == second.result.proof
    assert proof.ast_equal and proof.bytes_outside_equal
    assert proof.sha256_before == hashlib.sha256(CODE.encode()).hexdigest()
    assert proof.sha256_after == hashlib.sha256(data).hexdigest()
    assert proof.inserted_bytes == len(data) - len(CODE.encode())
    (patch,) = run.patches
    assert [line for line in patch.decode().splitlines() if line.startswith(("+ ", "- "))] == [
        '+    """Boil."""',
        '+    """Pour."""',
    ]


def test_without_write_the_file_stays_and_the_patch_starts_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    boil, pour = found_in(tmp_path / "src")
    run = Run(tmp_path, write=False)
    outcomes = run.take(done(boil), done(pour))
    assert all(isinstance(one, Done) for one in outcomes)
    assert (tmp_path / "src" / "a.py").read_text() == CODE
    (patch,) = run.patches
    assert b"--- a/src/a.py\n+++ b/src/a.py\n" in patch
    assert [line for line in patch.splitlines() if line.startswith(b"+ ")] == [
        b'+    """Say what it does."""'
    ] * 2
    assert not any(line.startswith(b"- ") for line in patch.splitlines())


def test_a_file_is_settled_when_the_next_begins(tmp_path: Path) -> None:
    (boil, pour), (other, _) = found_in(tmp_path), found_in(tmp_path, name="b.py")
    run = Run(tmp_path)
    run.applier.take(done(boil))
    run.applier.take(done(pour))
    assert run.outcomes == [] and (tmp_path / "a.py").read_text() == CODE
    run.applier.take(done(other))
    assert [one.item.id for one in run.outcomes] == ["a.py::boil", "a.py::pour"]
    assert (tmp_path / "a.py").read_text() != CODE
    run.applier.finish()
    run.applier.finish()
    assert [one.item.id for one in run.outcomes] == ["a.py::boil", "a.py::pour", "b.py::boil"]


def test_what_never_was_a_target_is_passed_on_in_its_place(tmp_path: Path) -> None:
    boil, pour = found_in(tmp_path)
    skipped = Skipped(Place("b.py", "b.py", 1), "a link")
    failed = Failed(Place("c.py", "c.py", 1), SourceRefused("no"))
    outcomes = Run(tmp_path).take(skipped, done(boil), done(pour), failed, skipped)
    assert outcomes[0] is skipped and outcomes[3] is failed and outcomes[4] is skipped
    assert [one.item.id for one in outcomes] == ["b.py", "a.py::boil", "a.py::pour", "c.py", "b.py"]


def test_failures_and_skips_keep_their_reasons_beside_what_is_written(tmp_path: Path) -> None:
    boil, pour = found_in(tmp_path)
    error = ReplyInvalid("no docstring")
    written, failed = Run(tmp_path).take(done(boil), Failed(pour, error, ROUTE, USED, 2))
    assert isinstance(written, Done)
    assert failed == Failed(pour.place, error, ROUTE, USED, 2)
    again, skipped = Run(tmp_path).take(*(Skipped(one, "not now") for one in (boil, pour)))
    assert (again, skipped) == (Skipped(boil.place, "not now"), Skipped(pour.place, "not now"))


def test_outcomes_hold_no_source(tmp_path: Path) -> None:
    for outcome in Run(tmp_path).take(*map(done, found_in(tmp_path))):
        assert isinstance(outcome.item, Place)


SAID = 'def boil(kettle):\n    """Boil it."""\n    kettle.heat()\n'


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        pytest.param({}, "nothing to add: all is said", id="nothing missing"),
        pytest.param({"kettle": "was left open"}, "nothing to add: kettle was left open", id="left open"),
        pytest.param(
            dict.fromkeys("abcd", "was empty"),
            "nothing to add: a was empty; b was empty; c was empty",
            id="the first three",
        ),
    ],
)
def test_where_nothing_was_added_the_item_is_skipped(
    tmp_path: Path, left_out: dict[str, str], reason: str
) -> None:
    (boil,) = found_in(tmp_path, SAID)
    run = Run(tmp_path)
    assert run.take(done(boil, "Boil it.", **left_out)) == [Skipped(boil.place, reason, ROUTE, USED, 1)]
    assert (tmp_path / "a.py").read_text() == SAID


def test_human_words_that_grow_keep_their_literal(tmp_path: Path) -> None:
    (boil,) = found_in(tmp_path, SAID)
    (outcome,) = Run(tmp_path).take(done(boil, "Boil it.\n\nArgs:\n    kettle: vessel"))
    assert isinstance(outcome, Done)
    text = (tmp_path / "a.py").read_text()
    assert ast.get_docstring(ast.parse(text).body[0]) == "Boil it.\n\nArgs:\n    kettle: vessel"  # type: ignore[arg-type]


# -- files that are not what they were, or take no docstring ---------------------------------------


def changed(path: Path) -> None:
    path.write_text(CODE + "\nx = 1\n")


def gone(path: Path) -> None:
    path.unlink()


def read_only(path: Path) -> None:
    path.chmod(0o444)


@pytest.mark.parametrize(
    ("happens", "words"),
    [
        pytest.param(changed, "changed while we worked; run again", id="changed"),
        pytest.param(gone, "is not there any more; run again", id="gone"),
        pytest.param(read_only, "is read-only; make it writable and run again", id="read-only"),
    ],
)
def test_a_file_that_cannot_be_replaced_fails_its_items_and_stays(
    tmp_path: Path, happens: Callable[[Path], None], words: str
) -> None:
    boil, pour = found_in(tmp_path)
    path = tmp_path / "a.py"
    happens(path)
    before = path.read_bytes() if path.exists() else None
    first, second = Run(tmp_path).take(done(boil), Failed(pour, ReplyInvalid("its own reason")))
    assert isinstance(first, Failed) and words in str(first.error)
    assert (first.route, first.usage, first.asked) == (ROUTE, USED, 1)
    assert str(second.error) == "its own reason"
    assert (path.read_bytes() if path.exists() else None) == before
    assert [one.name for one in tmp_path.iterdir()] == (["a.py"] if before else [])


def test_a_symbol_that_takes_no_docstring_fails_alone(tmp_path: Path) -> None:
    joined = "def boil(kettle): return \\\n    kettle\n\n\ndef pour(kettle):\n    return kettle.cup\n"
    boil, pour = found_in(tmp_path, joined)
    refused, written = Run(tmp_path).take(done(boil, "half a pair \ud800"), done(pour))
    assert isinstance(refused, Failed) and isinstance(refused.error, SourceRefused)
    assert isinstance(written, Done)
    text = (tmp_path / "a.py").read_text()
    assert text.startswith("def boil(kettle): return \\\n    kettle\n") and '"""Say what it does."""' in text


def test_where_every_splice_is_refused_the_file_stays(tmp_path: Path) -> None:
    boil, _ = found_in(tmp_path)
    run = Run(tmp_path)
    (refused,) = run.take(done(boil, "half a pair \ud800"))
    assert isinstance(refused, Failed)
    assert (tmp_path / "a.py").read_text() == CODE and run.patches == []


# -- bytes ---------------------------------------------------------------------------------------

BYTES = [
    pytest.param(CODE.encode(), id="plain"),
    pytest.param(CODE.replace("\n", "\r\n").encode(), id="windows"),
    pytest.param(b"\xef\xbb\xbf" + CODE.encode(), id="byte order mark"),
    pytest.param(CODE.replace("    ", "\t").encode(), id="tabs"),
    pytest.param(("# coding: latin-1\n# " + "ä" + "\n" + CODE).encode("latin-1"), id="latin-1"),
    pytest.param(CODE.replace("\n\n\n", "\n\x0c\n").encode(), id="form feed"),
    pytest.param(CODE.rstrip("\n").encode(), id="no newline at the end"),
]


@pytest.mark.parametrize("data", BYTES)
def test_every_byte_outside_stays_and_a_second_run_finds_nothing(tmp_path: Path, data: bytes) -> None:
    outcomes = Run(tmp_path).take(*(done(one, 'Say "what"\nit \\ does.') for one in found_in(tmp_path, data)))
    assert [type(one) for one in outcomes] == [Done, Done]
    after = (tmp_path / "a.py").read_bytes()
    rest, place = [], 0
    for line in data.splitlines(keepends=True):
        place = after.index(line, place) + len(line)
        rest.append(line)
    assert b"".join(rest) == data
    again = list(targets([tmp_path / "a.py"], tmp_path, Docstrings(complete=False)))
    assert again == []


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30).filter(str.strip)


@given(first=TEXTS, second=TEXTS)
def test_whatever_the_words_the_file_is_whole(
    tmp_path_factory: pytest.TempPathFactory, first: str, second: str
) -> None:
    folder = tmp_path_factory.mktemp("files")
    boil, pour = found_in(folder)
    for outcome in Run(folder).take(done(boil, first), done(pour, second)):
        assert isinstance(outcome, Done | Failed)
    after = (folder / "a.py").read_bytes()
    tree = ast.parse(after)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    assert ast.dump(tree) == ast.dump(ast.parse(CODE))
