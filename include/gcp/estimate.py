"""Estimate partitions, tasks, machines, storage and monthly cost from a rate of events.

The result is computed, not measured: nothing was measured on more than two cores. The constants
have the assumptions with their sources; `docs/sizing.md` explains the formulas.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from include.druid.runtime import VM_SERVICES
from include.gcp.disks import disk_types
from include.gcp.prices import price_of, regions, unit_price
from include.gcp.sizing import Machine, SizingError, machines, most_tasks, size, tasks_for

MOST_EVENTS: Final = 1_000_000
"""Highest rate of the estimate, events per second; beyond it, these formulas do not hold."""

MONTH: Final = 30
"""Days of a month."""

KAFKA_BYTES: Final = 91
"""Bytes of an event in Kafka, with lz4 and one replica, its share of the ledger included: 479 MB
for the month of 5,249,570 events in `docs/performance.md`."""

DRUID_BYTES: Final = 159
"""Bytes of an event in Druid's segments: 833 MB for the same month."""

EVENTS_PER_SHARD: Final = 100_000
"""Events per second planned for one producer process. Two processes made 447 thousand, on two cores
shared with the broker; the plan is less than half of that."""

PARTITIONS_PER_TASK: Final = 2
"""Partitions per task: enough for twice the tasks later. Kafka cannot remove partitions."""

BOOT_DISK: Final = 20
"""GiB of the boot disk, as in `vm.json`."""

LEAST_DATA_DISK: Final = 100
"""Least GiB of a data disk: a smaller pd-ssd is slow, because its speed grows with its size."""

LARGEST_DISK: Final = 65_536
"""Most GiB of one pd-ssd or Hyperdisk Balanced."""

DATA_HEADROOM: Final = 1.25
"""Factor on the data's size, for tasks' own files and for a day's old segments, which remain while
the day is compacted."""

DATA_MACHINE: Final = "n2-highmem-16"
"""Machine type of a cluster's data machines, unless the caller names another one."""

_ALONE: Final = (
    *("n2-standard-4", "n2-highmem-4", "n2-standard-8"),
    *("n2-highmem-8", "n2-standard-16", "n2-highmem-16"),
)
"""Candidates if the caller names no machine type, cheapest first, from four vCPUs on: the first one
that fits is used."""

_GIB: Final = 1024**3


class Vms(NamedTuple):
    """Machines of one kind: the services of each, their number, and the GiB of disk of each."""

    services: tuple[str, ...]
    machine_type: str
    machines: int
    disk: int


class Cost(NamedTuple):
    """Cost per month: US dollars, or None if no source has a price."""

    what: str
    usd: float | None


@dataclass(frozen=True)
class Estimate:
    """Resources and cost of a rate.

    Attributes:
        rate: events per second, in the hours that stores sell.
        hours: hours of each day that stores sell and the VMs are on.
        keep: days that Druid keeps.
        region: Google's region of the machines and prices.
        partitions: partitions of the topic.
        shards: producer processes (the window's mapped tasks).
        task_count: the supervisor's `taskCount`; `replicas` stays 1.
        vms: machines; those with the data are last.
        disk_type: a disk type that the machines' series supports.
        kafka_gib_day: GiB that a day adds to the topic, compressed, one replica; also the traffic
            to Kafka, and from Kafka to Druid.
        druid_gib_day: GiB of a day's segments.
        costs: costs of a month of 30 days: `vms`, `disks`, `deep_storage`, `confluent_cloud`.
        priced: day of the prices, ISO.
    """

    rate: float
    hours: float
    keep: int
    region: str
    partitions: int
    shards: int
    task_count: int
    vms: tuple[Vms, ...]
    disk_type: str
    kafka_gib_day: float
    druid_gib_day: float
    costs: tuple[Cost, ...]
    priced: str

    @property
    def usd_month(self) -> float:
        """Sum of the known costs, US dollars per month."""
        return sum(cost.usd for cost in self.costs if cost.usd is not None)


def estimate(
    rate: float,
    *,
    machine_type: str | None = None,
    region: str = "southamerica-east1",
    hours: float = 12,
    keep: int = MONTH,
) -> Estimate:
    """Estimate the resources for `rate` events per second during `hours` of each day.

    The result is one machine if that is enough, otherwise a cluster whose data machines are of the
    same type.

    Raises:
        SizingError: the rate is above `MOST_EVENTS`; the machine type is not known, has too little
            memory or does not exist in the region; or the region has no prices.
    """
    tasks = tasks_for(rate)
    if rate > MOST_EVENTS:
        raise SizingError(f"The rate must be at most {MOST_EVENTS:,} events/s, not {rate:,.0f}.")
    if region not in regions():
        raise SizingError(f"The region {region!r} has no prices: use {', '.join(regions())}.")
    events = rate * 3600 * hours
    druid_day = events * DRUID_BYTES / _GIB
    data = math.ceil(druid_day * keep * DATA_HEADROOM)
    machine = _machine(machine_type, tasks)
    vms = _vms(machine, tasks, data)
    disk_type = disk_types(machine.name)[0]
    costs, priced = _costs(vms, region, hours, disk_type, druid_day * keep)
    return Estimate(
        rate=rate,
        hours=hours,
        keep=keep,
        region=region,
        partitions=PARTITIONS_PER_TASK * tasks,
        shards=math.ceil(rate / EVENTS_PER_SHARD),
        task_count=tasks,
        vms=vms,
        disk_type=disk_type,
        kafka_gib_day=events * KAFKA_BYTES / _GIB,
        druid_gib_day=druid_day,
        costs=costs,
        priced=priced,
    )


def _machine(machine_type: str | None, tasks: int) -> Machine:
    if machine_type is None:
        machine_type = next(
            (name for name in _ALONE if most_tasks(machines()[name]) >= tasks), DATA_MACHINE
        )
    # Raises if the machine type is not known, or has too little memory for even one task.
    return size(machine_type, 1).machine


def _vms(machine: Machine, tasks: int, data: int) -> tuple[Vms, ...]:
    most = most_tasks(machine)
    count = max(math.ceil(tasks / most), math.ceil(data / LARGEST_DISK))
    disk = BOOT_DISK + max(LEAST_DATA_DISK, math.ceil(data / count))
    if count == 1:
        return (Vms(VM_SERVICES, machine.name, 1, disk),)
    # Druid's "Clustered deployment" guide starts with 8 vCPUs and 32 GiB for each of these two.
    other = f"{machine.series}-standard-8"
    return (
        Vms(("coordinator",), other, 1, BOOT_DISK + LEAST_DATA_DISK),
        Vms(("broker", "router"), other, 1, BOOT_DISK),
        Vms(("historical", "middleManager"), machine.name, count, disk),
    )


def _costs(
    vms: tuple[Vms, ...], region: str, hours: float, disk_type: str, kept: float
) -> tuple[tuple[Cost, ...], str]:
    total, priced = 0.0, ""
    for group in vms:
        price = price_of(group.machine_type, f"{region}-a")
        if price is None:
            raise SizingError(f"{region} has no {group.machine_type}: use n2, n4 or c4 there.")
        total += price.usd_per_hour * group.machines * hours * MONTH
        priced = price.date
    disk = unit_price(disk_type, "gib-month", region)
    bucket = unit_price("bucket-standard", "gib-month", region)
    disks = sum(group.machines * group.disk for group in vms)
    costs = (
        Cost("vms", total),
        # Google bills disks also while the VM is off.
        Cost("disks", disk.usd * disks if disk else None),
        Cost("deep_storage", bucket.usd * kept if bucket else None),
        Cost("confluent_cloud", None),
    )
    return costs, priced
