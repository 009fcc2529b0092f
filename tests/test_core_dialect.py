"""Schemas from outside: what the dialect can promise is taken, anything else is refused with its place."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import UsageError
from workflow_hub.schema import admitted, mismatch

NAMED = {"type": "object", "properties": {"name": {"type": "string"}}}
CLOSED = {**NAMED, "required": ["name"], "additionalProperties": False}

# (what is written, what is asked for)
TAKEN = [
    pytest.param({"type": "string"}, {"type": "string"}, id="a text"),
    pytest.param({"type": ["integer", "null"]}, {"type": ["integer", "null"]}, id="or null"),
    pytest.param({"type": "null"}, {"type": "null"}, id="null alone"),
    pytest.param({"enum": ["a", 1, None]}, {"enum": ["a", 1, None]}, id="choices"),
    pytest.param({"type": "string", "enum": ["a"]}, {"enum": ["a"]}, id="choices with their type"),
    pytest.param({"const": True}, {"const": True}, id="one value"),
    pytest.param(CLOSED, CLOSED, id="an object"),
    pytest.param(NAMED, CLOSED, id="an object that leaves open what is required"),
    pytest.param({"$schema": "x", "title": "t", "description": "d", **NAMED}, CLOSED, id="with descriptions"),
    pytest.param(
        {"type": "array", "items": NAMED, "maxItems": 3},
        {"type": "array", "items": CLOSED, "maxItems": 3},
        id="a list of objects",
    ),
]


@pytest.mark.parametrize(("written", "asked"), TAKEN)
def test_what_the_dialect_says_is_taken(written: dict[str, Any], asked: dict[str, Any]) -> None:
    assert admitted(written) == asked


def of(inner: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": inner}}


# (what is written, what is said)
REFUSED = [
    pytest.param([], "$ is not a schema", id="a list"),
    pytest.param({}, "$.type: it is missing; there are object, array, string", id="nothing"),
    pytest.param(of(True), "$.properties.a is not a schema", id="a flag for a schema"),
    pytest.param(
        of({"type": "number"}), "$.properties.a.type: number is outside of the dialect", id="numbers"
    ),
    pytest.param({"type": []}, "$.type names one kind, or one and null", id="no kind"),
    pytest.param({"type": ["string", "integer"]}, "$.type names one kind", id="two kinds"),
    pytest.param({"type": [["string"]]}, "$.type: ['string'] is outside", id="a list in a list"),
    pytest.param({"$ref": "#/x"}, "$.type: it is missing", id="a reference"),
    pytest.param({"type": "string", "pattern": "x"}, "$.pattern is outside of the dialect", id="a pattern"),
    pytest.param({"type": "string", "maxLength": 3}, "$.maxLength is outside", id="a length"),
    pytest.param({"type": "integer", "minimum": 3}, "$.minimum is outside", id="a bound"),
    pytest.param({"type": "string", "items": {}}, "$.items is outside", id="items of a text"),
    pytest.param({"type": "object"}, "$.properties is missing: name the keys", id="an object without keys"),
    pytest.param({**NAMED, "additionalProperties": True}, "$.additionalProperties is outside", id="open"),
    pytest.param({**NAMED, "required": []}, "$.required lacks name: every key is required", id="optional"),
    pytest.param({**NAMED, "required": ["b"]}, "$.required names b, which is none", id="unknown"),
    pytest.param({**NAMED, "required": "name"}, "$.required is a list of names", id="no list"),
    pytest.param(
        {"type": "array", "items": NAMED}, "$.maxItems is missing: a list needs an end", id="no end"
    ),
    pytest.param({"type": "array", "maxItems": True, "items": {}}, "$.maxItems is missing", id="a flag"),
    pytest.param({"type": "array", "maxItems": 3}, "$.items is not a schema", id="no items"),
    pytest.param(
        {"type": "array", "maxItems": 3, "items": {"type": "x"}}, "$.items.type: x is", id="in a list"
    ),
    pytest.param({"enum": []}, "$.enum is a list of at least one value", id="no choices"),
    pytest.param({"enum": "a"}, "$.enum is a list", id="choices that are none"),
    pytest.param({"enum": [{}]}, "$.enum is outside of the dialect", id="an object as a choice"),
    pytest.param({"const": 0.5}, "$.const is outside of the dialect", id="a fraction"),
    pytest.param({"const": 1, "minimum": 0}, "$.minimum is outside of the dialect beside const", id="both"),
]


@pytest.mark.parametrize(("written", "says"), REFUSED)
def test_what_the_dialect_cannot_say_is_refused_with_its_place(written: Any, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        admitted(written)
    assert says in str(refused.value)


SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)
JSON = st.recursive(
    SCALARS | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)
KEYS = ("type", "properties", "required", "items", "maxItems", "enum", "const", "title", "minimum")
KINDS = st.sampled_from(["object", "array", "string", "integer", "boolean", "null", "number"])


@given(st.dictionaries(st.sampled_from(KEYS), JSON | KINDS | st.lists(KINDS, max_size=2)))
def test_any_document_is_taken_or_refused_in_words(document: dict[str, Any]) -> None:
    try:
        schema = admitted(document)
    except UsageError as error:
        assert str(error).startswith("$")
    else:
        assert admitted(json.loads(json.dumps(schema))) == schema


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3)
    return keys.map(lambda properties: {"type": "object", "properties": properties, "title": "t"})


SCHEMAS = st.recursive(
    st.sampled_from([{"type": "string"}, {"type": ["integer", "null"]}, {"enum": ["a", None]}, {"const": 3}]),
    lambda inner: (
        objects(inner) | st.builds(lambda items: {"type": "array", "items": items, "maxItems": 2}, inner)
    ),
)


@given(SCHEMAS, JSON)
def test_what_fits_here_fits_the_document(document: dict[str, Any], value: Any) -> None:
    """Judged by a validator of its own."""
    if mismatch(value, admitted(document)) is None:
        jsonschema.Draft202012Validator(document).validate(value)
