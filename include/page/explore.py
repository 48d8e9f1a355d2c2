"""The view «Explorar»: one measure of the sales, split by one or two dimensions.

`MEASURES` and `DIMENSIONS` are all that a viewer may ask for, by their names in the address. The
SQL consists of their constants; a viewer's text is only ever a parameter.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar

from include.druid.client import DruidClient
from include.druid.queries import read_query
from include.page.clean_values import clean_rows
from include.page.events import Rows
from include.page.filters import COLUMNS, Filters, Interval, floor_local, parse_filters
from include.page.measures import Measures, measures_by, within_64_bits
from include.sales.event import Estado
from include.sales.local_time import HOUR_MS, UTC_OFFSET_HOURS, epoch_ms
from include.texts import InputError

Unit = Literal["count", "money", "share"]
Kind = Literal["value", "number", "moment", "hour", "weekday"]

Of = TypeVar("Of")
By = TypeVar("By")
Sums = Mapping[Of, Measures]
"""Measures by the values of one or two dimensions."""


class Measure(NamedTuple):
    """A measure of the sales.

    Attributes:
        unit: how the page writes it; money is in centavos.
        states: states of the events that it needs.
        value: its value; None if there is none.
        base: number of sales that the value is a mean of; None for a sum.
        column: Druid's column that is summed, as `revenue_centavos` of the approved sales.
    """

    unit: Unit
    states: tuple[Estado, ...]
    value: Callable[[Measures], float | None]
    base: Callable[[Measures], int] | None = None
    column: str = "importe_centavos"


def _summed(of: Measures) -> int:
    return of.revenue_centavos


MEASURES: Final[Mapping[str, Measure]] = {
    "ventas": Measure("count", ("pendiente",), lambda of: of.sales),
    "facturacion": Measure("money", ("aprobada",), _summed),
    "ticket": Measure(
        "money", ("aprobada",), lambda of: of.ticket_centavos, lambda of: of.approved
    ),
    "aprobacion": Measure(
        "share", ("aprobada", "rechazada"), lambda of: of.approval, lambda of: of.decided
    ),
    "descuento": Measure("money", ("aprobada",), _summed, column="descuento_centavos"),
    "unidades": Measure("count", ("aprobada",), _summed, column="cantidad"),
    "devoluciones": Measure("count", ("reembolsada", "contracargo"), lambda of: of.returns),
}


class Dimension(NamedTuple):
    """A dimension of the sales: a column's values, points in time, or hours or days of the week.

    Attributes:
        kind: values are shown in the order of their sales, all others in their own.
        column: Druid's column of values.
        step: length of a point in time; None for that of the range's charts.
        is_large: whether Druid sums up its smaller values if there are two splits.
    """

    kind: Kind
    column: str = ""
    step: timedelta | None = None
    is_large: bool = False


_LARGE: Final = ("sucursal", "ciudad", "producto")

DIMENSIONS: Final[Mapping[str, Dimension]] = {
    "tiempo": Dimension("moment"),
    "hora": Dimension("moment", step=timedelta(hours=1)),
    "dia": Dimension("moment", step=timedelta(days=1)),
    "hora_del_dia": Dimension("hour"),
    "dia_de_semana": Dimension("weekday"),
    **{
        name: Dimension("value", column, is_large=name in _LARGE)
        for name, column in {**COLUMNS, "ciudad": "ciudad"}.items()
    },
    "cuotas": Dimension("number", "cuotas"),
}

AGAINST: Final = ("anterior", "semana")
"""What a range may be compared with: the range before, or the same weekdays before."""

DEFAULT_MEASURE: Final = "facturacion"
DEFAULT_DIMENSION: Final = "categoria"

MOST: Final = (25, 10)
"""Most values of the first and of the second split; the rest is summed up."""

TIMEOUT: Final = 10.0
"""Seconds that Druid may take for one of the queries."""

_NAMES: Final = ("medida", "por", "y", "contra")
_MOMENTS: Final = [name for name, its in DIMENSIONS.items() if its.kind == "moment"]
_SQL: Final = Path(__file__).with_name("sql") / "explore" / "split.sql"
_WEEK = timedelta(days=7)
_LOCAL_HOUR = f"(TIMESTAMP_TO_MILLIS(__time) / {HOUR_MS} + ({UTC_OFFSET_HOURS}))"
_CYCLES: Final[Mapping[Kind, tuple[str, int]]] = {
    "hour": (f"MOD({_LOCAL_HOUR}, 24)", 24),
    # 0 is a Monday; the epoch began on a Thursday.
    "weekday": (f"MOD({_LOCAL_HOUR} / 24 + 3, 7)", 7),
}
"""SQL and number of values of each cycle."""

_REST = "\x00"
"""Druid's value for all values of a large dimension that are not shown."""


@dataclass(frozen=True)
class Split:
    """What a viewer asks for; names are keys of `MEASURES` and `DIMENSIONS`, or in `AGAINST`."""

    filters: Filters
    measure: str = DEFAULT_MEASURE
    by: tuple[str, ...] = (DEFAULT_DIMENSION,)
    against: str = ""

    @property
    def shift(self) -> timedelta | None:
        """How much earlier the range to compare with is; whole weeks for the same weekdays."""
        length = self.filters.range.length
        if self.against == "semana":
            return -(-length // _WEEK) * _WEEK
        return length if self.against else None


class Cell(NamedTuple):
    """A value, the number of sales that it is a mean of, and the value in the range before.

    None: there is no value, it is a sum, or nothing is compared.
    """

    value: float | None
    base: int | None
    before: float | None


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


def parse_split(parameters: Mapping[str, str]) -> Split:
    """Read the parameters of a URL: `medida`, `por`, `y`, `contra`, and those of `parse_filters`.

    Raises:
        InputError: a parameter is unknown or has an invalid value.
    """
    measure, first, second, against = (parameters.get(name, "") for name in _NAMES)
    by = (first or DEFAULT_DIMENSION, *filter(None, [second]))
    given = [("measure", measure, MEASURES), ("against", against, AGAINST)]
    for key, name, known in [*given, *(("dimension", name, DIMENSIONS) for name in by)]:
        if name and name not in known:
            told = {"name": repr(name[:40]), "known": ", ".join(known)}
            raise InputError(f"page_refusal.explore.{key}", **told)
    if len({*by}) < len(by):
        raise InputError("page_refusal.explore.twice", name=repr(second))
    if second and {*by} <= {*_MOMENTS}:
        raise InputError("page_refusal.explore.moments", known=", ".join(_MOMENTS))
    others = {name: value for name, value in parameters.items() if name not in _NAMES}
    return Split(parse_filters(others), measure or DEFAULT_MEASURE, by, against)


def explore(
    druid: DruidClient, datasource: str, split: Split, now: datetime, executor: Executor
) -> dict[str, Any]:
    """Return the split, ready for JSON: money in centavos, moments in epoch milliseconds.

    `cells` has a row for each value of the first of `axes`, with a cell for each value of the
    second one, or with one cell. `rows`, `columns` and `total` are the cells of their sums. The
    queries run in parallel on `executor`.

    Raises:
        DatasourceMissingError: nothing was ingested yet.
        DruidError: Druid does not answer, is too slow, or refuses the query.
    """
    measure = MEASURES[split.measure]
    current = split.filters.interval(now)
    shift = split.shift
    before = current.shifted(-shift).to_the_minute() if shift else None

    def ask(keys: Sequence[_Key], interval: Interval) -> "Future[Rows]":
        sql, parameters = _query(datasource, split, keys, interval)
        return executor.submit(lambda: clean_rows(druid.sql(sql, parameters, timeout=TIMEOUT)))

    keys = [_Key.of(DIMENSIONS[name], split.filters, current) for name in split.by]
    if len(keys) > 1:
        alone = [ask([key], current) if key.dimension.is_large else None for key in keys]
        keys = [
            key.keeping(_largest(_one(_sums(rows.result(), 1), 0), {}, measure), most)
            if rows
            else key
            for key, rows, most in zip(keys, alone, MOST, strict=True)
        ]
    asked = ask(keys, current)
    asked_before = ask([key.earlier(shift) for key in keys], before) if shift and before else None
    sums = _sums(asked.result(), len(keys))
    sums_before = _sums(asked_before.result(), len(keys)) if asked_before else {}
    axes = [
        key.axis(name, _largest(_one(sums, n), _one(sums_before, n), measure), most)
        for n, (name, key, most) in enumerate(zip(split.by, keys, MOST, strict=False))
    ]
    return {
        "start": current.parameters[0],
        "end": current.parameters[1],
        "before": before.parameters if before else None,
        "unit": measure.unit,
        "axes": [axis._asdict() for axis in axes],
        **_cells(measure, axes, sums, sums_before if asked_before else None),
    }


@dataclass(frozen=True)
class _Key:
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
    def of(cls, dimension: Dimension, chosen: Filters, interval: Interval) -> "_Key":
        step = dimension.step or chosen.range.bucket
        origin = floor_local(interval.start, step)
        return cls(dimension, step, origin, -((origin - interval.end) // step))

    def keeping(self, names: Sequence[Any], most: int) -> "_Key":
        """Return a column in which Druid sums up all values but the first `most` names."""
        kept = [name for name in names[:most] if name is not None]
        return replace(self, kept=kept, known=len(names))

    def earlier(self, shift: timedelta) -> "_Key":
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


def _query(
    datasource: str, split: Split, keys: Sequence[_Key], interval: Interval
) -> tuple[str, list[Any]]:
    measure = MEASURES[split.measure]
    where, values = split.filters.where()
    columns = [key.sql() for key in keys]
    words = {
        "keys": ", ".join(f"{sql} AS k{n}" for n, (sql, _) in enumerate(columns)),
        "column": measure.column,
        "states": ", ".join(f"'{state}'" for state in measure.states),
        "where": where,
        "places": ", ".join(str(n + 1) for n in range(len(keys) + 1)),
    }
    text = read_query(_SQL, datasource)
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    kept = [value for _, parameters in columns for value in parameters]
    return text, [*kept, *interval.parameters, *values]


def _sums(rows: Rows, keys: int) -> Sums[tuple[Any, ...]]:
    columns = [f"k{n}" for n in range(keys)]
    return measures_by(rows, lambda row: tuple(row[column] for column in columns))


def _one(sums: Sums[tuple[Any, ...]], place: int) -> Sums[Any]:
    return _added(sums, lambda key: key[place])


def _added(sums: Sums[Of], key: Callable[[Of], By]) -> Sums[By]:
    """Add up the measures whose keys have the same `key`."""
    groups: dict[By, list[Measures]] = defaultdict(list)
    for name, measures in sums.items():
        groups[key(name)].append(measures)
    return {name: _total(found) for name, found in groups.items()}


def _total(found: Sequence[Measures]) -> Measures:
    if len(found) == 1:
        return found[0]
    return Measures(*(within_64_bits(sum(column)) for column in zip(*found, strict=True)))


def _largest(sums: Sums[Any], before: Sums[Any], measure: Measure) -> list[Any]:
    """Return the values, the largest first; of a mean, those with the most sales first."""
    weight = measure.base or measure.value

    def place(name: Any) -> tuple[float, float, str]:
        now, then = (weight(of.get(name, Measures())) or 0 for of in (sums, before))
        return -now, -then, str(name)

    return sorted({**sums, **before}, key=place)


def _numbers(axis: Axis) -> dict[Any, int]:
    """Return the place of each value that Druid gives; it numbers points and cycles from 0."""
    is_listed = axis.kind in ("value", "number")
    values = axis.values if is_listed else range(len(axis.values))
    return {value: number for number, value in enumerate(values)}


def _cells(
    measure: Measure,
    axes: Sequence[Axis],
    sums: Sums[tuple[Any, ...]],
    before: Sums[tuple[Any, ...]] | None,
) -> dict[str, Any]:
    """Return `cells`, `rows`, `columns` and `total` of the answer."""
    numbers = [_numbers(axis) for axis in axes]

    def place(key: tuple[Any, ...]) -> tuple[int, ...]:
        return tuple(
            known.get(value, len(known)) for value, known in zip(key, numbers, strict=True)
        )

    now, then = _added(sums, place), _added(before or {}, place)

    def cells(part: slice) -> Callable[[tuple[int, ...]], Cell]:
        of_now, of_then = (_added(found, lambda key: key[part]) for found in (now, then))

        def cell(name: tuple[int, ...]) -> Cell:
            found, earlier = (of.get(name, Measures()) for of in (of_now, of_then))
            base = measure.base(found) if measure.base else None
            compared = None if before is None else measure.value(earlier)
            return Cell(measure.value(found), base, compared)

        return cell

    firsts, *others = ([(n,) for n in range(len(it.values) + bool(it.rest))] for it in axes)
    seconds: list[tuple[int, ...]] = [*others[0]] if others else [()]
    one, row, column, every = (
        cells(part) for part in (slice(None), slice(1), slice(1, None), slice(0))
    )
    return {
        "cells": [[one(first + second) for second in seconds] for first in firsts],
        "rows": [row(first) for first in firsts],
        "columns": [column(second) for second in seconds],
        "total": every(()),
    }
