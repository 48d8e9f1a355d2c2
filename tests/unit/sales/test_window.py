from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.sales.window import SimulationWindow

BUENOS_AIRES = "America/Argentina/Buenos_Aires"
# Santiago changes its clocks at midnight, New York and Madrid later at night.
ZONES = [BUENOS_AIRES, "America/Santiago", "America/New_York", "Europe/Madrid", "UTC"]

moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


@st.composite
def windows(draw: st.DrawFn) -> SimulationWindow:
    """Draw windows with hours from 4:00 on, when no zone above changes its clocks."""
    opens, closes = sorted(draw(st.lists(st.times(time(4)), min_size=2, max_size=2, unique=True)))
    weekdays = draw(st.sets(st.integers(0, 6), min_size=1))
    return SimulationWindow(opens, closes, weekdays, draw(st.sampled_from(ZONES)))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@given(windows(), moments)
def test_the_next_window_opens_and_closes_by_the_wall_clock(
    window: SimulationWindow, moment: datetime
) -> None:
    start, end = window.next_after(moment)
    assert start.tzinfo is end.tzinfo is UTC
    assert moment < start < end
    local_start, local_end = (at.astimezone(ZoneInfo(window.timezone)) for at in (start, end))
    assert local_start.date() == local_end.date()
    assert (local_start.time(), local_end.time()) == (window.opens, window.closes)
    assert local_start.weekday() in window.weekdays


@given(windows(), moments)
def test_window_is_the_same_seen_from_inside_and_from_before(
    window: SimulationWindow, moment: datetime
) -> None:
    start, end = window.next_after(moment)
    for inside in (start, start + (end - start) / 2, end - timedelta(microseconds=1)):
        assert window.containing(inside) == (start, end)
        assert window.current_or_next(inside) == (start, end)
    assert window.containing(start - timedelta(microseconds=1)) is None
    assert window.containing(end) is None
    assert window.current_or_next(end) == window.next_after(start)


@given(windows(), moments)
def test_no_window_is_skipped(window: SimulationWindow, moment: datetime) -> None:
    start, _ = window.next_after(moment)
    zone = ZoneInfo(window.timezone)
    day = moment.astimezone(zone).date()
    while (opening := datetime.combine(day, window.opens, zone)) < start:
        assert opening <= moment or opening.weekday() not in window.weekdays
        day += timedelta(days=1)


def test_stores_open_every_day_from_nine_to_nine_in_buenos_aires_by_default() -> None:
    window = SimulationWindow()
    tuesday = (utc("2026-11-24T12:00"), utc("2026-11-25T00:00"))
    assert window.containing(utc("2026-11-24T12:00")) == tuesday
    assert window.containing(utc("2026-11-24T23:59:59")) == tuesday
    assert window.containing(utc("2026-11-25T00:00")) is None
    assert window.current_or_next(utc("2026-11-24T03:00")) == tuesday
    assert window.next_after(utc("2026-11-24T12:00"))[0] == utc("2026-11-25T12:00")


def test_a_moment_of_another_zone_is_the_same_moment() -> None:
    moment = datetime(2026, 11, 24, 21, tzinfo=timezone(timedelta(hours=9)))
    assert SimulationWindow().containing(moment) == (
        utc("2026-11-24T12:00"),
        utc("2026-11-25T00:00"),
    )


def test_weekdays_without_sales_are_skipped() -> None:
    weekdays = SimulationWindow(weekdays=range(5))
    friday_night = utc("2026-11-28T01:00")
    assert weekdays.current_or_next(friday_night)[0] == utc("2026-11-30T12:00")


def test_hours_follow_the_wall_clock_when_the_clocks_change() -> None:
    new_york = SimulationWindow(timezone="America/New_York")
    assert new_york.next_after(utc("2026-03-07T04:00"))[0] == utc("2026-03-07T14:00")
    assert new_york.next_after(utc("2026-03-08T04:00"))[0] == utc("2026-03-08T13:00")


def test_window_over_a_clock_change_is_shorter_and_one_within_it_skipped() -> None:
    change = utc("2026-03-29T00:00")  # 02:00–03:00 of that Sunday does not exist in Madrid
    start, end = SimulationWindow(time(1, 30), time(5), timezone="Europe/Madrid").next_after(change)
    assert end - start == timedelta(hours=2.5)
    skipped = SimulationWindow(time(2, 30), time(3, 15), timezone="Europe/Madrid")
    assert skipped.next_after(change)[0] == utc("2026-03-30T00:30")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"opens": time(21), "closes": time(9)}, "close later on the day on which they open"),
        ({"opens": time(9), "closes": time(9)}, "close later on the day on which they open"),
        ({"opens": time(9, tzinfo=UTC)}, "without a time zone"),
        ({"weekdays": ()}, "weekdays must be numbers from"),
        ({"weekdays": (1, 7)}, "weekdays must be numbers from"),
        ({"timezone": "Argentina"}, "no time zone has the name 'Argentina'"),
        ({"timezone": "America"}, "no time zone"),
        ({"timezone": "../etc"}, "no time zone"),
        ({"timezone": ""}, "no time zone"),
    ],
)
def test_invalid_hours_weekdays_or_zone_are_refused(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SimulationWindow(**arguments)  # type: ignore[arg-type]


def test_a_moment_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time zone"):
        SimulationWindow().containing(datetime(2026, 11, 24, 12))
