"""`./ventas size`: print the machines, storage and monthly cost that a rate of events needs."""

import json
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.table import Table

from include.druid.runtime import PEON, Size
from include.gcp import estimate as assumed
from include.gcp.estimate import Estimate, estimate
from include.gcp.sizing import EVENTS_PER_TASK, size

_COSTS: Final = {
    "vms": "VM",
    "disks": "discos",
    "deep_storage": "deep storage (GCS)",
    "confluent_cloud": "Confluent Cloud",
}


def run_size(
    console: Console,
    *,
    rate: float,
    machine_type: str | None,
    region: str,
    hours: float,
    keep: int,
    as_json: bool,
) -> int:
    """Print the estimate, as tables or as JSON, and return the exit code.

    Raises:
        SizingError: no machine fits the request.
    """
    found = estimate(rate, machine_type=machine_type, region=region, hours=hours, keep=keep)
    if as_json:
        print(json.dumps(to_dict(found), indent=2))
        return 0
    console.print(_needs(found), _druid(found), _costs(found), sep="\n")
    console.print(_assumptions(found), highlight=False)
    return 0


def druid_sizes(found: Estimate) -> dict[str, Size]:
    """Return the sizes of Druid's processes on a machine with data, and of its tasks."""
    data = found.vms[-1]
    # A cluster may need more machines for its disks than for its tasks.
    sizes = size(data.machine_type, found.rate / data.machines).sizes
    return {service: sizes[service] for service in (*data.services, PEON)}


def to_dict(found: Estimate) -> dict[str, object]:
    """Return the estimate as JSON values: US dollars, GiB, and MiB for Druid's processes."""
    return {
        **asdict(found),
        "vms": [one._asdict() for one in found.vms],
        "costs": {cost.what: cost.usd for cost in found.costs},
        "usd_month": found.usd_month,
        "druid": {
            service: {**asdict(one), "direct": one.direct}
            for service, one in druid_sizes(found).items()
        },
    }


def _needs(found: Estimate) -> Table:
    table = Table(
        "qué",
        "cuánto",
        title=f"{found.rate:,.7g} eventos/s, {found.hours:g} h por día",
        title_justify="left",
    )
    table.add_row("particiones de Kafka", str(found.partitions))
    table.add_row("productores (shards)", str(found.shards))
    table.add_row("tareas de Druid (taskCount)", str(found.task_count))
    for one in found.vms:
        table.add_row(
            f"VM: {', '.join(one.services)}",
            f"{one.machines} × {one.machine_type}, {one.disk:,} GiB de {found.disk_type}",
        )
    table.add_row("Kafka, por día", f"{found.kafka_gib_day:,.2f} GiB")
    table.add_row("Druid, por día", f"{found.druid_gib_day:,.2f} GiB")
    table.add_row(f"Druid, {found.keep} días", f"{found.druid_gib_day * found.keep:,.1f} GiB")
    return table


def _druid(found: Estimate) -> Table:
    table = Table(
        "proceso",
        "heap MiB",
        "directa MiB",
        "hilos",
        "merge",
        "búfer MiB",
        "tareas",
        title=f"Druid en {found.vms[-1].machine_type}",
        title_justify="left",
    )
    for service, one in druid_sizes(found).items():
        numbers = (one.heap, one.direct, one.threads, one.merge_buffers, one.buffer, one.capacity)
        table.add_row(service, *(str(number or "") for number in numbers))
    return table


def _costs(found: Estimate) -> Table:
    table = Table(f"por mes en {found.region}", f"US$, precios del {found.priced}")
    for cost in found.costs:
        table.add_row(_COSTS[cost.what], "no incluido" if cost.usd is None else f"{cost.usd:,.2f}")
    table.add_row("en total", f"{found.usd_month:,.2f}")
    return table


def _assumptions(found: Estimate) -> str:
    month = found.kafka_gib_day * assumed.MONTH
    stored = found.kafka_gib_day * assumed.KAFKA_DAYS
    return (
        f"Supuestos (docs/sizing.md): {EVENTS_PER_TASK:,} eventos/s por tarea y "
        f"{assumed.EVENTS_PER_SHARD:,} por productor, menos de la mitad de lo medido en dos "
        f"núcleos; {assumed.KAFKA_BYTES} bytes por evento en Kafka y {assumed.DRUID_BYTES} en "
        f"Druid, medidos; Kafka guarda {assumed.KAFKA_DAYS} días y Druid {found.keep} (--keep); "
        f"mes de {assumed.MONTH} días; precios de lista, sin descuentos ni impuestos.\n"
        f"Para el estimador de Confluent Cloud: {month:,.1f} GiB por mes de entrada, otros tantos "
        f"de salida hacia Druid, {stored:,.1f} GiB guardados (una réplica), {found.partitions} "
        "particiones."
    )
