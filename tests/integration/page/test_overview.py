"""The live page on a real Druid: sums computed in Python from events equal Druid's own sums, and
both equal those of the published sales. «Explorar» has the same sums, split."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from msgspec import structs

from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.page import shared_events as module
from include.page.explore.answer import explore
from include.page.explore.split import MEASURES, parse_split
from include.page.filters import Filters, parse_filters
from include.page.overview import Memory, overview
from include.sales.event import Venta, format_ts
from include.stack.settings import Settings
from tests.conftest import client_config
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.place import Place, make_place
from tests.support.sold_events import SoldEvents

SALES = 600
HOURS = timedelta(hours=8)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WEEK = timedelta(days=7)


class Sold(NamedTuple):
    """A datasource with sales of the last hours, and of the same hours yesterday and a week ago."""

    place: Place
    datasource: str
    events: list[Venta]
    now: datetime


@pytest.fixture(scope="module")
def sold(stack: Settings, druid: DruidClient) -> Iterator[Sold]:
    place = make_place(client_config(stack), uuid.uuid4().hex[:8])
    now = datetime.now(UTC)
    source = place.source()
    hours = [now - HOURS * (SALES - n) / SALES for n in range(SALES)]
    earlier = [moment - ago for ago in (WEEK, DAY) for moment in hours[::3]]
    begun = [*earlier, *hours]
    events = [
        event
        for n, moment in enumerate(begun)
        for event in source.chain(n, moment)
        if event.ts < format_ts(now)
    ]
    with place.publisher() as publisher:
        publisher.open()
        publisher.commit(events)
    druid.submit_supervisor(
        supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    )
    wait_for_rows(druid, place.topic, len(events))
    yield Sold(place, place.topic, events, now)
    remove_supervisor(druid, place.topic)


def test_look_by_events_equals_look_by_druids_sums_and_the_published_sales(
    druid: DruidClient, sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rango in ("24h", "7d"):
        # Druid sums the whole hours of these ranges.
        assert looks(druid, sold, rango) == looks_by_sums(druid, sold, rango, monkeypatch)
    for rango in ("15m", "1h", "6h"):
        by_events = looks(druid, sold, rango)
        assert by_events == looks_by_sums(druid, sold, rango, monkeypatch)
        filters = parse_filters({"rango": rango})
        for name, interval in intervals(filters, sold.now).items():
            start, end = map(format_ts, interval)
            within = [event for event in sold.events if start <= event.ts < end]
            actual = by_events[0]["totals"][name]
            assert actual["sales"] == sum(e.estado == "pendiente" for e in within) > 0
            assert actual["revenue_centavos"] == sum(
                e.importe_centavos for e in within if e.estado == "aprobada"
            )
        assert by_events[-1]["totals"]["current"]["sales"] == 0


def test_late_events_and_absurd_amounts_are_in_the_sums_a_minute_later(
    druid: DruidClient, sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = Memory()
    looks(druid, sold, "1h", memory)
    ages = (90 * MINUTE, DAY + 30 * MINUTE, 70 * MINUTE, 30 * MINUTE, 5 * MINUTE)
    late = [
        event
        for n, age in enumerate(ages)
        for event in sold.place.source().chain(10_000 + n, sold.now - age)
    ]
    late = [event for event in late if event.ts < format_ts(sold.now)]
    late[-1] = structs.replace(late[-1], importe_centavos=2**62, estado="aprobada")
    with sold.place.publisher() as publisher:
        publisher.open()
        publisher.commit(late)
    sold.events.extend(late)
    wait_for_rows(druid, sold.datasource, len(sold.events))
    later = sold._replace(now=sold.now + MINUTE)
    found = looks(druid, later, "1h", memory)
    assert found == looks_by_sums(druid, later, "1h", monkeypatch)
    assert found[0]["totals"]["current"]["revenue_centavos"] > 2**62
    assert looks(druid, later, "6h", memory) == looks_by_sums(druid, later, "6h", monkeypatch)


def looks(
    druid: DruidClient, sold: Sold, rango: str, memory: Memory | None = None
) -> list[dict[str, Any]]:
    """Return the page's answers for several filters; the last one matches no event."""
    memory = memory or Memory()
    some = sold.events[0]
    chosen: list[dict[str, str]] = [
        {},
        {"provincia": some.provincia},
        {"pago": some.tipo_pago, "plataforma": some.plataforma},
        {"producto": "de nadie"},
    ]
    with ThreadPoolExecutor(8) as pool:
        found = [
            overview(
                druid,
                sold.datasource,
                parse_filters({"rango": rango, **filters}),
                sold.now,
                pool,
                memory,
            )
            for filters in chosen
        ]
    for answer in found:
        # Events of the same moment have no fixed order.
        answer["latest"].sort(key=lambda row: str(row["id_evento"]))
    return found


def looks_by_sums(
    druid: DruidClient, sold: Sold, rango: str, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    with monkeypatch.context() as patch:
        patch.setattr(module, "MOST_EVENTS", 0)
        return looks(druid, sold, rango)


def intervals(filters: Filters, now: datetime) -> dict[str, tuple[datetime, datetime]]:
    """Return the three intervals of a short range: the earlier ones are whole minutes."""
    current = filters.interval(now)
    start, end = (moment.replace(second=0) for moment in (current.start, current.end))
    length = filters.range.length
    return {
        "current": (current.start, current.end),
        "before": (start - length, end - length),
        "yesterday": (start - DAY, end - DAY),
    }


#: Splits with each kind of dimension and each comparison.
SPLITS: list[dict[str, str]] = [
    {"por": "producto", "y": "sucursal", "rango": "7d", "contra": "anterior"},
    {"por": "hora_del_dia", "y": "dia_de_semana", "rango": "30d", "contra": "semana"},
    {"por": "tiempo", "y": "ciudad", "rango": "1h", "contra": "semana"},
    {"por": "cuotas", "y": "hora", "rango": "24h", "contra": "anterior"},
    {"por": "emisor", "y": "dia", "rango": "7d", "contra": "semana"},
]


def test_splits_equal_those_of_the_published_sales_and_the_live_pages_figures(
    druid: DruidClient, sold: Sold
) -> None:
    published: Any = SoldEvents(sold.events)
    chosen = {"provincia": sold.events[-1].provincia}
    with ThreadPoolExecutor(8) as pool:
        for place, measure in enumerate([*MEASURES, *MEASURES]):
            split = parse_split({**SPLITS[place % len(SPLITS)], **chosen, "medida": measure})
            found = explore(druid, sold.datasource, split, sold.now, pool)
            assert found == explore(published, "ventas", split, sold.now, pool), split
        for rango in ("1h", "7d"):
            asked = {**chosen, "rango": rango}
            filters = parse_filters(asked)
            live = overview(druid, sold.datasource, filters, sold.now, pool, Memory())
            for measure, figure in (("ventas", "sales"), ("facturacion", "revenue_centavos")):
                split = parse_split(
                    {**asked, "medida": measure, "por": "pago", "contra": "anterior"}
                )
                found = explore(druid, sold.datasource, split, sold.now, pool)
                now, before = (live["totals"][part][figure] for part in ("current", "before"))
                assert sum(cell.value for cell in found["rows"]) == found["total"].value == now > 0
                assert sum(cell.before for cell in found["rows"]) == found["total"].before == before
