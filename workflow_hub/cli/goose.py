"""`workflow-hub goose install|status|config`: the agent Goose on this machine."""

from __future__ import annotations

import sys

import click

# What Docker Model Runner's users know: Goose over its Ollama address.
OWN_CONFIG = """\
GOOSE_PROVIDER: ollama
OLLAMA_HOST: {host}
GOOSE_MODEL: {model}
"""
HOST = "http://localhost:12434/engines/llama.cpp"
MODEL = "ai/qwen3-coder:latest"


@click.group("goose")
def command() -> None:
    """Install the agent Goose, look at it, or set up your own."""


@command.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def install(yes: bool) -> int:
    """Fetch the pinned Goose with your npm.

    It is checked against a pinned hash, and put into your data folder.
    """
    from workflow_hub.errors import UsageError
    from workflow_hub.providers.goose import install as installation

    if path := installation.installed():
        click.echo(f"Goose {installation.PACKAGE.version} is already in {path}")
        return 0
    if not yes:
        question = f"{installation.PACKAGE} into {installation.folder()}: {installation.sizes()}"
        if not sys.stdin.isatty():
            raise UsageError(f"{question}; type `workflow-hub goose install --yes` to do it")
        click.confirm(f"{question}. Fetch it?", abort=True, err=True)
    path = installation.install(tell=lambda doing: click.echo(doing, err=True))
    click.echo(f"Goose {installation.PACKAGE.version} is in {path}")
    return 0


@command.command()
def status() -> int:
    """Say which Goose would be used."""
    from workflow_hub.providers.goose import find

    goose = find.need()
    click.echo(f"Goose {goose.version} at {goose.path} ({goose.origin})")
    if goose.warning:
        click.echo(goose.warning, err=True)
    return 0


@command.command()
@click.option("--host", default=HOST, show_default=True, help="Where Docker Model Runner is.")
@click.option("--model", default=MODEL, show_default=True)
def config(host: str, model: str) -> int:
    """Print the settings for your own Goose.

    They go into its config.yaml, and let it use Docker Model Runner; workflow-hub itself
    never reads or changes that file.
    """
    click.echo(OWN_CONFIG.format(host=host, model=model), nl=False)
    return 0
