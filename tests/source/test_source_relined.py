"""Lines of a docstring that go away or move: what stays is written as it was, byte by byte."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.source.files import parse_source
from workflow_hub.source.literal import clean
from workflow_hub.source.splice import splice
from workflow_hub.source.symbols import symbols

# (what is between the quotes, prefix, the new text, what is between the quotes then)
CASES = [
    pytest.param("Do.\n\n    A\n    B\n    ", "", "Do.\n\nB", "Do.\n\n    B\n    ", id="a line goes"),
    pytest.param("Do.\n\n    A\n    B\n    ", "", "Do.", "Do.\n    ", id="all but the first go"),
    pytest.param(
        "Do.\n\n    A\n    B", "", "Do.\n\nA", "Do.\n\n    A", id="the last goes, with quotes behind it"
    ),
    pytest.param(
        "Do.\n\n    A\\t1\n    B\n    ", "", "Do.\n\nB\nA   1", None, id="an escape that became blanks"
    ),
    pytest.param(
        "Do.\n\n    \\x41\n    B\n    ", "", "Do.\n\nB\nA", "Do.\n\n    B\n    \\x41\n    ", id="it moves"
    ),
    pytest.param(
        "\n    Do.\n\n    A\n    B\n    ", "", "Do.\n\nB", "\n    Do.\n\n    B\n    ", id="below the quotes"
    ),
    pytest.param(
        "Do.\n\n    \\d\n    B\n    ", "r", "Do.\n\nB\n\\w", "Do.\n\n    B\n    \\w\n    ", id="raw"
    ),
    pytest.param("Do.\n\n    A\n    B\n    ", "r", 'Do.\n\nB\n"""', None, id="raw cannot hold it"),
    pytest.param(
        "Do.\n\n  A  \n      B\n  ", "", "Do.\n\nA\nC", "Do.\n\n  A  \n  C\n  ", id="another margin"
    ),
    pytest.param("Do.\n\n    A\n    B\n    ", "", "Did.\n\nB", None, id="the first line changes"),
    pytest.param("Do.\\n\n    A\n    B\n    ", "", "Do.\n\nB", None, id="a line end that is an escape"),
]


def respliced(inside: str, prefix: str, text: str, newline: str = "\n") -> str:
    """What the file holds when `text` is the docstring."""
    code = f'def f():\n    {prefix}"""{inside}"""\n    return 1\n'.replace("\n", newline)
    source = parse_source(Path("a.py"), code.encode())
    made = splice(source, [(list(symbols(source))[1], text)])
    assert not made.refused
    return made.data.decode()


@pytest.mark.parametrize(("inside", "prefix", "text", "expected"), CASES)
def test_lines_that_stay_are_written_as_they_were(
    inside: str, prefix: str, text: str, expected: str | None
) -> None:
    for newline in ("\n", "\r\n"):
        after = respliced(inside, prefix, text, newline)
        if expected is not None:
            assert after == f'def f():\n    {prefix}"""{expected}"""\n    return 1\n'.replace("\n", newline)
        literal = parse_source(Path("a.py"), after.encode()).tree.body[0].body[0].value.value  # type: ignore[attr-defined]
        assert clean(literal) == clean(text)


WRITTEN = ["one", "two\\x41", "three \\N{BULLET}", "  four", "a: b  ", "\\\\d", "ä 名", "", "it's"]


@given(
    st.lists(st.sampled_from(WRITTEN), max_size=8),
    st.lists(st.integers(0, 7), max_size=8),
    st.booleans(),
)
def test_any_lines_may_go_and_move(lines: list[str], picked: list[int], ends_below: bool) -> None:
    inside = "\n    ".join(["Do.", *lines]) + ("\n    " if ends_below else "")
    source = parse_source(Path("a.py"), f'"""{inside}"""\n'.encode())
    old = clean(next(iter(symbols(source))).docstring or "").split("\n")
    text = "\n".join([old[0], *(old[1:][number] for number in picked if number < len(old) - 1)])
    made = splice(source, [(next(iter(symbols(source))), text)])
    assert not made.refused and made.proof.ast_equal
    assert splice(parse_source(Path("a.py"), made.data), []).data == made.data
