"""The stretches of time that a look compares."""

from datetime import UTC, datetime, timedelta

from include.druid.findings.windows import (
    DAYS,
    goods_windows,
    payment_windows,
    same_kind,
    same_weekday,
)
from include.sales.local_time import moment_of

#: Sunday noon of the stores.
NOON = datetime(2026, 8, 30, 15, tzinfo=UTC)


def pairs(windows: list[int]) -> list[tuple[datetime, datetime]]:
    moments = [moment_of(each) for each in windows]
    return list(zip(moments[::2], moments[1::2], strict=True))


def test_the_last_three_hours_and_the_same_ones_of_earlier_days() -> None:
    windows = pairs(goods_windows(NOON))
    assert windows[0] == (NOON - timedelta(hours=3), NOON)
    assert [NOON - end for _, end in windows[1:]] == [timedelta(days=day) for day in DAYS]
    assert {end - start for start, end in windows} == {timedelta(hours=3)}


def test_of_payments_the_whole_last_day() -> None:
    windows = pairs(payment_windows(NOON))
    assert windows[0] == (NOON - timedelta(days=1), NOON)
    assert windows[1:] == pairs(goods_windows(NOON))[1:]


def test_a_sunday_is_like_sundays() -> None:
    assert same_kind(NOON, DAYS) == same_weekday(DAYS) == [7, 14, 21, 28]


def test_a_wednesday_is_like_working_days() -> None:
    assert same_kind(NOON + timedelta(days=3), DAYS) == [1, 2, 5, 6, 7, 14, 21, 28]


def test_a_stretch_over_midnight_is_like_those_over_the_same_midnight() -> None:
    # Monday at one in the morning: the stretch began on Sunday.
    assert same_kind(NOON + timedelta(hours=13), DAYS) == [7, 14, 21, 28]
    # Tuesday at one, from Monday on.
    assert same_kind(NOON + timedelta(hours=37), DAYS) == [4, 5, 6, 7, 14, 21, 28]
