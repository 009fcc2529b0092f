"""Docstrings taken out of source, put into it, and the labels that say of which functions."""

from __future__ import annotations

import ast
import zipfile
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quality.labels import Label, read, sample
from quality.packages import copied, located, unpacked
from quality.source import SKIP, alone, functions, prepare, without_docstrings

LABELS = Path(__file__).resolve().parents[2] / "benchmarks" / "quality" / "raises.yaml"

# (module, line of the chosen function, what becomes of it)
PREPARED = [
    pytest.param(
        'def f():\n    """Do."""\n    g()\n', 2, 'def f():\n    """Do."""\n    g()\n', id="not chosen"
    ),
    pytest.param('def f():\n    """Do."""\n    g()\n', 1, "def f():\n    g()\n", id="one line"),
    pytest.param(
        'def f():\n    """Do.\n\n    More.\n    """\n    g()\n', 1, "def f():\n    g()\n", id="lines"
    ),
    pytest.param('def f():\n    """Do."""\n', 1, "def f():\n    pass\n", id="all there is"),
    pytest.param('def f(): "Do."; g()\n', 1, "def f(): pass; g()\n", id="on the line of the def"),
    pytest.param('def f():\n    """Do."""; g()\n', 1, "def f():\n    pass; g()\n", id="code behind it"),
    pytest.param('def f():\n    "Dö." # ü\n    g()\n', 1, "def f():\n    pass # ü\n    g()\n", id="comment"),
    pytest.param("def f():\n    g()\n", 1, "def f():\n    g()\n", id="chosen, and has none"),
    pytest.param("def f():\n    g()\n", 9, f"{SKIP}\ndef f():\n    g()\n", id="has none"),
    pytest.param(
        "class C:\n    @a\n    # why\n    @b\n    def f(self): ...\n",
        9,
        f"class C:\n    {SKIP}\n    @a\n    # why\n    @b\n    def f(self): ...\n",
        id="has none, and decorators",
    ),
    pytest.param(
        'def f():\n    """Do."""\n    def g():\n        """Inner."""\n        h()\n',
        1,
        'def f():\n    def g():\n        """Inner."""\n        h()\n',
        id="a nested function keeps its own",
    ),
]


@pytest.mark.parametrize(("module", "line", "expected"), PREPARED)
def test_only_the_chosen_functions_lack_a_docstring(module: str, line: int, expected: str) -> None:
    assert prepare(module, {line}) == expected


PIECES = (
    'def {}(a, b=1):\n    """Dö it."""\n    return a\n',
    "async def {}(*rest):\n    raise ValueError\n",
    'class {}:\n    """A class."""\n    @property\n    def size(self):\n        """The size."""\n',
    "if True:\n    def {}(): 'One line.'; print()\n",
    'def {}():\n    """Text\n\n    # no comment\n    def no_function(): ...\n    """\n\n    def inner(): a\n',
)


@given(st.lists(st.sampled_from(PIECES), max_size=6), st.sets(st.integers(0, 60)))
def test_preparing_changes_docstrings_only(pieces: list[str], lines: set[int]) -> None:
    module = "\n".join(piece.format(f"name_{number}") for number, piece in enumerate(pieces))
    before, after = ast.parse(module), ast.parse(prepare(module, lines))
    # A `pass` may be left where the docstring shared its line.
    assert without_docstrings(before) == without_docstrings(after).replace("Pass(), ", "")
    for old, new in zip(functions(before), functions(after), strict=True):
        assert old.name == new.name
        has_one = ast.get_docstring(old.node) is not None and old.node.lineno not in lines
        assert (ast.get_docstring(new.node) is not None) is has_one


MODULE = dedent(
    '''
    class Cart:
        """Things."""

        @property
        def size(self):
            """How many."""
            return len(self.lines)

    def total(prices):
        def taxed(price): ...
        return sum(map(taxed, prices))
    '''
)


def test_functions_come_in_the_order_of_the_source() -> None:
    found = functions(ast.parse(MODULE))
    assert [(one.place, one.name, one.owner, one.is_property) for one in found] == [
        (0, "Cart.size", "Cart", True),
        (1, "total", None, False),
        (2, "total.<locals>.taxed", None, False),
    ]


# (place of the function, docstring, the module that holds it alone)
ALONE = [
    pytest.param(
        0, None, "class Cart:\n    @property\n    def size(self):\n        return len(self.lines)\n"
    ),
    pytest.param(2, None, "def taxed(price):\n    ...\n"),
    pytest.param(2, "Add it.", 'def taxed(price):\n    """Add it."""\n    ...\n'),
]


@pytest.mark.parametrize(("place", "docstring", "expected"), ALONE)
def test_a_function_alone(place: int, docstring: str | None, expected: str) -> None:
    assert alone(functions(ast.parse(MODULE))[place], docstring) == expected


def test_a_method_alone_in_a_class_with_a_docstring() -> None:
    text = alone(functions(ast.parse(MODULE))[0], about="A class.")
    assert ast.get_docstring(ast.parse(text).body[0]) == "A class."  # type: ignore[arg-type]


def test_the_labels_are_of_150_functions_of_twelve_packages() -> None:
    labels = read(LABELS)
    assert (len(labels.packages), len(labels.functions), len(set(labels.functions))) == (12, 150, 150)
    assert sum(1 for label in labels.functions if not label.raises) == 45


def test_a_larger_sample_begins_with_a_smaller_one() -> None:
    labels = read(LABELS)
    assert sample(labels, 40)[:7] == sample(labels, 7)
    assert set(sample(labels, 1000)) == set(labels.functions)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "cart.py").write_text(MODULE, encoding="utf-8")
    (folder / "shop" / "__init__.py").write_text('"""A shop."""\n', encoding="utf-8")
    return folder


SIZE = Label("shop/cart.py", 6, "Cart.size", frozenset())


def test_a_copy_lacks_the_docstrings_of_the_labelled_functions(tree: Path, tmp_path: Path) -> None:
    files = copied(tree, [SIZE], tmp_path / "copy")
    assert files == [tmp_path / "copy" / "shop" / "cart.py"]
    assert "How many" not in files[0].read_text(encoding="utf-8")
    assert "Things" in files[0].read_text(encoding="utf-8")
    assert (tmp_path / "copy" / "shop" / "__init__.py").read_text(encoding="utf-8") == '"""A shop."""\n'


def test_a_label_is_found_at_its_line(tree: Path) -> None:
    assert located(tree, [SIZE])[SIZE].name == "Cart.size"


@pytest.mark.parametrize("line", [5, 10])
def test_a_label_that_is_not_at_its_line_is_refused(tree: Path, line: int) -> None:
    with pytest.raises(ValueError, match=f"shop/cart.py:{line} is not Cart.size"):
        located(tree, [Label("shop/cart.py", line, "Cart.size", frozenset())])


def test_packages_that_are_unpacked_are_not_fetched_again(tmp_path: Path) -> None:
    wheels = tmp_path / "index"
    wheels.mkdir()
    with zipfile.ZipFile(wheels / "shop-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("shop/__init__.py", "raise RuntimeError('imported')\n")
        wheel.writestr("shop-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
        wheel.writestr("shop-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    with pytest.MonkeyPatch.context() as environ:
        environ.setenv("PIP_NO_INDEX", "1")
        environ.setenv("PIP_FIND_LINKS", str(wheels))
        found = unpacked({"shop": "1.0"}, tmp_path / "work")
        environ.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
        assert unpacked({"shop": "1.0"}, tmp_path / "work") == found
    assert (found / "shop" / "__init__.py").is_file()
