import logging
import time
from typing import Any

import pytest

from include.stream import topics
from include.stream.errors import KafkaRefusedError, KafkaUnreachableError
from include.stream.topics import (
    Admin,
    TopicMismatchError,
    TopicMissingError,
    describe_topic,
    ensure_topic,
)

Config = dict[str, str]


def test_a_missing_topic_is_created_as_asked_and_then_found(
    kafka_config: Config, topic_suffix: str
) -> None:
    def ensure() -> bool:
        return ensure_topic(
            kafka_config,
            topic_suffix,
            partitions=3,
            replication_factor=1,
            topic_config={"retention.ms": "86400000"},
        )

    assert ensure() is True
    assert ensure() is False
    description = describe_topic(Admin(kafka_config), topic_suffix)
    assert len(description.partitions) == 3


def test_more_partitions_than_asked_for_are_fine_and_fewer_are_refused(
    kafka_config: Config, topic_suffix: str
) -> None:
    ensure_topic(kafka_config, topic_suffix, partitions=2)

    assert ensure_topic(kafka_config, topic_suffix, partitions=1) is False
    with pytest.raises(TopicMismatchError, match=f"{topic_suffix}.* 2 partitions and 3"):
        ensure_topic(kafka_config, topic_suffix, partitions=3)


def test_a_topic_that_another_creates_at_this_moment_is_found(
    kafka_config: Config, topic_suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window and a back-fill that begin together: to the broker it is there, and unknown."""
    ensure_topic(kafka_config, topic_suffix, partitions=1)
    unknown = [TopicMissingError(topic_suffix)] * 2

    def describe(*arguments: Any) -> Any:
        if unknown:
            raise unknown.pop()
        return describe_topic(*arguments)

    monkeypatch.setattr(topics, "describe_topic", describe)
    assert ensure_topic(kafka_config, topic_suffix, partitions=1) is False
    assert unknown == []


def test_another_setting_is_kept_and_named(
    kafka_config: Config, topic_suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    ensure_topic(kafka_config, topic_suffix, partitions=1, topic_config={"retention.ms": "1000"})
    with caplog.at_level(logging.WARNING):
        ensure_topic(
            kafka_config, topic_suffix, partitions=1, topic_config={"retention.ms": "2000"}
        )
    assert f"'{topic_suffix}' keeps retention.ms=1000, and 2000" in caplog.text


def test_what_the_broker_refuses_is_said(kafka_config: Config, topic_suffix: str) -> None:
    with pytest.raises(KafkaRefusedError, match=f"create the topic '{topic_suffix}': .*9"):
        ensure_topic(kafka_config, topic_suffix, partitions=1, replication_factor=9)


def test_a_missing_topic_is_named(kafka_config: Config, topic_suffix: str) -> None:
    with pytest.raises(TopicMissingError, match=topic_suffix):
        describe_topic(Admin(kafka_config), topic_suffix)


def test_an_unreachable_broker_is_named_with_the_time_waited_and_no_secret() -> None:
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
    assert time.monotonic() - began < 3
    assert "s3cret" not in str(caught.value)
