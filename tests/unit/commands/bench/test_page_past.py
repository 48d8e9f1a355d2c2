"""The past that the page's benchmark fills, and keeps."""

from datetime import UTC, datetime
from typing import Any

import pytest

from commands.bench import page_past
from commands.bench.page_past import DAYS, is_compacted, publish_past, scale
from include.druid.client import DruidClient
from include.sales.backfill import day_arrivals, past_days
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.market import load_market
from include.stream.session import Published

NOW = datetime(2026, 11, 30, 10, tzinfo=UTC)


def test_past_has_about_as_many_events_as_asked_for() -> None:
    demand = Demand(load_market())
    days = past_days(NOW, DAYS)
    sales = sum(len(day_arrivals(demand, 2026, day, scale(0.5), day.end)) for day in days)
    assert 2 * sales == pytest.approx(500_000, rel=0.1)  # a sale has about two events


@pytest.mark.parametrize("missing", [0, 1])
def test_days_before_today_have_the_past_and_today_has_the_live_rate(
    missing: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scales: list[float] = []

    def publish(_: object, source: SaleSource, *__: object, scale: float, **___: Any) -> Published:
        scales.append(scale)
        resumed = 10 if len(scales) > DAYS else 10 - missing
        return Published(source.corrida, 10, 20, 20, 0, 9, None, None, 0, {}, resumed)

    monkeypatch.setattr(page_past, "publish_day", publish)
    expected, is_new = publish_past({}, 5, 0.67, NOW)
    assert scales == [scale(5)] * DAYS + [0.67]
    assert expected.rows == 20 * len(set(expected.runs)) == 20 * (DAYS + 1)
    assert is_new is bool(missing)


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
