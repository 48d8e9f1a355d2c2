"""Simulation windows: find the window that contains a moment, or the next one.

Opening and closing hours are wall-clock times of the stores' time zone; results are in UTC.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

EVERY_DAY: Final = tuple(range(7))

Window = tuple[datetime, datetime]
"""Start and end, in UTC; the end is not part of it."""


class SimulationWindow:
    """The hours and weekdays in which the stores sell."""

    def __init__(
        self,
        opens: time = time(9),
        closes: time = time(21),
        weekdays: Iterable[int] = EVERY_DAY,
        timezone: str = "America/Argentina/Buenos_Aires",
    ) -> None:
        """Take local hours, weekdays as in `date.weekday` (0 is Monday) and an IANA zone.

        Raises `ValueError` for hours that do not end after they start on the same day, no or
        unknown weekdays, and an unknown zone.
        """
        if opens.tzinfo or closes.tzinfo:
            raise ValueError("store hours are local times: give them without a time zone")
        if not opens < closes:
            raise ValueError(
                f"stores must close later on the day on which they open, but they open at "
                f"{opens:%H:%M} and close at {closes:%H:%M}: past midnight, use two windows"
            )
        days = tuple(sorted(set(weekdays)))
        if not days or not set(days) <= set(EVERY_DAY):
            raise ValueError(f"weekdays must be numbers from 0 (Monday) to 6 (Sunday), not {days}")
        try:
            self._zone = ZoneInfo(timezone)
        except (KeyError, ValueError, OSError) as error:  # unknown, malformed, a folder of zones
            raise ValueError(f"no time zone has the name {timezone!r}: use an IANA name") from error
        self.opens = opens
        self.closes = closes
        self.weekdays = days
        self.timezone = timezone

    def containing(self, moment: datetime) -> Window | None:
        """Return the window that contains a moment, or None if stores are closed then."""
        window = self._on(self._local_day(moment))
        return window if window and window[0] <= moment < window[1] else None

    def current_or_next(self, moment: datetime) -> Window:
        """Return the window that contains a moment, or the next one if stores are closed then."""
        return self.containing(moment) or self.next_after(moment)

    def next_after(self, moment: datetime) -> Window:
        """Return the first window that starts after a moment (not at that moment)."""
        day = self._local_day(moment)
        while True:
            window = self._on(day)
            if window and window[0] > moment:
                return window
            day += timedelta(days=1)

    def _local_day(self, moment: datetime) -> date:
        if moment.tzinfo is None:
            raise ValueError(f"the moment needs a time zone, but {moment!r} has none")
        return moment.astimezone(self._zone).date()

    def _on(self, day: date) -> Window | None:
        """Return the window of a day, or None; a clock change may also remove a whole window."""
        if day.weekday() not in self.weekdays:
            return None
        start, end = (
            datetime.combine(day, at, tzinfo=self._zone).astimezone(UTC)
            for at in (self.opens, self.closes)
        )
        return (start, end) if start < end else None
