"""The values that everything else passes on: frozen, and without any I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

Role = Literal["system", "user", "assistant", "tool"]
Finish = Literal["stop", "length", "tool_calls", "content_filter"]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Image:
    """A picture as bytes, and what they are: `Image(data, "image/png")`."""

    data: bytes = field(repr=False)
    media_type: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation; images come after the text."""

    role: Role
    text: str
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked, complete: a provider needs nothing but this and a model's name.

    `schema` is a JSON schema in the dialect of `schema.py`, or None for free text. `options`
    are OpenAI parameters (temperature, max_tokens, …). `fingerprint` names the template and its
    content, so that a changed prompt is another question to the cache.
    """

    name: str
    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()
    fingerprint: str = ""

    @property
    def images(self) -> tuple[Image, ...]:
        """The images of all messages, in their order."""
        return tuple(image for message in self.messages for image in message.images)

    @property
    def lead(self) -> tuple[Message, ...]:
        """What comes before the question: instructions and examples, mostly the same for many prompts."""
        return self.messages[:-1]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply, or the sum over several; cached ones are part of the prompt's."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the server's time went: tokens taken from its cache, evaluated, and written."""

    cache_n: int = 0
    prompt_n: int = 0
    prompt_ms: float = 0.0
    predicted_n: int = 0
    predicted_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model wants called; `arguments` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Files:
    """Paths below the working folder, `/` between their parts, sorted; told by content, not by time."""

    created: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.created or self.changed or self.deleted)


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """A tool call that was not allowed: the tool, the path or command it was for, and why."""

    tool: str
    on: str
    why: str


@dataclass(frozen=True, slots=True)
class Work:
    """What an agent has done besides answering, whether it succeeded or not.

    `patch` is the difference that it made in a copy of the folder, as `git apply` takes it, and
    `applied` whether the folder has it; without a copy there is no patch. `notes` say what a reader of
    the result should know: that nothing but approval held it back, for one.
    """

    files: Files = Files()
    commands: tuple[str, ...] = ()
    refused: tuple[RefusedCall, ...] = ()
    patch: bytes = b""
    applied: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers, by which rule, and why. `fallback_from` is who should have, or None."""

    rule: str
    provider: str
    model: str
    fallback_from: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where another program reaches a model over OpenAI's interface: `http://…/v1`, and the key it needs."""

    base_url: str
    key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply while it streams."""

    text: str = ""
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered. `reasoning` is what a thinking model thought, never part of `text`.

    `route` says who it was and why, once the router has passed it on; `work` is what an agent did.
    """

    text: str
    reasoning: str = ""
    finish: str = "stop"
    tool_calls: tuple[ToolCall, ...] = ()
    usage: Usage = Usage()
    timings: Timings | None = None
    model: str = ""
    route: Route | None = None
    work: Work | None = None


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model that a provider can serve.

    `identity` changes whenever the weights do (a digest where the server tells one); it is part
    of the cache key. `slots` is how many requests the server works on at a time. `loaded`: it is in
    memory and answers at once. Not `here`: the first prompt would fetch it.
    """

    id: str
    identity: str
    slots: int = 1
    context_tokens: int | None = None
    loaded: bool = False
    here: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item stands, for a report: `shop/cart.py::Cart.add`, its file and its 1-based line."""

    id: str
    path: str
    line: int

    @property
    def name(self) -> str:
        """The part of the id behind the path: `Cart.add`; empty where the item is the file."""
        return self.id.rpartition("::")[2] if "::" in self.id else ""


@dataclass(frozen=True, slots=True)
class Done(Generic[Item, Result]):
    """The item has its result. `asked` counts the requests it took: 0 when all was remembered."""

    item: Item
    result: Result
    route: Route | None = None
    usage: Usage = Usage()
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Skipped(Generic[Item]):
    """Nothing was done to the item, for a reason that a reader understands."""

    item: Item
    reason: str
    route: Route | None = None
    usage: Usage = Usage()
    asked: int = 0


@dataclass(frozen=True, slots=True)
class Failed(Generic[Item]):
    """The item has no result; the error says why, and what to type next."""

    item: Item
    error: Exception
    route: Route | None = None
    usage: Usage = Usage()
    asked: int = 0


Outcome = Done[Item, Result] | Skipped[Item] | Failed[Item]
