"""A docstring taken apart: names in order, the lines of each entry, and where nobody can be sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.tasks.docstrings.reading import read

GOOGLE = """\
Do it.

Args:
    a (int, optional): the first
        goes on

    b, *c: the others
Returns:
    int: it
"""
NUMPY = """\
Do it.

Parameters
----------
a : int, optional
    the first

    goes on
b, *c
    the others

Other Parameters
----------------
d : {'x', 'y'}

Returns
-------
int
    it
"""
SPHINX = """\
Do it.

:param int a: the first
    goes on
:type a: int
:param b: another
:param \\*c: the others
:returns: it
:rtype: int
:raises ValueError: when
"""
EPYTEXT = "Do it.\n@param a: the first\n@type a: int\n@raise E: when\n@return: it"
MIXED = "Do it.\n\nArgs:\n    a: x\n\n:returns: it\n\nRaises\n------\nE, shop.F\n    when"

# (docstring, (kind, whether it is sure, lines, names and lines of the entries) of each section)
READ = [
    pytest.param(
        GOOGLE,
        [
            ("parameters", True, 2, 7, [(("a",), 3, 6), (("b", "c"), 6, 7)]),
            ("returns", True, 7, 9, []),
        ],
        id="google",
    ),
    pytest.param(
        NUMPY,
        [
            ("parameters", True, 2, 10, [(("a",), 4, 8), (("b", "c"), 8, 10)]),
            ("parameters", True, 11, 14, [(("d",), 13, 14)]),
            ("returns", True, 15, 19, []),
        ],
        id="numpy",
    ),
    pytest.param(
        SPHINX,
        [
            ("parameters", True, 2, 7, [(("a",), 2, 4), (("b",), 5, 6), (("c",), 6, 7)]),
            ("returns", True, 7, 9, []),
            ("raises", True, 9, 10, [(("ValueError",), 9, 10)]),
        ],
        id="sphinx",
    ),
    pytest.param(
        EPYTEXT,
        [
            ("parameters", True, 1, 3, [(("a",), 1, 2)]),
            ("raises", True, 3, 4, [(("E",), 3, 4)]),
            ("returns", True, 4, 5, []),
        ],
        id="epytext",
    ),
    pytest.param(
        MIXED,
        [
            ("parameters", True, 2, 4, [(("a",), 3, 4)]),
            ("returns", True, 5, 6, []),
            ("raises", True, 7, 11, [(("E", "shop.F"), 9, 11)]),
        ],
        id="a mix",
    ),
    pytest.param("Do it.\n\nUsage: so\n\nMarkdown:\n- a: b", [], id="no known style"),
    pytest.param("Args:\n    as there", [("parameters", False, 0, 2, [((), 1, 2)])], id="no list"),
    pytest.param(
        "X.\n\nArgs: a: b\n    c: d", [("parameters", False, 2, 4, [(("c",), 3, 4)])], id="beside the header"
    ),
    pytest.param("Args:", [("parameters", False, 0, 1, [])], id="nothing in it"),
    pytest.param(
        "X.\n\nAttributes:\n    a: b", [("attributes", True, 2, 4, [(("a",), 3, 4)])], id="attributes"
    ),
    pytest.param(":type a: int", [("parameters", False, 0, 1, [])], id="only a type"),
]


@pytest.mark.parametrize(("docstring", "expected"), READ)
def test_sections_and_entries_are_read_by_their_lines(docstring: str, expected: list[object]) -> None:
    assert [
        (
            one.kind,
            one.sure,
            one.start,
            one.end,
            [(entry.names, entry.start, entry.end) for entry in one.entries],
        )
        for one in read(docstring).sections
    ] == expected


def test_what_stands_around_the_sections_is_prose() -> None:
    reading = read("Do it.\n\nArgs:\n    a: x\n\nThat was it.")
    assert reading.prose == "Do it.\n\n\nThat was it."
    assert reading.names("parameters") == {"a": 3}
    assert (reading.has("returns", "parameters"), reading.has("raises")) == (True, False)
    assert (reading.is_sure("parameters"), reading.is_sure("raises")) == (True, False)


PIECES = st.sampled_from(
    [
        *"ab:*`-= \n\t",
        "Args:",
        "\n    ",
        "\n\n",
        "Parameters\n---",
        ":param a:",
        "@raise",
        "Raises:\n",
        "E, F",
        "\\*",
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_is_read_and_entries_lie_within_their_sections(docstring: str) -> None:
    reading = read(docstring)
    edge = 0
    for section in reading.sections:
        assert edge <= section.start < section.end <= len(reading.lines)
        edge = section.end
        place = section.start
        for entry in section.entries:
            assert place <= entry.start < entry.end <= section.end
            place = entry.end
