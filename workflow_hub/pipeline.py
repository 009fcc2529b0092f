"""The one way through: every item of every task ends in one outcome.

    find -> remembered? -> render -> complete -> read -> remember -> result

An item asks for **slots**: named places, each with a schema. An accepted answer, an abstention
(null) and a slot that was refused twice are all remembered, each under a key of what it depends
on: the task, the template, the model, the item's content, the slot. So a second run asks nothing,
and a run that was killed goes on where it was.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
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
Slots = Mapping[str, Schema]
Settled = Done[Item, Result] | Failed[Item] | Skipped[Any] | Failed[Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply said of each slot: taken (null is an abstention), or refused for a reason.

    A slot in neither of them was not answered at all.
    """

    taken: Mapping[str, Any]
    refused: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answers:
    """All that is known of an item's slots: values by slot, and reasons for those left out."""

    values: Mapping[str, Any]
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Task(Generic[Item, Result]):
    """A task as plain functions.

    `fingerprint` is its prompt's: a changed prompt is another question. `slots` says what is asked
    of an item, and `identity` gives the text that the answers depend on. `render` makes the prompt
    for some of the slots; on the second try it gets the reasons why they were refused. `read`
    judges a reply slot by slot, and `result` makes the item's result of what was taken; both raise
    ItemError where there is nothing to be had. An item waits for those before it whose `key` is
    among its `after`.
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
    """What one item has cost so far."""

    usage: Usage = field(default_factory=Usage)
    asked: int = 0


async def carry(
    task: Task[Item, Result], item: Item, answerer: Answerer, cache: Cache
) -> Done[Item, Result] | Failed[Item]:
    """Take one item all the way through `task`; whatever happens to it is the outcome.

    What stops the run (a wrong prompt, a cache that cannot be written) is raised.
    """
    bill = _Bill()
    try:
        choice = await answerer.choose()
    except Unavailable as error:
        return Failed(item, error)
    while True:
        try:
            answers = await _answers(task, item, choice, answerer, cache, bill)
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
    open_slots = {slot: schema for slot, schema in slots.items() if slot not in known}
    refused: dict[str, str] = {}
    for last in (False, True):
        if not open_slots:
            break
        reading = await _ask(task, item, open_slots, refused, choice, answerer, bill)
        fresh: dict[str, Any] = {slot: {"value": value} for slot, value in reading.taken.items()}
        open_slots = {slot: schema for slot, schema in open_slots.items() if slot not in reading.taken}
        refused = {slot: reading.refused.get(slot, "was not answered") for slot in open_slots}
        if last:
            fresh |= {slot: {"refused": reason} for slot, reason in refused.items()}
        cache.put({keys[slot]: answer for slot, answer in fresh.items()})
        known |= fresh
    return Answers(
        {slot: answer["value"] for slot, answer in known.items() if "value" in answer},
        {slot: answer["refused"] for slot, answer in known.items() if "refused" in answer},
    )


def _holds(answer: Any, slot: Schema) -> bool:
    """Whether what is remembered is an answer: a file that was tampered with may hold anything."""
    match answer:
        case {"value": value}:
            return mismatch(value, slot) is None
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
    """One request for `slots`; a reply that is no JSON at all refuses every slot."""
    prompt = task.render(item, slots, refused)
    bill.asked += 1
    reply = await answerer.complete(choice, prompt)
    bill.usage += reply.usage
    try:
        return task.read(item, slots, reply)
    except ReplyInvalid as error:
        return Reading({}, dict.fromkeys(slots, str(error)))


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
    """Carry `items`, at most `jobs` at a time, and `emit` their outcomes in the items' order.

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
    room = anyio.Semaphore(jobs * 8)

    def draw() -> list[Item | Settled[Item, Result] | Skipped[Any] | Failed[Any]]:
        return list(itertools.islice(source, DRAWN_AT_ONCE))

    def move_on() -> None:
        while line and line[0].outcome is not None:
            room.release()
            emit(line.popleft().outcome)  # type: ignore[arg-type]

    async def in_turn(item: Item, earlier: Iterable[anyio.Event]) -> Done[Item, Result] | Failed[Item]:
        # Whoever is waited for came before, so that nobody waits in a circle.
        for event in earlier:
            await event.wait()
        return await carry(task, item, answerer, cache)

    async def work() -> None:
        while True:
            await room.acquire()
            async with drawing:
                if not drawn:
                    drawn.extend(await anyio.to_thread.run_sync(draw))
                if not drawn:
                    room.release()
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
        async with anyio.create_task_group() as group:
            for _ in range(jobs):
                group.start_soon(work)
    except BaseExceptionGroup as together:
        first = _first(together)
        raise first from first.__cause__
    finally:
        for place in line:
            if place.outcome is not None:
                emit(place.outcome)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group: what stopped one worker stops them all."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


@dataclass(slots=True, eq=False)
class _Place(Generic[Item, Result]):
    outcome: Settled[Item, Result] | None = None
