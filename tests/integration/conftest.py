"""Real services for the integration tests."""

import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from include.druid.client import DruidClient
from include.stack import processes, security
from include.stack import stack as embedded
from include.stack.ports import free_ports
from include.stack.settings import Settings
from include.stack.waiting import wait_until
from tests.support.vm import start_vm


def client_config(settings: Settings) -> dict[str, str]:
    # Clients that outlive their broker say so twice a second, over the tests' own summary.
    return {**security.kafka_config(settings), "log_level": "2"}


@pytest.fixture(scope="session")
def kafka_config(stack: Settings) -> dict[str, str]:
    """Configuration of a client of the stack's Kafka."""
    return client_config(stack)


@pytest.fixture(scope="session")
def druid(stack: Settings) -> DruidClient:
    """The stack's Druid, its VM on."""
    start_vm(stack)
    return security.druid_client(stack)


@pytest.fixture
def topic_suffix() -> str:
    """Something that no other test has in the names of its topics and datasources."""
    return uuid.uuid4().hex[:8]


class OwnKafka(NamedTuple):
    """A broker of the test's own, to stop and kill."""

    config: dict[str, str]
    pid: int


@pytest.fixture
def own_kafka(stack: Settings, tmp_path: Path) -> Iterator[OwnKafka]:
    ports = dict(zip(stack.ports, free_ports(len(stack.ports)), strict=True))
    settings = replace(stack, home=tmp_path / "stack", ports=ports)
    products = embedded.products(settings, embedded.Progress())
    kafka = next(
        p for p in processes.all_processes(settings, products) if p.full_name == "kafka:kafka"
    )
    with (tmp_path / "kafka.log").open("w") as log:
        broker = subprocess.Popen(kafka.command, stdout=log, stderr=log)
    try:
        wait_until(
            lambda: embedded.kafka_answers(settings),
            service="Kafka",
            address=settings.address("kafka"),
            seconds=60,
            log=tmp_path / "kafka.log",
        )
        yield OwnKafka(client_config(settings), broker.pid)
    finally:
        # A test may have left it stopped by SIGSTOP, which SIGKILL ends all the same.
        psutil.Process(broker.pid).kill()
        broker.wait(10)
