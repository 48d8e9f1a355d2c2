"""The operator that creates topics: the failures with retries, and the schema's publication."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk._shared.secrets_masker import redact
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from include.names import TOPIC
from include.sales.event import json_schema
from include.stream import registry, topics
from include.stream.errors import KafkaEntryError, KafkaUnreachableError
from ventas_airflow.hooks.kafka import KafkaConfigHook
from ventas_airflow.operators.topic import EnsureTopicsOperator

KAFKA = {"bootstrap.servers": "kafka:9092", "sasl.password": "s3cret"}
REGISTRY = {"schema.registry.url": "http://r", "schema.registry.basic.auth.user.info": "key:s3cret"}


@pytest.fixture(autouse=True)
def _connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", kafka(KAFKA))


def kafka(extra: dict[str, str]) -> str:
    return json.dumps({"conn_type": "kafka", "extra": extra})


def operator() -> EnsureTopicsOperator:
    return EnsureTopicsOperator(task_id="t", topics={TOPIC: {"partitions": 2}})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KafkaUnreachableError({"bootstrap.servers": "none.invalid:1"}, 1), AirflowException),
        (KafkaEntryError("refused"), AirflowFailException),
    ],
)
def test_only_an_unreachable_broker_is_retried(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    def fail(*_: Any, **__: Any) -> bool:
        raise error

    monkeypatch.setattr(topics, "ensure_topic", fail)
    with pytest.raises(AirflowException) as raised:
        operator().execute({})
    assert (type(raised.value), str(raised.value)) == (kind, str(error))


def test_registry_gets_the_schema_and_kafkas_client_no_registry_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", kafka({**KAFKA, **REGISTRY}))
    given: list[Any] = []
    monkeypatch.setattr(topics, "ensure_topic", lambda config, *_, **__: given.append(config))
    monkeypatch.setattr(registry, "publish_schema", lambda *its: given.append(its))
    operator().execute({})
    own = {"url": "http://r", "basic.auth.user.info": "key:s3cret"}
    assert given == [KAFKA, (own, TOPIC, json_schema())]
    assert redact("with key:s3cret") == "with ***"


def test_connection_without_a_registry_publishes_no_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "ensure_topic", lambda *_, **__: True)
    assert KafkaConfigHook().registry == {}
    assert operator().execute({}) == [TOPIC]
