"""Findings on a real Druid: its rows equal those of the simulated queries in the unit tests, and
only the changes made on purpose are found."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer

from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.page.events import Codes
from include.page.filters import Filters, parse_filters
from include.page.findings.detection import detect, detect_together, queries
from include.page.findings.in_memory import detect_in_memory, read_windows
from include.page.findings.judge import judge
from include.page.findings.rows import query_columns
from include.page.findings.windows import HOURS
from include.page.overview import CODED, event_queries
from include.page.shared_events import SharedEvents
from include.sales.arrivals import arrivals
from include.sales.bulk import BulkEncoder
from include.sales.demand import Demand
from include.sales.event import Venta, decode, encode
from include.sales.local_time import epoch_ms
from include.sales.market import load_market
from include.sales.random_numbers import Ints
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.findings import NOW, events_of, rows_of
from tests.support.place import SEED, Place

DAYS = (7, 3, 2, 1, 0)
SILENT = "San Justo"


TOGETHER = (
    [{"provincia": "Córdoba"}, {"provincia": "Buenos Aires"}, {"provincia": "Nowhere"}],
    [{"sucursal": SILENT}, {"sucursal": "Ramos Mejía"}],
    [{"categoria": "Almacén"}, {"categoria": "Bebidas"}],
    [{"producto": "Yerba mate Playadito 1 kg"}, {"producto": "Fideos tallarín Lucchetti 500 g"}],
    [{"pago": "credito"}, {"pago": "debito"}, {"pago": "qr"}],
    [{"emisor": "Visa"}, {"emisor": "Mercado Pago"}],
    [{"plataforma": "app"}, {"plataforma": "local"}],
    [
        {"provincia": "Buenos Aires", "pago": "credito"},
        {"provincia": "Buenos Aires", "pago": "debito"},
        {"provincia": "Córdoba", "pago": "debito"},
    ],
)


def between(moments: Ints, first: int, stop: int) -> Ints:
    return moments[first:stop]


@pytest.fixture
def market_sales() -> list[Venta]:
    """Sales of the same three hours of some days.

    In the last hour, Visa credit is often refused and one store sells nothing.
    """
    market = load_market()
    demand = Demand(market)
    sales = []
    for day in DAYS:
        end = NOW - timedelta(days=day)
        moments = arrivals(demand, SEED, end - timedelta(hours=HOURS), end, scale=0.3)
        place = Place({}, "", "", f"día {day}")
        encoder = BulkEncoder(place.source(), until=end)
        for block in encoder.blocks(range(len(moments)), partial(between, moments)):
            sales += [decode(value) for value in block.values]
    since = NOW - timedelta(hours=1)
    return [changed(sale) if ends_after(sale, since) else sale for sale in sales if keeps(sale)]


def ends_after(sale: Venta, moment: datetime) -> bool:
    return datetime.fromisoformat(sale.ts) >= moment


def keeps(sale: Venta) -> bool:
    return sale.sucursal != SILENT or not ends_after(sale, NOW - timedelta(hours=1))


def changed(sale: Venta) -> Venta:
    refused = (sale.tipo_pago, sale.emisor, sale.estado) == ("credito", "Visa", "aprobada")
    if not refused or sale.secuencia % 3:
        return sale
    return msgspec.structs.replace(sale, estado="rechazada", motivo="sin_cupo")


@pytest.fixture
def datasource(place: Place, druid: DruidClient, market_sales: list[Venta]) -> Iterator[str]:
    producer = Producer({**place.config, "acks": "all", "linger.ms": 20})
    for sale in market_sales:
        producer.produce(place.topic, encode(sale), sale.id_venta)
        producer.poll(0)
    assert producer.flush(60) == 0
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    wait_for_rows(druid, place.topic, len(market_sales))
    yield place.topic
    remove_supervisor(druid, place.topic)


def test_druids_rows_equal_the_simulated_ones_and_the_changes_are_found(
    druid: DruidClient, datasource: str, market_sales: list[Venta]
) -> None:
    expected = query_columns(events_of(market_sales), NOW)
    for name, asked in queries(datasource, Filters(), NOW).items():
        rows = druid.sql(asked.sql, asked.parameters)
        assert in_order(rows) == in_order(rows_of(expected[name])), name

    report = detect(druid, datasource, Filters(hasta=NOW), datetime.now(UTC))

    assert report.findings == judge(expected, NOW).findings
    assert [(found.kind, found.subject) for found in report.findings] == [
        ("approval", {"pago": "credito", "emisor": "Visa"}),
        ("store", {"sucursal": SILENT}),
    ]

    elsewhere = parse_filters({"provincia": "Córdoba", "hasta": NOW.isoformat()})
    only = [sale for sale in market_sales if sale.provincia == "Córdoba"]
    there = detect(druid, datasource, elsewhere, datetime.now(UTC))
    assert there.sales == sum(
        sale.estado == "pendiente" and ends_after(sale, NOW - timedelta(hours=1)) for sale in only
    )

    # Looks that wait together have the reports that each has alone, whatever their filters; so have
    # those from the events in memory.
    with ThreadPoolExecutor(1) as pool:
        queried = event_queries(druid, datasource)
        windows = read_windows(SharedEvents(Codes(CODED)), NOW, queried, pool)
    assert windows
    for looks in TOGETHER:
        filters = [parse_filters({**look, "hasta": NOW.isoformat()}) for look in looks]
        together = detect_together(druid, datasource, filters, datetime.now(UTC))
        alone = [detect(druid, datasource, look, datetime.now(UTC)) for look in filters]
        assert together == alone, looks
        assert together[0].tests
        in_memory = [detect_in_memory(windows, datasource, look, NOW) for look in filters]
        assert in_memory == alone, looks

    # The plan has an interval for each window, so Druid does not read the days between them.
    for asked in queries(datasource, Filters(), NOW).values():
        plan = druid.sql(f"EXPLAIN PLAN FOR {asked.sql}", asked.parameters)[0]["PLAN"]
        intervals = msgspec.json.decode(plan)[0]["query"]["intervals"]["intervals"]
        starts = [datetime.fromisoformat(interval.split("/")[0]) for interval in intervals]
        assert epoch_ms(min(starts)) == min(asked.parameters[2:])
        assert len(intervals) > 5


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(
        ({name: row[name] for name in sorted(row)} for row in rows),
        key=lambda row: (
            str([value for value in row.values() if isinstance(value, str)])
            + f"{row.get('dia', row.get('hora')):06}"
        ),
    )
