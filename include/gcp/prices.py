"""Google's on-demand prices by region, from published sources.

`prices.csv` has unit prices, because Google bills a machine type as vCPUs and GiB of its series.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from include.gcp.sizing import machines

_PRICES = Path(__file__).with_name("prices.csv")


class Price(NamedTuple):
    """Price in US dollars per hour, with its source and date ("" for a price the user gave)."""

    usd_per_hour: float
    source: str = ""
    date: str = ""


class UnitPrice(NamedTuple):
    """Price in US dollars per unit, with its source and date (ISO)."""

    usd: float
    source: str
    date: str


def price_of(machine_type: str, zone: str) -> Price | None:
    """Return the price of a machine type in a zone, without disks; None if no source has one."""
    region = zone.rpartition("-")[0]
    machine = machines().get(machine_type)
    if machine is None:
        return None
    vcpu = unit_price(machine.series, "vcpu-hour", region)
    gib = unit_price(machine.series, "gib-hour", region)
    if vcpu is None or gib is None:
        return None
    usd = machine.vcpus * vcpu.usd + machine.memory / 1024 * gib.usd
    # Unit prices have at most nine decimals, so further ones are rounding errors of the sum.
    return Price(round(usd, 9), vcpu.source, vcpu.date)


def unit_price(resource: str, unit: str, region: str) -> UnitPrice | None:
    """Return the price of a `resource` (series, disk type, `bucket-standard`); None if unknown."""
    return _unit_prices().get((resource, unit, region))


def regions() -> tuple[str, ...]:
    """Return the regions that have prices."""
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
