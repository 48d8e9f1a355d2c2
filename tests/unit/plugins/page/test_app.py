"""Who gets what of the page, and what is told when something is wrong."""

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from ventas_airflow.page import live
from ventas_airflow.page.mount import VIEWS


def test_without_a_login_no_route_answers(app: FastAPI) -> None:
    anonymous = TestClient(app)
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    assert len(routes) > 5
    for route in routes:
        for method in route.methods:
            answer = anonymous.request(method, route.path.replace("{path:path}", "page.js"))
            assert answer.status_code == 401, route.path


def test_a_browser_without_a_login_is_sent_to_it(app: FastAPI) -> None:
    answer = TestClient(app).get("/vivo", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/auth/login/?next=/vivo")


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_is_the_shell_with_security_headers(reader: TestClient, view: str) -> None:
    answer = reader.get(f"/{view}")
    assert answer.status_code == 200
    assert 'src="static/page.js"' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self';" in policy
    assert "frame-ancestors 'self'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_files_are_those_of_the_folder_and_no_others(reader: TestClient) -> None:
    assert reader.get("/static/page.css").headers["Content-Type"].startswith("text/css")
    for outside in ("/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/nothing.js"):
        assert reader.get(outside).status_code == 404


def test_plotly_comes_from_its_wheel_and_is_fetched_once(reader: TestClient) -> None:
    answer = reader.get(f"/{reader.get('/api/plotly').json()['src']}")
    assert "plotly.js v" in answer.text[:200]
    assert "immutable" in answer.headers["Cache-Control"]


def test_trouble_has_a_status_a_code_and_a_sentence(reader: TestClient) -> None:
    away = reader.get("/api/live")
    assert (away.status_code, away.json()["code"]) == (503, "unreachable")
    assert "does not answer at http://127.0.0.1:1" in away.json()["error"]
    wrong = reader.get("/api/live?rango=2h")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "input")
    assert "No hay un rango '2h'" in wrong.json()["error"]
    assert "There is no range '2h'" in wrong.json()["error_en"]
    nothing = reader.get("/nada").json()
    assert nothing["error"].startswith("No hay una vista 'nada'")
    assert nothing["code"] == "other"


def test_an_unexpected_error_of_one_address_is_told_and_logged_and_takes_no_other(
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
