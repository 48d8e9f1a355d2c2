"""Route of the card «Qué hacer»: a JSON report of what is unusual in the sales."""

from datetime import UTC, datetime
from typing import Final

import msgspec
from fastapi import APIRouter, Request, Response

from include.names import BACKFILL_DAG, DATASOURCE
from include.page.filters import Filters, parse_filters
from include.page.findings.detection import detect
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.services import druid, judging

router = APIRouter()
_shared: Final = AnswerCache(turns=judging)
_ends: Final = AnswerCache()

KEPT_SECONDS: Final = 120.0
"""Seconds that a report is shared: it compares hours, and costs Druid about a second."""

OLD_SECONDS: Final = 600.0
"""Seconds more that an old report is shown while a new one is made."""

ENDS_SECONDS: Final = 5.0
"""Seconds that the end of the last back-fill is shared; reading it takes a millisecond."""


@router.get("/api/findings")
async def findings(request: Request, viewer: Asking) -> Response:
    """Return the report on the sales that the address's filters select, at their end or now.

    The length of the filters' range does not count: the last three hours are always judged.
    """
    filters = parse_filters(request.query_params)
    # A back-fill changes the sales that the report compares with.
    filled = await _ends.get(viewer, BACKFILL_DAG, ENDS_SECONDS, _last_end)
    key = (filters.hasta, filters.values, filled)
    body = await _shared.get(viewer, key, KEPT_SECONDS, lambda: _report(filters), old=OLD_SECONDS)
    return Response(body, media_type="application/json")


def _last_end() -> datetime | None:
    """Return when the last back-fill ended, from Airflow's database."""
    from airflow.models import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import func, select

    with create_session() as session:
        runs = select(func.max(DagRun.end_date)).where(DagRun.dag_id == BACKFILL_DAG)
        return session.scalar(runs)


def _report(filters: Filters) -> bytes:
    return msgspec.json.encode(detect(druid(), DATASOURCE, filters, datetime.now(UTC)))
