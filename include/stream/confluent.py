"""What Confluent Cloud takes of a topic: refused here in words that say what to change.

The settings are those that Confluent's own Terraform provider lets one set (confluentinc/
terraform-provider-confluent, `editableTopicSettings` in resource_kafka_topic.go); the documentation
has them under "Configuration Reference for Topics in Confluent Cloud". The bounds are what the
service answers with ("is lower than the minimum allowed value of 52428800" for segment.bytes,
"exceeded max limit of 8388608" for max.message.bytes).
"""

from collections.abc import Mapping
from typing import Any, Final

from include.stream.errors import StreamError

REPLICATION_FACTOR: Final = 3
"""Of every topic there; also what the broker's default is."""

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

#: The greatest segment is Kafka's own.
_BOUNDS: Final = {"max.message.bytes": (0, 8_388_608), "segment.bytes": (52_428_800, 2**31 - 1)}


class TopicNotAllowedError(StreamError):
    """A topic that Confluent Cloud would not make as it is asked for."""


def is_confluent_cloud(config: Mapping[str, Any]) -> bool:
    """Whether a librdkafka configuration is for Confluent Cloud, by its addresses."""
    servers = str(config["bootstrap.servers"]).split(",")
    return any(server.strip().split(":")[0].endswith(".confluent.cloud") for server in servers)


def check_topic(name: str, replication_factor: int | None, topic_config: Mapping[str, str]) -> None:
    """Raise `TopicNotAllowedError` for what Confluent Cloud does not take."""
    problems = []
    if replication_factor not in (None, REPLICATION_FACTOR):
        problems.append(f"a replication factor of {replication_factor} (it is always 3)")
    problems += [f"the setting {it}" for it in sorted(topic_config.keys() - SETTINGS)]
    problems += [
        f"{setting}={topic_config[setting]} (from {least} to {most})"
        for setting, (least, most) in _BOUNDS.items()
        if setting in topic_config and not least <= int(topic_config[setting]) <= most
    ]
    if problems:
        raise TopicNotAllowedError(
            f"Confluent Cloud does not take of the topic {name!r} {', '.join(problems)}: leave "
            "that out of what is asked for, or change it"
        )
