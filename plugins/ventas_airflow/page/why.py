"""Route of «¿Por qué cambió?»: what changed the key figures of «Ventas en vivo»."""

from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter, Request, Response

from include.names import DATASOURCE
from include.page.filters import Filters, parse_filters
from include.page.why.explain import explain
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.packed import Packed, packed, packed_response
from ventas_airflow.page.services import druid, queries

router = APIRouter()
_shared: Final = AnswerCache(most=100)

KEPT_SECONDS: Final = 60.0
"""Seconds that an answer is shared: its ranges end with a whole minute."""


@router.get("/api/why")
async def why(request: Request, viewer: Asking, contra: str = "before") -> Response:
    """Return the explanation (`Explanation`) of the address's range and filters, as JSON.

    `contra` is the earlier range: ``before``, ``yesterday`` or ``week``.
    """
    asked = {name: value for name, value in request.query_params.items() if name != "contra"}
    filters = parse_filters(asked)
    key = (filters, contra)
    answer = await _shared.get(viewer, key, KEPT_SECONDS, lambda: _explanation(filters, contra))
    return packed_response(request, answer)


def _explanation(filters: Filters, against: str) -> Packed:
    now = datetime.now(UTC)
    found = explain(druid(), DATASOURCE, filters, against, now, queries.map)
    return packed(found)
