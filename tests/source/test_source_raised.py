"""Which exceptions leave a function by its own raises, and under which guard."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from workflow_hub.source.escapes import Raised
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import parse_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols

KNOWN = """
class CartError(ValueError): ...
class Gone(CartError): ...
class error: ...
class ODD(external.Base): ...
"""


def raised(body: str) -> tuple[Raised, ...]:
    code = textwrap.indent(textwrap.dedent(body).strip(), "    ")
    text = f"def f(x, y=None, *args, cls=None, **rest):\n{code}\n{KNOWN}"
    source = parse_source(Path("shop/cart.py"), text.encode())
    return facts_of(list(symbols(source))[1], PackageIndex(), raises_through=0).raises


RAISES = [
    pytest.param("pass", [], id="nothing"),
    pytest.param("raise ValueError", [("ValueError", None)], id="a class"),
    pytest.param("raise ValueError('no')", [("ValueError", None)], id="an instance"),
    pytest.param("raise errors.Gone(x) from x", [("errors.Gone", None)], id="dotted, from"),
    pytest.param("raise OSError(1).with_traceback(t)", [("OSError", None)], id="with_traceback"),
    pytest.param("raise struct.error('no')", [("struct.error", None)], id="struct.error"),
    pytest.param("raise error('no')", [("error", None)], id="a lower-case class of the package"),
    pytest.param("raise ODD", [("ODD", None)], id="an upper-case class of the package"),
    pytest.param("assert x", [], id="assert"),
    pytest.param("def g():\n  raise ValueError\nclass C:\n  raise KeyError", [], id="nested definitions"),
    # What cannot be named.
    pytest.param("raise x", [], id="a parameter"),
    pytest.param("raise cls(x)", [], id="made by a parameter"),
    pytest.param("raise make(x)", [], id="a factory"),
    pytest.param("raise HTTPError.of(x)", [], id="a class method"),
    pytest.param("raise x.Missing", [], id="an attribute of a parameter, self for one"),
    pytest.param("raise ERRORS[x]", [], id="an item"),
    pytest.param("raise ERROR", [], id="a constant"),
    pytest.param("raise NotImplemented", [], id="NotImplemented is no exception"),
    pytest.param("raise", [], id="bare, with nothing caught"),
    pytest.param("e = KeyError(x)\nraise e", [("KeyError", None)], id="a variable set once"),
    pytest.param("e: Exception = KeyError(x)\nraise e", [("KeyError", None)], id="an annotated variable"),
    pytest.param("e = KeyError(x)\nif x: e = OSError()\nraise e", [], id="a variable set twice"),
    pytest.param(
        "raise KeyError(x) if y else OSError", [("KeyError", None), ("OSError", None)], id="one or the other"
    ),
    pytest.param(
        "try: x()\nexcept KeyError as e: raise e if y else OSError(x)",
        [("KeyError", "except KeyError"), ("OSError", "except KeyError")],
        id="what was caught or another",
    ),
    # Guards.
    pytest.param("if x < 0: raise ValueError", [("ValueError", "x < 0")], id="if"),
    pytest.param("if x:\n  pass\nelse: raise ValueError", [("ValueError", "not (x)")], id="else"),
    pytest.param(
        "if x: pass\nelif y: raise KeyError\nelse: raise OSError",
        [("KeyError", "y"), ("OSError", "not (x or y)")],
        id="elif and else",
    ),
    pytest.param("if x:\n  for z in x:\n    if y: raise KeyError", [("KeyError", "y")], id="the innermost"),
    pytest.param("for z in x: raise KeyError", [("KeyError", None)], id="a loop is no guard"),
    pytest.param(
        "match x:\n  case int(): raise TypeError\n  case [a] if y: raise KeyError\n  case _: raise OSError",
        [("TypeError", "case int()"), ("KeyError", "case [a] if y"), ("OSError", "case _")],
        id="match",
    ),
    pytest.param("try: x()\nexcept KeyError: raise OSError", [("OSError", "except KeyError")], id="except"),
    pytest.param("try: x()\nexcept: raise OSError", [("OSError", "except")], id="bare except"),
    pytest.param("try: x()\nexcept E:\n  if y: raise OSError", [("OSError", "y")], id="if inside of except"),
    pytest.param("if x: raise KeyError\nif y: raise KeyError", [("KeyError", "x or y")], id="two guards"),
    pytest.param("if x: raise KeyError\nraise KeyError", [("KeyError", "x")], id="one with and one without"),
    pytest.param(
        "if x: raise KeyError\nelif x: raise KeyError", [("KeyError", "x")], id="the same guard twice"
    ),
    pytest.param(
        "if y: raise OSError\nif x: raise KeyError\nif x: raise OSError",
        [("OSError", "y or x"), ("KeyError", "x")],
        id="source order",
    ),
    # Raised again.
    pytest.param("try: x()\nexcept KeyError: raise", [("KeyError", "except KeyError")], id="bare"),
    pytest.param(
        "try: x()\nexcept KeyError as e: raise e", [("KeyError", "except KeyError")], id="by its name"
    ),
    pytest.param(
        "try: x()\nexcept (KeyError, a.B): raise",
        [("KeyError", "except (KeyError, a.B)"), ("a.B", "except (KeyError, a.B)")],
        id="a tuple",
    ),
    pytest.param("try: x()\nexcept Exception as e: raise", [], id="whatever it was"),
    pytest.param("try: x()\nexcept Exception as e: raise e", [], id="whatever it was, by its name"),
    pytest.param("try: x()\nexcept ERRORS: raise", [], id="a constant of classes"),
    pytest.param("try: x()\nexcept* KeyError: raise", [("KeyError", "except KeyError")], id="a group"),
    pytest.param(
        "try: x()\nexcept OSError as e:\n  try: y()\n  except KeyError: raise e",
        [("OSError", "except KeyError")],
        id="an outer name",
    ),
    # Caught inside.
    pytest.param("try: raise KeyError\nexcept KeyError: pass", [], id="by its name"),
    pytest.param("try: raise KeyError\nexcept LookupError: pass", [], id="by a built-in base"),
    pytest.param("try: raise IOError\nexcept OSError: pass", [], id="by another name of it"),
    pytest.param("try: raise FileNotFoundError\nexcept IOError: pass", [], id="by another name of its base"),
    pytest.param("try: raise a.B\nexcept Exception: pass", [], id="an unknown one by Exception"),
    pytest.param("try: raise a.B\nexcept: pass", [], id="by a bare except"),
    pytest.param("try: raise Gone\nexcept ValueError: pass", [], id="by a base in the package"),
    pytest.param("try: raise Gone\nexcept CartError: return 1", [], id="by a base next to it"),
    pytest.param("try: raise ODD\nexcept Exception: pass", [], id="by Exception, with an unknown base"),
    pytest.param("try: raise KeyError\nexcept (OSError, KeyError): pass", [], id="by a tuple"),
    pytest.param("try: raise KeyError\nexcept OSError: pass", [("KeyError", None)], id="not by another"),
    pytest.param(
        "try: raise SystemExit\nexcept Exception: pass", [("SystemExit", None)], id="not an Exception"
    ),
    pytest.param("try: raise KeyError\nexcept KEYS: pass", [("KeyError", None)], id="not by what is unknown"),
    pytest.param(
        "try:\n  if x: raise KeyError\nexcept KeyError: raise",
        [("KeyError", "x or except KeyError")],
        id="and let go",
    ),
    pytest.param(
        "try: raise KeyError\nexcept KeyError: raise OSError",
        [("OSError", "except KeyError")],
        id="another instead",
    ),
    pytest.param(
        "try: x()\nexcept E: pass\nelse: raise KeyError", [("KeyError", None)], id="else is not caught"
    ),
    pytest.param("try: x()\nfinally: raise KeyError", [("KeyError", None)], id="finally"),
    pytest.param("with suppress(KeyError, *x): raise KeyError", [], id="suppress"),
    pytest.param("with suppress(OSError): raise KeyError", [("KeyError", None)], id="suppress another"),
    pytest.param("with open(x): raise KeyError", [("KeyError", None)], id="in a with"),
    # Never reached.
    pytest.param("return 1\nraise KeyError", [], id="after return"),
    pytest.param("raise OSError\nraise KeyError", [("OSError", None)], id="after raise"),
    pytest.param("for z in x:\n  continue\n  raise KeyError", [], id="after continue"),
    pytest.param("if x: return 1\nelse: return 2\nraise KeyError", [], id="after both branches"),
    pytest.param("if x: return 1\nraise KeyError", [("KeyError", None)], id="after one branch"),
    pytest.param("if False: raise KeyError", [], id="if False"),
    pytest.param("if True: return 1\nraise KeyError", [], id="if True"),
    pytest.param("while True: x()\nraise KeyError", [], id="after an endless loop"),
    pytest.param(
        "while True:\n  if x: break\nraise KeyError", [("KeyError", None)], id="after a loop with break"
    ),
    pytest.param("while 1:\n  for z in x: break\nraise KeyError", [], id="a break of another loop"),
    pytest.param("while x: y()\nraise KeyError", [("KeyError", None)], id="after a loop with an end"),
    pytest.param("try: return 1\nexcept E: return 2\nraise KeyError", [], id="after try"),
    pytest.param("try: return 1\nexcept E: x()\nraise KeyError", [("KeyError", None)], id="after a handler"),
    pytest.param("match x:\n  case 1: return\n  case y: return\nraise KeyError", [], id="after all cases"),
    pytest.param("match x:\n  case 1: return\nraise KeyError", [("KeyError", None)], id="after some cases"),
    pytest.param("with x: return 1\nraise KeyError", [], id="after a with"),
    pytest.param("with suppress(E): return y()\nraise KeyError", [("KeyError", None)], id="after suppress"),
]


@pytest.mark.parametrize(("body", "expected"), RAISES)
def test_what_leaves_a_function(body: str, expected: list[tuple[str, str | None]]) -> None:
    assert [(one.name, one.guard) for one in raised(body)] == expected


def test_long_guards_are_cut() -> None:
    condition = " and ".join(f"condition_{number}" for number in range(20))
    (one,) = raised(f"if {condition}: raise KeyError")
    assert one.guard is not None
    assert one.guard.startswith("condition_0 and condition_1") and one.guard.endswith("…")
    assert len(one.guard) == 80
    (many,) = raised("\n".join(f"if x == {number * 10**9}: raise KeyError" for number in range(40)))
    assert many.guard is not None and len(many.guard) == 160


def test_the_line_is_the_first_ones() -> None:
    (one,) = raised("if x:\n  raise KeyError\nraise KeyError")
    assert one == Raised("KeyError", "x", 3)
