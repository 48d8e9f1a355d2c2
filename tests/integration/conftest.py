"""Real services for the integration tests."""

import importlib.util
import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest


@pytest.fixture(scope="session")
def kafka_config() -> dict[str, str]:
    return {"bootstrap.servers": os.environ["VENTAS_TEST_KAFKA"]}


@pytest.fixture
def topic_suffix() -> str:
    return uuid.uuid4().hex[:8]


class OwnKafka(NamedTuple):
    """A broker of the test's own, to stop and kill."""

    config: dict[str, str]
    pid: int


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[OwnKafka]:
    spec = importlib.util.spec_from_file_location("kafka_start", os.environ["VENTAS_TEST_KAFKA_PY"])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ports = []
    for _ in range(2):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            ports.append(s.getsockname()[1])
    process: subprocess.Popen = module.start(tmp_path / "kafka", *ports)
    from confluent_kafka.admin import AdminClient

    config = {"bootstrap.servers": f"127.0.0.1:{ports[0]}"}
    AdminClient(config).list_topics(timeout=60)
    yield OwnKafka(config, process.pid)
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.wait()
