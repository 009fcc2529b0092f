"""Code as the model sees it: short, within its budget, and still what the function is about."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_hub.source.trim import estimate_tokens, shortened, signature_of, trim


def definition(text: str) -> ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef:
    node = ast.parse(text).body[0]
    assert isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    return node


def trimmed(text: str, budget_tokens: int = 1000) -> list[str]:
    text = textwrap.dedent(text).strip()
    return trim(definition(text), text, budget_tokens).splitlines()


WHOLE = [
    pytest.param("def f(): pass", ["pass"], id="nothing to see"),
    pytest.param("def f():\n  'Doc.'\n  # why\n  x  =  1 # how", ["x = 1"], id="docstring and comments"),
    pytest.param("def f():\n  'Doc.'", [], id="only a docstring"),
    pytest.param("def f():\n  'Doc.'\n  'note'\n  return 1", ["return 1"], id="strings as comments"),
    pytest.param(
        "def f():\n  if x: return 1\n  y(\n   1,\n  )", ["if x: return 1", "y(1)"], id="on one line"
    ),
    pytest.param(
        "def f():\n  if x:\n    if y: return 1\n  elif z:\n    a()\n    b()\n  else: c()",
        ["if x:", "    if y: return 1", "elif z:", "    a()", "    b()", "else: c()"],
        id="branches",
    ),
    pytest.param(
        "async def f():\n  async for a, b in c:\n    await d\n  else: e\n  async with g as h, i: j",
        ["async for (a, b) in c: await d", "else: e", "async with g as h, i: j"],
        id="async",
    ),
    pytest.param(
        "def f():\n  while a: b\n  else: c\n  for d in e: g\n  with h: i",
        ["while a: b", "else: c", "for d in e: g", "with h: i"],
        id="loops",
    ),
    pytest.param(
        "def f():\n  try: a\n  except: b\n  else: c\n  finally: d",
        ["try: a", "except: b", "else: c", "finally: d"],
        id="try",
    ),
    pytest.param(
        "def f():\n  try: a\n  except* (B, C) as e: b",
        ["try: a", "except* (B, C) as e: b"],
        id="exception groups",
    ),
    pytest.param(
        "def f():\n  match a:\n    case [b, *_] if b: return 1\n    case _: pass",
        ["match a:", "    case [b, *_] if b: return 1", "    case _: pass"],
        id="match",
    ),
    pytest.param(
        "def f():\n  @d\n  def g(x):\n    'Doc.'\n    return x\n  class C(B):\n    x = 1\n  return g",
        ["def g(x): return x", "class C(B): ...", "return g"],
        id="definitions inside",
    ),
    pytest.param(
        "def f():\n  def g():\n    'Doc.'\n  return g", ["def g():", "return g"], id="nothing inside"
    ),
    pytest.param(f"def f():\n  return '{'x' * 99}'", [f"return '{'x' * 37}…'"], id="a long string"),
    pytest.param(f"def f():\n  return b'{'x' * 99}'", [f"return b'{'x' * 37}...'"], id="long bytes"),
    pytest.param(
        f"def f():\n  return f'{'x' * 99}{{y}}'", [f"return f'{'x' * 37}…{{y}}'"], id="a long f-string"
    ),
    pytest.param(f"def f():\n  return 0x{'f' * 9999}", ["return ..."], id="a huge number"),
    pytest.param(
        f"def f():\n  return [{', '.join(map(str, range(1000)))}]",
        ["return [0, 1, 2, ...]"],
        id="a long list",
    ),
    pytest.param(
        f"def f():\n  return {{{', '.join(f'{n}: {n}' for n in range(1000))}}}",
        ["return {0: 0, 1: 1, 2: 2, **...}"],
        id="a long dict",
    ),
    pytest.param("def f():\n  return [1, 2, 3, 4]", ["return [1, 2, 3, 4]"], id="a short list"),
    pytest.param("def f():\n  return f'''a\n{b}'''", ["return f'a\\n{b}'"], id="an f-string of two lines"),
    pytest.param("def f(): return 1", ["return 1"], id="a one-line body"),
    pytest.param(
        "class C(B):\n  'Doc.'\n  x: int = 1\n  def __init__(self, a): pass\n  @d\n  def b(self): pass",
        ["x: int = 1", "def __init__(self, a): ...", "@d", "def b(self): ..."],
        id="a class",
    ),
    pytest.param(
        "class C:\n  def __init__(self, a):\n    super().__init__()\n    self.a = a\n    self.b: int = 1",
        ["def __init__(self, a):", "    self.a = a", "    self.b: int = 1"],
        id="what __init__ sets",
    ),
]


@pytest.mark.parametrize(("text", "expected"), WHOLE)
def test_what_fits_is_shown_whole(text: str, expected: list[str]) -> None:
    assert trimmed(text) == expected


LONG = """
    def f(self, path):
        import json
        logger.debug('reading %s', path)
        settings = DEFAULTS
        if path is None:
            settings = OTHERS
            raise ValueError('no path')
        names = sorted(settings)
        first, second = names
        self.read = path
        json.dump(names, first)
        for name in names:
            width = len(name)
            yield name
        return second
"""


def test_what_matters_least_goes_first() -> None:
    assert trimmed(LONG, 1000)[:3] == [
        "import json",
        "logger.debug('reading %s', path)",
        "settings = DEFAULTS",
    ]
    assert trimmed(LONG, 60) == [
        "...",
        "if path is None:",
        "    ...",
        "    raise ValueError('no path')",
        "names = sorted(settings)",
        "...",
        "self.read = path",
        "json.dump(names, first)",
        "for name in names:",
        "    ...",
        "    yield name",
        "return second",
    ]
    assert trimmed(LONG, 42) == [
        "...",
        "if path is None:",
        "    ...",
        "    raise ValueError('no path')",
        "...",
        "for name in names:",
        "    ...",
        "    yield name",
        "return second",
    ]
    assert trimmed(LONG, 1) == ["..."]
    assert trimmed(LONG, 0) == ["..."]


def test_private_members_go_first() -> None:
    text = "class C:\n  def _a(self): ...\n  def b(self): ...\n  def __init__(self): ..."
    assert trimmed(text, 16) == ["...", "def b(self): ...", "def __init__(self): ..."]
    assert trimmed(text, 9) == ["...", "def __init__(self): ..."]


SIGNATURES = [
    pytest.param("def f(): ...", "def f()", id="bare"),
    pytest.param("@d\nasync def f(a, /, b: int = 1, *c, d, **e) -> 'X': ...", None, id="everything"),
    pytest.param("def f(\n    a,  # why\n    b = 'x' 'y',\n): ...", "def f(a, b='xy')", id="over lines"),
    pytest.param("@d\nclass C(a.B, metaclass=M): ...", "class C(a.B, metaclass=M)", id="a class"),
    pytest.param(f"def f(a='{'x' * 99}'): ...", f"def f(a='{'x' * 37}…')", id="a long default"),
    pytest.param("def f(a=lambda: 1): ...", "def f(a=lambda: 1)", id="a colon inside"),
]


@pytest.mark.parametrize(("text", "expected"), SIGNATURES)
def test_signatures_are_one_line(text: str, expected: str | None) -> None:
    expected = expected or "async def f(a, /, b: int=1, *c, d, **e) -> 'X'"
    assert signature_of(definition(text), text) == expected


def test_a_signature_of_hundreds_of_parameters_is_cut() -> None:
    text = f"def f({', '.join(f'parameter_{number}' for number in range(500))}): ..."
    assert len(signature_of(definition(text), text)) == 1500


def test_what_cannot_be_written_is_shown_as_it_stands() -> None:
    deep = "1" + " + 1" * 400
    text = f"def f(a={deep}):\n    return ({deep})\n"
    node = definition(text)
    assert signature_of(node, text).startswith("def f(a=1 + 1 + 1")
    body = trim(node, text, 1000)
    assert body.startswith("return (1 + 1 + 1") and body.endswith("…") and len(body) == 200


def test_shortening_leaves_the_tree_alone() -> None:
    tree = ast.parse(f"x = ['{'a' * 99}', *range(3)]")
    before = ast.dump(tree, include_attributes=True)
    assert "…" in ast.unparse(shortened(tree))
    assert ast.dump(tree, include_attributes=True) == before
    short = ast.parse("x = 1")
    assert shortened(short) is short


ESTIMATES = [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("x" * 33, 10), ("ä" * 33, 20), ("\ud800", 1)]


@pytest.mark.parametrize(("text", "tokens"), ESTIMATES)
def test_tokens_are_estimated_by_bytes(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


SIMPLE = [
    "return 1",
    "raise ValueError('x' * 9)",
    "self.x = y",
    "a = b",
    "f(x)",
    "import json",
    "yield x",
    "pass",
]
HEADERS = ["if a:", "for a in b:", "while a:", "with a:", "def g():", "try:", "match a:"]


@st.composite
def blocks(draw: st.DrawFn, depth: int = 0) -> list[str]:
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        if depth > 3 or draw(st.booleans()):
            lines.append(draw(st.sampled_from(SIMPLE)))
            continue
        header = draw(st.sampled_from(HEADERS))
        inner = ["    " + line for line in draw(blocks(depth + 1))]
        if header == "match a:":
            inner = ["    case 1:", *("    " + line for line in inner)]
        lines += [header, *inner]
        if header == "try:":
            lines += ["except E:", *("    " + line for line in draw(blocks(depth + 1)))]
        if header == "if a:" and draw(st.booleans()):
            lines += ["else:", *("    " + line for line in draw(blocks(depth + 1)))]
    return lines


@given(blocks(), st.integers(0, 120))
@settings(max_examples=60, deadline=None)
def test_any_body_is_within_its_budget_and_is_python(lines: list[str], budget_tokens: int) -> None:
    text = "def f():\n" + textwrap.indent("\n".join(lines), "    ")
    whole = trim(definition(text), text, 10_000)
    assert ast.dump(ast.parse(f"def f():\n{textwrap.indent(whole, '    ')}")) == ast.dump(ast.parse(text))
    assert estimate_tokens(trim(definition(text), text, budget_tokens)) <= max(budget_tokens, 1)
