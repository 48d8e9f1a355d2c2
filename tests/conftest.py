"""Fixtures of all tests: an own Airflow home, and the embedded stack for tests that request it.

A fixture imports modules that take seconds to import only when it runs.
"""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# Airflow reads these once, at its first import. The tests ignore a developer's own Airflow.
for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[name]
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="ventas-airflow-")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
# The tests read Spanish, whatever the developer's locale.
os.environ["VENTAS_LANGUAGE"] = "es"

import pytest
from hypothesis import settings

from include.druid.client import DruidClient
from include.stack import security
from include.stack import stack as embedded
from include.stack.settings import ROOT, Settings
from tests.support.lab import Lab

if TYPE_CHECKING:
    from tests.support.place import Place

# The same examples in each run, without time limits: a failure comes from a change of the code.
settings.register_profile("ventas", derandomize=True, deadline=None, database=None)
settings.load_profile("ventas")

#: Port offsets of the tests' stacks, which may run at the same time as a demo and as each other.
OFFSET = 20000
STEP = 500


def stack_settings() -> Settings:
    home = Path(os.environ.get("VENTAS_HOME") or ROOT / ".ventas")
    number = int(os.environ.get("VENTAS_TEST_STACK") or 0)
    offset = int(os.environ.get("VENTAS_PORT_OFFSET") or 0) + OFFSET + STEP * number
    kept = {k: v for k, v in os.environ.items() if not k.startswith("VENTAS_PORT_")}
    return Settings.from_environment(
        {**kept, "VENTAS_HOME": str(home / f"test{number}"), "VENTAS_PORT_OFFSET": str(offset)}
    )


@pytest.fixture(scope="session")
def stack() -> Iterator[Settings]:
    """A fresh, running embedded stack: Kafka, the Compute Engine emulator and Airflow."""
    settings = stack_settings()
    embedded.down(settings)
    embedded.clean(settings)
    embedded.up(settings, embedded.Progress())
    yield settings
    assert embedded.down(settings) == [], "processes outlived `down`"


@pytest.fixture(scope="session")
def lab(stack: Settings) -> Lab:
    return Lab(stack)


def client_config(settings: Settings) -> dict[str, str]:
    # Clients that outlive their broker log it twice a second, into the summary of the tests.
    return {**security.kafka_config(settings), "log_level": "2"}


@pytest.fixture(scope="session")
def kafka_config(stack: Settings) -> dict[str, str]:
    """Configuration of a client of the stack's Kafka."""
    return client_config(stack)


@pytest.fixture(scope="module")
def druid(stack: Settings) -> DruidClient:
    """The stack's Druid; each module starts the VM, which an earlier module may have stopped."""
    from tests.support.vm import start_vm

    start_vm(stack)
    return security.druid_client(stack)


@pytest.fixture
def connections(
    druid: DruidClient, kafka_config: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow's connections, for operators that a test executes without a scheduler."""
    from airflow.sdk.bases.operator import ExecutorSafeguard

    host, port = druid.url.removeprefix("http://").split(":")
    router = {"conn_type": "druid", "host": host, "port": int(port), "schema": "http"}
    broker = {**router, "extra": {"schema": "http", "endpoint": "druid/v2/sql"}}
    kafka = {"conn_type": "kafka", "extra": kafka_config}
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(router))
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_BROKER_DEFAULT", json.dumps(broker))
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(kafka))


@pytest.fixture
def place(kafka_config: dict[str, str], topic_suffix: str) -> Place:
    """Topics and a run that no other test uses."""
    from tests.support.place import make_place

    return make_place(kafka_config, topic_suffix)


@pytest.fixture
def topic_suffix() -> str:
    """Random suffix for the names of a test's topics and datasources."""
    return uuid.uuid4().hex[:8]
