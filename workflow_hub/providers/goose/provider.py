"""Goose as a provider: a prompt is work in a folder, and the reply tells what was done there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio.to_thread

from workflow_hub.config import Goose as Settings
from workflow_hub.config import project_root
from workflow_hub.errors import RequestRefused, SchemaIgnored, Unavailable
from workflow_hub.providers import OnDelta, Provider
from workflow_hub.providers.goose import find
from workflow_hub.providers.goose.desk import Desk
from workflow_hub.providers.goose.drive import run
from workflow_hub.providers.goose.policy import PATH_TOOLS
from workflow_hub.providers.goose.session import OnEvent
from workflow_hub.providers.goose.work import (
    AgentOutcome,
    AgentRequest,
    Approve,
    Event,
    Extension,
    Limits,
    Model,
    Refused,
    Rule,
    Sandbox,
    TextDelta,
    ThoughtDelta,
)
from workflow_hub.values import Delta, Endpoint, ModelInfo, Prompt, RefusedCall, Reply, Work


class GooseProvider:
    """Goose on a model of another provider, which is `backing`; `options` are its line in routing.yaml."""

    def __init__(
        self,
        options: Mapping[str, Any],
        backing: Provider,
        *,
        desk: Desk,
        settings: Settings,
        env: Mapping[str, str] = os.environ,
    ) -> None:
        self._options = options
        self._backing = backing
        self._desk = desk
        self._settings = settings
        self._env = env

    async def find(self, model: str) -> ModelInfo:
        """What the provider behind knows of the model. Raises Unavailable where there is no Goose."""
        goose = await anyio.to_thread.run_sync(find.need, self._env)
        info = await self._backing.find(model)
        return replace(info, identity=f"{info.identity} with Goose {goose.version}")

    async def complete(self, prompt: Prompt, model: str, on_delta: OnDelta | None = None) -> Reply:
        """The model's last words, and the work; a HubError tells what was done by then in its `.work`."""
        text = text_of(prompt)
        request = self._request(text, await self._model(prompt, model))
        outcome = await run(request, on_event=_told(self._desk, on_delta), ask=self._desk.ask, env=self._env)
        work = _work(outcome)
        if outcome.error is not None:
            outcome.error.work = work
            raise outcome.error
        return Reply(outcome.text, usage=outcome.usage, model=model, work=work)

    async def endpoint(self, model: str) -> Endpoint:
        """Raises `Unavailable`: nobody reaches an agent as a model."""
        raise Unavailable("an agent is no model that another program reaches; name a model instead")

    async def free(self, model: str) -> bool:
        """False: an agent holds no model that could go."""
        return False

    async def aclose(self) -> None:
        """Nothing: a run leaves nothing open, and the provider behind is its owner's to close."""

    async def _model(self, prompt: Prompt, model: str) -> Model:
        info = await self._backing.find(model)
        reached = await self._backing.endpoint(model)
        return Model(
            model,
            reached.base_url,
            reached.key,
            info.context_tokens,
            temperature=prompt.options.get("temperature"),
            max_tokens=prompt.options.get("max_tokens"),
        )

    def _request(self, text: str, model: Model) -> AgentRequest:
        desk, settings = self._desk, self._settings
        return AgentRequest(
            text,
            desk.folder,
            model,
            approve=desk.approve or self._approval(),
            allow=(*map(Rule.parse, self._options["allow"]), *desk.allow),
            limits=Limits(settings.seconds, self._options["max_turns"], settings.output_bytes),
            pass_on=settings.pass_on,
            in_copy=self._in_copy(),
            apply=desk.apply,
            verify=desk.verify,
            sandbox=Sandbox(settings.sandbox),
            extensions=tuple(
                Extension(name, tuple(one["command"]), one["url"])
                for name, one in self._options["extensions"].items()
            ),
        )

    def _approval(self) -> Approve:
        """What routing.yaml says; who cannot be asked is not."""
        said = Approve(self._options["approve"] or Approve.ASK)
        return Approve.LIST if said is Approve.ASK and self._desk.ask is None else said

    def _in_copy(self) -> bool:
        if self._desk.in_copy is not None:
            return self._desk.in_copy
        in_ci = self._env.get("CI", "").lower() not in ("", "0", "false")
        return self._desk.apply or (in_ci and _is_in_work_tree(self._desk.folder))


def text_of(prompt: Prompt) -> str:
    """The prompt as one text; several turns are told apart by who spoke.

    Raises RequestRefused for images, SchemaIgnored where the reply is to follow a schema.
    """
    if prompt.images:
        raise RequestRefused("the agent takes no images; let a model that does describe them in the prompt")
    if prompt.schema is not None:
        raise SchemaIgnored("the agent answers in its own words, and follows no JSON schema")
    texts = [message.text for message in prompt.messages]
    roles = [message.role for message in prompt.messages]
    if roles.count("user") == 1 and "assistant" not in roles:
        return "\n\n".join(filter(None, texts))
    return "\n\n".join(f"{role}: {text}" for role, text in zip(roles, texts, strict=True))


def _told(desk: Desk, on_delta: OnDelta | None) -> OnEvent:
    """Who hears the events: the desk all of them, `on_delta` the words, messages apart from each other."""
    if on_delta is None:
        return desk.on_event
    gap, next_gap = "", ""

    def hear(event: Event) -> None:
        nonlocal gap, next_gap
        desk.on_event(event)
        match event:
            case TextDelta(text):
                on_delta(Delta(gap + text))
                gap, next_gap = "", "\n\n"
            case ThoughtDelta(text):
                on_delta(Delta(reasoning=text))
            case _:
                gap = next_gap

    return hear


def _is_in_work_tree(folder: Path) -> bool:
    return (project_root(folder) / ".git").exists()


def _work(outcome: AgentOutcome) -> Work:
    return Work(
        files=outcome.files,
        commands=outcome.commands,
        refused=tuple(map(_refused, outcome.refused)),
        patch=outcome.patch,
        applied=outcome.applied,
        notes=outcome.notes,
    )


def _refused(one: Refused) -> RefusedCall:
    argument = PATH_TOOLS.get(one.request.tool, "command")
    return RefusedCall(one.request.tool, str(one.request.arguments.get(argument, "")), one.why)
