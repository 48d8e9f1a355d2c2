"""The REST client against a small server that answers like Airflow's API server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from include.stack.airflow_api import AirflowApi, AirflowApiError
from include.stack.ports import free_ports
from tests.support.http_server import Answer, Request, serving

ANSWERS: dict[str, tuple[int, Any]] = {
    "GET /api/v2/dags/none": (404, {"detail": "The Dag with ID: `none` was not found"}),
    "GET /api/v2/dags/d/dagRuns?state=queued&state=running": (
        200,
        {"dag_runs": [{"dag_run_id": "scheduled__1"}, {"dag_run_id": "manual__1"}]},
    ),
    "PATCH /api/v2/dags/d/dagRuns/scheduled__1": (200, {}),
    "POST /api/v2/dags/d/dagRuns": (200, {"dag_run_id": "manual__1"}),
    "POST /api/v2/connections": (201, {}),
    "DELETE /api/v2/connections/c": (204, {}),
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
    """Answers as Airflow's API server, and keeps each call with its body and login."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, Any, str | None]] = []
        self.turn_of_the_manual_run = False
        self.locked = 0
        """Number of requests that fail because the database is locked."""

    def answer(self, request: Request) -> Answer:
        call, body = f"{request.method} {request.target}", request.body
        self.asked.append((call, body, request.headers.get("Authorization")))
        if self.locked:
            self.locked -= 1
            return Answer(500, {"detail": {"reason": "Database error"}})
        if call == "PATCH /api/v2/dags/d/dagRuns/scheduled__1":
            self.turn_of_the_manual_run = True
        if call == "GET /api/v2/dags/d/dagRuns/manual__1":
            return Answer(200, {"state": "running" if self.turn_of_the_manual_run else "queued"})
        if call == "POST /auth/token":
            good = body == {"username": "admin", "password": "right"}
            return Answer(201, {"access_token": "jwt"}) if good else Answer(401, {})
        return Answer(*ANSWERS.get(call, (404, {"detail": "no such thing"})))


@pytest.fixture
def server() -> Iterator[Airflow]:
    airflow = Airflow()
    with serving(airflow.answer) as airflow.url:
        yield airflow


@pytest.fixture
def api(server: Airflow) -> AirflowApi:
    return AirflowApi(server.url, "admin", "right")


def test_trigger_starts_a_manual_run_as_the_logged_in_user(
    server: Airflow, api: AirflowApi
) -> None:
    assert api.trigger("d", {"seed": 7}) == "manual__1"
    # A manual run has no logical date.
    body = {"logical_date": None, "conf": {"seed": 7}}
    api.trigger("d", {"seed": 7}, run_after=datetime(2026, 3, 1, tzinfo=UTC))
    later = {**body, "run_after": "2026-03-01T00:00:00+00:00"}
    assert server.asked[1:] == [
        ("POST /api/v2/dags/d/dagRuns", sent, "Bearer jwt") for sent in (body, later)
    ]


def test_connection_is_added_and_deleted(server: Airflow, api: AirflowApi) -> None:
    api.add_connection("c", {"host": "h"})
    api.delete_connection("c")
    assert [(call, body) for call, body, _ in server.asked[1:]] == [
        ("POST /api/v2/connections", {"connection_id": "c", "host": "h"}),
        ("DELETE /api/v2/connections/c", None),
    ]


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


def test_request_is_repeated_while_the_database_is_locked_unless_it_could_act_twice(
    server: Airflow, api: AirflowApi
) -> None:
    server.locked = 2
    api.end_run("d", "scheduled__1")
    assert [call for call, _, _ in server.asked[1:]] == [
        "PATCH /api/v2/dags/d/dagRuns/scheduled__1"
    ] * 3
    server.locked = 1
    with pytest.raises(AirflowApiError, match="500 to POST"):
        api.trigger("d", {})


def test_wrong_password_raises_without_the_password_in_the_message(server: Airflow) -> None:
    with pytest.raises(AirflowApiError, match="refused the login of 'admin'") as refused:
        AirflowApi(server.url, "admin", "wr0ng")
    assert "wr0ng" not in str(refused.value)


def test_unreachable_airflow_raises_with_its_address() -> None:
    [closed] = free_ports(1)
    with pytest.raises(AirflowApiError, match=f"http://127.0.0.1:{closed}"):
        AirflowApi(f"http://127.0.0.1:{closed}", "admin", "right")
