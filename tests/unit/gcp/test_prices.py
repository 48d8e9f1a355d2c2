"""Prices of machines and disks: unit prices, compared with published prices of machine types."""

from __future__ import annotations

import csv

import pytest

from include.gcp import prices
from include.gcp.prices import price_of, regions, unit_price
from include.gcp.sizing import machines

ZONE = "southamerica-east1-a"

#: The source's own prices of whole machine types, on the date that `prices.csv` has.
PUBLISHED = [
    ("n2-standard-4", "southamerica-east1-a", 0.30832),
    ("n2-highmem-8", "southamerica-west1-a", 0.74940008),
    ("n2-highcpu-64", "us-central1-a", 2.294272),
    # This type has less memory per vCPU than the other highmem types.
    ("n2-highmem-128", "southamerica-east1-a", 12.23344),
    ("n4-standard-8", "southamerica-east1-a", 0.576090112),
    ("n4-highmem-16", "us-central1-a", 0.95216),
    ("c3-standard-22", "southamerica-east1-a", 1.76073348),
    ("c3-highcpu-44", "us-central1-a", 1.871144),
    ("c4-standard-8", "southamerica-west1-a", 0.5653362),
    ("c4-highmem-288", "southamerica-east1-a", 29.80300392),
]


@pytest.mark.parametrize(("machine_type", "zone", "usd"), PUBLISHED)
def test_price_of_a_machine_type_is_that_of_its_vcpus_and_memory(
    machine_type: str, zone: str, usd: float
) -> None:
    price = price_of(machine_type, zone)
    assert price is not None
    assert price.usd_per_hour == usd


@pytest.mark.parametrize("machine_type", ["e2-small", "n2-standard-5", ""])
def test_unknown_machine_type_has_no_price(machine_type: str) -> None:
    assert price_of(machine_type, ZONE) is None


def test_machine_type_has_no_price_where_it_is_not_offered() -> None:
    assert price_of("c3-standard-4", "southamerica-west1-a") is None
    assert price_of("n2-standard-4", "europe-west1-b") is None


def test_only_c3_in_southamerica_west1_has_no_price() -> None:
    missing = {
        (machine.series, region)
        for machine in machines().values()
        for region in regions()
        if price_of(machine.name, f"{region}-a") is None
    }
    assert missing == {("c3", "southamerica-west1")}


def test_disk_and_bucket_have_a_price_per_month() -> None:
    disk = unit_price("pd-ssd", "gib-month", "southamerica-east1")
    bucket = unit_price("bucket-standard", "gib-month", "southamerica-east1")
    assert (disk and disk.usd, bucket and bucket.usd) == (0.255, 0.035)


def test_each_resource_has_one_price_per_region() -> None:
    with prices._PRICES.open(encoding="utf-8", newline="") as file:
        rows = [(row["resource"], row["unit"], row["region"]) for row in csv.DictReader(file)]
    assert len(rows) == len(set(rows))
    assert tuple(dict.fromkeys(region for *_, region in rows)) == regions()
