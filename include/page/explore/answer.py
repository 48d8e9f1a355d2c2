"""The answer of «Explorar»: the sums of a split, and what they are compared with."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeVar

from include.druid.client import DruidClient
from include.page.clean_values import clean_rows
from include.page.events import Rows
from include.page.explore.columns import Axis, Column, queries
from include.page.explore.split import DIMENSIONS, MEASURES, Measure, Split
from include.page.filters import Interval
from include.page.measures import Measures, measures_by, total
from include.page.whole_hours import parts

Of = TypeVar("Of")
By = TypeVar("By")
Sums = Mapping[Of, Measures]
"""Measures by the values of one or two dimensions."""

MOST: Final = (25, 10)
"""Most values of the first and of the second split; the rest is summed up."""

TIMEOUT: Final = 10.0
"""Seconds that Druid may take for one of the queries."""


class Cell(NamedTuple):
    """A value, the number of sales that it is a mean of, and the value in the range before.

    None: there is no value, it is a sum, or nothing is compared.
    """

    value: float | None
    base: int | None
    before: float | None


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

    def ask(columns: Sequence[Column], interval: Interval) -> "Callable[[], Sums[tuple[Any, ...]]]":
        """Start the queries; return a function that waits for their rows and sums them."""
        answers = [
            (its.rest, executor.submit(part.ask, druid, its.sql, its.values, timeout=TIMEOUT))
            for its in queries(datasource, split, columns)
            for part in parts(interval)
        ]
        return lambda: _sums(
            [{**row, **rest} for rest, rows in answers for row in clean_rows(rows.result())],
            columns,
        )

    columns = [Column.of(DIMENSIONS[name], split.filters, current) for name in split.by]
    if len(columns) > 1:
        alone = [
            ask([column], current) if column.dimension.is_large else None for column in columns
        ]
        columns = [
            column.keeping(_largest(_one(alone_sums(), 0), {}, measure), most)
            if alone_sums
            else column
            for column, alone_sums, most in zip(columns, alone, MOST, strict=True)
        ]
    asked = ask(columns, current)
    asked_before = (
        ask([column.earlier(shift) for column in columns], before) if shift and before else None
    )
    sums = asked()
    sums_before = asked_before() if asked_before else {}
    axes = [
        column.axis(name, _largest(_one(sums, n), _one(sums_before, n), measure), most)
        for n, (name, column, most) in enumerate(zip(split.by, columns, MOST, strict=False))
    ]
    return {
        "start": current.parameters[0],
        "end": current.parameters[1],
        "before": before.parameters if before else None,
        "unit": measure.unit,
        "axes": [axis._asdict() for axis in axes],
        **_cells(measure, axes, sums, sums_before if asked_before else None),
    }


def _sums(rows: Rows, columns: Sequence[Column]) -> Sums[tuple[Any, ...]]:
    keys = [(f"k{n}", column.place) for n, column in enumerate(columns)]
    return measures_by(rows, lambda row: tuple(place(row[key]) for key, place in keys))


def _one(sums: Sums[tuple[Any, ...]], place: int) -> Sums[Any]:
    return _added(sums, lambda key: key[place])


def _added(sums: Sums[Of], key: Callable[[Of], By]) -> Sums[By]:
    """Add up the measures whose keys have the same `key`."""
    groups: dict[By, list[Measures]] = defaultdict(list)
    for name, measures in sums.items():
        groups[key(name)].append(measures)
    return {name: total(found) for name, found in groups.items()}


def _largest(sums: Sums[Any], before: Sums[Any], measure: Measure) -> list[Any]:
    """Return the values, the largest first; of a mean, those with the most sales first."""
    weight = measure.base or measure.value

    def place(name: Any) -> tuple[float, float, str]:
        now, then = (weight(of.get(name, Measures())) or 0 for of in (sums, before))
        return -now, -then, str(name)

    return sorted({**sums, **before}, key=place)


def _numbers(axis: Axis) -> dict[Any, int]:
    """Return the place of each value of `Column.place`, which numbers points and cycles from 0."""
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
