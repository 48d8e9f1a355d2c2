"""Memory limits of the containers: each is enough for its JVM, and the files state the total."""

from __future__ import annotations

import re
from typing import Any

import pytest

from include.druid.container import jvm_overhead
from tests.unit.compose.projects import BASE, LOAD, PROJECTS, ROOT, project


def heap_and_direct(service: dict[str, Any]) -> tuple[int, int]:
    """Return heap and direct memory of a service's JVM, MiB; zeros without a JVM."""
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
def test_memory_limit_of_every_container_exceeds_its_jvm(overrides: tuple[str, ...]) -> None:
    jvms = set()
    for name, service in project(*overrides)["services"].items():
        heap, direct = heap_and_direct(service)
        limit = mebibytes(service["mem_limit"])
        if heap:
            jvms.add(name)
            assert limit >= heap + direct + jvm_overhead(heap), name
    assert {"kafka", "kafka-ui", "zookeeper", "druid-indexer", "druid-router"} < jvms


@pytest.mark.parametrize("overrides", [(), (LOAD,)])
def test_compose_files_state_the_total_memory(overrides: tuple[str, ...]) -> None:
    text = (ROOT / (*overrides, BASE)[0]).read_text(encoding="utf-8")
    said = re.search(r"Give Docker (\d+) GiB .*; the limits come to (\d+) GiB", text)
    assert said is not None
    services = project(*overrides)["services"].values()
    limits = sum(mebibytes(service["mem_limit"]) for service in services)
    assert round(limits / 1024) == int(said[2])
    # The rest is for the JVMs' other memory, Airflow, PostgreSQL and cached files.
    heaps = sum(sum(heap_and_direct(service)) for service in services)
    assert heaps / 1024 < 0.6 * int(said[1])


@pytest.mark.parametrize("overrides", PROJECTS)
def test_memory_limit_of_the_scheduler_is_enough_for_all_workers(
    overrides: tuple[str, ...],
) -> None:
    service = project(*overrides)["services"]["airflow-scheduler"]
    workers = int(service["environment"]["AIRFLOW__CORE__PARALLELISM"])
    # Measured MiB: see the Compose file.
    assert mebibytes(service["mem_limit"]) > 170 + workers * (140 + 220)
