"""One run over a folder, measured from within: prints JSON. Called by speed.py in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

import anyio

from workflow_hub.config import current_config
from workflow_hub.hub import Hub
from workflow_hub.report.summary import summarize


async def main(folder: Path) -> None:
    os.chdir(folder)
    async with Hub.open(current_config()) as hub:
        # What "once started" means: the server is found, all is imported.
        await hub.router("docstrings").choose()
        wall, cpu = time.monotonic(), time.process_time()
        outcomes = await hub.docstrings(["."])
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    summary = summarize(outcomes, wall)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "wall_s": wall,
        "cpu_s": cpu,
        "peak_mb": peak_mb,
        "calls": summary.model_calls,
        "done": summary.done,
        "failed": summary.failed,
    }
    sys.stdout.write(json.dumps(figures))


anyio.run(main, Path(sys.argv[1]))
