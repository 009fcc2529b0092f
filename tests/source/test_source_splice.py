"""Docstrings spliced into source: the bytes around them stay, whatever the file looks like."""

# ruff: noqa: E501  (one case, one line)
from __future__ import annotations

import ast
import inspect
import os
import random
import re
import subprocess
import sysconfig
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workflow_hub.errors import SourceRefused
from workflow_hub.source.files import parse_source, read_source
from workflow_hub.source.literal import clean, literal
from workflow_hub.source.patch import unified_patch
from workflow_hub.source.proof import Range, prove
from workflow_hub.source.splice import splice
from workflow_hub.source.symbols import symbols


def source_of(text, encoding="utf-8"):
    return parse_source(Path("shop.py"), text.encode(encoding))


def spliced(text, docstrings, encoding="utf-8"):
    """The text with docstrings by qualified name; the module is `""`."""
    source = source_of(text, encoding)
    return splice(
        source, [(one, docstrings[one.qualname]) for one in symbols(source) if one.qualname in docstrings]
    )


F = {"f": "Do it."}
LONG = {"f": "Do it.\n\nArgs:\n    x: One."}


@pytest.mark.parametrize(
    ("before", "docstrings", "after"),
    [
        # What stays as it is.
        pytest.param('def f():\n    """Do it."""\n', F, 'def f():\n    """Do it."""\n', id="the same text"),
        pytest.param("def f():\n    'Do it.'  \n", F, "def f():\n    'Do it.'  \n", id="the same text in other quotes"),
        pytest.param('def f():\n    """\n    Do it.  """', F, 'def f():\n    """\n    Do it.  """', id="the same, laid out"),
        # Insertions.
        pytest.param("def f():\n    pass\n", F, 'def f():\n    """Do it."""\n    pass\n', id="a block"),
        pytest.param("def f():\n  return", F, 'def f():\n  """Do it."""\n  return', id="two blanks, no line end"),
        pytest.param("def f():\n\treturn\n", LONG, 'def f():\n\t"""Do it.\n\n\tArgs:\n\t    x: One.\n\t"""\n\treturn\n', id="tabs"),
        pytest.param("def f(): return 1\n", F, 'def f():\n    """Do it."""\n    return 1\n', id="a one-line body"),
        pytest.param("def f():return 1", F, 'def f():\n    """Do it."""\n    return 1', id="a one-line body without a blank"),
        pytest.param("def f():      ...\n", F, 'def f():\n      """Do it."""\n      ...\n', id="a one-line body with many blanks"),
        pytest.param("def f():\tpass\nif f:\n\tpass\n", F, 'def f():\n\t"""Do it."""\n\tpass\nif f:\n\tpass\n', id="a one-line body, tabs"),
        pytest.param("def f(): a; b  # c\n", F, 'def f():\n    """Do it."""\n    a; b  # c\n', id="two statements on the line"),
        pytest.param("if 1:\n  def f(): pass\n", F, 'if 1:\n  def f():\n    """Do it."""\n    pass\n', id="a one-line body further in"),
        pytest.param("class f: pass\n", F, 'class f:\n    """Do it."""\n\n    pass\n', id="a class on one line"),
        pytest.param("class f(A):\n    x = 1\n", F, 'class f(A):\n    """Do it."""\n\n    x = 1\n', id="a class"),
        pytest.param("class f:\n\n    x = 1\n", F, 'class f:\n    """Do it."""\n\n    x = 1\n', id="a class with a gap"),
        pytest.param("def f():\r\n    pass\r\n", LONG, 'def f():\r\n    """Do it.\r\n\r\n    Args:\r\n        x: One.\r\n    """\r\n    pass\r\n', id="CRLF"),
        pytest.param("def f():\r    pass\r", F, 'def f():\r    """Do it."""\r    pass\r', id="CR"),
        pytest.param("x = 1\r\ndef f():\n    pass\r\n", F, 'x = 1\r\ndef f():\n    """Do it."""\n    pass\r\n', id="mixed line ends"),
        pytest.param("x = 1\r\ndef f(): pass", F, 'x = 1\r\ndef f():\r\n    """Do it."""\r\n    pass', id="the last line goes by the one above"),
        pytest.param("\f\ndef f():\n \f    pass\n", F, '\f\ndef f():\n    """Do it."""\n \f    pass\n', id="form feeds"),
        pytest.param("x = '\x0b \u2028 \x1c'\ndef f():\n    pass\n", F, "x = '\x0b \u2028 \x1c'\ndef f():\n" + '    """Do it."""\n    pass\n', id="what only splitlines takes for a line end"),
        pytest.param("def f():\n    \\\n  return 1\n", F, 'def f():\n    """Do it."""\n    \\\n  return 1\n', id="a continued line"),
        pytest.param("def f(\n    x=':',  # the :\n    *, y={1: 2}\n) -> 'a:b':  # and :\n    # why\n\n    @g\n    def h(): ...\n", F,
            'def f(\n    x=\':\',  # the :\n    *, y={1: 2}\n) -> \'a:b\':  # and :\n    """Do it."""\n    # why\n\n    @g\n    def h(): ...\n', id="colons and comments"),
        pytest.param("def f(  # no :\n): pass\n", F, 'def f(  # no :\n):\n    """Do it."""\n    pass\n', id="a comment in empty brackets"),
        pytest.param("def f() -> (lambda: 1): return 1\n", F, 'def f() -> (lambda: 1):\n    """Do it."""\n    return 1\n', id="a lambda for a type"),
        pytest.param("def ä(ö='ü'): return 'ß'\n", {"ä": "Grüße."}, 'def ä(ö=\'ü\'):\n    """Grüße."""\n    return \'ß\'\n', id="columns in UTF-8"),
        pytest.param("@a\nasync def f():\n    f'x'\n", F, '@a\nasync def f():\n    """Do it."""\n    f\'x\'\n', id="an f-string is no docstring"),
        pytest.param("class A:\n  def f(self): pass\n  class B:\n    def g(self):\n      pass\n", {"A": "A.", "A.f": "F.", "A.B": "B.", "A.B.g": "G."},
            'class A:\n  """A."""\n\n  def f(self):\n    """F."""\n    pass\n  class B:\n    """B."""\n\n    def g(self):\n      """G."""\n      pass\n', id="nested"),
        # Modules.
        pytest.param("", {"": "It."}, '"""It."""\n', id="an empty module"),
        pytest.param("#!/bin/x\n# coding: utf-8\n# by me\n\n# an import\nfrom __future__ import annotations\n", {"": "It."},
            '#!/bin/x\n# coding: utf-8\n# by me\n"""It."""\n\n# an import\nfrom __future__ import annotations\n', id="a module after its comments"),
        pytest.param("\n# coding: utf-8\nimport x\n", {"": "It."}, '\n# coding: utf-8\n"""It."""\n\nimport x\n', id="a coding line on the second line"),
        pytest.param("\n\nimport x\n", {"": "It."}, '"""It."""\n\n\nimport x\n', id="a module without comments"),
        pytest.param("# c", {"": "It."}, '# c\n"""It."""\n', id="a comment without a line end"),
        pytest.param("'''Old.'''; x = 1\n", {"": "It."}, '"""It."""; x = 1\n', id="a module's docstring is replaced"),
        # Replacements, and lines that are added.
        pytest.param("def f(): 'old'  ; return 1  # c\n", F, 'def f(): """Do it."""  ; return 1  # c\n', id="what stands around stays"),
        pytest.param("def f():\n    ('old')  # c\n", F, 'def f():\n    ("""Do it.""")  # c\n', id="in brackets"),
        pytest.param("def f(): 'old'\n", LONG, 'def f(): """Do it.\n\n    Args:\n        x: One.\n    """\n', id="many lines in a one-line body"),
        pytest.param('def f():\n    """Do it."""  # c\n', LONG, 'def f():\n    """Do it.\n\n    Args:\n        x: One.\n    """  # c\n', id="lines are added to a single one"),
        pytest.param('def f():\n    """\n    Do it.  \n    """', LONG, 'def f():\n    """\n    Do it.  \n\n    Args:\n        x: One.\n    """', id="the layout stays"),
        pytest.param("def f():\r\n    '''Do it.\r\n\r\n      Args:\r\n  '''\r\n", {"f": "Do it.\n\nArgs:\n    x: '''One.'''"},
            "def f():\r\n    '''Do it.\r\n\r\n      Args:\r\n          x: \\'\\'\\'One.\\'\\'\\'\r\n  '''\r\n", id="in other quotes and indentation"),
        pytest.param('def f():\n    """Args:\n    x: \\t.\n    """', {"f": "Do.\n\nArgs:\nx: ."}, 'def f():\n    """Do.\n\n    Args:\n    x: .\n    """', id="what differs in blanks is replaced"),
        pytest.param('def f():\n    """:param x: \\u0041.\n    """', {"f": "Do.\n\n:param x: A."}, 'def f():\n    """Do.\n\n    :param x: \\u0041.\n    """', id="a line on top, escapes stay"),
        pytest.param('def f():\n    """\n    :param x: A.\n    """', {"f": "Do.\n\n:param x: A."}, 'def f():\n    """\n    Do.\n\n    :param x: A.\n    """', id="a line on top, below the quotes"),
        pytest.param('def f():\n    r"""\\d"""', {"f": "\\d\n\\w"}, 'def f():\n    r"""\\d\n    \\w\n    """', id="raw stays raw"),
        pytest.param('def f():\n    """\\\\d"""', {"f": "\\d\n\\w"}, 'def f():\n    """\\\\d\n    \\\\w\n    """', id="and what is not does not"),
        pytest.param('def f():\n    r"""\\d"""', {"f": '\\d\n"""'}, 'def f():\n    """\\\\d\n    \\"\\"\\"\n    """', id="raw, until it cannot"),
        pytest.param('def f():\n    """Do\\\n    it."""', {"f": "Do    it.\n\nNow."}, 'def f():\n    """Do\\\n    it.\n\n    Now.\n    """', id="a line that goes on"),
        pytest.param('def f():\n    """\\\nDo it.\\n"""', LONG, 'def f():\n    """Do it.\n\n    Args:\n        x: One.\n    """', id="an escaped line end"),
        pytest.param('"""\\\nDo it.\n"""', {"": "Do it.\n\nNow."}, '"""\\\nDo it.\n\nNow.\n"""', id="a line that goes on at once"),
        pytest.param('def f():\n    """ \n    """', F, 'def f():\n    """Do it."""', id="a blank docstring"),
    ],
)  # fmt: skip
def test_splice(before, docstrings, after):
    result = spliced(before, docstrings)
    assert result.data.decode() == after
    assert not result.refused
    assert len(result.written) == len(docstrings)
    assert spliced(after, docstrings).data.decode() == after


@pytest.mark.parametrize(
    "text", [pytest.param("", id="empty"), pytest.param("Old.\n\nHalf \ud800.", id="half a surrogate pair")]
)
@pytest.mark.parametrize("before", ["def f():\n    pass\n", 'def f():\n    """Old."""\n'])
def test_splice_refuses_what_is_no_docstring(before, text):
    result = spliced(before, {"f": text})
    assert [one.qualname for one, _ in result.refused] == ["f"]
    assert result.data.decode() == before


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        pytest.param("def f(): \\\n  return 1\n", "continued line", id="a continued one-line body"),
        pytest.param("if 1:\n\tdef f(): return 1\n", "blanks and tabs", id="a blank in a file with tabs"),
        pytest.param("def f():\n    ('a'\n     'b')\n", "joined from several", id="joined literals"),
    ],
)
def test_splice_refuses(before, reason):
    result = spliced(before + "def g():\n    pass\n", {"f": "Do it.", "g": "Other."})
    assert [(one.qualname, reason in str(error)) for one, error in result.refused] == [("f", True)]
    assert result.data.decode() == before + 'def g():\n    """Other."""\n    pass\n'


@pytest.mark.parametrize(
    ("encoding", "before", "good", "bad"),
    [
        pytest.param(
            "latin-1", "# coding: latin-1\ndef f(ä='é'): return 'ü'\n", "Grüße.", "10 €.", id="latin-1"
        ),
        pytest.param(
            "cp1252", "# -*- coding: cp1252 -*-\ndef f(): return '€'\n", "10 €.", "Жук.", id="cp1252"
        ),
        pytest.param(
            "utf-8-sig", "def f(): return '€'\n", "10 € Жук.", "Half \ud800.", id="a byte order mark"
        ),
    ],
)
def test_encodings(encoding, before, good, bad):
    result = spliced(before, {"f": good, "": good}, encoding)
    module = f'"""{good}"""\n\n'
    opened = f'):\n    """{good}"""\n    return'
    head, rest = (
        (before.split("\n", 1)[0] + "\n", before.split("\n", 1)[1]) if "coding" in before else ("", before)
    )
    assert result.data == (head + module + rest.replace("): return", opened)).encode(encoding)
    assert not result.refused
    result = spliced(before, {"f": bad, "": good}, encoding)
    assert [one.qualname for one, _ in result.refused] == ["f"]
    assert result.data == (head + module + rest).encode(encoding)


def test_a_symbol_that_breaks_the_proof_fails_alone():
    # Twice the same place: the second docstring would be one more statement.
    source = source_of("def f():\n    pass\ndef g():\n    pass\n")
    first, second = list(symbols(source))[1:]
    result = splice(source, [(first, "One."), (first, "Two."), (second, "Three.")])
    assert [one.qualname for one, _ in result.refused] == ["f"]
    assert (
        result.data.decode() == 'def f():\n    """One."""\n    pass\ndef g():\n    """Three."""\n    pass\n'
    )


def test_the_proof_has_the_figures():
    result = spliced("def f():\n    pass\n", F)
    assert result.ranges == (Range(9, 9, 9, 26),)
    assert result.proof.inserted_bytes == 17
    assert (result.proof.ast_equal, result.proof.bytes_outside_equal) == (True, True)
    assert result.proof.sha256_before != result.proof.sha256_after


BEFORE = "# coding: utf-8\ndef f():\n    pass\n"
GOOD = '# coding: utf-8\ndef f():\n    """Do it."""\n    pass\n'


@pytest.mark.parametrize(
    ("after", "ranges", "reason"),
    [
        pytest.param(GOOD, [Range(25, 25, 25, 41)], "bytes outside", id="a range too short"),
        pytest.param(GOOD, [Range(25, 25, 25, 42), Range(20, 20, 20, 20)], "bytes outside", id="ranges out of order"),
        pytest.param(GOOD.replace('it."""', "it."), [Range(25, 25, 25, 39)], "syntax error", id="no Python"),
        pytest.param(GOOD.replace("pass", "quit"), [Range(25, 33, 25, 50)], "more than docstrings", id="other code"),
        pytest.param(GOOD.replace("def f", "def g"), [Range(20, 25, 20, 42)], "more than docstrings", id="another name"),
        pytest.param(GOOD + "g()\n", [Range(25, 34, 25, 55)], "more than docstrings", id="more code"),
        pytest.param(GOOD.replace("it", "at"), [Range(25, 25, 25, 42)], "would not read", id="another docstring"),
        pytest.param(BEFORE, [], "would not read", id="no docstring"),
        pytest.param('"""M."""\n' + GOOD, [Range(0, 0, 0, 9), Range(25, 25, 34, 51)], "would not read", id="one too many"),
        pytest.param(GOOD.replace("utf-8", "ascii"), [Range(0, 25, 0, 42)], "encoding", id="another encoding"),
        pytest.param(GOOD.replace("pass", "1"), [Range(25, 34, 25, 48)], "more than docstrings", id="another statement"),
    ],
)  # fmt: skip
def test_prove_refuses(after, ranges, reason):
    source = source_of(BEFORE)
    function = list(symbols(source))[1]
    assert prove(source, GOOD.encode(), [Range(25, 25, 25, 42)], [(function, "Do it.")]).inserted_bytes == 17
    with pytest.raises(SourceRefused, match=reason):
        prove(source, after.encode(), ranges, [(function, "Do it.")])


def test_a_long_chain_is_compared_without_recursion():
    chain = "x = " + " + ".join(["1"] * 900) + "\ndef f():\n    pass\n"
    assert not spliced(chain, F).refused


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        pytest.param("Do it.", {}, '"""Do it."""', id="one line"),
        pytest.param("Do it.\n\nNow.", {}, '"""Do it.\n\n    Now.\n    """', id="several"),
        pytest.param("Do it.\n\n x", {"newline": "\r\n", "indent": "\t"}, '"""\r\n\tDo it.\r\n\r\n\t x\r\n\t"""', id="nothing at the margin"),
        pytest.param("Do it now.", {"width": 19}, '"""Do it now.\n    """', id="too wide for one line"),
        pytest.param("A \\d.", {}, 'r"""A \\d."""', id="a backslash"),
        pytest.param("A \\d.", {"raw": False}, '"""A \\\\d."""', id="a backslash, not raw"),
        pytest.param("A d.", {"raw": True}, 'r"""A d."""', id="raw"),
        pytest.param("A\\", {}, '"""A\\\\"""', id="a backslash at the end"),
        pytest.param('A "d"', {}, '"""A "d"\n    """', id="a quote at the end"),
        pytest.param('\\A "d"', {}, 'r"""\\A "d"\n    """', id="a quote at the end, raw"),
        pytest.param('"""" \\', {}, '"""\\"\\"\\"" \\\\"""', id="quotes"),
        pytest.param("a\x00\x0c\u202eb", {}, '"""a\\x00\\x0c\\u202eb"""', id="what is not seen"),
        pytest.param(" a  \n\tb\r\n", {}, '"""\n    a\n           b\n    """', id="blanks"),
    ],
)  # fmt: skip
def test_literal(text, options, expected):
    assert literal(text, **options) == expected


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        pytest.param(" \n", {}, "empty", id="empty"),
        pytest.param("a\udc80", {}, "surrogate", id="half a pair"),
        pytest.param("a\\", {"raw": True}, "raw", id="raw, with a backslash at the end"),
        pytest.param('"""', {"raw": True}, "raw", id="raw, with quotes"),
        pytest.param("\x07", {"raw": True}, "raw", id="raw, with a bell"),
    ],
)
def test_literal_refuses(text, options, reason):
    with pytest.raises(SourceRefused, match=reason):
        literal(text, **options)


nasty = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.sampled_from("\"\\'ab \n\t\r\f\x0b\x00{}#:\u2028\u00e9\x85")),
)


@settings(max_examples=400, deadline=None)
@given(
    nasty,
    st.sampled_from(["", "    ", "\t", "  "]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([None, False]),
)
def test_literal_reads_as_the_text(text, indent, newline, raw):
    try:
        written = literal(text, indent=indent, newline=newline, raw=raw)
    except SourceRefused:
        assert not text.strip()
        return
    value = ast.literal_eval(written)
    settled = clean("\n" + text)
    assert clean(value) == settled
    # Python itself agrees, as far as its versions agree on what an indentation is.
    if not re.search(r"[^\S \n]", settled):
        assert inspect.cleandoc(value).rstrip() == settled
    assert not re.search(r"[ \t](?:\r|\n|\Z)", written)
    assert not re.sub(r"\r\n|\r|\n", "", written).strip("\t").replace("\t", "").count("\x0c")


DOCS = [
    "Do it.",
    'Say "no"',
    "A \\d\\",
    "One.\n\nArgs:\n    x: \"\"\" {y}\n    z: '''",
    "Args:\n    x: One.",
    "Ä €.",
]
indents = st.sampled_from(["    ", "  ", "\t", " "])
simple = st.sampled_from(
    ["pass", "...", "x = 1; y = 2", "return_ = '''a\n b'''", "x = (1,\n2)", "f'{x}'", "b''", "x = \\\n 1"]
)
comments = st.sampled_from(["", "", "# why:", "#", "\f", "  # odd"])
headers = st.sampled_from(
    [
        "def f(x, *, y={1: 2}):",
        "async def g(\n  x=':',  # :\n): # c:",
        "class C:",
        "class D(A,\n\n B): ",
        "def h()->'a:b' :",
        "def i(  # :\n) \\\n :",
    ]
)
decorators = st.sampled_from(["", "", "@a\n", "@(b)\n# c\n@d(1,\n2)\n"])
old_docstrings = st.sampled_from(
    [
        "",
        "",
        "'old'",
        '"""Do it."""',
        "r'''One.\n\n\\d\n'''  # c",
        '("""Args:\n  x: 1""")',
        "'a' 'b'",
        "u'Do it.'; x = 1",
        '"""One.\\n"""',
    ]
)


@st.composite
def blocks(draw, depth):
    """Lines of a function or class, with whatever may stand around its body."""
    indent = draw(indents)
    lines = (draw(decorators) + draw(headers)).split("\n")
    if draw(st.integers(0, 3)) == 0 and not lines[-1].rstrip().endswith("c:"):
        return [*lines[:-1], lines[-1] + draw(st.sampled_from(["", " ", "  ", "\t"])) + draw(simple)]
    body = [draw(comments), *draw(old_docstrings).split("\n"), draw(comments), draw(simple)]
    if depth:
        for _ in range(draw(st.integers(0, 2))):
            body += [draw(comments), *draw(blocks(depth - 1)), draw(comments)]
    return [*lines, *(indent + line if line else "" for line in body)]


@st.composite
def modules(draw):
    lines = [
        draw(
            st.sampled_from(
                ["", "#!/x", "# coding: latin-1", "'Module.'", "from __future__ import annotations"]
            )
        )
    ]
    for _ in range(draw(st.integers(1, 3))):
        lines += [draw(comments), *draw(blocks(2))]
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = newline.join("\n".join(lines).split("\n")) + draw(st.sampled_from(["", newline]))
    encoding = "latin-1" if "latin-1" in text else draw(st.sampled_from(["utf-8", "utf-8-sig"]))
    return text.encode(encoding)


def parses(data):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(data)
    except SyntaxError:
        return False
    return True


def without_ranges(result, before):
    """The old bytes, put together from the new ones and what the ranges replaced."""
    data = result.data
    for one in reversed(result.ranges):
        data = data[: one.new_start] + before[one.start : one.end] + data[one.new_end :]
    return data


def check_splice(source, texts):
    """Splices a text per symbol, checks it by other means than `prove`, and does it again."""
    wanted = list(zip(symbols(source), texts, strict=False))
    result = splice(source, wanted)
    assert without_ranges(result, source.data) == source.data
    again = parse_source(source.path, result.data)
    refused = {id(one.node) for one, _ in result.refused}
    found = list(zip(symbols(again), wanted, strict=False))
    kept = [(new, text) for new, (old, text) in found if id(old.node) not in refused]
    for new, text in kept:
        assert new.docstring is not None
        assert clean(new.docstring) == text
    assert len(kept) == len(result.written)
    second = splice(again, kept)
    assert second.data == result.data
    assert second.ranges == ()
    return result


REASONS = re.compile("continued line|blanks and tabs|joined from several|cannot be written in iso-8859-1")


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
@given(modules().filter(parses), st.lists(st.sampled_from(DOCS), min_size=30, max_size=30))
def test_splice_on_generated_modules(data, texts):
    result = check_splice(parse_source(Path("shop.py"), data), texts)
    assert all(REASONS.search(str(error)) for _, error in result.refused)


def standard_library():
    files = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    files = [path for path in files if not {"site-packages", "lib2to3", "test", "tests"} & set(path.parts)]
    files = [path for path in files if path.stat().st_size < 40_000]
    return random.Random(3).sample(files, 100)


def test_splice_on_the_standard_library():
    refused = total = 0
    for path in standard_library():
        source = read_source(path)
        old = (one.docstring for one in symbols(source))
        added = "\n\nRaises:\n    X\\Y: \"foo\" '''bar'''."
        texts = [
            clean(docstring) + added if docstring and docstring.strip() and number % 3 else DOCS[number % 5]
            for number, docstring in enumerate(old)
        ]
        result = check_splice(source, texts)
        refused += len(result.refused)
        total += len(texts)
    assert total > 500
    assert refused < total / 200


def test_lines_are_only_added_where_a_text_only_gets_longer():
    for path in standard_library()[:40]:
        source = read_source(path)
        wanted = [
            (one, clean(one.docstring) + "\n\nMore.")
            for one in symbols(source)
            if one.docstring and "\\" not in one.docstring
        ]
        result = splice(source, [one for one in wanted if one[1].strip() != "More."])
        replaced = [one for one in result.ranges if one.start != one.end]
        # A docstring in single quotes cannot hold a second line; all others keep their bytes.
        assert all(source.data[one.start : one.start + 3] not in (b'"""', b"'''") for one in replaced)


def apply_patch(folder, files, subfolder="."):
    """The files after `git apply` of one patch for all of them, in a fresh repository."""
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
    subprocess.run(["git", "init", "-q", folder], check=True, env=environment)
    for name, (before, _) in files.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_bytes(before)
    patch = b"".join(unified_patch(name, before, after) for name, (before, after) in files.items())
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn"],
        cwd=folder / subfolder,
        input=patch,
        env=environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b""), patch
    return {name: (folder / name).read_bytes() for name in files}


PATCHES = {
    "plain.py": (b"a\nb\n", b"a\nx\nb\n"),
    "crlf.py": (b"a\r\nb\r\n", b"a\r\nx\r\nb\r\n"),
    "cr.py": (b"a\rb\r", b"a\rx\rb\r"),
    "latin.py": (b"a\n\xe9\n", b"a\n\xe9\n\xfc\n"),
    "end.py": (b"a\nb", b"a\nx\nb"),
    "end gone.py": (b"a\nb\n", b"a\nb"),
    "end come.py": (b"a\nb", b"a\nb\n"),
    "feed.py": (b"a\n\x0c\nb\n", b"a\nx\n\x0c\nb\n"),
    "from empty.py": (b"", b"a\n"),
    "deep er/blank ü.py": (b"a\n", b"b\n"),
    'quo"te\\back\ttab.py': (b"a\n", b"b\n"),
    "far.py": (b"".join(b"%d\n" % n for n in range(100)), b"x\n" + b"".join(b"%d\n" % n for n in range(100)) + b"y\n"),
}  # fmt: skip


@pytest.mark.parametrize("subfolder", [".", "in", "in/in"])
def test_git_applies_the_patch(tmp_path, subfolder):
    files = {os.path.normpath(f"{subfolder}/{name}"): both for name, both in PATCHES.items()}
    assert apply_patch(tmp_path, files, subfolder) == {name: after for name, (_, after) in files.items()}


def test_the_patch_is_what_git_shows():
    assert unified_patch("a b/ü.py", b"1\n2\n3\n4\n5", b"1\n2\n3\n4\n5\n6") == (
        b'diff --git "a/a b/\\303\\274.py" "b/a b/\\303\\274.py"\n--- "a/a b/\\303\\274.py"\t\n+++ "b/a b/\\303\\274.py"\t\n'
        b"@@ -2,4 +2,5 @@\n 2\n 3\n 4\n-5\n\\ No newline at end of file\n+5\n+6\n\\ No newline at end of file\n"
    )


def test_no_difference_is_no_patch():
    assert unified_patch("a.py", b"a", b"a") == b""


contents = st.one_of(
    st.binary(max_size=40),
    st.lists(
        st.sampled_from([b"a\n", b"b\n", b"\n", b"\r\n", b"c", b" \xff\x00\r", b"\\\n", b"-\n", b"+"])
    ).map(b"".join),
)


@settings(max_examples=15, deadline=None)
@given(pairs=st.lists(st.tuples(contents, contents), min_size=1, max_size=30))
def test_git_applies_any_patch(tmp_path_factory, pairs):
    pairs = [(before, after) for before, after in pairs if before != after] or [(b"", b"a")]
    files = {f"f {number}.py": pair for number, pair in enumerate(pairs)}
    # A file that ends up empty is deleted by git where the patch says no more; ours stay.
    assert apply_patch(tmp_path_factory.mktemp("repository"), files) == {
        name: after for name, (_, after) in files.items()
    }
