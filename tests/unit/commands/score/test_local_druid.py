"""The project's SQL on SQLite, and the findings' rows that are computed without SQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from commands.score.local_druid import LocalDruid
from include.page.filters import Filters
from include.page.findings.detection import queries
from include.page.findings.rows import query_columns
from include.sales.arrivals import arrivals
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.event import Venta
from include.sales.local_time import epoch_ms, moment_of
from include.sales.market import load_market
from tests.support.findings import NOW, events_of, ms, rows_of


@pytest.fixture
def sales() -> list[Venta]:
    """Sales of the same hours of three days; those of the first one were back-filled."""
    market = load_market()
    found: list[Venta] = []
    for days, run in ((7, "relleno__1"), (1, "b"), (0, "c")):
        end = NOW - timedelta(days=days)
        moments = arrivals(Demand(market), 4, end - timedelta(hours=4), end, scale=0.02)
        source = SaleSource(market, 4, run)
        for n, moment in enumerate(moments.tolist()):
            found += source.chain(n, moment_of(moment))
    return found


def loaded(sales: Sequence[Venta]) -> LocalDruid:
    druid = LocalDruid()
    druid.load((ms(it), {**msgspec.structs.asdict(it), "__time": ms(it)}) for it in sales)
    druid.now = epoch_ms(NOW + timedelta(days=60))
    return druid


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(sorted(row.items())) for row in rows)


def test_findings_sql_returns_the_rows_that_are_computed_without_it(sales: list[Venta]) -> None:
    druid, expected = loaded(sales), query_columns(events_of(sales), NOW)
    for name, asked in queries("ventas", Filters(), NOW).items():
        rows = druid.sql(asked.sql, asked.parameters)
        assert len(rows) > 3
        assert in_order(rows) == in_order(rows_of(expected[name])), name


def test_records_are_seen_once_they_are_sent(sales: list[Venta]) -> None:
    druid = loaded(sales)
    druid.now = ms(sales[0])
    [row] = druid.sql('SELECT COUNT(*) AS n, MAX(id_evento) AS id FROM "ventas"')
    assert row == {"n": 1, "id": sales[0].id_evento}
