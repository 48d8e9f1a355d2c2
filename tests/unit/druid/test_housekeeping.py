"""Settings of compaction, retention and deletion: their values, and that each is set only once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from include.druid.client import DruidClient, DruidError
from include.druid.housekeeping import (
    DELETION,
    compaction,
    ensure_housekeeping,
    retention_rules,
)
from include.druid.runtime import EMBEDDED_SIZES, Size
from include.druid.supervisor import supervisor_spec
from include.names import DRUID_RETENTION, LEDGER_TOPIC
from include.sales.limits import MOST_DAYS
from tests.unit.druid.support import COMPACTION, COORDINATOR, RULES, Router
from ventas_airflow.sales import TOPICS


def as_druid_has_it(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as Druid does: unset fields have defaults or nulls."""
    tuning = config["tuningConfig"]
    return {
        "type": "inline",
        **config,
        "taskPriority": 25,
        "engine": None,
        "projections": [
            {**it, "ordering": [{"columnName": "__gran", "order": "ascending"}]}
            for it in config["projections"]
        ],
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


def test_new_datasource_gets_all_settings(druid: Router, client: DruidClient) -> None:
    assert ensure_housekeeping(client, "ventas") == ["compaction", "retention", "deletion"]
    posted = {asked.path: asked.body for asked in druid.asked if asked.method == "POST"}
    assert posted == {
        COMPACTION: compaction("ventas"),
        f"{RULES}/ventas": [
            {
                "type": "loadByPeriod",
                "period": f"P{DRUID_RETENTION.days}D",
                "includeFuture": True,
                "tieredReplicants": {"_default_tier": 1},
                "useDefaultTierForNull": True,
            },
            {"type": "dropForever"},
        ],
        COORDINATOR: {"killTaskSlotRatio": 0.5, "maxKillTaskSlots": 1},
    }


def test_equal_settings_are_not_posted_again(druid: Router, client: DruidClient) -> None:
    druid.on("GET", f"{COMPACTION}/ventas", (200, as_druid_has_it(compaction("ventas"))))
    druid.on("GET", f"{RULES}/ventas", (200, retention_rules()))
    druid.on("GET", COORDINATOR, (200, {**DELETION, "millisToWaitBeforeDeleting": 900000}))
    assert ensure_housekeeping(client, "ventas") == []
    assert not [asked for asked in druid.asked if asked.method == "POST"]


def test_only_the_setting_that_differs_is_posted(druid: Router, client: DruidClient) -> None:
    wanted = compaction("ventas")
    others = [{"skipOffsetFromLatest": "P7D"}, {"projections": wanted["projections"][:-1]}]
    druid.on("GET", f"{RULES}/ventas", (200, retention_rules()))
    druid.on("GET", COORDINATOR, (200, {**DELETION, "millisToWaitBeforeDeleting": 900000}))
    for other in others:
        druid.on("GET", f"{COMPACTION}/ventas", (200, as_druid_has_it({**wanted, **other})))
        assert ensure_housekeeping(client, "ventas") == ["compaction"]
    druid.on("GET", f"{COMPACTION}/ventas", (200, as_druid_has_it(wanted)))
    assert ensure_housekeeping(client, "ventas", timedelta(days=30)) == ["retention"]


def test_refusal_of_druid_raises(druid: Router, client: DruidClient) -> None:
    druid.on("POST", COMPACTION, (400, {"error": "no such field"}))
    with pytest.raises(DruidError, match="no such field"):
        ensure_housekeeping(client, "ventas")


@pytest.mark.parametrize("size", [*EMBEDDED_SIZES.values(), Size(heap=1, capacity=3)])
def test_kill_tasks_get_exactly_one_slot(size: Size) -> None:
    # Druid rounds the number of slots down.
    slots = min(int(size.capacity * DELETION["killTaskSlotRatio"]), DELETION["maxKillTaskSlots"])
    assert slots == (1 if size.capacity else 0)


def test_compaction_skips_the_latest_day() -> None:
    assert compaction("ventas")["skipOffsetFromLatest"] == "P1D"
    spec = supervisor_spec({"bootstrap.servers": "k:1"}, topic="ventas", datasource="ventas")
    assert spec["spec"]["dataSchema"]["granularitySpec"]["segmentGranularity"] == "DAY"


def test_retention_keeps_every_day_that_a_back_fill_can_fill() -> None:
    # The oldest day began `MOST_DAYS` days and a part of today ago, in another time zone.
    assert timedelta(days=MOST_DAYS + 2) < DRUID_RETENTION


def test_ledger_is_kept_longer_than_druids_days() -> None:
    # Otherwise a day that Druid still has could be back-filled a second time.
    retention = timedelta(milliseconds=int(TOPICS[LEDGER_TOPIC]["topic_config"]["retention.ms"]))
    assert retention > DRUID_RETENTION + timedelta(days=1)


@pytest.mark.parametrize("topic", TOPICS)
def test_kafka_closes_segments_often_enough_for_retention_to_act(topic: str) -> None:
    config = TOPICS[topic]["topic_config"]
    assert int(config["segment.ms"]) * 7 <= int(config["retention.ms"])
