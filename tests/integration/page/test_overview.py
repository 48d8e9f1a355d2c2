"""The live page on a real Druid: sums computed in Python from events equal Druid's own sums, and
both equal those of the published sales."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest

from include.druid.client import DruidClient
from include.druid.supervisor import supervisor_spec
from include.page import overview as module
from include.page.filters import parse_filters
from include.page.overview import Memory, overview
from include.sales.event import Venta, format_ts
from tests.support.druid import remove_supervisor, wait_for_rows
from tests.support.place import Place

SALES = 600
HOURS = timedelta(hours=2)


class Sold(NamedTuple):
    """A datasource with the events of the last two hours."""

    datasource: str
    events: list[Venta]
    now: datetime


@pytest.fixture
def sold(druid: DruidClient, place: Place) -> Iterator[Sold]:
    now = datetime.now(UTC)
    source = place.source()
    events = [
        event
        for n in range(SALES)
        for event in source.chain(n, now - HOURS * (SALES - n) / SALES)
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


def _sorted(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: str(row["id_evento"]))
