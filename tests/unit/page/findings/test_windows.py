"""Windows of time that a look compares."""

from datetime import UTC, datetime, timedelta

from include.page.findings.calendar import Calendar
from include.page.findings.windows import (
    DAYS,
    goods_windows,
    payment_windows,
    same_kind,
    same_weekday,
)
from include.sales.local_time import moment_of

#: Sunday noon in the stores' local time.
NOON = datetime(2026, 8, 30, 15, tzinfo=UTC)


def pairs(windows: list[int]) -> list[tuple[datetime, datetime]]:
    moments = [moment_of(each) for each in windows]
    return list(zip(moments[::2], moments[1::2], strict=True))


def test_goods_windows_are_the_last_three_hours_of_each_day_of_the_same_kind() -> None:
    windows = pairs(goods_windows(NOON))
    assert windows[0] == (NOON - timedelta(hours=3), NOON)
    assert [(NOON - end).days for _, end in windows[1:]] == [7, 14, 21, 28]
    assert {end - start for start, end in windows} == {timedelta(hours=3)}


def test_payment_windows_begin_with_the_whole_last_day() -> None:
    windows = pairs(payment_windows(NOON))
    assert windows[0] == (NOON - timedelta(days=1), NOON)
    assert [NOON - end for _, end in windows[1:]] == [timedelta(days=day) for day in DAYS]
    assert {end - start for start, end in windows[1:]} == {timedelta(hours=3)}


def test_sunday_is_compared_with_sundays() -> None:
    assert same_kind(NOON, DAYS) == same_weekday(DAYS) == [7, 14, 21, 28]


def test_wednesday_is_compared_with_weekdays() -> None:
    assert same_kind(NOON + timedelta(days=3), DAYS) == [1, 2, 5, 6, 7, 14, 21, 28]


def test_window_over_midnight_is_compared_if_both_days_are_of_the_same_kind() -> None:
    # Monday at 1:00: the window began on Sunday.
    assert same_kind(NOON + timedelta(hours=13), DAYS) == [7, 14, 21, 28]
    # Tuesday at 1:00: the window began on Monday.
    assert same_kind(NOON + timedelta(hours=37), DAYS) == [4, 5, 6, 7, 14, 21, 28]


def test_day_of_an_event_is_compared_with_days_of_the_same_event() -> None:
    kind = Calendar.known().kind
    # CyberMonday is from 2 to 4 November 2026, Monday to Wednesday.
    wednesday = datetime(2026, 11, 4, 15, tzinfo=UTC)
    assert same_kind(wednesday, DAYS, kind) == [1, 2]
    assert same_kind(wednesday + timedelta(days=1), DAYS, kind) == [6, 7, 14, 21, 28]
    # Monday 12 October 2026 is a national holiday.
    assert same_kind(datetime(2026, 10, 12, 15, tzinfo=UTC), DAYS, kind) == []
