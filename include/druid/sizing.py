"""How much memory, threads and tasks each Druid process gets on a Compute Engine machine type.

Formulas: Druid 33 documentation, "Basic cluster tuning"; where it gives a range, or speaks of a
cluster of many machines, the choice for one machine is said beside it. `docs/sizing.md` shows what
comes out.
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
"""Events a second that one task is planned to take.

One task emptied a topic of these events at 49 thousand a second, and kept up with 47 thousand, on
two cores that it shared with Kafka and the producer (`docs/performance.md`). Less than half of that
leaves room for queries, for days that are late, and to catch up after a stop.
"""

DRUID_SHARE: Final = 0.75
"""Of the memory, for heaps and direct memory: the rest is the JVMs' own, the system's and above all
the page cache, through which a historical reads its segments."""

ZOOKEEPER: Final = 256
"""MiB for ZooKeeper, on the same machine."""

_GIB: Final = 1024
_ROUTER: Final = Size(heap=256)
_TASK: Final = Size(heap=_GIB, threads=2, merge_buffers=2, buffer=100)
_SMALLEST_BUFFER, _LARGEST_BUFFER, _BUFFER_STEP = 100, 500, 50
_SPARE_SLOTS: Final = 1
"""For a compaction, or a task that deletes segments."""

_MACHINE_TYPES = Path(__file__).with_name("machine_types.csv")


class SizingError(ValueError):
    """What was asked for does not fit; the message says what does."""


class Machine(NamedTuple):
    """A machine type: its virtual cores, and its memory in MiB."""

    name: str
    vcpus: int
    memory: int

    @property
    def series(self) -> str:
        """`n2`, `n4`, `c3` or `c4`."""
        return self.name.partition("-")[0]


@dataclass(frozen=True)
class Plan:
    """One machine's Druid.

    Attributes:
        machine: what it runs on.
        task_count: tasks that read the topic at once, the supervisor's `taskCount`.
        sizes: by service and for each task (`peon`), as `runtime.Place` takes them.
    """

    machine: Machine
    task_count: int
    sizes: Mapping[str, Size]

    @property
    def memory(self) -> int:
        """MiB of heaps and direct memory, ZooKeeper's and every slot's task included."""
        return _memory(self.sizes, self.sizes["middleManager"].capacity)


@cache
def machines() -> Mapping[str, Machine]:
    """The machine types of `machine_types.csv`, by name, in its order."""
    with _MACHINE_TYPES.open(encoding="utf-8", newline="") as file:
        return {
            row["machine_type"]: Machine(
                row["machine_type"], int(row["vcpus"]), int(row["memory_gib"]) * _GIB
            )
            for row in csv.DictReader(file)
        }


def size(machine_type: str, rate: float) -> Plan:
    """Druid for `rate` events a second on one machine.

    Raises:
        SizingError: the machine type is not known, has too little memory, or cannot take so many
            events; or the rate is none.
    """
    machine = _machine(machine_type)
    tasks = tasks_for(rate)
    most = most_tasks(machine)
    if not most:
        raise SizingError(
            f"{machine.name} has {machine.memory / _GIB:g} GiB and Druid would need "
            f"{_least_memory(machine) / _GIB:.0f} with {machine.vcpus} vCPUs: "
            f"{_instead(machine, 1)}."
        )
    if tasks > most:
        raise SizingError(
            f"{machine.name} is planned for {most * EVENTS_PER_TASK:,} events/s at most, and "
            f"{rate:,.0f} were asked for: {_instead(machine, tasks)}."
        )
    capacity = _slots(tasks)
    return Plan(
        machine, tasks, {**_services(machine), "middleManager": Size(heap=128, capacity=capacity)}
    )


def tasks_for(rate: float) -> int:
    """Tasks that read so many events a second.

    Raises:
        SizingError: the rate is not above zero.
    """
    if not 0 < rate < math.inf:
        raise SizingError(f"{rate:g} events/s is no rate: give a number above 0.")
    return math.ceil(rate / EVENTS_PER_TASK)


def most_tasks(machine: Machine) -> int:
    """Tasks that may read at once: a vCPU each of half of them, and memory for all slots.

    0 if Druid does not fit.
    """
    services = _services(machine)
    free = machine.memory * DRUID_SHARE - _memory(services, 0)
    slots = int(free // _footprint(services[PEON]))
    return max(0, min(machine.vcpus // 2, (slots - _SPARE_SLOTS) // 2))


def smallest(series: str, tasks: int) -> Machine | None:
    """The machine type of a series with the fewest vCPUs, then the least memory, for so many."""
    fitting = [m for m in machines().values() if m.series == series and most_tasks(m) >= tasks]
    return min(fitting, key=lambda machine: machine[1:], default=None)


def _services(machine: Machine) -> dict[str, Size]:
    threads = max(1, machine.vcpus - 1)
    # One for four threads; with fewer than two, two group-bys wait for each other.
    merge_buffers = max(2, math.ceil(threads / 4))
    # 500 MiB is what Druid's documentation begins with. All buffers together get no more than an
    # eighth of the memory: with 2 to 4 GiB a core, heaps and tasks would find no room.
    buffers = (threads + merge_buffers + 1) + (1 + merge_buffers + 1)
    share = machine.memory // 8 // buffers // _BUFFER_STEP * _BUFFER_STEP
    buffer = max(_SMALLEST_BUFFER, min(share, _LARGEST_BUFFER))
    # 4 to 8 GiB serve up to some 15 servers, and more than segments of one machine ask for.
    broker = max(_GIB, min(machine.memory // 16, 8 * _GIB))
    # Half a GiB a core; above 24 GiB the collector's pauses grow long.
    historical = min(machine.vcpus * _GIB // 2, 24 * _GIB)
    return {
        # "Similar to the broker's", the overlord in it included: there are few segments.
        "coordinator": Size(heap=broker),
        # It merges in the heap: threads of its own it has none, and one is the least.
        "broker": Size(heap=broker, threads=1, merge_buffers=merge_buffers, buffer=buffer),
        "historical": Size(
            heap=historical,
            threads=threads,
            merge_buffers=merge_buffers,
            buffer=buffer,
            cache=historical // 4,
        ),
        # Only starts tasks and watches them.
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
        hint = f"near it are {', '.join(near)}" if near else "there are n2, n4, c3 and c4"
        raise SizingError(f"{name!r} is no machine type that can be sized here: {hint}.")
    return known[name]


def _instead(machine: Machine, tasks: int) -> str:
    other = smallest(machine.series, tasks)
    if other:
        return f"the smallest {machine.series} that can is {other.name}"
    return f"no {machine.series} can alone, a cluster can (./ventas size --rate)"
