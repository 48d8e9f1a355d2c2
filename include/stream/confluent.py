"""Check a topic's settings against Confluent Cloud's limits, before the topic is created there.

The allowed settings are those of Confluent's own Terraform provider (confluentinc/
terraform-provider-confluent, `editableTopicSettings` in resource_kafka_topic.go). Confluent's
documentation lists them under "Configuration Reference for Topics in Confluent Cloud". The bounds
come from the service's error messages ("is lower than the minimum allowed value of 52428800" for
segment.bytes, "exceeded max limit of 8388608" for max.message.bytes).
"""

from collections.abc import Mapping
from typing import Any, Final

from include.stream.errors import StreamError

REPLICATION_FACTOR: Final = 3
"""Replication factor of every topic on Confluent Cloud, which is also the broker's default."""

SETTINGS: Final = frozenset(
    (
        "cleanup.policy",
        "confluent.key.schema.validation",
        "confluent.key.subject.name.strategy",
        "confluent.topic.type",
        "confluent.value.schema.validation",
        "confluent.value.subject.name.strategy",
        "delete.retention.ms",
        "max.compaction.lag.ms",
        "max.message.bytes",
        "message.timestamp.after.max.ms",
        "message.timestamp.before.max.ms",
        "message.timestamp.difference.max.ms",
        "message.timestamp.type",
        "min.compaction.lag.ms",
        "min.insync.replicas",
        "retention.bytes",
        "retention.ms",
        "segment.bytes",
        "segment.ms",
    )
)

#: Least and greatest value of a setting. Kafka itself sets the greatest segment.bytes.
_BOUNDS: Final = {"max.message.bytes": (0, 8_388_608), "segment.bytes": (52_428_800, 2**31 - 1)}


class TopicNotAllowedError(StreamError):
    """Confluent Cloud would refuse to create the topic with these settings."""


def is_confluent_cloud(config: Mapping[str, Any]) -> bool:
    """Return whether a librdkafka configuration names a broker of Confluent Cloud."""
    servers = str(config["bootstrap.servers"]).split(",")
    return any(server.strip().split(":")[0].endswith(".confluent.cloud") for server in servers)


def check_topic(name: str, replication_factor: int | None, topic_config: Mapping[str, str]) -> None:
    """Raise `TopicNotAllowedError` if Confluent Cloud would refuse the topic; list every reason."""
    problems = []
    if replication_factor not in (None, REPLICATION_FACTOR):
        problems.append(f"a replication factor of {replication_factor} (only {REPLICATION_FACTOR})")
    problems += [f"the setting {name}" for name in sorted(topic_config.keys() - SETTINGS)]
    problems += [
        f"{setting}={topic_config[setting]} (from {least} to {most})"
        for setting, (least, most) in _BOUNDS.items()
        if setting in topic_config and not least <= int(topic_config[setting]) <= most
    ]
    if problems:
        raise TopicNotAllowedError(
            f"Confluent Cloud does not allow for topic {name!r}: {', '.join(problems)}. Remove or "
            "correct these settings of the topic"
        )
