"""Real services for the integration tests."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from include.druid.runtime import render
from include.stack import processes, security
from include.stack import stack as embedded
from include.stack.kafka import server_properties
from include.stack.ports import free_ports
from include.stack.settings import HOST, Settings
from include.stack.waiting import wait_until
from include.stream.acls import grant
from tests.conftest import client_config, stack_settings


class SecuredKafka(NamedTuple):
    """A secured broker of the tests' own, with listeners whose certificates no client may take."""

    settings: Settings
    addresses: dict[str, str]
    """By listener: SASL_SSL, which is well; EXPIRED, ELSEWHERE (another host's); OPEN, no TLS."""

    def config(self, user: str = security.ADMIN, listener: str = "SASL_SSL") -> dict[str, Any]:
        """Configuration of a client, as `include.stack.security` has it."""
        config = security.kafka_config(self.settings, user)
        return {**config, "bootstrap.servers": self.addresses[listener], "log_level": "2"}


@pytest.fixture(scope="session")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    home = tmp_path_factory.mktemp("secured")
    settings = replace(stack_settings(), home=home, secure=True)
    *free, expired, elsewhere, plain = free_ports(len(settings.ports) + 3)
    settings = replace(settings, ports=dict(zip(settings.ports, free, strict=True)))
    addresses = {
        "SASL_SSL": settings.address("kafka"),
        "EXPIRED": f"{HOST}:{expired}",
        "ELSEWHERE": f"{HOST}:{elsewhere}",
        "OPEN": f"{HOST}:{plain}",
    }
    authority = security.authority(settings)
    files = {
        "EXPIRED": authority.server("expired", expires=datetime.now(UTC) - timedelta(days=1)),
        "ELSEWHERE": authority.server("elsewhere", host="kafka.example"),
    }
    products = embedded.products(settings, embedded.Progress())
    kafka = next(
        p for p in processes.all_processes(settings, products) if p.full_name == "kafka:kafka"
    )
    properties = server_properties(settings)
    more = ",".join(f"{name}://{addresses[name]}" for name in (*files, "OPEN"))
    for name in ("listeners", "advertised.listeners"):
        properties[name] += f",{more}"
    properties["listener.security.protocol.map"] += ",OPEN:PLAINTEXT"
    for name, file in files.items():
        listener = f"listener.name.{name.lower()}"
        properties["listener.security.protocol.map"] += f",{name}:SASL_SSL"
        properties[f"{listener}.ssl.keystore.location"] = str(file)
        properties[f"{listener}.plain.sasl.jaas.config"] = properties[
            "listener.name.sasl_ssl.plain.sasl.jaas.config"
        ]
    (home / "conf" / "kafka.properties").write_text(render(properties), encoding="utf-8")
    own = security.variables(settings)
    with (home / "kafka.log").open("w") as log:
        broker = subprocess.Popen(kafka.command, env={**os.environ, **own}, stdout=log, stderr=log)
    try:
        wait_until(
            lambda: embedded.kafka_answers(settings),
            service="Kafka",
            address=settings.address("kafka"),
            seconds=60,
            log=home / "kafka.log",
        )
        grant(security.kafka_config(settings), security.PRINCIPALS)
        yield SecuredKafka(settings, addresses)
    finally:
        broker.kill()
        broker.wait(10)


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
