"""ASGI middleware with the headers of each answer, and an answer to unexpected failures."""

import logging
from typing import Final

from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ventas_airflow.page.errors import UNEXPECTED

log = logging.getLogger(__name__)

HEADERS: Final = {
    # Plotly sets inline styles in its charts; scripts come from this server only.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


class Secured:
    """Adds `HEADERS` to each answer, and turns an unexpected error into an answer in JSON.

    Args:
        app: the page's app.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        begun = False

        async def send_secured(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if "/api/" in path:
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self._app(scope, receive, send_secured)
        except Exception:
            if begun:
                raise
            # Each part of a view has its own address, so only this part fails.
            log.exception("%s %s failed unexpectedly", scope["method"], path)
            body = {"code": UNEXPECTED, "error": path.rpartition("/api/")[2]}
            await JSONResponse(body, 500)(scope, receive, send_secured)
