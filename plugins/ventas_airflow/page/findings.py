"""What «Qué hacer» asks for: what is unusual of the sales, as a report in JSON."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from include.druid.findings.look import look
from include.druid.live.filters import Filters, parse_filters
from ventas_airflow.page.access import Asking
from ventas_airflow.page.services import DATASOURCE, druid, judging
from ventas_airflow.page.shared import Shared

router = APIRouter()
_shared: Final = Shared(turns=judging)

KEPT_SECONDS: Final = 120.0
"""How long a look is everyone's answer: what it compares are hours, and it costs Druid a second."""

OLD_SECONDS: Final = 600.0
"""For how long that is shown while a new one is made."""


@router.get("/api/findings")
async def findings(request: Request, viewer: Asking) -> Response:
    """The report of a look at the sales of the filters in the address, at their end or now.

    A filter's range is no matter: it is always the last three hours that are judged.
    """
    filters = parse_filters(request.query_params)
    key = (filters.hasta, filters.values)
    body = await _shared.get(viewer, key, KEPT_SECONDS, lambda: _report(filters), old=OLD_SECONDS)
    return Response(body, media_type="application/json")


def _report(filters: Filters) -> bytes:
    return msgspec.json.encode(look(druid(), DATASOURCE, filters, datetime.now(UTC)))
