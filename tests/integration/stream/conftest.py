"""Topics of each test's own."""

import os
import tempfile
from typing import Any

import pytest

from tests.integration.stream.place import Place, make_place

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-home-"))


@pytest.fixture
def place(kafka_config: dict[str, str], topic_suffix: str) -> Place:
    return make_place(kafka_config, topic_suffix)


@pytest.fixture
def own_place(own_kafka: Any, topic_suffix: str) -> Place:
    """On a broker that the test may stop."""
    return make_place(own_kafka.config, topic_suffix)


@pytest.fixture
def broker(own_kafka: Any) -> int:
    """Process id of the broker of `own_place`."""
    return int(own_kafka.pid)
