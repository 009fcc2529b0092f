"""The one way through: every item of every task ends in one outcome.

    find -> remembered? -> render -> complete -> read -> remember -> result

An item asks for **slots**: named places, each with a schema. An accepted answer, an abstention
(null) and a slot that was refused twice are all remembered, each under a key of what it depends
on: the task, the template, the model, the item's content, the slot. So a second run asks nothing,
and a run that was killed goes on where it was.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

import anyio
import anyio.to_thread

from workflow_hub import cache as caching
from workflow_hub.cache import Cache
from workflow_hub.errors import HubError, ItemError, ReplyInvalid, Unavailable
from workflow_hub.routing.router import Choice
from workflow_hub.schema import Schema, mismatch
from workflow_hub.values import Done, Failed, Prompt, Reply, Skipped, Usage

Item = TypeVar("Item")
Result = TypeVar("Result")
# A hop to the worker thread costs more than most items.
DRAWN_AT_ONCE = 8
# How samples of one reply come to differ: the model's likelier words, by chance.
SAMPLING: Mapping[str, Any] = {"temperature": 0.6, "top_k": 20, "samplers": ["top_k", "temperature"]}
Slots = Mapping[str, Schema]
Settled = Done[Item, Result] | Failed[Item] | Skipped[Any] | Failed[Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply said of each slot: taken (null is an abstention), or refused for a reason.

    What is refused is asked once more, what is `left_out` is not. A slot in none of them was not
    answered at all. `confidence` is that of slots that were taken, where there is something to tell it by.
    """

    taken: Mapping[str, Any]
    refused: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """All that is known of an item's slots: values by slot, and reasons for those left out.

    `confidence` is from 0 to 1, for the values that have one.
    """

    values: Mapping[str, Any]
    left_out: Mapping[str, str]
    confidence: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task(Generic[Item, Result]):
    """A task as plain functions.

    `fingerprint` is its prompt's: a changed prompt is another question. `slots` says what is asked
    of an item, and `identity` gives the text that the answers depend on. `render` makes the prompt
    for some of the slots; on the second try it gets the reasons why they were refused. `read`
    judges a reply slot by slot, and `result` makes the item's result of what was taken; both raise
    ItemError where there is nothing to be had. An item waits for those before it whose `key` is
    among its `after`. With `samples`, that many replies are asked for at a time, each with a seed of
    its own, and `agree` makes one reading of theirs. Slots that are `apart` are asked after the
    others, in a request of their own. `prove` has the last word on the answers before they become a
    result; what it says is not remembered.
    """

    name: str
    fingerprint: str
    slots: Callable[[Item], Slots]
    identity: Callable[[Item], str]
    render: Callable[[Item, Slots, Mapping[str, str]], Prompt]
    read: Callable[[Item, Slots, Reply], Reading]
    result: Callable[[Item, Answers], Result]
    key: Callable[[Item], Hashable] = id
    after: Callable[[Item], Iterable[Hashable]] = lambda item: ()
    apart: frozenset[str] = frozenset()
    prove: Callable[[Item, Answers], Awaitable[Answers]] | None = None
    samples: int = 1
    agree: Callable[[Sequence[Reading]], Reading] = lambda readings: readings[0]


class Answerer(Protocol):
    """Who answers, as the pipeline sees it: `routing.router.Router` is one."""

    async def choose(self) -> Choice:
        """Who is to answer; raises an `Unavailable` where nobody can."""

    async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
        """The reply of the one chosen."""

    async def after(self, choice: Choice, error: HubError) -> Choice | None:
        """Who is to answer after that error of the one chosen; None where nobody is left."""


@dataclass
class _Bill:
    """What one item has cost so far, and the room that its requests share with others."""

    room: anyio.CapacityLimiter
    usage: Usage = field(default_factory=Usage)
    asked: int = 0


async def carry(
    task: Task[Item, Result],
    item: Item,
    answerer: Answerer,
    cache: Cache,
    room: anyio.CapacityLimiter | None = None,
) -> Done[Item, Result] | Failed[Item]:
    """Take one item all the way through `task`; whatever happens to it is the outcome.

    `room` is for the requests of all items at a time; without it, this one has all that the server
    works on at a time. What stops the run (a wrong prompt, a cache that cannot be written) is raised.
    """
    try:
        choice = await answerer.choose()
    except Unavailable as error:
        return Failed(item, error)
    bill = _Bill(room or anyio.CapacityLimiter(choice.model.slots))
    while True:
        try:
            answers = await _answers(task, item, choice, answerer, cache, bill)
            if task.prove is not None:
                answers = await task.prove(item, answers)
            return Done(item, task.result(item, answers), choice.route, bill.usage, bill.asked)
        except (Unavailable, ItemError) as error:
            following = await answerer.after(choice, error)
            if following is None:
                return Failed(item, error, choice.route, bill.usage, bill.asked)
            choice = following


async def _answers(
    task: Task[Item, Result], item: Item, choice: Choice, answerer: Answerer, cache: Cache, bill: _Bill
) -> Answers:
    slots = task.slots(item)
    keys = _keys(task, item, slots, choice)
    remembered = cache.get(keys.values())
    known = {slot: remembered[key] for slot, key in keys.items() if _holds(remembered.get(key), slots[slot])}
    for apart in (False, True):
        asked = {
            slot: schema
            for slot, schema in slots.items()
            if slot not in known and (slot in task.apart) is apart
        }
        known |= await _asked(task, item, asked, keys, choice, answerer, cache, bill)
    return Answers(
        {slot: answer["value"] for slot, answer in known.items() if "value" in answer},
        {slot: answer["refused"] for slot, answer in known.items() if "refused" in answer},
        {slot: answer["confidence"] for slot, answer in known.items() if "confidence" in answer},
    )


async def _asked(
    task: Task[Item, Result],
    item: Item,
    open_slots: Slots,
    keys: Mapping[str, str],
    choice: Choice,
    answerer: Answerer,
    cache: Cache,
    bill: _Bill,
) -> dict[str, Any]:
    """What is to be remembered of these slots, and is; what was refused is asked once more."""
    known: dict[str, Any] = {}
    refused: dict[str, str] = {}
    for last in (False, True):
        if not open_slots:
            break
        reading = await _ask(task, item, open_slots, refused, choice, answerer, bill)
        fresh = _settled(reading)
        open_slots = {slot: schema for slot, schema in open_slots.items() if slot not in fresh}
        refused = {slot: reading.refused.get(slot, "was not answered") for slot in open_slots}
        if last:
            fresh |= {slot: {"refused": reason} for slot, reason in refused.items()}
        cache.put({keys[slot]: answer for slot, answer in fresh.items()})
        known |= fresh
    return known


def _settled(reading: Reading) -> dict[str, Any]:
    """What is to be remembered of a reading; what it refused may still be answered."""
    answers: dict[str, Any] = {slot: {"value": value} for slot, value in reading.taken.items()}
    for slot, share in reading.confidence.items():
        answers[slot]["confidence"] = share
    return answers | {slot: {"refused": reason} for slot, reason in reading.left_out.items()}


def _holds(answer: Any, slot: Schema) -> bool:
    """Whether what is remembered is an answer: a file that was tampered with may hold anything."""
    match answer:
        case {"value": value}:
            share = answer.get("confidence", 0.0)
            return mismatch(value, slot) is None and isinstance(share, float | int)
        case {"refused": str()}:
            return True
    return False


async def _ask(
    task: Task[Item, Result],
    item: Item,
    slots: Slots,
    refused: Mapping[str, str],
    choice: Choice,
    answerer: Answerer,
    bill: _Bill,
) -> Reading:
    """One reply about `slots`, or as many as the task wants samples, made one reading."""
    prompt = task.render(item, slots, refused)

    async def ask(prompt: Prompt) -> Reading:
        bill.asked += 1
        reply = await answerer.complete(choice, prompt)
        bill.usage += reply.usage
        try:
            return task.read(item, slots, reply)
        except ReplyInvalid as error:
            return Reading({}, dict.fromkeys(slots, str(error)))

    if task.samples == 1:
        return await ask(prompt)
    readings: dict[int, Reading] = {}

    async def sample(number: int) -> None:
        async with bill.room:
            readings[number] = await ask(_sampled(prompt, number))

    async with _one_error(), anyio.create_task_group() as group:
        for number in range(task.samples):
            group.start_soon(sample, number)
    return task.agree([readings[number] for number in range(task.samples)])


def _sampled(prompt: Prompt, number: int) -> Prompt:
    """The prompt with its own chance, the same in every run."""
    return replace(prompt, options={**prompt.options, **SAMPLING, "seed": number + 1})


def _keys(task: Task[Item, Result], item: Item, slots: Slots, choice: Choice) -> dict[str, str]:
    parts = (task.name, task.fingerprint, choice.model.identity, task.identity(item))
    about = caching.key(*parts, choice.settings) if choice.settings else caching.key(*parts)
    return {slot: caching.key(about, slot, schema) for slot, schema in slots.items()}


async def run(
    task: Task[Item, Result],
    items: Iterable[Item | Settled[Item, Result] | Skipped[Any] | Failed[Any]],
    answerer: Answerer,
    cache: Cache,
    *,
    jobs: int,
    emit: Callable[[Settled[Item, Result]], None],
) -> None:
    """Carry `items`, with at most `jobs` requests at a time, and `emit` their outcomes in the items' order.

    `items` may be lazy: it is drawn from in a worker thread, a few items ahead of what has been
    emitted, so memory does not grow with their number. An item that is an outcome already is
    passed on. On cancellation the requests in flight are given up, what has been accepted is
    still emitted, and the rest is not; likewise where an error stops the run.
    """
    source = iter(items)
    line: deque[_Place[Item, Result]] = deque()
    drawn: deque[Item | Settled[Item, Result] | Skipped[Any] | Failed[Any]] = deque()
    drawing = anyio.Lock()
    running: dict[Hashable, anyio.Event] = {}
    ahead = anyio.Semaphore(jobs * 8)
    room = anyio.CapacityLimiter(jobs)

    def draw() -> list[Item | Settled[Item, Result] | Skipped[Any] | Failed[Any]]:
        return list(itertools.islice(source, DRAWN_AT_ONCE))

    def move_on() -> None:
        while line and line[0].outcome is not None:
            ahead.release()
            emit(line.popleft().outcome)  # type: ignore[arg-type]

    async def in_turn(item: Item, earlier: Iterable[anyio.Event]) -> Done[Item, Result] | Failed[Item]:
        # Whoever is waited for came before, so that nobody waits in a circle.
        for event in earlier:
            await event.wait()
        return await carry(task, item, answerer, cache, room)

    async def work() -> None:
        while True:
            await ahead.acquire()
            async with drawing:
                if not drawn:
                    drawn.extend(await anyio.to_thread.run_sync(draw))
                if not drawn:
                    ahead.release()
                    return
                item = drawn.popleft()
                place: _Place[Item, Result] = _Place()
                line.append(place)
                if isinstance(item, Done | Skipped | Failed):
                    place.outcome = item
                    move_on()
                    continue
                earlier = [running[key] for key in task.after(item) if key in running]
                running[key := task.key(item)] = done = anyio.Event()
            place.outcome = await in_turn(item, earlier)
            done.set()
            if running.get(key) is done:  # of several with one key the last is waited for
                del running[key]
            move_on()

    try:
        async with _one_error(), anyio.create_task_group() as group:
            # As many items at a time as their samples find room.
            for _ in range(math.ceil(jobs / task.samples)):
                group.start_soon(work)
    finally:
        for place in line:
            if place.outcome is not None:
                emit(place.outcome)


@asynccontextmanager
async def _one_error() -> AsyncIterator[None]:
    """What stopped one task of a group stops them all: it is raised, and not the group."""
    try:
        yield
    except BaseExceptionGroup as together:
        first = _first(together)
        raise first from first.__cause__


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


@dataclass(slots=True, eq=False)
class _Place(Generic[Item, Result]):
    outcome: Settled[Item, Result] | None = None
