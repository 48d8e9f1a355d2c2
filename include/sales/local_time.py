"""The stores' local time, UTC−3 all year, counted in whole hours.

Hour 0 is the first local hour of 1970. So one division gives a moment's hour, and every day has 24
hours.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

from include.sales.calendar_tables import DIAS
from include.sales.random_numbers import Ints

Moments = TypeVar("Moments", int, Ints)
"""A moment in epoch milliseconds, or a column of them."""

HOUR_MS: Final = 3_600_000
UTC_OFFSET_HOURS: Final = -3
"""America/Argentina/Buenos_Aires has had no summer time since 2009 (IANA tz database)."""

_EPOCH = date(1970, 1, 1)


def hours_of(ts: Moments) -> Moments:
    """Return the local hour of a moment, or of a column of moments, in epoch milliseconds."""
    return ts // HOUR_MS + UTC_OFFSET_HOURS


def epoch_ms(moment: datetime) -> int:
    """Return the epoch milliseconds of a moment, cut (not rounded) as in an event's `ts`.

    Raises `ValueError` for a moment without time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"the moment needs a time zone, but {moment!r} has none")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def moment_of(milliseconds: int) -> datetime:
    """Return the moment of epoch milliseconds, in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def midnight(day: date) -> datetime:
    """Return the beginning of a local day, in UTC."""
    return datetime(day.year, day.month, day.day, -UTC_OFFSET_HOURS, tzinfo=UTC)


def day_of(hour: int) -> date:
    return _EPOCH + timedelta(days=hour // 24)


def first_hour(day: date) -> int:
    return (day - _EPOCH).days * 24


def dia_index(day: date) -> int:
    """Return the position in `DIAS` of a day's kind."""
    return max(day.weekday() - (len(DIAS) + 1), 0)
