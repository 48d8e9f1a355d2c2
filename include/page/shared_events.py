"""The events of some hours, read once for all viewers, whatever their filters.

An hour that has ended is read again only if its number of events has changed: one query a minute
counts the events of all hours. The hour that runs is read once a minute, up to a minute ago, and
the rest at each moment of a look. So a late event is seen within a minute.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, TypeVar

from include.druid.client import DruidError
from include.druid.projections import USE_PROJECTIONS
from include.page.events import Codes, Events, Rows, join
from include.page.filters import Interval, floor_local
from include.page.once import Once, done
from include.page.outage_errors import OF_ALL
from include.page.whole_hours import Part

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_EVENTS: Final = 80_000
"""Most events of an interval that is read; Druid sums an interval with more for each viewer."""

MOST_AT_ONCE: Final = 20_000
"""Most events of a query, in the mean of an hour: larger answers would stop the process's other
threads for long while they are decoded."""

HOURS: Final = 28 * 24 + 4
"""Number of hours before the hour that runs which are counted, and may be read: those that the
findings compare begin 28 days and 3 hours ago."""

KEPT_HOURS: Final = 120
"""Most hours whose events are kept: 49 for the ranges, and 10 times 4 for the findings."""

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)

Parts = Sequence["Future[Events | None]"]

Run = Callable[[str, Part], Rows]
"""Run a query: `hours`, `events` or, without the columns of the list, `counted`."""


class SharedEvents:
    """Events in memory, by hour; one object serves all threads."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes
        self._counts: Once[dict[datetime, int]] = Once(2)
        self._hours: Once[Events | None] = Once(KEPT_HOURS)
        # The hour that runs is in two parts, of which the looks that still wait have several ends.
        self._running: Once[Events | None] = Once(12)
        self._joined: Once[Events] = Once(24)

    def read(
        self,
        intervals: Sequence[Interval],
        now: datetime,
        run: Run,
        executor: Executor,
        most: int | None = None,
    ) -> list[Events | None]:
        """Return all events of each interval; None if they are too many or too old, or unreadable.

        They are too many if the hours of the interval that have ended have `most` events or more,
        by default `MOST_EVENTS`.
        The rows of the events are kept for the hour that runs and the hour before it.

        Raises the errors that concern Druid as a whole.
        """
        since = floor_local(now, _MINUTE) - _MINUTE
        if (counts := self._counted(since, run, executor)) is None:
            return [None] * len(intervals)
        most = MOST_EVENTS if most is None else most
        asked = [self._ask(interval, now, counts, run, executor, most) for interval in intervals]
        return [
            self._join(interval, since, parts)
            for interval, parts in zip(intervals, asked, strict=True)
        ]

    def count(
        self, intervals: Sequence[Interval], now: datetime, run: Run, executor: Executor
    ) -> int | None:
        """Return the number of events of all hours that have ended and touch an interval.

        None if Druid cannot count them. Raises the errors that concern Druid as a whole.
        """
        since = floor_local(now, _MINUTE) - _MINUTE
        if (counts := self._counted(since, run, executor)) is None:
            return None
        hours = {hour for interval in intervals for hour in _ended(counts, interval)}
        return sum(counts[hour] for hour in hours)

    def _counted(self, since: datetime, run: Run, executor: Executor) -> dict[datetime, int] | None:
        return _tried(self._counts.ask(since, lambda: executor.submit(_counts, since, run)))

    def _ask(
        self,
        interval: Interval,
        now: datetime,
        counts: dict[datetime, int],
        run: Run,
        executor: Executor,
        most: int,
    ) -> Parts | None:
        """Begin to read the parts of an interval; return None if it is too old or too large."""
        since = floor_local(now, _MINUTE) - _MINUTE
        running = floor_local(since, _HOUR)
        hours = _ended(counts, interval)
        is_too_old = interval.start < running - HOURS * _HOUR
        if is_too_old or sum(counts[hour] for hour in hours) >= most:
            return None

        def ask(
            kept: "Once[Events | None]", name: str, part: Interval, count: int = 0
        ) -> "Future[Events | None]":
            return kept.ask(
                (name, part, count), lambda: executor.submit(self._read, name, part, count, run)
            )

        parts = []
        for hour in hours:
            name = "events" if hour >= running - _HOUR else "counted"
            parts.append(ask(self._hours, name, Interval(hour, hour + _HOUR), counts[hour]))
        if interval.end > running and since > running:
            parts.append(ask(self._running, "events", Interval(running, since)))
        if interval.end > since:
            parts.append(ask(self._running, "events", Interval(since, now)))
        return parts

    def _read(self, name: str, interval: Interval, count: int, run: Run) -> Events | None:
        """Read an interval with about `count` events; return None if one query has too many."""
        pieces, length = count // MOST_AT_ONCE + 1, interval.end - interval.start
        bounds = [interval.start + length * piece // pieces for piece in range(pieces + 1)]
        found = []
        for start, end in pairwise(bounds):
            rows = run(name, Part(Interval(start, end)))
            if len(rows) >= MOST_EVENTS:
                return None
            found.append(self._codes.encode(rows, listed=name == "events"))
        return join(self._codes, found)

    def _join(self, interval: Interval, since: datetime, parts: Parts | None) -> Events | None:
        if parts is None:
            return None
        found = []
        for part in parts:
            if (events := _tried(part)) is None:
                return None
            found.append(events)
        joined = self._joined.ask(
            (interval, since),
            lambda: done(join(self._codes, found).between(*interval.parameters)),
        )
        return joined.result()


def _ended(counts: dict[datetime, int], interval: Interval) -> list[datetime]:
    """Return the counted hours that an interval touches."""
    first = floor_local(interval.start, _HOUR)
    return [hour for hour in counts if first <= hour < interval.end]


def _counts(since: datetime, run: Run) -> dict[datetime, int]:
    """Return the number of events of each hour that has ended, in order; none of empty hours."""
    running = floor_local(since, _HOUR)
    rows = run("hours", Part(Interval(running - HOURS * _HOUR, running), USE_PROJECTIONS))
    return dict(sorted((datetime.fromisoformat(row["moment"]), row["events"]) for row in rows))


def _tried(answer: "Future[T]") -> T | None:
    """Return an answer; None, with a log entry, if events cannot be read one by one.

    Raises the errors that concern Druid as a whole.
    """
    try:
        return answer.result()
    except OF_ALL:
        raise
    except Exception as error:
        text = "The events cannot be read one by one, so Druid sums them: %s"
        log.warning(text, error, exc_info=not isinstance(error, DruidError))
        return None
