from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from doubles.dmr import HOSTILE
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub import prompts
from workflow_hub.errors import ReplyInvalid
from workflow_hub.pipeline import Answers
from workflow_hub.schema import PHRASE_OR_NULL, record
from workflow_hub.source.escapes import Raised
from workflow_hub.source.facts import facts_of
from workflow_hub.source.files import parse_source
from workflow_hub.source.package import PackageIndex
from workflow_hub.source.symbols import symbols
from workflow_hub.tasks.docstrings.find import snippet
from workflow_hub.tasks.docstrings.parts import Style
from workflow_hub.tasks.docstrings.sections import documented
from workflow_hub.tasks.docstrings.task import Look, Target, compose, read, task
from workflow_hub.tasks.docstrings.words import COPIED, INSTEAD, RULES, SAME, refusal, words_of
from workflow_hub.values import Place, Reply

TEMPLATE = prompts.find("docstrings")
LOOK = Look(Style.GOOGLE, 88, types=False)
CODE = """\
def boil(kettle, minutes: int = 3):
    if minutes > 9:
        raise ValueError("too long")
    return kettle.heat(minutes)
"""
TARGET = snippet(CODE)
SLOTS = dict.fromkeys(TARGET.slots, PHRASE_OR_NULL)
GOOD = {
    "summary": "Bring water to the boil.",
    "kettle": "vessel that holds the water",
    "minutes": "how long the stove is on",
    "returns": "steam that came out",
    "raises ValueError": "where the stove would get too hot",
}


def judged(said: Any, *, finish: str = "stop") -> tuple[dict[str, Any], dict[str, str]]:
    reply = Reply(said if isinstance(said, str) else json.dumps(said), finish=finish)
    reading = read(TARGET, SLOTS, reply)
    return dict(reading.taken), dict(reading.refused)


# -- the question --------------------------------------------------------------------------------


def test_the_reply_may_be_exactly_the_slots() -> None:
    work = task(TEMPLATE, LOOK)
    assert dict(work.slots(TARGET)) == SLOTS
    asked = work.render(TARGET, SLOTS, {})
    assert asked.schema == record(SLOTS)
    assert list(asked.schema["properties"]) == list(GOOD)
    assert (work.name, work.fingerprint, work.identity(TARGET)) == (
        "docstrings",
        f"{TEMPLATE.fingerprint}-{RULES}",
        TARGET.facts.identity,
    )


def test_the_question_shows_the_code_and_what_stands_around_it() -> None:
    code = (
        'class Stove:\n    """Makes things hot."""\n\n    # Only after the gas is on.\n'
        "    def light(self, match):\n        return self.burn(match)\n\n"
        '    def burn(self, match):\n        """Let a match burn down."""\n        return match.flame\n'
    )
    source = parse_source(Path("a.py"), code.encode())
    light = next(one for one in symbols(source) if one.qualname == "Stove.light")
    target = Target(light, facts_of(light, PackageIndex()), None, Place("a.py::Stove.light", "a.py", 5))
    work = task(TEMPLATE, LOOK)
    text = work.render(target, work.slots(target), {}).messages[-1].text
    for shown in (
        "Only after the gas is on.",
        "Stove",
        "Makes things hot.",
        "def light(self, match)",
        "burn",
    ):
        assert shown in text
    assert "Let a match burn down." in text


SHOP = '''
class Line:
    """Something that is bought."""
    def __init__(self, sku): self.sku = sku
def load(path): return Line(path)
def save(path):
    "Save the lines."
'''
ASKED = [
    pytest.param("", "module shop\n{}\n\nsummary: what the module shop is for as a whole.", id="module"),
    pytest.param(
        "Line", "class Line\ndef __init__(self, sku): self.sku = sku\n\nsummary: what a Line is.", id="class"
    ),
    pytest.param(
        "load", "def load(path)\nreturn Line(path)\n# Line: Something that is bought.", id="function"
    ),
]
DEFINED = "class Line  # Something that is bought.\ndef load(path)\ndef save(path)  # Save the lines."


@pytest.mark.parametrize(("name", "expected"), ASKED)
def test_what_is_shown_of_each_kind(name: str, expected: str) -> None:
    source = parse_source(Path("shop.py"), SHOP.encode())
    one = next(one for one in symbols(source) if one.qualname == name)
    target = Target(one, facts_of(one, PackageIndex(), body_tokens=0), None, Place("shop.py", "shop.py", 1))
    work = task(TEMPLATE, LOOK)
    text = work.render(target, work.slots(target), {}).messages[-1].text
    assert text == expected.format(DEFINED)


THROUGH = """\
def brew(kettle):
    if kettle.cold: raise TimeoutError
    return boil(kettle)

def boil(kettle):
    if not kettle: raise ValueError("empty")
    return kettle.heat()
"""


def test_what_is_said_of_two_parts_stands_for_none_that_has_a_name() -> None:
    same = "steam that came out"
    taken, refused = judged({**GOOD, "kettle": f"{same}.", "returns": same, "minutes": same.title()})
    assert refused == {"kettle": SAME, "minutes": SAME}
    assert taken.keys() == {"summary", "returns", "raises ValueError"}


def test_two_abstentions_are_not_the_same_word() -> None:
    taken, refused = judged({**GOOD, "kettle": None, "minutes": None})
    assert (taken["kettle"], taken["minutes"], refused) == (None, None, {})


def test_what_the_question_shows_of_an_exception_is_no_answer() -> None:
    target = snippet(THROUGH)
    (reason,) = {one.reason for one in target.facts.raises if one.path}
    said = {"raises ValueError": f"{reason}.", "raises TimeoutError": "if kettle.cold"}
    reading = read(target, dict.fromkeys(said, PHRASE_OR_NULL), Reply(json.dumps(said)))
    assert reading.refused == {"raises ValueError": COPIED}
    assert reading.taken == {"raises TimeoutError": "if kettle.cold"}


def test_the_question_shows_where_an_exception_comes_from() -> None:
    work = task(TEMPLATE, LOOK)
    target = snippet(THROUGH)
    assert list(target.slots) == ["summary", "kettle", "returns", "raises TimeoutError", "raises ValueError"]
    text = work.render(target, work.slots(target), {}).messages[-1].text
    assert text.endswith("return boil(kettle)\n# ValueError: from boil(), if not kettle")
    assert "raises ValueError" not in snippet(THROUGH, raises_through=0).slots


def test_what_is_told_of_others_has_its_bounds() -> None:
    says = "Say " + "something " * 10 + "of it."
    helpers = "".join(f'def help_{number}(x):\n    "{says}"\n' for number in range(9))
    called = "".join(f"    help_{number}(x)\n" for number in range(9))
    others = "def other():\n    brew(1)\n    brew('green')\n    brew(x)\n"
    target = snippet(f"def brew(x):\n{called}\n{helpers}{others}")
    work = task(TEMPLATE, LOOK)
    text = work.render(target, work.slots(target), {}).messages[-1].text
    assert text.count(says) == 3, "what fits into the budget"
    few = snippet(f"def brew(x):\n    help_1(x)\n\n{helpers}{others}")
    text = work.render(few, work.slots(few), {}).messages[-1].text
    assert text.endswith(f"# help_1: {says}\n# called as brew(1)\n# called as brew('green')")


def test_a_callees_words_are_not_taken_for_a_summary_and_not_shown_again() -> None:
    code = "def brew(pot):\n    return boil(pot)\n\ndef boil(pot):\n    'Heat a pot of water.'\n"
    target, work = snippet(code), task(TEMPLATE, LOOK)
    first = work.render(target, work.slots(target), {}).messages[-1].text
    reading = work.read(target, {"summary": PHRASE_OR_NULL}, Reply('{"summary": "heat a pot of water"}'))
    again = work.render(target, {"summary": PHRASE_OR_NULL}, reading.refused).messages[-1].text
    assert reading.refused == {"summary": COPIED}
    assert "Heat a pot" in first and "Heat a pot" not in again


def test_the_docstring_has_the_evidence_for_the_exceptions_that_it_names() -> None:
    target = snippet(THROUGH)
    said = {"summary": "Make some tea.", "raises ValueError": "if it is empty"}
    assert made(target, said).evidence == (Raised("ValueError", "not kettle", 3, ("boil",), "<code>:6"),)


def test_all_questions_begin_alike_and_end_with_the_item() -> None:
    work = task(TEMPLATE, LOOK)
    one = work.render(TARGET, SLOTS, {})
    other = snippet("def pour(cup):\n    return cup.rest\n")
    two = work.render(other, work.slots(other), {})
    assert one.lead == two.lead
    assert [message.role for message in one.messages] == ["system", "user", "assistant", "user"]
    assert not any("boil" in message.text for message in one.lead) and "def boil" in one.messages[-1].text
    assert one.options["temperature"] == 0


def test_the_examples_answer_is_one_that_would_be_taken() -> None:
    example, answer = (message.text for message in task(TEMPLATE, LOOK).render(TARGET, SLOTS, {}).lead[1:])
    lines = example.replace(": raise", ":\n  raise").replace(": return", ":\n      return").split("\n")
    body = "\n".join(f"        {line}" for line in lines[1:])
    source = parse_source(Path("tea.py"), f"class Pot:\n    {lines[0]}:\n{body}\n".encode())
    made = next(one for one in symbols(source) if one.qualname == "Pot.steep")
    steep = Target(made, facts_of(made, PackageIndex()), None, Place("tea.py::Pot.steep", "tea.py", 2))
    reading = read(steep, dict.fromkeys(steep.slots, PHRASE_OR_NULL), Reply(answer))
    assert set(reading.taken) == set(steep.slots) and not reading.refused


def test_a_second_question_is_smaller_and_says_what_to_do_instead() -> None:
    work = task(TEMPLATE, LOOK)
    first = work.render(TARGET, SLOTS, {})
    again = work.render(TARGET, {"minutes": PHRASE_OR_NULL}, {"minutes": "only repeated the name"})
    assert again.schema == record({"minutes": PHRASE_OR_NULL})
    assert again.messages[-1].text.endswith("\n\nAgain: minutes in other words than its name.")
    assert "only repeated the name" not in again.messages[-1].text
    assert again.lead == first.lead
    assert again.options["max_tokens"] < first.options["max_tokens"]
    assert "Again" not in first.messages[-1].text


def test_what_copied_the_example_is_asked_again_without_it() -> None:
    work = task(TEMPLATE, LOOK)
    first = work.render(TARGET, SLOTS, {})
    again = work.render(TARGET, {"minutes": PHRASE_OR_NULL}, {"minutes": COPIED})
    assert [message.role for message in again.messages] == ["system", "user"]
    assert again.lead == first.lead[:1]


def test_of_several_refusals_each_has_its_advice() -> None:
    refused = {"kettle": "was a single word", "returns": "named Stove, which the code does not know"}
    work = task(TEMPLATE, LOOK)
    text = work.render(TARGET, dict.fromkeys(refused, PHRASE_OR_NULL), refused).messages[-1].text
    assert text.endswith("Again: kettle in a whole phrase, returns without Stove.")


@pytest.mark.parametrize("reason", INSTEAD)
def test_no_reason_stands_in_a_question(reason: str) -> None:
    again = task(TEMPLATE, LOOK).render(TARGET, {"minutes": PHRASE_OR_NULL}, {"minutes": reason})
    assert reason not in again.messages[-1].text
    assert again.messages[-1].text.endswith(f"Again: minutes {INSTEAD[reason]}.")


def test_the_body_is_only_made_to_ask() -> None:
    target = snippet(CODE)
    work = task(TEMPLATE, LOOK)
    assert work.slots(target) and work.identity(target)
    work.read(target, SLOTS, Reply(json.dumps(GOOD)))
    work.result(target, Answers(GOOD, {}))
    assert target.facts.body == ""
    asked = work.render(target, SLOTS, {})
    assert "return kettle.heat(minutes)" in target.body() and target.body() in asked.messages[-1].text


def test_code_that_looks_like_a_template_is_shown_as_it_is() -> None:
    code = 'def f(a):\n    return "{{ 7 * 7 }} {% endblock %}"\n'
    work = task(TEMPLATE, LOOK)
    target = snippet(code)
    assert "{{ 7 * 7 }} {% endblock %}" in work.render(target, work.slots(target), {}).messages[-1].text


# -- the reply -----------------------------------------------------------------------------------


def test_good_words_are_taken_as_they_are() -> None:
    assert judged(GOOD) == (GOOD, {})


READ = [
    pytest.param("kettle", None, None, None, id="an abstention"),
    pytest.param("kettle", '  "vessel\n of water"  ', "vessel of water", None, id="tidied"),
    pytest.param("kettle", "", None, "was empty", id="empty"),
    pytest.param("kettle", "  ", None, "was empty", id="blank"),
    pytest.param("kettle", "the kettle", None, "only repeated the name", id="its name"),
    pytest.param("minutes", "int minutes", None, "only repeated the name", id="its name and type"),
    pytest.param("summary", "To boil.", None, "only repeated the name", id="the function's name"),
    pytest.param("summary", "boil", None, "was a single word", id="a word"),
    pytest.param("minutes", "an integer", None, "only named the type", id="its type"),
    pytest.param("raises ValueError", "where %s is", None, "was a message's format", id="a format"),
    pytest.param("kettle", "やかん", "やかん", None, id="no Latin letter"),
    pytest.param(
        "raises ValueError", "a value error", None, "only repeated the name", id="the exception's name"
    ),
    pytest.param(
        "returns", "what `Stove.glow` says", None, "named Stove, which the code does not know", id="stranger"
    ),
    pytest.param("returns", "what `kettle.heat` says", "what `kettle.heat` says", None, id="known names"),
]


@pytest.mark.parametrize(("slot", "said", "taken", "refused"), READ)
def test_every_slot_is_judged_by_itself(
    slot: str, said: str | None, taken: str | None, refused: str | None
) -> None:
    others = {key: text for key, text in GOOD.items() if key != slot}
    assert judged({**GOOD, slot: said}) == (
        others if refused else {**GOOD, slot: taken},
        {slot: refused} if refused else {},
    )


def test_the_instructions_words_are_refused() -> None:
    work = task(TEMPLATE, LOOK)
    words = TEMPLATE.text.partition("{% block system %}")[2].split("\n")[1].split()
    copied = " ".join(words[5:12])
    reading = work.read(TARGET, SLOTS, Reply(json.dumps({**GOOD, "kettle": copied})))
    assert "kettle" in reading.refused and "kettle" not in reading.taken


EXAMPLES = [
    pytest.param("mean([1, 2])", {"example": "mean([1, 2])"}, {}, id="a call"),
    pytest.param("  mean([1, 2])\n", {"example": "mean([1, 2])"}, {}, id="with blanks around"),
    pytest.param(None, {"example": None}, {}, id="an abstention"),
    pytest.param("mean(a)", {}, {"example": "named a, which is not there"}, id="a stranger"),
    pytest.param("mean('one short call with real')", {}, {"example": COPIED}, id="the instructions"),
]


@pytest.mark.parametrize(("draft", "taken", "left_out"), EXAMPLES)
def test_a_draft_is_taken_or_left_out_for_good(
    draft: str | None, taken: dict[str, Any], left_out: dict[str, str]
) -> None:
    target = snippet("def mean(a):\n    return sum(a) / len(a)\n", example=True)
    work = task(TEMPLATE, LOOK)
    slots = {"example": work.slots(target)["example"]}
    reading = work.read(target, slots, Reply(json.dumps({"example": draft})))
    assert (reading.taken, reading.refused, reading.left_out) == (taken, {}, left_out)
    cut = work.read(target, slots, Reply('{"example": "mean([1, 2, 3', finish="length"))
    assert cut.left_out == {"example": "was too long"}
    assert "example: one short call" in work.render(target, slots, {}).messages[-1].text


def test_words_of_the_example_are_refused_unless_the_code_says_them() -> None:
    work = task(TEMPLATE, LOOK)
    said = json.dumps({**GOOD, "kettle": "dried tea for later"})
    assert work.read(TARGET, SLOTS, Reply(said)).refused == {"kettle": "was copied from the instructions"}
    tea = snippet(CODE.replace("kettle", "tea"))
    alone = {"tea": PHRASE_OR_NULL}
    assert work.read(tea, alone, Reply(json.dumps({"tea": "dried tea for later"}))).refused == {}


def test_a_prompts_echoes_may_be_written_in_capitals() -> None:
    own = prompts.parse(TEMPLATE.text.replace("[tea,", "[Tea,"), Path("own.j2"))
    reading = task(own, LOOK).read(TARGET, SLOTS, Reply(json.dumps({**GOOD, "kettle": "tea for later"})))
    assert list(reading.refused) == ["kettle"]


def test_the_packaged_echoes_are_words_of_the_example() -> None:
    instructions, *example = (message.text for message in task(TEMPLATE, LOOK).render(TARGET, SLOTS, {}).lead)
    assert TEMPLATE.head.echoes
    assert set(TEMPLATE.head.echoes) <= set(words_of(" ".join(example))) - set(words_of(instructions))


INVALID = [
    pytest.param("", "the reply is not JSON", id="empty"),
    pytest.param("Sure! Here it is.", "the reply is not JSON", id="prose"),
    pytest.param({"summary": "x"}, "the reply does not fit its schema: $ lacks kettle", id="a key less"),
    pytest.param(
        {**GOOD, "color": "x"}, "the reply does not fit its schema: $ has unknown keys color", id="more"
    ),
    pytest.param({**GOOD, "kettle": 3}, "$.kettle is not string or null", id="a number"),
    pytest.param([], "$ is not object", id="a list"),
]


@pytest.mark.parametrize(("said", "words"), INVALID)
def test_what_is_not_the_document_is_no_reading(said: Any, words: str) -> None:
    with pytest.raises(ReplyInvalid) as caught:
        judged(said)
    assert words in str(caught.value)


WHOLE = json.dumps(GOOD)
CUTS = [
    pytest.param(WHOLE[: WHOLE.index("vessel") + 3], ["summary"], id="in a text"),
    pytest.param(WHOLE[: WHOLE.index('"returns"') + 4], ["summary", "kettle", "minutes"], id="in a key"),
    pytest.param('{"summary": "the boil", "kettle": 3', [], id="values are checked all the same"),
    pytest.param(
        '{"color": "red", "kettle": "vessel of water", "mi', ["kettle"], id="unknown keys are left out"
    ),
    pytest.param("{", [], id="at once"),
]


@pytest.mark.parametrize(("said", "taken"), CUTS)
def test_of_a_reply_that_was_cut_what_came_whole_counts(said: str, taken: list[str]) -> None:
    assert list(judged(said, finish="length")[0]) == taken


@pytest.mark.parametrize("said", ["", "Sure! The function", "[1, 2"], ids=["nothing", "prose", "a list"])
def test_a_reply_cut_before_it_said_anything(said: str) -> None:
    with pytest.raises(ReplyInvalid, match="was too long"):
        judged(said, finish="length")


@given(
    st.fixed_dictionaries(dict.fromkeys(GOOD, st.none() | st.text() | st.sampled_from(HOSTILE))),
    st.integers(0, 400),
)
def test_a_hostile_reply_is_judged_and_what_is_taken_may_stand(
    document: dict[str, str | None], end: int
) -> None:
    text = json.dumps(document)
    for said, finish in ((text, "stop"), (text[:end], "length")):
        try:
            reading = read(TARGET, SLOTS, Reply(said, finish=finish))
        except ReplyInvalid:
            continue
        assert not reading.taken.keys() & reading.refused.keys()
        for key, value in reading.taken.items():
            if value is not None:
                assert refusal(value, TARGET.slots[key], set(), TARGET.facts.names) is None


# -- the docstring -------------------------------------------------------------------------------


def made(
    target: Target, values: dict[str, Any], left_out: dict[str, str] | None = None, look: Look = LOOK
) -> Any:
    return compose(target, Answers(values, left_out or {}), look)


def test_the_parts_that_were_answered_in_the_style() -> None:
    text = made(TARGET, GOOD).text
    assert text.splitlines()[0] == GOOD["summary"]
    found = documented(text)
    assert found.style == Style.GOOGLE
    assert found.parameters == {"kettle", "minutes"} and found.returns and found.raises == {"ValueError"}
    assert "int" not in text
    numpy = made(TARGET, GOOD, look=Look(Style.NUMPY, 88, types=True)).text
    assert documented(numpy).style == Style.NUMPY and "minutes : int" in numpy


def test_what_the_model_does_not_say_the_code_does_and_the_reason_is_told() -> None:
    answers = {"summary": "Bring water to the boil.", "kettle": None, "minutes": "how long it takes"}
    refused = {"returns": "was a placeholder", "raises ValueError": "was empty"}
    docstring = made(TARGET, answers, refused)
    assert docstring.derived == {"kettle": "was left open"} | refused
    assert docstring.left_out == {}
    assert docstring.text.split("\n\n")[1:] == [
        "Args:\n    kettle: used for its heat()\n    minutes: how long it takes",
        "Returns:\n    ``kettle.heat(minutes)``",
        "Raises:\n    ValueError: if ``minutes > 9``",
    ]


def test_what_neither_says_is_left_out_with_its_reason() -> None:
    target = snippet("def boil(kettle) -> int: ...\n")
    docstring = made(target, {"summary": "Bring water to the boil."}, {"returns": "was a placeholder"})
    assert docstring.left_out == {"returns": "was a placeholder"}
    assert docstring.derived == {}
    assert "Returns" not in docstring.text


@pytest.mark.parametrize(
    ("values", "left_out", "message"),
    [
        pytest.param({"summary": None}, {}, "no docstring: the summary was left open", id="abstained"),
        pytest.param({}, {"summary": "was too long"}, "no docstring: the summary was too long", id="refused"),
        pytest.param({"kettle": "x"}, {}, "no docstring: the summary was left open", id="no word of it"),
    ],
)
def test_without_a_summary_there_is_no_docstring(
    values: dict[str, Any], left_out: dict[str, str], message: str
) -> None:
    with pytest.raises(ReplyInvalid) as caught:
        made(TARGET, values, left_out)
    assert str(caught.value) == message


def test_where_other_words_of_the_model_stand_the_code_gives_the_summary() -> None:
    docstring = made(TARGET, {"minutes": "how long it takes"}, {"summary": "was too long"})
    assert docstring.derived == {"summary": "was too long"}
    assert docstring.text.startswith("Return ``kettle.heat(minutes)`` or raise ValueError.\n")


def test_human_words_are_kept_and_only_what_is_missing_is_added() -> None:
    words = '    """Boil it, please.\n\n    Mind the steam.\n    """\n'
    said = f"def boil(kettle, minutes):\n{words}    kettle.heat(minutes)\n"
    target = snippet(said)
    assert list(target.slots) == ["kettle", "minutes"]
    text = made(target, {"kettle": "vessel of water"}).text
    assert text.startswith("Boil it, please.\n\nMind the steam.\n")
    assert documented(text).parameters == {"kettle"}
    assert made(target, {}).text == "Boil it, please.\n\nMind the steam."


def test_a_blank_docstring_says_nothing() -> None:
    target = snippet('def boil(kettle):\n    """  """\n    kettle.heat()\n')
    assert "summary" in target.slots
    assert made(target, {"summary": "Bring water to the boil."}).text == "Bring water to the boil."


@pytest.mark.parametrize("depth", [0, 2])
def test_lines_keep_to_the_width_where_the_docstring_stands(depth: int) -> None:
    code = "".join(f"{'    ' * level}class C{level}:\n" for level in range(depth))
    code += "    " * depth + "def boil(pot, kettle):\n" + "    " * (depth + 1) + "kettle.heat()\n"
    source = parse_source(Path("a.py"), code.encode())
    symbol = list(symbols(source))[-1]
    target = Target(symbol, facts_of(symbol, PackageIndex()), None, Place("a.py::boil", "a.py", 1))
    long = {"summary": "Bring water to the boil.", "kettle": "vessel " * 24 + "of water"}
    text = made(target, long, look=Look(Style.GOOGLE, 60, types=False)).text
    widest = max(len(line) for line in text.splitlines()) + 4 * (depth + 1)
    assert 45 <= widest <= 60


@pytest.mark.parametrize(("name", "lines"), [("", 1), ("f", 2)], ids=["module", "function"])
def test_a_module_has_the_whole_width(name: str, lines: int) -> None:
    source = parse_source(Path("a.py"), b"def f(): ...\n")
    symbol = next(one for one in symbols(source) if one.qualname == name)
    target = Target(symbol, facts_of(symbol, PackageIndex()), None, Place("a.py", "a.py", 1))
    words = "Holds " + "numbers " * 8 + "indeed."
    text = made(target, {"summary": words}, look=Look(Style.GOOGLE, len(words) + 6, types=False)).text
    assert len(text.splitlines()) == lines
