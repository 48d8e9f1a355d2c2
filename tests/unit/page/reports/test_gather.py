"""The questions that a day's report asks Druid, with a stand-in of Druid."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from include.druid.client import DruidClient
from include.page.filters import Filters
from include.page.reports import gather as module
from include.page.reports.day import DAYS_BEFORE, Quality
from include.page.reports.gather import gather
from include.sales.local_time import epoch_ms

START = datetime(2026, 11, 24, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Asked:
    """A Druid with sales in some hours of the day; records the bounds of the queries."""

    def __init__(self, *hours: int) -> None:
        self._hours = hours
        self.bounds: list[tuple[str, int, int]] = []

    def sql(self, query: str, bounds: Sequence[int], *, timeout: float) -> list[dict[str, Any]]:
        assert '"ventas_x"' in query
        assert timeout <= 60
        columns = ("hora", "cuotas", "producto")
        name = next(name for name in columns if name in query)
        self.bounds.append((name, bounds[0], bounds[1]))
        row = {"sucursal": "Palermo", "estado": "pendiente", "events": 1, "amount": 5}
        return [{**row, "hora": hour} for hour in self._hours] if name == "hora" else []


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[datetime]:
    """The moments whose findings were asked for."""
    asked: list[datetime] = []

    def detect(druid: object, datasource: str, filters: Filters, now: datetime) -> Any:
        assert datasource == "ventas_x"
        assert filters.hasta
        asked.append(filters.hasta)
        return SimpleNamespace(findings=[], missing=[])

    monkeypatch.setattr(module, "detect", detect)
    return asked


def report(druid: Asked, end: datetime) -> Any:
    return gather(cast(DruidClient, druid), "ventas_x", end, Quality("r1", reconciled=True))


def test_each_day_is_asked_from_midnight_to_the_same_time(looks: list[datetime]) -> None:
    druid, end = Asked(9), START + 18 * HOUR
    found = report(druid, end)
    assert (found.start, found.end) == (epoch_ms(START), epoch_ms(end))
    day = 24 * 3_600_000
    assert druid.bounds == [
        *(("hora", found.start - n * day, found.end - n * day) for n in DAYS_BEFORE),
        ("cuotas", found.start, found.end),
        ("producto", found.start, found.end),
    ]


def test_day_that_ends_at_midnight_is_the_day_before(looks: list[datetime]) -> None:
    assert report(Asked(), START + 24 * HOUR).start == epoch_ms(START)


def test_unusual_sales_are_looked_for_at_the_end_of_each_hour_with_sales(
    looks: list[datetime],
) -> None:
    end = START + timedelta(hours=17, minutes=20)
    report(Asked(9, 10, 17), end)
    assert looks == [START + 10 * HOUR, START + 11 * HOUR, end]
