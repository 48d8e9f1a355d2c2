"""Routes of the view «Explorar»."""

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from include.names import DATASOURCE
from include.page.explore.answer import explore
from include.page.explore.split import AGAINST, DIMENSIONS, MEASURES, Split, parse_split
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.packed import Packed, packed, packed_response
from ventas_airflow.page.services import druid, queries

router = APIRouter()
_shared: Final = AnswerCache()

KEPT_SECONDS: Final = 15.0
"""Seconds that an answer is shared: the view is for reading, not for the latest sale."""


@router.get("/api/explore")
async def split(request: Request, viewer: Asking) -> Response:
    """Return the split that the address asks for, as JSON."""
    asked = parse_split(request.query_params)
    answer = await _shared.get(viewer, asked, KEPT_SECONDS, lambda: _explore(asked))
    return packed_response(request, answer)


@router.get("/api/explore/choices")
def choices() -> dict[str, Any]:
    """Return the names of all measures and comparisons, and the kind of each dimension."""
    return {
        "measures": list(MEASURES),
        "dimensions": {name: dimension.kind for name, dimension in DIMENSIONS.items()},
        "against": AGAINST,
    }


def _explore(asked: Split) -> Packed:
    found = explore(druid(), DATASOURCE, asked, datetime.now(UTC), queries)
    return packed(found)
