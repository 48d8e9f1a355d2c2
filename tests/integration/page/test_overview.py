"""The live page on a real Druid: sums computed in Python from events equal Druid's own sums, and
both equal those of the published sales. «Explorar» has the same sums, split."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.page import overview as module
from include.page.explore.answer import explore
from include.page.explore.split import MEASURES, parse_split
from include.page.filters import parse_filters
from include.page.overview import Memory, overview
from include.sales.event import Venta, format_ts
from include.stack.settings import Settings
from tests.conftest import client_config
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.place import make_place
from tests.support.sold_events import SoldEvents

SALES = 600
HOURS = timedelta(hours=2)
WEEK = timedelta(days=7)


class Sold(NamedTuple):
    """A datasource with the sales of the last two hours, and of the same hours a week ago."""

    datasource: str
    events: list[Venta]
    now: datetime


@pytest.fixture(scope="module")
def sold(stack: Settings, druid: DruidClient) -> Iterator[Sold]:
    place = make_place(client_config(stack), uuid.uuid4().hex[:8])
    now = datetime.now(UTC)
    source = place.source()
    hours = [now - HOURS * (SALES - n) / SALES for n in range(SALES)]
    begun = [*(moment - WEEK for moment in hours[::3]), *hours]
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
    yield Sold(place.topic, events, now)
    remove_supervisor(druid, place.topic)


def test_look_by_events_equals_look_by_druids_sums_and_the_published_sales(
    druid: DruidClient, sold: Sold, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = sold.events[-1]
    chosen: list[dict[str, str]] = [
        {},
        {"provincia": some.provincia},
        {"pago": some.tipo_pago, "plataforma": some.plataforma},
        {"producto": "de nadie"},
    ]

    def looks(rango: str) -> list[dict[str, Any]]:
        memory = Memory()
        with ThreadPoolExecutor(8) as pool:
            return [
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

    for rango, length in (("15m", timedelta(minutes=15)), ("1h", timedelta(hours=1))):
        by_events = looks(rango)
        with monkeypatch.context() as patch:
            patch.setattr(module, "MOST_EVENTS", 1)
            by_sums = looks(rango)
        for one, other in zip(by_events, by_sums, strict=True):
            # Events of the same moment have no fixed order.
            assert _sorted(one.pop("latest")) == _sorted(other.pop("latest"))
            assert one == other
        end = sold.now.replace(microsecond=0)
        within = [e for e in sold.events if format_ts(end - length) <= e.ts < format_ts(end)]
        actual = by_events[0]["totals"]["current"]
        assert actual["sales"] == sum(e.estado == "pendiente" for e in within) > 0
        assert actual["revenue_centavos"] == sum(
            e.importe_centavos for e in within if e.estado == "aprobada"
        )
        assert by_events[-1]["totals"]["current"]["sales"] == 0


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


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["id_evento"]))
