"""The command line: parse, call the hub, report. Commands are imported only when they are called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping

import click

from workflow_hub.errors import HubError

# name: (module, what `--help` says of it)
COMMANDS: Mapping[str, tuple[str, str]] = {
    "docstrings": ("docstrings", "Write the docstrings that Python code lacks."),
    "ask": ("ask", "Ask anything, or have it done."),
    "route": ("route", "Say who answers a prompt, and why."),
    "goose": ("goose", "Install the agent Goose, or set up your own."),
    "engine": ("engine", "Keep the embedded engine warm between runs."),
    "doctor": ("doctor", "Say what was found here, and what to type."),
}
INTERRUPTED = 130
SET_UP = 2


class Commands(click.Group):
    """The group of COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of COMMANDS, in their order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"workflow_hub.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What COMMANDS says of each, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, says) for name, (_, says) in COMMANDS.items()])


def _version(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        click.echo(f"workflow-hub {version('workflow-hub')}")
        context.exit()


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show it."
)
def group() -> None:
    """Local models at work on your code: Docker Model Runner first, an embedded llama.cpp otherwise."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line, and leave with its exit code."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """The exit code of a command line: every error that a user can cause is one message here."""
    try:
        code = group.main(arguments, prog_name="workflow-hub", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return SET_UP
    except click.ClickException as error:
        error.show()
        return SET_UP
    except HubError as error:
        click.echo(f"workflow-hub: {error}", err=True)
        return SET_UP
    except (KeyboardInterrupt, click.Abort):
        click.echo("workflow-hub: interrupted; type the same again to go on from here", err=True)
        return INTERRUPTED
    except OSError as error:
        # A full disk behind stdout, a current folder that is gone: the machine's fault, not a bug's.
        sys.stdout = None
        click.echo(f"workflow-hub: {error.strerror or error}", err=True)
        return SET_UP
    return int(code or 0)
