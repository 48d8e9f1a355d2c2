"""The free resources of this machine: cores, memory and disk."""

import os
from pathlib import Path
from typing import NamedTuple

import psutil

_GIB = 2**30
_CGROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")


class Free(NamedTuple):
    """Resources that this process may use."""

    cores: int
    memory_gib: float
    disk_gib: float


def free(folder: Path) -> Free:
    """Return the cores, the free memory within this cgroup and the free disk of the folder."""
    memory = min(psutil.virtual_memory().available, _cgroup_limit())
    return Free(
        len(os.sched_getaffinity(0)), memory / _GIB, psutil.disk_usage(str(folder)).free / _GIB
    )


def _cgroup_limit() -> float:
    """Return the memory limit of this process's cgroup in bytes, or infinity without a limit.

    `/proc/self/cgroup` has a line `0::PATH` (version 2) or `N:memory:PATH` (version 1); see
    https://docs.kernel.org/admin-guide/cgroup-v2.html.
    """
    limits = [float("inf")]
    lines = _CGROUPS.read_text().splitlines() if _CGROUPS.exists() else []
    for _, controllers, path in (line.split(":", 2) for line in lines):
        # A container may see its own cgroup as the root.
        for below in (path.strip("/"), ""):
            file = {
                "": _MOUNT / below / "memory.max",
                "memory": _MOUNT / "memory" / below / "memory.limit_in_bytes",
            }.get(controllers)
            if file and file.exists() and (text := file.read_text().strip()) != "max":
                limits.append(float(text))
    return min(limits)
