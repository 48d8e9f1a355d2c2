"""The embedded Kafka broker: one node, KRaft, on loopback."""

import base64
import subprocess
import uuid
from pathlib import Path

from include.stack import environment, security
from include.stack.java import JavaProduct, write_argument_file
from include.stack.settings import HOST, Settings

JVM_OPTIONS = ("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC")


def server_properties(settings: Settings) -> dict[str, str]:
    """Return `server.properties` of the broker, which is also the KRaft controller."""
    controller = settings.ports["kafka-controller"]
    protocol = "SASL_SSL" if settings.secure else "PLAINTEXT"
    listener = f"{protocol}://{settings.address('kafka')}"
    return {
        "node.id": "1",
        "process.roles": "broker,controller",
        "controller.quorum.voters": f"1@{HOST}:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{listener},CONTROLLER://{HOST}:{controller}",
        "advertised.listeners": listener,
        "log.dirs": str(_data(settings)),
        # A topic is always created explicitly, with its partitions and retention.
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        # Each sale's transaction writes to this log all day. Only closed segments are compacted,
        # and by default a segment is closed at 100 MB.
        "transaction.state.log.segment.bytes": "10485760",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        **(security.broker_properties(settings) if settings.secure else {}),
    }


def new_cluster_id() -> str:
    """Return a random id; all nodes of a cluster have the same."""
    # The tool's own random ids may start with "-", which it would then read as an option.
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().strip("-_=")
    return cluster_id.rjust(22, "A")


def format_storage(
    product: JavaProduct, settings: Settings, properties_file: Path, cluster_id: str
) -> None:
    """Run ``kafka-storage format``, unless the storage is formatted already.

    Raises:
        subprocess.CalledProcessError: the tool failed; its output is in `stdout` and `stderr`.
    """
    if (_data(settings) / "meta.properties").exists():
        return
    command = write_argument_file(
        properties_file.with_name("kafka-format.args"),
        [
            *product.arguments("kafka.tools.StorageTool", JVM_OPTIONS),
            *("format", "--cluster-id", cluster_id),
            *("--config", str(properties_file)),
        ],
    )
    subprocess.run(
        command, env=environment.of_stack(settings), check=True, capture_output=True, text=True
    )


def _data(settings: Settings) -> Path:
    return settings.home / "kafka"
