"""Access to the page's routes, and the answers to errors."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from fastapi import FastAPI, Request
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from include.page.filters import Filters
from include.waiting import wait_until
from tests.support.server import serving_app
from tests.unit.plugins.page.conftest import stays
from ventas_airflow.page import access, fair_threads, live
from ventas_airflow.page.access import viewer
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.app import MOST_BODY, RETRY_AFTER
from ventas_airflow.page.fair_threads import FairThreads
from ventas_airflow.page.packed import Packed, packed
from ventas_airflow.page.services import Viewer
from ventas_airflow.page.views import VIEWS


def test_every_route_answers_401_without_a_login(app: FastAPI) -> None:
    anonymous = TestClient(app)
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    assert len(routes) > 5
    for route in routes:
        for method in route.methods:
            answer = anonymous.request(method, route.path.replace("{path:path}", "page.js"))
            assert answer.status_code == 401, route.path


def test_browser_without_a_login_is_redirected_to_it(app: FastAPI) -> None:
    answer = TestClient(app).get("/vivo", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/auth/login/?next=/vivo")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_answers_the_shell_with_security_headers(reader: TestClient, view: str) -> None:
    answer = reader.get(f"/{view}")
    assert answer.status_code == 200
    assert 'src="static/page.js"' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_static_route_serves_only_files_of_its_folder(reader: TestClient) -> None:
    assert reader.get("/static/page.css").headers["Content-Type"].startswith("text/css")
    for outside in ("/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/nothing.js"):
        assert reader.get(outside).status_code == 404


def test_plotly_is_served_as_immutable_from_its_package(reader: TestClient) -> None:
    answer = reader.get(f"/{reader.get('/api/plotly').json()['src']}")
    assert "plotly.js v" in answer.text[:200]
    assert "immutable" in answer.headers["Cache-Control"]


def test_error_answer_has_a_status_a_code_and_a_sentence(reader: TestClient) -> None:
    away = reader.get("/api/live")
    assert (away.status_code, away.json()["code"]) == (503, "unreachable")
    assert "http://127.0.0.1:1 does not answer" in away.json()["error"]
    wrong = reader.get("/api/live?rango=2h")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "input")
    assert "No hay un rango '2h'" in wrong.json()["error"]
    english = reader.get("/api/live?rango=2h", headers={"Accept-Language": "en"})
    assert "There is no range '2h'" in english.json()["error"]
    nothing = reader.get("/nada").json()
    assert nothing["error"].startswith("No hay una vista 'nada'")
    assert nothing["code"] == "other"


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Event that lets the requests of «Ventas» end, which share one thread."""
    go = threading.Event()

    monkeypatch.setattr(live, "_overview", lambda _: go.wait(60) and packed({}))
    monkeypatch.setattr(live, "_shared", AnswerCache(turns=FairThreads(1, "test")))
    yield go
    go.set()


def test_viewer_with_too_many_requests_gets_429_and_others_are_answered(
    app: FastAPI, reader: TestClient, go: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_threads, "WAITING_OF_ONE", 3)
    with reader, ThreadPoolExecutor(20) as browsers:
        greedy = [browsers.submit(reader.get, f"/api/live?producto={n}") for n in range(20)]
        wait_until(lambda: sum(each.done() for each in greedy) >= 16, "16 answers", 60)
        app.dependency_overrides[viewer] = lambda: Viewer("another", stays)
        other = browsers.submit(reader.get, "/api/live")
        go.set()
        answers = [each.result() for each in greedy]
        assert other.result().status_code == 200
    busy = [answer for answer in answers if answer.status_code == 429]
    assert len(busy) == 16
    assert {answer.headers["Retry-After"] for answer in busy} == {str(RETRY_AFTER)}
    assert {answer.json()["code"] for answer in busy} == {"busy"}
    assert "probá de nuevo" in busy[0].json()["error"]


def test_request_whose_browser_has_left_is_not_begun(
    app: FastAPI, reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()
    made: list[str] = []

    def overview(filters: Filters) -> Packed:
        made.append(filters.rango)
        go.wait(60)
        return packed({})

    async def seen_leaving(request: Request) -> Viewer:
        """Return the viewer of `access.viewer`, and set `gone` once they have left."""
        vera = cast(BaseUser, SimpleNamespace(get_name=lambda: "vera"))
        found = await access.viewer(request, vera)

        async def left() -> None:
            await found.left()
            gone.set()

        return Viewer(found.name, left)

    gone = threading.Event()
    shared = AnswerCache(turns=FairThreads(1, "test"))
    monkeypatch.setattr(live, "_overview", overview)
    monkeypatch.setattr(live, "_shared", shared)
    app.dependency_overrides[viewer] = seen_leaving
    with serving_app(app) as url, ThreadPoolExecutor(2) as browsers:
        first = browsers.submit(httpx.get, f"{url}/api/live?rango=1h", timeout=60)
        wait_until(lambda: made, "the first request", 60, interval=0.01)
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{url}/api/live?rango=6h", timeout=0.5)
        assert gone.wait(60)
        last = browsers.submit(httpx.get, f"{url}/api/live?rango=24h", timeout=60)
        wait_until(lambda: len(shared._kept) == 3, "the last request", 60, interval=0.01)
        go.set()
        assert (first.result().status_code, last.result().status_code) == (200, 200)
    assert made == ["1h", "24h"]


@pytest.mark.parametrize("path", ["/api/sql", "/api/queries/top_products"])
@pytest.mark.parametrize("chunked", [False, True])
def test_too_large_body_is_refused_even_before_the_login(
    app: FastAPI, path: str, chunked: bool
) -> None:
    part = b"x" * 1024
    body = (part for _ in range(MOST_BODY // 1024 + 1))
    anonymous = TestClient(app)
    answer = anonymous.post(path, content=body if chunked else b"".join(body))
    assert answer.status_code == 413
    assert anonymous.post(path, content=part).status_code in (401, 422)


def test_unexpected_error_answers_500_and_is_logged_and_other_routes_work(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("for a test")

    monkeypatch.setattr(live, "druid", broken)
    answer = reader.get("/api/live?rango=7d")
    assert (answer.status_code, answer.json()) == (500, {"code": "unexpected", "error": "live"})
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "GET /api/live failed unexpectedly" in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert reader.get("/api/options").status_code == 200
