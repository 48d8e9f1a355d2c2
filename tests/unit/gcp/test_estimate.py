"""The estimate from events per second to a month's cost, and the requests that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.druid.runtime import VM_SERVICES
from include.gcp.estimate import Cost, Vms, estimate
from include.gcp.prices import price_of
from include.gcp.sizing import EVENTS_PER_TASK, SizingError, machines, most_tasks
from include.names import TOPIC
from ventas_airflow.sales import TOPICS

rates = st.floats(0.1, 1_000_000)

#: `pytest.approx` in the place of a number.
about: Callable[[float], Any] = pytest.approx


def test_rate_of_the_demo_needs_only_the_defined_vm() -> None:
    found = estimate(1)
    assert (found.partitions, found.shards, found.task_count) == (2, 1, 1)
    assert found.vms == (Vms(VM_SERVICES, "n2-standard-4", 1, 120),)
    assert found.partitions == TOPICS[TOPIC]["partitions"]


def test_million_events_per_second_need_a_cluster() -> None:
    found = estimate(1_000_000, hours=24, keep=7)
    assert (found.partitions, found.shards, found.task_count) == (100, 10, 50)
    # 86.4 billion (10^9) events of 159 bytes per day; each machine runs 8 of the 50 tasks.
    assert found.druid_gib_day == pytest.approx(86.4e9 * 159 / 2**30)
    assert found.vms == (
        Vms(("coordinator",), "n2-standard-8", 1, 120),
        Vms(("broker", "router"), "n2-standard-8", 1, 20),
        Vms(("historical", "middleManager"), "n2-highmem-16", 7, 20 + 15_993),
    )


def test_month_costs_machines_by_the_hour_and_disks_as_a_whole() -> None:
    found = estimate(1_000, hours=8, keep=10, region="us-central1")
    stored = 1_000 * 3600 * 8 * 10 * 159 / 2**30
    assert found.vms[0].disk == 20 + 100
    assert found.costs == (
        Cost("vms", about((4 * 0.031611 + 16 * 0.004237) * 8 * 30)),
        Cost("disks", about(120 * 0.17)),
        Cost("deep_storage", about(stored * 0.02)),
        Cost("confluent_cloud", None),
    )
    assert found.usd_month == pytest.approx(sum(cost.usd or 0 for cost in found.costs))
    assert found.priced == "2026-07-30"


def test_cost_without_a_known_price_is_none() -> None:
    costs = {cost.what: cost.usd for cost in estimate(1, machine_type="n4-standard-4").costs}
    assert (costs["disks"], costs["confluent_cloud"]) == (None, None)


@pytest.mark.parametrize(
    ("series", "disk_type"),
    [
        ("n2", "pd-ssd"),
        ("c3", "pd-ssd"),
        ("n4", "hyperdisk-balanced"),
        ("c4", "hyperdisk-balanced"),
    ],
)
def test_each_series_gets_a_disk_type_that_it_supports(series: str, disk_type: str) -> None:
    assert estimate(1, machine_type=f"{series}-standard-8").disk_type == disk_type


@given(rate=rates)
def test_tasks_partitions_and_producers_are_enough_for_any_rate(rate: float) -> None:
    found = estimate(rate)
    data = found.vms[-1]
    assert found.task_count * EVENTS_PER_TASK >= rate
    assert data.machines * most_tasks(machines()[data.machine_type]) >= found.task_count
    assert found.partitions == 2 * found.task_count
    assert found.shards * 100_000 >= rate
    assert {service for one in found.vms for service in one.services} == {*VM_SERVICES}


@given(rate=rates, keep=st.integers(1, 400), hours=st.floats(0.1, 24))
def test_disks_hold_every_kept_day_and_are_not_too_large(
    rate: float, keep: int, hours: float
) -> None:
    found = estimate(rate, keep=keep, hours=hours)
    data = found.vms[-1]
    assert data.machines * (data.disk - 20) >= found.druid_gib_day * keep * 1.25
    assert data.disk - 20 <= 65_536


@given(rate=st.floats(0.1, 160_000))
def test_default_machine_type_is_the_cheapest_that_fits(rate: float) -> None:
    found = estimate(rate, keep=1)
    [vm] = found.vms
    price = price_of(vm.machine_type, "southamerica-east1-a")
    assert price is not None
    for name in ("n2-standard-4", "n2-standard-8", "n2-highmem-8", "n2-highmem-16"):
        other = price_of(name, "southamerica-east1-a")
        assert other is not None
        if most_tasks(machines()[name]) >= found.task_count:
            assert price.usd_per_hour <= other.usd_per_hour


def test_too_small_machine_type_makes_a_cluster_of_it() -> None:
    found = estimate(50_000, machine_type="n2-standard-4")
    assert (found.vms[-1].machine_type, found.vms[-1].machines) == ("n2-standard-4", 3)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rate": 1_000_001}, "at most 1,000,000 events/s, not 1,000,001"),
        ({"rate": 0}, "must be above 0 events/s"),
        ({"rate": 1, "region": "europe-west1"}, "use southamerica-east1, southamerica-west1"),
        (
            {"rate": 1, "machine_type": "n2-highcpu-4"},
            "use n2-highmem-2, the smallest n2 that suffices",
        ),
        ({"rate": 1, "machine_type": "n2-standrad-4"}, "similar: n2-standard-4"),
        (
            {"rate": 1, "machine_type": "c3-standard-4", "region": "southamerica-west1"},
            "southamerica-west1 has no c3-standard-4: use n2, n4 or c4",
        ),
    ],
)
def test_impossible_request_is_refused_in_one_sentence(asked: dict[str, object], said: str) -> None:
    with pytest.raises(SizingError, match=r"^[^\n]+\.$") as refused:
        estimate(**asked)  # type: ignore[arg-type]
    assert said in str(refused.value)
