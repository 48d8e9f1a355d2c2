"""The page's app is created once: early in the API server, else at the first request."""

import asyncio
import sys
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from include.waiting import wait_until
from ventas_airflow.page import app as module
from ventas_airflow.page.mount import Page
from ventas_plugin import VentasPlugin


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Replace the page's app; return the list to which each created app is appended."""
    found: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope["type"])

    def create() -> Any:
        found.append("created")
        return app

    monkeypatch.setattr(module, "create_app", create)
    return found


def test_app_is_created_once_at_the_first_request(made: list[Any]) -> None:
    page = Page()
    for _ in range(2):
        asyncio.run(page({"type": "http"}, None, None))  # type: ignore[arg-type]
    assert made == ["created", "http", "http"]


def test_server_that_starts_creates_the_app_before_a_request_and_is_not_wrapped(
    made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "ventas_airflow.hooks.druid", raising=False)
    page = Page()
    with TestClient(Starlette(middleware=[Middleware(page.prepare)])) as client:
        wait_until(lambda: "ventas_airflow.hooks.druid" in sys.modules, "the imports", 60)
        assert made == ["created"]
        assert client.get("/nowhere").status_code == 404

    async def server(scope: Any, receive: Any, send: Any) -> None:
        pass

    assert page.prepare(server) is server


def test_airflow_gets_the_same_page_as_app_and_as_middleware() -> None:
    [app] = VentasPlugin.fastapi_apps
    prepare = VentasPlugin.fastapi_root_middlewares[-1]["middleware"]
    assert prepare.__self__ is app["app"]
