"""What Google asks for in a region, on demand, as far as a source says.

`prices.csv` has unit prices, as Google bills: a machine type is so many vCPUs and so many GiB of
its series.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from include.druid.sizing import machines

_PRICES = Path(__file__).with_name("prices.csv")


class Price(NamedTuple):
    """US dollars an hour, and whose figure of which day that is; "" of one's own figure."""

    usd_per_hour: float
    source: str = ""
    date: str = ""


class UnitPrice(NamedTuple):
    """US dollars for one unit, and whose figure of which day (ISO) that is."""

    usd: float
    source: str
    date: str


def price_of(machine_type: str, zone: str) -> Price | None:
    """The price of a machine type in a zone, without its disks; None where no source is known."""
    region = zone.rpartition("-")[0]
    machine = machines().get(machine_type)
    if machine is None:
        return None
    vcpu = unit_price(machine.series, "vcpu-hour", region)
    gib = unit_price(machine.series, "gib-hour", region)
    if vcpu is None or gib is None:
        return None
    usd = machine.vcpus * vcpu.usd + machine.memory / 1024 * gib.usd
    # Unit prices have nine decimals at most: what is beyond comes of the sum.
    return Price(round(usd, 9), vcpu.source, vcpu.date)


def unit_price(resource: str, unit: str, region: str) -> UnitPrice | None:
    """The price of a `resource` (series, disk type, `bucket-standard`); None if none is known."""
    return _unit_prices().get((resource, unit, region))


def regions() -> tuple[str, ...]:
    """The regions that there are prices of."""
    return tuple(dict.fromkeys(region for _, _, region in _unit_prices()))


@cache
def _unit_prices() -> dict[tuple[str, str, str], UnitPrice]:
    with _PRICES.open(encoding="utf-8", newline="") as file:
        return {
            (row["resource"], row["unit"], row["region"]): UnitPrice(
                float(row["usd"]), row["source"], row["date"]
            )
            for row in csv.DictReader(file)
        }
