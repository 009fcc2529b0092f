"""Bodies that go out and replies that come in, as pure functions.

What the server takes and then misreads is refused here, before it is sent: `max_tokens` of 0 (one
token) or below (no end), no messages (the model invents a turn), unknown roles and null contents.
Source: the contract, section 2.5, and the captures beside it.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from workflow_hub.errors import ReplyInvalid, RequestRefused, RequestTooLarge, UsageError
from workflow_hub.providers.dmr.names import short_name
from workflow_hub.providers.dmr.refusals import refusal, words_of
from workflow_hub.providers.dmr.thinking import separated
from workflow_hub.values import Image, Message, ModelInfo, Reply, Timings, ToolCall, Usage

BODY_LIMIT_BYTES = 10 * 1024 * 1024
_ROLES = ("system", "developer", "user", "assistant", "tool")
_LARGEST = sys.float_info.max
_LIMITS = ("max_tokens", "max_completion_tokens", "n_predict")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: a path below the inference path, and its body, None for a GET.

    `prefill` is the text of a last message of the assistant's, which the server continues and
    repeats at the head of its reply. `count` is how many embeddings are asked for.
    """

    path: str
    model: str = ""
    body: bytes | None = None
    prefill: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """A model as the native listing tells it: the digest of its manifest, and all of its tags."""

    id: str
    tags: tuple[str, ...] = ()
    context_tokens: int | None = None


LISTING = Call("/models")


def retrieval(model: str) -> Call:
    """The request for what is known of one model."""
    return Call(f"/models/{quote(_named(model).strip(), safe='/:@')}", model)


def chat(
    messages: Sequence[Message | Mapping[str, Any]],
    model: str,
    parameters: Mapping[str, Any],
    *,
    stream: bool = False,
) -> Call:
    """A chat request. Parameters that are None are left out, unknown ones are passed on.

    Raises UsageError for what the server would take and misread, RequestTooLarge over 10 MiB.
    """
    if isinstance(messages, str):
        raise UsageError("messages is a list of messages; for a single prompt call complete()")
    turns = [_turn(message) for message in messages]
    if not turns:
        raise UsageError("no messages: the model would invent a turn; pass at least one")
    settings = _settings(parameters, stream)
    if settings.get("tool_choice") == "required" and not any(name in settings for name in _LIMITS):
        raise UsageError("tool_choice='required' has no end of its own: set max_tokens")
    last = turns[-1]
    prefill = last.get("content") if last["role"] == "assistant" else None
    body = _encoded({"model": _named(model), "messages": turns, **settings})
    return Call("/chat/completions", model, body, prefill if isinstance(prefill, str) else "")


def completion(prompt: str, model: str, parameters: Mapping[str, Any]) -> Call:
    """A request for text that goes on after `prompt`, without a chat template."""
    if not isinstance(prompt, str):
        raise UsageError("prompt is one string: usage and timings of several cannot be told apart")
    body = _encoded({"model": _named(model), "prompt": prompt, **_settings(parameters, stream=False)})
    return Call("/completions", model, body)


def embedding(texts: Sequence[str], model: str, parameters: Mapping[str, Any]) -> Call:
    """A request for one vector for each of `texts`."""
    inputs = [texts] if isinstance(texts, str) else list(texts)
    if not inputs:
        raise UsageError("no texts to embed; pass at least one")
    body = _encoded({"model": _named(model), "input": inputs, **_settings(parameters, stream=False)})
    return Call("/embeddings", model, body, count=len(inputs))


def read_chat(data: bytes, call: Call) -> Reply:
    """The assistant's reply, from {"choices": [{"message": …, "finish_reason": …}], "usage": …}.

    Only choices[0] is read, whatever `n` asked for. What the model thought, between think tags or
    in `reasoning_content`, is in `reasoning` alone. Text cut at max_tokens has finish "length". No
    choice, or neither text nor thought nor tool call, raises ReplyInvalid. The reply's own `model`
    is a path in the server's store and is not read.
    """
    body = _document(data, call)
    match body:
        case {"choices": [{"message": dict(message)} as choice, *_]}:
            calls = _tool_calls(message.get("tool_calls"))
            thought = message.get("reasoning_content")
            content = message.get("content")
            if not isinstance(content, str) and not calls and not thought:
                raise ReplyInvalid(f"{call.model} sent a reply without text")
            text = (content if isinstance(content, str) else "").removeprefix(call.prefill)
            parts = separated(text, after=call.prefill)
            return Reply(
                parts.text,
                reasoning=((thought if isinstance(thought, str) else "") + parts.reasoning).strip(),
                finish=str(choice.get("finish_reason") or "stop"),
                tool_calls=calls,
                usage=read_usage(body),
                timings=read_timings(body),
                model=call.model,
            )
    raise ReplyInvalid(f"{call.model} sent a reply without a choice")


def read_completion(data: bytes, call: Call) -> str:
    """The text, from {"choices": [{"text": …}]}."""
    match _document(data, call):
        case {"choices": [{"text": str(text)}, *_]}:
            return text
    raise ReplyInvalid(f"{call.model} sent a completion without text")


def read_embeddings(data: bytes, call: Call) -> list[list[float]]:
    """The vectors in the order of the texts, from {"data": [{"index": …, "embedding": […]}]}."""
    body = _document(data, call)
    entries = body.get("data") if isinstance(body, dict) else None
    vectors: dict[Any, list[float]] = {}
    for entry in entries if isinstance(entries, list) else ():
        match entry:
            case {"index": int(index), "embedding": [*numbers]} if all(_is_number(one) for one in numbers):
                vectors[index] = [float(number) for number in numbers]
    if sorted(vectors) != list(range(call.count)):
        raise ReplyInvalid(f"{call.model} sent no vector of numbers for some of the {call.count} texts")
    return [vectors[index] for index in range(call.count)]


def read_models(data: bytes, call: Call = LISTING) -> list[ModelInfo]:
    """The models of an OpenAI listing; their identity is as good as their name."""
    match _document(data, call):
        case {"data": [*entries]}:
            return [_model(entry) for entry in entries]
    raise ReplyInvalid("the answer is no list of models; is it a model runner's address?")


def read_model(data: bytes, call: Call) -> ModelInfo:
    """One model, from the answer to `retrieval`."""
    return _model(_document(data, call))


def read_stored(data: bytes) -> list[Stored]:
    """The models of DMR's native listing (contract, section 2.3)."""
    document = _document(data, LISTING)
    if not isinstance(document, list):
        raise ReplyInvalid("the answer is no list of stored models")
    return [_stored(entry) for entry in document]


def read_usage(body: Mapping[str, Any]) -> Usage:
    """The tokens in `body["usage"]`; zeros where the server does not tell."""
    usage = _mapping(body.get("usage"))
    cached = _mapping(usage.get("prompt_tokens_details")).get("cached_tokens")
    return Usage(_count(usage.get("prompt_tokens")), _count(cached), _count(usage.get("completion_tokens")))


def read_timings(body: Mapping[str, Any]) -> Timings | None:
    """llama-server's `timings`, or None where another server answered."""
    match body.get("timings"):
        case dict(timings):
            return Timings(
                _count(timings.get("cache_n")),
                _count(timings.get("prompt_n")),
                _milliseconds(timings.get("prompt_ms")),
                _count(timings.get("predicted_n")),
                _milliseconds(timings.get("predicted_ms")),
            )
    return None


def _turn(message: Message | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(message, Message):
        turn: dict[str, Any] = {"role": message.role, "content": _content(message)}
    elif isinstance(message, Mapping):
        turn = dict(message)
    else:
        raise UsageError(f"a message is a Message or a mapping with a role, not {type(message).__name__}")
    if turn.get("role") not in _ROLES:
        raise UsageError(f"{turn.get('role')!r} is no role; take one of {', '.join(_ROLES)}")
    if turn.get("content") is None and not turn.get("tool_calls"):
        raise UsageError(f"a message of the role {turn['role']} has no content")
    return turn


def _content(message: Message) -> str | list[dict[str, Any]]:
    if not message.images:
        return message.text
    text = [{"type": "text", "text": message.text}] if message.text else []
    return [*text, *({"type": "image_url", "image_url": {"url": _data_uri(one)}} for one in message.images)]


def _data_uri(image: Image) -> str:
    return f"data:{image.media_type};base64,{base64.b64encode(image.data).decode('ascii')}"


def _settings(parameters: Mapping[str, Any], stream: bool) -> dict[str, Any]:
    settings = {name: value for name, value in parameters.items() if value is not None}
    for name in _LIMITS:
        limit = settings.get(name)
        if isinstance(limit, int | float) and limit <= 0:
            raise UsageError(
                f"{name}={limit} means one token or no end to the server; take 1 or more, or None"
            )
    if settings.pop("stream", stream) and not stream:
        raise UsageError("stream=True is a call of its own: stream()")
    return {**settings, "stream": True} if stream else settings


def _named(model: str) -> str:
    if not isinstance(model, str) or not model.strip():
        raise UsageError("no model is named; `docker model list` shows what is there")
    return model


def _encoded(document: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        body = text.encode()
    except UnicodeEncodeError as error:
        raise RequestRefused(
            "the prompt holds half a character (a lone surrogate); nothing was sent"
        ) from error
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"a parameter cannot be written as JSON: {error}") from error
    if len(body) > BODY_LIMIT_BYTES:
        size = f"{len(body) / 1024 / 1024:.1f} MiB"
        raise RequestTooLarge(f"the request has {size}, the server takes 10 MiB; send less or smaller images")
    return body


def _document(data: bytes, call: Call) -> Any:
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        words = words_of(data)
        said = words.message if words.page else "something that is not JSON" if data.strip() else "nothing"
        raise ReplyInvalid(f"the server answered with {said}; check DMR_BASE_URL and proxies") from error
    if isinstance(body, dict) and body.get("error"):
        raise refusal(200, data, model=call.model)
    return body


def _tool_calls(calls: Any) -> tuple[ToolCall, ...]:
    entries = calls if isinstance(calls, list) else []
    return tuple(tool_call(call) for call in entries if isinstance(call, dict))


def tool_call(call: Mapping[str, Any]) -> ToolCall:
    """A tool call from its JSON; the arguments stay as written, which may be cut."""
    function = _mapping(call.get("function"))
    return ToolCall(
        str(call.get("id") or ""), str(function.get("name") or ""), str(function.get("arguments") or "")
    )


def _model(entry: Any) -> ModelInfo:
    match entry:
        case {"id": str(name)}:
            context = _mapping(entry.get("dmr")).get("context_window")
            return ModelInfo(short_name(name), name, context_tokens=_count(context) or None)
    raise ReplyInvalid("the answer describes no model; is it a model runner's address?")


def _stored(entry: Any) -> Stored:
    match entry:
        case {"id": str(identity)}:
            tags = entry.get("tags")
            context = _mapping(entry.get("config")).get("context_size")
            names = tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()
            return Stored(identity, names, _count(context) or None)
    raise ReplyInvalid("the answer is no list of stored models")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _milliseconds(value: Any) -> float:
    return float(value) if _is_number(value) else 0.0


def _is_number(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -_LARGEST <= value <= _LARGEST
