"""Sums over a long interval: of a past day, Druid reads the sums of its hours instead of its rows.

Such sums exist for whole hours only, so the rest before and after them is a query of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

from include.druid.client import DruidClient
from include.druid.projections import USE_PROJECTIONS
from include.page.events import Rows
from include.page.filters import Interval, floor_local

_HOUR: Final = timedelta(hours=1)

_LONG: Final = timedelta(days=1)
"""An interval up to this length is one part: most of it is not compacted yet."""


class Part(NamedTuple):
    """A part of an interval, and the query context of its sums."""

    interval: Interval
    context: Mapping[str, object] | None = None

    def ask(self, druid: DruidClient, query: str, values: Sequence[Any], *, timeout: float) -> Rows:
        """Return the rows of a query whose first parameters are the part's; `values` follow.

        Raises as `DruidClient.sql`.
        """
        parameters = [*self.interval.parameters, *values]
        return druid.sql(query, parameters, timeout=timeout, context=self.context)


def parts(interval: Interval, longest: timedelta = _LONG) -> list[Part]:
    """Split an interval above `longest` into its whole hours and the rest."""
    start, end = interval.start, interval.end
    if end - start <= longest:
        return [Part(interval)]
    first, last = floor_local(start + _HOUR - timedelta.resolution, _HOUR), floor_local(end, _HOUR)
    found = [
        Part(Interval(start, first)),
        Part(Interval(first, last), USE_PROJECTIONS),
        Part(Interval(last, end)),
    ]
    return [part for part in found if part.interval.start < part.interval.end]


def period(step: timedelta) -> str:
    """Return the ISO period of Druid's `TIME_FLOOR` for points of a length: at most an hour.

    Longer points are local days, which the page adds up from hours.
    """
    minutes = min(step, _HOUR) // timedelta(minutes=1)
    return f"PT{minutes}M" if minutes < 60 else "PT1H"
