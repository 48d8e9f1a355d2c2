"""«¿Por qué cambió?» on a real Druid: its answer is that of the same SQL on the published sales."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest

from commands.score.local_druid import LocalDruid
from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.page.filters import Filters, parse_filters
from include.page.why.explain import explain
from include.sales.event import Venta
from include.sales.local_time import epoch_ms
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.findings import ms
from tests.support.place import Place

END = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1)
SALES = 1500


def refused(sale: Venta) -> Venta:
    if (sale.tipo_pago, sale.emisor, sale.estado) != ("credito", "Visa", "aprobada"):
        return sale
    return msgspec.structs.replace(sale, estado="rechazada", motivo="sin_cupo")


@pytest.fixture
def sold(druid: DruidClient, place: Place) -> Iterator[list[Venta]]:
    """Sales of the last hour, in which Visa credit is refused, and of the hour a day before."""
    source = place.source()
    sales = []
    for n in range(2 * SALES):
        days, second = divmod(n, SALES)
        start = END - timedelta(days=1 - days, hours=1)
        for event in source.chain(n, start + timedelta(hours=0.95) * second / SALES):
            if ms(event) < epoch_ms(END):
                sales.append(refused(event) if days else event)
    with place.publisher() as publisher:
        publisher.open()
        publisher.commit(sales)
    spec = supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    druid.submit_supervisor(spec)
    wait_for_rows(druid, place.topic, len(sales))
    yield sales
    remove_supervisor(druid, place.topic)


def test_druids_explanation_is_that_of_the_same_sql_on_the_published_sales(
    druid: DruidClient, place: Place, sold: list[Venta]
) -> None:
    local = LocalDruid()
    local.load((ms(it), {**msgspec.structs.asdict(it), "__time": ms(it)}) for it in sold)
    local.now = epoch_ms(END)

    chosen = {"pago": "credito", "hasta": END.isoformat()}
    for filters in (Filters(hasta=END), parse_filters(chosen)):
        found = explain(druid, place.topic, filters, "yesterday", END, map)
        same = explain(cast(DruidClient, local), "ventas", filters, "yesterday", END, map)
        for name, asked in found.queries.items():
            expected = same.queries[name]
            rows = druid.sql(asked.sql, asked.parameters)
            assert in_order(rows) == in_order(local.sql(expected.sql, expected.parameters)), name
        assert found.figures["income"].now == same.figures["income"].now
        approval = found.figures["approval"]
        assert approval.reason == "cause"
        assert approval.causes[0].subject["emisor"] == "Visa"


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(str(sorted(row.items())) for row in rows)
