"""What an hour of a VM costs, on demand and without its disk, as far as a source says."""

import csv
from pathlib import Path
from typing import NamedTuple

_PRICES = Path(__file__).with_name("prices.csv")


class Price(NamedTuple):
    """US dollars an hour, and whose figure of which day that is; "" of one's own figure."""

    usd_per_hour: float
    source: str = ""
    date: str = ""


def price_of(machine_type: str, zone: str) -> Price | None:
    """The price of a machine type in a zone; None where no source is known."""
    region = zone.rpartition("-")[0]
    with _PRICES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if (row["machine_type"], row["region"]) == (machine_type, region):
                return Price(float(row["usd_per_hour"]), row["source"], row["date"])
    return None
