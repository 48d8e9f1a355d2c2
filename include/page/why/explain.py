"""Answer «¿Por qué cambió?»: what changed the key figures between two ranges."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Final

from include.druid.client import DruidClient
from include.druid.queries import read_query
from include.page.clean_values import clean_rows
from include.page.events import Rows
from include.page.filters import COLUMNS, Filters, Interval, floor_local
from include.page.findings.report import Asked
from include.page.why.causes import Cause, causes
from include.page.why.effects import split, whole
from include.page.why.figures import FIGURES, Column, Effect, Figure, Name
from include.page.why.tables import DIMENSIONS, GROUPS, PERIODS, Sums, tabulate, totals
from include.texts import InputError

TIMEOUT: Final = 10.0
"""Seconds that Druid may take for one of the queries."""

MOST: Final = 0.5
"""Least part of the change that a cause must explain to be its reason."""

_SQL: Final = Path(__file__).parents[1] / "sql" / "why" / "sums.sql"
_DAY: Final = timedelta(days=1)

ComputeEach = Callable[[Callable[[str], Rows], Iterable[str]], Iterable[Rows]]
"""The function `map`, or that of an executor."""


@dataclass(frozen=True)
class Split:
    """The effects on a figure by the values of a dimension; they sum to the figure's change."""

    dimension: tuple[str, ...]
    effects: dict[Effect, float]


@dataclass(frozen=True)
class Explained:
    """A figure and what changed it; money in centavos.

    Attributes:
        now: the figure; None if it is not defined.
        before: as `now`, of the earlier range. Without sales there, nothing is explained.
        counted: the sum that ``volume`` and ``mix`` are about.
        reason: ``cause`` if the first cause explains most of the change, otherwise the largest
            effect in the change's direction, "" without a change.
        splits: by dimension; that of the first cause comes first.
        causes: the largest first.
    """

    now: float | None
    before: float | None
    counted: Column
    reason: str
    splits: list[Split]
    causes: list[Cause]


@dataclass(frozen=True)
class Explanation:
    """Causes of the change of the key figures.

    Attributes:
        now: start and end of the range, epoch milliseconds.
        before: as `now`, of the earlier range.
        comparisons: the names of the earlier ranges that the range can be compared with.
        figures: by name.
        queries: the queries that show the numbers of a dimension or of a cause, by `key_of`.
    """

    now: list[int]
    before: list[int]
    comparisons: list[str]
    figures: dict[Name, Explained]
    queries: dict[str, Asked]


def comparisons(filters: Filters) -> dict[str, timedelta]:
    """Return the time between the two ranges, by name of the comparison."""
    kind = filters.range
    return {
        "before": kind.length,
        **({"yesterday": _DAY} if kind.day_before else {}),
        **({"week": 7 * _DAY} if kind.length < 7 * _DAY else {}),
    }


def explain(
    druid: DruidClient,
    datasource: str,
    filters: Filters,
    against: str,
    now: datetime,
    compute_each: ComputeEach,
) -> Explanation:
    """Explain the figures of the range that the filters select; it ends with a whole minute.

    Raises:
        InputError: the range has no such comparison.
        DatasourceMissingError: nothing was ingested yet.
        DruidError: Druid does not answer, is too slow, or refuses a query.
    """
    known = comparisons(filters)
    if against not in known:
        values = {"name": repr(against), "known": ", ".join(known)}
        raise InputError("page_refusal.filter.against", **values)
    current = filters.interval(floor_local(now, timedelta(minutes=1)))
    earlier = current.shifted(-known[against])

    def query(names: Iterable[str], subject: Mapping[str, str] = MappingProxyType({})) -> Asked:
        narrowed = replace(filters, values=(*filters.values, *subject.items()))
        return query_of(datasource, narrowed, current, earlier, names)

    def rows_of(group: str) -> Rows:
        asked = query(GROUPS[group])
        return clean_rows(druid.sql(asked.sql, asked.parameters, timeout=TIMEOUT))

    rows = dict(zip(GROUPS, compute_each(rows_of, GROUPS), strict=True))
    groups = {group: tabulate(found, group) for group, found in rows.items()}
    sides = [totals(rows["platforms"], period) for period in PERIODS]
    figures = {name: _explained(figure, groups, *sides) for name, figure in FIGURES.items()}
    subjects = [it.subject for explained in figures.values() for it in explained.causes]
    return Explanation(
        current.parameters,
        earlier.parameters,
        [*known],
        figures,
        {
            **{key_of(dict.fromkeys(names, "")): query(names) for names in DIMENSIONS},
            **{key_of(subject): query(subject, subject) for subject in subjects},
        },
    )


def key_of(subject: Mapping[str, str]) -> str:
    """Return the key of a query: filters with their values, which are "" for a dimension."""
    return "&".join(f"{name}={value}" for name, value in subject.items())


def query_of(
    datasource: str, filters: Filters, current: Interval, earlier: Interval, names: Iterable[str]
) -> Asked:
    """Return the query of the sums by the columns of some filters."""
    where, values = filters.where()
    columns = ", ".join(COLUMNS[name] for name in names)
    text = read_query(_SQL, datasource).replace("{where}", where).replace("{columns}", columns)
    return Asked(text, [*(current.parameters + earlier.parameters) * 2, *values])


def _explained(
    figure: Figure,
    groups: Mapping[str, Sums],
    sums: Mapping[Column, int],
    sums_before: Mapping[Column, int],
) -> Explained:
    first = figure.columns[0]
    now, before = figure.value(sums), figure.value(sums_before)
    if now is None or before is None or not sums_before[first]:
        return Explained(now, before, first, "", [], [])
    change = now - before
    found = causes(figure, groups, before)
    shown = tuple(found[0].subject) if found else ("producto",)
    splits = [
        Split(dimension, _effects(figure, dimension, groups, change))
        for dimension in sorted(DIMENSIONS, key=lambda dimension: dimension != shown)
    ]
    return Explained(now, before, first, _reason(change, splits[0], found), splits, found)


def _effects(
    figure: Figure, dimension: tuple[str, ...], groups: Mapping[str, Sums], change: float
) -> dict[Effect, float]:
    if not figure.rates:
        return {"volume": change}
    sums = groups[DIMENSIONS[dimension]]
    now, before = sums.chain(figure.columns) @ sums.by(dimension)[1].T
    effects = split(now, before, is_ratio=figure.is_ratio)
    parts = effects.tolist() if figure.is_ratio else whole(effects, int(change))
    return dict(zip(figure.effects, parts, strict=True))


def _reason(change: float, shown: Split, found: list[Cause]) -> str:
    if not change:
        return ""
    if found and found[0].contribution / change >= MOST:
        return "cause"
    return max(shown.effects, key=lambda effect: shown.effects[effect] / change)
