"""Generate the tables of `docs/sizing.md`, for `./ventas docs`."""

from collections.abc import Iterable, Sequence
from typing import Final

from include.gcp.estimate import MONTH, Estimate, estimate
from include.gcp.prices import price_of, regions, unit_price
from include.gcp.sizing import EVENTS_PER_TASK, machines, most_tasks, size

START: Final = "<!-- tables: ./ventas docs -->"
END: Final = "<!-- end of tables -->"

#: Most vCPUs of the machine types shown: those of 4 to 32 vCPUs with at least 4 GiB per vCPU.
_MOST_VCPUS: Final = 32

_RATES: Final = (1, 1_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)


def with_tables(page: str) -> str:
    """Return the page with current tables; the text around them stays."""
    before, _, rest = page.partition(START)
    after = rest.partition(END)[2]
    return f"{before}{START}\n\n{_tables()}\n\n{END}{after}"


def _tables() -> str:
    shown = [
        machine.name
        for machine in machines().values()
        if "highcpu" not in machine.name and most_tasks(machine) and machine.vcpus <= _MOST_VCPUS
    ]
    return "\n\n".join(
        [
            "### Druid on one machine\n\nHeap + direct memory, and buffers, in MiB. Slots and "
            "share of the memory are for the highest rate that the machine type is planned for.",
            _table(
                (
                    *("machine type", "vCPUs", "GiB", "historical", "threads, merge buffers"),
                    *("buffer", "broker", "coordinator", "slots", "events/s", "of the memory"),
                ),
                map(_machine_row, shown),
            ),
            f"### US dollars a month\n\nOn-demand price of the VM without disks, for {MONTH} "
            f"days of 12 and of 24 hours. {_price_note()}",
            _table(
                ("machine type", *(f"{region}, {h} h" for region in regions() for h in (12, 24))),
                map(_price_row, shown),
            ),
            f"### By rate\n\nSales during 12 hours a day; Druid keeps {MONTH} days; region "
            f"{regions()[0]}. The last three columns are US dollars a month; Confluent Cloud is "
            "not included.",
            _table(
                (
                    *("events/s", "partitions", "shards", "taskCount", "machines"),
                    *("Kafka GiB/day", "Druid GiB/day", "VMs", "disks", "deep storage"),
                ),
                (_rate_row(estimate(rate)) for rate in _RATES),
            ),
        ]
    )


def _machine_row(name: str) -> Sequence[str]:
    machine = machines()[name]
    rate = most_tasks(machine) * EVENTS_PER_TASK
    plan = size(name, rate)
    historical, broker = plan.sizes["historical"], plan.sizes["broker"]
    return (
        f"`{name}`",
        str(machine.vcpus),
        f"{machine.memory // 1024}",
        f"{historical.heap} + {historical.direct}",
        f"{historical.threads}, {historical.merge_buffers}",
        str(historical.buffer),
        f"{broker.heap} + {broker.direct}",
        str(plan.sizes["coordinator"].heap),
        str(plan.sizes["middleManager"].capacity),
        f"{rate:,}",
        f"{plan.memory / machine.memory:.0%}",
    )


def _price_row(name: str) -> Sequence[str]:
    prices = [price_of(name, f"{region}-a") for region in regions()]
    return (
        f"`{name}`",
        *(
            f"{price.usd_per_hour * hours * MONTH:,.0f}" if price else "–"
            for price in prices
            for hours in (12, 24)
        ),
    )


def _price_note() -> str:
    disks = {region: unit_price("pd-ssd", "gib-month", region) for region in regions()}
    known = {region: price for region, price in disks.items() if price}
    prices = ", ".join(f"{price.usd:g} in {region}" for region, price in known.items())
    [(source, date)] = {(price.source, price.date) for price in known.values()}
    return (
        f"Prices of {date}, {source}. A GiB of pd-ssd costs {prices}, whether the VM is on or not."
    )


def _rate_row(found: Estimate) -> Sequence[str]:
    costs = {cost.what: cost.usd for cost in found.costs}
    return (
        f"{found.rate:,}",
        str(found.partitions),
        str(found.shards),
        str(found.task_count),
        "<br>".join(
            f"{group.machines} × `{group.machine_type}`, {group.disk:,} GiB" for group in found.vms
        ),
        f"{found.kafka_gib_day:,.2f}",
        f"{found.druid_gib_day:,.2f}",
        *(
            "–" if (usd := costs[what]) is None else f"{usd:,.2f}"
            for what in ("vms", "disks", "deep_storage")
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
