"""Druid against the ledger, on real topics and a real datasource."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from confluent_kafka import Producer

from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.sales.event import encode
from include.stack.waiting import wait_until
from tests.integration.stream.place import Place, make_place
from tests.support.druid import remove_supervisor
from ventas_airflow.operators import ledger as operators
from ventas_airflow.operators.ledger import CheckLedgerOperator

SALES = 30


@pytest.fixture
def place(kafka_config: dict[str, str], topic_suffix: str) -> Place:
    return make_place(kafka_config, topic_suffix)


@pytest.fixture
def ingested(place: Place, druid: DruidClient) -> Iterator[Place]:
    """Sales over three past minutes, five to a transaction, and a supervisor that reads them."""
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    source = place.source()
    sales = [source.sale(n, start + timedelta(seconds=6 * n)) for n in range(SALES)]
    with place.publisher() as publisher:
        publisher.open()
        for first in range(0, SALES, 5):
            publisher.commit(sales[first : first + 5])
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    _wait_for_rows(druid, place.topic, SALES)
    yield place
    remove_supervisor(druid, place.topic)


def _wait_for_rows(druid: DruidClient, datasource: str, count: int) -> None:
    def there() -> bool:
        try:
            rows = druid.sql(f'SELECT COUNT(*) AS n FROM "{datasource}"')  # noqa: S608
        except RuntimeError:
            return False
        return bool(rows[0]["n"] == count)

    wait_until(there, service="Druid", address=druid.url, seconds=60)


def run_check(place: Place) -> dict[str, Any]:
    pushed: dict[str, Any] = {}
    operator = CheckLedgerOperator(
        task_id="check_ledger",
        vm={},
        datasource=place.topic,
        ledger_topic=place.ledger_topic,
    )
    context = {"ti": SimpleNamespace(xcom_push=lambda key, value: pushed.update(value))}
    try:
        operator.execute(context)  # type: ignore[arg-type]
    except AirflowFailException:
        assert pushed["status"] == "error"
    return pushed


@pytest.fixture(autouse=True)
def connections(
    kafka_config: dict[str, str], druid: DruidClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = druid.url.removeprefix("http://").split(":")
    router = {"conn_type": "druid", "host": host, "port": int(port), "schema": "http"}
    kafka = {"conn_type": "kafka", "extra": kafka_config}
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(router))
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(kafka))
    monkeypatch.setattr(operators, "_PATIENCE", 0.0)


def test_what_is_published_is_equal_and_what_is_slipped_in_is_named(
    ingested: Place, druid: DruidClient
) -> None:
    found = run_check(ingested)
    assert (found["status"], found["message"]) == (
        "ok",
        "minutos = 3, corridas = 1, eventos_libro = 30, eventos_druid = 30",
    )

    # Past the publisher, so that the ledger does not know of it.
    again = ingested.source().sale(0, datetime.now(UTC) - timedelta(minutes=3))
    producer = Producer(ingested.config)
    producer.produce(ingested.topic, encode(again), again.id_venta)
    producer.flush(10)
    _wait_for_rows(druid, ingested.topic, SALES + 1)

    found = run_check(ingested)
    assert found["status"] == "error"
    assert found["numbers"]["diferencias"] == 1
    assert (found["numbers"]["eventos_libro"], found["numbers"]["eventos_druid"]) == (30, 31)
    assert again.estado in found["message"]
