"""What is told of an answer at its end: the rest of it on stdout, what became of it on stderr, or JSON."""

from __future__ import annotations

import hashlib
import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

from workflow_hub import schema
from workflow_hub.cli.diff import in_color, visible_only
from workflow_hub.cli.options import Common, deliver
from workflow_hub.cli.shown import Shown
from workflow_hub.config import project_root
from workflow_hub.report import as_json
from workflow_hub.report import work as working
from workflow_hub.report.document import Report
from workflow_hub.report.plain import plain
from workflow_hub.report.summary import Summary, summarize
from workflow_hub.tasks.ask import Asked
from workflow_hub.values import Done, Failed, Place, Reply, Route, Work

Answered = Done[Place, Reply] | Failed[Place]


def report(outcome: Answered, request: Asked, shown: Shown, common: Common, seconds: float) -> None:
    """Deliver what has not been shown yet, and say who answered, at what cost, and what was done."""
    summary = summarize([outcome], seconds)
    work = work_of(outcome)
    kept = keep(work.patch) if work and work.patch and not work.applied else None
    if common.format == "json":
        deliver(_document(outcome, request, summary, kept).encode("utf-8", "backslashreplace"), common.output)
    else:
        _deliver(_text(outcome, request, shown), work.patch if work else b"", common)
    if isinstance(outcome, Failed):
        shown.say(f"workflow-hub: {outcome.error}", error=True)
        if request.schema and (said := getattr(outcome.error, "partial", "")):
            shown.say(f"  said     {working.shown(said)}")
    tell_work(work, shown)
    if kept is not None:
        shown.say(f"  kept     the difference; take it over with `{_taking_over(kept)}`", error=True)
    if outcome.route is not None:
        _tell_route(outcome.route, summary, shown)


def work_of(outcome: Answered) -> Work | None:
    """What an agent has done, also before it failed; None where there was no agent."""
    if isinstance(outcome, Done):
        return outcome.result.work
    return getattr(outcome.error, "work", None)


def tell_work(work: Work | None, shown: Shown) -> None:
    """Lines on stderr about what an agent has done, where there was one."""
    for line in working.lines(work) if work else ():
        shown.say(line)


def _tell_route(route: Route, summary: Summary, shown: Shown) -> None:
    """The last lines: who answered, what it took, and instead of whom."""
    usage = summary.usage
    if summary.done:
        tokens = f"; {usage.prompt_tokens} prompt tokens, {usage.completion_tokens} written"
        shown.say(
            f"{route.provider} {route.model} by the rule {route.rule}, {summary.seconds:.1f} s"
            f"{tokens if usage.prompt_tokens else ''}"
        )
    if route.fallback_from is not None:
        shown.say(f"  fallback instead of {route.fallback_from}: {route.why}")


def keep(patch: bytes) -> Path:
    """Where the patch is kept now: in the user's own folder, or the temporary one, named by its content."""
    import platformdirs

    name = f"{hashlib.sha256(patch).hexdigest()[:12]}.patch"
    folder = platformdirs.user_state_path("workflow-hub") / "patches"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(patch)
    except OSError:
        folder = Path(tempfile.mkdtemp(prefix="workflow-hub-patch-"))
        (folder / name).write_bytes(patch)
    return folder / name


def _taking_over(patch: Path) -> str:
    here = Path.cwd()
    root = project_root(here)
    words = ["git", *(["-C", str(root)] if root != here else []), "apply", str(patch)]
    return shlex.join(words)


def _text(outcome: Answered, request: Asked, shown: Shown) -> str:
    """The answer where it was not streamed; of one that failed, what there is of it."""
    if shown.streams:
        return ""
    if isinstance(outcome, Done):
        text = (
            json.dumps(_read(outcome.result, request), indent=2, ensure_ascii=False)
            if request.schema
            else outcome.result.text
        )
    else:
        # Where JSON is wanted, nothing else is on stdout.
        text = "" if request.schema else getattr(outcome.error, "partial", "")
    return text.rstrip("\n") + "\n" if text else ""


def _deliver(text: str, patch: bytes, common: Common) -> None:
    """The text, then the patch: as they are, or fit for the screen that they go to."""
    if common.output is None and sys.stdout is not None and sys.stdout.isatty():
        seen = visible_only(patch)
        data = plain(text).encode("utf-8", "backslashreplace")
        data += in_color(seen) if common.colored(sys.stdout) else seen
    else:
        data = text.encode("utf-8", "backslashreplace") + patch
    if data:
        deliver(data, common.output)


def _document(outcome: Answered, request: Asked, summary: Summary, kept: Path | None) -> str:
    def result(reply: Reply) -> dict[str, Any]:
        document = {"text": reply.text, **working.as_dict(reply.work or Work())}
        if request.schema is not None:
            document["json"] = _read(reply, request)
        return document | patch

    def left(error: Exception) -> dict[str, Any]:
        text, work = getattr(error, "partial", ""), getattr(error, "work", None)
        return {"text": text, **working.as_dict(work or Work()), **patch} if text or work else {}

    patch = {} if kept is None else {"patch": str(kept)}
    here = Path.cwd()
    return as_json.write(
        Report("ask", summary, here, project_root(here), (outcome,), result=result, left=left)
    )


def _read(reply: Reply, request: Asked) -> Any:
    """The JSON that the answer is; it has been checked."""
    return schema.read(reply.text, request.schema or {})
