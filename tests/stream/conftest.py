"""Fixtures of the stream tests: a shared broker, topics for each test, and a simulated clock."""

import os
import signal
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from include.sales import pace, steady_clock
from include.stack import stack as embedded
from include.stream import load
from include.waiting import wait_until
from tests.support.brokers import OwnKafka, own_broker
from tests.support.clock import Clock
from tests.support.place import Place, make_place

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))

#: Noon in Argentina, when the demand curve is high.
NOON = datetime(2025, 11, 24, 15, tzinfo=UTC)


@pytest.fixture(scope="session")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnKafka]:
    with own_broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka_config(own_kafka: OwnKafka) -> dict[str, str]:
    """Client configuration of the tests' own broker, which starts faster than a whole stack."""
    return own_kafka.config


@pytest.fixture
def other_place(place: Place, topic_suffix: str) -> Place:
    """Other topics for a run of the same name."""
    return make_place(place.config, f"{topic_suffix}-other")._replace(corrida=place.corrida)


@pytest.fixture
def broker(own_kafka: OwnKafka) -> Iterator[int]:
    """Process id of the broker, to pause with SIGSTOP; it runs again after the test."""
    yield own_kafka.pid
    os.kill(own_kafka.pid, signal.SIGCONT)
    wait_until(lambda: embedded.kafka_answers(own_kafka.settings), "Kafka", 120)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Simulated clock of windows and loads; their waits advance it and take no real time."""
    clock = Clock(NOON)
    monkeypatch.setattr(steady_clock, "seconds", clock.seconds)
    monkeypatch.setattr(load, "time", clock)
    monkeypatch.setattr(pace, "Cadence", clock.cadence)
    return clock
