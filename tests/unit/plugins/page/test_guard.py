"""The guard before Airflow's API server, if that serves only its own machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from airflow.configuration import conf
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from include.stack import airflow
from include.stack.settings import Settings
from ventas_airflow.page.guard import root_middlewares
from ventas_plugin import VentasPlugin

PATHS = ("/", "/auth/token", "/api/v2/dags", "/execution/health", "/ventas/api/live")


def configured(monkeypatch: pytest.MonkeyPatch, base_url: str, execution: str = "") -> TestClient:
    """Return a client of an app like Airflow's at a base URL, with the plugin's middlewares."""
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", execution)
    routes = [
        Route(path, lambda _: PlainTextResponse("there"), methods=["GET", "POST", "PATCH"])
        for path in PATHS
    ]
    made = [Middleware(each["middleware"], **each["kwargs"]) for each in root_middlewares()]
    return TestClient(Starlette(routes=routes, middleware=made), base_url=base_url or "http://a.b")


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]"])
@pytest.mark.parametrize("path", PATHS)
def test_local_airflow_answers_its_own_pages_and_refuses_other_sites(
    monkeypatch: pytest.MonkeyPatch, base: str, path: str
) -> None:
    client = configured(monkeypatch, base)
    own = {"Origin": base, "Sec-Fetch-Site": "same-origin"}
    for headers in ({}, own, {"Sec-Fetch-Site": "none"}):
        assert client.get(path, headers=headers).status_code == 200
        assert client.post(path, headers=headers).status_code == 200
    evil = "https://evil.example"
    assert client.post(path, headers={"Origin": evil}).status_code == 403
    assert client.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 421


def test_tasks_may_call_airflow_by_its_name_in_their_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    execution = "http://airflow-api-server:8080/execution/"
    client = configured(monkeypatch, "http://localhost:8080", execution)
    named = {"Host": "airflow-api-server:8080"}
    assert client.post("/execution/health", headers=named).status_code == 200
    evil = {**named, "Origin": "https://evil.example"}
    assert client.post("/execution/health", headers=evil).status_code == 403


@pytest.mark.parametrize("base", ["https://airflow.tienda.example", "http://10.0.0.3:8080", ""])
def test_airflow_with_another_address_has_no_guard(
    monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    client = configured(monkeypatch, base)
    assert client.get("/", headers={"Host": "anything.example"}).status_code == 200


def test_embedded_airflow_has_the_guard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables = airflow._configuration(Settings.from_environment({}), tmp_path)
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", variables["API__BASE_URL"])
    assert conf.get("api", "base_url") == "http://127.0.0.1:8080"
    assert [each["name"] for each in root_middlewares()] == ["web guard"]
    assert isinstance(VentasPlugin.fastapi_root_middlewares, list)
