"""What a phrase names, held against the code: names, flags, paths and numbers are there, or it is refused."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.source.facts import Facts, facts_of
from workflow_hub.source.files import parse_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import Symbol, symbols
from workflow_hub.tasks.docstrings.known import Known, canonical, known_of
from workflow_hub.tasks.docstrings.slots import Slot
from workflow_hub.tasks.docstrings.truth import SAID, UNKNOWN, strangers, untrue

CODE = '''\
import os.path as osp
from http.client import HTTPConnection

DAY_S = 24 * 60 * 60
LIMIT = 0.75
OTHER = 77
PAIR = (640, 480)


class Session:
    """Talks to 4711 servers by unheardOf."""

    patience = 30

    def __init__(self, host):
        self.max_idle = 5

    # Kept as small as RFC 3986 wants it.
    def fetch(self, url, *, retries=3, mode="utf-8", flag="--dry-run"):
        """Mentions no_such_name and 99."""
        with HTTPConnection(url) as link:  # up to 16 redirects
            for place in range(retries * 1_000):
                link.send(osp.join("/etc/hosts.d", "page.txt"), timeout=DAY_S, share=LIMIT)
        size, pages = 1 << 20, [url, mode, flag, None, "sha256", self.patience, PAIR]

        def parseRow(row):
            """Speaks of hiddenThing."""
            return row.cells["x"], 0x1F

        return parseRow(pages), size
'''


def known_in(code: str, name: str) -> Known:
    source = parse_source(Path("talk.py"), code.encode())
    symbol = next(one for one in symbols(source) if one.qualname == name)
    return known_of(symbol, facts_of(symbol, PackageIndex()))


FETCH = known_in(CODE, "Session.fetch")

# (text, what in it the code does not know)
NAMES = [
    pytest.param("Download a page, trying again after failed attempts.", None, id="no code in it"),
    pytest.param("what `url` says", None, id="a parameter"),
    pytest.param("what `url.host` says", None, id="a parameter of __init__"),
    pytest.param("what `url.strip()` says", "strip", id="an attribute that is nowhere"),
    pytest.param("stops after max_idle", None, id="what the class sets on self"),
    pytest.param("stops after max_tries", "max_tries", id="snake case"),
    pytest.param("stops after _max_tries", "_max_tries", id="private"),
    pytest.param("rows of parseRow", None, id="camel case"),
    pytest.param("rows of parseRows", None, id="in the plural"),
    pytest.param("rows of parseLine", "parseLine", id="camel case that is nowhere"),
    pytest.param("an open HTTPConnection", None, id="an import"),
    pytest.param("an open HTTPSConnection", "HTTPSConnection", id="capitals before a name"),
    pytest.param("raised as a PageError here", "PageError", id="a class that is nowhere"),
    pytest.param("raised as a ValueError here", None, id="a builtin"),
    pytest.param("as `__enter__` and `__del__` want it", None, id="names of protocols"),
    pytest.param("as `__fetch__` wants it", "__fetch__", id="no protocol of Python"),
    pytest.param("what link.send() gives", None, id="dotted"),
    pytest.param("what link.receive() gives", "receive", id="dotted, and nowhere"),
    pytest.param("what http.client says", None, id="an imported module"),
    pytest.param("what talk.Session does", None, id="its own module"),
    pytest.param("what retry() gives back", "retry", id="a call"),
    pytest.param("over plain HTTP", None, id="capitals of a name"),
    pytest.param("over plain FTP", "FTP", id="capitals that are nowhere"),
    pytest.param("a URL, with ID and API of NaN", None, id="capitals that everybody knows"),
    pytest.param("one of the URLs", None, id="capitals in the plural"),
    pytest.param("a digest by SHA256, or sha-256", None, id="with a number in it"),
    pytest.param("a digest by MD5", "MD5", id="with a number in it, and nowhere"),
    pytest.param("text in UTF-8", None, id="an encoding"),
    pytest.param("text in UTF-16", "UTF-16", id="another encoding"),
    pytest.param("a page, e.g. the first one", None, id="abbreviation"),
    pytest.param("a `Set-Cookie` header or a `free list`", None, id="a term in backquotes"),
    pytest.param("an `isOpen list`", "isOpen", id="a name in a term"),
    pytest.param("only with --dry-run", None, id="a flag"),
    pytest.param("only with `--dry-run`", None, id="a flag in backquotes"),
    pytest.param("only with --force", "--force", id="a flag that is nowhere"),
    pytest.param("only with -f", "-f", id="a short flag"),
    pytest.param("a well-known, non-empty page", None, id="hyphens"),
    pytest.param("reads /etc/hosts.d first", None, id="a path"),
    pytest.param("reads /etc/passwd first", "/etc/passwd", id="a path that is nowhere"),
    pytest.param("reads ~/.netrc first", "~/.netrc", id="a path below home"),
    pytest.param("every .txt file", None, id="an ending"),
    pytest.param("every .csv file", ".csv", id="an ending that is nowhere"),
    pytest.param("writes page.txt there", None, id="a file"),
    pytest.param("writes pages.csv there", "csv", id="a file that is nowhere"),
    pytest.param("read and/or write", None, id="a slash between words"),
    pytest.param("reads no_such_name", "no_such_name", id="only its own docstring has it"),
    pytest.param("reads `hiddenThing`", "hiddenThing", id="only a docstring inside has it"),
    pytest.param("reads unheardOf", None, id="the first sentence of the class has it"),
    pytest.param("", None, id="nothing"),
    pytest.param("`", None, id="a backquote"),
    pytest.param("読み込むページの住所", None, id="no Latin letter"),
]
NUMBERS = [
    pytest.param("gives up after 3 attempts", None, id="a default"),
    pytest.param("gives up after three attempts", None, id="a default, in words"),
    pytest.param("gives up after 9 attempts", "9", id="a number that is nowhere"),
    pytest.param("gives up after nine attempts", "nine", id="in words, and nowhere"),
    pytest.param("one of two, or zero", None, id="small ones in words"),
    pytest.param("the 2nd of 1 or 0", None, id="small ones"),
    pytest.param("every 45th page", None, id="an ordinal"),
    pytest.param("up to 1000 times", None, id="written otherwise in the code"),
    pytest.param("up to 1,000.0 times", None, id="written otherwise in the text"),
    pytest.param("waits for 86400 seconds", None, id="what a constant comes to"),
    pytest.param("waits for 24 hours", None, id="a part of a constant"),
    pytest.param("waits for 60 minutes", None, id="another part of it"),
    pytest.param("at most 1048576 bytes", None, id="what a shift comes to"),
    pytest.param("at most 1 MB", None, id="in another unit"),
    pytest.param("a share of 75 %", None, id="per cent"),
    pytest.param("a share of 75 pages", "75", id="not per cent"),
    pytest.param("a share of 100%", None, id="all"),
    pytest.param("waits for 30 seconds", None, id="a constant of the class"),
    pytest.param("waits for 0.5 minutes", None, id="a constant of the class in another unit"),
    pytest.param("as large as 640 by 480", None, id="in a tuple"),
    pytest.param("as large as 77", "77", id="a constant that it does not use"),
    pytest.param("follows 16 redirects", None, id="a comment inside"),
    pytest.param("as RFC 3986 has it", None, id="a comment above"),
    pytest.param("as RFC 2616 has it", "2616", id="a document that is nowhere"),
    pytest.param("masked by 31", None, id="written as hexadecimal"),
    pytest.param("the seven pages in all", None, id="as many as the code lists"),
    pytest.param("mentions 99 of them", "99", id="only its own docstring has it"),
    pytest.param("from 3-5 times", None, id="a range"),
    pytest.param("from 3-9 times", "9", id="a range that goes too far"),
    pytest.param("since version 3.16", None, id="a version whose parts are known"),
    pytest.param("since version 3.16.9", "3.16.9", id="a version"),
    pytest.param("`range(9)` pages", "9", id="in backquotes"),
    pytest.param("a 3xx answer", None, id="a class of numbers"),
]


@pytest.mark.parametrize(("text", "stranger"), [*NAMES, *NUMBERS])
def test_what_the_code_does_not_know_is_refused_by_name(text: str, stranger: str | None) -> None:
    expected = None if stranger is None else f"{UNKNOWN}{stranger}, which the code does not know"
    assert untrue(text, Slot("parameter", "url"), FETCH) == expected


# (code, the symbol, a text that may stand, one that may not)
AROUND = [
    pytest.param("def f(a):\n    return g_one(a)\n", "f", "by g_one", "by g_two", id="a callee"),
    pytest.param(
        "def f(a):\n    b_one = 7\n    def g():\n        return a\n    return g\n",
        "f.<locals>.g",
        "with b_one and 7",
        "with b_two",
        id="the function around",
    ),
    pytest.param(
        'def f(a):\n    def g():\n        """Gives c_one."""\n        return a\n    return g\n',
        "f.<locals>.g",
        "what f() has",
        "with c_one",
        id="no docstring in the function around",
    ),
    pytest.param("class A(B_one):\n    x_one = 7\n", "A", "B_one and x_one, 7", "x_two", id="a class"),
    pytest.param('"""Of m_one."""\nx_two: int = 9\n', "", "x_two is 9", "m_one", id="a module"),
    pytest.param(
        "A: int = 8\nB: int\n\ndef f():\n    return A, B\n", "f", "8 of B", "7 of B", id="annotated"
    ),
    pytest.param("async def f():\n    'Of n_one.'\n    await g_one()\n", "f", "g_one", "n_one", id="async"),
    pytest.param("def f(): 'Of n_one.'\n", "f", "what f() is", "n_one", id="in one line"),
    pytest.param("X = 1 << 9999\nY = 2 ** 0.5 / 0\n\ndef f(): return X, Y\n", "f", "9999", "9998", id="huge"),
    pytest.param("def f(a):\n    return -(-5 % 3) + (2 << 0.5)\n", "f", "5 of 3", "8", id="not worked out"),
]


@pytest.mark.parametrize(("code", "name", "so", "not_so"), AROUND)
def test_what_stands_around_counts(code: str, name: str, so: str, not_so: str) -> None:
    known = known_in(code, name)
    assert untrue(so, Slot("summary"), known) is None
    assert (untrue(not_so, Slot("summary"), known) or "").startswith(UNKNOWN)


def caller_of(sum_up: str, folder: Path) -> tuple[Symbol, Facts]:
    """A function that calls `sum_up`, which is of another file."""
    (folder / "one.py").write_text(sum_up)
    path = folder / "two.py"
    path.write_text("from one import sum_up\n\ndef f(a):\n    return sum_up(a)\n")
    symbol = next(one for one in symbols(parse_source(path, path.read_bytes())) if one.qualname == "f")
    return symbol, facts_of(symbol, PackageIndex(root=folder))


def test_the_words_of_documented_callees_may_be_quoted(tmp_path: Path) -> None:
    known = known_of(*caller_of('def sum_up(a):\n    """Add by carry_all, 12 at a time."""\n', tmp_path))
    assert untrue("adds by carry_all, 12 at a time", Slot("summary"), known) is None
    assert untrue("adds by carry_none", Slot("summary"), known) is not None


def test_the_names_in_a_callees_condition_mean_nothing_to_its_callers(tmp_path: Path) -> None:
    symbol, facts = caller_of("def sum_up(a):\n    if a.carry_all: raise ValueError\n", tmp_path)
    assert [one.guard for one in facts.raises] == ["a.carry_all"]
    slot, known = Slot("raises", "ValueError"), known_of(symbol, facts)
    assert untrue("if sum_up finds nothing", slot, known) is None
    assert untrue("if carry_all is set", slot, known) is not None


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("1_000", "1000"),
        ("1,000", "1000"),
        ("1000.0", "1000"),
        ("0.50", "0.5"),
        ("007", "7"),
        ("3.11.0", "3.11.0"),
    ],
)
def test_the_same_number_has_the_same_text(number: str, text: str) -> None:
    assert canonical(number) == text


WORDS = st.text(st.sampled_from("ab_XY09.`-/()~% "), max_size=30) | st.text(max_size=30)


@given(WORDS)
def test_any_text_is_judged_and_what_is_refused_is_in_it(text: str) -> None:
    for stranger in strangers(text, FETCH):
        assert stranger in text
    reason = untrue(text, Slot("summary"), FETCH)
    assert reason is None or reason.startswith((UNKNOWN, SAID))


@given(
    st.lists(
        st.from_regex(r"[a-z]{1,6}(_[a-z]{1,6}|[A-Z][a-z]{1,5})", fullmatch=True), min_size=1, max_size=4
    )
)
def test_names_are_refused_if_and_only_if_they_are_not_in_the_code(names: list[str]) -> None:
    known = known_in(f"def f(a):\n    return a, {', '.join(names)}\n", "f")
    assert not list(strangers(" and ".join(f"`{name}`, {name}, {name}()" for name in names), known))
    other = f"{names[0]}_{'z' * 9}"
    assert list(strangers(f"what {other} says", known)) == [other]


@given(st.integers(0, 10**15), st.integers(1, 10**6))
def test_numbers_are_refused_if_and_only_if_they_are_not_in_the_code(number: int, apart: int) -> None:
    known = known_in(f"def f(a):\n    return a + {number}\n", "f")
    assert not list(strangers(f"adds {number} or {number:,} or {number}.0 to it", known))
    assert list(strangers(f"adds {number + apart + 2} to it", known)) == [str(number + apart + 2)]


def test_every_name_of_a_long_module_is_known_where_it_stands() -> None:
    path = Path(ast.__file__)
    source = parse_source(path, path.read_bytes())
    index = PackageIndex()
    for symbol in symbols(source):
        if symbol.kind == "function":
            known = known_of(symbol, facts_of(symbol, index, body_tokens=0))
            inner = {node.id for node in ast.walk(symbol.node) if isinstance(node, ast.Name)}
            assert not list(strangers(" ".join(f"`{name}`" for name in sorted(inner)), known))
