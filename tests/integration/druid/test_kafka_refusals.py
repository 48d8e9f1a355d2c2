"""Supervisors that Kafka refuses, and the sentence that people read about each refusal.

Unlike the project's supervisors, these have the JAAS line in their spec, because the environment of
this Druid has no login for this broker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from include.druid.client import DruidClient
from include.druid.supervisor import describe, kafka_refusal, supervisor_spec
from include.names import DATASOURCE, LEDGER_TOPIC, TOPIC
from include.stack import security
from include.stack.certificates import Authority
from include.stream.reader import read_committed
from include.stream.topics import ensure_topic
from include.waiting import wait_until
from tests.support.brokers import SecuredKafka, publish, secured_broker
from tests.support.druid import remove_supervisor, wait_for_rows
from ventas_airflow.sales import TOPICS

UNTRUSTED = "Druid does not trust Kafka's certificate"


class Case(NamedTuple):
    name: str
    told: str
    listener: str = "SASL_SSL"
    topic: str = TOPIC
    password: str | None = None


REFUSED = (
    Case("password", "Kafka refuses Druid's login: correct the key in", password="wr0ng-s3cret"),
    Case("expired", UNTRUSTED, listener="EXPIRED"),
    Case("elsewhere", UNTRUSTED, listener="ELSEWHERE"),
    Case("authority", UNTRUSTED),
    Case("topic", "Kafka does not allow Druid's user to read the topic", topic=LEDGER_TOPIC),
)
TAKEN = Case("taken", "")


class Supervisors(NamedTuple):
    druid: DruidClient
    began: datetime
    suffix: str

    def status(self, case: Case) -> dict[str, Any]:
        return self.druid.supervisor_status(self.name(case))

    def name(self, case: Case) -> str:
        return f"acceso-{case.name}-{self.suffix}"


@pytest.fixture(scope="module")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


@pytest.fixture(scope="module")
def supervisors(
    druid: DruidClient, secured_kafka: SecuredKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Supervisors]:
    """One supervisor per case, all at the same time, because Druid reports each refusal late."""
    for topic, options in TOPICS.items():
        ensure_topic(secured_kafka.config(security.AIRFLOW), topic, **options)
    strange = Authority(tmp_path_factory.mktemp("strange"))
    strange.server("any")
    own = security.passwords(secured_kafka.settings)[security.DRUID]
    made = Supervisors(druid, datetime.now(UTC), f"{datetime.now(UTC):%H%M%S}")
    for case in (*REFUSED, TAKEN):
        config = secured_kafka.config(security.DRUID, case.listener)
        if case.name == "authority":
            config["ssl.ca.location"] = str(strange.certificate)
        spec = supervisor_spec(config, topic=case.topic, datasource=made.name(case))
        consumer = spec["spec"]["ioConfig"]["consumerProperties"]
        del consumer["druid.dynamic.config.provider"]
        consumer["sasl.jaas.config"] = security.jaas(security.DRUID, case.password or own)
        # Druid's user has an ACL only on this group.
        consumer["group.id"] = f"druid-{DATASOURCE}"
        druid.submit_supervisor(spec)
    yield made
    for case in (*REFUSED, TAKEN):
        remove_supervisor(druid, made.name(case))


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refusal_is_reported_in_one_sentence(supervisors: Supervisors, case: Case) -> None:
    def told() -> str:
        return kafka_refusal(supervisors.status(case), supervisors.began)

    wait_until(told, "the refusal in the supervisor's status", 300)
    assert told().startswith(case.told)
    status = supervisors.status(case)
    assert case.told in describe(status)
    assert "s3cret" not in json.dumps(status)


def test_druids_acls_are_enough_to_ingest_the_sales(
    supervisors: Supervisors, secured_kafka: SecuredKafka
) -> None:
    publish(secured_kafka.config(security.AIRFLOW), 3)
    held = sum(1 for _ in read_committed(secured_kafka.config(security.AIRFLOW), TOPIC))
    wait_for_rows(supervisors.druid, supervisors.name(TAKEN), held)
    assert kafka_refusal(supervisors.status(TAKEN), supervisors.began) == ""
