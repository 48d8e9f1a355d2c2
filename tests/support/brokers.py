"""Real Kafka brokers without the rest of a stack: one is plain, one has TLS, logins and ACLs."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from include.druid.runtime import render
from include.names import WINDOW_DAG
from include.sales.content import SaleSource
from include.sales.market import load_market
from include.stack import processes, security
from include.stack import stack as embedded
from include.stack.kafka import server_properties
from include.stack.ports import free_ports
from include.stack.settings import HOST, Settings
from include.stream.acls import grant
from include.stream.publisher import SalePublisher
from include.waiting import wait_until
from tests.conftest import client_config, stack_settings
from tests.support.place import PATIENCE, SEED

#: A window's run, whose transactional id the ACLs allow.
RUN = "manual__2026"


class SecuredKafka(NamedTuple):
    """A secured broker for the tests, also with listeners that a client must refuse."""

    settings: Settings
    addresses: dict[str, str]
    """Address of each listener. SASL_SSL is correct, EXPIRED has an expired certificate, ELSEWHERE
    has the certificate of another host, and OPEN has no TLS."""

    def config(self, user: str = security.ADMIN, listener: str = "SASL_SSL") -> dict[str, Any]:
        """Return a client's configuration from `include.stack.security`, for one listener."""
        config = security.kafka_config(self.settings, user)
        return {**config, "bootstrap.servers": self.addresses[listener], "log_level": "2"}


@contextmanager
def started(
    settings: Settings, command: Sequence[str], variables: Mapping[str, str] | None = None
) -> Iterator[int]:
    """Start a broker, wait until it answers, and yield its process id; kill it at the end."""
    log = settings.home / "kafka.log"
    with log.open("w") as lines:
        environment = {**os.environ, **(variables or {})}
        broker = subprocess.Popen(command, env=environment, stdout=lines, stderr=lines)
    try:
        wait_until(
            lambda: embedded.kafka_answers(settings),
            f"Kafka at {settings.address('kafka')}",
            240,
            log=log,
        )
        yield broker.pid
    finally:
        broker.kill()
        broker.wait()


def kafka_command(settings: Settings) -> Sequence[str]:
    """Write the broker's configuration and return the command that starts it."""
    products = embedded.products(settings, embedded.Progress())
    every = processes.all_processes(settings, products)
    return next(p.command for p in every if (p.group, p.name) == ("kafka", "kafka"))


@contextmanager
def secured_broker(home: Path) -> Iterator[SecuredKafka]:
    """Start a secured broker with its files in `home`; stop it at the end."""
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
    command = kafka_command(settings)
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
    with started(settings, command, security.variables(settings)):
        grant(security.kafka_config(settings), security.PRINCIPALS)
        yield SecuredKafka(settings, addresses)


class OwnKafka(NamedTuple):
    """A broker without the rest of a stack; tests may pause it with SIGSTOP."""

    settings: Settings
    config: dict[str, str]
    pid: int


@contextmanager
def own_broker(home: Path) -> Iterator[OwnKafka]:
    """Start a broker with its files in `home`; stop it at the end."""
    settings = replace(stack_settings(), home=home)
    ports = dict(zip(settings.ports, free_ports(len(settings.ports)), strict=True))
    settings = replace(settings, ports=ports)
    with started(settings, kafka_command(settings)) as pid:
        yield OwnKafka(settings, client_config(settings), pid)


def publisher_of(
    config: Mapping[str, Any], transactional_id: str = f"{WINDOW_DAG}/{RUN}"
) -> SalePublisher:
    return SalePublisher(
        config, RUN, seed=SEED, transactional_id=transactional_id, delivery_timeout=PATIENCE
    )


def publish(config: Mapping[str, Any], sales: int, **options: str) -> None:
    """Publish the next sales of `RUN`, each with its first event."""
    source = SaleSource(load_market(), SEED, RUN)
    with publisher_of(config, **options) as opened:
        first = opened.open().last + 1
        now = datetime.now(UTC)
        opened.commit([source.chain(n, now)[0] for n in range(first, first + sales)])
