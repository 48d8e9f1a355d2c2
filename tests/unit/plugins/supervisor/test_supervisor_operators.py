"""Opening and closing the ingestion, against a small router."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from include.druid import client as druid_client
from include.druid.supervisor import supervisor_spec
from tests.unit.druid.support import SQL, SUPERVISORS, TASKS, Router, status
from ventas_airflow.operators.supervisor import (
    SubmitSupervisorOperator,
    SupervisorOperator,
    SuspendSupervisorOperator,
)
from ventas_airflow.operators.waiting import TRIGGERER_GRACE
from ventas_airflow.triggers.druid_supervisor import SupervisorTrigger

STATUS = f"{SUPERVISORS}/ventas/status"
SUSPEND = f"{SUPERVISORS}/ventas/suspend"
KAFKA = {
    "bootstrap.servers": "127.0.0.1:1",
    "security.protocol": "SASL_SSL",
    "sasl.mechanisms": "PLAIN",
    "sasl.username": "u53r-of-kafka",
    "sasl.password": "s3cr3t-of-kafka",
}
Context: Any = {}


@pytest.fixture(autouse=True)
def _kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "kafka", "extra": KAFKA}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))
    monkeypatch.setattr(druid_client, "_RETRY", druid_client._RETRY.new(backoff_factor=0))


def submit(**changes: Any) -> SubmitSupervisorOperator:
    return SubmitSupervisorOperator(**{"task_id": "abrir", "poll_interval": 0.01, **changes})


def suspend(**changes: Any) -> SuspendSupervisorOperator:
    return SuspendSupervisorOperator(**{"task_id": "cerrar", "poll_interval": 0.01, **changes})


def run(operator: SupervisorOperator) -> dict[str, Any]:
    """Execute; if the task defers, wait as the triggerer does and resume."""
    try:
        return operator.execute(Context)
    except TaskDeferred as deferred:
        # Stored as JSON, the trigger is made anew in the triggerer.
        path, stored = deferred.trigger.serialize()
        assert path == f"{SupervisorTrigger.__module__}.SupervisorTrigger"
        trigger = SupervisorTrigger(**json.loads(json.dumps(stored)))
        event = asyncio.run(anext(trigger.run())).payload
        resumed: dict[str, Any] = getattr(operator, deferred.method_name)(Context, event=event)
        return resumed


@pytest.mark.parametrize("deferrable", [True, False])
def test_submit_posts_the_spec_and_waits_until_the_tasks_read(
    router: Router, deferrable: bool
) -> None:
    router.on("POST", SUPERVISORS, (200, {"id": "ventas"}))
    router.on("GET", STATUS, (200, status("CREATING_TASKS")), (200, status("RUNNING")))
    result = run(submit(deferrable=deferrable))
    assert result["supervisor"] == "ventas"
    assert 0 <= result["segundos"] < 5
    assert router.asked[0].body == supervisor_spec(KAFKA, topic="ventas", datasource="ventas")
    assert router.times("GET", STATUS) == 2
    assert all(asked.headers["Authorization"].startswith("Basic ") for asked in router.asked)


@pytest.mark.parametrize("deferrable", [True, False])
def test_suspend_waits_until_every_segment_is_handed_off(router: Router, deferrable: bool) -> None:
    router.on("POST", SUSPEND, (200, {"id": "ventas"}))
    router.on("GET", STATUS, (200, status()), (200, status("SUSPENDED", suspended=True)))
    publishing, done = ([{"id": "t", "statusCode": code}] for code in ("RUNNING", "SUCCESS"))
    router.on("GET", TASKS, (200, publishing), (200, done))
    router.on("POST", SQL, (200, [{"segment_id": "s"}]), (200, []))
    assert run(suspend(deferrable=deferrable))["supervisor"] == "ventas"
    looks = [router.times(*call) for call in (("GET", STATUS), ("GET", TASKS), ("POST", SQL))]
    assert looks == [4, 3, 2]


def test_suspending_what_was_never_opened_is_well(router: Router) -> None:
    """The teardown of a run whose VM never had a supervisor must not fail it once more."""
    router.on("POST", SUSPEND, (404, {"error": "does not exist"}))
    assert run(suspend())["supervisor"] == "ventas"


def test_the_deadlines_sentence_has_the_state_and_the_recent_errors(router: Router) -> None:
    router.on("POST", SUPERVISORS, (200, {"id": "ventas"}))
    lost = status("LOST_CONTACT_WITH_STREAM", errors=("Timeout expired while fetching metadata",))
    router.on("GET", STATUS, (200, lost))
    with pytest.raises(AirflowException) as late:
        run(submit(timeout=0.05))
    said = str(late.value)
    assert said.startswith("Given up after 0.05 s: ventas is UNHEALTHY_SUPERVISOR (LOST_CONTACT")
    assert "Timeout expired while fetching metadata" in said
    assert "/status" in said


def test_a_supervisor_that_vanishes_while_waiting_is_an_error_at_once(router: Router) -> None:
    router.on("POST", SUPERVISORS, (200, {"id": "ventas"}))
    router.on("GET", STATUS, (200, status("PENDING")), (404, {"error": "gone"}))
    with pytest.raises(AirflowException, match="has no supervisor 'ventas'"):
        run(submit(timeout=300))
    assert router.times("GET", STATUS) == 2


def test_a_spec_that_druid_refuses_fails_with_druids_words_and_does_not_wait(
    router: Router,
) -> None:
    router.on("POST", SUPERVISORS, (400, {"error": "Cannot construct instance of KafkaIOConfig"}))
    with pytest.raises(druid_client.DruidError, match="Cannot construct instance"):
        run(submit())
    assert router.times("GET", STATUS) == 0


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_druid_that_restarts_meanwhile_is_waited_for(router: Router, deferrable: bool) -> None:
    """Longer than the client itself tries again: the task's deadline decides."""
    router.on("POST", SUPERVISORS, (200, {"id": "ventas"}))
    router.on("GET", STATUS, *[(503, b"no overlord leader")] * 20, (200, status("RUNNING")))
    assert run(submit(deferrable=deferrable))["supervisor"] == "ventas"


def test_what_is_stored_for_the_triggerer_has_no_secret_and_a_deadline(router: Router) -> None:
    router.on("POST", SUPERVISORS, (200, {"id": "ventas"}))
    before = time.time()
    with pytest.raises(TaskDeferred) as deferred:
        submit(timeout=120).execute(Context)
    stored = deferred.value.trigger.serialize()[1]
    assert stored["druid_conn_id"] == "druid_ingest_default"
    assert before + 120 <= stored["deadline"] <= time.time() + 120
    assert "s3cr3t" not in json.dumps(stored)
    # The triggerer reports the deadline by itself; Airflow's own limit is for a lost triggerer.
    assert deferred.value.timeout is not None
    assert deferred.value.timeout.total_seconds() == pytest.approx(120 + TRIGGERER_GRACE, abs=5)


def test_no_log_line_has_a_secret_or_a_spec(
    router: Router, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    router.on("POST", SUPERVISORS, (200, {"id": "ventas"}))
    router.on("GET", STATUS, (200, status()))
    run(submit(deferrable=False))
    assert "s3cr3t" not in caplog.text
    assert "u53r" not in caplog.text
    assert "consumerProperties" not in caplog.text


@pytest.mark.parametrize("operator", [submit, suspend])
def test_a_druid_that_stays_away_is_named_with_its_address_at_the_deadline(
    router: Router, operator: Callable[..., SupervisorOperator]
) -> None:
    router.on("POST", SUPERVISORS, (200, {"id": "ventas"}))
    router.on("POST", SUSPEND, (200, {"id": "ventas"}))
    router.on("GET", STATUS, (504, b"gateway time-out"))
    with pytest.raises(
        AirflowException, match=f"Given up after 0.1 s: Druid at {router.url} still answers 504"
    ):
        run(operator(timeout=0.1))


def test_segments_that_could_not_be_published_fail_for_good(router: Router) -> None:
    """A retry would find no task and no segment left, and call it a success."""
    failed = {
        "id": "t",
        "statusCode": "FAILED",
        "createdTime": datetime.now(UTC).isoformat(),
        "duration": 1000,
        "errorMsg": "out of memory",
    }
    router.on("POST", SUSPEND, (200, {"id": "ventas"}))
    router.on("GET", STATUS, (200, status("SUSPENDED", suspended=True)))
    router.on("GET", TASKS, (200, [failed]))
    with pytest.raises(AirflowFailException, match="out of memory"):
        run(suspend())
