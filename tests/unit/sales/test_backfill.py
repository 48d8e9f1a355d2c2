from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from include.sales.arrivals import arrivals
from include.sales.backfill import Day, day_arrivals, past_days
from include.sales.demand import Demand
from include.sales.event import format_ts
from include.sales.incidents import Incident
from include.sales.local_time import epoch_ms

NOON = datetime(2026, 11, 24, 15, tzinfo=UTC)


def test_filled_days_and_the_live_window_join_without_gap_or_overlap(demand: Demand) -> None:
    days = past_days(NOON, 3)
    assert [day.day for day in days] == [date(2026, 11, 21 + n) for n in range(3)]
    assert [day.end for day in days[:2]] == [day.start for day in days[1:]]
    filled = [day_arrivals(demand, 7, day, 0.5, NOON) for day in days]
    live = arrivals(demand, 7, days[-1].end, NOON, 0.5)
    whole = arrivals(demand, 7, days[0].start, NOON, 0.5)
    assert np.concatenate([*filled, live]).tolist() == whole.tolist()


def test_today_is_filled_until_now_with_the_first_sales_of_the_whole_day(demand: Demand) -> None:
    *before, today = past_days(NOON, 3, today=True)
    assert before == past_days(NOON, 3)
    assert today.day == date(2026, 11, 24)
    until_now = day_arrivals(demand, 7, today, 0.5, NOON)
    assert until_now.tolist() == arrivals(demand, 7, today.start, NOON, 0.5).tolist()
    whole = day_arrivals(demand, 7, today, 0.5, today.end)
    assert whole[: len(until_now)].tolist() == until_now.tolist()


@pytest.mark.parametrize(
    ("after", "lasts", "has"),
    [(-60, 60, False), (-60, 61, True), (0, 5, True), (1439, 2, True), (1440, 5, False)],
)
def test_day_has_the_incidents_that_last_for_a_part_of_it(
    after: int, lasts: int, has: bool
) -> None:
    day = Day(date(2026, 11, 20))
    begins = format_ts(day.start + timedelta(minutes=after))
    assert day.has(Incident("menos_ventas", "", 50, begins, lasts)) == has


def test_filled_day_has_the_number_of_sales_that_the_curve_expects(demand: Demand) -> None:
    day = Day(date(2026, 11, 20))
    expected = demand.expected(day.start, day.end, 1.0)
    sold = day_arrivals(demand, 7, day, 1.0, day.end)
    assert len(sold) == pytest.approx(expected, abs=5 * expected**0.5)
    assert epoch_ms(day.start) <= sold[0] <= sold[-1] < epoch_ms(day.end)


def test_run_name_of_a_day_depends_only_on_its_sales() -> None:
    day = Day(date(2026, 11, 20))
    assert day.corrida(7, 1.0) == day.corrida(7, 1) == "relleno__2026-11-20__7__1"
    names = {
        day.corrida(*of) for of in ((7, 1.0), (8, 1.0), (7, 0.5), (7, 0.1234567), (7, 0.1234568))
    }
    assert len(names) == 5
    some = day.corrida(7, 1.0, ["ushuaia", "palermo"])
    assert some == day.corrida(7, 1.0, ["palermo", "ushuaia", "palermo"]) not in names


@pytest.mark.parametrize("count", [0, -1, 367])
def test_impossible_numbers_of_days_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 366"):
        past_days(NOON, count)


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        past_days(NOON.replace(tzinfo=None), 1)


def test_the_end_of_a_day_is_a_local_midnight() -> None:
    assert Day(date(2026, 12, 31)).end == datetime(2027, 1, 1, 3, tzinfo=UTC)
    assert Day(date(2026, 12, 31)).end - Day(date(2026, 12, 31)).start == timedelta(days=1)
