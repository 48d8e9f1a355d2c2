"""Look for unusual sales in Druid: five queries, each with a time-out."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from include.druid.client import DruidClient, DruidError, SqlTable
from include.druid.queries import read_query
from include.page.filters import Filters
from include.page.findings.judge import judge
from include.page.findings.report import Asked, Query, Report
from include.page.findings.tables import Columns
from include.page.findings.windows import goods_windows, payment_windows
from include.page.outage_errors import OF_ALL
from include.sales.local_time import epoch_ms

log = logging.getLogger(__name__)

TIMEOUT: Final = 20.0
"""Seconds that Druid may take for one of the queries."""

#: Query context: Druid answers the queries of the live page first, and keeps no segment's rows for
#: a later query, because each look has other moments.
_CONTEXT: Final[Mapping[str, object]] = {
    "priority": -1,
    "useCache": False,
    "populateCache": False,
}

_SQL: Final = Path(__file__).parents[1] / "sql" / "findings"
_WINDOW: Final = "__time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)"

Values = tuple[str, ...]
"""The values of a look's filters."""


def detect(druid: DruidClient, datasource: str, filters: Filters, now: datetime) -> Report:
    """Report what is unusual in the sales that the filters select, at the filters' end or now.

    If Druid refuses a query, because of a value that it cannot write, only the kinds that need this
    query are missing.

    Raises:
        DatasourceMissingError: nothing was ingested yet.
        DruidError: Druid does not answer, is too slow, or refuses every query.
    """
    end = filters.hasta or now
    asked_queries = queries(datasource, filters, end)
    rows: dict[Query, Columns] = {}
    refusal: DruidError | None = None
    for name, query in asked_queries.items():
        try:
            rows[name] = _columns(_ask(druid, query))
        except OF_ALL:
            raise
        except DruidError as error:
            log.warning("Druid refused the query %r of the findings: %s", name, error)
            refusal = error
    if refusal and not rows:
        raise refusal
    return replace(judge(rows, end), queries=asked_queries)


def detect_together(
    druid: DruidClient, datasource: str, looks: Sequence[Filters], now: datetime
) -> list[Report]:
    """Return the report of each look, as `detect` does, with five queries for all of them.

    Each query groups by the columns of the filters, too, so Druid reads and plans once for all
    looks. The looks have the same end, and filters with the same names but different values. A
    report's `queries` are those of `detect`, whose rows are the same.

    Raises:
        DruidError: Druid does not answer, is too slow, or refuses one of the queries.
    """
    end = looks[0].hasta or now
    shared = _queries(datasource, looks, end)
    rows = {name: _by_look(_ask(druid, query), looks) for name, query in shared.items()}
    return [
        replace(
            judge({name: found[place] for name, found in rows.items()}, end),
            queries=queries(datasource, look, end),
        )
        for place, look in enumerate(looks)
    ]


def queries(datasource: str, filters: Filters, end: datetime) -> dict[Query, Asked]:
    """Return the SQL and parameters of each query, for the moment `end` and the filters."""
    return _queries(datasource, [filters], end)


def _queries(datasource: str, looks: Sequence[Filters], end: datetime) -> dict[Query, Asked]:
    """Return the queries of one look, or of several looks whose filters have the same names."""
    where, values = looks[0].where()
    by = filtered = ""
    if len(looks) > 1:
        columns = [column for column, _ in looks[0].columns]
        choices = [list(dict.fromkeys(chosen)) for chosen in zip(*map(_values, looks), strict=True)]
        where = "".join(
            f" AND {column} IN ({', '.join('?' * len(chosen))})"
            for column, chosen in zip(columns, choices, strict=True)
        )
        values = [value for chosen in choices for value in chosen]
        by = "".join(f", filtro_{place}" for place in range(len(columns)))
        filtered = "".join(f", {it} AS filtro_{place}" for place, it in enumerate(columns))
    goods = goods_windows(end)
    found: dict[Query, Asked] = {}
    for name, file, column, ends, windows in (
        ("payments", "payments", "", 1, payment_windows(end)),
        # One query with GROUPING SETS costs 14 times as much: Druid first groups by all three.
        ("products", "products", "", 2, goods),
        ("stores", "places", "sucursal", 2, goods),
        ("categories", "categories", "", 2, goods),
        ("platforms", "places", "plataforma", 2, goods),
    ):
        either = "\n    OR ".join([f"({_WINDOW})"] * (len(windows) // 2))
        text = read_query(_SQL / f"{file}.sql", datasource).replace("{column}", column)
        text = text.replace("{windows}", either).replace("{where}", where)
        text = text.replace("{by}", by).replace("{filtered}", filtered)
        parameters: list[Any] = [*[epoch_ms(end)] * ends, *windows, *values]
        found[cast(Query, name)] = Asked(text, parameters)
    return found


def _values(look: Filters) -> Values:
    return tuple(value for _, value in look.values)


def _ask(druid: DruidClient, query: Asked) -> SqlTable:
    return druid.sql_table(query.sql, query.parameters, timeout=TIMEOUT, context=_CONTEXT)


def _columns(table: SqlTable) -> Columns:
    values = zip(*table.rows, strict=True) if table.rows else [()] * len(table.columns)
    return {column.name: found for column, found in zip(table.columns, values, strict=True)}


def _by_look(table: SqlTable, looks: Sequence[Filters]) -> list[Columns]:
    """Split the rows of a query of several looks; its last columns are those of the filters."""
    rows = {
        name: np.fromiter(column, dtype=object, count=len(table.rows))
        for name, column in _columns(table).items()
    }
    filtered = [rows.pop(f"filtro_{place}") for place in range(len(looks[0].values))]
    places = {_values(look): place for place, look in enumerate(looks)}
    of = np.fromiter((places.get(it, -1) for it in zip(*filtered, strict=True)), np.int64)
    order = np.argsort(of, kind="stable")
    bounds = np.searchsorted(of[order], np.arange(len(looks) + 1))
    chosen = [order[first:stop] for first, stop in pairwise(bounds.tolist())]
    return [{name: column[own] for name, column in rows.items()} for own in chosen]
