"""The options that commands share, and what they mean."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from workflow_hub import config as configuration
from workflow_hub.config import Config
from workflow_hub.hub import Pins
from workflow_hub.report.formats import FORMATS
from workflow_hub.report.rules import SEVERITIES, Severity

Option = Callable[[Callable[..., int]], Callable[..., int]]


@dataclass(frozen=True, slots=True)
class Common:
    """What was typed of the options that every asking command has."""

    config: Path | None
    provider: str | None
    model: str | None
    timeout: float | None
    jobs: int | None
    no_cache: bool
    format: str
    output: Path | None
    quiet: bool
    verbose: bool
    no_color: bool
    fail_on: Severity = "error"
    # The reports beside the one of `format`: (format, file).
    reports: tuple[tuple[str, Path], ...] = ()

    @property
    def pins(self) -> Pins:
        """Who was named to answer, by `--provider` and `--model`."""
        return Pins(self.provider, self.model)

    def settings(self, flags: Mapping[str, Any]) -> Config:
        """The configuration with these flags, the common ones among them, on top."""
        common = {"api.timeout": self.timeout, "cache.enabled": False if self.no_cache else None}
        return configuration.current_config({**common, **flags}, file=self.config)

    def colored(self, stream: Any) -> bool:
        """Whether to colour what goes to `stream`: NO_COLOR and FORCE_COLOR hold."""
        if self.no_color or os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return stream is not None and bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


_FILE = click.Path(path_type=Path, dir_okay=False, writable=True)


def new_file(text: str) -> Path:
    """The file, if it can be written later on: a run of an hour must not end in a slip of the hand."""
    path = Path(_FILE.convert(text, None, None))
    if not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}")
    return path


def _report_into(text: str) -> tuple[str, Path]:
    """The format and the file of `sarif:docstrings.sarif`."""
    form, _, file = text.partition(":")
    if form not in FORMATS or not file:
        raise click.BadParameter(f"{text!r} is not FORMAT:FILE with a format of {', '.join(FORMATS)}")
    return form, new_file(file)


_OPTIONS = (
    click.option("--provider", metavar="NAME", help="Ask this provider and no other."),
    click.option("--model", metavar="NAME", help="Ask this model and no other."),
    click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Settings file."
    ),
    click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS", help="For one request."
    ),
    click.option("--jobs", type=click.IntRange(1, 256), metavar="N", help="Items at a time; default: slots."),
    click.option("--no-cache", is_flag=True, help="Neither use nor keep remembered answers."),
    click.option("--output", type=new_file, metavar="FILE", help="Write there, not to stdout."),
    click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors."),
    click.option("-v", "--verbose", is_flag=True, help="More on stderr."),
    click.option("--no-color", is_flag=True),
)


def _format(names: Iterable[str]) -> Option:
    return click.option("--format", type=click.Choice(list(names)), default="text", show_default=True)


_FAIL_ON = click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="error",
    show_default=True,
    help="Exit code 1 for a finding of this severity or a graver one.",
)
_REPORT = click.option(
    "--report",
    "reports",
    type=_report_into,
    multiple=True,
    metavar="FORMAT:FILE",
    help="Write this report, too, into FILE; may be repeated.",
)


def common_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options, and hand them to `command` as one `common`."""
    return _collected(command, (*_OPTIONS, _format(["text", "json"])))


def report_options(command: Callable[..., int]) -> Callable[..., int]:
    """The common options for a command that reports findings: every format, and what counts as a fault."""
    return _collected(command, (*_OPTIONS, _format(FORMATS), _REPORT, _FAIL_ON))


def _collected(command: Callable[..., int], options: Sequence[Option]) -> Callable[..., int]:
    @functools.wraps(command)
    def collected(**typed: Any) -> int:
        names = [name for name in Common.__dataclass_fields__ if name in typed]
        common = Common(**{name: typed.pop(name) for name in names})
        return command(common=common, **typed)

    made: Callable[..., int] = collected
    for option in reversed(options):
        made = option(made)
    return made


def each_once(*files: Path | None) -> None:
    """UsageError where two of the files that are to be written are the same one."""
    named: set[Path] = set()
    for file in files:
        if file is not None:
            if file.resolve() in named:
                raise click.UsageError(f"{file} is to be written twice; name another file")
            named.add(file.resolve())


def deliver(data: bytes, output: Path | None) -> None:
    """Put a command's result where it was asked for, byte by byte."""
    if output is None and sys.stdout is None:
        raise click.ClickException("stdout is closed; use --output FILE")
    try:
        if output is None:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        else:
            output.write_bytes(data)
    except BrokenPipeError as error:
        # Who read our output has gone; what was not printed is nobody's loss.
        sys.stdout = None
        raise click.exceptions.Exit(2) from error
    except OSError as error:
        if output is None:
            sys.stdout = None  # what it still holds would fail once more at the end
        raise click.ClickException(f"{output or 'stdout'} cannot be written: {error.strerror}") from error
