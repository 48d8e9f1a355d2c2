"""Route of the card «Qué hacer»: a JSON report of what is unusual in the sales."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from include.names import DATASOURCE
from include.page.filters import Filters, parse_filters
from include.page.findings.detection import detect
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.services import druid, judging

router = APIRouter()
_shared: Final = AnswerCache(turns=judging)

KEPT_SECONDS: Final = 120.0
"""Seconds that a report is shared: it compares hours, and costs Druid about a second."""

OLD_SECONDS: Final = 600.0
"""Seconds more that an old report is shown while a new one is made."""


@router.get("/api/findings")
async def findings(request: Request, viewer: Asking) -> Response:
    """Return the report on the sales that the address's filters select, at their end or now.

    The length of the filters' range does not count: the last three hours are always judged.
    """
    filters = parse_filters(request.query_params)
    key = (filters.hasta, filters.values)
    body = await _shared.get(viewer, key, KEPT_SECONDS, lambda: _report(filters), old=OLD_SECONDS)
    return Response(body, media_type="application/json")


def _report(filters: Filters) -> bytes:
    return msgspec.json.encode(detect(druid(), DATASOURCE, filters, datetime.now(UTC)))
