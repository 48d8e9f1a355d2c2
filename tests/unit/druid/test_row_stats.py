"""Sums of the row counts of a supervisor's tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from include.druid.client import DruidClient
from include.druid.row_stats import RowStats, row_stats
from tests.unit.druid.support import Router

BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)
API = "/druid/indexer/v1"


def task(name: str, created: str, minutes: int, **changes: str) -> dict[str, Any]:
    return {
        "id": name,
        "type": "index_kafka",
        "statusCode": "SUCCESS",
        "createdTime": created,
        "duration": minutes * 60_000,
        **changes,
    }


def counts(*numbers: int) -> dict[str, int]:
    return {**RowStats(*numbers)._asdict(), "processedBytes": 999}


@pytest.fixture
def client(router: Router) -> DruidClient:
    tasks = [
        task("before", "2026-11-24T11:00:00.000Z", 59),
        task("across", "2026-11-24T11:30:00.000Z", 31),
        task("after", "2026-11-24T12:10:00.000Z", 5),
        task("failed", "2026-11-24T12:10:00.000Z", 5, statusCode="FAILED"),
        task("compaction", "2026-11-24T12:10:00.000Z", 5, type="compact"),
        task("ending", "2026-11-24T12:10:00.000Z", 5),
        task("running", "2026-11-24T12:15:00.000Z", -1, statusCode="RUNNING"),
    ]
    running = {"totals": {"buildSegments": counts(1, 2, 3, 4)}}
    stats = {"0": {"running": running, "ending": running, "new": {}}}
    router.on("GET", f"{API}/tasks", (200, tasks))
    router.on("GET", f"{API}/supervisor/v/stats", (200, stats))
    for name in ("across", "after"):
        payload = {"rowStats": {"buildSegments": counts(10, 20, 30, 40)}}
        report = {"ingestionStatsAndErrors": {"payload": payload}}
        router.on("GET", f"{API}/task/{name}/reports", (200, report))
    return DruidClient(router.url)


def test_running_and_succeeded_tasks_are_each_counted_once(client: DruidClient) -> None:
    assert row_stats(client, "v", BEGAN) == RowStats(22, 44, 66, 88)
