"""The ASGI app that Airflow mounts: it creates the page's app at the first request."""

from starlette.types import ASGIApp, Receive, Scope, Send


class Page:
    """The page's ASGI app, created at its first request.

    Every process of Airflow loads the plugins, but only the API server needs the app, whose
    imports take most of a second.
    """

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            from ventas_airflow.page.app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)
