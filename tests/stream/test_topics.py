"""Topics on a real broker: create them, find them, wait until the broker knows them."""

import logging
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from confluent_kafka import TopicCollection
from confluent_kafka.admin import NewTopic

from include import waiting
from include.stream.errors import KafkaRefusedError, KafkaUnreachableError
from include.stream.reader import Offsets, offsets_of, read_committed
from include.stream.topics import (
    ADMIN_TIMEOUT,
    Admin,
    TopicMismatchError,
    TopicMissingError,
    describe_topic,
    ensure_topic,
)
from tests.support.place import PATIENCE, Place

Config = dict[str, str]


@pytest.fixture
def busy(kafka_config: Config, topic_suffix: str) -> Iterator[Admin]:
    """Administrative client of a broker that is busy creating the partitions of a large topic.

    The controller still answers; the broker learns of later topics only when it has finished.
    """
    admin = Admin(kafka_config)
    large = f"{topic_suffix}-large"
    create(admin, NewTopic(large, 60))
    yield admin
    admin.delete_topics([large])[large].result(PATIENCE)


def create(admin: Admin, *new: NewTopic) -> None:
    """Return once the controller has created the topics, as `kafka-topics --create` does."""
    for future in admin.create_topics(list(new)).values():
        future.result(PATIENCE)


def test_topic_can_be_described_at_once_after_ensure_topic(
    busy: Admin, kafka_config: Config, topic_suffix: str
) -> None:
    assert ensure_topic(kafka_config, topic_suffix, partitions=3, timeout=PATIENCE) is True

    description = busy.describe_topics(TopicCollection([topic_suffix]))[topic_suffix].result()
    assert [partition.leader is not None for partition in description.partitions] == [True] * 3


def test_topic_created_at_the_same_moment_by_another_is_found(
    busy: Admin, kafka_config: Config, topic_suffix: str
) -> None:
    """This happens when a window and a back-fill begin at the same time."""
    create(busy, NewTopic(topic_suffix, 2))
    assert ensure_topic(kafka_config, topic_suffix, partitions=2, timeout=PATIENCE) is False


def test_topic_created_a_moment_ago_can_be_read(
    busy: Admin, kafka_config: Config, topic_suffix: str
) -> None:
    create(busy, NewTopic(topic_suffix, 2))
    held = offsets_of(kafka_config, topic_suffix, timeout=PATIENCE)
    assert held == {0: Offsets(0, 0), 1: Offsets(0, 0)}


def test_run_can_be_published_to_topics_created_a_moment_ago(busy: Admin, place: Place) -> None:
    new = place._replace(topic=f"{place.topic}-new", ledger_topic=f"{place.ledger_topic}-new")
    create(busy, NewTopic(new.topic, 2), NewTopic(new.ledger_topic, 2))
    with new.publisher() as publisher:
        publisher.open()
        publisher.commit(new.sales(0, 3))
    assert len(new.events()) == 3


def test_missing_topic_is_named_at_once(
    kafka_config: Config, topic_suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(_: float) -> None:
        pytest.fail("a missing topic is not waited for")

    monkeypatch.setattr(waiting, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    for look in (
        lambda: describe_topic(Admin(kafka_config), topic_suffix),
        lambda: offsets_of(kafka_config, topic_suffix),
        lambda: read_committed(kafka_config, topic_suffix),
    ):
        with pytest.raises(TopicMissingError, match=topic_suffix):
            look()


def test_missing_topic_is_created_as_asked_and_then_found(
    kafka_config: Config, topic_suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    def ensure(partitions: int, retention: str) -> bool:
        settings = {"retention.ms": retention}
        with caplog.at_level(logging.WARNING):
            return ensure_topic(
                kafka_config,
                topic_suffix,
                partitions=partitions,
                replication_factor=1,
                topic_config=settings,
                timeout=PATIENCE,
            )

    assert ensure(2, "86400000") is True
    assert ensure(2, "86400000") is False
    # More partitions than needed are fine, fewer are an error.
    assert ensure(1, "86400000") is False
    with pytest.raises(TopicMismatchError, match=f"{topic_suffix}.* 2 partitions, but 3"):
        ensure(3, "86400000")
    assert caplog.text == ""
    assert ensure(2, "2000") is False
    assert f"'{topic_suffix}' keeps its setting retention.ms=86400000, although 2000" in caplog.text


def test_refusal_of_the_broker_is_reported(kafka_config: Config, topic_suffix: str) -> None:
    with pytest.raises(KafkaRefusedError, match=f"create the topic '{topic_suffix}': .*9"):
        ensure_topic(
            kafka_config, topic_suffix, partitions=1, replication_factor=9, timeout=PATIENCE
        )


def test_unreachable_broker_is_named_with_the_time_waited_and_no_secret() -> None:
    config = {
        "bootstrap.servers": "127.0.0.1:1",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "u",
        "sasl.password": "s3cret",
    }
    began = time.monotonic()
    with pytest.raises(KafkaUnreachableError, match=r"127\.0\.0\.1:1 .* 1\.0 s") as caught:
        ensure_topic(config, "t", partitions=1, timeout=1)
    assert time.monotonic() - began < ADMIN_TIMEOUT, "it waits for as long as it was told"
    assert "s3cret" not in str(caught.value)
