"""Every query of the library, and free SQL, on a real Druid."""

import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from include.druid.client import DruidClient, QueryCanceledError, QueryTimeoutError
from include.druid.queries import for_datasource
from include.druid.supervisor import supervisor_spec
from include.page.library import Query, bind, load_library
from include.page.sql_box import MOST_ROWS, MOST_SECONDS, Answer, ask, ask_freely
from include.page.sql_box import query_id as druids_id
from include.page.sql_check.lexer import SqlRefusedError
from include.sales.event import Venta, format_ts
from include.sales.local_time import UTC_OFFSET_HOURS
from include.stack.settings import Settings
from tests.conftest import client_config
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.owner_sql import ORDINARY
from tests.support.place import Place, make_place

SALES = 1200
DAYS = timedelta(days=20)
LIBRARY = {query.name: query for query in load_library()}

#: The datasource joined with itself three times: far more combinations than Druid can process.
ENDLESS = """
SELECT COUNT(*) AS n FROM (
  SELECT a.id_evento, b.id_venta, c.sku FROM "{datasource}" a
  JOIN "{datasource}" b ON a.provincia = b.provincia
  JOIN "{datasource}" c ON a.provincia = c.provincia
  JOIN "{datasource}" d ON a.provincia = d.provincia
)
"""


class Seeded(NamedTuple):
    """A datasource with the events that it has."""

    datasource: str
    events: list[Venta]
    now: datetime

    def count(self, *estados: str) -> int:
        return sum(event.estado in estados for event in self.events)


@pytest.fixture(scope="module")
def seeded(stack: Settings, druid: DruidClient) -> Iterator[Seeded]:
    """All events of sales in the last `DAYS`, and one event twice."""
    place: Place = make_place(client_config(stack), uuid.uuid4().hex[:8])
    now = datetime.now(UTC)
    source = place.source()
    begun = [now - DAYS * (SALES - n) / SALES for n in range(SALES)]
    events = [
        event
        for n, moment in enumerate(begun)
        for event in source.chain(n, moment)
        if event.ts < format_ts(now)
    ]
    events.append(events[-1])
    with place.publisher() as publisher:
        publisher.open()
        for first in range(0, len(events), 500):
            publisher.commit(events[first : first + 500])
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    wait_for_rows(druid, place.topic, len(events))
    yield Seeded(place.topic, events, now)
    remove_supervisor(druid, place.topic)


def run(druid: DruidClient, seeded: Seeded, name: str, **values: str) -> list[dict[str, Any]]:
    query = LIBRARY[name]
    sql, bound = bind(query, values, datasource=seeded.datasource, now=datetime.now(UTC))
    answer = ask(druid, sql, bound, rows=MOST_ROWS, seconds=MOST_SECONDS)
    assert [column.name for column in answer.columns] == [c.name for c in query.columns]
    return [dict(zip([c.name for c in query.columns], row, strict=True)) for row in answer.rows]


def free(
    druid: DruidClient, seeded: Seeded, sql: str, *, rows: int = 10, seconds: float = 10
) -> Answer:
    asked = druids_id(str(uuid.uuid4()))
    return ask_freely(druid, sql, [seeded.datasource], rows=rows, seconds=seconds, query_id=asked)


#: Values of parameters that include all sales, for queries that have these parameters.
WIDE = {"desde": "-60d", "horas": "480", "minimo": "1"}

#: SQL types that each kind of column may have.
TYPES = {
    "text": {"VARCHAR", "CHAR"},
    "number": {"BIGINT", "INTEGER"},
    "money": {"BIGINT"},
    "decimal": {"BIGINT", "INTEGER", "DECIMAL", "DOUBLE"},
    "percent": {"DECIMAL", "DOUBLE"},
    "time": {"TIMESTAMP"},
    "day": {"TIMESTAMP"},
}


@pytest.mark.parametrize("query", LIBRARY.values(), ids=lambda query: query.name)
def test_each_query_runs_with_defaults_and_has_the_declared_columns(
    druid: DruidClient, seeded: Seeded, query: Query
) -> None:
    sql, bound = bind(query, {}, datasource=seeded.datasource, now=datetime.now(UTC))
    answer = ask(druid, sql, bound, rows=MOST_ROWS, seconds=MOST_SECONDS)
    assert [column.name for column in answer.columns] == [column.name for column in query.columns]
    for column, shown in zip(answer.columns, query.columns, strict=True):
        assert column.type in TYPES[shown.kind], column
    names = {parameter.name for parameter in query.parameters}
    rows = run(druid, seeded, query.name, **{k: v for k, v in WIDE.items() if k in names})
    # "sale_history" needs an id, and the last hour may have no sales for "cadence".
    if query.name not in ("sale_history", "cadence"):
        assert rows
    # "cadence" sorts at most 50,000 pauses in the broker's heap; no other query may sort there,
    # because that could end the broker.
    plan = str(druid.sql(f"EXPLAIN PLAN FOR {sql}", bound))
    assert ('"queryType":"windowOperator"' in plan) == (query.name == "cadence")


def test_results_of_the_library_equal_those_of_the_events(
    druid: DruidClient, seeded: Seeded
) -> None:
    since = {"desde": "-60d"}
    revenue = sum(e.importe_centavos for e in seeded.events if e.estado == "aprobada")

    hours = run(druid, seeded, "sales_per_hour", **since)
    assert sum(row["ventas"] for row in hours) == seeded.count("pendiente")
    assert sum(row["facturado_centavos"] for row in hours) == revenue

    hour = Counter(
        (int(e.ts[11:13]) + UTC_OFFSET_HOURS) % 24 for e in seeded.events if e.estado == "aprobada"
    )
    baskets = run(druid, seeded, "basket_by_hour", **since)
    assert {row["hora"]: row["ventas"] for row in baskets} == hour

    for name in ("categories", "provinces", "payment_mix"):
        rows = run(druid, seeded, name, **since)
        assert sum(row["facturado_centavos"] for row in rows) == revenue, name
    shares = [row["parte"] for row in run(druid, seeded, "categories", **since)]
    assert sum(shares) == pytest.approx(100, abs=0.2)

    funnel = run(druid, seeded, "funnel", **since)
    begun = {e.id_venta for e in seeded.events if e.estado == "pendiente"}
    given_back = {e.id_venta for e in seeded.events if e.estado in ("reembolsada", "contracargo")}
    assert given_back
    assert sum(row["empezadas"] for row in funnel) == len(begun)
    assert sum(row["devueltas"] for row in funnel) == len(given_back)

    refunds = run(druid, seeded, "refunds_by_category", **since)
    refunded = {e.id_venta for e in seeded.events if e.estado == "reembolsada"}
    assert sum(row["reembolsos"] for row in refunds) == len(refunded)

    old = format_ts(datetime.now(UTC) - timedelta(minutes=5))
    decided = {e.id_venta for e in seeded.events if e.estado != "pendiente"}
    open_ones = {e.id_venta for e in seeded.events if e.ts < old} - decided
    pending = run(druid, seeded, "pending_sales", **since)
    assert open_ones
    assert {row["id_venta"] for row in pending} == open_ones

    [twice] = run(druid, seeded, "duplicate_ids", **since)
    assert (twice["id_evento"], twice["veces"]) == (seeded.events[-1].id_evento, 2)

    sale = seeded.events[-1].id_venta
    steps = run(druid, seeded, "sale_history", id_venta=sale)
    assert [row["estado"] for row in steps] == sorted(
        (e.estado for e in seeded.events if e.id_venta == sale),
        key=lambda estado: estado != "pendiente",
    )


def test_values_filter_and_sort(druid: DruidClient, seeded: Seeded) -> None:
    [first, *_] = run(druid, seeded, "top_products", desde="-60d", categoria="Bebidas", cuantos="3")
    assert first["categoria"] == "Bebidas"
    evil = "Bebidas' OR '1' = '1"
    assert run(druid, seeded, "top_products", desde="-60d", categoria=evil) == []
    half = {"horas": str(int(DAYS.total_seconds() // 7200))}
    rising = run(druid, seeded, "moving_products", **half)
    falling = run(druid, seeded, "moving_products", orden="bajan", **half)
    assert rising[0]["cambio"] > 0 > falling[0]["cambio"]


def test_free_sql_keeps_its_order_within_its_limit(druid: DruidClient, seeded: Seeded) -> None:
    sql = for_datasource(
        'SELECT producto, COUNT(*) AS n FROM "{datasource}" '
        "GROUP BY 1 ORDER BY n DESC, producto; -- the end",
        seeded.datasource,
    )
    everything = free(druid, seeded, sql, rows=MOST_ROWS)
    assert not everything.truncated
    few = free(druid, seeded, sql, rows=5)
    assert (few.rows, few.truncated) == (everything.rows[:5], True)
    empty = for_datasource('SELECT sku FROM "{datasource}" WHERE 1 = 0', seeded.datasource)
    none = free(druid, seeded, empty)
    assert ([column.name for column in none.columns], none.rows) == (["sku"], [])


@pytest.mark.parametrize("name", ORDINARY)
def test_query_of_a_store_owner_is_answered(druid: DruidClient, seeded: Seeded, name: str) -> None:
    sql = re.sub('"?ventas"?', f'"{seeded.datasource}"', ORDINARY[name])
    assert free(druid, seeded, sql, rows=MOST_ROWS, seconds=MOST_SECONDS).columns


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ('SELECT sku, SUM(cantidad) OVER () FROM "{datasource}"', "OVER"),
        (
            'SELECT a.sku, n FROM (SELECT sku, COUNT(*) AS n FROM "{datasource}" GROUP BY 1) a '
            'CROSS JOIN (SELECT COUNT(*) AS m FROM "{datasource}") b ORDER BY n',
            "JOIN",
        ),
        ('SELECT nada FROM "{datasource}"', r"Column 'nada' not found .*line \[1\], column \[8\]"),
        ("SELECT * FROM nada", "La tabla nada no se consulta acá"),
        ('SELECT STDDEV(cantidad) FROM "{datasource}"', "STDDEV"),
        ("SELECT * FROM TABLE(EXTERN('{}', '{}', '[]'))", "EXTERN"),
    ],
)
def test_invalid_or_dangerous_free_sql_is_refused_with_the_reason(
    druid: DruidClient, seeded: Seeded, sql: str, told: str
) -> None:
    with pytest.raises(SqlRefusedError, match=told):
        free(druid, seeded, for_datasource(sql, seeded.datasource))


def test_slow_free_sql_ends_at_its_time_out(druid: DruidClient, seeded: Seeded) -> None:
    once = DruidClient(druid.url, retries=0)
    began = time.monotonic()
    with pytest.raises(QueryTimeoutError):
        free(once, seeded, for_datasource(ENDLESS, seeded.datasource), seconds=1)
    assert time.monotonic() - began < MOST_SECONDS


def test_free_sql_is_cancelled_by_its_id(druid: DruidClient, seeded: Seeded) -> None:
    asked = druids_id(str(uuid.uuid4()))
    once = DruidClient(druid.url, retries=0)
    ended: list[Exception] = []

    def endless() -> None:
        try:
            sql = for_datasource(ENDLESS, seeded.datasource)
            ask(once, sql, seconds=MOST_SECONDS, query_id=asked)
        except QueryCanceledError as error:
            ended.append(error)

    began = time.monotonic()
    thread = threading.Thread(target=endless)
    thread.start()
    while thread.is_alive():
        druid.cancel_sql(asked)
        thread.join(0.1)
    assert ended
    assert time.monotonic() - began < MOST_SECONDS / 2
