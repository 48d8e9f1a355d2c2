"""Routes of the view «Ventas»."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from include.names import DATASOURCE
from include.page.filters import Filters, parse_filters
from include.page.overview import Memory, overview
from include.sales.event import PLATAFORMAS, TIPOS_PAGO
from include.sales.market import Market, load_market
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.services import druid, queries

router = APIRouter()
_shared: Final = AnswerCache()
_memory: Final = Memory()

OLD_TIMES: Final = 10
"""A stale answer is shown for at most this many times its normal lifetime."""

LIVE_SECONDS: Final = 0.8
"""Seconds that the answer for a short range is shared: less than the page waits between two."""


@router.get("/api/live")
async def live(request: Request, viewer: Asking) -> Response:
    """Return the overview of the range and filters in the address, as JSON."""
    filters = parse_filters(request.query_params)
    seconds = _kept(filters)
    body = await _shared.get(
        viewer, filters, seconds, lambda: _overview(filters), old=OLD_TIMES * seconds
    )
    return Response(body, media_type="application/json")


@router.get("/api/options")
def options() -> dict[str, list[str]]:
    """Return the values of each filter, by its name; charts filter by product and by issuer."""
    market = _market()
    return {
        "provincia": sorted(row.provincia for row in market.provinces),
        "sucursal": sorted(row.sucursal for row in market.stores),
        "categoria": [row.categoria for row in market.categories],
        "pago": list(TIPOS_PAGO),
        "plataforma": list(PLATAFORMAS),
    }


@cache
def _market() -> Market:
    return load_market()


def _overview(filters: Filters) -> bytes:
    found = overview(druid(), DATASOURCE, filters, datetime.now(UTC), queries, _memory)
    return msgspec.json.encode(found)


def _kept(filters: Filters) -> float:
    step = filters.range.step
    # A range that has ended changes only by late events.
    return 30.0 if filters.hasta else max(LIVE_SECONDS, min(step, timedelta(seconds=15)).seconds)
