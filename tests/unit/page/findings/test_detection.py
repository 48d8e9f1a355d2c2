"""A look's queries to Druid, and its report or error for each kind of answer."""

from datetime import timedelta
from typing import Any, cast

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
from include.page.findings.detection import detect, queries
from include.sales.local_time import HOUR_MS, epoch_ms
from tests.support.findings import NOW, SimulatedDruid, silent


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
