"""The past that the page's benchmark fills, and keeps."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import pytest

from commands.bench import page_past
from commands.bench.page_past import DAYS, Past, fill_past, is_compacted, scale
from include.druid.client import DruidClient, DruidError
from include.sales.backfill import Day, day_arrivals, past_days
from include.sales.demand import Demand
from include.sales.market import load_market

NOW = datetime(2026, 11, 30, 10, tzinfo=UTC)


def test_past_has_about_as_many_events_as_asked_for() -> None:
    demand = Demand(load_market())
    days = past_days(NOW, DAYS)
    sales = sum(len(day_arrivals(demand, 2026, day, scale(0.5), day.end)) for day in days)
    assert 2 * sales == pytest.approx(500_000, rel=0.1)  # a sale has about two events


class BatchDruid(DruidClient):
    """Keeps the events of each batch task by its interval; a task ends at once, or fails."""

    def __init__(self, failure: str = "") -> None:
        self.events: dict[str, list[Any]] = {}
        self.failure = failure

    def submit_task(self, spec: Any) -> str:
        assert spec["context"] == {"storeCompactionState": True}
        [interval] = spec["spec"]["dataSchema"]["granularitySpec"]["intervals"]
        [path] = spec["spec"]["ioConfig"]["inputSource"]["files"]
        lines = Path(path).read_bytes().splitlines()
        self.events[interval] = [msgspec.json.decode(line) for line in lines]
        return "task"

    def tasks(self, datasource: str) -> list[dict[str, Any]]:
        assert datasource == "ventas"
        state = "FAILED" if self.failure else "SUCCESS"
        of_an_earlier_fill = {"id": "earlier", "statusCode": "FAILED", "errorMsg": "killed"}
        task = {"id": "task", "statusCode": state, "errorMsg": self.failure}
        return [of_an_earlier_fill, *([task] if self.events else [])]


class Topic:
    """Keeps what the benchmark publishes to Kafka: single events, and days with their scale."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.events: list[Any] = []
        self.days: list[tuple[date, float]] = []
        monkeypatch.setattr(page_past, "_publish", self.publish)
        monkeypatch.setattr(page_past, "_through_kafka", self.through)

    def publish(self, _: object, events: Iterable[bytes]) -> None:
        self.events += map(msgspec.json.decode, events)

    def through(self, _: object, day: Day, sales: float, __: datetime) -> int:
        self.days.append((day.day, sales))
        return 7


def fill(druid: DruidClient, home: Path, now: datetime = NOW) -> Past:
    return fill_past(druid, {}, home, 0.02, 0.67, now)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    return Topic(monkeypatch)


def test_each_day_by_utc_is_a_batch_task_and_the_running_day_goes_through_kafka(
    topic: Topic, tmp_path: Path
) -> None:
    druid = BatchDruid()
    past = fill(druid, tmp_path)
    assert [*druid.events] == [
        f"2026-{day:%m-%d}/2026-{day + timedelta(days=1):%m-%d}"
        for day in (date(2026, 10, 31) + timedelta(days=n) for n in range(DAYS))
    ]
    for interval, events in druid.events.items():
        assert {event["ts"][:10] for event in events} <= {interval[:10]}
    assert {event["ts"][:10] for event in topic.events} == {"2026-11-30"}
    assert topic.days == [(date(2026, 11, 30), 0.67)]
    events = [*chain.from_iterable(druid.events.values()), *topic.events]
    assert len({event["id_evento"] for event in events}) == len(events) == past.expected.rows - 7
    assert {event["corrida"] for event in events} < set(past.expected.runs)
    assert past.is_new
    assert not list((tmp_path / "past").iterdir())


def test_kept_past_lacks_only_the_days_since(topic: Topic, tmp_path: Path) -> None:
    first = fill(BatchDruid(), tmp_path)
    druid = BatchDruid()
    again = fill(druid, tmp_path)
    assert (again.expected, again.is_new, druid.events) == (first.expected, False, {})
    topic.days.clear()
    later = fill(druid, tmp_path, NOW + timedelta(days=1))
    assert topic.days == [(date(2026, 11, 30), scale(0.02)), (date(2026, 12, 1), 0.67)]
    assert (later.is_new, druid.events) == (True, {})


def test_failed_task_ends_the_fill_with_its_error(topic: Topic, tmp_path: Path) -> None:
    with pytest.raises(DruidError, match="batch task task failed: no space"):
        fill(BatchDruid("no space"), tmp_path)
    assert not (tmp_path / "past.json").exists()
    assert not topic.days


def test_days_before_yesterday_must_be_compacted() -> None:
    class Druid(DruidClient):
        def __init__(self, left: int) -> None:
            self.left = left

        def sql(self, query: str, parameters: Any = (), **_: Any) -> list[dict[str, Any]]:
            assert "last_compaction_state IS NULL" in query
            assert parameters == ["ventas", "2026-11-29T00:00:00.000Z"]
            return [{"segment_id": "ventas_1"}] * self.left

    assert is_compacted(Druid(0), NOW)
    assert not is_compacted(Druid(2), NOW)
