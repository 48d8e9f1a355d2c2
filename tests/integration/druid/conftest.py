"""Topics of each test's own, and Airflow's connections for operators that a test runs by itself."""

import json

import pytest
from airflow.sdk.bases.operator import ExecutorSafeguard

from include.druid.client import DruidClient
from tests.integration.stream.place import Place, make_place


@pytest.fixture
def place(kafka_config: dict[str, str], topic_suffix: str) -> Place:
    return make_place(kafka_config, topic_suffix)


@pytest.fixture
def connections(
    druid: DruidClient, kafka_config: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = druid.url.removeprefix("http://").split(":")
    router = {"conn_type": "druid", "host": host, "port": int(port), "schema": "http"}
    broker = {**router, "extra": {"schema": "http", "endpoint": "druid/v2/sql"}}
    kafka = {"conn_type": "kafka", "extra": kafka_config}
    monkeypatch.setattr(ExecutorSafeguard, "test_mode", True)
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(router))
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_BROKER_DEFAULT", json.dumps(broker))
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(kafka))
