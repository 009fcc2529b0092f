"""What is seen of an answer while it comes: its text on stdout, and the rest of what happens on stderr."""

from __future__ import annotations

import json
import sys
import time

import click

from workflow_hub.cli.live import Live
from workflow_hub.cli.options import deliver
from workflow_hub.errors import HubError, ItemError
from workflow_hub.hub import Watch
from workflow_hub.providers.goose.policy import PATH_TOOLS, SHELL
from workflow_hub.providers.goose.work import Event, ToolDecided, ToolFinished, ToolRequest
from workflow_hub.report.plain import Plain
from workflow_hub.report.work import shown as short
from workflow_hub.routing.router import Choice
from workflow_hub.values import Delta, Failed, Place, RefusedCall, Reply, Route, Usage, Work

# A prompt stands in no file; the report has it in the folder it was asked in.
PLACE = Place("prompt", ".", 1)


class Shown(Live):
    """Shows one answer, and counts what it takes.

    Text goes to stdout as it comes where it `streams`: without escape sequences at a terminal, as it is
    elsewhere. What a model thinks goes to stderr where that is `verbose`. While nothing comes, the line
    at the foot of a terminal says who is waited for.
    """

    def __init__(self, *, quiet: bool, verbose: bool, streams: bool, colored: bool) -> None:
        super().__init__(quiet=quiet)
        self.route: Route | None = None
        self.usage = Usage()
        self.asked = 0
        self.streams = streams
        self._verbose, self._colored = verbose, colored
        self._text = Plain() if sys.stdout is not None and sys.stdout.isatty() else None
        self._thoughts = Plain()
        self._waiting = "looking for a model"
        self._since = time.monotonic()
        self._line_ends = ""  # held back until something comes after them
        self._text_open = self._thought_open = False
        self._said: list[str] = []
        self._allowed: list[ToolRequest] = []
        self._refused: list[RefusedCall] = []

    @property
    def watch(self) -> Watch:
        """What a hub is to call, so that this is shown."""
        return Watch(say=self.say, progress=self.progress, replied=self.replied, chosen=self.chosen)

    def chosen(self, choice: Choice, why: str) -> None:
        """Say who is asked, and why that is."""
        self.route = choice.route
        who = f"{choice.route.provider} {choice.route.model}"
        self._waiting = f"{'waiting for' if choice.model.loaded else 'loading'} {who}"
        self._since = time.monotonic()
        if self._terminal:
            because = "; ".join(filter(None, [why, choice.route.why]))
            self.say(f"asking {who} by the rule {choice.route.rule}{because and f': {because}'}")

    def replied(self, reply: Reply) -> None:
        """A reply has come: it is one more request, and it has cost what it says."""
        super().replied(reply)
        self.usage += reply.usage
        self.asked += 1

    def delta(self, delta: Delta) -> None:
        """Show a piece of the answer."""
        if delta.reasoning and self._verbose and not self._quiet:
            self._think(delta.reasoning)
        self._said.append(delta.text)
        if delta.text and self.streams:
            self._speak(delta.text)

    def event(self, event: Event) -> None:
        """Show what an agent does: each tool it may use, each it may not, and each that fails."""
        match event:
            case ToolDecided(request, allowed=True):
                self._allowed.append(request)
                self._tell(f"  allowed  {described(request)}")
            case ToolDecided(request, why=why):
                self._refused.append(RefusedCall(request.tool, subject(request), why))
                self._tell(f"  refused  {described(request)}: {why}")
            case ToolFinished(request, ok=False) if request in self._allowed:
                self._tell(f"  failed   {described(request)}")

    def finish(self) -> None:
        """End the line that is open, and show what is held back: nothing more will come."""
        self._end_thought()
        self._end_text(self._text.close() if self._text is not None else "")

    def ready(self) -> None:
        """Nothing is left open on the screen: somebody is about to be asked."""
        self.stop()
        self._end_thought()
        self._end_text()

    def failed(self, error: HubError) -> Failed[Place]:
        """The outcome of a prompt that has no answer."""
        return Failed(PLACE, error, self.route, self.usage, max(self.asked, 1))

    @property
    def interrupted(self) -> HubError:
        """What is known of a prompt that the user put an end to."""
        error = ItemError("interrupted", partial="".join(self._said))
        error.work = self._work
        return error

    @property
    def _work(self) -> Work | None:
        """What an agent was allowed and refused, as far as it was heard of; None where it wanted nothing."""
        if not (self._allowed or self._refused):
            return None
        commands = tuple(subject(one) for one in self._allowed if one.tool == SHELL)
        notes = tuple(f"may have used {described(one)}" for one in self._allowed if one.tool != SHELL)
        return Work(commands=commands, refused=tuple(self._refused), notes=notes)

    def line(self) -> str:
        return self._step or f"{self._waiting}, {time.monotonic() - self._since:.0f} s"

    def _speak(self, text: str) -> None:
        self._end_thought()
        whole = self._line_ends + (text if self._text is None else self._text.feed(text))
        if not self._text_open:
            whole = whole.lstrip("\n")
        body = whole.rstrip("\n")
        self._line_ends = whole[len(body) :]
        if body:
            self.stop()
            self._text_open = True
            deliver(body.encode("utf-8", "backslashreplace"), None)

    def _end_text(self, rest: str = "") -> None:
        self._line_ends = ""
        if self._text_open:
            self._text_open = False
            deliver(f"{rest}\n".encode("utf-8", "backslashreplace"), None)

    def _think(self, text: str) -> None:
        if sys.stderr is None or not (text := self._thoughts.feed(text)):
            return
        self.stop()
        self._thought_open = True
        sys.stderr.write(click.style(text, dim=True) if self._colored else text)
        sys.stderr.flush()

    def _end_thought(self) -> None:
        if self._thought_open and sys.stderr is not None:
            self._thought_open = False
            sys.stderr.write("\n")
            sys.stderr.flush()

    def _tell(self, message: str) -> None:
        """A line on stderr between the pieces of text, each of which ends before it."""
        self.ready()
        self.say(message)


def described(request: ToolRequest) -> str:
    """The tool and what it is for, in one line."""
    return f"{request.tool} {short(subject(request))}".rstrip()


def subject(request: ToolRequest) -> str:
    """The command or the path that the tool is for; of any other tool, its arguments."""
    named = request.arguments.get("command" if request.tool == SHELL else PATH_TOOLS.get(request.tool, ""))
    if isinstance(named, str):
        return named
    return json.dumps(dict(request.arguments), ensure_ascii=False) if request.arguments else ""
