"""From rules and the signals of a prompt to the models that may answer, in order; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workflow_hub.errors import RoutingError, UsageError
from workflow_hub.routing.conditions import held, listed
from workflow_hub.routing.shape import Embedded, Goose, Limits, Rule, Rules

if TYPE_CHECKING:
    from workflow_hub.routing.signals import Signals

PINNED = "pinned"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model of a provider that a rule names.

    It is who answers: the same model by the same rule is the same candidate, whatever the `target` it
    stands behind, as do all of one `try` list. An `agent` has tools.
    """

    rule: str
    provider: str
    model: str
    target: str = field(default="", compare=False)
    agent: bool = field(default=False, compare=False)
    limits: Limits = field(default=Limits(), compare=False)

    def __str__(self) -> str:
        return f"{self.provider} {self.model}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rule takes a prompt: its conditions hold, and some of its targets are `able` to answer."""

    rule: Rule
    holds: bool
    able: tuple[str, ...]
    why: str

    @property
    def matched(self) -> bool:
        """Whether the rule takes the prompt, with anybody who is able to answer it."""
        return bool(self.able)


def judge(rules: Rules, rule: Rule, signals: Signals) -> Verdict:
    """What becomes of a prompt with these signals at `rule`, whatever stands above it.

    A target that cannot give what the prompt needs, takes no images, or has too short a context is
    not able, be it named first or as a fallback.
    """
    holds, why = held(rule.when, signals) if rule.when else (True, "it takes everything")
    if not holds:
        return Verdict(rule, False, (), why)
    lacking = {target: _lack(rules, target, signals) for target in rule.targets}
    able = tuple(target for target, lack in lacking.items() if lack is None)
    lacks = dict.fromkeys(lack for lack in lacking.values() if lack)
    if not able:
        return Verdict(rule, True, (), "; ".join(lacks))
    return Verdict(rule, True, able, "; ".join([why, *lacks]))


def _lack(rules: Rules, target: str, signals: Signals) -> str | None:
    """Why `target` cannot answer such a prompt; None where it can. An agent has images described to it."""
    spec = rules.providers.get(target)
    agent = isinstance(spec, Goose)
    role = rules.models.get(spec.model if isinstance(spec, Goose) else target)
    if signals.needs and not agent:
        return f"{target} cannot give {listed(sorted(signals.needs), 'and')}"
    if signals.images and not agent and (role is None or "image" not in role.accepts):
        return f"{target} takes no images"
    if role and role.context_tokens is not None and signals.tokens >= role.context_tokens:
        return f"{target} has a context of {role.context_tokens} tokens, too short for about {signals.tokens}"
    return None


def plain(task: str, needs: Iterable[str] = ()) -> Signals:
    """The signals of a task whose prompts have not been written yet."""
    from workflow_hub.routing.signals import Signals

    needed = frozenset(needs)
    return Signals(task, needed, needed, evidence=(), unsure=False, images=0, tokens=0, language="und")


def pick(rules: Rules, signals: Signals) -> tuple[Candidate, ...]:
    """Who may answer, best first: the targets of the first rule that takes the prompt.

    Raises RoutingError where no rule does.
    """
    verdicts = []
    for rule in rules.rules:
        verdict = judge(rules, rule, signals)
        if verdict.matched:
            return candidates_of(rules, verdict)
        verdicts.append(verdict)
    raise RoutingError(nobody(signals, verdicts))


def nobody(signals: Signals, verdicts: Iterable[Verdict]) -> str:
    """Why no rule takes the prompt, and what to do about it."""
    if signals.needs:
        needs = listed(sorted(signals.needs), "and")
        said = f' ("{signals.evidence[0].text}")' if signals.evidence else ""
        return (
            f"the prompt needs {needs}{said}, and no rule of routing.yaml leads to an agent that has them; "
            "add a provider of kind goose and a rule that uses it, as docs/routing.md shows"
        )
    if unable := [verdict.why for verdict in verdicts if verdict.holds]:
        return (
            f"no rule of routing.yaml takes the prompt: {'; '.join(dict.fromkeys(unable))}. Add a model that "
            "can to the rules, as docs/routing.md shows"
        )
    return f"no rule of routing.yaml takes the task {signals.task}; add one, or a last rule without `when`"


def candidates_of(rules: Rules, verdict: Verdict) -> tuple[Candidate, ...]:
    """Every model of every able target, in order."""
    return tuple(
        one
        for target in verdict.able
        for one in _behind(rules, target, verdict.rule.name, verdict.rule.limits)
    )


def pinned(
    rules: Rules, signals: Signals, *, provider: str | None = None, model: str | None = None
) -> tuple[Candidate, ...]:
    """Who may answer where --provider or --model say so: nobody else, and no fallback.

    A model alone goes to the embedded provider that has it, to the role of that name, or to the
    provider of the rule's first choice. A provider alone answers with the models that the prompt's
    rule knows it by, or else with those that any rule does. Where the prompt needs tools, it is an agent
    that works on the model. Raises UsageError for a provider that there is not, or that has no tools then.
    """
    if provider is not None and provider not in rules.providers:
        raise UsageError(f"there is no provider {provider}; there are {', '.join(rules.providers)}")
    agent = _agent(rules, signals, provider)
    if agent is not None and model is not None:
        names = rules.models[model].candidates if model in rules.models else (model,)
        return tuple(Candidate(PINNED, agent, name, agent=True) for name in names)
    if model in rules.models:
        if provider not in {None, rules.models[model].provider}:
            raise UsageError(f"{model} is played by {rules.models[model].provider}, not by {provider}")
        return tuple(_behind(rules, model, PINNED))
    if model is not None:
        home = provider or _home(rules, signals, model)
        return (Candidate(PINNED, home, model),)
    own = next((rule.targets for rule in rules.rules if judge(rules, rule, signals).matched), ())
    for targets in (own, (*rules.models, *rules.providers)):
        known = dict.fromkeys(one for target in targets for one in _behind(rules, target, PINNED))
        if found := [one for one in known if one.provider == provider]:
            return tuple(found)
    raise UsageError(f"the rules name no model of {provider}; add --model NAME")


def _agent(rules: Rules, signals: Signals, provider: str | None) -> str | None:
    """The agent that is pinned, or that the rules lead to; None where none is, and none is needed."""
    if provider is not None and _is_agent(rules, provider):
        return provider
    if not signals.needs:
        return None
    if provider is None:
        return pick(rules, signals)[0].provider
    raise UsageError(
        f"the prompt needs {listed(sorted(signals.needs), 'and')}, which {provider} cannot give; name an "
        "agent with --provider, or say --no-tools to have it answered in words"
    )


def _behind(rules: Rules, target: str, rule: str, limits: Limits = Limits()) -> list[Candidate]:
    return [
        Candidate(rule, provider, model, target, _is_agent(rules, provider), limits)
        for provider, model in models_of(rules, target)
    ]


def _is_agent(rules: Rules, provider: str) -> bool:
    return isinstance(rules.providers[provider], Goose)


def models_of(rules: Rules, target: str) -> list[tuple[str, str]]:
    """The (provider, model) pairs behind a target; none behind a provider without a model of its own."""
    if target in rules.models:
        model = rules.models[target]
        return [(model.provider, name) for name in model.candidates]
    match rules.providers.get(target):
        case Embedded(model=weights):
            return [(target, weights)]
        case Goose(model=role):
            return [(target, name) for name in rules.models[role].candidates]
    return []


def is_embedded(rules: Rules, provider: str, model: str | None) -> bool:
    """Whether `provider` is an embedded engine, and `model` one of the weights it could run."""
    from workflow_hub.providers.embedded.catalogue import CATALOGUE

    return model in CATALOGUE and isinstance(rules.providers[provider], Embedded)


def _home(rules: Rules, signals: Signals, model: str) -> str:
    own = (name for name in rules.providers if is_embedded(rules, name, model))
    return next(own, None) or pick(rules, signals)[0].provider
