"""The ranges of «Ventas» that are looked at ahead of the viewers."""

from typing import Any

import pytest

from include.druid.client import DruidError, DruidUnreachableError
from include.page.filters import RANGES, Filters
from include.waiting import wait_until
from ventas_airflow.page import live


class Overview:
    """Fake overview that records the ranges; Druid may be away."""

    def __init__(self) -> None:
        self.ranges: list[str] = []
        self.is_away = False

    def __call__(self, _: Any, __: Any, filters: Filters, *___: Any) -> dict[str, Any]:
        if self.is_away:
            raise DruidUnreachableError("away")
        self.ranges.append(filters.rango)
        return {}


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Overview:
    found = Overview()
    monkeypatch.setattr(live, "overview", found)
    monkeypatch.setattr(live, "druid", lambda: None)
    monkeypatch.setattr(live, "_preparation", live._Preparation())
    return found


def wait_for_all(looks: Overview, count: int) -> None:
    wait_until(lambda: len(looks.ranges) == count, "the looks", 30)


def test_first_answer_makes_each_range_looked_at_once(looks: Overview) -> None:
    live._overview(Filters("15m"))
    wait_for_all(looks, 1 + len(RANGES))
    assert looks.ranges[1:] == list(RANGES)
    live._overview(Filters("1h"))
    assert len(looks.ranges) == 2 + len(RANGES)


def test_ranges_are_looked_at_again_after_an_outage_of_druid(looks: Overview) -> None:
    live._overview(Filters("15m"))
    wait_for_all(looks, 1 + len(RANGES))
    looks.is_away = True
    with pytest.raises(DruidError):
        live._overview(Filters("15m"))
    looks.is_away = False
    live._overview(Filters("15m"))
    wait_for_all(looks, 2 * (1 + len(RANGES)))


def test_ranges_are_looked_at_again_after_a_time_without_viewers(
    looks: Overview, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "COLD_SECONDS", 0.0)
    for count in (1, 2):
        live._overview(Filters("15m"))
        wait_for_all(looks, count * (1 + len(RANGES)))
