from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.unit.druid.support import Router, serving
from tests.unit.plugins.clock import Clock


@pytest.fixture
def router(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    """A stand-in for Druid's router, named by an ingest connection with a password."""
    with serving() as router:
        address = urlsplit(router.url)
        connection = {
            "conn_type": "druid",
            "login": "airflow",
            "password": "s3cr3t-of-druid",
            "host": address.hostname,
            "port": address.port,
            "schema": "http",
            "extra": {"endpoint": "druid/indexer/v1/task"},
        }
        monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(connection))
        yield router
