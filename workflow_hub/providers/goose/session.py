"""One conversation with Goose over ACP: a prompt in, events out, every tool call decided on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import Process

from workflow_hub.errors import ReplyCut, ReplyInvalid, RequestRefused, Unavailable
from workflow_hub.providers.goose import acp
from workflow_hub.providers.goose.outcome import Ending, is_own, read_ending
from workflow_hub.providers.goose.policy import Decision, Policy, Verdict, answered, decide, target
from workflow_hub.providers.goose.work import (
    Answer,
    Event,
    Refused,
    TextDelta,
    ThoughtDelta,
    ToolAsked,
    ToolDecided,
    ToolFinished,
    ToolRequest,
)

OnEvent = Callable[[Event], object]
Ask = Callable[[ToolRequest], Awaitable[Answer]]
# Goose takes a prompt that begins with `/`, or `!`, as an order to itself.
LEAD = "The task:\n"
# Announced, so that the model has a tool that reads a file, and we are who reads it.
CAPABILITIES = {"fs": {"readTextFile": True, "writeTextFile": False}}
READ_BYTES = 1_000_000
ERROR_LINES = 5
DEVELOPER = "developer"


class Session:
    """A conversation in a folder; afterwards it tells what was said, run and refused.

    `ask` is asked where the policy wants the user to decide; meanwhile the `clock`, which is the
    scope of the deadline, stands still. `opened` may refuse a session that has just been opened with the
    tool `servers`.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        on_event: OnEvent,
        ask: Ask | None,
        clock: anyio.CancelScope,
        output_bytes: int,
        errors: Path,
        servers: Sequence[Mapping[str, Any]] = (),
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        self.text = ""
        self.commands: list[str] = []
        self.refused: list[Refused] = []
        self._process: Process
        self._policy = policy
        self._on_event = on_event
        self._ask = ask
        self._clock = clock
        self._output_bytes = output_bytes
        self._errors = errors
        self._servers = servers
        self._opened = opened
        self._lines = acp.Lines(output_bytes)
        self._received: list[bytes] = []
        self._received_bytes = 0
        self._requests = 0
        self._open: dict[str, ToolRequest | None] = {}
        self._allowed: set[str] = set()
        self._readable: set[Path] = set()
        self._message = self._message_id = ""

    async def converse(self, process: Process, prompt: str) -> Ending:
        """How Goose's work on the prompt ended.

        Raises Unavailable where this Goose cannot be driven, RequestRefused where it refuses the prompt,
        ReplyCut where it ends before its answer, ReplyInvalid where it does what it may not.
        """
        self._process = process
        hello = {"protocolVersion": acp.VERSION, "clientCapabilities": CAPABILITIES}
        found = (await self._call("initialize", hello)).get("protocolVersion")
        if found != acp.VERSION:
            raise Unavailable(
                f"this Goose speaks version {found} of its protocol; type `workflow-hub goose install`"
            )
        opening = {"cwd": str(self._policy.folder), "mcpServers": [*self._servers]}
        new = await self._call("session/new", opening)
        match new:
            case {"sessionId": str(session), "modes": {"currentModeId": "approve"}}:
                pass
            case _:
                raise Unavailable(
                    "this Goose would not ask before it acts; type `workflow-hub goose install`"
                )
        self._opened()
        content = [{"type": "text", "text": LEAD + prompt}]
        result = await self._call("session/prompt", {"sessionId": session, "prompt": content})
        return read_ending(result, self._message, self._message_id)

    async def _call(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The result of a request of ours; what comes before it is dealt with."""
        self._requests += 1
        await self._send(acp.ask(self._requests, method, params))
        while True:
            received = await self._receive()
            match received:
                case acp.Response(id=self._requests, error=None):
                    return received.result
                case acp.Response(id=self._requests):
                    raise RequestRefused(f"Goose refuses to work: {received.error}", partial=self.text)
                case acp.Request():
                    await self._serve(received)
                case acp.Notification(method="session/update"):
                    self._hear(received.params.get("update"))

    async def _send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            await self._process.stdin.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError) as error:
            raise await self._ended() from error

    async def _receive(self) -> acp.Received | None:
        assert self._process.stdout is not None
        while not self._received:
            try:
                data = await self._process.stdout.receive()
            except (anyio.EndOfStream, anyio.BrokenResourceError) as error:
                raise await self._ended() from error
            self._received_bytes += len(data)
            if self._received_bytes > self._output_bytes:
                raise ReplyCut(
                    f"Goose sent more than {self._output_bytes:,} bytes and was ended", partial=self.text
                )
            self._received += self._lines.feed(data)
        return acp.read(self._received.pop(0))

    async def _ended(self) -> ReplyCut:
        said = await anyio.Path(self._errors).read_text("utf-8", "replace")
        last = "\n".join(said.strip().splitlines()[-ERROR_LINES:])
        return ReplyCut(
            "Goose ended in the midst of its work" + (f". It said last:\n{last}" if last else ""),
            partial=self.text,
        )

    # -- what Goose tells -----------------------------------------------------------------------

    def _hear(self, update: Any) -> None:
        match update:
            case {"sessionUpdate": "agent_message_chunk", "content": {"text": str(text)}}:
                self._hear_text(text, str(update.get("messageId", "")))
            case {"sessionUpdate": "agent_thought_chunk", "content": {"text": str(text)}}:
                self._on_event(ThoughtDelta(text))
            case {"sessionUpdate": "tool_call", "toolCallId": str(id)}:
                self._hear_call(id, read_call(id, update))
            case {
                "sessionUpdate": "tool_call_update",
                "toolCallId": str(id),
                "status": "completed" | "failed",
            }:
                self._hear_end(id, update)

    def _hear_text(self, text: str, message_id: str) -> None:
        if message_id != self._message_id:
            self._message, self._message_id = "", message_id
        self._message += text
        if not is_own(message_id):
            self.text = self._message
            self._on_event(TextDelta(text))

    def _hear_call(self, id: str, request: ToolRequest) -> None:
        # A model may give two calls one id; a question about them would not say which of them it means.
        self._open[id] = None if id in self._open else request
        self._allowed.discard(id)
        self._on_event(ToolAsked(request))

    def _hear_end(self, id: str, update: Mapping[str, Any]) -> None:
        request = self._open.pop(id, None) or ToolRequest(id, "", {})
        ok = update["status"] == "completed"
        if ok and id not in self._allowed:
            raise ReplyInvalid(f"Goose used {request.tool or 'a tool'} without asking, and was ended")
        self._on_event(ToolFinished(request, ok, read_output(update)))

    # -- what Goose asks ------------------------------------------------------------------------

    async def _serve(self, request: acp.Request) -> None:
        match request.method:
            case "session/request_permission":
                allowed = await self._permit(request.params)
                await self._send(acp.permit(request.id, allowed))
            case "fs/read_text_file":
                await self._send(await self._read_file(request))
            case method:
                await self._send(acp.refuse(request.id, f"{method} is not offered", acp.METHOD_NOT_FOUND))

    async def _permit(self, params: Mapping[str, Any]) -> bool:
        match params:
            case {"toolCall": {"toolCallId": str(id), "rawInput": dict(arguments)}}:
                pass
            case _:
                id, arguments = "", {}
        known = self._open.get(id)
        # What is judged is what was sent with the question: it is what will be done.
        request = ToolRequest(id, known.tool if known else "", arguments)
        if known is None:
            verdict = Verdict(Decision.REFUSE, "Goose did not say which tool it is")
        else:
            verdict = await self._settled(request, decide(request, self._policy))
        allowed = verdict.decision is Decision.ALLOW
        if not allowed:
            self.refused.append(Refused(request, verdict.why))
        else:
            self._allowed.add(id)
            if isinstance(command := arguments.get("command"), str):
                self.commands.append(command)
            path = target(request, self._policy.folder)
            if request.tool == "read" and path is not None:
                self._readable.add(path)
        self._on_event(ToolDecided(request, allowed, verdict.why))
        return allowed

    async def _settled(self, request: ToolRequest, verdict: Verdict) -> Verdict:
        """The verdict, once the user has said the word that it may need."""
        if verdict.decision is not Decision.ASK:
            return verdict
        assert self._ask is not None  # who wants to be asked is there
        left = self._clock.deadline - anyio.current_time()
        self._clock.deadline = float("inf")
        said = await self._ask(request)
        self._clock.deadline = anyio.current_time() + left
        self._policy = answered(said, request, self._policy)
        if said is Answer.NO:
            return Verdict(Decision.REFUSE, "you said no")
        return Verdict(Decision.ALLOW, "you allowed it" + (" for the session" * (said is Answer.SESSION)))

    async def _read_file(self, request: acp.Request) -> bytes:
        """The answer to a request for a file's text, which was allowed before as a tool call."""
        named = request.params.get("path")
        path = await anyio.Path(named).resolve() if isinstance(named, str) else None
        if path is None or Path(path) not in self._readable:
            return acp.refuse(request.id, "this file may not be read")
        try:
            text = await anyio.to_thread.run_sync(_text, Path(path), abandon_on_cancel=True)
        except OSError as error:
            return acp.refuse(request.id, f"{named}: {error.strerror}")
        return acp.answer(request.id, {"content": cut(text, request.params)})


def read_call(id: str, update: Mapping[str, Any]) -> ToolRequest:
    """The tool call that an update announces; one of another extension than `developer` is `NAME__TOOL`."""
    arguments = update.get("rawInput")
    match update:
        case {"_meta": {"goose": {"toolCall": {"toolName": str(tool), **rest}}}}:
            extension = rest.get("extensionName", DEVELOPER)
        case _:
            tool, extension = str(update.get("title", "")), DEVELOPER
    if extension != DEVELOPER and not tool.startswith(f"{extension}__"):
        tool = f"{extension}__{tool}"
    return ToolRequest(id, tool, arguments if isinstance(arguments, dict) else {})


def read_output(update: Mapping[str, Any]) -> str:
    """What the model reads of a tool's result: its pieces of text."""
    pieces = update.get("content")
    texts = []
    for piece in pieces if isinstance(pieces, list) else []:
        match piece:
            case {"content": {"text": str(text)}}:
                texts.append(text)
    return "\n".join(texts)


def cut(text: str, params: Mapping[str, Any]) -> str:
    """The lines of a text that are asked for: `limit` of them, from the 1-based `line` on."""
    first, limit = params.get("line"), params.get("limit")
    if first is None and limit is None:
        return text
    lines = text.splitlines(keepends=True)
    start = max(first - 1, 0) if isinstance(first, int) else 0
    return "".join(lines[start : start + limit] if isinstance(limit, int) else lines[start:])


def _text(path: Path) -> str:
    if not path.is_file():  # a pipe would make us wait
        raise FileNotFoundError(2, "there is no such file")
    with path.open("rb") as file:
        data = file.read(READ_BYTES + 1)
    if len(data) > READ_BYTES:
        raise OSError(27, f"the file is larger than {READ_BYTES:,} bytes; read it in parts with the shell")
    return data.decode("utf-8", "replace")
