"""Who rests after failures, and for how long; pure, the clock is handed in.

A model rests after `IN_A_ROW` failures without a reply between them; one that cannot be had at all
rests at once, and where nobody listens, so do all models of that provider. When the rest is over, one
request tries again, and the others go elsewhere until it is known how that went: a reply ends it all,
a failure begins a rest of twice the length.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from workflow_hub.errors import HubError

IN_A_ROW = 3
COOLDOWN_S = 10.0
LONGEST_S = 300.0


@dataclass(frozen=True, slots=True)
class Pulse:
    """How one has been since its last reply: failures in a row, its last rest (0: none), the end of that."""

    failures: int = 0
    cooldown_s: float = 0.0
    until: float = 0.0
    trying: bool = False
    error: HubError | None = None

    def rests(self, now: float) -> bool:
        """Whether its rest goes on at `now`, by the clock that set its end."""
        return self.cooldown_s > 0 and now < self.until


WELL = Pulse()


def failed(pulse: Pulse, error: HubError, now: float, *, at_once: bool = False) -> Pulse:
    """After a failure; one that was on its way when the rest began changes nothing."""
    if pulse.rests(now) and not pulse.trying:
        return pulse
    failures = pulse.failures + 1
    if not (at_once or pulse.cooldown_s or failures >= IN_A_ROW):
        return replace(pulse, failures=failures)
    cooldown = min(max(COOLDOWN_S, 2 * pulse.cooldown_s), LONGEST_S)
    return Pulse(failures, cooldown, now + cooldown, trying=False, error=error)


def tried(pulse: Pulse, now: float) -> Pulse:
    """After somebody was sent to try again. If nothing is heard of that, the next is after as long a rest."""
    if not pulse.cooldown_s or pulse.rests(now):
        return pulse
    return replace(pulse, until=now + pulse.cooldown_s, trying=True)


@dataclass
class Health:
    """The pulse of every provider and of every model of it, for as long as the hub lives."""

    clock: Callable[[], float] = time.monotonic
    _pulses: dict[tuple[str, str | None], Pulse] = field(default_factory=dict)

    def resting(self, provider: str, model: str) -> HubError | None:
        """Why that model rests, or its provider does; None where it may be asked."""
        now = self.clock()
        for key in ((provider, None), (provider, model)):
            pulse = self._pulses.get(key, WELL)
            if pulse.rests(now):
                return pulse.error
        return None

    def try_again(self, provider: str, model: str) -> None:
        """That model is about to be asked: if its rest is just over, nobody else is until it has replied."""
        for key in ((provider, None), (provider, model)):
            if (pulse := self._pulses.get(key)) is not None:
                self._pulses[key] = tried(pulse, self.clock())

    def failed(self, provider: str, model: str | None, error: HubError, *, at_once: bool = False) -> None:
        """One more failure of a model, or of the whole provider where no model is named."""
        pulse = self._pulses.get((provider, model), WELL)
        self._pulses[provider, model] = failed(pulse, error, self.clock(), at_once=at_once)

    def replied(self, provider: str, model: str) -> None:
        """Both are well again."""
        self._pulses.pop((provider, None), None)
        self._pulses.pop((provider, model), None)
