"""Checks of topics against Confluent Cloud's limits."""

from __future__ import annotations

import pytest

from include.stream.confluent import TopicNotAllowedError, check_topic, is_confluent_cloud
from include.stream.topics import ensure_topic
from ventas_airflow.sales import TOPICS

CLOUD = {"bootstrap.servers": "pkc-1.southamerica-east1.gcp.confluent.cloud:9092"}


@pytest.mark.parametrize("topic", TOPICS)
def test_projects_topics_are_accepted(topic: str) -> None:
    check_topic(topic, None, TOPICS[topic]["topic_config"])
    check_topic(topic, 3, TOPICS[topic]["topic_config"])


@pytest.mark.parametrize(
    ("replication", "settings", "told"),
    [
        (1, {}, "a replication factor of 1 .only 3."),
        (None, {"compression.type": "gzip"}, "the setting compression.type"),
        (None, {"segment.bytes": "26214400"}, "segment.bytes=26214400 .from 52428800 to"),
        (None, {"max.message.bytes": "10485760"}, "max.message.bytes=10485760 .from 0 to 8388608"),
        (2, {"a": "1", "b": "2"}, "factor of 2 .*, the setting a, the setting b. Remove"),
    ],
)
def test_unsupported_settings_are_refused_before_any_request(
    replication: int | None, settings: dict[str, str], told: str
) -> None:
    with pytest.raises(TopicNotAllowedError, match=f"for topic 't': .*{told}"):
        ensure_topic(
            CLOUD, "t", partitions=1, replication_factor=replication, topic_config=settings
        )


@pytest.mark.parametrize(
    ("servers", "cloud"),
    [
        ("a.confluent.cloud:9092", True),
        ("a:1, b.confluent.cloud:9092", True),
        ("confluent.cloud.example:9092", False),
        ("127.0.0.1:9092", False),
    ],
)
def test_confluent_cloud_is_recognized_by_its_addresses(servers: str, cloud: bool) -> None:
    assert is_confluent_cloud({"bootstrap.servers": servers}) is cloud
