"""Prompt templates: `prompts/*.j2`, a YAML head and a Jinja block for each turn, made into a Prompt.

    ---
    name: docstrings
    version: 1
    inputs: {code: text, refusal: text?}
    options: {temperature: 0}
    ---
    {% block system %}…{% endblock %}
    {% block example %}…{% endblock %}
    {% block answer %}…{% endblock %}
    {% block user %}…{% endblock %}

An `example` and its `answer` may be left out; a small model keeps to a form that it seems to have
answered in before. What stands before `user` had better be the same for every item of a run: a server
reads it once. `echoes` are words of the example in the prompt: an answer that uses one was copied from it.
Input types are `text`, `number`, `flag`, `list` and `map`; a `?` admits null. Templates run in
Jinja's sandbox and cannot include files. A project's own `prompts/NAME.j2` shadows the packaged
one of that name, if it begins with such a head.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import jinja2
from jinja2 import meta
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workflow_hub.errors import PromptError
from workflow_hub.located import read_text, read_yaml
from workflow_hub.packaged import packaged
from workflow_hub.values import Image, Message, Prompt, Role

TURNS: Mapping[str, Role] = {"system": "system", "example": "user", "answer": "assistant", "user": "user"}
NEEDED = ("system", "user")
_EXAMPLE = ("example", "answer")
InputType = Literal["text", "number", "flag", "list", "map", "text?", "number?", "flag?", "list?", "map?"]
# What an expression in a template can raise: it calls the methods of Python's own values.
FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "number": (int, float),
    "flag": (bool,),
    "list": (list, tuple),
    "map": (dict,),
}


class Head(BaseModel):
    """What stands between the two `---` lines."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    version: Annotated[int, Field(ge=1)]
    inputs: dict[str, InputType] = {}
    options: dict[str, Any] = {}
    echoes: tuple[str, ...] = ()
    needs: tuple[Literal["files", "terminal", "mcp"], ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A template that has been read and checked; `fingerprint` changes with every byte of it."""

    head: Head
    text: str
    path: Path
    fingerprint: str
    compiled: jinja2.Template

    def render(
        self,
        inputs: Mapping[str, Any],
        *,
        schema: Mapping[str, Any] | None = None,
        options: Mapping[str, Any] | None = None,
        images: tuple[Image, ...] = (),
    ) -> Prompt:
        """The prompt for `inputs`; `options` come on top of the head's.

        What the head does not declare is not passed on, so that a project's own prompt declares what
        it uses and no more. Raises PromptError naming every input that is missing or of the wrong type.
        """
        if faults := list(_input_faults(self.head.inputs, inputs)):
            raise PromptError(f"prompt {self.head.name}: {'; '.join(faults)}", path=self.path)
        try:
            context = self.compiled.new_context({name: inputs[name] for name in self.head.inputs})
            said = {
                block: "".join(self.compiled.blocks[block](context)).strip()
                for block in TURNS
                if block in self.compiled.blocks
            }
        except FAULTS as error:
            raise PromptError(f"prompt {self.head.name}: {error}", path=self.path) from error
        question = Message("user", said.pop("user"), images)
        return Prompt(
            self.head.name,
            (*(Message(TURNS[block], text) for block, text in said.items() if text), question),
            schema=schema,
            options={**self.head.options, **(options or {})},
            needs=frozenset(self.head.needs),
            fingerprint=self.fingerprint,
        )


def find(name: str, folders: Iterable[Path] = ()) -> Template:
    """The template called `name`: a project's own in `folders`, else the packaged one."""
    packaged_path = packaged(f"prompts/{name}.j2")
    if not packaged_path.is_file():
        known = sorted(path.stem for path in packaged("prompts").glob("*.j2"))
        raise PromptError(f"there is no prompt {name}; there are {', '.join(known)}")
    for folder in folders:
        own = folder / "prompts" / f"{name}.j2"
        if own.is_file() and own != packaged_path and _text(own).startswith("---\n"):
            return _load(own)
    return _load(packaged_path)


def _load(path: Path) -> Template:
    return parse(_text(path), path)


def _text(path: Path) -> str:
    return read_text(path, PromptError).replace("\r\n", "\n")


@lru_cache(maxsize=64)
def parse(text: str, path: Path) -> Template:
    """The template in `text`; raises PromptError, with the line in `path`, for whatever is wrong."""
    head_text, body, body_line = _split(text, path)
    located = read_yaml(head_text, path, fault=PromptError, first_line=2)
    try:
        head = Head.model_validate(located.value)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = tuple(part for part in fault["loc"] if isinstance(part, str | int))
        place = ".".join(map(str, key)) or "head"
        raise PromptError(f"{place}: {fault['msg']}", path=path, line=located.line(key)) from error
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    try:
        tree = environment.parse(body)
        compiled = environment.from_string(body)
    except jinja2.TemplateSyntaxError as error:
        raise PromptError(
            error.message or "is not Jinja", path=path, line=error.lineno + body_line
        ) from error
    except (RecursionError, SyntaxError, MemoryError) as error:  # SyntaxError: of the Python that Jinja makes
        raise PromptError("is nested too deeply", path=path) from error
    if undeclared := sorted(meta.find_undeclared_variables(tree) - set(head.inputs)):
        raise PromptError(f"uses {', '.join(undeclared)}, which `inputs` does not declare", path=path)
    needed = (*NEEDED, *_EXAMPLE) if any(block in compiled.blocks for block in _EXAMPLE) else NEEDED
    if absent := [block for block in needed if block not in compiled.blocks]:
        raise PromptError(f"lacks the block {' and '.join(absent)}", path=path)
    return Template(
        head, text, path, f"{head.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}", compiled
    )


def _split(text: str, path: Path) -> tuple[str, str, int]:
    """(head, body, lines before the body)."""
    first, _, rest = text.partition("\n")
    head, mark, body = rest.partition("\n---\n")
    if first != "---" or not mark:
        raise PromptError("begins with a YAML head between two `---` lines", path=path, line=1)
    return head, body, head.count("\n") + 3


def _input_faults(declared: Mapping[str, str], given: Mapping[str, Any]) -> Iterable[str]:
    if missing := [name for name in declared if name not in given]:
        yield f"lacks {', '.join(missing)}"
    for name, kind in declared.items():
        if name not in given or (given[name] is None and kind.endswith("?")):
            continue
        bare = kind.removesuffix("?")
        right = isinstance(given[name], _PYTHON_TYPES[bare])
        if not right or (bare == "number" and isinstance(given[name], bool)):
            yield f"{name} is not {bare}"
