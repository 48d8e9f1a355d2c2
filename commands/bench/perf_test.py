"""Measure the records per second of Kafka's own benchmark, with the load mode's sales and settings.

Its warm-up is as long as the load part's, so that both rates are those of a running producer.
"""

import subprocess
import tempfile
from itertools import chain
from pathlib import Path

from commands.bench.common import Target, encoded, parser, report
from commands.bench.figures import perf_test_rate
from include.stack import jars, java
from include.stack.settings import Settings
from include.stream.load import LOAD_CONFIG, TRANSACTION_SALES

PAYLOADS = 50_000
"""Number of different events; Kafka's benchmark picks one at random for each record."""

_WARMUP = 2 * TRANSACTION_SALES
"""Records of the warm-up: as many as a transaction of the load mode has."""

JVM_OPTIONS = ("-Xmx512m", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20")
"""JVM options of Kafka's own script."""


def main() -> None:
    """Write the events to a file, let Kafka's benchmark send them, and report the rate."""
    arguments = parser(__doc__)
    arguments.add_argument("--events", type=int, default=2_000_000)
    options = arguments.parse_args()
    target = Target(options.kafka, options.topic)
    target.make_topics()
    with tempfile.TemporaryDirectory(prefix="ventas-bench-") as folder:
        payloads = Path(folder) / "sales.json"
        values = chain.from_iterable(block.values for block in encoded(PAYLOADS))
        payloads.write_bytes(b"".join(value + b"\n" for value in values))
        command = java.write_argument_file(
            Path(folder) / "perf-test.args",
            [
                *_kafka().arguments("org.apache.kafka.tools.ProducerPerformance", JVM_OPTIONS),
                *("--topic", target.topic, "--payload-file", str(payloads)),
                *("--num-records", str(options.events), "--throughput", "-1"),
                *("--warmup-records", str(_WARMUP)),
                *("--command-property", *_properties(target.address)),
            ],
        )
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    report(
        events=options.events,
        warmup_events=_WARMUP,
        per_second=perf_test_rate(done.stdout),
    )


def _properties(address: str) -> list[str]:
    """Return the load mode's settings under their names in Kafka's Java client."""
    memory = LOAD_CONFIG["queue.buffering.max.kbytes"] * 1024
    return [
        f"bootstrap.servers={address}",
        "acks=all",
        "enable.idempotence=true",
        f"buffer.memory={memory}",
        *(f"{name}={LOAD_CONFIG[name]}" for name in ("linger.ms", "batch.size")),
        f"compression.type={LOAD_CONFIG['compression.type']}",
    ]


def _kafka() -> java.JavaProduct:
    cache = Settings.from_environment().cache
    locked = [jar for jar in jars.read_lock() if jar.product == "kafka"]
    class_path = jars.fetch(locked, cache / "maven")["kafka"]
    product = java.JavaProduct(
        "kafka", tuple(class_path), java.archive_path("kafka", class_path, cache)
    )
    java.make_archive(product)
    return product


if __name__ == "__main__":
    main()
