"""The line at the foot of a terminal that says how a run goes on; quiet steps elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from workflow_hub.report.summary import Settled, is_cached
from workflow_hub.values import Failed, Reply

MEGABYTE = 1_000_000


class Live:
    """Counts what happens and shows it: live at a terminal, as a line now and then elsewhere."""

    def __init__(self, *, quiet: bool, terminal: bool | None = None) -> None:
        self._quiet = quiet
        on_screen = sys.stderr is not None and sys.stderr.isatty()
        self._terminal = on_screen if terminal is None else terminal
        self._began = time.monotonic()
        self._view: Any = None
        self._lock = threading.Lock()
        self._doing = self._step = ""
        self._sizes: dict[str, int] = {}
        self._passed = 0
        self._file = ""
        self._items = self._cached = self._failed = self._tokens = 0
        self._first_reply: float | None = None

    @contextmanager
    def shown(self) -> Iterator[Live]:
        """The line is on screen inside, and gone afterwards."""
        if self._quiet or not self._terminal:
            yield self
            return
        from rich.console import Console
        from rich.live import Live as View

        with View(
            console=Console(stderr=True), get_renderable=self._line, transient=True, refresh_per_second=8
        ) as self._view:
            yield self
        self._view = None

    def stop(self) -> None:
        """The line is gone for good: something else is shown from now on."""
        if self._view is not None:
            self._view.stop()
            self._view = None

    def say(self, message: str, *, error: bool = False) -> None:
        """A line that stays; where quiet is wanted, errors only."""
        if self._quiet and not error:
            return
        if self._view is not None:
            self._view.console.print(message, markup=False, highlight=False)
        elif sys.stderr is not None:
            # A full disk or a reader that has gone: nobody hears us, and the work goes on.
            with suppress(OSError):
                sys.stderr.write(message + "\n")
                sys.stderr.flush()

    def begun(self, files: Sequence[tuple[str, Path]]) -> None:
        """These files will be gone through, in this order."""
        for name, path in files:
            try:
                self._sizes[name] = path.stat().st_size
            except OSError:
                self._sizes[name] = 0

    def progress(self, doing: str, done: int, total: int) -> None:
        """A slow step: at a terminal it is the line, elsewhere every tenth of it is a line."""
        share = f" {done / MEGABYTE:.0f} of {total / MEGABYTE:.0f} MB" if total else ""
        with self._lock:
            tenth = f"{doing}{done * 10 // total if total else ''}"
            news = tenth != self._doing
            self._doing = tenth
        self._step = doing + share if not total or done < total else ""
        if news and self._view is None:
            self.say(doing + share)

    def replied(self, reply: Reply) -> None:
        """A reply has come: the slow steps are over, and its tokens count for the speed."""
        self._step = ""
        if self._first_reply is None:
            self._first_reply = time.monotonic()
        else:
            self._tokens += reply.usage.completion_tokens

    def settled(self, outcome: Settled) -> None:
        """An item has ended; the bytes of a file count once the next one has begun."""
        self._items += 1
        self._cached += is_cached(outcome)
        self._failed += isinstance(outcome, Failed)
        if outcome.item.path != self._file:
            self._passed += self._sizes.get(self._file, 0)
            self._file = outcome.item.path

    def _line(self) -> Any:
        from rich.text import Text

        return Text(self.line(), style="dim", no_wrap=True, overflow="ellipsis")

    def line(self) -> str:
        """What the line says now."""
        if self._step:
            return self._step
        now = time.monotonic()
        parts = [f"{self._items} items"]
        if self._cached:
            parts.append(f"{self._cached} from memory")
        if self._failed:
            parts.append(f"{self._failed} failed")
        if self._first_reply is not None and now > self._first_reply and self._tokens:
            parts.append(f"{self._tokens / (now - self._first_reply):.0f} tokens/s")
        if left := round(self._seconds_left(now)):
            parts.append(f"about {left // 60}:{left % 60:02} left")
        return " · ".join([*parts, self._file] if self._file else parts)

    def _seconds_left(self, now: float) -> float:
        """From the share of bytes that lie behind; nothing before the first file does."""
        total = sum(self._sizes.values())
        return (now - self._began) * (total - self._passed) / self._passed if self._passed else 0.0
