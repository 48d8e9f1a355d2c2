"""Where Airflow mounts the page, and what its navigation calls it."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

PREFIX: Final = "/ventas"
VIEWS: Final = {"vivo": "Ventas en vivo", "salud": "Salud del flujo", "consultas": "Consultas"}
"""Path of each view, and its name in Airflow's navigation."""


class Page:
    """The page's app, made when it is first asked for.

    Each of Airflow's processes loads the plugins, and only the API server needs what the app
    imports, which takes most of a second.
    """

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if self._app is None:
            from ventas_airflow.page.app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)
