"""`workflow-hub engine start|stop|status`: the embedded engine kept warm between runs."""

from __future__ import annotations

import click

from workflow_hub import config as configuration
from workflow_hub.cli.live import Live


@click.group("engine")
def command() -> None:
    """Keep the embedded engine warm between runs, so that they need not load it."""


@command.command()
@click.option("--model", metavar="NAME", help="Weights of the catalogue; default: qwen2.5-coder-0.5b.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
def start(model: str | None, quiet: bool) -> int:
    """Start it, and download its weights first if they are not here."""
    from workflow_hub.providers.embedded import DEFAULT, EngineSettings, Progress, warm

    settings = configuration.current_config().settings.embedded
    live = Live(quiet=quiet)

    def tell(progress: Progress) -> None:
        live.progress(progress.doing, progress.done_bytes, progress.total_bytes)

    with live.shown():
        engine = warm.start(
            model or DEFAULT,
            EngineSettings(settings.slots, settings.context_tokens, settings.threads),
            tell=tell,
        )
    click.echo(
        f"{engine.model} is warm at {engine.url} (process {engine.pid}); `workflow-hub engine stop` ends it"
    )
    return 0


@command.command()
def stop() -> int:
    """Stop it."""
    from workflow_hub.providers.embedded import warm

    engine = warm.stop()
    click.echo("no engine was running" if engine is None else f"{engine.model} at {engine.url} is stopped")
    return 0


@command.command()
def status() -> int:
    """Say whether it runs, and with which model."""
    from workflow_hub.providers.embedded import warm

    engine = warm.status()
    if engine is None:
        click.echo("no engine is running; `workflow-hub engine start` starts one")
    else:
        click.echo(
            f"{engine.model} is warm at {engine.url} (process {engine.pid}): {engine.slots} requests "
            f"at a time, {engine.context_tokens} tokens of context"
        )
    return 0
