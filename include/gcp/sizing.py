"""Memory, threads and tasks of each Druid process on a Compute Engine machine type.

Formulas: Druid 33 documentation, "Basic cluster tuning". Where it gives a range, or describes a
cluster of many machines, a comment explains our choice for one machine. `docs/sizing.md` shows the
results.
"""

import csv
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from include.druid.runtime import PEON, Size

EVENTS_PER_TASK: Final = 20_000
"""Planned events per second of one task.

On two cores shared with Kafka and the producer, one task read a full topic of these events at 49
thousand a second, and kept up with a producer of 47 thousand (`docs/performance.md`). The plan is
less than half of that, to leave room for queries, for late events, and to catch up after a stop.
"""

DRUID_SHARE: Final = 0.75
"""Part of the memory for heaps and direct memory. The rest is for the JVMs themselves, the system
and, above all, the page cache, through which a historical reads its segments."""

ZOOKEEPER: Final = 256
"""MiB for ZooKeeper, on the same machine."""

_GIB: Final = 1024
_ROUTER: Final = Size(heap=256)
_TASK: Final = Size(heap=_GIB, threads=2, merge_buffers=2, buffer=100)
_SMALLEST_BUFFER, _LARGEST_BUFFER, _BUFFER_STEP = 100, 500, 50
_SPARE_SLOTS: Final = 1
"""Slots for a compaction, or for a task that deletes segments."""

_MACHINE_TYPES = Path(__file__).with_name("machine_types.csv")


class SizingError(ValueError):
    """The requested rate does not fit the machine type; the message names one that fits."""


class Machine(NamedTuple):
    """A machine type with its vCPUs and its memory in MiB."""

    name: str
    vcpus: int
    memory: int

    @property
    def series(self) -> str:
        """`n2`, `n4`, `c3` or `c4`."""
        return self.name.partition("-")[0]


@dataclass(frozen=True)
class Plan:
    """Sizes of a Druid on one machine.

    Attributes:
        machine: the machine type.
        task_count: tasks that read the topic in parallel, the supervisor's `taskCount`.
        sizes: resources by service, and of each task (`peon`), as in `runtime.Deployment`.
    """

    machine: Machine
    task_count: int
    sizes: Mapping[str, Size]

    @property
    def memory(self) -> int:
        """MiB of heaps and direct memory, including ZooKeeper and a task in every slot."""
        return _memory(self.sizes, self.sizes["middleManager"].capacity)


@cache
def machines() -> Mapping[str, Machine]:
    """Return the machine types of `machine_types.csv` by name, in the order of the file."""
    with _MACHINE_TYPES.open(encoding="utf-8", newline="") as file:
        return {
            row["machine_type"]: Machine(
                row["machine_type"], int(row["vcpus"]), int(row["memory_gib"]) * _GIB
            )
            for row in csv.DictReader(file)
        }


def size(machine_type: str, rate: float) -> Plan:
    """Size a Druid on one machine for `rate` events per second.

    Raises:
        SizingError: the machine type is unknown, has too little memory, or cannot ingest this rate;
            or the rate is not above zero.
    """
    machine = _machine(machine_type)
    tasks = tasks_for(rate)
    most = most_tasks(machine)
    if not most:
        raise SizingError(
            f"{machine.name} has {machine.memory / _GIB:g} GiB of memory, and with "
            f"{machine.vcpus} vCPUs Druid needs {_least_memory(machine) / _GIB:.0f} GiB: "
            f"{_instead(machine, 1)}."
        )
    if tasks > most:
        raise SizingError(
            f"{machine.name} can ingest at most {most * EVENTS_PER_TASK:,} events/s, not "
            f"{rate:,.0f}: {_instead(machine, tasks)}."
        )
    capacity = _slots(tasks)
    return Plan(
        machine, tasks, {**_services(machine), "middleManager": Size(heap=128, capacity=capacity)}
    )


def tasks_for(rate: float) -> int:
    """Return the number of tasks needed to read `rate` events per second.

    Raises:
        SizingError: the rate is not above zero.
    """
    if not 0 < rate < math.inf:
        raise SizingError(f"The rate must be above 0 events/s, not {rate:g}.")
    return math.ceil(rate / EVENTS_PER_TASK)


def most_tasks(machine: Machine) -> int:
    """Return how many tasks may read in parallel on a machine; 0 if Druid does not fit.

    Each task needs one vCPU, of which at most half are for tasks, and every slot needs memory.
    """
    services = _services(machine)
    free = machine.memory * DRUID_SHARE - _memory(services, 0)
    slots = int(free // _footprint(services[PEON]))
    return max(0, min(machine.vcpus // 2, (slots - _SPARE_SLOTS) // 2))


def smallest(series: str, tasks: int) -> Machine | None:
    """Return the smallest machine type of a series for `tasks` reading tasks, or None.

    The smallest has the fewest vCPUs and, among these, the least memory.
    """
    fitting = [m for m in machines().values() if m.series == series and most_tasks(m) >= tasks]
    return min(fitting, key=lambda machine: machine[1:], default=None)


def _services(machine: Machine) -> dict[str, Size]:
    threads = max(1, machine.vcpus - 1)
    # One per four threads. At least two: with one, two group-by queries wait for each other.
    merge_buffers = max(2, math.ceil(threads / 4))
    # Druid's documentation starts with 500 MiB. Here all buffers together get at most an eighth of
    # the memory (but never less than 100 MiB each): otherwise, with 2 to 4 GiB per core, heaps and
    # tasks would not fit.
    buffers = (threads + merge_buffers + 1) + (1 + merge_buffers + 1)
    share = machine.memory // 8 // buffers // _BUFFER_STEP * _BUFFER_STEP
    buffer = max(_SMALLEST_BUFFER, min(share, _LARGEST_BUFFER))
    # Documentation: 4 to 8 GiB for up to about 15 servers; the segments of one machine need less.
    broker = max(_GIB, min(machine.memory // 16, 8 * _GIB))
    # Half a GiB per core; above 24 GiB garbage collection pauses become long.
    historical = min(machine.vcpus * _GIB // 2, 24 * _GIB)
    return {
        # Documentation: similar to the broker's. It includes the overlord, as segments are few.
        "coordinator": Size(heap=broker),
        # The broker merges in the heap and does not use processing threads; one is the minimum.
        "broker": Size(heap=broker, threads=1, merge_buffers=merge_buffers, buffer=buffer),
        "historical": Size(
            heap=historical,
            threads=threads,
            merge_buffers=merge_buffers,
            buffer=buffer,
            cache=historical // 4,
        ),
        # It only starts and watches tasks.
        "middleManager": Size(heap=128),
        "router": _ROUTER,
        PEON: _TASK,
    }


def _slots(tasks: int) -> int:
    # While a task publishes what it has read, the next one reads.
    return 2 * tasks + _SPARE_SLOTS


def _footprint(size: Size) -> int:
    return size.heap + size.direct


def _memory(sizes: Mapping[str, Size], slots: int) -> int:
    services = sum(_footprint(size) for name, size in sizes.items() if name != PEON)
    return ZOOKEEPER + services + slots * _footprint(sizes[PEON])


def _least_memory(machine: Machine) -> float:
    return _memory(_services(machine), _slots(1)) / DRUID_SHARE


def _machine(name: str) -> Machine:
    known = machines()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3)
        hint = f"similar: {', '.join(near)}" if near else "use one of n2, n4, c3 and c4"
        raise SizingError(f"The machine type {name!r} is unknown ({hint}).")
    return known[name]


def _instead(machine: Machine, tasks: int) -> str:
    other = smallest(machine.series, tasks)
    if other:
        return f"use {other.name}, the smallest {machine.series} that suffices"
    return f"no single {machine.series} suffices, so use a cluster (./ventas size --rate)"
