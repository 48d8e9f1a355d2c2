"""Druid's rendered configuration, service by service."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.druid.runtime import (
    EMBEDDED_SIZES,
    JAVA_17_FLAGS,
    PEON,
    SERVICES,
    VM_JVM_FLAGS,
    VM_SERVICES,
    Deployment,
    Size,
    jvm_options,
    properties,
    render,
)

DEPLOYMENT = Deployment(
    host="10.0.0.2",
    ports={
        "coordinator": 1,
        "broker": 2,
        "historical": 3,
        "indexer": 4,
        "router": 5,
        "derby": 6,
    },
    zookeeper="10.0.0.3:2181",
    folder=PurePosixPath("/var/druid"),
    sizes=EMBEDDED_SIZES,
    jvm_flags=("-XX:+UseSerialGC",),
)

VM = replace(
    DEPLOYMENT,
    ports={**DEPLOYMENT.ports, "middleManager": 7, PEON: 8100},
    sizes={
        **EMBEDDED_SIZES,
        "middleManager": Size(heap=128, capacity=4),
        PEON: Size(heap=1024, threads=2, merge_buffers=2, buffer=100),
    },
    jvm_flags=VM_JVM_FLAGS,
    segment_cache=150,
)

#: Properties of only one service, without the sizes of its buffers.
OWN = {
    "coordinator": {
        "druid.coordinator.asOverlord.enabled": "true",
        "druid.coordinator.asOverlord.overlordService": "druid/overlord",
        "druid.coordinator.startDelay": "PT2S",
        "druid.coordinator.period": "PT1S",
        "druid.manager.segments.pollDuration": "PT1S",
        "druid.indexer.queue.startDelay": "PT8S",
        "druid.supervisor.taskUnhealthinessThreshold": "10",
        "druid.coordinator.period.indexingPeriod": "PT10M",
        "druid.coordinator.kill.on": "true",
        "druid.coordinator.kill.ignoreDurationToRetain": "true",
        "druid.coordinator.kill.bufferPeriod": "P1D",
        "druid.indexer.storage.type": "metadata",
        "druid.indexer.runner.type": "httpRemote",
        "druid.indexer.runner.syncRequestTimeout": "PT10S",
        "druid.indexer.runner.taskAssignmentTimeout": "PT30S",
    },
    "broker": {
        "druid.sql.planner.metadataRefreshPeriod": "PT1S",
        "druid.broker.http.numConnections": "10",
        "druid.query.default.context.noProjections": "true",
    },
    "historical": {
        "druid.segmentCache.locations": '[{"path":"/var/druid/segment-cache","maxSize":"20g"}]',
        "druid.historical.cache.useCache": "true",
        "druid.historical.cache.populateCache": "true",
        "druid.cache.sizeInBytes": "134217728",
    },
    "indexer": {
        "druid.worker.capacity": "4",
        "druid.worker.numConcurrentMerges": "2",
        "druid.zk.service.sessionTimeoutMs": "10000",
        "druid.indexer.task.baseTaskDir": "/var/druid/tasks",
        "druid.indexer.task.restoreTasksOnRestart": "false",
        "druid.segment.handoff.pollDuration": "PT1S",
    },
    "router": {
        "druid.router.managementProxy.enabled": "true",
        "druid.router.http.numConnections": "10",
    },
}
COMMON = set.intersection(*(set(properties(service, DEPLOYMENT)) for service in SERVICES))


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_has_its_own_properties(service: str) -> None:
    made = properties(service, DEPLOYMENT)
    own = {
        name: value
        for name, value in made.items()
        if name not in COMMON and not name.startswith("druid.processing.")
    }
    assert own == OWN[service]
    assert made["druid.service"] == f"druid/{service}"
    assert made["druid.plaintextPort"] == str(DEPLOYMENT.ports[service])


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_binds_only_its_host_and_finds_the_others(service: str) -> None:
    made = properties(service, DEPLOYMENT)
    assert (made["druid.host"], made["druid.bindOnHost"]) == ("10.0.0.2", "true")
    assert made["druid.zk.service.host"] == "10.0.0.3:2181"
    connect = made["druid.metadata.storage.connector.connectURI"]
    assert connect == "jdbc:derby://10.0.0.2:6//var/druid/metadata;create=true"
    assert made["druid.metadata.storage.connector.port"] == "6"


@pytest.mark.parametrize("service", SERVICES)
def test_the_jvm_has_its_memory_its_time_zone_and_java_17s_flags(service: str) -> None:
    options = jvm_options(service, DEPLOYMENT)
    size = EMBEDDED_SIZES[service]
    assert options[:3] == [
        f"-Xms{size.heap // 2}m",
        f"-Xmx{size.heap}m",
        f"-XX:MaxDirectMemorySize={size.direct}m",
    ]
    assert set(JAVA_17_FLAGS) <= set(options)
    # Without the first, a process would live on half-dead after an OutOfMemoryError. Druid needs
    # UTC, whatever the machine's time zone.
    assert {"-XX:+ExitOnOutOfMemoryError", "-Duser.timezone=UTC"} <= set(options)
    assert options[-1] == "-XX:+UseSerialGC"


@given(threads=st.integers(1, 64), merge_buffers=st.integers(1, 16), buffer=st.integers(1, 1024))
def test_direct_memory_satisfies_druids_check_at_start(
    threads: int, merge_buffers: int, buffer: int
) -> None:
    """Druid refuses to start with less than (threads + merge buffers + 1) x buffer.

    That is in its documentation. The formula uses the rendered properties, which Druid reads.
    """
    size = Size(heap=1, threads=threads, merge_buffers=merge_buffers, buffer=buffer)
    place = replace(DEPLOYMENT, sizes={**EMBEDDED_SIZES, "broker": size})
    made = properties("broker", place)
    needed = (
        int(made["druid.processing.numThreads"]) + int(made["druid.processing.numMergeBuffers"]) + 1
    ) * int(made["druid.processing.buffer.sizeBytes"])
    [given_mib] = [
        int(option.split("=")[1].removesuffix("m"))
        for option in jvm_options("broker", place)
        if "MaxDirectMemorySize" in option
    ]
    assert given_mib * 1024 * 1024 >= needed


def test_task_on_a_vm_has_its_own_jvm_memory_and_buffers() -> None:
    made = properties("middleManager", VM)
    own = {name: value for name, value in made.items() if name not in COMMON}
    task = json.loads(own.pop("druid.indexer.runner.javaOptsArray"))
    assert own == {
        "druid.worker.capacity": "4",
        "druid.zk.service.sessionTimeoutMs": "10000",
        "druid.indexer.runner.startPort": "8100",
        "druid.indexer.fork.property.druid.processing.numThreads": "2",
        "druid.indexer.fork.property.druid.processing.numMergeBuffers": "2",
        "druid.indexer.fork.property.druid.processing.buffer.sizeBytes": "104857600",
        "druid.indexer.task.baseTaskDir": "/var/druid/tasks",
        "druid.indexer.task.restoreTasksOnRestart": "false",
        "druid.segment.handoff.pollDuration": "PT1S",
    }
    assert made["druid.service"] == "druid/middleManager"
    assert made["druid.plaintextPort"] == "7"
    assert {"-Xmx1024m", "-XX:MaxDirectMemorySize=564m", "-XX:+UseG1GC", *JAVA_17_FLAGS} <= {*task}


def test_middle_manager_has_no_memory_for_queries() -> None:
    own = jvm_options("middleManager", VM)
    assert own[1:3] == ["-Xmx128m", "-XX:MaxDirectMemorySize=64m"]
    assert own[-1] == "-XX:+UseG1GC"


def test_historical_fills_only_the_disk_space_it_is_given() -> None:
    made = properties("historical", VM)
    locations = json.loads(made["druid.segmentCache.locations"])
    assert locations == [{"path": "/var/druid/segment-cache", "maxSize": "150g"}]


def test_vm_differs_from_the_embedded_druid_only_in_the_process_that_runs_tasks() -> None:
    assert {*SERVICES} ^ {*VM_SERVICES} == {"indexer", "middleManager"}
    for service in VM_SERVICES:
        assert set(properties(service, VM)) >= COMMON


def test_service_without_queries_has_no_buffers() -> None:
    for service in ("coordinator", "router"):
        assert not [n for n in properties(service, DEPLOYMENT) if n.startswith("druid.processing.")]
        assert EMBEDDED_SIZES[service].direct == 64


def test_segment_query_cache_is_at_most_a_third_of_the_heap() -> None:
    historical = EMBEDDED_SIZES["historical"]
    assert 0 < historical.cache <= historical.heap / 3


def test_embedded_druid_fits_a_small_machine() -> None:
    heap_and_direct = sum(size.heap + size.direct for size in EMBEDDED_SIZES.values())
    assert heap_and_direct <= 2560


def test_rendered_file_is_sorted_and_in_ascii() -> None:
    text = render({"b": '[{"path":"/home/José"}]', "a": "C:\\temp"})
    assert text == 'a=C:\\\\temp\nb=[{"path":"/home/Jos\\u00e9"}]\n'
    assert text.isascii()
