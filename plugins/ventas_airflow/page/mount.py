"""The ASGI app that Airflow mounts: the API server creates the page's app beside its own start."""

from importlib import import_module
from threading import Lock, Thread

from starlette.types import ASGIApp, Receive, Scope, Send


class Page:
    """The page's ASGI app, created at its first request or by `prepare`.

    Every process of Airflow loads the plugins, but only the API server needs the app, whose
    imports take most of a second.
    """

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._lock = Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._made()(scope, receive, send)

    def prepare(self, server: ASGIApp) -> ASGIApp:
        """Begin to create the app, and to import the client of Druid, in a thread.

        This has the form of a middleware, since Airflow makes middlewares in the API server only;
        it returns the server itself, which is not wrapped.
        """
        Thread(target=self._prepare, name="ventas-prepare", daemon=True).start()
        return server

    def _prepare(self) -> None:
        self._made()
        import_module("ventas_airflow.hooks.druid")

    def _made(self) -> ASGIApp:
        with self._lock:
            if self._app is None:
                from ventas_airflow.page.app import create_app

                self._app = create_app()
            return self._app
