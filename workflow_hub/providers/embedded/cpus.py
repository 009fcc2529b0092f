"""How many threads llama.cpp should use: one for each physical core that this process may run on."""

from __future__ import annotations

import os
from collections.abc import Set
from pathlib import Path


def affinity() -> Set[int]:
    """The CPUs that the system lets this process run on."""
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def threads(root: Path = Path("/")) -> int:
    """min(physical cores, usable CPUs), at least 1; below `root` is where Linux tells of them."""
    allowed = affinity()
    return min(physical_cores(root, allowed), usable_cpus(root, allowed))


def usable_cpus(root: Path, affinity: Set[int]) -> int:
    """The CPUs of the affinity, or what the control group (version 2, else 1) allows if that is less."""
    group = root / "sys/fs/cgroup"
    older = _words(group / "cpu/cpu.cfs_quota_us") + _words(group / "cpu/cpu.cfs_period_us")
    match _words(group / "cpu.max") or older:
        case [limit, period] if limit not in ("max", "-1"):
            return max(1, min(len(affinity), int(limit) // int(period)))
    return len(affinity)


def physical_cores(root: Path, affinity: Set[int]) -> int:
    """Cores among the CPUs of the affinity, hyperthreads counted once; all its CPUs where nothing tells."""
    topology = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
    return len({tuple(_words(root / topology.format(cpu))) or (str(cpu),) for cpu in affinity})


def _words(path: Path) -> list[str]:
    try:
        return path.read_text("ascii").split()
    except OSError:
        return []
