"""What names lead to within a package, and what is said there."""

from __future__ import annotations

import textwrap
import tracemalloc
from pathlib import Path

import pytest

from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import SourceFile, parse_source, read_source
from workflow_hub.source.package import PackageIndex, first_sentence, module_name
from workflow_hub.source.symbols import Policies, Symbol, symbols, wanted

PACKAGE = {
    "shop/__init__.py": "from .money import Money as Cash, pay\nfrom shop.deep import *",
    "shop/money.py": '''
        class Amount:
            """Any amount."""
            def scale(self):
                """Scale it.

                With more.
                """
            def plain(self): ...

        class Money(Amount):
            """An amount in a currency. Frozen."""
            @classmethod
            def of(cls):
                """Make one."""

        def pay():
            """Pay now!"""
    ''',
    "shop/deep/__init__.py": 'from .. import money\ndef deep():\n    """From the deep."""',
    "shop/deep/well.py": "from ..money import Money\nfrom . import deep as down\nclass Well(Money): ...",
    "shop/broken.py": "def (",
    "shop/circle.py": "from .circle import gone\nfrom .round import *",
    "shop/round.py": "from .circle import *",
}


def build(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return root


def method(source: SourceFile, qualname: str) -> Symbol:
    return next(one for one in symbols(source) if one.qualname == qualname)


def callees(root: Path, code: str, name: str = "shop/cart.py", qualname: str = "f") -> list[tuple[str, str]]:
    """What `f` of a new file of the package is known to call."""
    path = root / name
    path.write_text(textwrap.dedent(code))
    found = facts_of(method(read_source(path), qualname), PackageIndex(root=root)).callees
    return [(one.name, one.says) for one in found if one.says]


CALLS = [
    pytest.param("def g():\n 'Do it. Now.'\ndef f(): g()", [("g", "Do it.")], id="the same module"),
    pytest.param("def f(): f()\nf.__doc__ = 1", [], id="itself"),
    pytest.param("def g(): ...\ndef f(): g()", [], id="says nothing"),
    pytest.param("def g():\n 'Do it.'\ndef f(g): g()", [], id="a parameter of that name"),
    pytest.param("def g():\n 'Do it.'\ndef f(): x(g())[0]()", [("g", "Do it.")], id="inside of other calls"),
    pytest.param("from .money import pay\ndef f(): pay()", [("pay", "Pay now!")], id="from .money"),
    pytest.param("from shop.money import pay as p\ndef f(): p()", [("p", "Pay now!")], id="from shop.money"),
    pytest.param(
        "from . import money\ndef f(): money.pay()", [("money.pay", "Pay now!")], id="from . import module"
    ),
    pytest.param(
        "import shop.money\ndef f(): shop.money.pay()", [("shop.money.pay", "Pay now!")], id="import a.b"
    ),
    pytest.param("import shop.money as m\ndef f(): m.pay()", [("m.pay", "Pay now!")], id="import as"),
    pytest.param("import shop\ndef f(): shop.pay()", [("shop.pay", "Pay now!")], id="handed on"),
    pytest.param(
        "from shop import Cash\ndef f(): Cash()", [("Cash", "An amount in a currency.")], id="a class"
    ),
    pytest.param(
        "from shop import Cash\ndef f(): Cash.of()", [("Cash.of", "Make one.")], id="a class method"
    ),
    pytest.param("from shop import deep\ndef f(): deep()", [("deep", "From the deep.")], id="through a star"),
    pytest.param(
        "from shop.deep import money as m\ndef f(): m.pay()", [("m.pay", "Pay now!")], id="a module handed on"
    ),
    pytest.param(
        "try:\n from .money import pay\nexcept ImportError:\n from .nothing import pay\ndef f(): pay()",
        [("pay", "Pay now!")],
        id="behind try",
    ),
    pytest.param("if x:\n from .money import pay\ndef f(): pay()", [("pay", "Pay now!")], id="behind if"),
    pytest.param("from .broken import x\ndef f(): x()", [], id="a broken module"),
    pytest.param("from .nothing import x\ndef f(): x()", [], id="no such module"),
    pytest.param("from .......far import x\ndef f(): x()", [], id="above the top"),
    pytest.param(
        "from .circle import gone\nfrom .round import *\ndef f(): gone(); lost()", [], id="in circles"
    ),
    pytest.param("import json\ndef f(): json.dumps(1); json.a.b.c()", [], id="another package"),
    pytest.param(
        "import shop.money\ndef f(): shop.money(); shop.nothing.pay()", [], id="a module is no function"
    ),
]


@pytest.mark.parametrize(("code", "expected"), CALLS)
def test_callees_speak_for_themselves(tmp_path: Path, code: str, expected: list[tuple[str, str]]) -> None:
    assert callees(build(tmp_path, PACKAGE), code) == expected


def test_methods_of_self_are_found_in_the_class_and_its_bases(tmp_path: Path) -> None:
    code = """
        from .money import Money
        class Cart(Money):
            def total(self):
                "Sum up."
            def f(self): self.total(); self.scale(); self.plain(); self.other(); self.x.y()
            @classmethod
            def g(cls): cls.of(); self.total()
    """
    root = build(tmp_path, PACKAGE)
    expected = [("self.total", "Sum up."), ("self.scale", "Scale it.")]
    assert callees(root, code, qualname="Cart.f") == expected
    assert callees(root, code, qualname="Cart.g") == [("cls.of", "Make one."), ("self.total", "Sum up.")]


def test_modules_side_by_side_need_no_package(tmp_path: Path) -> None:
    root = build(tmp_path, {"tools/pay.py": "def pay():\n    'Pay now.'", "tools/x.py": ""})
    for line in ("from pay import pay", "from tools.pay import pay", "from .pay import pay"):
        assert callees(root, f"{line}\ndef f(): pay()", "tools/y.py") == [("pay", "Pay now.")]
    code = "from . import pay\ndef f(): pay.pay()"
    assert callees(root, code, "tools/y.py") == [("pay.pay", "Pay now.")]


def test_a_snippet_has_no_neighbours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build(tmp_path, {"pay.py": "def pay():\n    'Pay now.'"})
    monkeypatch.chdir(tmp_path)
    snippet = parse_source(Path("<code>"), b"from pay import pay\ndef f(): pay()")
    assert facts_of(method(snippet, "f"), PackageIndex()).callees == ()


OVERRIDES = [
    pytest.param("class C(B):\n def f(self): ...", False, id="an unknown base"),
    pytest.param("class C(Money):\n def of(self): ...", True, id="the base"),
    pytest.param("class C(Money):\n def scale(self): ...", True, id="the base of the base"),
    pytest.param("class C(Money):\n def plain(self): ...", False, id="a base without docstring"),
    pytest.param("class C(Money):\n def new(self):\n  'Doc.'", False, id="its own docstring"),
    pytest.param("class C(C):\n def f(self):\n  'Doc.'", False, id="its own base"),
    pytest.param(
        "def pay(): ...\nclass C(pay, f()):\n def f(self): ...", False, id="a base that is no class"
    ),
]


@pytest.mark.parametrize(("code", "expected"), OVERRIDES)
def test_overrides_are_known_by_the_docstring_of_the_base(tmp_path: Path, code: str, expected: bool) -> None:
    path = build(tmp_path, PACKAGE) / "shop" / "own.py"
    path.write_text("from .money import *\n" + code)
    index = PackageIndex()
    one = [one for one in symbols(read_source(path)) if one.is_method][-1]
    assert index.documented_in_base(one) is expected
    assert (wanted(one, ["functions"], Policies(), index) is not None) is expected


def test_a_file_that_changed_is_read_anew() -> None:
    index = PackageIndex()
    for sentence in ("One.", "Two."):
        source = parse_source(Path("<code>"), f"def g():\n '{sentence}'\ndef f(): g()".encode())
        (callee,) = facts_of(method(source, "f"), index).callees
        assert (callee.name, callee.says) == ("g", sentence)


def test_the_index_keeps_no_tree() -> None:
    body = "\n".join(f"    value_{number} = compute({number}, [{number}] * 3)" for number in range(20))

    def generated() -> list[SourceFile]:
        text = "\n".join(f"def function_{number}(a, b):\n{body}" for number in range(20))
        return [parse_source(Path(f"/nowhere/m{number}.py"), text.encode()) for number in range(5)]

    tracemalloc.start()
    index = PackageIndex(source for source in generated())
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert index.root is None
    assert kept < 100 * 1000 < peak / 20, "100 functions at less than 1,000 bytes each"


SENTENCES = [
    pytest.param(None, "", id="nothing"),
    pytest.param("", "", id="empty"),
    pytest.param("Do it.", "Do it.", id="one"),
    pytest.param("Do it. Then stop.", "Do it.", id="two"),
    pytest.param("Do\n    it\n\n    Details.", "Do it", id="a paragraph"),
    pytest.param("Use a tool, e.g. this one. Or not.", "Use a tool, e.g. this one.", id="an abbreviation"),
    pytest.param("Version 1.2 is it? Yes.", "Version 1.2 is it?", id="a number"),
    pytest.param("x" * 500, "x" * 119 + "…", id="a long one"),
]


@pytest.mark.parametrize(("docstring", "expected"), SENTENCES)
def test_first_sentences(docstring: str | None, expected: str) -> None:
    assert first_sentence(docstring) == expected


def test_modules_are_named_by_the_packages_around_them(tmp_path: Path) -> None:
    root = build(tmp_path, PACKAGE | {"alone/x.py": "", "alone/__main__.py": ""})
    assert module_name(root / "shop" / "deep" / "well.py") == "shop.deep.well"
    assert module_name(root / "shop" / "deep" / "__init__.py") == "shop.deep"
    assert module_name(root / "alone" / "x.py") == "x"
    assert module_name(root / "alone" / "__init__.py") == "alone"
