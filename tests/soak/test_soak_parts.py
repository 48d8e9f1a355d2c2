"""Parts of the soak test on a real stack with a small size: published days, and a sample."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.soak import days as module
from commands.soak.days import DayPublisher
from commands.soak.sampling import sample
from include.druid.client import DruidClient
from include.sales.backfill import past_days
from include.stack.settings import Settings
from include.stream.ledger import read_minutes
from include.stream.topics import ensure_topic


@pytest.fixture
def topic(kafka_config: dict[str, str], topic_suffix: str) -> str:
    name = f"soak-{topic_suffix}"
    for topic in (name, f"{name}.ledger"):
        ensure_topic(kafka_config, topic, partitions=2)
    return name


def test_each_day_is_published_completely_and_takes_its_time(
    kafka_config: dict[str, str], topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "DAY_SECONDS", 2.0)
    monkeypatch.setattr(module, "SCALE", 0.01)
    days = past_days(datetime.now(UTC), 2)
    began = datetime.now(UTC)
    publisher = DayPublisher(kafka_config, topic, days)
    publisher.start()
    publisher.join(60)
    assert publisher.error is None
    assert publisher.closed == 2
    assert datetime.now(UTC) - began >= timedelta(seconds=4)
    for day in days:
        ledger = read_minutes(
            kafka_config, f"{topic}.ledger", day.start, day.end, settled=datetime.now(UTC)
        )
        assert {run for run, _, _ in ledger.sums} == {day.corrida(module.SEED, 0.01)}
    everything = read_minutes(
        kafka_config, f"{topic}.ledger", days[0].start, days[1].end, settled=datetime.now(UTC)
    )
    assert sum(sums.eventos for sums in everything.sums.values()) == publisher.events > 1000


def test_stop_ends_the_publisher_at_once(kafka_config: dict[str, str], topic: str) -> None:
    publisher = DayPublisher(kafka_config, topic, past_days(datetime.now(UTC), 2))
    publisher.start()
    publisher.join(3)
    assert publisher.is_alive()
    publisher.stop()
    assert not publisher.is_alive()
    assert (publisher.closed, publisher.error) == (0, None)


def test_sample_has_processes_folders_topics_and_druid(
    stack: Settings, druid: DruidClient, topic: str
) -> None:
    found = sample(stack, druid, "nothing-of-that-name")
    for process in ("kafka", "indexer", "scheduler", "triggerer", "soak"):
        for key in ("pss_mib", "rss_mib", "files", "threads"):
            assert found[f"{process}.{key}"] > 0, process
    assert found["all.pss_mib"] > found["kafka.pss_mib"] + found["indexer.pss_mib"]
    assert found["disk.total_mib"] > found["disk.airflow.database_mib"] > 0
    assert found[f"topic.{topic}.ledger.mib"] >= 0
    # Kafka's index files are 10 MiB each, but sparse: they take less on the disk.
    assert found[f"topic.{topic}.mib"] < 10
    assert found["druid.segments"] == 0
