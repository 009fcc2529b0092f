from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_hub.routing.intent import read
from workflow_hub.routing.language import language_of, unread_script
from workflow_hub.routing.quoted import MASK, masked, masked_ends


def shown(text: str) -> str:
    """What is left of `text` when the quoted characters are gone."""
    return masked(text).replace(MASK, "").strip()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        pytest.param("just words, and more", "just words, and more", id="nothing quoted"),
        pytest.param("a\n```\nb\n```\nc", "a\n\n\n\nc", id="a fence"),
        pytest.param("a\n~~~~\n~~~\nb\n~~~~\nc", "a\n\n\n\n\nc", id="a longer fence holds a shorter one"),
        pytest.param("a\n```\nb", "a", id="a fence that is not closed"),
        pytest.param("see ```x = 1``` here", "see  here", id="a fence within a line"),
        pytest.param("```x``` here", "here", id="a fence that opens and closes a line"),
        pytest.param("a\n\n    b = 1\n\n    c\nd", "a\n\n\n\n\nd", id="an indented block"),
        pytest.param("list:\n\n    - one", "list:\n\n    - one", id="an indented list is words"),
        pytest.param("a\ndef f():\n  return 1\nb", "a\n\n\nb", id="lines of code"),
        pytest.param("a\n> b\nc", "a\n\nc", id="a block quote"),
        pytest.param("a\n$ make\nok\n\nb", "a\n\n\n\nb", id="a transcript, up to the blank line"),
        pytest.param("a\n@@ -1 +1 @@\n-x\n+y\nb", "a\n\n\n\nb", id="a diff"),
        pytest.param("a\n2024-01-01 10:00:00 up\nb", "a\n\nb", id="a log line"),
        pytest.param('say "no" now', "say  now", id="quotation marks"),
        pytest.param("don't and won't", "don't and won't", id="apostrophes quote nothing"),
        pytest.param("open 'x' now", "open  now", id="single quotes"),
        pytest.param("a `src/x.py` b", "a  src/x.py  b", id="a quoted file name stays"),
        pytest.param('a "" b', "a  b", id="an empty quotation"),
    ],
)
def test_quoted_matter_is_masked(text: str, left: str) -> None:
    assert shown(text) == left


@given(st.text(alphabet=st.sampled_from("ab `~>\"'„“«»「」\n\r\t/.$+-@:;=(){}\u2028İ")))
@settings(deadline=None)
def test_the_mask_keeps_length_and_line_breaks(text: str) -> None:
    covered = masked(text)
    assert len(covered) == len(text)
    assert [at for at, char in enumerate(text) if char in "\r\n"] == [
        at for at, char in enumerate(covered) if char in "\r\n"
    ]


@pytest.mark.parametrize(
    ("text", "last"),
    [
        pytest.param("why?\n```\n" + "run it\n" * 90 + "```", "", id="a fence goes on to the end"),
        pytest.param("```\n" + "run it\n" * 90 + "```\nwhy?", "why?", id="a fence ends before it"),
        pytest.param("~~~\n```\n" + "run it\n" * 90 + "~~~\nwhy?", "why?", id="within another fence"),
        pytest.param("see ```x```\n" + "run it\n" * 90 + "now", "run it\nnow", id="a fence within a line"),
        pytest.param("words " * 200 + "now", "words now", id="one long line"),
        pytest.param("字" * 900, "字字", id="no blanks"),
    ],
)
def test_the_last_piece_of_a_long_text_knows_the_fence_it_is_in(text: str, last: str) -> None:
    piece = masked_ends(text, 40)[-1][1]
    assert piece.replace(MASK, "").strip().endswith(last)
    assert bool(piece.replace(MASK, "").strip()) == bool(last)


@given(st.text(alphabet=st.sampled_from('ab \n`~"字')), st.integers(1, 40))
@settings(deadline=None)
def test_the_ends_stand_where_they_say_and_do_not_overlap(text: str, edge: int) -> None:
    pieces = masked_ends(text, edge)
    end = 0
    for start, piece in pieces:
        assert start >= end
        assert all(char in (MASK, text[start + at], " ") for at, char in enumerate(piece))
        end = start + len(piece)
    assert end == len(text)
    assert len(text) > 2 * edge or pieces == ((0, masked(text)),)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        pytest.param("Please delete the old branch", "en", id="en"),
        pytest.param("Bitte lösche den alten Zweig", "de", id="de"),
        pytest.param("Supprime la vieille branche", "fr", id="fr"),
        pytest.param("Borra la rama vieja, por favor", "es", id="es"),
        pytest.param("请删除旧分支", "zh", id="zh"),
        pytest.param("把 get_user 重命名为 fetch_user", "zh", id="zh with names"),
        pytest.param("テストを実行して", "und", id="Japanese"),
        pytest.param("Удали файл", "und", id="Russian"),
        pytest.param("", "und", id="nothing"),
    ],
)
def test_the_language_is_told_by_small_words(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(
    ("text", "unread"),
    [("Delete it", False), ("删除", False), ("Удали", True), ("実行して", True), ("123", False), ("", False)],
)
def test_a_script_without_a_table_is_told(text: str, unread: bool) -> None:
    assert unread_script(text) is unread


def steps(text: str) -> int:
    """How many calls reading `text` takes: grows with the text, and with nothing else."""
    count = 0

    def counted(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(counted)
    try:
        read(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "piece", ["a. ", "`", '"', "„", "> x\n", "run the tests, ", "x: ", "\n", "a/", "```\n", "!?"]
)
def test_twice_the_text_is_at_most_about_twice_the_work(piece: str) -> None:
    read(piece)
    assert steps(piece * 4000) <= 2.5 * steps(piece * 2000) + 2000
