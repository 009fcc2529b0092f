"""Pictures in words, for an agent that sees none: a model with eyes describes them first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from workflow_hub.prompts import Template
from workflow_hub.tasks.ask.given import Asked, Given

if TYPE_CHECKING:
    from workflow_hub.routing.router import Router

TASK = "describe"


async def described(request: Asked, router: Router, template: Template) -> Asked:
    """The request with what each of its images shows in place of the images.

    Raises what the router does where nobody can look at them.
    """
    seen = []
    for number, image in enumerate(request.images, 1):
        reply = await router.answer(template.render({"request": request.text}, images=(image,)))
        name = f"image {number}" if len(request.images) > 1 else "the image"
        seen.append(Given(f"{name}, as {reply.model} describes it", reply.text))
    return replace(request, images=(), given=(*request.given, *seen))
