"""What a docstring says against what the code says: every rule, and where none of them speaks."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from function_samples import WORDS, functions, rules_in
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.config import Docstrings
from workflow_hub.errors import ConfigError
from workflow_hub.report.finding import Finding
from workflow_hub.report.rules import RULES
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import parse_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.splice import splice
from workflow_hub.source.symbols import symbols
from workflow_hub.tasks.docstrings.audit import Judged, audit, severities
from workflow_hub.tasks.docstrings.check import renamed
from workflow_hub.tasks.docstrings.parts import Style
from workflow_hub.tasks.docstrings.slots import parts_of, slots_of
from workflow_hub.tasks.docstrings.styles import render

EVERY = Docstrings(tests=True)
# The same text in three styles: what is described, and what is said of it.
SECTIONS = {
    "Args": ("Args:", "Parameters\n----------", ":param {0}: {1}", "    {0}: {1}", "{0}\n    {1}"),
    "Returns": ("Returns:", "Returns\n-------", ":returns: {1}", "    {1}", "value\n    {1}"),
    "Yields": ("Yields:", "Yields\n------", ":yields: {1}", "    {1}", "value\n    {1}"),
    "Raises": ("Raises:", "Raises\n------", ":raises {0}: {1}", "    {0}: {1}", "{0}\n    {1}"),
}


def said(style: Style, **sections: str) -> str:
    """A docstring with these sections; their names are apart by blanks."""
    blocks = ["Do it."]
    for title, names in sections.items():
        google, numpy, field, google_entry, numpy_entry = SECTIONS[title]
        entry = {Style.GOOGLE: google_entry, Style.NUMPY: numpy_entry, Style.SPHINX: field}[style]
        head = {Style.GOOGLE: [google], Style.NUMPY: [numpy], Style.SPHINX: []}[style]
        blocks.append("\n".join([*head, *(entry.format(name, "It is so.") for name in names.split())]))
    return "\n\n".join(blocks)


def documented(code: str, docstring: str) -> str:
    """The code with the docstring at `DOC`, indented by four blanks."""
    text = docstring.replace("\n", "\n    ").replace("\\", "\\\\")
    return code.replace("DOC", f'"""{text}\n    """')


def findings(code: str, settings: Docstrings = EVERY, path: Path = Path("a.py")) -> list[Finding]:
    path.write_text(code)
    every = list(audit([path.absolute()], Path.cwd(), settings, severities(settings, str)))
    assert all(isinstance(one, Judged) for one in every), every
    return [finding for one in every if isinstance(one, Judged) for finding in one.findings]


F = "def f(a, b=1, *args, c, **options):\n    DOC\n    return a\n"
G = "def g(a, b):\n    DOC\n    return a\n"

# (code, sections, the rules and what their messages end with)
FUNCTIONS = [
    pytest.param(G, {"Args": "a b", "Returns": "x"}, {}, id="all is said"),
    pytest.param(F, {"Args": "a b *args c **options", "Returns": "x"}, {}, id="parameters of all kinds"),
    pytest.param(F, {"Args": "a b c", "Returns": "x"}, {}, id="stars may be left out"),
    pytest.param(F, {"Args": "a b c other", "Returns": "x"}, {}, id="options may be named"),
    pytest.param(G, {}, {}, id="a summary alone"),
    pytest.param(G, {"Args": "a", "Returns": "x"}, {"param-missing": "the parameter b"}, id="one is missing"),
    pytest.param(
        G,
        {"Args": "a b zeta", "Returns": "x"},
        {"param-unknown": "the parameter zeta, which the signature does not have"},
        id="one too many",
    ),
    pytest.param(
        G,
        {"Args": "a gone", "Returns": "x"},
        {"param-unknown": "gone, which the signature does not have; did you mean b?"},
        id="renamed, at the same place",
    ),
    pytest.param(
        "def f(colour, size):\n    DOC\n    return 1\n",
        {"Args": "size color", "Returns": "x"},
        {"param-unknown": "color, which the signature does not have; did you mean colour?"},
        id="renamed, and spelt alike",
    ),
    pytest.param(
        G,
        {"Args": "b a", "Returns": "x"},
        {"param-order": "as b, a; the signature has a, b"},
        id="another order",
    ),
    pytest.param(
        "class A:\n  'A.'\n  def f(self, a):\n    DOC\n    self.a = a\n",
        {"Args": "self a"},
        {},
        id="self may be named",
    ),
    pytest.param("def f(a, _b):\n    DOC\n", {"Args": "a"}, {}, id="unused ones may be left out"),
    pytest.param("def f():\n    DOC\n", {"Args": "None"}, {}, id="none are none"),
    pytest.param(G, {"Args": "a a.x b", "Returns": "x"}, {}, id="parts of a parameter"),
    pytest.param(
        G, {"Returns": "x"}, {"docstring-incomplete": "section for the parameters: a, b"}, id="no parameters"
    ),
    pytest.param(G, {"Args": "a b"}, {"returns-missing": "what is returned"}, id="no return value"),
    pytest.param(
        "def f(a):\n    DOC\n    yield a\n", {"Args": "a"}, {"yields-missing": "is yielded"}, id="no yield"
    ),
    pytest.param("def f(a):\n    DOC\n    yield a\n", {"Args": "a", "Returns": "x"}, {}, id="a generator"),
    pytest.param("def f(a):\n    DOC\n    yield a\n", {"Args": "a", "Yields": "x"}, {}, id="it yields"),
    pytest.param(
        "def f(a):\n    DOC\n    a()\n",
        {"Args": "a", "Returns": "x"},
        {"returns-unneeded": "says what is returned, and nothing is"},
        id="nothing is returned",
    ),
    pytest.param(
        "def f(a):\n    DOC\n    a()\n",
        {"Args": "a", "Yields": "x"},
        {"yields-unneeded": "says what is yielded, and nothing is"},
        id="nothing is yielded",
    ),
    pytest.param("def f(a):\n    DOC\n    ...\n", {"Args": "a", "Returns": "x"}, {}, id="a stub"),
    pytest.param(
        "def f(a):\n    DOC\n    raise NotImplementedError\n",
        {"Args": "a", "Returns": "x"},
        {},
        id="abstract",
    ),
    pytest.param(
        "@contextmanager\ndef f(a):\n    DOC\n    yield a\n",
        {"Args": "a", "Returns": "x"},
        {},
        id="a manager",
    ),
    pytest.param("@property\ndef f(self):\n    DOC\n    return 1\n", {"Returns": "x"}, {}, id="a property"),
    pytest.param("@pytest.fixture()\ndef f(a):\n    DOC\n    yield 1\n", {"Args": "a"}, {}, id="a fixture"),
    pytest.param(
        "def f(a):\n    DOC\n    if a < 0:\n        raise ValueError\n",
        {"Args": "a"},
        {"raises-missing": "that ValueError is raised (if a < 0)"},
        id="raised and not said",
    ),
    pytest.param(
        "def f(a):\n    DOC\n    raise FileNotFoundError(a)\n    a()\n",
        {"Args": "a", "Raises": "OSError"},
        {},
        id="its base is said",
    ),
    pytest.param(
        "class Own(ValueError):\n  'A.'\ndef f(a):\n    DOC\n    a()\n    raise Own(a)\n",
        {"Args": "a", "Raises": "ValueError"},
        {},
        id="its base in the package is said",
    ),
    pytest.param(
        "def f(a):\n    DOC\n    a()\n", {"Args": "a", "Raises": "ValueError"}, {}, id="a call may raise"
    ),
    pytest.param(
        "def f(a):\n    DOC\n    b = a\n    if b is None:\n        return\n",
        {"Args": "a", "Raises": "ValueError"},
        {"raises-unknown": "ValueError is raised, and nothing is raised"},
        id="nothing can raise",
    ),
    pytest.param(
        "@wrapped\ndef f(a):\n    DOC\n    b = a\n", {"Args": "a", "Raises": "OSError"}, {}, id="decorated"
    ),
    pytest.param(
        "def f(a):\n    DOC\n    a()\n    raise CartError\n",
        {"Args": "a", "Raises": "CarError"},
        {"raises-unknown": "CarError is raised, which the code does not know; did you mean CartError?"},
        id="spelt otherwise",
    ),
    pytest.param(
        "class A:\n  DOC\n  def __init__(self, a): self.a = a\n",
        {"Args": "b"},
        {"docstring-missing": "A.__init__ has no docstring", "param-unknown": "did you mean a?"},
        id="a class and its __init__",
    ),
    pytest.param("class A(B):\n    DOC\n", {"Args": "b"}, {}, id="a class with an __init__ elsewhere"),
]


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize(("code", "sections", "expected"), FUNCTIONS)
def test_a_rule_speaks_where_docstring_and_code_differ(
    project: Path, code: str, sections: dict[str, str], expected: dict[str, str], style: Style
) -> None:
    settings = Docstrings(kinds=("functions", "classes"), dunders=True)
    found = findings(documented(code, said(style, **sections)), settings)
    assert {one.rule for one in found} == expected.keys()
    assert len(found) == len(expected)
    for one in found:
        assert one.message.endswith(expected[one.rule]), one.message


# What is no list of parameters for certain is none; so is what only looks like one.
UNSURE = [
    pytest.param("Args:\n    See the other function.", id="prose in a section"),
    pytest.param("Args:\n    x: y\n    and what goes on here", id="a line at the margin"),
    pytest.param("Args: as in the other one", id="a text beside the header"),
    pytest.param("Parameters\n----------\n%(params)s", id="to be filled in"),
    pytest.param("Parameters\n----------\nx, y and so on", id="a sentence"),
    pytest.param("Usage:\n    zeta: 1", id="a section of another kind"),
    pytest.param("zeta: something", id="no section"),
    pytest.param("Note:\n    zeta: 1", id="a note"),
    pytest.param(":param: nothing", id="a field without a name"),
    pytest.param("Say Args: and more", id="in a line"),
]


@pytest.mark.parametrize("text", UNSURE)
def test_where_the_reading_is_unsure_nothing_is_said_of_parameters(project: Path, text: str) -> None:
    code = documented(G, f"Return it.\n\n{text}")
    assert [one.rule for one in findings(code) if one.rule.startswith("param")] == []


RETURNS_IN_WORDS = [
    pytest.param("Return it.", id="the summary"),
    pytest.param("Do.\n\nIt will be returned.", id="a paragraph"),
    pytest.param("Do.\n\n:rtype: int", id="a type"),
]


@pytest.mark.parametrize("text", RETURNS_IN_WORDS)
def test_what_is_returned_may_be_said_in_words(project: Path, text: str) -> None:
    assert findings(documented(G, f"{text}\n\n:param a: x\n:param b: y")) == []


NOTHINGS = ["Returns:\n    None", "Returns: None", ":returns: None", ":rtype: None", "Returns\n-------\nNone"]


@pytest.mark.parametrize("text", NOTHINGS)
def test_nothing_may_be_said_to_be_returned(project: Path, text: str) -> None:
    assert findings(documented("def f():\n    DOC\n    print()\n", f"Do.\n\n{text}")) == []


CLASS = '''\
class Cart(BASES):
    """A cart.

    Attributes:
        lines: what is in it
        totl: a sum
        name: of it
    """

    size: int = 0

    def __init__(self):
        self.lines = []
        REST

    @property
    def total(self):
        """The sum."""
        return 1
'''

# (bases, rest of __init__, whether `totl` is refused)
CLASSES = [
    pytest.param("", "", True, id="all is known"),
    pytest.param("Protocol", "", True, id="a plain base"),
    pytest.param("Basket", "", False, id="a base may have it"),
    pytest.param("metaclass=Meta", "", False, id="a metaclass may set it"),
    pytest.param("", "setattr(self, 'x', 1)", False, id="set by name"),
    pytest.param("", "self.__dict__.update(x)", False, id="set in the dictionary"),
    pytest.param("", "self.totl = 1", False, id="set"),
]


@pytest.mark.parametrize(("bases", "rest", "refused"), CLASSES)
def test_attributes_that_a_class_does_not_have(project: Path, bases: str, rest: str, refused: bool) -> None:
    found = findings(CLASS.replace("BASES", bases).replace("REST", rest), Docstrings(kinds=("classes",)))
    assert [one.rule for one in found] == ["attribute-unknown"] * refused
    if refused:
        assert found[0].message.endswith("totl, which the class does not have; did you mean total?")
        assert (found[0].line, found[0].column) == (6, 9)


LINES = '''\
def f(a):
    r"""

    Do it.

    Args:
        a: it
        b: that
    """


def g(a):
    "Do it.\\n\\nArgs:\\n    a: it\\n    b: that"


def h(a, b):
    """Do it.

    Args:
        a: it
    """
'''


def test_a_finding_is_at_the_line_that_it_is_about(project: Path) -> None:
    found = findings(LINES)
    assert [(one.rule, one.line, one.column) for one in found if one.rule.startswith("param")] == [
        ("param-unknown", 8, 9),
        ("param-unknown", 13, 5),
        ("param-missing", 16, 1),
    ]
    assert found[-1].code.startswith("def h(a, b):")


# (header, rules that are left)
IGNORES = [
    pytest.param("def f(a, b):", ["param-missing", "param-unknown"], id="none"),
    pytest.param("def f(a, b):  # workflow-hub: ignore", [], id="all"),
    pytest.param("def f(a, b):  # workflow-hub: ignore[param-missing]", ["param-unknown"], id="one"),
    pytest.param("def f(a, b):  # x # workflow-hub:ignore[ param-missing,param-unknown ]", [], id="two"),
    pytest.param(
        "def f(\n    a, b  # workflow-hub: ignore[param-unknown]\n):", ["param-missing"], id="lines"
    ),
    pytest.param(
        "@d  # workflow-hub: ignore[param-unknown]\ndef f(a, b):", ["param-missing"], id="decorator"
    ),
    pytest.param(
        "def f(a, b):  # workflow-hub: ignore[nonsense]",
        ["ignore-unknown", "param-missing", "param-unknown"],
        id="no",
    ),
    pytest.param("# workflow-hub: ignore\ndef f(a, b):", ["param-missing", "param-unknown"], id="above"),
    pytest.param("def f(a, b):  # workflow-hub: skip", [], id="skip"),
]


@pytest.mark.parametrize(("header", "left"), IGNORES)
def test_a_comment_switches_rules_off(project: Path, header: str, left: list[str]) -> None:
    code = documented(f"{header}\n    DOC\n", "Do.\n\nArgs:\n    xxxxxx: x\n    yyyyyy: y\n    a: z")
    settings = Docstrings(rules={"param-order": "off"})
    assert sorted({one.rule for one in findings(code, settings)}) == left


def test_a_comment_that_names_no_rule_is_told_so(project: Path) -> None:
    (found,) = findings('def f():  # workflow-hub: ignore[param-odder]\n    """Do."""\n')
    assert found.message == (
        "function f switches off param-odder, and there is no such rule; did you mean param-order?"
    )


def test_settings_say_how_grave_a_rule_is_and_whether_it_is_on(project: Path) -> None:
    code = (
        documented(G, "Return it.\n\nArgs:\n    c: x\n    b: x\n    d: z\n    a: z") + "\n\ndef new(): ...\n"
    )
    rules = {"param-order": "error", "param-unknown": "off", "docstring-missing": "info"}
    found = findings(code, Docstrings(rules=rules))
    assert [(one.rule, one.severity) for one in found] == [
        ("param-order", "error"),
        ("docstring-missing", "info"),
    ]
    with pytest.raises(ConfigError, match=r"docstrings\.rules: unknown rule nonsense; see docs"):
        severities(Docstrings(rules={"nonsense": "off"}), str)
    with pytest.raises(
        ConfigError, match=r"docstrings\.max: unknown rule param-odder; did you mean param-order?"
    ):
        severities(Docstrings(max={"param-odder": 1}), str)


MISSING = '''\
def plain(a):
    return a


def said(a):
    """Say something."""


class Shop:
    def __init__(self): ...
    def sell(self): ...
    def _hide(self): ...
    @property
    def size(self): return 1
    @size.setter
    def size(self, value): ...


def blank():
    """  """


def skipped():  # workflow-hub: skip
    ...
'''
KINDS: list[object] = [
    pytest.param(("functions",), ["plain", "Shop.sell", "Shop.size", "blank"], id="functions"),
    pytest.param(("classes", "modules"), ["a.py", "Shop"], id="classes and modules"),
]


@pytest.mark.parametrize(("kinds", "names"), KINDS)
def test_what_has_no_docstring_at_all_is_missing(
    project: Path, kinds: tuple[Any, ...], names: list[str]
) -> None:
    settings = Docstrings(kinds=kinds)
    found = findings(MISSING, settings)
    assert [one.name for one in found] == names
    assert {(one.rule, one.severity, one.fix) for one in found} == {("docstring-missing", "error", None)}
    judged = list(audit([project / "a.py"], project, settings, severities(settings, str)))
    counted = [one.documented for one in judged if isinstance(one, Judged) and one.counts]
    assert counted.count(False) == len(names) and counted.count(True) == (kinds == ("functions",))


WHERE = '''\
"""A module."""


def _private(a):
    """Return it.

    Args:
        b: x
    """


class A(Base):
    """A class."""

    def __init__(self, a):
        """Make it.

        Args:
            b: x
        """

    def _undocumented(self): ...


def outer():
    """Return it."""

    def inner(a):
        """Do it.

        Args:
            b: x
        """

    return inner


@overload
def over(a):
    """Do it.

    Args:
        b: x
    """
'''


def test_what_has_a_docstring_is_held_against_its_code_wherever_it_stands(project: Path) -> None:
    found = findings(WHERE, Docstrings())
    assert [one.name for one in found] == ["_private", "A.__init__", "outer.<locals>.inner"]
    assert {one.rule for one in found} == {"param-unknown"}


def test_a_file_that_cannot_be_read_is_a_failure(project: Path) -> None:
    (project / "a.py").write_text("def f(:\n")
    (one,) = audit([project / "a.py"], project, EVERY, severities(EVERY, str))
    assert not isinstance(one, Judged) and "syntax error" in str(getattr(one, "error", ""))


GUESSES = [
    pytest.param(["x"], ["y"], ["x", "b"], ["y", "b"], {"x": "y"}, id="at the same place"),
    pytest.param(["x"], ["y"], ["b", "x"], ["y", "b"], {}, id="at another place"),
    pytest.param(
        ["timeout"], ["timeout_s", "b"], ["timeout"], ["b", "timeout_s"], {"timeout": "timeout_s"}, id="alike"
    ),
    pytest.param(["x", "y"], ["z"], ["x", "y"], ["z", "w"], {"x": "z"}, id="only once"),
]


@pytest.mark.parametrize(("unknown", "missing", "described", "named", "expected"), GUESSES)
def test_a_new_name_is_guessed(
    unknown: list[str], missing: list[str], described: list[str], named: list[str], expected: dict[str, str]
) -> None:
    assert renamed(unknown, missing, described, named) == expected


@given(functions(), st.sampled_from(Style), st.booleans(), WORDS)
def test_nothing_is_found_in_what_we_write(code: str, style: Style, types: bool, words: str) -> None:
    source = parse_source(Path("a.py"), code.encode())
    symbol = list(symbols(source))[1]
    slots = slots_of(facts_of(symbol, PackageIndex()), None)
    text = render(parts_of(slots, dict.fromkeys(slots, words)), style, types=types)
    made = parse_source(Path("a.py"), splice(source, [(symbol, text)]).data)
    assert rules_in(made) == []


def test_the_page_of_rules_has_every_rule_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "docstring-rules.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| \[?`([a-z-]+)`\]?(?:\([^)]*\))? \| (\w+) \|", page, re.M))
    assert rows == {rule.id: rule.severity for rule in RULES.values() if rule.id != "item-failed"}
    assert all(f"\n## {rule}\n" in page for rule in rows)


def test_the_examples_of_the_page_are_found(project: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "docstring-rules.md").read_text("utf-8")
    examples = re.findall(r"\n## ([a-z-]+)\n\n[^#]*?```python\n(.*?)```", page, re.S)
    assert len(examples) > len(RULES) - 4
    for rule, code in examples:
        found = findings(
            code, Docstrings(kinds=("functions", "classes") if "class " in code else ("functions",))
        )
        assert [one.rule for one in found] == [rule], rule


def test_a_parameter_may_be_called_cls(project: Path) -> None:
    code = "def f(a, cls):\n    DOC\n"
    assert findings(documented(code, "Do.\n\n:param a: x\n:param cls: y")) == []
