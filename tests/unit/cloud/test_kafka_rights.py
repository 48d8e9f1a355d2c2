"""`doctor` asks Kafka itself what each stored key may do."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AclOperation

from include.cloud import kafka_rights
from include.cloud.checks import kafka
from include.cloud.errors import CloudError
from tests.support.cloud.place import Place

ALL = list(AclOperation)


class Broker:
    """A broker that answers an error about the topic `ventas`, and operations about the rest.

    A real broker answers in tests/integration/stream/test_security.py: librdkafka's own stand-in
    of a broker knows no authorized operations.
    """

    def __init__(self, operations: list[AclOperation] | None, code: int) -> None:
        self.described: dict[str, Future[Any]] = {}
        for name in ("ventas", "ventas.ledger", "ventas.reader", "druid-ventas"):
            self.described[name] = Future()
            self.described[name].set_result(SimpleNamespace(authorized_operations=operations))
        self.described["ventas"] = Future()
        self.described["ventas"].set_exception(KafkaException(KafkaError(code)))

    def describe_topics(self, *_: object, **__: object) -> dict[str, Future[Any]]:
        return self.described

    describe_consumer_groups = describe_topics


@pytest.mark.parametrize(
    ("operations", "code", "user", "missing"),
    [
        (ALL, KafkaError.UNKNOWN_TOPIC_OR_PART, "airflow", ""),
        (None, KafkaError.UNKNOWN_TOPIC_OR_PART, "airflow", ""),
        (ALL, KafkaError.TOPIC_AUTHORIZATION_FAILED, "druid", "describe topic ventas, read topic"),
        (
            [AclOperation.DESCRIBE, AclOperation.READ, AclOperation.DESCRIBE_CONFIGS],
            KafkaError.UNKNOWN_TOPIC_OR_PART,
            "airflow",
            "airflow do this: create topic ventas.ledger, write topic ventas.ledger; run",
        ),
        ([AclOperation.DESCRIBE], KafkaError.UNKNOWN_TOPIC_OR_PART, "druid", "read group druid-"),
        (ALL, KafkaError._TIMED_OUT, "druid", "Kafka does not accept the connection"),
    ],
)
def test_missing_right_is_named(
    ready: Place,
    monkeypatch: pytest.MonkeyPatch,
    operations: list[AclOperation] | None,
    code: int,
    user: str,
    missing: str,
) -> None:
    monkeypatch.setattr(kafka_rights, "AdminClient", lambda _: Broker(operations, code))
    told = ""
    try:
        kafka.kafka_rights(user, ready.cloud())
    except CloudError as error:
        told = error.text("en")
    assert missing in told
    assert bool(told) == bool(missing)


def test_each_user_is_asked_with_its_own_key_and_without_the_registrys(
    ready: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, str]] = []

    def connect(config: dict[str, str]) -> Broker:
        asked.append(config)
        return Broker(ALL, KafkaError.UNKNOWN_TOPIC_OR_PART)

    monkeypatch.setattr(kafka_rights, "AdminClient", connect)
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
