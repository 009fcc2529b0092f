"""The JSON schema dialect we ask replies in, and the check that a reply keeps to it.

The dialect is what every constrained decoder we meet turns into a small, fast grammar: objects
whose keys are all required, arrays with `maxItems`, `enum`, `const`, `string`, `integer`,
`boolean`, and `null` beside any of them. Length limits stay out of the schema on purpose: in a
grammar they halve the speed (docs/performance.md). They are checked here, together with all the
rest, because a server may accept a schema and then ignore it. The one `pattern` leads a model to
better words and promises nothing: a task judges each text anyway, and keeps the good ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_hub.errors import ReplyInvalid, UsageError
from workflow_hub.values import Message, Prompt

Schema = Mapping[str, Any]

STRING: Schema = {"type": "string"}
TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
# At least three words in ASCII, of which the first is no identifier: so a model that would answer
# with a name, a default or a type goes on to say something. Other scripts may not part words.
PHRASE_OR_NULL: Schema = {
    **TEXT_OR_NULL,
    "pattern": r'^([^\x00-\x7f][^"\\\x00-\x1f]*'
    r'|([0-9]{1,4}-)?[^ "\\_0-9.(\x00-\x1f]{1,20}(-[0-9]{1,4})? [^ "\\\x00-\x1f]+ [^"\\\x00-\x1f]+)$',
}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}


def one_of(values: Sequence[str], *, or_null: bool = False) -> Schema:
    """A choice among `values`, or null where abstaining is allowed."""
    return {"enum": [*values, None] if or_null else list(values)}


def array(items: Schema, *, at_most: int) -> Schema:
    """At most `at_most` items of one kind."""
    return {"type": "array", "items": dict(items), "maxItems": at_most}


def record(properties: Mapping[str, Schema]) -> Schema:
    """An object with exactly these keys, in this order, each required."""
    return {
        "type": "object",
        "properties": {name: dict(schema) for name, schema in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def response_format(schema: Schema, name: str = "reply") -> dict[str, Any]:
    """The `response_format` parameter of an OpenAI chat request that asks for `schema`."""
    return {"type": "json_schema", "json_schema": {"name": name, "strict": True, "schema": dict(schema)}}


def read(text: str, schema: Schema) -> Any:
    """The JSON document in `text`, checked against `schema`.

    Raises ReplyInvalid, which names the place and what is wrong there. JSON wrapped in prose or in
    a code fence is not JSON: a server that enforces the schema cannot produce it.
    """
    import jiter

    try:
        document = jiter.from_json(
            text.encode("utf-8", "surrogatepass"), allow_inf_nan=False, catch_duplicate_keys=True
        )
    except ValueError as error:
        raise ReplyInvalid(f"the reply is not JSON: {error}", partial=text) from error
    fault = mismatch(document, schema)
    if fault is not None:
        raise ReplyInvalid(f"the reply does not fit its schema: {fault}", partial=text)
    return document


def read_cut(text: str) -> Any:
    """What a JSON document that was cut off says so far, without the string it was cut in.

    None where it says nothing. The caller checks what is there.
    """
    import jiter

    try:
        return jiter.from_json(text.encode("utf-8", "surrogatepass"), partial_mode="on", allow_inf_nan=False)
    except ValueError:
        return None


def mismatch(value: Any, schema: Schema, at: str = "$") -> str | None:
    """What is wrong with `value`, with its place (`$.parameters[2]`), or None where it fits."""
    if "const" in schema:
        return None if _same(value, schema["const"]) else f"{at} is not {schema['const']!r}"
    if "enum" in schema:
        return (
            None if any(_same(value, choice) for choice in schema["enum"]) else f"{at} is none of the choices"
        )
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is(value, kind) for kind in kinds):
        return f"{at} is not {' or '.join(kinds)}"
    match value:
        case dict():
            return _object_mismatch(value, schema, at)
        case list():
            return _array_mismatch(value, schema, at)
    return None


def _object_mismatch(value: dict[str, Any], schema: Schema, at: str) -> str | None:
    properties = schema["properties"]
    if missing := [name for name in schema["required"] if name not in value]:
        return f"{at} lacks {', '.join(missing)}"
    if unknown := [name for name in value if name not in properties]:
        return f"{at} has unknown keys {', '.join(unknown)}"
    faults = (mismatch(value[name], properties[name], f"{at}.{name}") for name in value)
    return next((fault for fault in faults if fault), None)


def _array_mismatch(value: list[Any], schema: Schema, at: str) -> str | None:
    if len(value) > schema["maxItems"]:
        return f"{at} has more than {schema['maxItems']} items"
    faults = (mismatch(item, schema["items"], f"{at}[{place}]") for place, item in enumerate(value))
    return next((fault for fault in faults if fault), None)


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
    raise ValueError(f"{kind!r} is outside the schema dialect")


def _same(value: Any, choice: Any) -> bool:
    return type(value) is type(choice) and value == choice


_KINDS = ("object", "array", "string", "integer", "boolean", "null")
# What a schema may say of each kind besides its type; what only describes is passed over.
_KEYS: Mapping[str, frozenset[str]] = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "maxItems"}),
}
_DESCRIBES = frozenset({"$schema", "$id", "$comment", "title", "description", "examples", "default"})


def admitted(document: Any, at: str = "$") -> Schema:
    """A JSON schema from outside as one of the dialect: closed objects, all keys required, nothing else.

    What it admits is what the document admits, or less: an object that names no `required` wants all
    of its keys. Raises UsageError, which names the place, for what the dialect cannot say.
    """
    if not isinstance(document, dict):
        raise UsageError(f'{at} is not a schema; write an object such as {{"type": "string"}}')
    said = {name: value for name, value in document.items() if name not in _DESCRIBES}
    if "const" in said or "enum" in said:
        return _choice(said, at)
    kind, schema = _kind(said, at)
    if outside := sorted(set(said) - {"type"} - _KEYS.get(kind, frozenset())):
        raise UsageError(f"{at}.{outside[0]} is outside of the dialect: it cannot be promised of a reply")
    match kind:
        case "object":
            return {**schema, **_members(said, at)}
        case "array":
            if not _is(said.get("maxItems"), "integer") or said["maxItems"] < 0:
                raise UsageError(f"{at}.maxItems is missing: a list needs an end, such as 20")
            items = admitted(said.get("items"), f"{at}.items")
            return {**schema, "items": items, "maxItems": said["maxItems"]}
    return schema


def _choice(said: Schema, at: str) -> Schema:
    name = "const" if "const" in said else "enum"
    if outside := sorted(set(said) - {name, "type"}):
        raise UsageError(f"{at}.{outside[0]} is outside of the dialect beside {name}")
    choices = [said[name]] if name == "const" else said[name]
    if not isinstance(choices, list) or not choices:
        raise UsageError(f"{at}.enum is a list of at least one value")
    if any(isinstance(one, dict | list | float) for one in choices):
        raise UsageError(
            f"{at}.{name} is outside of the dialect: it holds texts, integers, booleans and null"
        )
    return {name: said[name]}


def _kind(said: Schema, at: str) -> tuple[str, Schema]:
    """The one kind beside null, and the `type` that says so."""
    kinds = said.get("type")
    named = kinds if isinstance(kinds, list) else [kinds]
    if wrong := [kind for kind in named if kind not in _KINDS]:
        what = f"{wrong[0]} is outside of the dialect" if "type" in said else "it is missing"
        raise UsageError(f"{at}.type: {what}; there are {', '.join(_KINDS)}")
    besides = [str(kind) for kind in named if kind != "null"]
    if not named or len(besides) > 1:
        raise UsageError(f"{at}.type names one kind, or one and null")
    return (besides or ["null"])[0], {"type": kinds}


def _members(said: Schema, at: str) -> Schema:
    properties = said.get("properties")
    if not isinstance(properties, dict) or not properties:
        raise UsageError(f"{at}.properties is missing: name the keys of the object")
    if said.get("additionalProperties", False) is not False:
        raise UsageError(f"{at}.additionalProperties is outside of the dialect unless it is false")
    required = said.get("required", list(properties))
    if not isinstance(required, list) or any(not isinstance(name, str) for name in required):
        raise UsageError(f"{at}.required is a list of names")
    if unknown := [name for name in required if name not in properties]:
        raise UsageError(f"{at}.required names {unknown[0]}, which is none of the properties")
    if optional := [name for name in properties if name not in required]:
        raise UsageError(
            f"{at}.required lacks {optional[0]}: every key is required; let one that may lack be null instead"
        )
    return record({name: admitted(inner, f"{at}.properties.{name}") for name, inner in properties.items()})


# A word that no model says by chance, so that only an enforced schema can produce it.
_SEAL = "zqx7"
CANARY = Prompt(
    "canary",
    (Message("user", "Say hello in one word."),),
    schema=record({"seal": {"const": _SEAL}}),
    options={"temperature": 0.0, "max_tokens": 32},
)


def enforces(reply_text: str) -> bool:
    """Whether the server that answered CANARY holds its models to the schema."""
    try:
        read(reply_text, CANARY.schema or {})
    except ReplyInvalid:
        return False
    return True
