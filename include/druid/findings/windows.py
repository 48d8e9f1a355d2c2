"""Which stretches of time a look compares: the last ones, and what went before them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from include.sales.local_time import HOUR_MS, day_of, dia_index, epoch_ms, hours_of

STRETCHES: Final = (15, 60, 180)
"""Minutes before the moment that are looked at: large stores and products are judged soon, small
ones once there is enough to judge."""

HOURS: Final = STRETCHES[-1] // 60
"""Of the longest stretch."""

DAYS: Final = (1, 2, 3, 4, 5, 6, 7, 14, 21, 28)
"""How many days before are the same stretches compared: each weekday, and this one four times."""

RECENT: Final = 24
"""Hours before the moment, for what does not depend on the hour: approval."""

FEWEST: Final = 3
"""Hours of the past with decisions, before approval is said to be unusual."""

DAY_MS: Final = 24 * HOUR_MS


def goods_windows(now: datetime) -> list[int]:
    """Starts and ends, epoch milliseconds: the longest stretch, now and on the earlier days."""
    end = epoch_ms(now)
    return _flat((end - day * DAY_MS - HOURS * HOUR_MS, end - day * DAY_MS) for day in (0, *DAYS))


def payment_windows(now: datetime) -> list[int]:
    """Starts and ends, epoch milliseconds: the last day, and the stretch on the earlier days."""
    end = epoch_ms(now)
    return [end - RECENT * HOUR_MS, end, *goods_windows(now)[2:]]


def same_kind(now: datetime, days: Iterable[int]) -> list[int]:
    """Those of some days before that are of this day's kind.

    Kinds are weekdays, Saturdays and Sundays: on each, stores are open at other hours and sell
    other things. The longest stretch may begin on the day before, which has to be alike too.
    """
    bounds = (epoch_ms(now) - HOURS * HOUR_MS, epoch_ms(now))

    def kinds(day: int) -> list[int]:
        return [dia_index(day_of(hours_of(at - day * DAY_MS))) for at in bounds]

    return [day for day in days if kinds(day) == kinds(0)]


def same_weekday(days: Iterable[int]) -> list[int]:
    """Those of some days before that are of this weekday."""
    return [day for day in days if day % 7 == 0]


def _flat(pairs: Iterable[tuple[int, int]]) -> list[int]:
    return [moment for pair in pairs for moment in pair]
