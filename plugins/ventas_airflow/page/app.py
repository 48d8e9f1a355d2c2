"""The page's FastAPI app: views, files and API, all behind Airflow's login."""

import hashlib
from collections.abc import Callable
from importlib import metadata, resources
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles

from include.texts import (
    InputError,
    chosen_language,
    languages,
    requested_language,
    table,
    text,
)
from include.web_guard import BodyLimit
from ventas_airflow.page import explore, findings, health, live, queries, reports, what_if, why
from ventas_airflow.page.access import CanRead
from ventas_airflow.page.errors import ANSWERS
from ventas_airflow.page.headers import Secured
from ventas_airflow.page.services import UnknownNameError
from ventas_airflow.page.views import VIEWS

STATIC: Final = Path(__file__).with_name("static")

MOST_BODY: Final = 128 * 1024
"""Most bytes of a request's body: the SQL box takes 20,000 characters, each up to six in JSON."""

RETRY_AFTER: Final = 2
"""Seconds after which a viewer with too many requests at once may ask again."""

_ROUTERS: Final = tuple(
    part.router for part in (explore, findings, health, live, queries, reports, what_if, why)
)


def create_app() -> FastAPI:
    """Return the app that Airflow's API server mounts."""
    # No generated docs: they would show the routes without a login.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[CanRead])
    app.add_middleware(BodyLimit, most=MOST_BODY)
    app.add_middleware(Secured)
    for router in _ROUTERS:
        app.include_router(router)
    files = StaticFiles(directory=STATIC)
    library = StaticFiles(directory=str(resources.files("plotly") / "package_data"))

    plotly_path = f"static/plotly/{metadata.version('plotly')}/plotly.min.js"

    @app.get("/api/texts")
    def texts(request: Request, language: str = "") -> Response:
        body = _page_texts(language if language in languages() else chosen_language())
        answer = Response(body, media_type="application/json")
        answer.headers["Cache-Control"] = "private, no-cache"
        answer.headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()}"'
        if files.is_not_modified(answer.headers, request.headers):
            return NotModifiedResponse(answer.headers)
        return answer

    @app.get("/api/plotly")
    def plotly_address() -> dict[str, str]:
        return {"src": plotly_path}

    @app.get(f"/{plotly_path}")
    async def plotly(request: Request) -> Response:
        # The address contains Plotly's version, so a browser fetches each version only once.
        answer = await library.get_response("plotly.min.js", request.scope)
        answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
        return answer

    @app.get("/static/{path:path}")
    async def static(request: Request, path: str) -> Response:
        answer = await files.get_response(path, request.scope)
        answer.headers["Cache-Control"] = "private, no-cache"
        return answer

    @app.get("/{view}")
    def view(view: str) -> Response:
        if view not in VIEWS:
            raise UnknownNameError("page_refusal.view", name=repr(view), known=", ".join(VIEWS))
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "private, no-cache"})

    app.add_exception_handler(HTTPException, _refused)
    for kind, (status, code) in ANSWERS.items():
        app.add_exception_handler(kind, _error_handler(status, code))
    return app


def _page_texts(language: str) -> bytes:
    """Return what the browser needs of a language, and the names of all languages, as JSON."""
    found = {
        "language": language,
        "locale": text("locale", language),
        "languages": {code: text("language", code) for code in languages()},
        "page": table(language)["page"],
    }
    return msgspec.json.encode(found)


def _error_handler(status: int, code: str) -> Callable[[Request, Exception], JSONResponse]:
    def handle(request: Request, error: Exception) -> JSONResponse:
        language = requested_language(request.headers.get("accept-language", ""))
        message = error.text(language) if isinstance(error, InputError) else str(error)
        headers = {"Retry-After": str(RETRY_AFTER)} if status == 429 else None
        return JSONResponse({"code": code, "error": message}, status, headers)

    return handle


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what the handler is registered for
    if error.status_code == 401 and "text/html" in request.headers.get("accept", ""):
        back = quote(str(request.url.path))
        return RedirectResponse(f"/auth/login/?next={back}", 302)
    code = "access" if error.status_code in (401, 403) else "other"
    return JSONResponse({"code": code, "error": str(error.detail)}, error.status_code)
