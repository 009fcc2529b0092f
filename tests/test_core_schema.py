from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub import schema
from workflow_hub.errors import ReplyInvalid
from workflow_hub.schema import (
    BOOLEAN,
    INTEGER,
    PHRASE_OR_NULL,
    STRING,
    TEXT_OR_NULL,
    array,
    mismatch,
    one_of,
    read,
    record,
)

PERSON = record({"name": STRING, "age": INTEGER, "tags": array(STRING, at_most=2), "nick": TEXT_OR_NULL})
ADA: dict[str, Any] = {"name": "Ada", "age": 36, "tags": ["x"], "nick": None}

# (value, schema, what is wrong with it, or None)
CHECKS = [
    pytest.param(ADA, PERSON, None, id="fits"),
    pytest.param({**ADA, "nick": "a"}, PERSON, None, id="null beside text"),
    pytest.param({**ADA, "age": True}, PERSON, "$.age is not integer", id="boolean is no integer"),
    pytest.param({**ADA, "age": 1.0}, PERSON, "$.age is not integer", id="float is no integer"),
    pytest.param({**ADA, "name": None}, PERSON, "$.name is not string", id="null where none may be"),
    pytest.param({**ADA, "nick": 1}, PERSON, "$.nick is not string or null", id="none of both"),
    pytest.param({**ADA, "tags": list("abc")}, PERSON, "$.tags has more than 2 items", id="too many"),
    pytest.param({**ADA, "tags": ["a", 1]}, PERSON, "$.tags[1] is not string", id="in an array"),
    pytest.param({**ADA, "x": 1, "y": 2}, PERSON, "$ has unknown keys x, y", id="unknown keys"),
    pytest.param({"age": 1, "tags": []}, PERSON, "$ lacks name, nick", id="missing keys"),
    pytest.param([], PERSON, "$ is not object", id="array for object"),
    pytest.param({}, array(STRING, at_most=1), "$ is not array", id="object for array"),
    pytest.param(True, BOOLEAN, None, id="boolean"),
    pytest.param(0, BOOLEAN, "$ is not boolean", id="zero is no boolean"),
    pytest.param(None, {"type": "null"}, None, id="null"),
    pytest.param("a", one_of(["a", "b"]), None, id="choice"),
    pytest.param("c", one_of(["a", "b"]), "$ is none of the choices", id="no choice"),
    pytest.param(None, one_of(["a"]), "$ is none of the choices", id="no abstention"),
    pytest.param(None, one_of(["a"], or_null=True), None, id="abstention"),
    pytest.param(1, {"enum": [True]}, "$ is none of the choices", id="one is not true"),
    pytest.param(3, {"const": 3}, None, id="const"),
    pytest.param(3.0, {"const": 3}, "$ is not 3", id="const of another type"),
]


@pytest.mark.parametrize(("value", "wanted", "fault"), CHECKS)
def test_what_is_wrong_is_named_with_its_place(value: Any, wanted: schema.Schema, fault: str | None) -> None:
    assert mismatch(value, wanted) == fault


def test_another_dialect_is_a_bug() -> None:
    with pytest.raises(ValueError, match="'number' is outside the schema dialect"):
        mismatch(1, {"type": "number"})


# A schema together with a strategy for the documents that fit it.
LEAVES = st.sampled_from(
    [
        (STRING, st.text(max_size=5)),
        (TEXT_OR_NULL, st.none() | st.text(max_size=5)),
        (INTEGER, st.integers()),
        (BOOLEAN, st.booleans()),
        ({"const": "seal"}, st.just("seal")),
        (one_of(["a", "b"], or_null=True), st.sampled_from(["a", "b", None])),
    ]
)


def _record(parts: dict[str, Any]) -> tuple[schema.Schema, st.SearchStrategy[Any]]:
    return record({name: wanted for name, (wanted, _) in parts.items()}), st.fixed_dictionaries(
        {name: documents for name, (_, documents) in parts.items()}
    )


SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: (
        st.dictionaries(st.text("ab$.[", min_size=1, max_size=3), inner, max_size=3).map(_record)
        | inner.map(lambda one: (array(one[0], at_most=2), st.lists(one[1], max_size=2)))
    ),
    max_leaves=6,
)


def places(document: Any, at: str = "$") -> list[tuple[str, list[Any]]]:
    """Every place of the document: as `mismatch` names it, and as keys."""
    found: list[tuple[str, list[Any]]] = [(at, [])]
    inner: list[tuple[str, Any]] = []
    if isinstance(document, dict):
        inner = [(f"{at}.{key}", key) for key in document]
    elif isinstance(document, list):
        inner = [(f"{at}[{place}]", place) for place in range(len(document))]
    for shown, key in inner:
        found += [(name, [key, *keys]) for name, keys in places(document[key], shown)]
    return found


def mutated(document: Any, keys: list[Any], value: Any) -> Any:
    if not keys:
        return value
    copy = document.copy()
    copy[keys[0]] = mutated(document[keys[0]], keys[1:], value)
    return copy


@given(st.data())
def test_what_fits_passes_and_what_was_changed_is_refused_at_its_place(data: st.DataObject) -> None:
    wanted, documents = data.draw(SCHEMAS)
    document = data.draw(documents)
    assert read(json.dumps(document), wanted) == document
    at, keys = data.draw(st.sampled_from(places(document)))
    broken = mutated(document, keys, 0.5)  # no schema of the dialect takes a float
    assert (mismatch(broken, wanted) or "").startswith(f"{at} is ")
    with pytest.raises(ReplyInvalid, match="the reply does not fit its schema"):
        read(json.dumps(broken), wanted)


@given(st.data())
def test_a_key_more_or_less_is_refused_where_it_is(data: st.DataObject) -> None:
    wanted, documents = data.draw(st.dictionaries(st.text("ab", min_size=1), LEAVES, min_size=1).map(_record))
    document = data.draw(documents)
    gone = data.draw(st.sampled_from(sorted(document)))
    assert (
        mismatch({key: value for key, value in document.items() if key != gone}, wanted) == f"$ lacks {gone}"
    )
    assert mismatch(document | {"new": 1}, wanted) == "$ has unknown keys new"


# What a server that ignores the schema says; the message.
NOT_READ = [
    pytest.param("", "the reply is not JSON: EOF", id="empty"),
    pytest.param("Sure! {}", "the reply is not JSON: expected value at line 1", id="prose"),
    pytest.param("```json\n{}\n```", "the reply is not JSON", id="code fence"),
    pytest.param("{} {}", "the reply is not JSON: trailing characters", id="two documents"),
    pytest.param('{"a": 1, "a": 2}', 'the reply is not JSON: Detected duplicate key "a"', id="duplicate key"),
    pytest.param("NaN", "the reply is not JSON", id="not a number"),
    pytest.param('"\\ud800"', "the reply is not JSON", id="half a surrogate escaped"),
    pytest.param('"\ud800"', "the reply is not JSON", id="half a surrogate"),
    pytest.param("[" * 100_000, "the reply is not JSON: recursion limit", id="nested"),
    pytest.param("[]", "the reply does not fit its schema: $ is not object", id="another shape"),
]


@pytest.mark.parametrize(("text", "message"), NOT_READ)
def test_what_is_not_the_document_is_refused_and_kept(text: str, message: str) -> None:
    with pytest.raises(ReplyInvalid) as caught:
        read(text, PERSON)
    assert str(caught.value).startswith(message)
    assert caught.value.partial == text


@given(st.text())
def test_any_text_is_a_document_or_an_invalid_reply(text: str) -> None:
    try:
        assert isinstance(read(text, PERSON), dict)
    except ReplyInvalid as error:
        assert error.partial == text
    schema.read_cut(text)


CUT = [
    pytest.param('{"a": "whole", "b": "cut of', {"a": "whole"}, id="in a string"),
    pytest.param('{"a": "whole", "b', {"a": "whole"}, id="in a key"),
    pytest.param('{"a": "whole"', {"a": "whole"}, id="before the brace"),
    pytest.param('{"a": null, "b": nu', {"a": None}, id="in a word"),
    pytest.param("{", {}, id="at once"),
    pytest.param("", None, id="nothing"),
    pytest.param("Sure", None, id="prose"),
]


@pytest.mark.parametrize(("text", "document"), CUT)
def test_what_was_cut_says_what_came_whole(text: str, document: Any) -> None:
    assert schema.read_cut(text) == document


@given(st.dictionaries(st.text(max_size=4), st.none() | st.text(max_size=8), max_size=4), st.data())
def test_a_cut_document_never_says_what_the_whole_one_does_not(
    document: dict[str, str | None], data: st.DataObject
) -> None:
    text = json.dumps(document)
    cut = schema.read_cut(text[: data.draw(st.integers(0, len(text)))])
    assert cut is None or cut.items() <= document.items()


def test_the_request_asks_for_the_schema_strictly() -> None:
    assert schema.response_format(record({"a": STRING}), "thing") == {
        "type": "json_schema",
        "json_schema": {
            "name": "thing",
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"a": {"type": "string"}},
                "required": ["a"],
                "additionalProperties": False,
            },
        },
    }


def test_no_length_stands_in_a_schema() -> None:
    assert "Length" not in json.dumps([PERSON, one_of(["a"]), TEXT_OR_NULL])


SEALED = json.dumps({"seal": schema.CANARY.schema["properties"]["seal"]["const"]})  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        pytest.param(SEALED, True, id="the seal"),
        pytest.param(SEALED.replace(" ", "\n  "), True, id="the seal with blanks"),
        pytest.param("Hello!", False, id="prose"),
        pytest.param(f"```json\n{SEALED}\n```", False, id="the seal in a fence"),
        pytest.param('{"seal": "hello"}', False, id="the keys alone"),
        pytest.param("{}", False, id="any object"),
    ],
)
def test_only_an_enforced_schema_passes_the_canary(text: str, holds: bool) -> None:
    assert schema.enforces(text) is holds
    assert "zqx7" not in schema.CANARY.messages[-1].text


# (text, whether the sampler may write it)
PHRASES = [
    pytest.param("address of the page", True, id="a phrase"),
    pytest.param("UTF-8 encoded text", True, id="a number after a hyphen"),
    pytest.param("2-tuple of names", True, id="a number before a hyphen"),
    pytest.param("ページの住所", True, id="a script without blanks"),
    pytest.param("Größe des Puffers", True, id="an umlaut"),
    pytest.param("it's the page's address", True, id="single quotes"),
    pytest.param("page", False, id="a word"),
    pytest.param("the page", False, id="two words"),
    pytest.param("max_tries of the run", False, id="a name first"),
    pytest.param("name1234 of the run", False, id="a name with a number first"),
    pytest.param('the "page" as it is', False, id="what ends a JSON string"),
    pytest.param("a\\b of the page", False, id="a backslash"),
    pytest.param("the page\nand more", False, id="a line end"),
    pytest.param("a" * 21 + " of pages", False, id="a word without end"),
]


@pytest.mark.parametrize(("text", "fits"), PHRASES)
def test_a_sampler_is_led_to_phrases(text: str, fits: bool) -> None:
    assert bool(re.fullmatch(PHRASE_OR_NULL["pattern"], text)) is fits


def test_a_pattern_leads_and_is_not_checked() -> None:
    assert mismatch("page", PHRASE_OR_NULL) is None
    assert mismatch(None, PHRASE_OR_NULL) is None
    assert mismatch(3, PHRASE_OR_NULL) == "$ is not string or null"
