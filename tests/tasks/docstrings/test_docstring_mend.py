"""Stale docstrings repaired: only what is stale, in every style, byte by byte, and never twice."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from function_samples import WORDS, functions, rules_in
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.config import Docstrings
from workflow_hub.pipeline import Answers
from workflow_hub.report.rules import RULES
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import parse_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.splice import splice
from workflow_hub.source.symbols import symbols
from workflow_hub.tasks.docstrings.audit import severities
from workflow_hub.tasks.docstrings.mending import Stale, _result, stale_docstrings
from workflow_hub.tasks.docstrings.parts import Style
from workflow_hub.tasks.docstrings.slots import parts_of, slots_of
from workflow_hub.tasks.docstrings.styles import render
from workflow_hub.tasks.docstrings.task import Docstring, Look
from workflow_hub.values import Done, Failed

LOOK = Look(Style.GOOGLE, 88, types=False)
LEVELS = severities(Docstrings(), str)


def repaired(
    code: bytes, words: str = "new words", settings: Docstrings = Docstrings()
) -> tuple[bytes, list[str]]:
    """The code after a repair, and what was asked for it; a model answers all with these words."""
    asked: list[str] = []
    texts = []
    source = None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mended.py")
        path.write_bytes(code)
        found = list(stale_docstrings([path], Path(folder), settings, severities(settings, str)))
    for one in found:
        assert isinstance(one, Stale | Done)
        if isinstance(one, Stale):
            asked += one.slots
            made = _result(one, Answers(dict.fromkeys(one.slots, words), {}), LOOK)
            texts.append((one.symbol, made.text))
            source = one.symbol.source
        else:
            assert isinstance(one.result, Docstring)
            texts.append((one.item.symbol, one.result.text))
            source = one.item.symbol.source
    if source is None:
        return code, asked
    spliced = splice(source, texts)
    assert not spliced.refused
    return spliced.data, asked


GOOGLE = """\
def boil({0}):
    \'\'\'Boil  it.

      Odd   indentation, "quotes" and \\x41.

    Args:
        cup (str): What for;
            more of it.

        heat: How\\tmuch.
        lid: Whether.

    Returns:
        It.
    \'\'\'
    {1}
"""
NUMPY = """\
def boil({0}):
    \"\"\"Boil it.

    Parameters
    ----------
    cup : str
        What for;

        more of it.
    heat, lid : int
        How much.

    Returns
    -------
    int
        It.\"\"\"
    {1}
"""
SPHINX = """\
def boil({0}):
    r\'\'\'Boil it.

    :param cup: What \\for;
        more of it.
    :type cup: str
    :param int heat: How much.
    :param lid: Whether.
    :returns: It.
    \'\'\'
    {1}
"""
CUP = "        cup (str): What for;\n            more of it.\n"
NUMPY_CUP = "    cup : str\n        What for;\n\n        more of it.\n"
# (the code, what its lines are replaced by, what is asked)
CASES = [
    pytest.param(GOOGLE, "cup, heat, lid", "return 1", {}, [], id="google: nothing"),
    pytest.param(GOOGLE, "cup, lid", "return 1", {"        heat: How\\tmuch.\n": ""}, [], id="google: gone"),
    pytest.param(
        GOOGLE, "cup, heat", "return 1", {"        lid: Whether.\n": ""}, [], id="google: the last is gone"
    ),
    pytest.param(
        GOOGLE,
        "cup_s, heat, lid",
        "return 1",
        {"cup (str)": "cup_s (str)"},
        [],
        id="google: renamed, spelt alike",
    ),
    pytest.param(
        GOOGLE,
        "pot: str, heat, lid",
        "return 1",
        {"cup (str)": "pot (str)"},
        [],
        id="google: renamed, of one type",
    ),
    pytest.param(
        GOOGLE,
        "cup, heat, when",
        "return 1",
        {"        lid: Whether.\n": "        when: new words\n"},
        ["when"],
        id="google: another one at the same place",
    ),
    pytest.param(
        GOOGLE,
        "cup, heat, lid, *, now=1",
        "return 1",
        {"        lid: Whether.\n": "        lid: Whether.\n        now: new words\n"},
        ["now"],
        id="google: one more",
    ),
    pytest.param(
        GOOGLE,
        "first, cup, heat, lid",
        "return 1",
        {
            "        cup (str)": "        first: new words\n\n        cup (str)",
            "it.\n\n        heat": "it.\n        heat",
        },
        ["first"],
        id="google: one before",
    ),
    pytest.param(
        GOOGLE,
        "lid, heat, cup",
        "return 1",
        {
            f"{CUP}\n": "        lid: Whether.\n\n",
            "        lid: Whether.\n\n    Ret": f"{CUP}\n    Ret",
        },
        [],
        id="google: another order",
    ),
    pytest.param(
        GOOGLE,
        "cup, heat, lid",
        "print()",
        {"\n    Returns:\n        It.\n": ""},
        [],
        id="google: nothing returned",
    ),
    pytest.param(GOOGLE, "cup, heat, lid, **more", "return 1", {}, [], id="google: options need no word"),
    pytest.param(NUMPY, "cup, heat", "return 1", {"heat, lid :": "heat :"}, [], id="numpy: one of two"),
    pytest.param(NUMPY, "cup, lid", "return 1", {"heat, lid :": "lid :"}, [], id="numpy: the other of two"),
    pytest.param(
        NUMPY,
        "heat, lid",
        "return 1",
        {"    cup : str\n        What for;\n\n        more of it.\n": ""},
        [],
        id="numpy: gone",
    ),
    pytest.param(
        NUMPY,
        "cup, heat, lid",
        "print()",
        {"\n\n    Returns\n    -------\n    int\n        It.": ""},
        [],
        id="numpy: nothing returned",
    ),
    pytest.param(
        NUMPY,
        "heat, lid, cup",
        "return 1",
        {
            NUMPY_CUP: "",
            "        How much.\n": f"        How much.\n{NUMPY_CUP}",
        },
        [],
        id="numpy: another order",
    ),
    pytest.param(
        SPHINX,
        "heat, lid",
        "return 1",
        {"    :param cup: What \\for;\n        more of it.\n    :type cup: str\n": ""},
        [],
        id="sphinx: gone",
    ),
    pytest.param(
        SPHINX,
        "cups, heat, lid",
        "return 1",
        {"param cup:": "param cups:", "type cup:": "type cups:"},
        [],
        id="sphinx: renamed",
    ),
    pytest.param(
        SPHINX,
        "cup, heater, lid",
        "return 1",
        {"param int heat:": "param int heater:"},
        [],
        id="sphinx: renamed, typed",
    ),
    pytest.param(
        SPHINX,
        "lid, cup, heat",
        "return 1",
        {
            "    :param lid: Whether.\n": "",
            "    :param cup:": "    :param lid: Whether.\n    :param cup:",
        },
        [],
        id="sphinx: another order",
    ),
    pytest.param(
        SPHINX, "cup, heat, lid", "print()", {"    :returns: It.\n": ""}, [], id="sphinx: nothing returned"
    ),
    pytest.param(
        SPHINX,
        "cup, heat, lid, now",
        "return 1",
        {"    :returns:": "    :param now: new words\n    :returns:"},
        ["now"],
        id="sphinx: one more",
    ),
]


@pytest.mark.parametrize(("code", "parameters", "body", "edits", "asks"), CASES)
def test_only_what_is_stale_is_repaired(
    project: Path, code: str, parameters: str, body: str, edits: dict[str, str], asks: list[str]
) -> None:
    before = expected = code.replace("{0}", parameters).replace("{1}", body)
    for old, new in edits.items():
        assert expected.count(old) == 1, old
        expected = expected.replace(old, new)
    after, asked = repaired(before.encode())
    assert (after.decode(), asked) == (expected, asks)
    assert repaired(after) == (after, [])
    crlf, _ = repaired(before.replace("\n", "\r\n").encode())
    assert crlf.decode() == expected.replace("\n", "\r\n")


RAISES = [
    pytest.param("raise CartError", "CarError", "CartError", id="renamed"),
    pytest.param("raise CartError", "shop.CarError", "shop.CartError", id="renamed, in its module"),
    pytest.param("raise ValueError(x())", "PotError", "PotError", id="alike only in what it is"),
    pytest.param("a = 1", "ValueError", None, id="nothing can raise"),
    pytest.param("print()", "ValueError", "ValueError", id="a call may raise"),
]


@pytest.mark.parametrize(("body", "said", "left"), RAISES)
def test_exceptions_are_renamed_or_taken_out(project: Path, body: str, said: str, left: str | None) -> None:
    code = f'def f():\n    """Do it.\n\n    Raises:\n        {{}}: When.\n    """\n    {body}\n'
    gone = f'def f():\n    """Do it.\n    """\n    {body}\n'
    settings = Docstrings(rules={"raises-missing": "off"})
    after, _ = repaired(code.format(said).encode(), settings=settings)
    assert after.decode() == (code.format(left) if left else gone)


def test_with_the_parameters_told_what_is_returned_is_told_too(project: Path) -> None:
    code = b'def f(a):\n    """Do it.\n\n    Raises:\n        E: x\n    """\n    return a()\n'
    after, asked = repaired(code)
    assert asked == ["a", "returns"]
    assert repaired(after) == (after, [])


LEFT = [
    pytest.param(
        'def f(b):  # workflow-hub: ignore\n    """D.\n\n    Args:\n        a: x\n        b: y\n    """\n',
        {},
        id="ignored",
    ),
    pytest.param(
        'def f(b):\n    """D.\n\n    Args:\n        a: x\n        b: y\n    """\n',
        {"param-unknown": "off"},
        id="off",
    ),
    pytest.param(
        'def f(b):\n    """\n    Args:\n        a: x\n    """\n',
        {"param-missing": "off"},
        id="nothing would be left",
    ),
    pytest.param("def f(b): ...\n", {}, id="no docstring"),
    pytest.param('def f(b):\n    """D.\n\n    Args:\n        as there\n    """\n', {}, id="unsure"),
]


@pytest.mark.parametrize(("code", "rules"), LEFT)
def test_what_is_not_wanted_or_not_sure_stays(project: Path, code: str, rules: dict[str, str]) -> None:
    settings = Docstrings.model_validate({"rules": rules})
    assert repaired(code.encode(), settings=settings)[0] == code.encode()


def test_a_file_that_cannot_be_read_is_a_failure(project: Path) -> None:
    (project / "a.py").write_text("def f(:\n")
    (one,) = stale_docstrings([project / "a.py"], project, Docstrings(), LEVELS)
    assert isinstance(one, Failed)


@given(functions(), functions(), st.sampled_from(Style), st.booleans(), WORDS)
def test_another_function_under_the_same_docstring_ends_without_findings(
    old: str, new: str, style: Style, types: bool, words: str
) -> None:
    source = parse_source(Path("a.py"), old.encode())
    symbol = list(symbols(source))[1]
    slots = slots_of(facts_of(symbol, PackageIndex()), None)
    text = render(parts_of(slots, dict.fromkeys(slots, words)), style, types=types)
    fresh = parse_source(Path("a.py"), new.encode())
    stale = splice(fresh, [(list(symbols(fresh))[1], text)]).data
    after, _ = repaired(stale, words)
    assert rules_in(parse_source(Path("a.py"), after)) == []
    assert repaired(after, words) == (after, [])


def test_every_rule_has_a_repair_or_says_why_not() -> None:
    for rule in RULES.values():
        assert "--fix-stale" in rule.help or rule.id in {
            "docstring-missing",
            "docstring-incomplete",
            "attribute-unknown",
            "ignore-unknown",
            "item-failed",
        }
