"""Print what a rate of events needs in the cloud, and its cost.

The result has Kafka's partitions, producers, Druid's tasks and processes, machines, storage, and
Google's price per month. Nothing is started and no account is needed. The result is one machine if
one suffices, otherwise a cluster of such machines.
"""

import argparse
import json
from dataclasses import asdict
from typing import Final

from rich.console import Console
from rich.table import Table

from commands import options as types
from include.druid.runtime import PEON, Size
from include.gcp import estimate as assumed
from include.gcp.estimate import Estimate, estimate
from include.gcp.sizing import EVENTS_PER_TASK, size
from include.names import SALES_RETENTION
from include.stack.settings import Settings
from include.texts import terminal_text

EPILOG: Final = """\
examples:
  ./ventas size --rate 1                       the demo: a sale every 1-2 s
  ./ventas size --rate 50000 --hours 24        around the clock, on the cheapest n2 that suffices
  ./ventas size --rate 50000 --machine n2-highmem-8
  ./ventas size --rate 1000000 --keep 7        a cluster; Druid keeps a week
  ./ventas size --rate 500 --json              for programs: US dollars, GiB, MiB

machine types: n2, n4, c3 and c4; standard, highmem and highcpu. A type that is too small is refused
with the name of one that suffices. Prices are of southamerica-east1, southamerica-west1 and
us-central1, from a public copy of Google's list, whose date is shown. They do not include Confluent
Cloud, Hyperdisk, traffic and taxes. How they are computed: docs/sizing.md."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "--rate", type=float, required=True, metavar="N", help="events per second, up to 1000000"
    )
    parser.add_argument(
        "--machine", metavar="TYPE", help="machine type of Druid (default: the cheapest n2)"
    )
    parser.add_argument(
        "--region",
        default="southamerica-east1",
        metavar="REGION",
        help="region (default: %(default)s)",
    )
    parser.add_argument(
        "--hours",
        type=types.number(0.1, 24, "hours"),
        default=12,
        metavar="H",
        help="hours of each day for which stores sell, 0.1 to 24 (default: %(default)s)",
    )
    parser.add_argument(
        "--keep",
        type=types.whole_number(1, 400, "days"),
        default=30,
        metavar="DAYS",
        help="days that Druid keeps, 1 to 400 (default: %(default)s; the project's setting is 400)",
    )
    types.add_json(parser)


def run(options: argparse.Namespace, _: Settings, console: Console) -> int:
    """Print the estimate, as tables or as JSON.

    Raises:
        SizingError: no machine fits the request.
    """
    found = estimate(
        options.rate,
        machine_type=options.machine,
        region=options.region,
        hours=options.hours,
        keep=options.keep,
    )
    if options.json:
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
        "vms": [group._asdict() for group in found.vms],
        "costs": {cost.what: cost.usd for cost in found.costs},
        "usd_month": found.usd_month,
        "druid": {
            service: {**asdict(resources), "direct": resources.direct}
            for service, resources in druid_sizes(found).items()
        },
    }


def _needs(found: Estimate) -> Table:
    table = Table(
        _said("what"),
        _said("amount"),
        title=_said("title", rate=f"{found.rate:,.7g}", hours=f"{found.hours:g}"),
        title_justify="left",
    )
    table.add_row(_said("partitions"), str(found.partitions))
    table.add_row(_said("producers"), str(found.shards))
    table.add_row(_said("tasks_of_druid"), str(found.task_count))
    for group in found.vms:
        machines = _said(
            "machines",
            machines=group.machines,
            type=group.machine_type,
            disk=f"{group.disk:,}",
            disk_type=found.disk_type,
        )
        table.add_row(f"VM: {', '.join(group.services)}", machines)
    table.add_row(_said("kafka_day"), f"{found.kafka_gib_day:,.2f} GiB")
    table.add_row(_said("druid_day"), f"{found.druid_gib_day:,.2f} GiB")
    kept = f"{found.druid_gib_day * found.keep:,.1f} GiB"
    table.add_row(_said("druid_days", days=found.keep), kept)
    return table


def _druid(found: Estimate) -> Table:
    table = Table(
        _said("process"),
        "heap MiB",
        _said("direct"),
        _said("threads"),
        "merge",
        _said("buffer"),
        _said("tasks"),
        title=_said("druid", type=found.vms[-1].machine_type),
        title_justify="left",
    )
    for service, resources in druid_sizes(found).items():
        numbers = (
            resources.heap,
            resources.direct,
            resources.threads,
            resources.merge_buffers,
            resources.buffer,
            resources.capacity,
        )
        table.add_row(service, *(str(number or "") for number in numbers))
    return table


def _costs(found: Estimate) -> Table:
    table = Table(_said("month", region=found.region), _said("prices", day=found.priced))
    for cost in found.costs:
        usd = _said("costs.none") if cost.usd is None else f"{cost.usd:,.2f}"
        table.add_row(_said(f"costs.{cost.what}"), usd)
    table.add_row(_said("costs.total"), f"{found.usd_month:,.2f}")
    return table


def _assumptions(found: Estimate) -> str:
    month = found.kafka_gib_day * assumed.MONTH
    stored = found.kafka_gib_day * SALES_RETENTION.days
    assumptions = _said(
        "assumptions",
        per_task=f"{EVENTS_PER_TASK:,}",
        per_shard=f"{assumed.EVENTS_PER_SHARD:,}",
        kafka_bytes=assumed.KAFKA_BYTES,
        druid_bytes=assumed.DRUID_BYTES,
        kafka_days=SALES_RETENTION.days,
        druid_days=found.keep,
        month=assumed.MONTH,
    )
    confluent = _said(
        "confluent",
        ingress=f"{month:,.1f}",
        stored=f"{stored:,.1f}",
        partitions=found.partitions,
    )
    return f"{assumptions}\n{confluent}"


def _said(key: str, **values: object) -> str:
    return terminal_text(f"cli.size.{key}", **values)
