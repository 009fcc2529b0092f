"""The kinds of provider that routing.yaml may name, in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workflow_hub.config import Config
from workflow_hub.providers import Provider

if TYPE_CHECKING:
    from workflow_hub.providers.goose.desk import Desk


@dataclass(frozen=True, slots=True)
class Around:
    """What providers are made of besides their lines in routing.yaml.

    `progress` hears (what is done, done so far, total) of slow steps, bytes where it downloads; it
    may be called from another thread. An agent works at the `desk`, or else in the folder of the
    settings, on a model of the provider that plays its role, which `backing` finds.
    """

    config: Config
    env: Mapping[str, str]
    may_download: bool
    progress: Callable[[str, int, int], None]
    desk: Desk | None = None
    backing: Callable[[str], Provider] | None = None


def make(kind: str, options: Mapping[str, Any], around: Around) -> Provider:
    """The provider of a kind, with its options; nothing is contacted or started yet."""
    return PROVIDERS[kind](options, around)


def _dmr(options: Mapping[str, Any], around: Around) -> Provider:
    from workflow_hub.providers.dmr.discovered import DiscoveredProvider

    api = around.config.settings.api
    return DiscoveredProvider(dmr_addresses(options["url"], around), api_key=api.key, timeout=api.timeout)


def dmr_addresses(url: str, around: Around) -> list[Any]:
    """Where Docker Model Runner may be: the setting, routing.yaml, then what the environment knows."""
    from workflow_hub.providers.dmr import address

    api = around.config.settings.api
    named = (api.base_url, around.config.origin("api.base_url")) if api.base_url else (url, "routing.yaml")
    return address.candidates(
        around.env,
        api.discovery,
        address.inside_container(),
        base_url=None if named[0] == "auto" else named[0],
        origin=named[1],
    )


def _embedded(options: Mapping[str, Any], around: Around) -> Provider:
    from workflow_hub.providers.embedded import EmbeddedProvider, EngineSettings, Progress

    def tell(progress: Progress) -> None:
        around.progress(progress.doing, progress.done_bytes, progress.total_bytes)

    settings = around.config.settings.embedded
    return EmbeddedProvider(
        options["model"],
        settings=EngineSettings(settings.slots, settings.context_tokens, settings.threads),
        progress=tell,
        may_download=around.may_download,
        timeout=around.config.settings.api.timeout,
    )


def _goose(options: Mapping[str, Any], around: Around) -> Provider:
    from workflow_hub.providers.goose.desk import Desk
    from workflow_hub.providers.goose.provider import GooseProvider

    assert around.backing is not None  # who makes an agent knows who plays its role
    return GooseProvider(
        options,
        around.backing(options["model"]),
        desk=around.desk or Desk(around.config.folder),
        settings=around.config.settings.goose,
        env=around.env,
    )


PROVIDERS: Mapping[str, Callable[[Mapping[str, Any], Around], Provider]] = {
    "dmr": _dmr,
    "embedded": _embedded,
    "goose": _goose,
}
