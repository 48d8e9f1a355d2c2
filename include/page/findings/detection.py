"""Look for unusual sales in Druid: five queries, each with a time-out."""

import logging
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

from include.druid.client import DruidClient, DruidError
from include.druid.queries import read_query
from include.page.filters import Filters
from include.page.findings.judge import judge
from include.page.findings.report import Asked, Query, Report
from include.page.findings.windows import goods_windows, payment_windows
from include.page.outage_errors import OF_ALL
from include.sales.local_time import epoch_ms

log = logging.getLogger(__name__)

TIMEOUT: Final = 20.0
"""Seconds that Druid may take for one of the queries."""

#: Query context: Druid answers the queries of the live page first.
_NO_HURRY: Final = {"priority": -1}

_SQL: Final = Path(__file__).parents[1] / "sql" / "findings"
_WINDOW: Final = "__time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)"


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
    rows: dict[Query, list[dict[str, Any]]] = {}
    refusal: DruidError | None = None
    for name, query in asked_queries.items():
        try:
            rows[name] = druid.sql(query.sql, query.parameters, timeout=TIMEOUT, context=_NO_HURRY)
        except OF_ALL:
            raise
        except DruidError as error:
            log.warning("Druid refused the query %r of the findings: %s", name, error)
            refusal = error
    if refusal and not rows:
        raise refusal
    return replace(judge(rows, end), queries=asked_queries)


def queries(datasource: str, filters: Filters, end: datetime) -> dict[Query, Asked]:
    """Return the SQL and parameters of each query, for the moment `end` and the filters."""
    where, values = filters.where()
    found: dict[Query, Asked] = {}
    for name, file, column, ends, windows in (
        ("payments", "payments", "", 1, payment_windows(end)),
        # One query with GROUPING SETS costs 14 times as much: Druid first groups by all three.
        ("products", "goods", "producto", 2, goods_windows(end)),
        ("stores", "goods", "sucursal", 2, goods_windows(end)),
        ("categories", "goods", "categoria", 2, goods_windows(end)),
        ("platforms", "goods", "plataforma", 2, goods_windows(end)),
    ):
        either = "\n    OR ".join([f"({_WINDOW})"] * (len(windows) // 2))
        text = read_query(_SQL / f"{file}.sql", datasource).replace("{column}", column)
        text = text.replace("{windows}", either).replace("{where}", where)
        parameters: list[Any] = [*[epoch_ms(end)] * ends, *windows, *values]
        found[cast(Query, name)] = Asked(text, parameters)
    return found
