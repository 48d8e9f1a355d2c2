"""Routes of the view «Ventas»."""

import logging
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from math import inf
from threading import Lock, Thread
from typing import Final

from fastapi import APIRouter, Request, Response

from include.druid.client import DruidError
from include.names import DATASOURCE
from include.page.filters import RANGES, Filters, parse_filters
from include.page.overview import overview
from include.page.shared_moment import SharedMoment
from include.sales.event import PLATAFORMAS, TIPOS_PAGO
from include.sales.market import Market, load_market
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.memory import memory
from ventas_airflow.page.packed import Packed, packed, packed_response
from ventas_airflow.page.services import druid, queries

log = logging.getLogger(__name__)

router = APIRouter()
_shared: Final = AnswerCache()
_moment: Final = SharedMoment()

OLD_TIMES: Final = 10
"""A stale answer is shown for at most this many times its normal lifetime."""

COLD_SECONDS: Final = 300.0
"""Seconds without an answer of Druid after which the ranges are looked at ahead of the viewers."""

LIVE_SECONDS: Final = 0.8
"""Seconds that the answer for a short range is shared: less than the page waits between two."""


@router.get("/api/live")
async def live(request: Request, viewer: Asking) -> Response:
    """Return the overview of the range and filters in the address, as JSON."""
    filters = parse_filters(request.query_params)
    seconds = _kept(filters)
    answer = await _shared.get(
        viewer, filters, seconds, lambda: _overview(filters), old=OLD_TIMES * seconds
    )
    return packed_response(request, answer)


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


class _Preparation:
    """Looks at each range without filters, after a time in which nobody saw Druid's answers.

    Druid may then have started, so that its first answers take long; and the events that all
    viewers share are not in memory.
    """

    def __init__(self) -> None:
        self._answered_at = -inf
        self._lock = Lock()

    def note_failure(self) -> None:
        self._answered_at = -inf

    def note_answer(self) -> None:
        """Note that Druid has answered a viewer; look at the ranges if it is the first answer."""
        now = time.monotonic()
        with self._lock:
            is_cold, self._answered_at = now >= self._answered_at + COLD_SECONDS, now
        if is_cold:
            Thread(target=_look_at_each_range, name="ventas-prepare", daemon=True).start()


def _look_at_each_range() -> None:
    for rango in RANGES:
        try:
            overview(druid(), DATASOURCE, Filters(rango), datetime.now(UTC), queries, memory)
        except Exception as error:  # noqa: BLE001 - a viewer's own look will tell
            log.info("The range %s cannot be prepared: %s", rango, error)


_preparation: Final = _Preparation()


def _overview(filters: Filters) -> Packed:
    try:
        found = overview(druid(), DATASOURCE, filters, _moment.get(), queries, memory)
    except DruidError:
        _preparation.note_failure()
        raise
    _preparation.note_answer()
    return packed(found)


def _kept(filters: Filters) -> float:
    step = filters.range.step
    # A range that has ended changes only by late events.
    return 30.0 if filters.hasta else max(LIVE_SECONDS, min(step, timedelta(seconds=15)).seconds)
