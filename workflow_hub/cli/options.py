"""The options that commands share, and what they mean."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from workflow_hub import config as configuration
from workflow_hub.config import Config
from workflow_hub.hub import Pins


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

    @property
    def pins(self) -> Pins:
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


def _in_a_folder(context: click.Context, option: click.Parameter, path: Path | None) -> Path | None:
    """The path, if it can be written later on: a run of an hour must not end in a slip of the hand."""
    if path is not None and not path.parent.is_dir():
        raise click.BadParameter(f"there is no folder {path.parent}")
    return path


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
    click.option("--format", type=click.Choice(["text", "json"]), default="text", show_default=True),
    click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False, writable=True),
        callback=_in_a_folder,
        help="Write there, not to stdout.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors."),
    click.option("-v", "--verbose", is_flag=True, help="More on stderr."),
    click.option("--no-color", is_flag=True),
)


def common_options(command: Callable[..., int]) -> Callable[..., int]:
    """Add the options, and hand them to `command` as one `common`."""

    @functools.wraps(command)
    def collected(**typed: Any) -> int:
        names = Common.__dataclass_fields__
        common = Common(**{name: typed.pop(name) for name in names})
        return command(common=common, **typed)

    return functools.reduce(lambda made, option: option(made), reversed(_OPTIONS), collected)


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
