"""The side file of docstrings that nobody has reviewed: its text, its faults, and processes side by side."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import ConfigError, SourceRefused
from workflow_hub.tasks.docstrings.provenance import FILE, Origin, SideFile, parse, render, text_hash

ADD = Origin("shop/cart.py::Cart.add", "ab" * 32, "dmr", "ai/qwen3-coder", "docstrings-0123-2")
MODULE = Origin("shop/cart.py", "cd" * 32, "embedded", "qwen2.5-coder-0.5b", "docstrings-0123-2")
TEXT = """\
{
  "version": 1,
  "unreviewed": [
    {"item": "shop/cart.py", "sha256": "{a}", "provider": "embedded", "model": "qwen2.5-coder-0.5b", \
"prompt": "docstrings-0123-2"},
    {"item": "shop/cart.py::Cart.add", "sha256": "{b}", "provider": "dmr", "model": "ai/qwen3-coder", \
"prompt": "docstrings-0123-2"}
  ]
}
""".replace("{a}", MODULE.sha256).replace("{b}", ADD.sha256)

# (the text of the file, what the error says behind the file's name)
BROKEN = [
    pytest.param("", ":1: is not JSON", id="empty"),
    pytest.param(f"<<<<<<< ours\n{TEXT}", ":1: is not JSON", id="a merge that was not done"),
    pytest.param(TEXT.replace("},\n", "}\n"), ":5: is not JSON", id="a comma that is missing"),
    pytest.param("[" * 100_000, ": is not JSON (it is nested too deeply)", id="nested without end"),
    pytest.param("[]", ": is not a list of unreviewed docstrings", id="another document"),
    pytest.param('{"version": 1}', ": is not a list", id="no list"),
    pytest.param('{"version": 0, "unreviewed": []}', ": is not a list", id="a version that never was"),
    pytest.param('{"version": 2, "more": []}', ": was written by a newer workflow-hub", id="of the future"),
    pytest.param('{"version": 1, "unreviewed": [], "x": 1}', ": is not a list", id="a key too many"),
    pytest.param('{"version": 1, "unreviewed": [7]}', ": holds 7, which is no origin", id="no origin"),
    pytest.param(TEXT.replace('"dmr"', "null"), ": holds {", id="a value that is no text"),
    pytest.param(TEXT.replace('"prompt"', '"by"'), ": holds {", id="an unknown key"),
]


def test_the_file_has_a_sorted_line_for_each() -> None:
    assert render([ADD, MODULE, ADD]) == TEXT
    assert render([]) == '{\n  "version": 1,\n  "unreviewed": []\n}\n'


words = st.text(st.characters())


@given(st.lists(st.builds(Origin, words, words, words, words, words)))
def test_whatever_is_written_is_read(origins: list[Origin]) -> None:
    text = render(origins)
    assert parse(text, Path(FILE)) == tuple(sorted(set(origins)))
    assert text.encode().decode() == text


@pytest.mark.parametrize(("text", "says"), BROKEN)
def test_a_broken_file_is_named(tmp_path: Path, text: str, says: str) -> None:
    side = SideFile(tmp_path)
    side.path.parent.mkdir()
    side.path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        side.read()
    assert str(caught.value).startswith(f"{side.path}{says}")
    assert "\n" not in str(caught.value)
    with pytest.raises(SourceRefused), side.recording([ADD]):
        raise AssertionError("nothing is written beside a record that is broken")
    assert side.path.read_text() == text


def test_a_hash_is_that_of_the_words() -> None:
    assert text_hash("Add.\n\n    Args:\n        a: it\n    ") == text_hash("Add.\n\nArgs:\n    a: it")
    assert text_hash("Add.") != text_hash("Add!")


def test_what_could_not_be_written_is_not_on_record(tmp_path: Path) -> None:
    side = SideFile(tmp_path)
    with side.recording([ADD]):
        assert side.read() == (ADD,)
    newer = Origin(ADD.item, "ef" * 32, "dmr", "other", "p")
    with pytest.raises(SourceRefused, match="no"), side.recording([newer, MODULE]):
        assert side.read() == (MODULE, newer)
        raise SourceRefused("no")
    assert side.read() == (ADD,)
    with side.recording([]):
        pass
    assert side.accept(lambda one: False) == []
    assert side.accept(lambda one: True) == [ADD]
    assert (side.read(), side.accept(lambda one: True)) == ((), [])


def test_what_is_repaired_stays_unreviewed_if_it_was(tmp_path: Path) -> None:
    side = SideFile(tmp_path)
    repaired = {(ADD.item, ADD.sha256): "12" * 32, (MODULE.item, "no longer"): "34" * 32}
    with side.recording([], repaired):
        assert not side.path.exists(), "words of humans are none of its business"
    with side.recording([ADD, MODULE]):
        pass
    with side.recording([], repaired):
        pass
    assert side.read() == (MODULE, replace(ADD, sha256="12" * 32))


def test_reading_leaves_nothing_behind(tmp_path: Path) -> None:
    side = SideFile(tmp_path)
    assert (side.read(), side.accept(lambda one: True)) == ((), [])
    assert list(tmp_path.iterdir()) == []


def test_git_sees_the_record_alone(tmp_path: Path) -> None:
    with SideFile(tmp_path).recording([ADD]):
        pass
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    seen = subprocess.run(
        ["git", "status", "--porcelain", "-uall"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert seen.stdout.split() == ["??", ".workflow-hub/.gitignore", "??", FILE]


RECORD = """
import sys
from pathlib import Path
from workflow_hub.tasks.docstrings.provenance import Origin, SideFile
for number in range(20):
    with SideFile(Path(sys.argv[1])).recording([Origin(f"{sys.argv[2]}.py::f{number}", "", "", "", "")]):
        pass
"""


def test_processes_side_by_side_lose_nothing(tmp_path: Path) -> None:
    def record(name: str) -> None:
        subprocess.run([sys.executable, "-c", RECORD, str(tmp_path), name], check=True)

    with ThreadPoolExecutor() as pool:
        list(pool.map(record, ["a", "b", "c"]))
    assert len(json.loads((tmp_path / FILE).read_text())["unreviewed"]) == 60


def test_a_folder_that_leads_out_of_the_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    top = tmp_path / "project"
    top.mkdir()
    (top / ".workflow-hub").symlink_to("../outside")
    with pytest.raises(SourceRefused, match="leads out of the project"), SideFile(top).recording([ADD]):
        pass
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_link_in_the_place_of_the_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    side = SideFile(tmp_path)
    side.path.parent.mkdir()
    (tmp_path / "other.json").write_text(TEXT)
    side.path.symlink_to("../other.json")
    with side.recording([ADD]):
        pass
    assert (tmp_path / "other.json").read_text() == TEXT
    assert not side.path.is_symlink() and len(side.read()) == 2


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / ".workflow-hub").write_text("")
    with pytest.raises(SourceRefused, match=r"provenance: false"), SideFile(tmp_path).recording([ADD]):
        pass
