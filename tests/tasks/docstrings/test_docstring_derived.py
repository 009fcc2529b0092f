from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.tasks.docstrings.derived import derived
from workflow_hub.tasks.docstrings.find import snippet
from workflow_hub.tasks.docstrings.slots import Slot
from workflow_hub.tasks.docstrings.task import Target
from workflow_hub.tasks.docstrings.truth import untrue

LONG = "a_long_name.of_something.that_is_long.and_longer"


def told(target: Target, kind: str, name: str = "") -> str | None:
    return derived(Slot(kind, name), target.symbol, target.facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "phrase"),
    [
        ("self.size = it", "kept as self.size"),
        ("self.size: int = it", "kept as self.size"),
        ("return it(1)", "called as ``it(1)``"),
        ("return open(it)", "passed to open()"),
        ("return open('x', mode=it)", "passed to open() as mode"),
        ("return open('x', it=it)", "passed to open()"),
        ("super().__init__(it)", "passed to super().__init__()"),
        ("return build()(it)", "passed to a call"),
        ("return build().made(it)", "passed to made()"),
        ("return dict(**it)", "passed on to dict()"),
        ("return print(*it)", "passed on to print()"),
        ("return it.strip() + it.name + it.name", "used for its strip() and name"),
        ("it.a; it.b; it.c; it.d", "used for its a, b and others"),
        ("for one in it: pass", "gone through, each as ``one``"),
        ("return [a for a, b in it]", "gone through, each as ``(a, b)``"),
        ("return x if x in it else 0", "searched for ``x``"),
        ("return it in x", "looked for in ``x``"),
        ("return 1 if it is None else 0", "compared with None"),
        ("return isinstance(it, int)", "looked at for its type"),
        ("return it < 3", "used in ``it < 3``"),
        ("return it[0]", "used in ``it[0]``"),
        ("with it: pass", "entered as a context"),
        ("return it", "returned"),
        ("yield it", "yielded"),
        ("raise it", "raised"),
        ("return f'{it}!'", "put into a text"),
        ("if it: return 1", "tested for truth"),
        ("return not it", "tested for truth"),
        ("return (it, 2)", "put into ``(it, 2)``"),
        ("it += 1", "added to"),
        ("it = 3", "not used here"),
        ("pass", "not used here"),
        ("return lambda it: it", "not used here"),
        ("def inner():\n        return open(it)\n    return inner", "passed to open()"),
        ("if it: return open(it)", "passed to open()"),
        (f"return {LONG}[it]", "used in a lookup"),
        (f"return {LONG} * it", "used in a computation"),
        (f"return {LONG} < it", "compared"),
        ("x[:it] = 3", "used in ``x[:it]``"),
        ("match it:\n        case 3: pass", "used in the body"),
        ("del x[it:]", "used in ``x[it:]``"),
        ("return x[it:9]", "used in ``x[it:9]``"),
    ],
)
def test_a_parameter_is_told_by_what_is_done_with_it(body: str, phrase: str) -> None:
    assert told(snippet(f"def run(self, it, x=1):\n    {body}\n"), "parameter", "it") == phrase


def test_stars_are_no_part_of_a_parameters_name() -> None:
    assert (
        told(snippet("def run(*names):\n    print(*names)\n"), "parameter", "*names")
        == "passed on to print()"
    )


@pytest.mark.parametrize(
    ("body", "phrase"),
    [
        ("return self.size", "``self.size``"),
        ("if x: return 0\n    return self.size", "``0`` or ``self.size``"),
        ("if x: return 1\n    if y: return 1\n    return None", "``1`` or ``None``"),
        ("return await self.fetch(" + "'long', " * 9 + ")", "what self.fetch() gives"),
        ("return [" + "'long', " * 9 + "]", "a list"),
        ("return {" + "'long': 1, " * 9 + "}", "a dictionary"),
        ("return {" + "'long', " * 9 + "}", "a set"),
        ("return (" + "'long', " * 9 + ")", "a tuple of 9"),
        ("return '" + "long" * 20 + "'", "a text"),
        ("return " + " or ".join(["longer_name"] * 9), "the outcome of a test"),
        ("return " + " + ".join(["longer_name"] * 9), "a computed value"),
        ("return lambda: (" + "'long', " * 9 + ")", "a function"),
        ("def inner():\n        return 2\n    return 1", "``1``"),
        ("return", None),
        ("pass", None),
    ],
)
def test_what_is_returned_is_told_as_it_stands(body: str, phrase: str | None) -> None:
    assert told(snippet(f"async def run(self, x, y):\n    {body}\n"), "returns") == phrase


def test_what_is_yielded_is_told_as_it_stands() -> None:
    target = snippet("def run(x):\n    yield 1\n    yield from x\n    yield\n    return 5\n")
    assert told(target, "yields") == "``1`` or all of ``x``"


@pytest.mark.parametrize(
    ("body", "phrase"),
    [
        ("if x < 0: raise ValueError", "if ``x < 0``"),
        ("raise ValueError", "raised by this function itself"),
        ("try: x()\n    except KeyError: raise ValueError", "raised by this function itself"),
        ("if x" + " + x" * 30 + ": raise ValueError", "raised by this function itself"),
        ("helper(x)", "if helper() raises it"),
    ],
)
def test_an_exception_is_told_by_its_condition_or_by_who_raises_it(body: str, phrase: str) -> None:
    target = snippet(f"def run(x):\n    {body}\n\ndef helper(x):\n    raise ValueError\n")
    assert told(target, "raises", "ValueError") == phrase


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        ('"""Words."""\n    return self.size', "Return ``self.size``."),
        ("self.size = x", "Set ``self.size`` to ``x``."),
        ("self.size = " + "x + " * 30 + "x", None),
        ("self.parent.close(x)", "Call self.parent.close()."),
        ("raise NotImplementedError('later')", "Raise NotImplementedError."),
        ("raise self.errors[x]", None),
        ("x += 1\n    return x", "Return ``x``."),
        ("x += 1\n    yield x\n    return x", "Yield ``x``."),
        ("if x: raise ValueError\n    return x", "Return ``x`` or raise ValueError."),
        ("if x: raise ValueError\n    x.close()", "Raise ValueError."),
        ("x.open()\n    x.close()", None),
        ("pass", None),
    ],
)
def test_a_function_is_summed_up_by_what_comes_of_it(body: str, summary: str | None) -> None:
    assert told(snippet(f"def run(self, x):\n    {body}\n"), "summary") == summary


def test_a_class_tells_nothing_by_itself() -> None:
    target = snippet("class Pot:\n    size: int = 3\n")
    assert told(target, "summary") is None
    assert told(target, "attribute", "size") is None


FORMS = (
    "({})",
    "({}).size",
    "({}).close()",
    "({})()",
    "run({})",
    "run(mode={})",
    "run(*({}))",
    "run(**({}))",
    "[{}, 'a b', 0x1F]",
    "{{1_000: {}}}",
    "not ({})",
    "-({})",
    "lambda it: ({})",
    "[one for one in ({})]",
    "f'{{({})}} of it'",
    "await ({})",
    "(name := ({}))",
)
PAIRS = (
    "({}) + ({})",
    "({}) is ({})",
    "({}) in ({})",
    "({}) < ({})",
    "({})[{}]",
    "({}) and ({})",
    "({})[{}:]",
)
EXPRESSIONS = st.recursive(
    st.sampled_from(["it", "x", "(3)", "'te``xt'", "None", "x.part"]),
    lambda inner: st.one_of(
        st.builds(str.format, st.sampled_from(FORMS), inner),
        st.builds(str.format, st.sampled_from(PAIRS), inner, inner),
    ),
    max_leaves=6,
)
STATEMENTS = st.builds(
    str.format,
    st.sampled_from(
        (
            "{}",
            "return {}",
            "yield {}",
            "self.kept = {}",
            "for one in {}: pass",
            "if {}: raise ValueError",
            "with {} as one: pass",
            "assert {}",
            "it += {}",
            "raise {}",
            "del x[{}]",
        )
    ),
    EXPRESSIONS.filter(lambda text: "'" not in text or "f'" not in text),
)


@given(st.lists(STATEMENTS, min_size=1, max_size=4))
def test_each_phrase_is_one_line_that_may_stand(body: list[str]) -> None:
    code = "\n    ".join(["async def run(self, it, x):", *body, ""])
    target = snippet(code)
    for slot in target.slots.values():
        phrase = derived(slot, target.symbol, target.facts)
        if phrase is not None:
            assert phrase and phrase == " ".join(phrase.split())
            assert untrue(phrase, slot, target.known) is None
