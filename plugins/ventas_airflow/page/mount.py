"""The page's path in Airflow, and its names in Airflow's navigation."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX: Final = "/ventas"
VIEWS: Final = {"vivo": "Ventas en vivo", "salud": "Salud del flujo", "consultas": "Consultas"}
"""Path of each view, and its name in Airflow's navigation."""


class Page:
    """The page's ASGI app, created at its first request.

    Every process of Airflow loads the plugins, but only the API server needs the app, whose
    imports take most of a second.
    """

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI request."""
        if self._app is None:
            from ventas_airflow.page.app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)
