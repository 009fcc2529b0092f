from __future__ import annotations

import gc
import json
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_hub import pipeline
from workflow_hub.cache import Cache
from workflow_hub.errors import (
    HubError,
    PromptError,
    ReplyCut,
    ReplyInvalid,
    RunnerUnreachable,
    SetupError,
    SourceRefused,
    Unavailable,
    UsageError,
)
from workflow_hub.pipeline import Answers, Reading, Slots, Task
from workflow_hub.providers import OnDelta
from workflow_hub.routing.health import COOLDOWN_S, Health
from workflow_hub.routing.pick import Candidate
from workflow_hub.routing.router import Choice, Router
from workflow_hub.schema import CANARY, TEXT_OR_NULL, record
from workflow_hub.values import (
    Done,
    Endpoint,
    Failed,
    Message,
    ModelInfo,
    Place,
    Prompt,
    Reply,
    Route,
    Skipped,
    Usage,
)


@dataclass(frozen=True, eq=False)
class Word:
    """An item that asks for something about a text, slot by slot."""

    text: str
    slots: tuple[str, ...] = ("a",)


def read(word: Word, slots: Slots, reply: Reply) -> Reading:
    """Texts that begin with "bad" are refused; what is no object is no reply at all."""
    try:
        document = json.loads(reply.text)
    except ValueError as error:
        raise ReplyInvalid("the reply is not JSON") from error
    bad = {slot: f"was {text}" for slot, text in document.items() if str(text).startswith("bad")}
    return Reading({slot: text for slot, text in document.items() if slot not in bad}, bad)


def render(word: Word, slots: Slots, refused: Mapping[str, str]) -> Prompt:
    if word.text == "unrenderable":
        raise SourceRefused("cannot be rendered")
    question = json.dumps({"text": word.text, "slots": list(slots), "refused": dict(refused)})
    return Prompt("words", (Message("user", question),), record(slots), fingerprint="f1")


def result(word: Word, answers: Answers) -> Answers:
    if not any(answers.values.values()):
        raise ReplyInvalid("nothing to be had")
    return answers


def task(fingerprint: str = "f1", name: str = "words") -> Task[Word, Answers]:
    return Task(
        name,
        fingerprint,
        slots=lambda word: dict.fromkeys(word.slots, TEXT_OR_NULL),
        identity=lambda word: word.text,
        render=render,
        read=read,
        result=result,
    )


@dataclass
class Answerer:
    """Answers by `says`, given (text, slots, refused); counts what it is asked and how much at a time."""

    says: Callable[[str, list[str], dict[str, str]], Any] = lambda text, slots, refused: dict.fromkeys(
        slots, text
    )
    identity: str = "model 1"
    slots: int = 1
    questions: list[dict[str, Any]] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0

    async def choose(self) -> Choice:
        await anyio.lowlevel.checkpoint()
        model = ModelInfo("m", self.identity, self.slots)
        return Choice(Candidate("code", "dmr", "m"), model, Route("code", "dmr", "m"))

    def said(self, prompt: Prompt) -> Any:
        question = json.loads(prompt.messages[0].text)
        return self.says(question["text"], question["slots"], question["refused"])

    async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
        question = json.loads(prompt.messages[0].text)
        self.questions.append(question)
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            # Later questions are answered sooner, so that order is not a gift.
            for _ in range(5 - len(self.questions) % 5):
                await anyio.lowlevel.checkpoint()
        finally:
            self.in_flight -= 1
        said = self.said(prompt)
        if isinstance(said, Exception):
            raise said
        text = said if isinstance(said, str) else json.dumps(said)
        return Reply(text, usage=Usage(10, 4, 2))

    async def after(self, choice: Choice, error: HubError) -> Choice | None:
        return None


def carried(
    items: Iterable[Any],
    answerer: Any,
    cache: Cache | None = None,
    *,
    jobs: int = 3,
    work: Task[Word, Answers] | None = None,
) -> list[Any]:
    """The outcomes, in the order in which they were emitted."""
    outcomes: list[Any] = []
    with cache or Cache(None) as kept:
        anyio.run(
            lambda: pipeline.run(work or task(), items, answerer, kept, jobs=jobs, emit=outcomes.append)
        )
    return outcomes


# -- one item ------------------------------------------------------------------------------------

# (what is said at the first and second asking, values, left out, questions as (slots, refused))
ANSWERS = [
    pytest.param([{"a": "x", "b": "y"}], {"a": "x", "b": "y"}, {}, [("ab", {})], id="taken at once"),
    pytest.param(
        [{"a": "x", "b": None}], {"a": "x", "b": None}, {}, [("ab", {})], id="an abstention is an answer"
    ),
    pytest.param(
        [{"a": "x", "b": "bad 1"}, {"b": "good"}],
        {"a": "x", "b": "good"},
        {},
        [("ab", {}), ("b", {"b": "was bad 1"})],
        id="only the refused slot is asked again, with the refusal",
    ),
    pytest.param(
        [{"a": "x", "b": "bad 1"}, {"b": "bad 2"}],
        {"a": "x"},
        {"b": "was bad 2"},
        [("ab", {}), ("b", {"b": "was bad 1"})],
        id="refused twice is left out",
    ),
    pytest.param(
        [{"a": "x"}, {"b": "y"}],
        {"a": "x", "b": "y"},
        {},
        [("ab", {}), ("b", {"b": "was not answered"})],
        id="not answered",
    ),
    pytest.param(
        ["Sure!", {"a": "x", "b": "y"}],
        {"a": "x", "b": "y"},
        {},
        [("ab", {}), ("ab", {"a": "the reply is not JSON", "b": "the reply is not JSON"})],
        id="no JSON refuses every slot",
    ),
    pytest.param(
        [{"a": "x"}, "Sure!"],
        {"a": "x"},
        {"b": "the reply is not JSON"},
        [("ab", {}), ("b", {"b": "was not answered"})],
        id="no JSON at the second try",
    ),
]


@pytest.mark.parametrize(("said", "values", "left_out", "questions"), ANSWERS)
def test_the_way_of_an_item(
    tmp_path: Path, said: list[Any], values: dict[str, Any], left_out: dict[str, str], questions: list[Any]
) -> None:
    replies = iter(said)
    answerer = Answerer(lambda text, slots, refused: next(replies))
    (first,) = carried([Word("w", ("a", "b"))], answerer, Cache(tmp_path / "c"))
    assert first.result == Answers(values, left_out)
    assert [("".join(one["slots"]), one["refused"]) for one in answerer.questions] == questions
    assert (first.asked, first.usage) == (len(said), Usage(10 * len(said), 4 * len(said), 2 * len(said)))
    assert first.route == Route("code", "dmr", "m")
    # All of it is remembered: abstentions and twice refused slots, too.
    (second,) = carried([Word("w", ("a", "b"))], answerer, Cache(tmp_path / "c"))
    assert second.result == first.result
    assert (second.asked, second.usage) == (0, Usage())
    assert len(answerer.questions) == len(said)


@pytest.mark.parametrize(
    "value",
    [{"value": 3}, {"value": "x", "confidence": "y"}, {"refused": None}, {}, [], "x", None],
    ids=["of another type", "sure of what", "refused for nothing", "empty", "a list", "a text", "null"],
)
def test_what_another_hand_put_into_the_cache_is_asked_anew(tmp_path: Path, value: Any) -> None:
    (first,) = carried([Word("w")], Answerer(), Cache(tmp_path / "c"))
    with Cache(tmp_path / "c") as cache:
        cache._database.execute("UPDATE answers SET value = ?", [json.dumps(value)])
    answerer = Answerer()
    (second,) = carried([Word("w")], answerer, Cache(tmp_path / "c"))
    assert second.result == first.result
    assert len(answerer.questions) == 1


def test_a_slot_that_is_new_is_asked_alone(tmp_path: Path) -> None:
    answerer = Answerer()
    carried([Word("w", ("a",))], answerer, Cache(tmp_path / "c"))
    (grown,) = carried([Word("w", ("a", "b"))], answerer, Cache(tmp_path / "c"))
    assert [one["slots"] for one in answerer.questions] == [["a"], ["b"]]
    assert grown.result.values == {"a": "w", "b": "w"}


def test_an_item_without_slots_asks_nothing() -> None:
    answerer = Answerer()
    work = Task(
        "words", "f", lambda word: {}, lambda word: word.text, render, read, lambda word, answers: answers
    )
    (outcome,) = carried([Word("w")], answerer, work=work)
    assert isinstance(outcome, Done) and outcome.asked == 0 and answerer.questions == []


OTHERS = [
    pytest.param({"item": Word("v")}, id="item"),
    pytest.param({"work": task(fingerprint="f2")}, id="prompt"),
    pytest.param({"work": task(name="others")}, id="task"),
    pytest.param({"answerer": Answerer(identity="model 2")}, id="model"),
]


@pytest.mark.parametrize("changed", OTHERS)
def test_what_changed_is_another_question(tmp_path: Path, changed: dict[str, Any]) -> None:
    carried([Word("w")], Answerer(), Cache(tmp_path / "c"))
    answerer = changed.get("answerer") or Answerer()
    carried([changed.get("item", Word("w"))], answerer, Cache(tmp_path / "c"), work=changed.get("work"))
    assert len(answerer.questions) == 1


FAILURES = [
    pytest.param(Word("w"), ReplyCut("cut", partial="{"), "cut", 1, id="the reply broke off"),
    pytest.param(Word("w"), {"a": None}, "nothing to be had", 1, id="no result"),
    pytest.param(Word("unrenderable"), {"a": "x"}, "cannot be rendered", 0, id="no prompt"),
    pytest.param(
        Word("w"), RunnerUnreachable("gone"), "gone", 1, id="gone, though another try would be made"
    ),
]


@pytest.mark.parametrize(("item", "said", "message", "asked"), FAILURES)
def test_an_item_that_fails_is_an_outcome(item: Word, said: Any, message: str, asked: int) -> None:
    answerer = GoesAway() if isinstance(said, Unavailable) else Answerer(lambda *question: said)
    (outcome,) = carried([item], answerer)
    assert isinstance(outcome, Failed)
    assert (outcome.item, str(outcome.error), outcome.asked) == (item, message, asked)


class GoesAway(Answerer):
    """Answers once with `gone`, and is nowhere afterwards."""

    async def choose(self) -> Choice:
        if self.questions:
            raise RunnerUnreachable("nobody is left")
        return await super().choose()

    async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
        self.questions.append({})
        raise RunnerUnreachable("gone")


def test_where_nobody_is_left_every_further_item_says_so() -> None:
    outcomes = carried([Word("1"), Word("2"), Word("3")], GoesAway(), jobs=1)
    assert [str(one.error) for one in outcomes] == ["gone", "nobody is left", "nobody is left"]
    assert [one.route is None for one in outcomes] == [False, True, True]


@pytest.mark.parametrize(
    "error",
    [ReplyCut("cut", partial="{"), RunnerUnreachable("gone"), PromptError("lacks x"), KeyError("a bug")],
    ids=lambda error: type(error).__name__,
)
def test_an_item_by_itself_fails_or_raises_what_would_stop_a_run(error: Exception) -> None:
    def says(*question: Any) -> Any:
        return error

    answerer = GoesAway() if isinstance(error, Unavailable) else Answerer(says)

    async def main() -> Any:
        with Cache(None) as cache:
            return await pipeline.carry(task(), Word("w"), answerer, cache)

    if isinstance(error, ReplyCut | Unavailable):
        outcome = anyio.run(main)
        assert isinstance(outcome, Failed) and str(outcome.error) == str(error)
    else:
        with pytest.raises(type(error)) as caught:
            anyio.run(main)
        assert caught.value is error


# -- apart ---------------------------------------------------------------------------------------


def test_slots_that_are_apart_are_asked_after_the_others_and_proven_last(tmp_path: Path) -> None:
    async def prove(word: Word, answers: Answers) -> Answers:
        return replace(answers, left_out={"b": f"{answers.values['b']} is not so"})

    work = replace(task(), apart=frozenset({"b"}), prove=prove)
    answerer = Answerer()
    (first,) = carried([Word("w", ("a", "b", "c"))], answerer, Cache(tmp_path / "c"), work=work)
    assert [one["slots"] for one in answerer.questions] == [["a", "c"], ["b"]]
    assert first.result.left_out == {"b": "w is not so"}
    # What was answered is remembered, what was proven is proven again.
    (second,) = carried([Word("w", ("a", "b", "c"))], answerer, Cache(tmp_path / "c"), work=work)
    assert (second.result, second.asked) == (first.result, 0)


# -- samples -------------------------------------------------------------------------------------


@dataclass
class Sampled(Answerer):
    """Answers by the seed that comes with each question; keeps the questions' options."""

    by_seed: Callable[[int], Any] = lambda seed: {"a": f"sample {seed}"}
    options: list[Mapping[str, Any]] = field(default_factory=list)

    def said(self, prompt: Prompt) -> Any:
        self.options.append(prompt.options)
        return self.by_seed(prompt.options["seed"])


def sampled(samples: int, agree: Callable[[Sequence[Reading]], Reading]) -> Task[Word, Answers]:
    return replace(task(), samples=samples, agree=agree)


def all_of(readings: Sequence[Reading]) -> Reading:
    """Every text in one, as sure as there are many of them."""
    texts = [reading.taken["a"] for reading in readings if "a" in reading.taken]
    reasons = [reason for reading in readings for reason in reading.refused.values()]
    if not texts:
        return Reading({}, {"a": ", ".join(reasons)})
    return Reading({"a": ", ".join(texts)}, confidence={"a": len(texts) / len(readings)})


def test_samples_have_seeds_of_their_own_and_become_one_reading_in_their_order(tmp_path: Path) -> None:
    answerer = Sampled()
    (first,) = carried([Word("w")], answerer, Cache(tmp_path / "c"), work=sampled(3, all_of))
    assert first.result == Answers({"a": "sample 1, sample 2, sample 3"}, {}, {"a": 1.0})
    assert (first.asked, first.usage) == (3, Usage(30, 12, 6))
    assert sorted(one["seed"] for one in answerer.options) == [1, 2, 3]
    assert all(one["temperature"] > 0 for one in answerer.options)
    (second,) = carried([Word("w")], answerer, Cache(tmp_path / "c"), work=sampled(3, all_of))
    assert (second.result, second.asked) == (first.result, 0)


def test_a_sample_that_is_no_json_is_a_refusal_of_its_own() -> None:
    answerer = Sampled(by_seed=lambda seed: "Sure!" if seed == 2 else {"a": f"sample {seed}"})
    (outcome,) = carried([Word("w")], answerer, work=sampled(3, all_of))
    assert outcome.result == Answers({"a": "sample 1, sample 3"}, {}, {"a": 2 / 3})


def test_what_samples_refuse_is_asked_again_and_what_they_leave_out_is_not(tmp_path: Path) -> None:
    answerer = Sampled(by_seed=lambda seed: "Sure!")
    (refused,) = carried([Word("w")], answerer, work=sampled(2, all_of))
    assert str(refused.error) == "nothing to be had" and refused.asked == 4
    work = sampled(2, lambda readings: Reading({}, left_out={"a": "samples disagree"}))
    (left_out,) = carried([Word("w")], Sampled(), Cache(tmp_path / "c"), work=work)
    assert left_out.asked == 2
    (again,) = carried([Word("w")], Sampled(), Cache(tmp_path / "c"), work=work)
    assert again.asked == 0


def test_an_error_in_one_sample_is_the_items_error() -> None:
    answerer = Sampled(by_seed=lambda seed: ReplyCut("cut") if seed == 2 else {"a": "x"})
    (outcome,) = carried([Word("w")], answerer, work=sampled(3, all_of))
    assert isinstance(outcome, Failed) and str(outcome.error) == "cut"


@pytest.mark.parametrize(
    ("samples", "jobs", "peak"),
    [
        pytest.param(3, 4, 4, id="two items at a time"),
        pytest.param(3, 3, 3, id="one item"),
        pytest.param(9, 4, 4, id="more samples than jobs"),
        pytest.param(3, 1, 1, id="one request"),
    ],
)
def test_samples_share_the_room_for_requests(samples: int, jobs: int, peak: int) -> None:
    answerer = Sampled()
    outcomes = carried([Word(f"{n}") for n in range(9)], answerer, work=sampled(samples, all_of), jobs=jobs)
    assert [one.item.text for one in outcomes] == [f"{n}" for n in range(9)]
    assert (answerer.peak, len(answerer.options)) == (peak, 9 * samples)


def test_the_samples_of_an_item_by_itself_have_the_servers_slots() -> None:
    answerer = Sampled(slots=2)

    async def main() -> Any:
        with Cache(None) as cache:
            return await pipeline.carry(sampled(5, all_of), Word("w"), answerer, cache)

    assert anyio.run(main).asked == 5
    assert answerer.peak == 2


# -- many items ----------------------------------------------------------------------------------


def test_a_thousand_items_give_a_thousand_outcomes_in_order() -> None:
    def says(text: str, slots: list[str], refused: dict[str, str]) -> Any:
        number = int(text)
        if number % 7 == 0:
            return ReplyCut(text)
        return {"a": "bad"} if number % 5 == 0 and not refused else {"a": text}

    ready = Place("p", "p", 1)
    items: list[Any] = [Word(str(number)) for number in range(1000)]
    items[100], items[200] = Skipped(ready, "why"), Failed(ready, SourceRefused("no"))
    answerer = Answerer(says)
    outcomes = carried(items, answerer, jobs=8)
    assert len(outcomes) == 1000
    for number, (item, outcome) in enumerate(zip(items, outcomes, strict=True)):
        if number in {100, 200}:
            assert outcome is item
        elif number % 7 == 0:
            assert outcome.item is item and str(outcome.error) == str(number)
        else:
            assert outcome.item is item and outcome.result.values == {"a": str(number)}
    assert answerer.peak <= 8


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["done", "fails", "bad", "settled"]), max_size=40), st.integers(1, 9))
def test_whatever_happens_the_order_is_that_of_the_items(kinds: list[str], jobs: int) -> None:
    items: list[Any] = [
        Skipped(number, "why") if kind == "settled" else Word(f"{kind} {number}")
        for number, kind in enumerate(kinds)
    ]
    answerer = Answerer(lambda text, *_: ReplyCut("cut") if text.startswith("fails") else {"a": text})
    outcomes = carried(items, answerer, jobs=jobs)
    assert [one.item for one in outcomes] == [one.item if isinstance(one, Skipped) else one for one in items]
    assert answerer.peak <= jobs


# (texts: a name, and the one it waits for; what is asked while what is not answered yet)
WAITS = [
    pytest.param("a b c", "ab ac bc", id="nobody waits"),
    pytest.param("a ba c", "ac", id="one waits, and the others go on"),
    pytest.param("a ba cb", "", id="a chain"),
    pytest.param("ab b", "ab", id="not for what comes later"),
    pytest.param("ax b", "ab", id="not for what is not there"),
    pytest.param("aa b", "ab", id="not for itself"),
    pytest.param("xfails bx", "", id="also for what fails"),
]


@pytest.mark.parametrize(("texts", "together"), WAITS)
def test_an_item_waits_for_those_before_it(texts: str, together: str) -> None:
    open_ones: list[str] = []
    met: set[str] = set()

    class Slow(Answerer):
        async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
            own = json.loads(prompt.messages[0].text)["text"][0]
            met.update("".join(sorted((own, other))) for other in open_ones)
            open_ones.append(own)
            await anyio.wait_all_tasks_blocked()
            open_ones.remove(own)
            return await super().complete(choice, prompt)

    work = replace(task(), key=lambda word: word.text[0], after=lambda word: word.text[1:2])
    answerer = Slow(lambda text, *_: ReplyCut("cut") if "fails" in text else {"a": text})
    words = [Word(text) for text in texts.split()]
    assert [one.item for one in carried(words, answerer, work=work)] == words
    assert met == set(together.split())


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.lists(st.integers(0, 9), max_size=3)), max_size=30),
    st.integers(1, 5),
)
def test_whoever_waits_for_whom_a_run_ends(items: list[tuple[int, list[int]]], jobs: int) -> None:
    words = [Word(f"{key} {after}") for key, after in items]
    keys = {id(word): item for word, item in zip(words, items, strict=True)}
    work = replace(task(), key=lambda word: keys[id(word)][0], after=lambda word: keys[id(word)][1])
    assert [one.item for one in carried(words, Answerer(), jobs=jobs, work=work)] == words


def test_no_items_no_outcomes() -> None:
    assert carried([], Answerer()) == []


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_jobs_are_in_flight_and_no_more(jobs: int) -> None:
    class Together(Answerer):
        """Answers nobody before `jobs` have asked."""

        async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
            if self.in_flight == jobs:
                gate.set()
            await gate.wait()
            self.in_flight -= 1
            return Reply('{"a": "x"}')

    gate = anyio.Event()
    answerer = Together()
    assert len(carried((Word(str(number)) for number in range(40)), answerer, jobs=jobs)) == 40
    assert answerer.peak == jobs


def test_a_lazy_iterator_is_drawn_a_few_items_ahead_and_its_items_are_let_go() -> None:
    drawn, emitted, alive = 0, 0, weakref.WeakSet[Word]()
    ahead = most_alive = 0
    names: set[str] = set()

    def items() -> Iterator[Word]:
        nonlocal drawn
        for number in range(500):
            drawn += 1
            names.add(threading.current_thread().name)
            word = Word(str(number))
            alive.add(word)
            yield word

    def emit(outcome: Any) -> None:
        nonlocal emitted, ahead, most_alive
        emitted += 1
        ahead = max(ahead, drawn - emitted)
        if emitted % 50 == 0:
            gc.collect()
            most_alive = max(most_alive, len(alive))

    anyio.run(lambda: pipeline.run(task(), items(), Answerer(), Cache(None), jobs=2, emit=emit))
    assert emitted == drawn == 500
    assert ahead <= 16 and most_alive <= 20
    assert threading.main_thread().name not in names


def test_a_slow_first_item_does_not_let_the_rest_pile_up() -> None:
    drawn = 0

    def items() -> Iterator[Word]:
        nonlocal drawn
        for number in range(200):
            drawn += 1
            yield Word(str(number))

    class Slow(Answerer):
        async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
            if json.loads(prompt.messages[0].text)["text"] == "0":
                while self.peak < 10:  # until the others have done what they may
                    before = drawn
                    for _ in range(20):
                        await anyio.sleep(0)
                    await anyio.to_thread.run_sync(lambda: None)
                    if drawn == before:
                        self.peak += 1
                assert drawn <= 16
            return Reply('{"a": "x"}')

    assert len(carried(items(), Slow(), jobs=2)) == 200


# -- what ends a run -----------------------------------------------------------------------------


def test_on_cancellation_what_is_accepted_is_emitted_in_order_and_kept(tmp_path: Path) -> None:
    given_up: list[str] = []
    outcomes: list[Any] = []

    class Stuck(Answerer):
        async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
            text = json.loads(prompt.messages[0].text)["text"]
            if text in {"2", "5"}:
                hanging.append(text)
                if len(hanging) == 2:
                    both.set()
                try:
                    await anyio.sleep_forever()
                finally:
                    given_up.append(text)
            return Reply(json.dumps({"a": text}))

    hanging: list[str] = []
    both = anyio.Event()
    words = [Word(str(number)) for number in range(8)]

    async def main() -> bool:
        with Cache(tmp_path / "c") as cache:
            async with anyio.create_task_group() as group:

                async def stop() -> None:
                    await both.wait()
                    group.cancel_scope.cancel()

                group.start_soon(stop)
                await pipeline.run(task(), words, Stuck(), cache, jobs=2, emit=outcomes.append)
            return group.cancel_scope.cancelled_caught

    assert anyio.run(main)
    assert [one.item.text for one in outcomes] == ["0", "1", "3", "4"]
    assert sorted(given_up) == ["2", "5"]
    answerer = Answerer()
    assert len(carried(words, answerer, Cache(tmp_path / "c"))) == 8
    assert sorted(one["text"] for one in answerer.questions) == ["2", "5", "6", "7"]


def stopped(
    items: Iterable[Any], answerer: Any, cache: Cache | None = None, *, jobs: int = 1
) -> tuple[Exception, list[str]]:
    """What a run raised, and the texts of the items whose outcomes were emitted before that."""
    outcomes: list[Any] = []
    with cache or Cache(None) as kept, pytest.raises(Exception) as caught:
        anyio.run(lambda: pipeline.run(task(), items, answerer, kept, jobs=jobs, emit=outcomes.append))
    assert all(isinstance(one, Done) for one in outcomes)
    return caught.value, [one.item.text for one in outcomes]


STOPS = [
    pytest.param(PromptError("lacks code", path=Path("p.j2")), id="a wrong prompt"),
    pytest.param(UsageError("no such thing"), id="a wrong use"),
    pytest.param(SetupError("the cache cannot be used"), id="a set-up"),
    pytest.param(KeyError("a bug"), id="a bug"),
]


@pytest.mark.parametrize("error", STOPS)
def test_what_no_other_item_would_survive_stops_the_run_as_it_is(error: Exception) -> None:
    answerer = Answerer(lambda text, *_: error if text == "2" else {"a": text})
    raised, emitted = stopped([Word(str(number)) for number in range(6)], answerer)
    assert raised is error
    assert emitted == ["0", "1"]
    assert [one["text"] for one in answerer.questions] == ["0", "1", "2"]


def test_what_stops_a_run_keeps_its_cause() -> None:
    error, cause = SetupError("no"), OSError("disk")
    error.__cause__ = cause
    raised, _ = stopped([Word("0")], Answerer(lambda *question: error), jobs=3)
    assert raised is error and raised.__cause__ is cause


def test_of_errors_at_once_one_is_raised() -> None:
    class Both(Answerer):
        """Fails two requests when both are under way."""

        async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
            self.questions.append({})
            if len(self.questions) == 2:
                both.set()
            await both.wait()
            raise KeyError("a bug")

    both = anyio.Event()
    raised, emitted = stopped([Word("0"), Word("1")], Both(), jobs=2)
    assert isinstance(raised, KeyError) and emitted == []


def test_what_was_accepted_behind_the_one_that_stops_the_run_is_emitted_too(tmp_path: Path) -> None:
    class Late(Answerer):
        """Fails the first item when all the others are done."""

        async def complete(self, choice: Choice, prompt: Prompt) -> Reply:
            text = json.loads(prompt.messages[0].text)["text"]
            if text == "0":
                await others_done.wait()
                raise PromptError("lacks code")
            if text == "last":
                others_done.set()
                await anyio.sleep_forever()
            return Reply(json.dumps({"a": text}))

    others_done = anyio.Event()
    words = [Word("0"), Word("1"), Word("2"), Word("last")]
    raised, emitted = stopped(words, Late(), Cache(tmp_path / "c"), jobs=2)
    assert isinstance(raised, PromptError)
    assert emitted == ["1", "2"]
    answerer = Answerer()
    carried(words, answerer, Cache(tmp_path / "c"))
    assert sorted(one["text"] for one in answerer.questions) == ["0", "last"]


def test_a_cache_that_cannot_be_written_stops_the_run_and_keeps_what_was_there(tmp_path: Path) -> None:
    def says(text: str, slots: list[str], refused: dict[str, str]) -> Any:
        if text == "1":
            cache._database.execute("PRAGMA query_only = ON")
        return {"a": text}

    cache = Cache(tmp_path / "c")
    answerer = Answerer(says)
    raised, emitted = stopped([Word("0"), Word("1"), Word("2")], answerer, cache)
    assert isinstance(raised, SetupError) and not isinstance(raised, Unavailable)
    assert str(raised).startswith(f"the cache {tmp_path / 'c'} cannot be used: ")
    assert emitted == ["0"]
    assert len(answerer.questions) == 2
    again = Answerer()
    carried([Word("0"), Word("1")], again, Cache(tmp_path / "c"))
    assert [one["text"] for one in again.questions] == ["1"]


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_iterator_that_breaks_surfaces(jobs: int) -> None:
    def items() -> Iterator[Word]:
        for number in range(pipeline.DRAWN_AT_ONCE):
            yield Word(str(number))
        raise error

    error = ZeroDivisionError("in the middle")
    raised, emitted = stopped(items(), Answerer(), jobs=jobs)
    assert raised is error
    assert emitted == [str(number) for number in range(len(emitted))]
    if jobs == 1:
        assert len(emitted) == pipeline.DRAWN_AT_ONCE


# -- with the real router ------------------------------------------------------------------------


@dataclass
class Model:
    """A provider that answers `until` questions of the task, and then is gone; or ignores schemas."""

    name: str
    until: int = 10_000
    obeys: bool = True
    asked: int = 0

    async def find(self, model: str) -> ModelInfo:
        return ModelInfo(self.name, f"weights of {self.name}")

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        await anyio.lowlevel.checkpoint()
        if prompt.name == "canary":
            assert CANARY.schema is not None
            seal = CANARY.schema["properties"]["seal"]["const"]
            return Reply(json.dumps({"seal": seal}) if self.obeys else "Hello!")
        self.asked += 1
        if self.asked > self.until:
            raise RunnerUnreachable(f"{self.name} is gone; start it")
        return Reply(json.dumps({"a": self.name}))

    async def endpoint(self, model: str) -> Endpoint:
        raise Unavailable("never asked for")

    async def free(self, model: str) -> bool:
        return False

    async def aclose(self) -> None: ...


def routed(*models: Model) -> Router:
    by_name = {model.name: model for model in models}
    candidates = [Candidate("code", model.name, "m") for model in models]
    return Router(candidates, by_name.__getitem__)


def test_another_answers_from_the_middle_on(tmp_path: Path) -> None:
    first, second = Model("first", until=5), Model("second")
    words = [Word(str(number)) for number in range(20)]
    outcomes = carried(words, routed(first, second), Cache(tmp_path / "c"), jobs=3)
    answered = [one.result.values["a"] for one in outcomes]
    assert answered.count("first") == 5 and answered.count("second") == 15
    for outcome in outcomes:
        stood_in = outcome.result.values["a"] == "second"
        assert outcome.route.provider == outcome.result.values["a"]
        assert outcome.route.fallback_from == ("first m" if stood_in else None)
        assert outcome.route.why == ("first is gone" if stood_in else "")


@dataclass
class ComesBack(Model):
    """A provider that is gone from its `until`th question to its `again`th."""

    again: int = 0

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        if self.asked + 1 >= self.again:
            self.until = 10_000
        return await super().complete(prompt, model)


def test_a_long_run_goes_back_to_a_server_that_was_restarted() -> None:
    first, second = ComesBack("first", until=300, again=303), Model("second")
    router = routed(first, second)
    # A second for every item that the other one answers.
    router.health = Health(lambda: float(second.asked))
    outcomes = carried([Word(str(number)) for number in range(1000)], router, jobs=4)
    answered = [one.result.values["a"] for one in outcomes]
    rest = int(COOLDOWN_S + 2 * COOLDOWN_S)
    assert 3 <= second.asked <= rest + 8, "two rests, and who was under way"
    assert answered.count("second") == second.asked and len(answered) == 1000
    assert set(answered[-600:]) == {"first"}
    assert {one.route.fallback_from for one in outcomes[-600:]} == {None}


@dataclass
class Careless(Model):
    """A provider whose replies are JSON that answers nothing."""

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        reply = await super().complete(prompt, model)
        return reply if prompt.name == "canary" else Reply("Sure!")


def test_an_item_whose_replies_are_rejected_is_asked_of_one_other(tmp_path: Path) -> None:
    path = tmp_path / "c"
    first, second, third = Careless("first"), Model("second"), Model("third")
    (outcome,) = carried([Word("1")], routed(first, second, third), Cache(path))
    assert (outcome.result.values, outcome.asked) == ({"a": "second"}, 3)
    assert (outcome.route.fallback_from, first.asked, second.asked, third.asked) == ("first m", 2, 1, 0)
    again = carried([Word("1")], routed(first, second, third), Cache(path))
    assert (again[0].result.values, again[0].asked) == ({"a": "second"}, 0), "all of that is remembered"
    (outcome,) = carried([Word("2")], routed(first, Careless("second"), third))
    assert isinstance(outcome, Failed) and isinstance(outcome.error, ReplyInvalid)
    assert (outcome.asked, third.asked) == (4, 0), "one other, not all"


def test_what_routing_yaml_sets_for_a_task_is_another_question(tmp_path: Path) -> None:
    model = Model("m")
    cool, warm = routed(model), routed(model)
    warm.options = {"temperature": 1.0}
    for router, asked in ((cool, 1), (cool, 1), (warm, 2), (warm, 2), (cool, 2)):
        carried([Word("1")], router, Cache(tmp_path / "c"))
        assert model.asked == asked


def test_a_server_that_ignores_schemas_answers_nothing() -> None:
    deaf, second = Model("deaf", obeys=False), Model("second")
    outcomes = carried([Word("1"), Word("2"), Word("3")], routed(deaf, second))
    assert [one.result.values["a"] for one in outcomes] == ["second"] * 3
    assert deaf.asked == 0
    assert outcomes[0].route.why.startswith("deaf m accepts a JSON schema and ignores it")


def test_where_all_go_away_the_rest_fails_for_all_the_reasons() -> None:
    outcomes = carried(
        [Word(str(number)) for number in range(6)],
        routed(Model("one", until=2), Model("two", until=1)),
        jobs=1,
    )
    assert [isinstance(one, Done) for one in outcomes] == [True, True, True, False, False, False]
    assert str(outcomes[3].error) == "two is gone; start it"
    assert str(outcomes[5].error) == "nobody can answer:\n  one is gone; start it\n  two is gone; start it"
