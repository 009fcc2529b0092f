"""The docstring task: facts into a prompt, a reply into judged slots, slots into a docstring."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any

from workflow_hub import schema
from workflow_hub.errors import ReplyInvalid
from workflow_hub.pipeline import Answers, Reading, Slots, Task
from workflow_hub.prompts import Template
from workflow_hub.source.context import Home, home_of
from workflow_hub.source.escapes import Raised
from workflow_hub.source.facts import BODY_TOKENS, Facts, module_body
from workflow_hub.source.outline import MODULE_TOKENS, first_words
from workflow_hub.source.symbols import Symbol
from workflow_hub.source.trim import estimate_tokens, trim
from workflow_hub.tasks.docstrings import trial
from workflow_hub.tasks.docstrings.agreement import agreed
from workflow_hub.tasks.docstrings.derived import derived
from workflow_hub.tasks.docstrings.examples import draft_fault, draft_schema, output_fault, with_example
from workflow_hub.tasks.docstrings.known import Known, known_of
from workflow_hub.tasks.docstrings.parts import Documented, Parts, Style
from workflow_hub.tasks.docstrings.sections import INDENT_WIDTH
from workflow_hub.tasks.docstrings.slots import EXAMPLE, SUMMARY, Slot, parts_of, slots_of
from workflow_hub.tasks.docstrings.styles import merge, render
from workflow_hub.tasks.docstrings.truth import untrue
from workflow_hub.tasks.docstrings.words import (
    COPIED,
    RULES,
    SAME,
    SILENT,
    Spoken,
    instead,
    refusal,
    runs_of,
    tidy,
)
from workflow_hub.values import Place, Prompt, Reply

NAME = "docstrings"
# A phrase takes about 14 tokens and its key 5; a reply that needs more has lost the thread.
TOKENS_AT_LEAST = 32
TOKENS_A_SLOT = 28
# What is told of callees and callers, at most.
CONTEXT_TOKENS = 120
MOST_CALLEES = 4


# What a summary is to say where it is not what the code does.
ABOUT = {"class": "what a {} is", "module": "what the module {} is for as a whole"}


@dataclass(frozen=True, eq=False)
class Target:
    """A symbol whose docstring is missing (`documented` is None), or lacks some parts.

    The facts come without the body, which takes longest and is only needed to ask. With `example` one is
    wanted beside the other parts.
    """

    symbol: Symbol
    facts: Facts
    documented: Documented | None
    place: Place
    example: bool = False

    def body(self, heard: Mapping[Home, str] = {}) -> str:
        """The code as far as it matters; of a module what it defines, with what was `heard` of that."""
        node = self.symbol.node
        if isinstance(node, ast.Module):
            return module_body(
                self.symbol,
                node,
                MODULE_TOKENS,
                lambda symbol: first_words(symbol) or heard.get(home_of(symbol), ""),
            )
        return trim(node, self.symbol.source.text, BODY_TOKENS)

    @cached_property
    def known(self) -> Known:
        """What a text about the symbol may name."""
        return known_of(self.symbol, self.facts)

    @cached_property
    def slots(self) -> dict[str, Slot]:
        """What is asked for, by name: the parts that the docstring lacks."""
        wanted = slots_of(self.facts, self.documented)
        return {**wanted, EXAMPLE: Slot("example")} if self.example else wanted

    @cached_property
    def schemas(self) -> dict[str, schema.Schema]:
        """What is asked for each slot; an example is given its form, which it cannot leave."""
        phrases = dict.fromkeys(self.slots, schema.PHRASE_OR_NULL)
        return {**phrases, EXAMPLE: draft_schema(self.symbol, self.facts)} if self.example else phrases


@dataclass(frozen=True, slots=True)
class Docstring:
    """The cleaned text of a docstring, the parts that were left out of it, with the reason, and the
    evidence for the exceptions that it names.

    `derived` are the parts whose words are the code's own, with what was wrong with the model's.
    `confidence` is how far samples agreed on a part, from 0 to 1; empty where there was one sample.
    """

    text: str
    left_out: Mapping[str, str]
    evidence: tuple[Raised, ...] = ()
    confidence: Mapping[str, float] = field(default_factory=dict)
    derived: Mapping[str, str] = field(default_factory=dict)

    @property
    def least_confidence(self) -> float:
        """That of the part that is least sure; 1 where there was one sample and nothing to tell it by."""
        return min(self.confidence.values(), default=1.0)


@dataclass(frozen=True, slots=True)
class Look:
    """How docstrings are laid out: `width` counts from the margin of the file."""

    style: Style
    width: int
    types: bool


def task(template: Template, look: Look, *, samples: int = 1) -> Task[Target, Docstring]:
    """The task with its template and its look; of several samples of a reply, what they agree on counts.

    What one item says in its summary, those that call it read in their prompts: they come after it.
    """
    spoken = Spoken(runs_of(template.text), frozenset(map(str.lower, template.head.echoes)))
    heard: dict[Home, str] = {}

    def result(target: Target, answers: Answers) -> Docstring:
        made = compose(target, answers, look)
        if summary := answers.values.get(SUMMARY):
            heard[home_of(target.symbol)] = summary
        return made

    return Task(
        NAME,
        f"{template.fingerprint}-{RULES}" + (f"-{samples}" if samples > 1 else ""),
        slots=lambda target: target.schemas,
        identity=lambda target: target.facts.identity,
        render=lambda target, slots, refused: prompt(template, target, slots, refused, heard),
        read=lambda target, slots, reply: read(target, slots, reply, spoken, heard),
        result=result,
        key=lambda target: home_of(target.symbol),
        after=lambda target: [callee.home for callee in target.facts.callees if not callee.says],
        # What is to be said in words comes out worse beside a call.
        apart=frozenset({EXAMPLE}),
        prove=lambda target, answers: prove(target, answers, look),
        samples=samples,
        agree=agreed,
    )


def prompt(
    template: Template,
    target: Target,
    slots: Slots,
    refused: Mapping[str, str],
    heard: Mapping[Home, str] = {},
) -> Prompt:
    """The question about the slots; their keys are the reply's schema and are not told in words.

    `heard` is what the run has said so far of what had no docstring.
    """
    facts = target.facts
    return template.render(
        {
            "owner": facts.owner,
            "owner_doc": facts.owner_doc,
            "comment": facts.comment,
            "code": f"{facts.signature}\n{target.body(heard)}".strip(),
            "about": ABOUT.get(facts.kind, "").format(target.symbol.name) or None,
            # What repeats a callee's sentence is asked again without it, too.
            **_context(facts, heard, alone=COPIED in refused.values()),
            "refused": {slot: instead(reason) for slot, reason in refused.items()},
            # What copies the example is asked again without it.
            "copied": COPIED in refused.values(),
            "example": EXAMPLE in slots,
        },
        schema=schema.record(slots),
        options={"max_tokens": TOKENS_AT_LEAST + TOKENS_A_SLOT * len(slots)},
    )


def _context(facts: Facts, heard: Mapping[Home, str], *, alone: bool) -> dict[str, list[Any]]:
    """What else the prompt tells, as much as CONTEXT_TOKENS hold: first what there are slots for."""
    # Of its own exceptions the code says enough.
    raises = [(one.name, one.reason) for one in facts.raises if one.path]
    said = [(one.name, one.says or heard.get(one.home, "")) for one in facts.callees]
    # A module's are in its outline.
    callees = [] if alone or facts.kind == "module" else [one for one in said if one[1]][:MOST_CALLEES]
    callers = () if alone else facts.callers
    told: dict[str, list[Any]] = {"raises": [], "callees": [], "callers": []}
    left = CONTEXT_TOKENS
    for kind, lines in (("raises", raises), ("callees", callees), ("callers", callers)):
        for line in lines:
            left -= estimate_tokens(line if isinstance(line, str) else ": ".join(line))
            if left < 0:
                return told
            told[kind].append(line)
    return told


def read(
    target: Target, slots: Slots, reply: Reply, spoken: Spoken = SILENT, heard: Mapping[Home, str] = {}
) -> Reading:
    """The reply judged slot by slot. Of a reply that was cut, the slots that came whole count.

    A summary that says what a callee says of itself was copied, and so was an exception that comes with
    what the prompt tells of it: a small model likes to do so. What it says of two parts in the same words
    is at most true of one. An example is asked for alone.
    """
    document = _document(slots, reply)
    names = target.facts.names
    quoted = {
        "summary": {_plain(one.says or heard.get(one.home, "")) for one in target.facts.callees},
        "raises": {_plain(tidy(one.reason)) for one in target.facts.raises if one.path},
    }
    taken: dict[str, Any] = {}
    refused: dict[str, str] = {}
    if EXAMPLE in slots and EXAMPLE not in document:
        return Reading({}, left_out={EXAMPLE: "was too long"})
    for key, value in document.items():
        slot = target.slots[key]
        if slot.kind == "example":
            return _draft(value, target, spoken)
        text = None if value is None else tidy(value)
        about = _about(target.facts, slot)
        reason = None
        if text is not None:
            reason = refusal(text, slot, about, names, spoken) or untrue(text, slot, target.known)
        if text and _plain(text) in quoted.get(slot.kind, ()):
            reason = COPIED
        if reason is None:
            taken[key] = text
        else:
            refused[key] = reason
    alike = _alike(taken, target)
    refused |= dict.fromkeys(alike, SAME)
    return Reading({key: text for key, text in taken.items() if key not in alike}, refused)


def _alike(taken: Mapping[str, str | None], target: Target) -> list[str]:
    """The parameters, attributes and exceptions of which the same is said as of another part."""
    counted = Counter(_plain(text) for text in taken.values() if text is not None)
    return [
        key
        for key, text in taken.items()
        if text is not None and counted[_plain(text)] > 1 and target.slots[key].name
    ]


def _draft(value: str | None, target: Target, spoken: Spoken) -> Reading:
    """A drafted call; one draft is enough: a function without an example is documented all the same."""
    draft = value and value.strip()
    fault = draft and draft_fault(draft, target.symbol)
    if draft and runs_of(draft) & spoken.runs:
        fault = fault or COPIED
    return Reading({}, left_out={EXAMPLE: fault}) if fault else Reading({EXAMPLE: draft})


def _plain(sentence: str) -> str:
    return sentence.lower().rstrip(" .")


def _document(slots: Slots, reply: Reply) -> Mapping[str, str | None]:
    if reply.finish != "length":
        document: dict[str, str | None] = schema.read(reply.text, schema.record(slots))
        return document
    whole = schema.read_cut(reply.text)
    if not isinstance(whole, dict):
        raise ReplyInvalid("was too long")
    return {
        key: value
        for key, value in whole.items()
        if key in slots and schema.mismatch(value, slots[key]) is None
    }


def _about(facts: Facts, slot: Slot) -> set[str]:
    """The names that a text in this slot must say more than."""
    match slot.kind:
        case "summary":
            # Nor may it say again what it was to be about.
            return {facts.qualname.rpartition(".")[2], *ABOUT.get(facts.kind, "").split()}
        case "raises":
            return {slot.name}
        case _:
            return {slot.name, slot.type or ""}


async def prove(target: Target, answers: Answers, look: Look) -> Answers:
    """The answers with what the drafted example showed, or without it where it showed nothing to keep."""
    draft = answers.values.get(EXAMPLE)
    if draft is None:
        return answers
    outputs = await trial.tried(draft, target.symbol.source)
    if isinstance(outputs, trial.Fault):
        return _without_example(answers, outputs.reason)
    # A section may be indented by one level more.
    width = look.width - margin(target.symbol) - INDENT_WIDTH
    fault = output_fault(draft, outputs, date.today(), width)
    if fault is not None:
        return _without_example(answers, fault)
    shown = f">>> {draft}\n{outputs[0].rstrip()}"
    return replace(answers, values={**answers.values, EXAMPLE: shown})


def _without_example(answers: Answers, reason: str) -> Answers:
    values = {slot: text for slot, text in answers.values.items() if slot != EXAMPLE}
    return replace(answers, values=values, left_out={**answers.left_out, EXAMPLE: reason})


def margin(symbol: Symbol) -> int:
    """The columns left of a docstring, where a level is four of them."""
    return 0 if symbol.kind == "module" else 4 + getattr(symbol.node, "col_offset", 0)


def compose(target: Target, answers: Answers, look: Look) -> Docstring:
    """The docstring that the answers make; one that had none needs a summary at least."""
    said = said_of(target, answers)
    parts = parts_of(target.slots, said.texts)
    width = look.width - margin(target.symbol)
    existing = target.symbol.docstring
    if existing is not None and existing.strip():
        text = merge(existing, parts, look.style, width=width, types=look.types)
    elif parts.summary is None:
        raise ReplyInvalid(f"no docstring: the summary {said.left_out.get(SUMMARY, 'was left open')}")
    else:
        text = render(parts, look.style, width=width, types=look.types)
    if example := said.texts.get(EXAMPLE):
        text = with_example(text, example, look.style)
    return said.docstring(text, target, parts)


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said of each slot, by the model or else by the code, and what of them by nobody."""

    texts: Mapping[str, str]
    left_out: Mapping[str, str]
    derived: Mapping[str, str]
    confidence: Mapping[str, float]

    def docstring(self, text: str, target: Target, parts: Parts) -> Docstring:
        """The docstring with that text, and what is to be known of it."""
        named = {entry.name for entry in parts.raises}
        evidence = tuple(one for one in target.facts.raises if one.name in named)
        return Docstring(text, self.left_out, evidence, self.confidence, self.derived)


def said_of(target: Target, answers: Answers) -> Said:
    """The answers, and what the code says of the slots that they leave open.

    Where no answer may stand, the code does not sum up the function, either: a model that says nothing
    is to be noticed.
    """
    texts = {slot: text for slot, text in answers.values.items() if text is not None}
    unsaid = {slot: "was left open" for slot in answers.values if slot not in texts} | dict(answers.left_out)
    own = {
        slot: text
        for slot in unsaid
        if (slot != SUMMARY or texts)
        and (text := derived(target.slots[slot], target.symbol, target.facts)) is not None
    }
    return Said(
        texts | own,
        {slot: reason for slot, reason in unsaid.items() if slot not in own},
        {slot: reason for slot, reason in unsaid.items() if slot in own},
        answers.confidence,
    )
