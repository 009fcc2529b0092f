"""The bytes of a server-sent stream as deltas, and as the reply they add up to.

A stream is whole only with its end mark, whatever the transport said (contract, section 2.5). Lines
end at line feeds: other characters that Unicode calls line ends may stand in the JSON.
"""

from __future__ import annotations

import json
from typing import Any

from workflow_hub.errors import HubError, ReplyCut, ReplyInvalid
from workflow_hub.providers.dmr.refusals import refusal
from workflow_hub.providers.dmr.thinking import Thinking
from workflow_hub.providers.dmr.wire import Call, read_chat, read_timings, read_usage, tool_call
from workflow_hub.values import Delta, Reply, Timings, Usage


class StreamReader:
    """Reads the answer to `call` piece by piece.

    `began` is true once a record has come, `done` once the end mark has.
    """

    def __init__(self, call: Call) -> None:
        self.began = False
        self.done = False
        self._call = call
        self._line = b""
        self._prefill, self._head = call.prefill, ""
        self._thinking = Thinking(after=call.prefill)
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._finish = "stop"
        self._answered = self._spoke = False
        self._usage = Usage()
        self._timings: Timings | None = None
        self._whole: Reply | None = None

    def cut(self) -> str:
        """The text that came, for a reply that comes to no proper end."""
        self._close()
        return "".join(self._text)

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas that `data` completes.

        Raises what an error record says, and ReplyInvalid for a record that is not JSON.
        """
        *lines, self._line = (self._line + data).split(b"\n")
        deltas: list[Delta] = []
        for line in lines:
            if not self.done:
                deltas += self._read(line.rstrip(b"\r"))
        return [delta for delta in deltas if delta.text or delta.reasoning]

    def whole(self, body: bytes) -> list[Delta]:
        """The reply as one delta, from a server that answered with a plain reply instead of a stream."""
        self._whole = read_chat(body, self._call)
        delta = Delta(self._whole.text, self._whole.reasoning)
        return [delta] if delta.text or delta.reasoning else []

    def reply(self) -> Reply:
        """The whole reply, the same as one that was not streamed.

        Raises ReplyCut without the end mark, ReplyInvalid without a choice, or where nothing but
        nulls came: neither text nor thought nor tool call.
        """
        if self._whole is not None:
            return self._whole
        if not self.done:
            text = (
                f"{self._call.model}'s reply broke off before its end; ask again, or see `docker model logs`"
            )
            raise ReplyCut(text, partial=self.cut())
        if not self._answered:
            raise ReplyInvalid(f"{self._call.model} sent a reply without a choice")
        if not self._spoke and not self._calls:
            raise ReplyInvalid(f"{self._call.model} sent a reply without text")
        return Reply(
            "".join(self._text),
            reasoning="".join(self._reasoning).strip(),
            finish=self._finish,
            tool_calls=tuple(tool_call(call) for _, call in sorted(self._calls.items())),
            usage=self._usage,
            timings=self._timings,
            model=self._call.model,
        )

    def _read(self, line: bytes) -> list[Delta]:
        field, colon, value = line.partition(b":")
        value = value.strip()
        if field == b"data" and value == b"[DONE]":
            self.done = True
            return self._close()
        if field == b"error" and value:
            raise self._refused(value)
        if not colon or field != b"data":
            return []
        self.began = True
        try:
            record = json.loads(value)
        except (ValueError, RecursionError) as error:
            text = f"{self._call.model}'s stream holds a record that is no JSON"
            raise ReplyInvalid(text, partial=self.cut()) from error
        if not isinstance(record, dict):
            raise ReplyInvalid(f"{self._call.model}'s stream holds an odd record", partial=self.cut())
        if record.get("error"):
            raise self._refused(value)
        return self._take(record)

    def _take(self, record: dict[str, Any]) -> list[Delta]:
        if isinstance(record.get("usage"), dict):
            self._usage = read_usage(record)
        self._timings = read_timings(record) or self._timings
        choices = record.get("choices")
        deltas: list[Delta] = []
        for choice in choices if isinstance(choices, list) else ():
            # Other indices belong to other answers, which interleave.
            if not isinstance(choice, dict) or choice.get("index", 0) != 0:
                continue
            self._answered = True
            self._finish = str(choice.get("finish_reason") or self._finish)
            match choice.get("delta"):
                case dict(delta):
                    deltas += self._delta(delta)
        return deltas

    def _delta(self, delta: dict[str, Any]) -> list[Delta]:
        fragments = delta.get("tool_calls")
        for fragment in fragments if isinstance(fragments, list) else ():
            self._fragment(fragment)
        deltas = []
        if isinstance(thought := delta.get("reasoning_content"), str):
            self._spoke = True
            deltas.append(self._kept(Delta(reasoning=thought)))
        if isinstance(text := delta.get("content"), str):
            self._spoke = True
            deltas.append(self._kept(self._thinking.feed(self._fresh(text))))
        return deltas

    def _fragment(self, fragment: Any) -> None:
        """Add a piece of a tool call: only the first one carries the id and the name."""
        if not isinstance(fragment, dict) or not isinstance(index := fragment.get("index", 0), int):
            return
        whole = self._calls.setdefault(index, {"id": "", "function": {"name": "", "arguments": ""}})
        if isinstance(identity := fragment.get("id"), str):
            whole["id"] = identity
        function = fragment.get("function")
        for part in ("name", "arguments"):
            if isinstance(function, dict) and isinstance(piece := function.get(part), str):
                whole["function"][part] += piece

    def _fresh(self, text: str) -> str:
        """What of `text` is not the prefill that the server repeats."""
        if not self._prefill:
            return text
        self._head += text
        if len(self._head) < len(self._prefill) and self._prefill.startswith(self._head):
            return ""
        fresh = self._head.removeprefix(self._prefill)
        self._prefill = self._head = ""
        return fresh

    def _close(self) -> list[Delta]:
        """Let go of what was held back."""
        head, self._head = self._head, ""
        return [self._kept(self._thinking.feed(head)), self._kept(self._thinking.close())]

    def _kept(self, delta: Delta) -> Delta:
        self._text.append(delta.text)
        self._reasoning.append(delta.reasoning)
        return delta

    def _refused(self, value: bytes) -> HubError:
        return refusal(200, value, model=self._call.model, partial=self.cut())
