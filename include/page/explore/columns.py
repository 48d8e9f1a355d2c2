"""A dimension as a column of a query of «Explorar», and as an axis of its answer.

The SQL consists of constants of this module and of `split`; a viewer's text is only ever a
parameter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

from include.druid.queries import read_query
from include.page.explore.split import MEASURES, Dimension, Kind, Split
from include.page.filters import Filters, Interval, floor_local
from include.page.whole_hours import period
from include.sales.local_time import day_of, epoch_ms, hours_of

_SQL: Final = Path(__file__).parents[1] / "sql" / "explore" / "split.sql"
_HOUR = timedelta(hours=1)
_CYCLES: Final[Mapping[Kind, int]] = {"hour": 24, "weekday": 7}
"""Number of values of each cycle."""

_REST = "\x00"
"""Value of a row that sums up all values of a large dimension that are not shown."""


class Axis(NamedTuple):
    """The values of a split, in the order in which they are shown.

    Attributes:
        name: key in `DIMENSIONS`.
        values: epoch milliseconds of points in time; weekday 0 is a Monday; None is unknown.
        rest: number of values that are summed up in one more place at the end.
    """

    name: str
    kind: Kind
    values: Sequence[Any]
    rest: int = 0


@dataclass(frozen=True)
class Column:
    """A dimension as a column of a query.

    Attributes:
        step: length of a point in time.
        origin: start of the first point.
        points: number of points.
        kept: the values that Druid does not sum up; empty if it sums up none.
        known: number of all values, if Druid sums up some.
    """

    dimension: Dimension
    step: timedelta
    origin: datetime
    points: int
    kept: Sequence[str] = ()
    known: int = 0

    @classmethod
    def of(cls, dimension: Dimension, chosen: Filters, interval: Interval) -> "Column":
        step = dimension.step or chosen.range.bucket
        origin = floor_local(interval.start, step)
        return cls(dimension, step, origin, -((origin - interval.end) // step))

    def keeping(self, names: Sequence[Any], most: int) -> "Column":
        """Return a column in which Druid sums up all values but the first `most` names."""
        kept = [name for name in names[:most] if name is not None]
        return replace(self, kept=kept, known=len(names))

    def earlier(self, shift: timedelta) -> "Column":
        """Return the column for an interval that is so much earlier; it has the same points."""
        return replace(self, origin=self.origin - shift)

    def parts(self) -> "list[_Part]":
        """Return the column, or one part for the kept values and one for the sum of the rest.

        A CASE would do in one query, but Druid does not vectorize it. Times are grouped by hours
        at most, which are what Druid has stored sums of (`whole_hours`); `place` adds them up.
        """
        column = self.dimension.column
        if self.dimension.kind == "moment" or self.dimension.kind in _CYCLES:
            step = self.step if self.dimension.kind == "moment" else _HOUR
            return [_Part(f"TIMESTAMP_TO_MILLIS(TIME_FLOOR(__time, '{period(step)}'))")]
        if not self.kept:
            return [_Part(column)]
        is_kept = f"({column} IN ({', '.join('?' * len(self.kept))}) OR {column} IS NULL)"
        return [
            _Part(column, f" AND {is_kept}", self.kept),
            _Part("", f" AND NOT {is_kept}", self.kept),
        ]

    def place(self, value: Any) -> Any:
        """Return the number of the point or of the cycle's value at a time; another value as is."""
        if self.dimension.kind == "moment":
            return (value - epoch_ms(self.origin)) // round(self.step.total_seconds() * 1000)
        if self.dimension.kind == "hour":
            return hours_of(value) % 24
        if self.dimension.kind == "weekday":
            return day_of(hours_of(value)).weekday()
        return value

    def axis(self, name: str, found: Sequence[Any], most: int) -> Axis:
        """Return the axis; `found` are the column's values, the largest first."""
        kind = self.dimension.kind
        if kind == "moment":
            starts = [self.origin + n * self.step for n in range(self.points)]
            return Axis(name, kind, [epoch_ms(start) for start in starts])
        if kind in _CYCLES:
            return Axis(name, kind, [*range(_CYCLES[kind])])
        values = [value for value in found if value != _REST][:most]
        if kind == "number":
            values.sort(key=lambda value: (value is None, value))
        # Values that only the range before has may be the whole rest.
        rest = max((self.known or len(found)) - len(values), int(_REST in found))
        return Axis(name, kind, values, rest)


class _Part(NamedTuple):
    """A part of a column: its SQL, "" for the sum of the rest, and its condition with values."""

    sql: str
    where: str = ""
    values: Sequence[str] = ()


class Query(NamedTuple):
    """A query of a part of a split.

    Attributes:
        values: parameters after the interval's.
        rest: columns that the rows lack because they are sums of a rest.
    """

    sql: str
    values: list[str]
    rest: dict[str, str]


def queries(datasource: str, split: Split, columns: Sequence[Column]) -> list[Query]:
    """Return the queries of a split, which count each event once; the columns are k0 and k1."""
    measure = MEASURES[split.measure]
    where, values = split.filters.where()
    states = ", ".join(f"'{state}'" for state in measure.states)
    text = read_query(_SQL, datasource)
    found = []
    for parts in product(*(column.parts() for column in columns)):
        keys = [f"{part.sql} AS k{n}, " for n, part in enumerate(parts) if part.sql]
        words = {
            "keys": "".join(keys),
            "column": measure.column,
            "states": states,
            "where": where + "".join(part.where for part in parts),
            "places": ", ".join(str(n + 1) for n in range(len(keys) + 1)),
        }
        sql = text
        for word, value in words.items():
            sql = sql.replace(f"{{{word}}}", value)
        kept = [value for part in parts for value in part.values]
        rest = {f"k{n}": _REST for n, part in enumerate(parts) if not part.sql}
        found.append(Query(sql, [*values, *kept], rest))
    return found
