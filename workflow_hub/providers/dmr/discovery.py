"""The model runner that answers, found by asking each address once."""

from __future__ import annotations

from collections.abc import Sequence

from workflow_hub.errors import HubError, RunnerUnreachable
from workflow_hub.providers.dmr.address import DISCOVERY, Address
from workflow_hub.providers.dmr.client import AsyncDockerModelClient

PROBE_S = 3.0
_HELP = (
    "See `docker model status`; start it with `docker desktop enable model-runner --tcp 12434` or"
    " `docker model install-runner`; or say where it is: DMR_BASE_URL=http://HOST:PORT."
)


async def locate(
    addresses: Sequence[Address], *, api_key: str | None = None, timeout: float = PROBE_S
) -> Address:
    """The first of `addresses` that lists models; each is asked once, for `timeout` seconds at most.

    Raises RunnerUnreachable, which names every address, what it came from and how it failed.
    """
    failures = []
    for address in addresses:
        try:
            async with AsyncDockerModelClient(address, timeout=timeout, api_key=api_key, tries=1) as client:
                await client.models()
            return address
        except HubError as error:
            failures.append(f"  {address.shown} ({address.origin}): {_reason(error)}")
    if not failures:
        raise RunnerUnreachable(
            f"no address to look for Docker Model Runner at: api.discovery is empty. {_HELP}"
        )
    named = {address.origin for address in addresses} - {DISCOVERY}
    what = (
        f"{' and '.join(sorted(named))} names no model runner that answers."
        if named
        else ("no Docker Model Runner answers.")
    )
    raise RunnerUnreachable("\n".join([f"{what} Tried:", *failures, _HELP]))


def _reason(error: HubError) -> str:
    cause = error.__cause__
    return f"no connection ({cause})" if isinstance(error, RunnerUnreachable) and cause else str(error)
