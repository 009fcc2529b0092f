"""What a model thought, apart from what it says.

Engines that know a model's template send its thoughts as `reasoning_content`. Others leave them in
the text, between think tags, before the answer. Tags that come later belong to the answer: a reply
about think tags, or JSON that quotes one, stays whole.
"""

from __future__ import annotations

from workflow_hub.values import Delta

_OPEN, _CLOSE = "<think>", "</think>"


class Thinking:
    """Takes text in pieces, however they are cut, and gives each back as answer or as thought.

    `after` is text that the answer goes on from: thoughts open there go on too.
    """

    def __init__(self, after: str = "") -> None:
        self._held = ""
        self._place = "before"
        self._closed = False
        if after:
            self.feed(after)
            self._held = ""

    def feed(self, text: str) -> Delta:
        """What is certain so far; at most a tag's beginning and white space before it are held back."""
        if self._place == "answer":
            return Delta(text)
        self._held += text
        thought = ""
        while True:
            if self._place == "before":
                rest = self._held.lstrip()
                if not rest.startswith(_OPEN):
                    if not _OPEN.startswith(rest):
                        self._place = "answer"
                    break
                self._held, self._place = rest.removeprefix(_OPEN), "thought"
            head, tag, tail = self._held.partition(_CLOSE)
            if not tag:
                cut = len(head) - _overlap(head, _CLOSE)
                thought, self._held = thought + head[:cut], head[cut:]
                break
            thought, self._held, self._place, self._closed = thought + head, tail, "before", True
        return Delta(self._released() if self._place == "answer" else "", thought)

    def close(self) -> Delta:
        """What was held back, now that nothing more comes."""
        thinking = self._place == "thought"
        self._place = "answer"
        held = self._released()
        return Delta("", held) if thinking else Delta(held)

    def _released(self) -> str:
        # White space between thoughts and answer is neither.
        held = self._held.lstrip() if self._closed else self._held
        self._held = ""
        return held


def separated(text: str, after: str = "") -> Delta:
    """A whole text as answer and thought."""
    thinking = Thinking(after)
    first, last = thinking.feed(text), thinking.close()
    return Delta(first.text + last.text, first.reasoning + last.reasoning)


def _overlap(text: str, tag: str) -> int:
    """How many characters at the end of `text` may be the beginning of `tag`."""
    return next((size for size in range(len(tag) - 1, 0, -1) if text.endswith(tag[:size])), 0)
