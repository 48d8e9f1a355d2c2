"""A look's queries to Druid, and its report or error for each kind of answer."""

from datetime import timedelta
from typing import Any, cast

import msgspec
import pytest

from commands.score.sales import Events
from include.druid.client import (
    DatasourceMissingError,
    DruidClient,
    DruidError,
    DruidUnreachableError,
    SqlTable,
)
from include.page.filters import Filters, parse_filters
from include.page.findings.detection import detect, detect_together, queries
from include.sales.arrivals import arrivals
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.event import Venta
from include.sales.local_time import HOUR_MS, epoch_ms, moment_of
from include.sales.market import load_market
from tests.support.findings import NOW, LocalTables, SimulatedDruid, ms, silent

HOUR = timedelta(hours=1)


def test_report_has_findings_and_the_queries(usual_sales: Events) -> None:
    druid = SimulatedDruid(silent(usual_sales, NOW - timedelta(hours=1), store="San Justo"))
    report = detect(cast(DruidClient, druid), "ventas", Filters(), NOW)
    assert [found.subject for found in report.findings] == [{"sucursal": "San Justo"}]
    assert report.end == epoch_ms(NOW)
    assert [asked.parameters for asked in report.queries.values()] == druid.asked


def test_look_with_an_end_judges_as_of_that_end(usual_sales: Events) -> None:
    filters = Filters(hasta=NOW)
    druid = SimulatedDruid(usual_sales)
    report = detect(cast(DruidClient, druid), "ventas", filters, NOW + timedelta(days=3))
    assert [parameters[0] for parameters in druid.asked] == [report.end] * 5 == [epoch_ms(NOW)] * 5


def test_values_are_parameters_and_queries_are_bounded_in_time() -> None:
    filters = parse_filters({"provincia": "Córdoba' OR 1=1", "pago": "qr"})
    for name, asked in queries("ventas", filters, NOW).items():
        assert asked.sql.count("?") == len(asked.parameters)
        assert asked.parameters[-2:] == ["Córdoba' OR 1=1", "qr"]
        assert "{" not in asked.sql
        assert "1=1" not in asked.sql
        # Only approval and promotions are compared with days of another kind, too.
        windows = 11 if name == "payments" else 9
        assert asked.sql.count("__time >= MILLIS_TO_TIMESTAMP(?)") == windows
        oldest = epoch_ms(NOW) - 28 * 24 * HOUR_MS - 3 * HOUR_MS
        assert min(it for it in asked.parameters if isinstance(it, int)) == oldest


def test_missing_datasource_raises() -> None:
    class Empty:
        def sql_table(self, *_: Any, **__: Any) -> SqlTable:
            raise DatasourceMissingError("Object 'ventas' not found")

    with pytest.raises(DatasourceMissingError):
        detect(cast(DruidClient, Empty()), "ventas", Filters(), NOW)


class Refusing(SimulatedDruid):
    """Simulated Druid that raises `error` for queries that contain `part`."""

    def __init__(self, events: Events, part: str, error: DruidError) -> None:
        super().__init__(events)
        self.part, self.error = part, error

    def sql_table(self, query: str, *arguments: Any, **named: Any) -> SqlTable:
        if self.part in query:
            raise self.error
        return super().sql_table(query, *arguments, **named)


def test_refused_query_affects_only_its_kinds_and_is_logged(
    usual_sales: Events, caplog: pytest.LogCaptureFixture
) -> None:
    error = DruidError("Incomplete surrogate pair")
    report = detect(
        cast(DruidClient, Refusing(usual_sales, "dia, producto", error)), "ventas", Filters(), NOW
    )
    assert [(it.kind, it.reason) for it in report.missing] == [("product", "error")]
    assert (report.sales or 0) > 2000
    assert "refused the query 'products'" in caplog.text


@pytest.mark.parametrize(
    ("part", "error"), [("FROM", DruidError("no")), ("producto", DruidUnreachableError("away"))]
)
def test_druid_that_refuses_every_query_or_is_down_raises(
    usual_sales: Events, part: str, error: DruidError
) -> None:
    with pytest.raises(type(error), match=str(error)):
        detect(cast(DruidClient, Refusing(usual_sales, part, error)), "ventas", Filters(), NOW)


@pytest.fixture(scope="module")
def local_druid() -> LocalTables:
    """Druid's SQL on SQLite, with sales of the same hours of some days; in the last hour, one store
    sells nothing and the sales with Visa credit are rejected."""
    market = load_market()
    demand = Demand(market)
    source = SaleSource(market, 4, "a")
    sales: list[Venta] = []
    for day in (8, 7, 6, 1, 0):
        end = NOW - timedelta(days=day)
        for n, moment in enumerate(arrivals(demand, day, end - 4 * HOUR, end, scale=0.05).tolist()):
            sales += source.chain(n, moment_of(moment))
    since = epoch_ms(NOW - HOUR)
    druid = LocalTables()
    druid.now = epoch_ms(NOW + timedelta(days=60))
    druid.load(
        (ms(sale), {**msgspec.structs.asdict(sale), "__time": ms(sale)})
        for sale in sales
        if sale.sucursal != "San Justo" or ms(sale) < since
    )
    druid.change(
        "UPDATE registros SET estado = 'rechazada' WHERE __time >= :since"
        " AND estado = 'aprobada' AND tipo_pago = 'credito' AND emisor = 'Visa'",
        since=since,
    )
    return druid


@pytest.mark.parametrize(
    "looks",
    [
        [{"provincia": "Buenos Aires"}, {"provincia": "Córdoba"}, {"provincia": "Mendoza"}],
        [{"pago": "credito"}, {"pago": "qr"}],
        [{"pago": "credito", "emisor": "Visa"}, {"pago": "credito", "emisor": "Mastercard"}],
        [{"plataforma": "app"}, {"plataforma": "local"}],
        [{"categoria": "Almacén"}, {"categoria": "Bebidas"}],
        [{"sucursal": "Ramos Mejía"}, {"sucursal": "San Justo"}],
        [
            {"provincia": "Buenos Aires", "pago": "credito"},
            {"provincia": "Buenos Aires", "pago": "debito"},
            {"provincia": "Córdoba", "pago": "debito"},
        ],
    ],
)
def test_looks_together_have_the_same_reports_as_each_look_alone(
    local_druid: LocalTables, looks: list[dict[str, str]]
) -> None:
    druid = cast(DruidClient, local_druid)
    filters = [parse_filters(look) for look in looks]
    together = detect_together(druid, "ventas", filters, NOW)
    assert together == [detect(druid, "ventas", look, NOW) for look in filters]
    assert all(report.tests for report in together)


def test_findings_are_of_the_look_whose_sales_are_unusual(local_druid: LocalTables) -> None:
    filters = [parse_filters({"provincia": name}) for name in ("Buenos Aires", "Mendoza")]
    here, there = detect_together(cast(DruidClient, local_druid), "ventas", filters, NOW)
    visa = {"pago": "credito", "emisor": "Visa"}
    assert visa in [found.subject for found in here.findings]
    assert visa not in [found.subject for found in there.findings]


def test_refused_query_of_looks_together_raises(usual_sales: Events) -> None:
    druid = Refusing(usual_sales, "FROM", DruidError("Incomplete surrogate pair"))
    filters = [parse_filters({"provincia": name}) for name in ("Salta", "Jujuy")]
    with pytest.raises(DruidError, match="surrogate"):
        detect_together(cast(DruidClient, druid), "ventas", filters, NOW)
