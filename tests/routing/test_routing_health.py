"""Who rests, from when to when, as told by a clock that the test turns."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_hub.errors import RunnerTimeout, RunnerUnreachable
from workflow_hub.routing.health import COOLDOWN_S, IN_A_ROW, LONGEST_S, Health

GONE, LATE = RunnerUnreachable("gone"), RunnerTimeout("late")
Event = Literal["gone", "late", "reply", "try"]

# (what happens when, at what times the model rests, at what times it does not)
RESTS = [
    pytest.param([], [], [0], id="nothing"),
    pytest.param([(0, "late"), (1, "late")], [], [1, 2], id="two failures"),
    pytest.param([(0, "late"), (1, "late"), (2, "late")], [2, 11.9], [12, 99], id="three failures"),
    pytest.param([(0, "late"), (1, "late"), (2, "reply"), (3, "late")], [], [3, 4], id="a reply in between"),
    pytest.param([(0, "gone")], [0, 9.9], [10], id="not there: at once"),
    pytest.param([(0, "gone"), (5, "gone"), (6, "late")], [9.9], [10], id="stragglers change nothing"),
    pytest.param([(0, "gone"), (10, "try")], [10, 19.9], [20], id="one tries again, the others wait"),
    pytest.param([(0, "gone"), (10, "try"), (11, "reply")], [], [11, 12], id="and it replies"),
    pytest.param([(0, "gone"), (10, "try"), (11, "gone")], [11, 30.9], [31], id="and it is still not there"),
    pytest.param([(0, "gone"), (10, "try"), (11, "late")], [11, 30.9], [31], id="one failure is enough then"),
    pytest.param([(0, "gone"), (5, "try")], [9.9], [10], id="trying too early changes nothing"),
    pytest.param(
        [(0, "gone"), (10, "try"), (20, "try")], [20, 29.9], [30], id="nothing came of the first try"
    ),
    pytest.param(
        [(0, "gone"), (50, "late")], [50, 69.9], [70], id="a failure after the rest that nobody announced"
    ),
]


def after(events: list[tuple[float, Event]]) -> tuple[Health, list[float]]:
    now = [0.0]
    health = Health(lambda: now[0])
    for moment, event in events:
        now[0] = moment
        happens(health, event)
    return health, now


def happens(health: Health, event: Event) -> None:
    match event:
        case "gone":
            health.failed("dmr", "m", GONE, at_once=True)
        case "late":
            health.failed("dmr", "m", LATE)
        case "reply":
            health.replied("dmr", "m")
        case "try":
            health.try_again("dmr", "m")


@pytest.mark.parametrize(("events", "rests", "works"), RESTS)
def test_when_a_model_rests(
    events: list[tuple[float, Event]], rests: list[float], works: list[float]
) -> None:
    health, now = after(events)
    for moment in [*rests, *works]:
        now[0] = moment
        assert (health.resting("dmr", "m") is not None) is (moment in rests), moment
        assert health.resting("dmr", "another") is None
        assert health.resting("another", "m") is None


def test_a_provider_that_is_gone_takes_all_its_models_along() -> None:
    now = [0.0]
    health = Health(lambda: now[0])
    health.failed("dmr", None, GONE, at_once=True)
    assert health.resting("dmr", "a") is health.resting("dmr", "b") is GONE
    now[0] = COOLDOWN_S
    health.try_again("dmr", "a")
    assert health.resting("dmr", "b") is GONE, "a tries for all"
    health.replied("dmr", "a")
    assert health.resting("dmr", "b") is None


def test_why_it_rests_is_the_last_failure() -> None:
    health, _ = after([(0, "late")] * (IN_A_ROW - 1) + [(1, "gone")])
    assert health.resting("dmr", "m") is GONE


def test_rests_get_longer_up_to_a_bound() -> None:
    health, now = after([])
    lengths = []
    for _ in range(8):
        health.try_again("dmr", "m")
        happens(health, "gone")
        began = now[0]
        while health.resting("dmr", "m"):
            now[0] += 5
        lengths.append(now[0] - began)
    assert lengths == [10, 20, 40, 80, 160, LONGEST_S, LONGEST_S, LONGEST_S]


STEPS = st.lists(st.tuples(st.floats(0, 400), st.sampled_from(["gone", "late", "reply", "try"])), max_size=40)


@given(STEPS)
def test_nobody_rests_for_ever_and_a_reply_ends_every_rest(steps: list[tuple[float, Event]]) -> None:
    health, now = after([])
    for pause, event in steps:
        now[0] += pause
        happens(health, event)
        if event == "reply":
            assert health.resting("dmr", "m") is None
    now[0] += LONGEST_S
    assert health.resting("dmr", "m") is None
