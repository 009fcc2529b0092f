"""Who writes docstrings for the quality benchmark, on a real engine with a model of random weights."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from doubles.tiny_model import build_text_model
from quality import contenders, linted
from quality.contenders import Engine, Made, docstring_in
from quality.environments import Unavailable, environment
from quality.labels import Label
from quality.packages import copied, located
from quality.source import Function, alone, functions
from quality.table import Column, markdown, rows

from workflow_hub.providers.embedded import EngineSettings, warm, weights

# (reply, the docstring that it holds)
REPLIES = [
    pytest.param("Add it.", "Add it.", id="bare"),
    pytest.param('"""Add it."""', "Add it.", id="quoted"),
    pytest.param("'''Add it.\n\nArgs:\n    a: b\n'''", "Add it.\n\nArgs:\n    a: b", id="of several lines"),
    pytest.param('```python\n"""Add it."""\n```', "Add it.", id="in a fence"),
    pytest.param('Here it is:\n\n```\n"""Add it."""\n```\nEnjoy.', "Add it.", id="prose around the fence"),
    pytest.param('Sure:\n\n"""Add it."""\n\nEnjoy.', "Add it.", id="prose around the quotes"),
    pytest.param(
        '```python\ndef f(a):\n    """Add it."""\n    return a\n```', "Add it.", id="the code again"
    ),
    pytest.param('def f(a):\n    """Add it.', "Add it.", id="code that was cut"),
    pytest.param("```python\ndef f(a):\n    return a\n```", None, id="the code without one"),
    pytest.param("```python\ndef f(a:\n    return a", None, id="broken code without one"),
    pytest.param("", None, id="nothing"),
]


@pytest.mark.parametrize(("reply", "docstring"), REPLIES)
def test_a_free_reply_is_read_with_goodwill(reply: str, docstring: str | None) -> None:
    assert docstring_in(reply) == docstring


MODULE = '''\
def rate(country, *, reduced=False):
    """The tax."""
    if country not in RATES:
        raise KeyError(country)
    return RATES[country][reduced]


def untouched(value):
    return value
'''
RATE = Label("shop/tax.py", 1, "rate", frozenset({"KeyError"}))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "shop").mkdir(parents=True)
    (tmp_path / "tree" / "shop" / "tax.py").write_text(MODULE, encoding="utf-8")
    return tmp_path / "tree"


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv(weights.VARIABLE, str(build_text_model(tmp_path / "tiny.gguf")))
    started = warm.start("qwen2.5-coder-0.5b", EngineSettings(context_tokens=2048))
    try:
        yield Engine(started.url, started.key, "qwen2.5-coder-0.5b")
    finally:
        warm.stop()


def test_the_hub_documents_the_chosen_functions_and_no_others(
    tree: Path, tmp_path: Path, engine: Engine
) -> None:
    chosen = located(tree, [RATE])
    files = copied(tree, [RATE], tmp_path / "copy")
    made = contenders.hub(engine, chosen, tmp_path / "copy", files, "numpy")
    # Random weights write noise: it is refused, or it is a docstring.
    assert made.docstrings.keys() == {RATE}
    assert made.docstrings[RATE] is not None or "the docstring: " in made.left_out[0]
    assert made.requests > 0
    assert made.prompt_tokens > 0
    assert made.written_tokens > 0
    assert [ast.get_docstring(one.node) for one in functions(ast.parse(files[0].read_text()))][1] is None


def test_a_loop_asks_once_for_each_function(tree: Path, engine: Engine) -> None:
    made = contenders.loop(engine, located(tree, [RATE]))
    assert made.docstrings.keys() == {RATE}
    assert made.requests == 1
    assert made.prompt_tokens > 0
    assert made.written_tokens > 0


GOOD = """Look up what a country takes.

Args:
    country: where
    reduced: whether

Returns:
    a share
"""
REPORT = """\
/work/alone/a.py
    2: DOC101: Method `Cart.add`: Docstring contains fewer arguments than in function signature.
    2: DOC107: Method `Cart.add`: not all args in the signature have type hints

b.py
    7: DOC101: Function `f`: Docstring contains fewer arguments than in function signature.
    7: DOC502: Function `f` has a "Raises" section in the docstring
"""


def test_complaints_are_counted_by_code_but_those_about_signatures() -> None:
    assert linted.codes(REPORT) == {"a.py": {"DOC101": 1}, "b.py": {"DOC101": 1, "DOC502": 1}}


def column(tree: Path, made: Made, **more: bool) -> dict[str, str]:
    return rows(
        Column(
            located(tree, [*made.docstrings]), {RATE.file: MODULE}, made, Counter(DOC101=2, DOC502=1), **more
        )
    )


def test_a_column_holds_all_the_figures(tree: Path) -> None:
    made = Made({RATE: GOOD}, 3.0, 200, 40, 2, ["raises KeyError: was empty"], ["reduced: was left open"])
    assert column(tree, made, same_code=True) == {
        "documented": "1 of 1",
        "parameters exact": "100 %",
        "code unchanged": "100 %",
        "raises, precision": "1.000 (0 wrong)",
        "raises, recall": "0.000 (1 missed)",
        "returns and yields agree": "100 %",
        "pydoclint, complaints per 100": "300 (100 of them on raises)",
        "names that do not exist": "0 % of docstrings",
        "summary only restates": "0 %",
        "placeholders": "0 %",
        "parts that the code told, nobody": "1, 1",
        "seconds per function": "3.0",
        "tokens per function, read and written": "200, 40",
    }


def test_a_column_without_a_docstring_has_figures_too(tree: Path) -> None:
    figures = column(tree, Made({RATE: None}, 3.0), same_code=False)
    assert figures["documented"] == "0 of 1"
    assert figures["code unchanged"] == "**no**"
    assert figures["parts that the code told, nobody"] == "-"
    assert figures["tokens per function, read and written"] == "-"


def test_a_table_has_a_line_for_each_figure() -> None:
    assert markdown({"hub": {"documented": "1"}, "loop": {"documented": "2"}}).splitlines() == [
        "| | hub | loop |",
        "|---|---|---|",
        "| documented | 1 | 2 |",
    ]


@pytest.fixture(scope="session")
def pydoclint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environment(tmp_path_factory.mktemp("pydoclint"), linted.REQUIREMENT)


def documented(text: str) -> dict[str, str]:
    return {"part.py": alone(functions(ast.parse(MODULE))[0], text)}


WRONG = GOOD.replace("reduced", "shrunk")
STARS = "Sum up.\n\n:param prices: what things cost\n:param more: by name\n"


@pytest.mark.index
def test_pydoclint_complains_of_what_is_wrong(pydoclint: Path, tmp_path: Path) -> None:
    kept = pydoclint / "pydoclint"
    environment(pydoclint.parent, linted.REQUIREMENT)  # is there already
    assert kept.is_file()
    assert linted.hits(pydoclint, documented(GOOD), "google", tmp_path / "good") == {"DOC501": 1, "DOC503": 1}
    assert "DOC103" in linted.hits(pydoclint, documented(WRONG), "google", tmp_path / "wrong")
    starred: Function = functions(ast.parse("def total(*prices, **more): ..."))[0]
    assert not linted.hits(pydoclint, {"part.py": alone(starred, STARS)}, "sphinx", tmp_path / "stars")


def test_a_package_that_cannot_be_had_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(Unavailable, match=r"pip install no-such-package: .*no-such-package"):
        environment(tmp_path / "here", "no-such-package")


PROGRAM = Path(__file__).resolve().parents[2] / "benchmarks" / "docstrings_quality.py"
# (arguments, the last line of the complaint)
REFUSED = [
    pytest.param(
        ["--models", "nobody"], "invalid choice: 'nobody'", id="a model that is not in the catalogue"
    ),
    pytest.param(["--work", "work"], "This benchmark needs a package index.", id="no package index"),
]


@pytest.mark.parametrize(("arguments", "complaint"), REFUSED)
def test_what_the_program_cannot_do_it_says(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, PROGRAM, *arguments],
        cwd=tmp_path,
        env=os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert complaint in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
