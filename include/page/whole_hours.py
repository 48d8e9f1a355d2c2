"""Sums over a long interval: of a past day, Druid reads the sums of its hours instead of its rows.

Such sums exist for whole hours only, so the rest before and after them is a query of its own.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from include.druid.client import DruidClient
from include.druid.projections import USE_PROJECTIONS
from include.page.events import Rows
from include.page.filters import Interval, floor_local

_HOUR: Final = timedelta(hours=1)

_LONG: Final = timedelta(days=1)
"""An interval up to this length is one query: most of it is not compacted yet."""


def sums(
    druid: DruidClient, query: str, interval: Interval, values: Sequence[Any], *, timeout: float
) -> Rows:
    """Return the rows of a query of counts and sums: a group may have one row for each part.

    The query's first parameters are the interval's; `values` follow.

    Raises as `DruidClient.sql`.
    """
    return [
        row
        for part, context in parts(interval)
        for row in druid.sql(query, [*part.parameters, *values], timeout=timeout, context=context)
    ]


def parts(interval: Interval) -> list[tuple[Interval, Mapping[str, object] | None]]:
    """Split a long interval into its whole hours and the rest; return the query context of each."""
    start, end = interval.start, interval.end
    if end - start <= _LONG:
        return [(interval, None)]
    first, last = floor_local(start + _HOUR - timedelta.resolution, _HOUR), floor_local(end, _HOUR)
    found = [
        (Interval(start, first), None),
        (Interval(first, last), USE_PROJECTIONS),
        (Interval(last, end), None),
    ]
    return [(part, context) for part, context in found if part.start < part.end]
