"""Routes of the view «Reportes»: the list of the days' reports, the latest one, and each one."""

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from include.page.reports.render import brief, render
from include.texts import languages, requested_language
from ventas_airflow import reports
from ventas_airflow.page.access import Asking
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.services import UnknownNameError, Viewer

T = TypeVar("T")

router = APIRouter()
_shared: Final = AnswerCache()

LISTED: Final = 400
"""Most reports of the list, about a year of days."""

KEPT_SECONDS: Final = 10.0
"""Seconds that an answer is shared: a new report appears that late, and a bucket is slow."""

_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    ),
    "Cache-Control": "private, no-cache",
}


@router.get("/api/reports")
async def listed(viewer: Asking) -> Response:
    """Return the reports, the latest first: name, and end as epoch milliseconds."""
    return _json(await _ask(viewer, "list", _list))


@router.get("/api/reports/latest")
async def latest(request: Request, viewer: Asking, language: str = "") -> Response:
    """Return name and `Brief` of the latest report; null without a report."""
    asked = _language(request, language)
    return _json(await _ask(viewer, ("latest", asked), lambda: _latest(asked)))


@router.get("/reports/{name}")
async def report(
    request: Request, viewer: Asking, name: str, language: str = "", stores: bool = False
) -> Response:
    """Return a report as HTML; with `stores`, also a page for each store."""
    asked = _language(request, language)
    page = await _ask(viewer, (name, asked, stores), lambda: _render(name, asked, stores))
    if page is None:
        raise UnknownNameError("page_refusal.report", name=repr(name[:40]))
    return HTMLResponse(page, headers=_HEADERS)


async def _ask(viewer: Viewer, key: Hashable, make: Callable[[], T]) -> T:
    answer: T = await _shared.get(viewer, key, KEPT_SECONDS, make)
    return answer


def _list() -> list[dict[str, Any]]:
    return [{"name": name, "end": reports.end_of(name)} for name in reports.names(LISTED)]


def _latest(language: str) -> dict[str, Any] | None:
    name = next(iter(reports.names(1)), "")
    found = reports.read(name)
    if not found:
        return None
    told = brief(found, language)
    figures = [
        {**figure._asdict(), "changes": [change._asdict() for change in figure.changes]}
        for figure in told.figures
    ]
    return {"name": name, **told._asdict(), "figures": figures}


def _render(name: str, language: str, stores: bool) -> str | None:
    found = reports.read(name)
    return render(found, language, by_store=stores) if found else None


def _language(request: Request, asked: str) -> str:
    known = asked in languages()
    return asked if known else requested_language(request.headers.get("accept-language", ""))


def _json(content: object) -> Response:
    return Response(msgspec.json.encode(content), media_type="application/json")
