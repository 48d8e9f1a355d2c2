"""Compaction merges a past day's small segments, keeps its rows and adds the sums of its hours.

Retention drops older days.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from include.druid.client import DruidClient
from include.druid.housekeeping import ensure_housekeeping
from include.druid.projections import USE_PROJECTIONS
from include.druid.queries import for_datasource
from include.druid.supervisor import Expected, supervisor_spec, unsettled
from include.waiting import wait_until
from tests.support.druid import remove_supervisor, suspend_supervisor, wait_for_rows
from tests.support.place import Place, make_place

#: Number of suspensions of the supervisor, and so the number of segments of the past day.
TIMES = 2
SALES = 40

#: Noon two days ago: old enough for compaction, and dropped if retention is `timedelta(1)`.
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
PAST = NOON - timedelta(days=2)

ROWS = """
SELECT id_evento, __time, corrida, sucursal, estado, importe_centavos, cantidad FROM "{datasource}"
WHERE TIME_FLOOR(__time, 'P1D') = TIME_FLOOR(MILLIS_TO_TIMESTAMP(?), 'P1D')
"""
SUMS = """
SELECT estado, COUNT(*) AS sales, SUM(cantidad) AS units FROM "{datasource}"
WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?) GROUP BY estado
"""
SEGMENTS = """
SELECT "start", num_rows, version FROM sys.segments
WHERE datasource = ? AND is_active = 1 AND is_published = 1 AND is_overshadowed = 0
"""


@pytest.fixture
def ingested(
    kafka_config: dict[str, str], topic_suffix: str, druid: DruidClient
) -> Iterator[Place]:
    """Sales of a past day in `TIMES` segments, and one sale of today."""
    place = make_place(kafka_config, topic_suffix)
    spec = supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    try:
        for life in range(TIMES):
            with place.publisher() as publisher:
                publisher.open()
                source = place.source()
                first = life * SALES
                moments = [PAST + timedelta(minutes=n) for n in range(first, first + SALES)]
                if life == TIMES - 1:
                    moments.append(NOON)
                publisher.commit(
                    [source.chain(n, at)[0] for n, at in enumerate(moments, start=first)]
                )
            druid.submit_supervisor(spec)  # resumes a suspended supervisor
            wait_for_rows(druid, place.topic, first + len(moments))
            suspend_supervisor(druid, place.topic)
            expected = Expected([place.corrida], first + len(moments))
            wait_until(
                lambda there=expected: not unsettled(druid, place.topic, there),  # type: ignore[misc]
                "the hand-off",
                300,
            )
        yield place
    finally:
        remove_supervisor(druid, place.topic)
        druid.set_retention_rules(place.topic, [])


def segments(druid: DruidClient, datasource: str) -> dict[str, list[int]]:
    """Return the number of rows of each segment, by day."""
    found: dict[str, list[int]] = {}
    for row in druid.sql(SEGMENTS, [datasource]):
        found.setdefault(row["start"][:10], []).append(row["num_rows"])
    return found


def rows_of(druid: DruidClient, datasource: str, day: datetime) -> list[dict[str, Any]]:
    rows = druid.sql(for_datasource(ROWS, datasource), [int(day.timestamp() * 1000)])
    return sorted(rows, key=lambda row: str(row["id_evento"]))


def look_for_work(druid: DruidClient) -> None:
    """Make the coordinator look for days to compact now instead of some minutes later."""
    answer = requests.post(f"{druid.url}/druid/coordinator/v1/compaction/compact", timeout=30)
    answer.raise_for_status()


def test_past_days_segments_are_compacted_into_one_and_an_old_day_is_dropped(
    ingested: Place, druid: DruidClient
) -> None:
    datasource = ingested.topic
    past, today = str(PAST.date()), str(NOON.date())
    before = rows_of(druid, datasource, PAST)
    assert len(before) == TIMES * SALES
    assert segments(druid, datasource) == {past: [SALES] * TIMES, today: [1]}

    assert {"compaction", "retention"} <= set(ensure_housekeeping(druid, datasource))
    assert ensure_housekeeping(druid, datasource) == []

    def compacted() -> bool:
        # The coordinator may not know the newest segments yet: it looks again each time.
        look_for_work(druid)
        return segments(druid, datasource)[past] == [TIMES * SALES]

    wait_until(compacted, "the compaction", 300, interval=5)
    assert segments(druid, datasource)[today] == [1]
    assert rows_of(druid, datasource, PAST) == before
    moments = [int((PAST + timedelta(hours=hours)).timestamp() * 1000) for hours in (-1, 2)]
    only_projections = {**USE_PROJECTIONS, "forceProjections": True}
    units = sum(row["cantidad"] for row in before)
    sums = druid.sql(for_datasource(SUMS, datasource), moments, context=only_projections)
    assert sums == [{"estado": "pendiente", "sales": len(before), "units": units}]
    # A compacted day is not compacted again.
    tasks = len(compactions(druid, datasource))
    look_for_work(druid)
    assert len(compactions(druid, datasource)) == tasks

    assert ensure_housekeeping(druid, datasource, timedelta(days=1)) == ["retention"]
    wait_until(
        lambda: list(segments(druid, datasource)) == [today],
        "the retention rule's effect",
        300,
    )
    wait_until(
        lambda: not rows_of(druid, datasource, PAST), "the historical to drop the past day", 300
    )
    assert len(rows_of(druid, datasource, NOON)) == 1


def compactions(druid: DruidClient, datasource: str) -> list[str]:
    return [task["id"] for task in druid.tasks(datasource) if task["type"] == "compact"]
