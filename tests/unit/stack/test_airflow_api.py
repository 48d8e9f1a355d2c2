"""The REST client against a small server that answers like Airflow's API server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from include.stack.airflow_api import AirflowApi, AirflowApiError
from include.stack.ports import free_ports

ANSWERS: dict[str, tuple[int, Any]] = {
    "GET /api/v2/dags/none": (404, {"detail": "The Dag with ID: `none` was not found"}),
    "GET /api/v2/dags/d/dagRuns?state=queued&state=running": (
        200,
        {"dag_runs": [{"dag_run_id": "scheduled__1"}, {"dag_run_id": "manual__1"}]},
    ),
    "PATCH /api/v2/dags/d/dagRuns/scheduled__1": (200, {}),
    "POST /api/v2/dags/d/dagRuns": (200, {"dag_run_id": "manual__1"}),
    "GET /api/v2/dags/d/dagRuns/r/taskInstances/t/xcomEntries/return_value": (
        200,
        {"value": {"a": 1}},
    ),
    "GET /api/v2/dags/d/dagRuns/r/taskInstances/t/logs/1?full_content=true&map_index=-1": (
        200,
        {"content": [{"event": "::group::start", "timestamp": None}, {"event": "hi"}, "plain"]},
    ),
}


class Airflow:
    def __init__(self) -> None:
        self.asked: list[tuple[str, Any, str | None]] = []
        self.turn_of_the_manual_run = False
        airflow = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.reply()

            def do_POST(self) -> None:
                self.reply()

            def do_PATCH(self) -> None:
                if self.path == "/api/v2/dags/d/dagRuns/scheduled__1":
                    airflow.turn_of_the_manual_run = True
                self.reply()

            def reply(self) -> None:
                text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                body = json.loads(text) if text else None
                call = f"{self.command} {self.path}"
                airflow.asked.append((call, body, self.headers.get("Authorization")))
                code, answer = ANSWERS.get(call, (404, {"detail": "no such thing"}))
                if call == "GET /api/v2/dags/d/dagRuns/manual__1":
                    state = "running" if airflow.turn_of_the_manual_run else "queued"
                    code, answer = 200, {"state": state}
                if call == "POST /auth/token":
                    good = body == {"username": "admin", "password": "right"}
                    code, answer = (201, {"access_token": "jwt"}) if good else (401, {})
                content = json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server() -> Iterator[Airflow]:
    airflow = Airflow()
    thread = threading.Thread(target=airflow.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield airflow
    airflow.server.shutdown()
    airflow.server.server_close()
    thread.join()


@pytest.fixture
def api(server: Airflow) -> AirflowApi:
    return AirflowApi(server.url, "admin", "right")


def test_trigger_starts_a_manual_run_as_the_logged_in_user(
    server: Airflow, api: AirflowApi
) -> None:
    assert api.trigger("d", {"seed": 7}) == "manual__1"
    # A manual run has no logical date.
    body = {"logical_date": None, "conf": {"seed": 7}}
    assert server.asked[-1] == ("POST /api/v2/dags/d/dagRuns", body, "Bearer jwt")


def test_make_way_fails_only_scheduled_runs(server: Airflow, api: AirflowApi) -> None:
    api.make_way("d", "manual__1")
    changed = [(call, body) for call, body, _ in server.asked if call.startswith("PATCH")]
    assert changed == [("PATCH /api/v2/dags/d/dagRuns/scheduled__1", {"state": "failed"})]


def test_log_has_one_line_per_event(api: AirflowApi) -> None:
    assert api.log("d", "r", "t", 1) == "::group::start\nhi\nplain"


def test_xcom_of_a_task_without_a_return_value_is_none(api: AirflowApi) -> None:
    assert api.xcom("d", "r", "t") == {"a": 1}
    assert api.xcom("d", "r", "other") is None


def test_refused_request_raises_with_the_request_and_the_answer(api: AirflowApi) -> None:
    with pytest.raises(AirflowApiError, match=r"404 to GET /dags/none: .*none` was not found"):
        api.dag("none")


def test_wrong_password_raises_without_the_password_in_the_message(server: Airflow) -> None:
    with pytest.raises(AirflowApiError, match="refused the login of 'admin'") as refused:
        AirflowApi(server.url, "admin", "wr0ng")
    assert "wr0ng" not in str(refused.value)


def test_unreachable_airflow_raises_with_its_address() -> None:
    [closed] = free_ports(1)
    with pytest.raises(AirflowApiError, match=f"http://127.0.0.1:{closed}"):
        AirflowApi(f"http://127.0.0.1:{closed}", "admin", "right")
