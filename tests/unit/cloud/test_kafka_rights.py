"""`doctor` asks Kafka itself what each stored key may do."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError
from confluent_kafka.admin import AclOperation

from include.cloud import kafka_rights
from include.cloud.checks import kafka
from include.cloud.errors import CloudError
from include.names import BACKFILL_DAG, WINDOW_DAG
from include.stream.errors import (
    KafkaEntryError,
    KafkaLoginError,
    KafkaRefusedError,
    KafkaUnreachableError,
)
from tests.support.cloud.place import Place

ALL = list(AclOperation)
CONFIG = {"bootstrap.servers": "127.0.0.1:1"}
UNKNOWN = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
NO_TOPIC = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
NO_ID = KafkaError(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)


class Broker:
    """A broker that answers an error about the topic `ventas`, and operations about the rest.

    A real broker answers in tests/stream/test_security.py: librdkafka's own stand-in
    of a broker knows no authorized operations.
    """

    def __init__(self, operations: list[AclOperation] | None, problem: Exception) -> None:
        self.described: dict[str, Future[Any]] = {}
        for name in ("ventas", "ventas.ledger", "ventas.reader", "druid-ventas"):
            self.described[name] = Future()
            self.described[name].set_result(SimpleNamespace(authorized_operations=operations))
        self.described["ventas"] = Future()
        self.described["ventas"].set_exception(problem)

    def describe_topics(self, *_: object, **__: object) -> dict[str, Future[Any]]:
        return self.described

    describe_consumer_groups = describe_topics

    def wait_for(self, future: Future[Any], *_: object) -> Any:
        return future.result()


def refused(error: KafkaError) -> KafkaRefusedError:
    return KafkaRefusedError(CONFIG, "do it", error)


@pytest.fixture(autouse=True)
def ids(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exception | None]:
    """The transactional ids that were tried, with the error that each gets from now on."""
    tried: dict[str, Exception | None] = {}

    def fence(_: object, transactional_id: str, **__: object) -> None:
        if error := tried.setdefault(transactional_id, None):
            raise error

    monkeypatch.setattr(kafka_rights, "fence", fence)
    return tried


@pytest.mark.parametrize(
    ("operations", "problem", "user", "missing"),
    [
        (ALL, refused(UNKNOWN), "airflow", ""),
        (None, refused(UNKNOWN), "airflow", ""),
        (ALL, refused(NO_TOPIC), "druid", "describe topic ventas, read topic"),
        (
            [AclOperation.DESCRIBE, AclOperation.READ, AclOperation.DESCRIBE_CONFIGS],
            refused(UNKNOWN),
            "airflow",
            "airflow do this: create topic ventas.ledger, write topic ventas.ledger; run",
        ),
        ([AclOperation.DESCRIBE], refused(UNKNOWN), "druid", "read group druid-"),
        (
            ALL,
            KafkaUnreachableError(CONFIG, 1.0),
            "druid",
            "does not answer at pkc-00000.southamerica-east1.gcp.confluent.cloud:9092, although",
        ),
        (ALL, KafkaLoginError("no"), "druid", "not accept the key KEY"),
        (ALL, KafkaEntryError("it has expired"), "druid", "kafka_default (it has expired)"),
        (ALL, refused(KafkaError(KafkaError.UNKNOWN)), "druid", "kafka_default (Kafka at"),
    ],
)
def test_missing_right_is_named(
    ready: Place,
    monkeypatch: pytest.MonkeyPatch,
    operations: list[AclOperation] | None,
    problem: Exception,
    user: str,
    missing: str,
) -> None:
    monkeypatch.setattr(kafka_rights, "Admin", lambda _: Broker(operations, problem))
    assert missing in told(ready, user)
    assert bool(told(ready, user)) == bool(missing)


def told(ready: Place, user: str) -> str:
    """Return the sentence of the check of a user's rights; "" if all is well."""
    try:
        kafka.kafka_rights(user, ready.cloud())
    except CloudError as error:
        return error.text("en")
    return ""


def test_transactional_ids_are_tried_with_ids_that_no_run_has(
    ready: Place, monkeypatch: pytest.MonkeyPatch, ids: dict[str, Exception | None]
) -> None:
    monkeypatch.setattr(kafka_rights, "Admin", lambda _: Broker(ALL, refused(UNKNOWN)))
    assert told(ready, "druid") == ""
    assert ids == {}
    assert told(ready, "airflow") == ""
    window, backfill = (f"{dag}/ventas-cloud-doctor" for dag in (WINDOW_DAG, BACKFILL_DAG))
    assert set(ids) == {window, backfill}
    ids[window] = refused(NO_ID)
    assert "airflow do this: write transactional_id sales_window/; run" in told(ready, "airflow")
    ids[window] = KafkaUnreachableError(CONFIG, 10.0)
    assert "although the port is open" in told(ready, "airflow")


def test_each_user_is_asked_with_its_own_key_and_without_the_registrys(
    ready: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []

    def connect(config: dict[str, str]) -> Broker:
        asked.append(config)
        return Broker(ALL, refused(UNKNOWN))

    monkeypatch.setattr(kafka_rights, "Admin", connect)
    for user in ("airflow", "druid"):
        kafka.kafka_rights(user, ready.cloud())
    owners = [
        ready.confluent.resources[f"iam/v2/api-keys/{it['sasl.username']}"]["spec"]["owner"]["id"]
        for it in asked
    ]
    accounts = [
        ready.confluent.named("iam/v2/service-accounts", f"ventas-{user}")["id"]
        for user in ("airflow", "druid")
    ]
    assert owners == accounts
    assert not [name for it in asked for name in it if "registry" in name]
