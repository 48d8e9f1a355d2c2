"""The stores' local time, UTC−3 all year, counted in whole hours.

Hour 0 is the first of 1970, so a moment's hour is a division and a day is 24 hours.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeVar

from include.sales.calendar_tables import DIAS
from include.sales.draws import Ints

Moments = TypeVar("Moments", int, Ints)
"""One, or a column of them."""

HOUR_MS: Final = 3_600_000
UTC_OFFSET_HOURS: Final = -3
"""America/Argentina/Buenos_Aires has had no summer time since 2009 (IANA tz database)."""

_EPOCH = date(1970, 1, 1)


def hours_of(ts: Moments) -> Moments:
    """Local hour of a moment in epoch milliseconds, UTC, or of a column of them."""
    return ts // HOUR_MS + UTC_OFFSET_HOURS


def epoch_ms(moment: datetime) -> int:
    """Epoch milliseconds of a moment, cut as the event's `ts` is."""
    if moment.tzinfo is None:
        raise ValueError(f"a moment needs a time zone, and {moment!r} has none")
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def moment_of(milliseconds: int) -> datetime:
    """The moment, in UTC, of epoch milliseconds."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def midnight(day: date) -> datetime:
    """When a local day begins, in UTC."""
    return datetime(day.year, day.month, day.day, -UTC_OFFSET_HOURS, tzinfo=UTC)


def day_of(hour: int) -> date:
    """Local day of a local hour."""
    return _EPOCH + timedelta(days=hour // 24)


def first_hour(day: date) -> int:
    """First local hour of a local day."""
    return (day - _EPOCH).days * 24


def dia_index(day: date) -> int:
    """Position in `DIAS` of a day."""
    return max(day.weekday() - (len(DIAS) + 1), 0)
