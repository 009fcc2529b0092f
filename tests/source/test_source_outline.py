"""What a module defines for others."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.source.files import parse_source
from workflow_hub.source.outline import outline
from workflow_hub.source.trim import estimate_tokens


def outlined(text: str, budget_tokens: int = 100) -> list[str]:
    return outline(parse_source(Path("cart.py"), textwrap.dedent(text).encode()), budget_tokens).splitlines()


DOCUMENTED = '''
def load(path: str) -> Cart:
    """Load a cart. From a file."""
    return parse(path)
class Cart(Base):
    def add(self): ...
'''
SEVERAL = "".join(f"def function_{number}(a, b): ...\n" for number in range(9))
LINES = [
    pytest.param("", [], id="nothing"),
    pytest.param("import os\nLIMIT = 3\n", [], id="no functions and classes"),
    pytest.param(DOCUMENTED, ["def load(path: str) -> Cart  # Load a cart.", "class Cart(Base)"], id="whole"),
    pytest.param("async def f(): ...", ["async def f()"], id="async"),
    pytest.param("def _f(): ...\nclass _C: ...\ndef f():\n def g(): ...", ["def f()"], id="public ones"),
    pytest.param("try:\n def f(): ...\nexcept E:\n def f(a): ...", ["def f()"], id="once"),
    pytest.param("__all__ = ['_f']\ndef _f(): ...\ndef g(): ...", ["def _f()"], id="as __all__ says"),
    pytest.param(
        "__all__: list[str] = ['f', *x.__all__]\n__all__ += ['g']\ndef f(): ...\ndef g(): ...\ndef h(): ...",
        ["def f()", "def g()"],
        id="as a longer __all__ says",
    ),
    pytest.param("__all__: list[str]\ndef f(): ...", ["def f()"], id="an __all__ that is not there"),
]


@pytest.mark.parametrize(("text", "expected"), LINES)
def test_what_a_module_defines(text: str, expected: list[str]) -> None:
    assert outlined(text) == expected


@pytest.mark.parametrize(
    ("text", "budget_tokens", "expected"),
    [
        pytest.param(DOCUMENTED, 10, ["load: Load a cart.", "Cart"], id="sentences"),
        pytest.param(DOCUMENTED, 5, ["load, Cart"], id="names"),
        pytest.param(SEVERAL, 9, ["function_0, function_1, ..."], id="some of them"),
        pytest.param(SEVERAL, 1, ["..."], id="none of them"),
    ],
)
def test_a_small_budget_tells_less(text: str, budget_tokens: int, expected: list[str]) -> None:
    assert outlined(text, budget_tokens) == expected


NAMES = st.from_regex(r"[a-z]{1,9}_[0-9]", fullmatch=True)


@given(st.lists(NAMES, max_size=30), st.integers(1, 200))
def test_it_keeps_to_the_budget(names: list[str], budget_tokens: int) -> None:
    text = "".join(f"def {name}(a):\n    'Do {name}.'\n" for name in names)
    said = "\n".join(outlined(text, budget_tokens))
    assert estimate_tokens(said) <= budget_tokens
    assert bool(said) == bool(names)
