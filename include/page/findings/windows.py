"""Windows of time that a look compares: the last ones, and the same windows of earlier days."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Final

from include.sales.local_time import HOUR_MS, day_of, dia_index, epoch_ms, hours_of

STRETCHES: Final = (15, 60, 180)
"""Lengths of the last windows, in minutes. Large stores and products are judged by the short ones,
small ones need a longer window to have enough sales."""

HOURS: Final = STRETCHES[-1] // 60
"""Length of the longest window, in hours."""

DAYS: Final = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
"""Days ago of the windows compared with: today's weekday four times, the other weekdays once."""

RECENT: Final = 24
"""Last hours that approval is compared with, because it does not depend on the hour of the day."""

FEWEST: Final = 3
"""Least number of past hours with decided sales that are needed to judge approval."""

DAY_MS: Final = 24 * HOUR_MS


def goods_windows(now: datetime) -> list[int]:
    """Return starts and ends of the longest window, in epoch milliseconds.

    The windows are now, and on the earlier days of today's kind: no other day is compared.
    """
    return _longest(now, (0, *same_kind(now, DAYS)))


def payment_windows(now: datetime) -> list[int]:
    """Return starts and ends, in epoch milliseconds.

    The windows are the last `RECENT` hours, and the longest window of `STRETCHES` on earlier days.
    """
    end = epoch_ms(now)
    return [end - RECENT * HOUR_MS, end, *_longest(now, DAYS)]


def same_kind(
    now: datetime, days: Iterable[int], kind: Callable[[date], object] = dia_index
) -> list[int]:
    """Return those of the earlier `days` (days ago) that are of today's kind.

    By default the kinds are weekday, Saturday and Sunday: opening hours and sold products differ
    between them. The longest window may begin the day before; then that day must be of the same
    kind, too.
    """
    bounds = (epoch_ms(now) - HOURS * HOUR_MS, epoch_ms(now))

    def kinds(day: int) -> list[object]:
        return [kind(day_of(hours_of(at - day * DAY_MS))) for at in bounds]

    today = kinds(0)
    return [day for day in days if kinds(day) == today]


def same_weekday(days: Iterable[int]) -> list[int]:
    """Return those of the earlier `days` (days ago) that are today's weekday."""
    return [day for day in days if day % 7 == 0]


def _longest(now: datetime, days: Iterable[int]) -> list[int]:
    """Return starts and ends of the longest window on some days (days ago)."""
    ends = [epoch_ms(now) - day * DAY_MS for day in days]
    return [moment for end in ends for moment in (end - HOURS * HOUR_MS, end)]
