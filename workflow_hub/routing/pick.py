"""From rules to the models that may answer, in order; pure."""

from __future__ import annotations

from dataclasses import dataclass

from workflow_hub.errors import RoutingError, UsageError
from workflow_hub.routing.rules import Embedded, Rules


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model of a provider that a rule names."""

    rule: str
    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider} {self.model}"


def candidates(rules: Rules, task: str) -> tuple[Candidate, ...]:
    """Who may answer `task`, best first: the first rule that takes it, its fallbacks after its use."""
    rule = next((rule for rule in rules.rules if rule.takes(task)), None)
    if rule is None:
        raise RoutingError(
            f"no rule of routing.yaml takes the task {task}; add one, or a last rule without `when`"
        )
    return tuple(
        Candidate(rule.name, provider, model)
        for target in (rule.use, *rule.fallback)
        for provider, model in _models(rules, target)
    )


def pinned(
    rules: Rules, task: str, *, provider: str | None = None, model: str | None = None
) -> tuple[Candidate, ...]:
    """Who may answer where --provider or --model say so: nobody else, and no fallback.

    A model alone goes to the embedded provider that has it, to the role of that name, or to the
    provider of the rule's first choice. A provider alone answers with the models that the rules
    know it by.
    """
    if provider is not None and provider not in rules.providers:
        raise UsageError(f"there is no provider {provider}; there are {', '.join(rules.providers)}")
    if model in rules.models:
        if provider not in {None, rules.models[model].provider}:
            raise UsageError(f"{model} is played by {rules.models[model].provider}, not by {provider}")
        return tuple(Candidate("pinned", where, name) for where, name in _models(rules, model))
    if model is not None:
        return (Candidate("pinned", provider or _home(rules, task, model), model),)
    known = [pair for target in (*rules.models, *rules.providers) for pair in _models(rules, target)]
    found = [Candidate("pinned", where, name) for where, name in dict.fromkeys(known) if where == provider]
    if not found:
        raise UsageError(f"the rules name no model of {provider}; add --model NAME")
    return tuple(found)


def _models(rules: Rules, target: str) -> list[tuple[str, str]]:
    if target in rules.models:
        model = rules.models[target]
        return [(model.provider, name) for name in model.candidates]
    spec = rules.providers.get(target)
    return [(target, spec.model)] if isinstance(spec, Embedded) else []


def is_embedded(rules: Rules, provider: str, model: str | None) -> bool:
    """Whether `provider` is an embedded engine, and `model` one of the weights it could run."""
    from workflow_hub.providers.embedded.catalogue import CATALOGUE

    return model in CATALOGUE and isinstance(rules.providers[provider], Embedded)


def _home(rules: Rules, task: str, model: str) -> str:
    own = (name for name in rules.providers if is_embedded(rules, name, model))
    return next(own, candidates(rules, task)[0].provider)
