"""A real broker with TLS, logins and ACLs: who gets in, and the messages to those who do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError

from include.cloud.kafka_rights import missing_rights
from include.names import BACKFILL_DAG, DATASOURCE, LEDGER_TOPIC, TOPIC, WINDOW_DAG
from include.sales.content import SaleSource
from include.sales.market import load_market
from include.stack import security
from include.stack.certificates import Authority
from include.stream import diagnosis
from include.stream.errors import KafkaEntryError, KafkaRefusedError, KafkaUnreachableError
from include.stream.reader import offsets_of, read_committed
from include.stream.topics import Admin, describe_topic, ensure_topic
from tests.support.brokers import RUN, SecuredKafka, publish, publisher_of, secured_broker
from tests.support.place import PATIENCE
from ventas_airflow.sales import TOPICS

Config = dict[str, Any]


@pytest.fixture(scope="module")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    with secured_broker(tmp_path_factory.mktemp("secured")) as broker:
        yield broker


@pytest.fixture(autouse=True)
def _no_password_is_told(
    secured_kafka: SecuredKafka, capfd: pytest.CaptureFixture[str], request: Any
) -> Any:
    yield
    told = capfd.readouterr()
    for password in security.passwords(secured_kafka.settings).values():
        assert password not in told.out + told.err


@pytest.fixture(autouse=True)
def _patient_diagnosis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the diagnosis time to see the certificate even if a busy broker is slow."""
    monkeypatch.setattr(diagnosis, "_TIMEOUT", PATIENCE)


@pytest.fixture
def airflow(secured_kafka: SecuredKafka) -> Config:
    """Client configuration of Airflow's user, which has created the project's topics."""
    config = secured_kafka.config(security.AIRFLOW)
    for topic, options in TOPICS.items():
        ensure_topic(config, topic, **options, timeout=PATIENCE)
    return config


def test_airflows_acls_suffice_to_publish_and_read(airflow: Config) -> None:
    before = len(list(read_committed(airflow, TOPIC)))
    publish(airflow, 20)
    assert len(list(read_committed(airflow, TOPIC))) == before + 20
    # For an existing topic, ensure_topic() describes it and compares its settings.
    assert ensure_topic(airflow, TOPIC, **TOPICS[TOPIC]) is False


def refusal(call: Any) -> str:
    """Return the message of the `KafkaEntryError` that the call must raise, not a time-out's."""
    with pytest.raises(KafkaEntryError) as refused:
        call()
    return str(refused.value)


@pytest.mark.parametrize("publishing", [False, True])
def test_wrong_password_is_reported_at_once(secured_kafka: SecuredKafka, publishing: bool) -> None:
    config = {**secured_kafka.config(security.AIRFLOW), "sasl.password": "wr0ng-s3cret"}
    told = refusal(
        lambda: (
            publish(config, 1)
            if publishing
            else ensure_topic(config, TOPIC, partitions=1, timeout=PATIENCE)
        )
    )
    assert "refuses the connection's login: correct sasl.username and sasl.password" in told
    assert "wr0ng" not in told


@pytest.mark.parametrize("publishing", [False, True])
@pytest.mark.parametrize(
    ("listener", "reason"),
    [
        ("EXPIRED", "its certificate has expired: renew it on the broker"),
        (
            "ELSEWHERE",
            "its certificate is not for the host '127.0.0.1': put the certificate's host name",
        ),
    ],
)
def test_certificate_error_is_explained(
    secured_kafka: SecuredKafka, listener: str, reason: str, publishing: bool
) -> None:
    config = secured_kafka.config(listener=listener)
    told = refusal(
        lambda: publish(config, 1) if publishing else offsets_of(config, TOPIC, timeout=PATIENCE)
    )
    assert reason in told
    assert secured_kafka.addresses[listener] in told


def test_untrusted_authority_is_reported(secured_kafka: SecuredKafka, tmp_path: Path) -> None:
    other = Authority(tmp_path / "security")
    other.server("kafka")
    config = {**secured_kafka.config(), "ssl.ca.location": str(other.certificate)}
    assert "is not trusted (" in refusal(lambda: offsets_of(config, TOPIC, timeout=PATIENCE))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"security.protocol": "PLAINTEXT"}, "it speaks TLS: set security.protocol to SASL_SSL"),
        ({"bootstrap.servers": "127.0.0.1:1"}, "nothing listens there: start the broker, or"),
        ({"bootstrap.servers": "none.invalid:9092"}, "the name 'none.invalid' is unknown"),
    ],
)
def test_wrong_address_or_protocol_is_explained(
    secured_kafka: SecuredKafka, change: Config, reason: str
) -> None:
    with pytest.raises(KafkaUnreachableError) as refused:
        ensure_topic({**secured_kafka.config(), **change}, TOPIC, partitions=1, timeout=2)
    assert reason in str(refused.value)


def test_listener_without_tls_is_reported(secured_kafka: SecuredKafka) -> None:
    with pytest.raises(KafkaUnreachableError, match="it does not speak TLS on this port: use"):
        ensure_topic(secured_kafka.config(listener="OPEN"), TOPIC, partitions=1, timeout=2)


def test_missing_acl_for_a_topic_is_reported(airflow: Config) -> None:
    with pytest.raises(KafkaRefusedError, match=r"create the topic 'other': give .* on the topic"):
        ensure_topic(airflow, "other", partitions=1)
    with pytest.raises(
        KafkaRefusedError, match=r"describe the topic 'other': give .* on the topic"
    ):
        describe_topic(Admin(airflow), "other")


def test_missing_acl_for_a_transactional_id_is_reported(airflow: Config) -> None:
    with pytest.raises(KafkaRefusedError, match=r"publish.*: give .* on the transactional\.id"):
        publish(airflow, 1, transactional_id="other/run")


@pytest.mark.usefixtures("airflow")
def test_user_with_read_acl_cannot_publish(secured_kafka: SecuredKafka) -> None:
    """Druid's user tries to publish; its error must not be that of a delivery time-out."""
    druid = secured_kafka.config(security.DRUID)
    with pytest.raises(KafkaRefusedError, match=r"not allow the connection's user to .* on the"):
        publish(druid, 1)


def test_missing_acl_for_a_consumer_group_is_reported(airflow: Config) -> None:
    publish(airflow, 1)
    with pytest.raises(
        KafkaRefusedError, match=r"read the topic 'ventas': give .* on the consumer"
    ):
        list(read_committed({**airflow, "group.id": "other"}, TOPIC))


def test_druid_can_read_the_sales_topic_in_its_group_and_nothing_else(
    secured_kafka: SecuredKafka, airflow: Config
) -> None:
    publish(airflow, 1)
    config = {**secured_kafka.config(security.DRUID), "auto.offset.reset": "earliest"}
    reading = Consumer({**config, "group.id": f"druid-{DATASOURCE}"})
    reading.subscribe([TOPIC])
    message = reading.poll(PATIENCE)
    assert message is not None
    assert message.error() is None
    reading.close()
    with pytest.raises(KafkaRefusedError) as refused:
        offsets_of(config, LEDGER_TOPIC)
    assert refused.value.code == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_kafka_itself_says_which_acls_a_user_has(
    secured_kafka: SecuredKafka, airflow: Config
) -> None:
    druid = secured_kafka.config(security.DRUID)
    source = SaleSource(load_market(), 7, RUN)
    with publisher_of(airflow) as running:
        first = running.open().last + 1
        assert missing_rights(airflow, "airflow", PATIENCE) == []
        # The trial of the transactional ids fences no running publisher.
        running.commit(source.chain(first, datetime.now(UTC))[:1])
    assert missing_rights(druid, "druid", PATIENCE) == []
    assert set(missing_rights(druid, "airflow", PATIENCE)) == {
        *(f"{operation} topic ventas" for operation in ("create", "describe_configs", "write")),
        *(
            f"{operation} topic ventas.ledger"
            for operation in ("create", "describe", "describe_configs", "read", "write")
        ),
        "read group ventas.reader",
        *(f"write transactional_id {dag}/" for dag in (WINDOW_DAG, BACKFILL_DAG)),
    }
