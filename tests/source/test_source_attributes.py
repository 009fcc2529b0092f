"""The attributes of a class, as its body and its `__init__` say them."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from workflow_hub.source.attributes import Attribute
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import parse_source, read_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols


def attributes(text: str, name: str = "C") -> tuple[Attribute, ...]:
    source = parse_source(Path("shop/cart.py"), textwrap.dedent(text).encode())
    found = next(one for one in symbols(source) if one.qualname == name)
    return facts_of(found, PackageIndex()).attributes


def init(body: str) -> str:
    head = "class C:\n    def __init__(self, size: int, *, cups: list[Cup] = ()):\n"
    return head + textwrap.indent(textwrap.dedent(body), " " * 8)


# (code, names with their types; those with a `!` are documented)
FOUND = [
    pytest.param("class C: ...", "", id="none"),
    pytest.param("@dataclass\nclass C:\n a: int\n b: str = 'x'", "a:int b:str", id="a dataclass"),
    pytest.param("class C(NamedTuple):\n a: int\n 'Doc.'", "a:int!", id="a string below"),
    pytest.param("class C(TypedDict):\n a: NotRequired[int]", "a:NotRequired[int]", id="a typed dict"),
    pytest.param("class C(BaseModel):\n a: int = Field(gt=0)", "a:int", id="a model"),
    pytest.param("class C:\n a = 1\n B = 2", "", id="constants of a class"),
    pytest.param(
        "class C:\n a: ClassVar[int] = 1\n b: typing.ClassVar = 2\n c: InitVar[int]\n _: KW_ONLY\n d: int",
        "d:int",
        id="what is no field",
    ),
    pytest.param("class C:\n _a: int\n __b: int", "", id="private ones"),
    pytest.param("class C(IntEnum):\n A = 1\n b: int", "", id="an enum"),
    pytest.param(init("self.a = 1\nself.b: int = 2"), "a b:int", id="set on self"),
    pytest.param(init("self.size = size\nself.cups = cups"), "size:int cups:list[Cup]", id="parameters"),
    pytest.param(init("self.a, (self.b, *c) = self.d = x"), "d a b", id="several at once"),
    pytest.param(init("if size:\n  self.a = 1\nelse:\n  self.a = 2"), "a", id="in branches, once"),
    pytest.param(init("self._a = 1\nself.b.c = 2\nself.d[0] = 3\nother.e = 4"), "", id="what is none"),
    pytest.param(init("def inner(self): self.a = 1"), "", id="in a function inside"),
    pytest.param(init("self.a += 1"), "", id="what is there already"),
    pytest.param("class C:\n def __init__(): self.a = 1", "", id="no self"),
    pytest.param("class C:\n def __init__(me, b: B, /): me.a = b", "a:B", id="another word for self"),
    pytest.param("class C:\n def other(self): self.a = 1", "", id="set by another method"),
    pytest.param(
        "class C:\n a: int\n def __init__(self): self.a = 1; self.b = 2\n def b(self): ...",
        "a:int",
        id="declared and set; a method's name",
    ),
    pytest.param("class C:\n a: int  #: Doc.\n b: int  # why", "a:int! b:int", id="a comment behind"),
    pytest.param("class C:\n #: Doc.\n ä: 'ß' = (\n  1)  #:\n b: int", "ä:'ß'! b:int", id="a comment above"),
    pytest.param(init("self.a = 1  #: Doc.\nself.b = 2\n'Doc.'\nself.c = 3"), "a! b! c", id="in __init__"),
]


@pytest.mark.parametrize(("code", "expected"), FOUND)
def test_what_a_class_declares_and_sets(code: str, expected: str) -> None:
    found = attributes(code)
    shown = (
        f"{one.name}{':' if one.annotation else ''}{one.annotation or ''}{'!' * one.documented}"
        for one in found
    )
    assert " ".join(shown) == expected


def test_what_a_base_has_is_left_to_it(tmp_path: Path) -> None:
    (tmp_path / "base.py").write_text("class Base:\n def __init__(self): self.a = 1; self._b = 1")
    path = tmp_path / "cart.py"
    path.write_text("from base import Base\nclass C(Base, Other):\n a: int\n c: int")
    found = next(one for one in symbols(read_source(path)) if one.qualname == "C")
    assert facts_of(found, PackageIndex(root=tmp_path)).attributes == (Attribute("c", "int"),)
