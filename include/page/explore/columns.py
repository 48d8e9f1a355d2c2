"""A dimension as a column of a query of «Explorar», and as an axis of its answer.

The SQL consists of constants of this module and of `split`; a viewer's text is only ever a
parameter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from include.druid.queries import read_query
from include.page.explore.split import MEASURES, Dimension, Kind, Split
from include.page.filters import Filters, Interval, floor_local
from include.sales.local_time import HOUR_MS, UTC_OFFSET_HOURS, epoch_ms

_SQL: Final = Path(__file__).parents[1] / "sql" / "explore" / "split.sql"
_LOCAL_HOUR = f"(TIMESTAMP_TO_MILLIS(__time) / {HOUR_MS} + ({UTC_OFFSET_HOURS}))"
_CYCLES: Final[Mapping[Kind, tuple[str, int]]] = {
    "hour": (f"MOD({_LOCAL_HOUR}, 24)", 24),
    # 0 is a Monday; the epoch began on a Thursday.
    "weekday": (f"MOD({_LOCAL_HOUR} / 24 + 3, 7)", 7),
}
"""SQL and number of values of each cycle."""

_REST = "\x00"
"""Druid's value for all values of a large dimension that are not shown."""


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
        kept: the values that Druid does not sum up; None if it sums up none.
        known: number of all values, if Druid sums up some.
    """

    dimension: Dimension
    step: timedelta
    origin: datetime
    points: int
    kept: Sequence[str] | None = None
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

    def sql(self) -> tuple[str, list[str]]:
        """Return the column's SQL and its parameters."""
        column = self.dimension.column
        if self.dimension.kind == "moment":
            step = round(self.step.total_seconds() * 1000)
            return f"(TIMESTAMP_TO_MILLIS(__time) - {epoch_ms(self.origin)}) / {step}", []
        if self.dimension.kind in _CYCLES:
            return _CYCLES[self.dimension.kind][0], []
        if not self.kept:
            return column, []
        places = ", ".join("?" * len(self.kept))
        case = f"CASE WHEN {column} IN ({places}) OR {column} IS NULL THEN {column} ELSE ? END"
        return case, [*self.kept, _REST]

    def axis(self, name: str, found: Sequence[Any], most: int) -> Axis:
        """Return the axis; `found` are the column's values, the largest first."""
        kind = self.dimension.kind
        if kind == "moment":
            starts = [self.origin + n * self.step for n in range(self.points)]
            return Axis(name, kind, [epoch_ms(start) for start in starts])
        if kind in _CYCLES:
            return Axis(name, kind, [*range(_CYCLES[kind][1])])
        values = [value for value in found if value != _REST][:most]
        if kind == "number":
            values.sort(key=lambda value: (value is None, value))
        # Values that only the range before has may be the whole rest.
        rest = max((self.known or len(found)) - len(values), int(_REST in found))
        return Axis(name, kind, values, rest)


def query(
    datasource: str, split: Split, columns: Sequence[Column], interval: Interval
) -> tuple[str, list[Any]]:
    """Return the SQL of a split for an interval, and its parameters; the columns are k0 and k1."""
    measure = MEASURES[split.measure]
    where, values = split.filters.where()
    parts = [column.sql() for column in columns]
    words = {
        "keys": ", ".join(f"{sql} AS k{n}" for n, (sql, _) in enumerate(parts)),
        "column": measure.column,
        "states": ", ".join(f"'{state}'" for state in measure.states),
        "where": where,
        "places": ", ".join(str(n + 1) for n in range(len(columns) + 1)),
    }
    text = read_query(_SQL, datasource)
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    kept = [value for _, parameters in parts for value in parameters]
    return text, [*kept, *interval.parameters, *values]
