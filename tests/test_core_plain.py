"""What others wrote, on a screen: no escape sequence gets through, however it is cut into pieces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.report.plain import LONGEST_STRING, Plain, cut, plain, visible

# (what came, what is shown)
SHOWN = [
    pytest.param("plain words\n\tindented\n", "plain words\n\tindented\n", id="words"),
    pytest.param("naïve 日本語 🙂", "naïve 日本語 🙂", id="any script"),
    pytest.param("[31m is a word, 5 > 3", "[31m is a word, 5 > 3", id="no sequence at all"),
    pytest.param("\x1b[31mred\x1b[0m", "red", id="colours"),
    pytest.param("\x1b[2J\x1b[Hgone", "gone", id="the screen cleared"),
    pytest.param("\x1b]0;title\x07text", "text", id="a title, ended by a bell"),
    pytest.param("\x1b]52;c;ZXZpbA==\x1b\\text", "text", id="the clipboard, ended by a terminator"),
    pytest.param("\x1bP1$tq\x1b\\a\x1b_x\x1b\\b\x1b^y\x1b\\c", "abc", id="other strings"),
    pytest.param("\x9b31mred\x9d0;t\x9cend", "redend", id="the one-byte introducers"),
    pytest.param("\x1bcreset\x1b(Bset\x1b7save", "resetsetsave", id="short ones"),
    pytest.param("over\rwritten\b\b\x00\x7f\x85", "overwritten", id="single controls"),
    pytest.param("line\r\nnext", "line\nnext", id="DOS line ends"),
    pytest.param("ends in \x1b[3", "ends in [3", id="a sequence without end"),
    pytest.param("ends in \x1b", "ends in ", id="an escape at the end"),
    pytest.param("\x1b]" + "x" * (LONGEST_STRING + 9), "x" * 9, id="one that never ends"),
    pytest.param("\x1bP1\x1b[mend\x1b[3\x1b[mend\x1b(\nend", "endend\nend", id="ones that break off"),
]


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_what_is_shown(text: str, shown: str) -> None:
    assert plain(text) == shown
    one_by_one = Plain()
    assert "".join(map(one_by_one.feed, text)) + one_by_one.close() == shown


HOSTILE = st.text(st.sampled_from("ab[]0;m\n\x1b\x9b\x9d\x07\x9c\\PX^_ !~@\r\x00é"), max_size=60)


@given(st.lists(HOSTILE))
def test_no_control_character_is_left_and_pieces_make_no_difference(pieces: list[str]) -> None:
    stream = Plain()
    shown = "".join(map(stream.feed, pieces)) + stream.close()
    assert not [sign for sign in shown if (ord(sign) < 32 and sign not in "\n\t") or 127 <= ord(sign) < 160]
    assert shown == plain("".join(pieces))


@given(st.text(st.characters(exclude_categories=("Cc", "Cs"))))
def test_what_holds_no_control_character_is_left_alone(text: str) -> None:
    assert plain(text) == text


# (text, as one line, as lines)
VISIBLE = [
    pytest.param("rm -rf build", "rm -rf build", "rm -rf build", id="plain"),
    pytest.param("a\nb\tc", r"a\nb\tc", "a\nb\tc", id="line feeds"),
    pytest.param(
        "ls \x1b[8mrm x\x1b[0m", r"ls \x1b[8mrm x\x1b[0m", r"ls \x1b[8mrm x\x1b[0m", id="hidden words"
    ),
    pytest.param("a\u202etxt.sh", r"a\u202etxt.sh", r"a\u202etxt.sh", id="turned round"),
    pytest.param("a\u200bb\ufeff\xad", r"a\u200bb\ufeff\xad", r"a\u200bb\ufeff\xad", id="without width"),
    pytest.param("a\ud800b\r", r"a\ud800b\r", r"a\ud800b\r", id="half a character"),
    pytest.param("naïve 日本語", "naïve 日本語", "naïve 日本語", id="any script"),
]


@pytest.mark.parametrize(("text", "line", "lines"), VISIBLE)
def test_what_is_hidden_becomes_visible(text: str, line: str, lines: str) -> None:
    assert visible(text) == line
    assert visible(text, lines=True) == lines


def test_long_texts_say_how_long_they_are() -> None:
    assert cut("12345", 5) == "12345"
    assert cut("123456", 5) == "12345 … (6 characters in all)"
