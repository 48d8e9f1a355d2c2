"""The events of some hours, read once for all viewers, whatever their filters.

An hour that has ended is read again only if its number of events has changed: one query a minute
counts the events of all hours. The hour that runs is read once a minute, up to a minute ago, and
the rest at each look. So a late event is seen within a minute.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta
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

HOURS: Final = 28 * 24 + 4
"""Number of hours before the hour that runs which are counted, and may be read: those that the
findings compare begin 28 days and 3 hours ago."""

KEPT_HOURS: Final = 120
"""Most hours whose events are kept: 49 for the ranges, and 10 times 4 for the findings."""

_SECOND: Final = timedelta(seconds=1)
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
        # The hour that runs is in two parts. The ranges round the end to different seconds.
        self._running: Once[Events | None] = Once(6)
        self._joined: Once[Events] = Once(24)

    def read(
        self, intervals: Sequence[Interval], now: datetime, run: Run, executor: Executor
    ) -> list[Events | None]:
        """Return all events of each interval; None if they are too many or too old, or unreadable.

        The rows of the events are kept for the hour that runs and the hour before it.

        Raises the errors that concern Druid as a whole.
        """
        since = floor_local(now, _MINUTE) - _MINUTE
        counted = self._counts.ask(since, lambda: executor.submit(_counts, since, run))
        if (counts := _tried(counted)) is None:
            return [None] * len(intervals)
        moment = floor_local(now, _SECOND)
        asked = [self._ask(interval, moment, counts, run, executor) for interval in intervals]
        return [
            self._join(interval, since, parts)
            for interval, parts in zip(intervals, asked, strict=True)
        ]

    def _ask(
        self,
        interval: Interval,
        now: datetime,
        counts: dict[datetime, int],
        run: Run,
        executor: Executor,
    ) -> Parts | None:
        """Begin to read the parts of an interval; return None if it is too old or too large."""
        since = floor_local(now, _MINUTE) - _MINUTE
        running = floor_local(since, _HOUR)
        first = floor_local(interval.start, _HOUR)
        ended = min(interval.end, running)
        hours = [hour for hour in counts if first <= hour < ended]
        if first < running - HOURS * _HOUR or sum(counts[hour] for hour in hours) >= MOST_EVENTS:
            return None

        def ask(
            kept: "Once[Events | None]", name: str, part: Interval, count: int | None = None
        ) -> "Future[Events | None]":
            return kept.ask(
                (name, part, count), lambda: executor.submit(self._read, name, part, run)
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

    def _read(self, name: str, interval: Interval, run: Run) -> Events | None:
        rows = run(name, Part(interval))
        if len(rows) >= MOST_EVENTS:
            return None
        return self._codes.encode(rows, listed=name == "events")

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
