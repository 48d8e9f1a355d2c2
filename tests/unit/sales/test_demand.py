import itertools
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.sales.demand import REFERENCE_YEAR, Demand
from include.sales.local_time import epoch_ms, first_hour, hours_of
from include.sales.market import Market, load_market
from include.sales.tables import CHANNELS

MARKET = load_market()
DEMAND = Demand(MARKET)
HOUR = timedelta(hours=1)
GROUPS = [row.grupo for row in MARKET.groups]

moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def local(year: int, month: int, day: int, hour: int = 12) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC) + timedelta(hours=3)


def on(year: int, month: int, day: int, channel: str, group: str = "general") -> float:
    """Return the sum of the rates of a day's 24 hours."""
    first = first_hour(date(year, month, day))
    hours = [DEMAND.at(hour) for hour in range(first, first + 24)]
    return float(sum(hours)[GROUPS.index(group), CHANNELS.index(channel)])  # type: ignore[index]


def test_the_mean_of_the_reference_year_is_one() -> None:
    hourly = DEMAND.hourly(REFERENCE_YEAR)
    assert len(hourly) == 8760
    assert hourly.sum(axis=(1, 2)).mean() == pytest.approx(1)


def test_groups_and_platforms_have_their_shares_of_the_year(market: Market) -> None:
    means = DEMAND.hourly(REFERENCE_YEAR).mean(axis=0)
    shares = {row.grupo: row.share / 100 for row in market.groups}
    assert dict(zip(GROUPS, means.sum(axis=1), strict=True)) == pytest.approx(shares)
    local_shares = {r.grupo: r.share / 100 for r in market.platforms if r.plataforma == "local"}
    found = dict(zip(GROUPS, means[:, 0] / means.sum(axis=1), strict=True))
    assert found == pytest.approx(local_shares)


@given(moments, st.floats(0, 1000))
def test_expected_number_is_proportional_to_scale(moment: datetime, scale: float) -> None:
    later = moment + HOUR
    at_one = DEMAND.expected(moment, later)
    assert DEMAND.expected(moment, later, scale) == pytest.approx(scale * at_one)
    assert at_one > 0


@given(moments, st.lists(st.integers(0, 10_000_000), min_size=2, max_size=4))
def test_expected_number_of_an_interval_is_the_sum_of_its_parts(
    start: datetime, seconds: list[int]
) -> None:
    cuts = [start + timedelta(milliseconds=s) for s in sorted(seconds)]
    parts = [DEMAND.expected(a, b, 5) for a, b in itertools.pairwise(cuts)]
    assert sum(parts) == pytest.approx(DEMAND.expected(cuts[0], cuts[-1], 5))


def test_the_expected_number_of_an_hour_is_its_rate() -> None:
    start = local(2026, 5, 6, 11)
    rate = 2 * DEMAND.at(hours_of(epoch_ms(start))).sum()
    assert DEMAND.expected(start, start + HOUR, 2) == pytest.approx(3600 * rate)


def test_day_of_the_curve_is_the_local_day() -> None:
    """Sunday starts at 03:00 UTC, when its night replaces Saturday's."""
    midnight = local(2026, 5, 10, 0)
    before = DEMAND.expected(midnight - timedelta(milliseconds=1), midnight) * 1000
    after = DEMAND.expected(midnight, midnight + timedelta(milliseconds=1)) * 1000
    hours = DEMAND.hourly(2026).sum(axis=(1, 2))
    first = first_hour(date(2026, 5, 10)) - first_hour(date(2026, 1, 1))
    assert before == pytest.approx(hours[first - 1])
    assert after == pytest.approx(hours[first])


def test_store_sales_peak_by_day_and_online_sales_in_the_evening() -> None:
    day = DEMAND.hourly(2026)[24 * 125 : 24 * 126].sum(axis=1)  # 6 May, a Wednesday
    in_store, online = day[:, 0], day[:, 1]
    assert np.argmax(in_store) in (10, 11, 18, 19)
    assert in_store[3] < 0.1 * in_store[11]
    assert online[22] > online[10]


def test_saturday_sells_most_in_stores_and_monday_online() -> None:
    week = range(4, 11)  # of May 2026, from Monday
    assert max(week, key=lambda day: on(2026, 5, day, "local")) == 9
    assert max(week, key=lambda day: on(2026, 5, day, "online")) == 4


@pytest.mark.parametrize("start", [date(2025, 5, 12), date(2026, 5, 11)])
def test_hot_sale_is_three_to_five_normal_days_online(start: date) -> None:
    for more in range(3):
        day, normal = start + timedelta(days=more), start + timedelta(days=more + 7)
        for group in ("electro", "general"):
            ratio = on(day.year, day.month, day.day, "online", group) / on(
                normal.year, normal.month, normal.day, "online", group
            )
            assert 3 <= ratio <= 5


@pytest.mark.parametrize("start", [date(2025, 11, 3), date(2026, 11, 2)])
def test_cybermonday_is_three_to_five_normal_days_online_and_not_in_stores(start: date) -> None:
    normal = start + timedelta(days=14)
    ratios = {
        (channel, group): on(start.year, start.month, start.day, channel, group)
        / on(normal.year, normal.month, normal.day, channel, group)
        for channel in CHANNELS
        for group in ("electro", "general")
    }
    assert all(3 <= ratios["online", group] <= 5 for group in ("electro", "general"))
    assert all(ratios["local", group] < 1.5 for group in ("electro", "general"))


def test_sales_rise_before_the_dia_del_nino_and_before_navidad() -> None:
    assert on(2026, 8, 15, "local") > 1.7 * on(2026, 8, 22, "local")
    assert on(2026, 12, 23, "local") > 1.7 * on(2026, 11, 18, "local")
    assert on(2026, 12, 25, "local") < 0.2 * on(2026, 12, 18, "local")


def test_sales_rise_at_paydays_and_aguinaldo() -> None:
    assert on(2026, 9, 3, "local", "supermercado") > 1.1 * on(2026, 9, 10, "local", "supermercado")
    assert on(2026, 6, 25, "local", "electro") > 1.3 * on(2026, 6, 11, "local", "electro")


def test_national_holiday_counts_fully_and_provincial_one_by_population() -> None:
    national = on(2026, 7, 9, "local") / on(2026, 7, 16, "local")
    assert national == pytest.approx(0.7)
    tucuman = next(row.share for row in MARKET.provinces if row.code == "AR-T")
    total = sum(row.share for row in MARKET.provinces)
    provincial = on(2026, 9, 24, "local") / on(2026, 9, 17, "local")
    assert provincial == pytest.approx(1 - 0.3 * tucuman / total)
    assert DEMAND.on_holiday(date(2026, 9, 24)) == {"AR-T"}


def test_black_friday_raises_online_sales_in_every_year_of_the_events() -> None:
    for friday in (date(2024, 11, 29), date(2025, 11, 28), date(2026, 11, 27), date(2027, 11, 26)):
        for day in (friday + timedelta(days=more) for more in range(3)):
            later = day + timedelta(days=14)
            ratio = on(*day.timetuple()[:3], "online") / on(*later.timetuple()[:3], "online")
            assert ratio > 1


def test_leap_day_has_the_sales_of_a_normal_day() -> None:
    assert on(2032, 2, 29, "local") == on(2032, 2, 22, "local")  # Sundays


def test_cybermonday_has_the_ratios_that_the_data_readme_gives() -> None:
    """data/README.md compares 3 November 2025 with the Monday two weeks later."""

    def mondays(channels: tuple[str, ...]) -> float:
        days = [sum(on(2025, 11, day, c, g) for c in channels for g in GROUPS) for day in (3, 17)]
        return days[0] / days[1]

    assert mondays(("online",)) == pytest.approx(4.5, abs=0.05)
    assert mondays(("local",)) == pytest.approx(1.2, abs=0.05)
    assert mondays(CHANNELS) == pytest.approx(1.8, abs=0.05)


def test_curve_continues_after_the_last_dated_event() -> None:
    assert date(2027, 11, 28) == MARKET.events_end
    assert on(2031, 11, 3, "online") == pytest.approx(on(2031, 11, 10, "online") * 1.1, rel=0.01)
    assert on(2060, 12, 25, "local") < 0.2 * on(2060, 12, 18, "local")


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        DEMAND.expected(datetime(2026, 5, 6), datetime(2026, 5, 7))
