"""Projections of closed days on a real Druid: the page's sums from them equal those of the rows."""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import cycle
from typing import Any, NamedTuple

import msgspec
import pytest

from include.druid.client import DruidClient, DruidError
from include.druid.housekeeping import compaction
from include.druid.projections import USE_PROJECTIONS, projections
from include.druid.queries import for_datasource
from include.druid.supervisor import dimensions
from include.page import whole_hours
from include.page.explore.answer import explore
from include.page.explore.split import DIMENSIONS, MEASURES, parse_split
from include.page.filters import COLUMNS, parse_filters
from include.page.overview import GROUPS, Memory, overview
from include.sales.content import SaleSource
from include.sales.event import ESTADOS, Venta, format_ts
from include.sales.market import load_market
from include.waiting import wait_until
from tests.support.druid import wait_for_rows

SALES = 600
DAYS = timedelta(days=3)
#: The sales are of the three whole days before.
END = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
LATE = END - timedelta(hours=30, minutes=12)

MUST_USE = {**USE_PROJECTIONS, "forceProjections": True, "useCache": False}
"""Query context with which Druid refuses a query that fits no projection of a segment."""


class Closed(NamedTuple):
    datasource: str
    events: list[Venta]


def ingest(druid: DruidClient, datasource: str, events: Iterable[Venta], **schema: Any) -> None:
    """Add events in new segments, which Druid merges from several files of a few rows."""
    tuning = {
        "type": "index_parallel",
        "maxRowsInMemory": SALES // 5,
        "partitionsSpec": {"type": "dynamic"},
        **{
            name: value
            for name, value in compaction(datasource)["tuningConfig"].items()
            if name.startswith("indexSpec")
        },
    }
    spec = {
        "dataSchema": {
            "dataSource": datasource,
            "timestampSpec": {"column": "ts", "format": "iso"},
            "dimensionsSpec": {"dimensions": dimensions()},
            "granularitySpec": {"segmentGranularity": "DAY", "rollup": False},
            **schema,
        },
        "ioConfig": {
            "type": "index_parallel",
            "inputSource": {
                "type": "inline",
                "data": "\n".join(msgspec.json.encode(event).decode() for event in events),
            },
            "inputFormat": {"type": "json"},
            "appendToExisting": True,
        },
        "tuningConfig": tuning,
    }
    druid._request("POST", "/druid/indexer/v1/task", json={"type": "index_parallel", "spec": spec})


@pytest.fixture(scope="module")
def closed(druid: DruidClient) -> Iterator[Closed]:
    datasource = f"ventas-{uuid.uuid4().hex[:8]}"
    source = SaleSource(load_market(), 7, "corrida")
    begun = [END - DAYS + n * DAYS / SALES for n in range(SALES)]
    # Every state, although refunds and chargebacks come later than three days.
    events = [
        msgspec.structs.replace(event, estado=ESTADOS[n % len(ESTADOS)])
        for n, moment in enumerate(begun)
        for event in source.chain(n, moment)
        if event.ts < format_ts(END)
    ]
    ingest(druid, datasource, events, projections=projections())
    wait_for_rows(druid, datasource, len(events))
    yield Closed(datasource, events)
    druid._request("DELETE", f"/druid/coordinator/v1/datasources/{datasource}")


def chosen(events: list[Venta]) -> list[dict[str, str]]:
    """Return no filter, each filter alone, and two filters that no projection has together."""
    some = msgspec.structs.asdict(next(event for event in events if event.emisor))
    alone = {name: str(some[column]) for name, column in COLUMNS.items()}
    two = {name: alone[name] for name in ("provincia", "pago")}
    return [{}, *({name: value} for name, value in alone.items()), two]


def answers(druid: Any, closed: Closed) -> list[dict[str, Any]]:
    """Return the page's and the explorer's answers for each filter, measure and dimension."""
    found = []
    with ThreadPoolExecutor(4) as pool:
        for filters in chosen(closed.events):
            asked = parse_filters({"rango": "7d", **filters})
            now = END + timedelta(minutes=17)
            found.append(overview(druid, closed.datasource, asked, now, pool, Memory()))
        # Each dimension, and each measure at least once.
        assert len(DIMENSIONS) >= len(MEASURES)
        for by, measure in zip(DIMENSIONS, cycle(MEASURES), strict=False):
            words = {"medida": measure, "por": by, "rango": "30d"}
            found.append(explore(druid, closed.datasource, parse_split(words), END, pool))
    return found


def test_page_from_projections_equals_the_page_from_rows(
    druid: DruidClient, closed: Closed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_projections = answers(druid, closed)
    monkeypatch.setattr(whole_hours, "USE_PROJECTIONS", {"noProjections": True, "useCache": False})
    assert from_projections == answers(druid, closed)
    assert not any(found.get("failed") for found in from_projections)
    everything = from_projections[0]["totals"]["current"]
    states = Counter(event.estado for event in closed.events)
    assert [everything[name] for name in ("sales", "approved", "rejected", "refunded")] == [
        states[name] for name in ESTADOS[:4]
    ]
    assert everything["revenue_centavos"] == sum(
        event.importe_centavos for event in closed.events if event.estado == "aprobada"
    )


def test_each_query_of_whole_hours_reads_a_projection(druid: DruidClient, closed: Closed) -> None:
    begin = END - DAYS
    where = "WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)"

    def ask(columns: str, context: Mapping[str, object]) -> list[dict[str, Any]]:
        text = f"""SELECT {columns}, COUNT(*) AS events, SUM(importe_centavos) AS amount
            FROM "{{datasource}}" {where} GROUP BY {columns}"""  # noqa: S608 - constants
        moments = [round(at.timestamp() * 1000) for at in (begin + timedelta(hours=3), END)]
        rows = druid.sql(for_datasource(text, closed.datasource), moments, context=context)
        return sorted(rows, key=str)

    hour = "TIME_FLOOR(__time, 'PT1H')"
    times = [f"{hour}, estado", f"TIMESTAMP_TO_MILLIS({hour}), producto, estado"]
    for columns in [*times, *map(", ".join, GROUPS.values())]:
        assert ask(columns, MUST_USE) == ask(columns, {"useCache": False}) != []
    with pytest.raises(DruidError, match="none satisfy"):
        ask("producto, provincia", MUST_USE)


def test_query_without_the_context_reads_rows(druid: DruidClient, closed: Closed) -> None:
    start, end = END - timedelta(hours=20, minutes=50), END - timedelta(hours=19, minutes=10)
    text = """SELECT COUNT(*) AS n FROM "{datasource}"
        WHERE __time >= MILLIS_TO_TIMESTAMP(?) AND __time < MILLIS_TO_TIMESTAMP(?)"""
    moments = [round(at.timestamp() * 1000) for at in (start, end)]
    [found] = druid.sql(for_datasource(text, closed.datasource), moments)
    assert found["n"] == sum(format_ts(start) <= e.ts < format_ts(end) for e in closed.events) > 0


def test_late_event_of_a_closed_day_is_counted(druid: DruidClient, closed: Closed) -> None:
    def sales() -> int:
        asked = parse_filters({"rango": "30d"})
        with ThreadPoolExecutor(4) as pool:
            found = overview(druid, closed.datasource, asked, END, pool, Memory())
        return int(found["totals"]["current"]["sales"])

    before = sales()
    ingest(druid, closed.datasource, [SaleSource(load_market(), 8, "tarde").chain(0, LATE)[0]])
    wait_until(lambda: sales() == before + 1, "the late sale", 300, errors=DruidError)
