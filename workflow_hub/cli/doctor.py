"""`workflow-hub doctor`: what was found here, and what to type."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

import click

from workflow_hub.cli.options import Common, common_options, deliver
from workflow_hub.diagnosis import Check, diagnose
from workflow_hub.hub import Hub, run_sync

SIGNS: Mapping[str, str] = {"ok": "ok  ", "missing": "--  "}


@click.command("doctor")
@common_options
def command(common: Common) -> int:
    """Say who could answer here, and what to type where somebody is missing.

    Exit code 0: the first choice of every rule can be had. 1: only a fallback. 2: nobody.
    """
    config = common.settings({})

    async def work() -> int:
        async with Hub.open(config, pins=common.pins) as hub:
            found = await diagnose(hub)
        if common.format == "json":
            document = {
                "version": 1,
                "verdict": found.verdict,
                "checks": [one.as_dict() for one in found.checks],
            }
            text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        else:
            text = "\n".join([*_lines(found.checks), found.verdict]) + "\n"
        deliver(text.encode(), common.output)
        return found.exit_code

    return run_sync(work)


def _lines(checks: Iterable[Check]) -> Iterator[str]:
    """A line for each check; what the one above said as well is not said again."""
    before = ""
    for one in checks:
        yield f"{SIGNS[one.status]}{one.name}: {'as above' if one.says == before else one.says}"
        before = one.says
