"""What an agent has done, for a reader and as JSON: files, commands, and what it was not allowed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workflow_hub.report.plain import cut, visible
from workflow_hub.values import Work

LONGEST = 200


def as_dict(work: Work) -> dict[str, Any]:
    """{files: {created, changed, deleted}, commands, refused: [{tool, on, why}]}.

    `applied` says, where there was a copy, whether the folder has what was done in it; `notes` are there
    where there are any.
    """
    document: dict[str, Any] = {
        "files": {
            "created": list(work.files.created),
            "changed": list(work.files.changed),
            "deleted": list(work.files.deleted),
        },
        "commands": list(work.commands),
        "refused": [{"tool": one.tool, "on": one.on, "why": one.why} for one in work.refused],
    }
    if work.patch:
        document["applied"] = work.applied
    if work.notes:
        document["notes"] = list(work.notes)
    return document


def lines(work: Work) -> Iterator[str]:
    """A line for each file, command, refusal and note; where nothing was done, one that says so."""
    for verb, paths in (
        ("created", work.files.created),
        ("changed", work.files.changed),
        ("deleted", work.files.deleted),
        ("ran", work.commands),
    ):
        yield from (f"  {verb:<8} {shown(path)}" for path in paths)
    for one in work.refused:
        yield f"  {'refused':<8} {one.tool} {shown(one.on)}: {one.why}"
    if not (work.files or work.commands or work.refused):
        yield "  no file was touched, and no command run"
    if work.applied:
        yield f"  {'applied':<8} the folder has it"
    yield from (f"  {'note':<8} {note}" for note in work.notes)


def shown(text: str) -> str:
    """`text` in one line, of a length that fits it, with nothing hidden."""
    return cut(visible(text), LONGEST)
