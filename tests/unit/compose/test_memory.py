"""No container can take more than its limit, nor its JVM be killed for staying within its own."""

from __future__ import annotations

import re
from typing import Any

import pytest

from include.druid.container import jvm_overhead
from tests.unit.compose.projects import LOAD, PROJECTS, project


def heap_and_direct(service: dict[str, Any]) -> tuple[int, int]:
    """Heap and direct memory that a service's JVM may take, MiB; zeros if it runs none."""
    environment = service.get("environment", {})
    if "DRUID_XMX" in environment:
        return mebibytes(environment["DRUID_XMX"]), mebibytes(
            environment["DRUID_MAXDIRECTMEMORYSIZE"]
        )
    if "ZK_SERVER_HEAP" in environment:
        return int(environment["ZK_SERVER_HEAP"]), 0
    options = environment.get("KAFKA_HEAP_OPTS", "") + environment.get("JAVA_OPTS", "")
    sizes = dict(re.findall(r"-(Xmx|XX:MaxDirectMemorySize=)(\d+m)", options))
    return mebibytes(sizes.get("Xmx", "0m")), mebibytes(sizes.get("XX:MaxDirectMemorySize=", "0m"))


def mebibytes(text: str) -> int:
    assert re.fullmatch(r"\d+m", text)
    return int(text[:-1])


@pytest.mark.parametrize("overrides", PROJECTS)
def test_every_container_is_limited_to_more_than_its_jvm_takes(overrides: tuple[str, ...]) -> None:
    jvms = set()
    for name, service in project(*overrides)["services"].items():
        heap, direct = heap_and_direct(service)
        limit = mebibytes(service["mem_limit"])
        if heap:
            jvms.add(name)
            assert limit >= heap + direct + jvm_overhead(heap), name
    assert {"kafka", "kafka-ui", "zookeeper", "druid-indexer", "druid-router"} < jvms


@pytest.mark.parametrize(
    ("overrides", "gibibytes"), [((), 6), ((LOAD,), 24)], ids=["small", "load"]
)
def test_the_java_processes_leave_room_in_what_docker_is_given(
    overrides: tuple[str, ...], gibibytes: int
) -> None:
    services = project(*overrides)["services"].values()
    total = sum(sum(heap_and_direct(service)) for service in services)
    # The rest is for what the JVMs use beside heap and buffers, Airflow, PostgreSQL and files.
    assert 0.4 < total / 1024 / gibibytes < 0.65


@pytest.mark.parametrize("overrides", PROJECTS)
def test_the_scheduler_has_room_for_every_worker_at_work(overrides: tuple[str, ...]) -> None:
    service = project(*overrides)["services"]["airflow-scheduler"]
    workers = int(service["environment"]["AIRFLOW__CORE__PARALLELISM"])
    # As measured, MiB: see the compose file.
    assert mebibytes(service["mem_limit"]) > 170 + workers * (140 + 220)
