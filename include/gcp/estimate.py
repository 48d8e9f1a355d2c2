"""From events a second to partitions, tasks, machines, storage and what they cost in a month.

On paper: nothing beyond two cores was ever measured. What is assumed stands in the constants, with
where it comes from; `docs/sizing.md` explains the formulas.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from include.druid.runtime import VM_SERVICES
from include.druid.sizing import Machine, SizingError, machines, most_tasks, size, tasks_for
from include.gcp.prices import price_of, regions, unit_price

MOST_EVENTS: Final = 1_000_000
"""Events a second: what is asked for beyond is no matter of arithmetic."""

MONTH: Final = 30
"""Days."""

EVENT_BYTES: Final = 582
"""Of an event's JSON in the mean (`docs/performance.md`)."""

KAFKA_BYTES: Final = 91
"""Of an event in Kafka, lz4, its share of the ledger included, one replica: 479 MB of the month of
5,249,570 events in `docs/performance.md`."""

DRUID_BYTES: Final = 159
"""Of an event in Druid's segments: 833 MB of the same month."""

KAFKA_DAYS: Final = 7
"""That the topic `ventas` is kept (`plugins/ventas_airflow/sales.py`)."""

EVENTS_PER_SHARD: Final = 100_000
"""Events a second of one producer process: two made 447 thousand on two cores that they shared
with the broker, and less than half of that is planned."""

PARTITIONS_PER_TASK: Final = 2
"""So that twice the tasks find partitions, which cannot be taken away again."""

BOOT_DISK: Final = 20
"""GiB, as in `vm.json`."""

LEAST_DATA_DISK: Final = 100
"""GiB: below, a pd-ssd is slow, for its speed grows with its size."""

LARGEST_DISK: Final = 65_536
"""GiB of one pd-ssd or Hyperdisk Balanced."""

DATA_HEADROOM: Final = 1.25
"""For tasks' own files, and for a day that is compacted while its old segments are still there."""

DATA_MACHINE: Final = "n2-highmem-16"
"""Of a cluster, unless another one is asked for."""

_ALONE: Final = (
    *("n2-standard-4", "n2-highmem-4", "n2-standard-8"),
    *("n2-highmem-8", "n2-standard-16", "n2-highmem-16"),
)
"""What is taken where none is asked for: the cheapest that fits, from four vCPUs on."""

_GIB: Final = 1024**3


class Vms(NamedTuple):
    """Machines of one kind: what runs on each, how many, and the GiB of disk of each."""

    services: tuple[str, ...]
    machine_type: str
    machines: int
    disk: int


class Cost(NamedTuple):
    """Of a month: US dollars, or None where no source has a price."""

    what: str
    usd: float | None


@dataclass(frozen=True)
class Estimate:
    """What a rate takes.

    Attributes:
        rate: events a second, in the hours that stores sell.
        hours: of each day that stores sell and the VMs are on.
        keep: days that Druid keeps.
        partitions: of the topic.
        shards: producer processes (the window's mapped tasks).
        task_count: the supervisor's `taskCount`; `replicas` stays 1.
        vms: machines, those with the data last.
        disk_type: what the series can have.
        kafka_gib_day: that a day adds to the topic, compressed, one replica; also what is sent to
            Kafka, and what Druid reads.
        druid_gib_day: segments of a day.
        costs: of a month of 30 days: `vms`, `disks`, `deep_storage`, `confluent_cloud`.
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
        """The sum of the prices that are known."""
        return sum(cost.usd for cost in self.costs if cost.usd is not None)


def estimate(
    rate: float,
    *,
    machine_type: str | None = None,
    region: str = "southamerica-east1",
    hours: float = 12,
    keep: int = MONTH,
) -> Estimate:
    """What `rate` events a second take for `hours` a day.

    One machine if it can, otherwise a cluster whose data machines are of that type.

    Raises:
        SizingError: a rate above `MOST_EVENTS`, a machine type that is not known, that has too
            little memory or that the region has not; a region without prices.
    """
    tasks = tasks_for(rate)
    if rate > MOST_EVENTS:
        raise SizingError(f"{rate:,.0f} events/s are above {MOST_EVENTS:,}, where this ends.")
    if region not in regions():
        raise SizingError(f"There are no prices of {region!r}: take {', '.join(regions())}.")
    events = rate * 3600 * hours
    druid_day = events * DRUID_BYTES / _GIB
    data = math.ceil(druid_day * keep * DATA_HEADROOM)
    machine = _machine(machine_type, tasks)
    vms = _vms(machine, tasks, data)
    disk_type = "pd-ssd" if machine.series in ("n2", "c3") else "hyperdisk-balanced"
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
    # Refuses what is not known or has too little memory for any task.
    return size(machine_type, 1).machine


def _vms(machine: Machine, tasks: int, data: int) -> tuple[Vms, ...]:
    most = most_tasks(machine)
    count = max(math.ceil(tasks / most), math.ceil(data / LARGEST_DISK))
    disk = BOOT_DISK + max(LEAST_DATA_DISK, math.ceil(data / count))
    if count == 1:
        return (Vms(VM_SERVICES, machine.name, 1, disk),)
    # Druid's "Clustered deployment" begins with 8 vCPUs and 32 GiB for each of these two.
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
    for one in vms:
        price = price_of(one.machine_type, f"{region}-a")
        if price is None:
            raise SizingError(f"{region} has no {one.machine_type}: take n2, n4 or c4 there.")
        total += price.usd_per_hour * one.machines * hours * MONTH
        priced = price.date
    disk = unit_price(disk_type, "gib-month", region)
    bucket = unit_price("bucket-standard", "gib-month", region)
    disks = sum(one.machines * one.disk for one in vms)
    costs = (
        Cost("vms", total),
        # Whether the VM is on or not.
        Cost("disks", disk.usd * disks if disk else None),
        Cost("deep_storage", bucket.usd * kept if bucket else None),
        Cost("confluent_cloud", None),
    )
    return costs, priced
