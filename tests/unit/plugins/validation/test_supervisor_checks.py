"""The checks of the supervisor: its health and recent errors, and its offsets in Kafka."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from include.names import DATASOURCE
from include.stream import reader
from include.stream.errors import KafkaUnreachableError
from include.stream.reader import Offsets
from tests.unit.druid.support import SUPERVISORS, TASKS, Router, reading, serving, status
from tests.unit.plugins.validation.support import VM, Pushed, execute
from ventas_airflow.operators.validation import RunCheckOperator

OPEN = {"open": True, "reason": "es una prueba"}
STATUS = f"{SUPERVISORS}/{DATASOURCE}/status"
KAFKA = {"bootstrap.servers": "127.0.0.1:1"}
DELETED = (
    "Previous sequenceNumber [100] is no longer available for partition "
    "[KafkaTopicPartition{partition=0, topic='null', multiTopicPartition=false}]"
)


@pytest.fixture
def router(monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    with serving() as router:
        address = urlsplit(router.url)
        druid = {"conn_type": "druid", "host": address.hostname, "port": address.port}
        kafka = {"conn_type": "kafka", "extra": KAFKA}
        monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(druid))
        monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(kafka))
        monkeypatch.setattr(reader, "offsets_of", lambda *_: {0: Offsets(130, 150)})
        yield router


def run(check: str) -> Any:
    operator = RunCheckOperator(task_id="run_check", check=check, window=OPEN, vm=VM)
    return execute(operator, Pushed())


def test_unhealthy_supervisor_fails_with_its_recent_errors(router: Router) -> None:
    lost = status("LOST_CONTACT_WITH_STREAM", errors=("Timeout expired",))
    router.on("GET", STATUS, (200, lost))
    with pytest.raises(AirflowFailException, match=r"healthy = 0.*LOST_CONTACT.*Timeout expired"):
        run("supervisor")


def test_healthy_supervisor_passes_despite_earlier_errors(router: Router) -> None:
    router.on("GET", STATUS, (200, status(errors=("Timeout expired",))))
    assert run("supervisor")["status"] == "ok"


@pytest.mark.parametrize("check", ["supervisor", "offsets"])
def test_check_is_skipped_without_a_supervisor(router: Router, check: str) -> None:
    with pytest.raises(AirflowSkipException):
        run(check)


@pytest.mark.parametrize(("begun", "found"), [(140, "ok"), (0, "ok"), (151, "error")])
def test_task_beyond_the_topics_end_is_an_error_though_druid_is_healthy(
    router: Router, begun: int, found: str
) -> None:
    router.on("GET", STATUS, (200, status()))
    reading(router, p0=begun)
    if found == "ok":
        assert run("offsets")["status"] == "ok"
    else:
        with pytest.raises(AirflowFailException, match="encima_del_final = 1, debe ser 0"):
            run("offsets")


def test_records_deleted_before_druid_read_them_are_an_error(router: Router) -> None:
    router.on("GET", STATUS, (200, status("CREATING_TASKS", errors=(DELETED,))))
    router.on("GET", TASKS, (200, []))
    with pytest.raises(AirflowFailException, match="borradas_sin_leer = 30, debe ser 0"):
        run("offsets")


def test_unreachable_kafka_fails_with_retries(
    router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise KafkaUnreachableError(KAFKA, 1.0)

    monkeypatch.setattr(reader, "offsets_of", away)
    router.on("GET", STATUS, (200, status()))
    reading(router, p0=0)
    with pytest.raises(AirflowException, match=r"Kafka no dice .*127\.0\.0\.1:1") as error:
        run("offsets")
    assert not isinstance(error.value, AirflowFailException)
