"""What the user of an agent hands over with a prompt, besides its words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from workflow_hub.providers.goose.session import Ask, OnEvent
from workflow_hub.providers.goose.work import Approve, Rule


@dataclass(frozen=True, slots=True)
class Desk:
    """What the user of an agent hands over with a prompt, and hears: nothing of it is the model's business.

    `allow` adds to the rules of routing.yaml. Without `approve` that file's word holds, or else the user
    is asked where `ask` is given, and the list decides where it is not. Without `in_copy` a copy is made
    where `apply` is wanted, and in CI where the folder is in a git work tree.
    """

    folder: Path
    approve: Approve | None = None
    allow: tuple[Rule, ...] = ()
    ask: Ask | None = None
    on_event: OnEvent = lambda event: None
    in_copy: bool | None = None
    apply: bool = False
    verify: str | None = None
