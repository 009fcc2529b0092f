"""What `route check` finds beyond a file that can be read: tasks, prompts and models that lead nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow_hub.located import Key
from workflow_hub.providers import Provider
from workflow_hub.routing.conditions import listed
from workflow_hub.routing.pick import judge
from workflow_hub.routing.presence import look
from workflow_hub.routing.reach import MOST, kinds
from workflow_hub.routing.rules import Dmr, Embedded, Fault, Goose, Reading, Rules, read

# Each task that there is, and what its prompts declare that they need.
Tasks = Mapping[str, frozenset[str]]


def check(path: Path, tasks: Tasks, *, trusted: bool = False) -> Reading:
    """The file at `path` with all faults that can be found without a server."""
    reading = read(path, trusted=trusted)
    if (rules := reading.rules) is None:
        return reading
    more = [*_weights(rules), *_tasks(rules, tasks), *_after_agents(rules), *_uncovered(rules, tasks)]
    return reading.with_faults(more)


def _weights(rules: Rules) -> Iterator[tuple[Key, str]]:
    from workflow_hub.providers.embedded.catalogue import CATALOGUE

    for name, spec in rules.providers.items():
        if isinstance(spec, Embedded) and spec.model not in CATALOGUE:
            yield (
                ("providers", name, "model"),
                f"there are no weights {spec.model}; there are {listed(CATALOGUE, 'and')}",
            )
    for name, role in rules.models.items():
        engine = rules.providers.get(role.provider)
        if isinstance(engine, Embedded) and engine.model not in role.candidates:
            yield ("models", name, "try"), f"nobody plays {name}: {role.provider} runs {engine.model} alone"


def _tasks(rules: Rules, tasks: Tasks) -> Iterator[tuple[Key, str]]:
    there = listed(sorted(tasks), "and")
    for unknown in (name for name in rules.tasks if name not in tasks):
        yield ("tasks", unknown), f"there is no task {unknown}; there are {there}"
    for place, rule in enumerate(rules.rules):
        named = dict.fromkeys(task for part in rule.conditions for task in part.task)
        for unknown in (task for task in named if task not in tasks):
            yield (
                ("rules", place, "when"),
                f"rule {rule.name} names the task {unknown}, which there is not; there are {there}",
            )


def _after_agents(rules: Rules) -> Iterator[tuple[Key, str]]:
    """A fault for each fallback that is never asked: what an agent was to do, a model cannot."""
    for place, rule in enumerate(rules.rules):
        agents = [isinstance(rules.providers.get(target), Goose) for target in rule.targets]
        for nth, target in enumerate(rule.targets):
            if any(agents[:nth]) and not agents[nth]:
                yield (
                    ("rules", place, "fallback", nth - 1),
                    f"rule {rule.name} never asks {target}: after an agent only agents are asked",
                )


def _uncovered(rules: Rules, tasks: Tasks) -> Iterator[tuple[Key, str]]:
    """A fault for each task with prompts that no rule takes, whatever their length or language.

    Images and needs beyond the declared ones are no fault: who has no eyes or hands says so when asked.
    """
    roomy = {name: model.model_copy(update={"context_tokens": None}) for name, model in rules.models.items()}
    boundless = rules.model_copy(update={"models": roomy})
    reported: set[str] = set()
    looked_at = 0
    for signals in kinds(boundless, tasks):
        if signals.task in reported or signals.images or signals.needs != tasks.get(signals.task):
            continue
        looked_at += len(rules.rules)
        if looked_at > MOST:
            return
        if any(judge(boundless, rule, signals).matched for rule in rules.rules):
            continue
        reported.add(signals.task)
        needs = f" that need {listed(sorted(signals.needs), 'and')}" if signals.needs else ""
        yield (
            ("rules",),
            f"prompts of the task {signals.task}{needs} have no rule (one of {signals.tokens} tokens in "
            f"{signals.language}, say); add one, or a last rule without `when`",
        )


@dataclass(frozen=True, slots=True)
class Served:
    """What the servers that are here have: a fault for each role that nobody plays, and who was not asked."""

    faults: tuple[Fault, ...]
    notes: tuple[str, ...]


async def serve(reading: Reading, rules: Rules, provider: Callable[[str], Provider]) -> Served:
    """Look for every role at the model runner it names; sends no prompt. An absent runner is a note."""
    roles = {
        name: role for name, role in rules.models.items() if isinstance(rules.providers[role.provider], Dmr)
    }
    pairs = dict.fromkeys((role.provider, model) for role in roles.values() for model in role.candidates)
    seen = {(one.provider, one.model): one for one in await look(pairs, provider)}
    absent = {one.provider: one.why for one in seen.values() if one.state == "provider not here"}
    faults = []
    for name, role in roles.items():
        if all(seen[role.provider, model].state == "not here" for model in role.candidates):
            faults.append(
                reading.fault(
                    ("models", name, "try"),
                    f"nobody plays {name}: {listed(role.candidates, 'and')} "
                    f"{'are' if len(role.candidates) > 1 else 'is'} not at {role.provider}; type "
                    f"`docker model pull {role.candidates[0]}`",
                )
            )
    notes = tuple(f"models at {name} were not looked for: {why}" for name, why in absent.items())
    return Served(tuple(faults), notes)
