"""Functions of any shape, and what is wrong with the docstrings of a file."""

from __future__ import annotations

from hypothesis import strategies as st

from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import SourceFile
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols
from workflow_hub.tasks.docstrings.audit import kin_in, members_of
from workflow_hub.tasks.docstrings.check import check
from workflow_hub.tasks.docstrings.reading import read

NAMES = st.sampled_from("a b _c item items self_ Returns yields raises type note x1 größe".split())
TYPES = st.sampled_from(["", ": int", ": 'Cart | None'", ": dict[str, int]"])
BODIES = st.sampled_from(
    [
        "return 1",
        "yield 1",
        "pass",
        "print()",
        "raise ValueError(1)",
        "if x:\n        raise KeyError\n    return",
        "raise own.CartError from None",
        "for _ in x:\n        yield _\n    return 2",
    ]
)
WORDS = st.sampled_from(
    ["the thing", "Returns: of it", "a: b", "how - many", ":param x: y", "`x` (or none)", "x" * 90]
)


@st.composite
def functions(draw: st.DrawFn) -> str:
    """A function with parameters of all kinds and a body of any."""
    names = draw(st.lists(NAMES, unique=True, max_size=6))
    cuts = sorted(draw(st.lists(st.integers(0, len(names)), min_size=2, max_size=2)))
    typed = [name + draw(TYPES) for name in names]
    first, second, third = typed[: cuts[0]], typed[cuts[0] : cuts[1]], typed[cuts[1] :]
    parts = [*first, *(["/"] if first and draw(st.booleans()) else []), *second]
    parts += draw(st.sampled_from([["*args"], ["*"]])) if third else []
    parts += [*third, *draw(st.sampled_from([[], ["**options"]]))]
    returns = draw(st.sampled_from(["", " -> None", " -> int", " -> Iterator[int]"]))
    decorator = draw(
        st.sampled_from(["", "@property\n", "@contextmanager\n", "@x.y(1)\n", "@staticmethod\n"])
    )
    return f"{decorator}def f({', '.join(parts)}){returns}:\n    {draw(BODIES)}\n"


def rules_in(source: SourceFile) -> list[str]:
    index = PackageIndex()
    return [
        fault.rule
        for symbol in symbols(source)
        if symbol.docstring is not None
        for fault in check(
            symbol.node,
            facts_of(symbol, index),
            read(symbol.docstring),
            kin_in(symbol, index),
            members_of(symbol, index),
        )
    ]
