"""Kafka configured by the compose files' variables, with the image's code but without a container.

The image's entry point runs `KafkaDockerWrapper`, which is in Kafka's jar: it writes
`server.properties` from the variables and formats the log folder.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from include.druid.supervisor import JAAS_VARIABLE
from include.stack import stack as embedded
from include.stack.java import JavaProduct, write_argument_file
from include.stack.ports import free_ports
from include.stack.settings import ROOT, Settings
from include.waiting import wait_until
from tests.unit.compose.projects import SECURE, project

CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"
PASSWORDS = {f"KAFKA_{user}_PASSWORD": f"of-{user}" for user in ("ADMIN", "AIRFLOW", "DRUID")}
NEVER = {"error_cb": lambda _: None, "log_level": 0}


class Place(NamedTuple):
    """Folder and ports of the broker, which replace those of its container."""

    folder: Path
    broker: int
    controller: int
    host: int
    """Port that Compose publishes, for programs on the host."""

    def text(self, text: str) -> str:
        """Return a value of the compose files with this place's addresses, folder, passwords."""
        for secret, value in PASSWORDS.items():
            text = text.replace(f"${{{secret}:?set it in .env}}", value)
        for there, here in [
            ("kafka:9092", f"127.0.0.1:{self.broker}"),
            ("//:9092", f"//127.0.0.1:{self.broker}"),
            ("//:9094", f"//127.0.0.1:{self.host}"),
            ("127.0.0.1:${VENTAS_PORT_KAFKA:-9092}", f"127.0.0.1:{self.host}"),
            ("127.0.0.1/9092", f"127.0.0.1/{self.broker}"),
            ("127.0.0.1:9093", f"127.0.0.1:{self.controller}"),
            ("/var/lib/kafka/data", str(self.folder / "data")),
            ("$$", "$"),
        ]:
            text = text.replace(there, here)
        return text


@pytest.fixture(scope="module")
def kafka() -> JavaProduct:
    return embedded.products(Settings.from_environment(), embedded.Progress())["kafka"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    for folder in ("data", "default", "mounted", "final"):
        (tmp_path / folder).mkdir()
    return Place(tmp_path, *free_ports(3))


@pytest.fixture
def services(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = project(*request.param)["services"]
    return found


@pytest.fixture
def broker(services: dict[str, Any], kafka: JavaProduct, place: Place) -> Iterator[Place]:
    service = services["kafka"]
    variables = {name: place.text(value) for name, value in service["environment"].items()}
    options = [*variables["KAFKA_HEAP_OPTS"].split(), *variables.get("KAFKA_OPTS", "").split()]
    environment = {**variables, "PATH": os.environ["PATH"], "CLUSTER_ID": CLUSTER_ID}
    properties = place.folder / "final" / "server.properties"
    folders = ("default", "mounted", "final")
    setup = write_argument_file(
        place.folder / "setup.args",
        [
            *(*kafka.arguments("kafka.docker.KafkaDockerWrapper", options), "setup"),
            *(
                word
                for name in folders
                for word in (f"--{name}-configs-dir", str(place.folder / name))
            ),
        ],
    )
    subprocess.run(setup, env=environment, check=True, capture_output=True, timeout=60)
    command = write_argument_file(
        place.folder / "kafka.args", [*kafka.arguments("kafka.Kafka", options), str(properties)]
    )
    log = place.folder / "kafka.log"
    with log.open("w") as lines:
        process = subprocess.Popen(command, env=environment, stdout=lines, stderr=lines)
    _, *check = (place.text(word) for word in service["healthcheck"]["test"])
    try:
        wait_until(
            lambda: subprocess.run(check, capture_output=True, check=False).returncode == 0,
            f"Kafka at 127.0.0.1:{place.broker}",
            60,
            log=log,
        )
        yield place
    finally:
        process.kill()
        process.wait(10)
    written = properties.read_text(encoding="utf-8") + log.read_text(encoding="utf-8")
    assert not [password for password in PASSWORDS.values() if password in written]


def airflow_client(services: dict[str, Any], place: Place) -> dict[str, Any]:
    connection = services["airflow-scheduler"]["environment"]["AIRFLOW_CONN_KAFKA_DEFAULT"]
    return {**json.loads(place.text(connection))["extra"], **NEVER}


def on_the_host(config: dict[str, Any], place: Place) -> dict[str, Any]:
    """Return the settings of a client outside the containers, which the broker keeps outside."""
    client = {**config, "bootstrap.servers": f"127.0.0.1:{place.host}"}
    brokers = AdminClient(client).list_topics(timeout=30).brokers.values()
    assert [f"{broker.host}:{broker.port}" for broker in brokers] == [f"127.0.0.1:{place.host}"]
    return client


def create_and_sell(config: dict[str, Any]) -> None:
    admin = AdminClient(config)
    admin.create_topics([NewTopic("ventas", 1, 1)])["ventas"].result(30)
    producer = Producer({**config, "transactional.id": "sales_window/a-run"})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce("ventas", b"a sale")
    producer.commit_transaction(30)


def read_one(config: dict[str, Any]) -> bytes | None:
    # Without a commit, the next reader of the group begins at the first record too.
    group = {"group.id": "druid-ventas", "enable.auto.commit": False}
    consumer = Consumer({**config, **group, "auto.offset.reset": "earliest"})
    consumer.subscribe(["ventas"])
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if (message := consumer.poll(1)) and not message.error():
                value: bytes | None = message.value()
                return value
        return None
    finally:
        consumer.close()


@pytest.mark.parametrize("services", [()], indirect=True)
def test_broker_serves_clients_without_a_login(services: dict[str, Any], broker: Place) -> None:
    config = airflow_client(services, broker)
    create_and_sell(config)
    assert read_one(config) == b"a sale"
    assert read_one(on_the_host(config, broker)) == b"a sale"


@pytest.mark.parametrize("services", [(SECURE,)], indirect=True)
def test_secured_broker_lets_airflow_write_and_druid_only_read(
    services: dict[str, Any], broker: Place, tmp_path: Path
) -> None:
    grant_as_airflow_init_does(services, broker, tmp_path)
    airflow = airflow_client(services, broker)
    create_and_sell(airflow)

    jaas = broker.text(services["druid-indexer"]["environment"][JAAS_VARIABLE])
    login = dict(re.findall(r'(username|password)="(\w[\w-]*)"', jaas))
    druid = {**airflow, **{f"sasl.{name}": value for name, value in login.items()}}
    assert read_one(druid) == b"a sale"
    assert read_one(on_the_host(druid, broker)) == b"a sale"

    refused: list[KafkaError | None] = []
    producer = Producer(druid)
    producer.produce("ventas", b"a forgery", on_delivery=lambda error, _: refused.append(error))
    producer.flush(30)
    assert [error.code() for error in refused if error] == [KafkaError.TOPIC_AUTHORIZATION_FAILED]


@pytest.mark.parametrize("services", [(SECURE,)], indirect=True)
@pytest.mark.parametrize(
    "wrong", [{"sasl.password": "guessed"}, {"security.protocol": "PLAINTEXT"}], ids=str
)
def test_secured_broker_refuses_other_clients(
    services: dict[str, Any], broker: Place, wrong: dict[str, str]
) -> None:
    for port in (broker.broker, broker.host):
        config = {**airflow_client(services, broker), "bootstrap.servers": f"127.0.0.1:{port}"}
        with pytest.raises(KafkaException):
            AdminClient({**config, **wrong}).list_topics(timeout=5)


def grant_as_airflow_init_does(services: dict[str, Any], place: Place, folder: Path) -> None:
    stub = folder / "airflow"
    stub.write_text("#!/bin/sh\n")
    stub.chmod(0o755)
    subprocess.run(
        [place.text(word) for word in services["airflow-init"]["command"]],
        env={
            "PATH": f"{folder}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            **PASSWORDS,
        },
        check=True,
        timeout=60,
    )
