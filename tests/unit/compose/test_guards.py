"""The guards of the Compose file, run with its own commands before a fake server."""

from __future__ import annotations

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from include.stack import proxy
from tests.support.server import serving_app
from tests.unit.compose.projects import project

GUARDED = {"guard-druid": "http://druid-router:8888", "guard-kafka-ui": "http://kafka-ui:8080"}


async def to_console(request: Request) -> Response:
    """Redirect as Druid's router does: to a page under the request's own host name."""
    return RedirectResponse(f"http://{request.headers['host']}/console.html")


@pytest.mark.parametrize("name", GUARDED)
def test_guard_refuses_other_sites_and_forwards_to_its_server(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = project()["services"][name]
    module, *options, server = [*service["entrypoint"], *service["command"]][2:]
    assert (module, server) == ("include.stack.proxy", GUARDED[name])
    served: list[ASGIApp] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **_: served.append(app))
    with serving_app(Starlette(routes=[Route("/", to_console, methods=["GET", "POST"])])) as url:
        assert proxy.main([*options, url]) == 0
        with TestClient(
            served[0], base_url="http://127.0.0.1:8888", follow_redirects=False
        ) as client:
            assert client.get("/").headers["location"] == "/console.html"
            assert client.get("/", headers={"Host": "evil.example"}).status_code == 421
            assert client.post("/", headers={"Origin": "http://evil.example"}).status_code == 403
