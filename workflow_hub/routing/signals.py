"""What a prompt tells about itself before anybody answers it: task, needs, images, length, language."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workflow_hub.routing.intent import Evidence

NEEDS = ("files", "terminal", "mcp")
FREE_TEXT_TASK = "ask"
CONTEXT_CHARACTERS = 4000


@dataclass(frozen=True, slots=True)
class Signals:
    """What rules can ask of a prompt.

    `needs` are the declared ones and those inferred from its words; `evidence` holds the words for
    the inferred ones. `unsure`: the words do not tell whether anything is to be done, and `needs`
    is a guess that leans to tools. `tokens` is an estimate. `language` is "en", "de", "fr", "es",
    "zh", or "und" for any other. `score` is what the words say: above 0, that something is rather
    to be done than not; None where they were not asked.
    """

    task: str
    needs: frozenset[str]
    declared: frozenset[str]
    evidence: tuple[Evidence, ...]
    unsure: bool
    images: int
    tokens: int
    language: str
    score: float | None = None


def signals(
    text: str, *, task: str = FREE_TEXT_TASK, needs: Iterable[str] = (), images: int = 0, context: str = ""
) -> Signals:
    """The signals of `text`; `context` is attached text, counted in tokens and never a request.

    To the words it is what a quotation in them would be: with a file attached, "this function" is in it.

    Needs are inferred for the task "ask" only: the prompts of other tasks are ours, and declare
    what they need. Pure, and never raises on any text.
    """
    # Imported here, because most of what looks at signals reads no text: rules, for one.
    from workflow_hub.routing.intent import read
    from workflow_hub.source.trim import estimate_tokens

    declared = frozenset(needs)
    reading = read(f"{text}\n\n{_quoted(context)}" if context else text)
    evidence = reading.evidence if task == FREE_TEXT_TASK else ()
    inferred = frozenset(one.need for one in evidence)
    return Signals(
        task=task,
        needs=declared | inferred,
        declared=declared,
        evidence=evidence,
        unsure=task == FREE_TEXT_TASK and reading.unsure and not declared,
        images=images,
        tokens=estimate_tokens(text) + (estimate_tokens(context) if context else 0),
        language=reading.language,
        score=round(reading.score, 2) if task == FREE_TEXT_TASK else None,
    )


def _quoted(context: str) -> str:
    """As much of the context as tells what it is, in a fence that nothing in it ends."""
    return "```\n" + context[:CONTEXT_CHARACTERS].replace("`", "'") + "\n```"
