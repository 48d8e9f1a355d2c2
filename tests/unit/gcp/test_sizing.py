"""Sizes of Druid on each machine type, and refusals."""

from __future__ import annotations

import csv
import math
import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.druid.runtime import PEON, VM_SERVICES, Deployment, Size, properties, render
from include.gcp import sizing
from include.gcp.sizing import (
    EVENTS_PER_TASK,
    Machine,
    SizingError,
    machines,
    most_tasks,
    size,
    smallest,
)

FITTING = [machine for machine in machines().values() if most_tasks(machine)]
fitting = st.sampled_from(FITTING)


def deployment(machine_type: str) -> Deployment:
    names = (*VM_SERVICES, PEON, "derby")
    ports = {name: 8000 + number for number, name in enumerate(names)}
    sizes = size(machine_type, 1).sizes
    return Deployment("10.0.0.2", ports, "10.0.0.2:2181", PurePosixPath("/var/druid"), sizes)


def test_recommended_machine_gets_these_sizes() -> None:
    plan = size("n2-highmem-8", 50_000)
    assert plan.task_count == 3
    assert plan.sizes == {
        "coordinator": Size(heap=4096),
        "broker": Size(heap=4096, threads=1, merge_buffers=2, buffer=500),
        "historical": Size(heap=4096, threads=7, merge_buffers=2, buffer=500, cache=1024),
        "middleManager": Size(heap=128, capacity=7),
        "router": Size(heap=256),
        PEON: Size(heap=1024, threads=2, merge_buffers=2, buffer=100),
    }
    # 4096 + 64, 4096 + 2064, 4096 + 5064, 128 + 64, 256 + 64, ZooKeeper, and seven tasks.
    assert plan.memory == 4160 + 6160 + 9160 + 192 + 320 + 256 + 7 * (1024 + 564)


def test_default_machine_has_smaller_buffers() -> None:
    sizes = size("n2-standard-4", 1).sizes
    assert (sizes["historical"].heap, sizes["historical"].threads) == (2048, 3)
    assert sizes["historical"].buffer == sizes["broker"].buffer == 200
    assert sizes["middleManager"].capacity == 3


@given(machine=fitting, share=st.floats(0.001, 1))
def test_druid_leaves_a_quarter_of_the_memory_to_the_system(machine: Machine, share: float) -> None:
    plan = size(machine.name, share * most_tasks(machine) * EVENTS_PER_TASK)
    assert plan.memory <= machine.memory * 0.75
    assert set(plan.sizes) == {*VM_SERVICES, PEON}


@given(machine=fitting)
def test_druids_formulas_hold_on_every_machine(machine: Machine) -> None:
    sizes = size(machine.name, 1).sizes
    historical, broker = sizes["historical"], sizes["broker"]
    assert historical.heap == min(machine.vcpus * 512, 24 * 1024)
    assert historical.threads == machine.vcpus - 1
    assert historical.merge_buffers == max(2, math.ceil(historical.threads / 4))
    assert broker.merge_buffers == historical.merge_buffers
    assert 1024 <= broker.heap <= 8 * 1024
    assert 100 <= historical.buffer <= 500


@given(machine=fitting, share=st.floats(0.001, 1))
def test_every_task_has_a_slot_for_its_successor_and_one_slot_is_spare(
    machine: Machine, share: float
) -> None:
    rate = share * most_tasks(machine) * EVENTS_PER_TASK
    plan = size(machine.name, rate)
    assert rate <= plan.task_count * EVENTS_PER_TASK < rate + EVENTS_PER_TASK
    assert plan.sizes["middleManager"].capacity == 2 * plan.task_count + 1
    # Half of the vCPUs are left for queries and for everything else.
    assert plan.task_count <= machine.vcpus / 2


@given(machine=fitting)
def test_rendered_properties_of_machines_differ_only_in_numbers(machine: Machine) -> None:
    """Therefore the few machines of an integration test represent all of them."""
    for service in VM_SERVICES:
        rendered = [
            re.sub(r"\d+", "#", render(properties(service, deployment(name))))
            for name in ("n2-standard-4", machine.name)
        ]
        assert rendered[0] == rendered[1]


@pytest.mark.parametrize(
    ("machine_type", "rate", "said"),
    [
        ("n2-standrad-4", 1, "similar: n2-standard-4"),
        ("e2-small", 1, "use one of n2, n4, c3 and c4"),
        (
            "n2-standard-2",
            1,
            "has 8 GiB of memory, and with 2 vCPUs Druid needs 12 GiB: use n2-highmem-2, the "
            "smallest n2 that suffices",
        ),
        (
            "n2-standard-4",
            20_001,
            "can ingest at most 20,000 events/s, not 20,001: use n2-highmem-4, the smallest n2 "
            "that suffices",
        ),
        ("n2-highmem-128", 1_300_000, "no single n2 suffices"),
        ("n2-standard-4", 0, "must be above 0 events/s"),
        ("n2-standard-4", -1, "must be above 0 events/s"),
        ("n2-standard-4", math.nan, "must be above 0 events/s"),
        ("n2-standard-4", math.inf, "must be above 0 events/s"),
    ],
)
def test_unknown_machine_or_impossible_rate_is_refused_in_one_sentence(
    machine_type: str, rate: float, said: str
) -> None:
    with pytest.raises(SizingError) as refused:
        size(machine_type, rate)
    message = str(refused.value)
    assert said in message
    assert message.endswith(".")
    assert "\n" not in message


@given(machine=fitting)
def test_highest_planned_rate_is_accepted_and_a_higher_one_refused(machine: Machine) -> None:
    most = most_tasks(machine) * EVENTS_PER_TASK
    assert size(machine.name, most).task_count == most_tasks(machine)
    with pytest.raises(SizingError):
        size(machine.name, most + 1)


def test_smallest_machine_fits_the_tasks_and_no_smaller_one_does() -> None:
    other = smallest("c4", 5)
    assert other is not None
    assert size(other.name, 5 * EVENTS_PER_TASK).task_count == 5
    fewer = [m for m in FITTING if m.series == "c4" and m[1:] < other[1:]]
    assert all(most_tasks(machine) < 5 for machine in fewer)


def test_machine_types_are_those_of_compute_engine() -> None:
    assert {machine.series for machine in machines().values()} == {"n2", "n4", "c3", "c4"}
    # Types whose vCPUs are not a power of two, or with less than 4 GiB per vCPU.
    assert machines()["c3-standard-22"] == ("c3-standard-22", 22, 88 * 1024)
    assert machines()["c4-standard-4"] == ("c4-standard-4", 4, 15 * 1024)
    assert "n4-standard-96" not in machines()
    with sizing._MACHINE_TYPES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(machines())
    assert all(row["source"] and row["date"] for row in rows)
