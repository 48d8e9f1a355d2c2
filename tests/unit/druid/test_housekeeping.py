"""What keeps a datasource small, and that it is set once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.druid.client import DruidClient, DruidError
from include.druid.housekeeping import (
    DELETION,
    KEEP,
    compaction,
    ensure_housekeeping,
    retention_rules,
)
from include.druid.runtime import EMBEDDED_SIZES, Size
from include.druid.supervisor import supervisor_spec
from include.sales.backfill import MOST_DAYS
from tests.unit.druid.support import COMPACTION, COORDINATOR, RULES, Router
from ventas_airflow.sales import TOPICS


def as_druid_has_it(config: dict[str, Any]) -> dict[str, Any]:
    """Druid answers with defaults and nulls for all that is not set."""
    tuning = config["tuningConfig"]
    return {
        "type": "inline",
        **config,
        "taskPriority": 25,
        "engine": None,
        "tuningConfig": {
            **tuning,
            "maxRowsInMemory": None,
            "partitionsSpec": {**tuning["partitionsSpec"], "maxTotalRows": None},
        },
    }


@pytest.fixture
def client(router: Router) -> DruidClient:
    return DruidClient(router.url, retries=0)


@pytest.fixture
def druid(router: Router) -> Router:
    """A Druid that accepts settings and has its defaults."""
    router.on("GET", COORDINATOR, (200, {"killTaskSlotRatio": 0.1, "maxKillTaskSlots": 2147483647}))
    router.on("POST", COORDINATOR, (200, b""))
    router.on("GET", f"{RULES}/ventas", (200, []))
    router.on("POST", f"{RULES}/ventas", (200, b""))
    router.on("POST", COMPACTION, (200, b""))
    return router


def test_a_new_datasource_gets_all_settings(druid: Router, client: DruidClient) -> None:
    assert ensure_housekeeping(client, "ventas") == ["compaction", "retention", "deletion"]
    posted = {asked.path: asked.body for asked in druid.asked if asked.method == "POST"}
    assert posted == {
        COMPACTION: compaction("ventas"),
        f"{RULES}/ventas": [
            {
                "type": "loadByPeriod",
                "period": "P400D",
                "includeFuture": True,
                "tieredReplicants": {"_default_tier": 1},
                "useDefaultTierForNull": True,
            },
            {"type": "dropForever"},
        ],
        COORDINATOR: {"killTaskSlotRatio": 0.5, "maxKillTaskSlots": 1},
    }


def test_what_is_set_already_is_not_posted_again(druid: Router, client: DruidClient) -> None:
    druid.on("GET", f"{COMPACTION}/ventas", (200, as_druid_has_it(compaction("ventas"))))
    druid.on("GET", f"{RULES}/ventas", (200, retention_rules()))
    druid.on("GET", COORDINATOR, (200, {**DELETION, "millisToWaitBeforeDeleting": 900000}))
    assert ensure_housekeeping(client, "ventas") == []
    assert not [asked for asked in druid.asked if asked.method == "POST"]


def test_a_setting_that_differs_is_set_alone(druid: Router, client: DruidClient) -> None:
    other = {**compaction("ventas"), "skipOffsetFromLatest": "P7D"}
    druid.on("GET", f"{COMPACTION}/ventas", (200, as_druid_has_it(other)))
    druid.on("GET", f"{RULES}/ventas", (200, retention_rules()))
    druid.on("GET", COORDINATOR, (200, {**DELETION, "millisToWaitBeforeDeleting": 900000}))
    assert ensure_housekeeping(client, "ventas") == ["compaction"]
    druid.on("GET", f"{COMPACTION}/ventas", (200, as_druid_has_it(compaction("ventas"))))
    assert ensure_housekeeping(client, "ventas", timedelta(days=30)) == ["retention"]


def test_a_druid_that_refuses_is_an_error(druid: Router, client: DruidClient) -> None:
    druid.on("POST", COMPACTION, (400, {"error": "no such field"}))
    with pytest.raises(DruidError, match="no such field"):
        ensure_housekeeping(client, "ventas")


@pytest.mark.parametrize("size", [*EMBEDDED_SIZES.values(), Size(heap=1, capacity=3)])
def test_tasks_that_delete_have_a_slot_and_leave_the_others(size: Size) -> None:
    # As Druid counts them: rounded down.
    slots = min(int(size.capacity * DELETION["killTaskSlotRatio"]), DELETION["maxKillTaskSlots"])
    assert slots == (1 if size.capacity else 0)


def test_the_latest_day_is_never_compacted_under_the_supervisors_feet() -> None:
    assert compaction("ventas")["skipOffsetFromLatest"] == "P1D"
    spec = supervisor_spec({"bootstrap.servers": "k:1"}, topic="ventas", datasource="ventas")
    assert spec["spec"]["dataSchema"]["granularitySpec"]["segmentGranularity"] == "DAY"


def test_all_that_a_back_fill_may_fill_is_kept() -> None:
    # Its oldest day began as many whole days and a part of today ago, in another time zone.
    assert timedelta(days=MOST_DAYS + 2) < KEEP


def test_the_ledger_outlives_what_druid_keeps() -> None:
    # Or a day that Druid still has could be filled a second time.
    retention = timedelta(milliseconds=int(TOPICS["ventas.ledger"]["topic_config"]["retention.ms"]))
    assert retention > KEEP + timedelta(days=1)


@pytest.mark.parametrize("topic", TOPICS)
def test_kafka_closes_segments_often_enough_for_retention_to_act(topic: str) -> None:
    config = TOPICS[topic]["topic_config"]
    assert int(config["segment.ms"]) * 7 <= int(config["retention.ms"])
