"""The operators that open and close the ingestion, against a small router."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from include.druid import client as druid_client
from include.druid.supervisor import supervisor_spec
from include.names import DATASOURCE, TOPIC
from include.stream import ledger, reader, transactions
from include.stream.errors import KafkaUnreachableError
from include.stream.reader import Offsets
from tests.unit.druid.support import SQL, SUPERVISORS, TASKS, Router, reading, status
from tests.unit.plugins.clock import Clock
from tests.unit.plugins.concurrent_runs.support import BACKFILL, SHARERS, Airflow
from ventas_airflow.operators.supervisor import (
    SubmitSupervisorOperator,
    SupervisorOperator,
    SuspendSupervisorOperator,
)
from ventas_airflow.operators.waiting import BRIEF, TRIGGERER_GRACE
from ventas_airflow.runs import Shard
from ventas_airflow.triggers.druid_reading import ReadingTrigger
from ventas_airflow.triggers.druid_supervisor import SupervisorTrigger

STATUS = f"{SUPERVISORS}/{DATASOURCE}/status"
RESUME = f"{SUPERVISORS}/{DATASOURCE}/resume"
SUSPEND = f"{SUPERVISORS}/{DATASOURCE}/suspend"
RESET = f"{SUPERVISORS}/{DATASOURCE}/reset"
RESET_OFFSETS = f"{SUPERVISORS}/{DATASOURCE}/resetOffsets"
KAFKA = {
    "bootstrap.servers": "127.0.0.1:1",
    "security.protocol": "SASL_SSL",
    "sasl.mechanisms": "PLAIN",
    "sasl.username": "u53r-of-kafka",
    "sasl.password": "s3cr3t-of-kafka",
}
TASK = {"id": "t", "type": "index_kafka"}
Context: Any = {"ti": None}
TRIGGERS = {
    f"{trigger.__module__}.{trigger.__name__}": trigger
    for trigger in (ReadingTrigger, SupervisorTrigger)
}


@pytest.fixture(autouse=True)
def _kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "kafka", "extra": KAFKA}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))
    monkeypatch.setattr(druid_client, "_RETRY", druid_client._RETRY.new(backoff_factor=0))


@pytest.fixture(autouse=True)
def held(monkeypatch: pytest.MonkeyPatch) -> dict[int, Offsets]:
    """The offsets of the topic in Kafka, which a test may change."""
    held = {0: Offsets(0, 100)}
    monkeypatch.setattr(reader, "offsets_of", lambda config, topic: held)
    return held


@pytest.fixture
def submitted(router: Router) -> Router:
    """Router of a Druid whose supervisor has a task at the topic's beginning."""
    router.on("POST", SUPERVISORS, (200, {"id": DATASOURCE}))
    reading(router, p0=0)
    return router


def submit(**changes: Any) -> SubmitSupervisorOperator:
    return SubmitSupervisorOperator(**{"task_id": "abrir", "poll_interval": 0.01, **changes})


def suspend(**changes: Any) -> SuspendSupervisorOperator:
    published = {"run": "una", "committed": 0}
    common = {"task_id": "cerrar", "poll_interval": 0.01, "published": published}
    return SuspendSupervisorOperator(**{**common, **changes})


def run(operator: SupervisorOperator) -> dict[str, Any]:
    """Execute a task; whenever it defers, run the trigger as the triggerer does, and resume."""
    go_on: Callable[[], dict[str, Any]] = partial(operator.execute, Context)
    while True:
        try:
            return go_on()
        except TaskDeferred as deferred:
            # The triggerer makes its own trigger from the stored JSON.
            path, stored = deferred.trigger.serialize()
            trigger: Any = TRIGGERS[path](**json.loads(json.dumps(stored)))
            event = asyncio.run(anext(trigger.run())).payload
            go_on = partial(getattr(operator, deferred.method_name), Context, event=event)


@pytest.mark.parametrize("deferrable", [True, False])
def test_submit_posts_the_spec_and_waits_until_the_tasks_read(
    submitted: Router, deferrable: bool
) -> None:
    submitted.on("GET", STATUS, (200, status("CREATING_TASKS")), (200, status("RUNNING")))
    result = run(submit(deferrable=deferrable))
    assert result["supervisor"] == DATASOURCE
    assert 0 <= result["seconds"] < 5
    assert submitted.asked[0].body == supervisor_spec(KAFKA, topic=TOPIC, datasource=DATASOURCE)
    assert submitted.times("GET", STATUS) == 2
    assert all(asked.headers["Authorization"].startswith("Basic ") for asked in submitted.asked)


def test_druid_login_refused_by_kafka_fails_at_once_with_the_remedy(
    submitted: Router,
) -> None:
    refused = status("UNABLE_TO_CONNECT_TO_STREAM", errors=("Authentication failed",))
    [error] = refused["payload"]["recentErrors"]
    error["exceptionClass"] = "org.apache.kafka.common.errors.SaslAuthenticationException"
    # After the start of the task: earlier complaints do not count.
    error["timestamp"] = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    submitted.on("GET", STATUS, (200, refused))
    with pytest.raises(AirflowFailException, match="Kafka refuses Druid's login: correct the key"):
        run(submit())


def test_submit_waits_until_the_supervisor_has_a_task(submitted: Router) -> None:
    submitted.on("GET", STATUS, (200, status()))
    submitted.on("GET", TASKS, (200, []), (200, []), *submitted.answers["GET", TASKS])
    run(submit())
    assert submitted.times("GET", STATUS) == 3


@pytest.mark.parametrize("deferrable", [True, False])
def test_offsets_of_a_deleted_topic_fail_at_once_with_the_remedy(
    submitted: Router, deferrable: bool
) -> None:
    """Druid itself reports RUNNING, and waits forever."""
    submitted.on("GET", STATUS, (200, status()))
    reading(submitted, p0=500)
    with pytest.raises(AirflowFailException, match=r"partition 0 at 500 of 100.*reset_offsets"):
        run(submit(deferrable=deferrable, timeout=300))


@pytest.mark.parametrize("wish", [True, "true"])
def test_offsets_of_a_deleted_topic_are_reset_if_reset_offsets_is_true(
    submitted: Router, wish: bool | str
) -> None:
    known = status()
    known["payload"]["activeTasks"] = [{"currentOffsets": {"0": 500}}]
    submitted.on("GET", STATUS, (200, status()), (200, known), (200, status()))
    reading(submitted, "old", p0=500)
    reading(submitted, "new", p0=0)
    old, new = ({"id": it, "type": "index_kafka", "statusCode": "RUNNING"} for it in ("old", "new"))
    submitted.on("GET", TASKS, (200, [old]), (200, [old]), (200, [new]))
    submitted.on("POST", RESET, (200, {"id": DATASOURCE}))
    run(submit(reset_offsets=wish))
    assert submitted.times("POST", RESET) == 1


def test_offsets_are_not_reset_again_for_an_earlier_complaint(
    submitted: Router, held: dict[int, Offsets], clock: Clock
) -> None:
    """Each reset ends the tasks, so repeated resets would never let a task read."""
    held[0] = Offsets(55, 60)
    complaint = (
        "Previous sequenceNumber [30] is no longer available for partition "
        "[KafkaTopicPartition{partition=0, topic='null', multiTopicPartition=false}]"
    )
    waits, reads = (status(state, errors=(complaint,)) for state in ("CREATING_TASKS", "RUNNING"))
    submitted.on("GET", STATUS, (200, waits), (200, waits), (200, reads))
    reading(submitted, p0=55)
    submitted.on("GET", TASKS, (200, []), (200, []), *submitted.answers["GET", TASKS])
    submitted.on("POST", RESET_OFFSETS, (200, {"id": DATASOURCE}))
    trigger = ReadingTrigger(
        druid_conn_id="druid_ingest_default",
        supervisor=DATASOURCE,
        kafka_conn_id="kafka_default",
        topic=TOPIC,
        reset_offsets=True,
        deadline=clock.now + 5,
        poll_interval=0.01,
        carry={"started": clock.now - 60},
    )
    assert asyncio.run(trigger.first_event())["status"] == "success"
    assert submitted.times("POST", RESET_OFFSETS) == 1


def test_reset_offsets_that_is_not_a_boolean_submits_nothing(submitted: Router) -> None:
    with pytest.raises(AirflowException, match="reset_offsets must be true or false, not 'sí'"):
        run(submit(reset_offsets="sí"))
    assert submitted.asked == []


def test_unreachable_kafka_is_polled_until_it_answers(
    submitted: Router, held: dict[int, Offsets], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [KafkaUnreachableError(KAFKA, 1.0), held]

    def offsets_of(*_: object) -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(reader, "offsets_of", offsets_of)
    submitted.on("GET", STATUS, (200, status()))
    run(submit())
    assert answers == []


@pytest.mark.parametrize("deferrable", [True, False])
def test_suspend_waits_until_every_segment_is_handed_off(router: Router, deferrable: bool) -> None:
    router.on("POST", SUSPEND, (200, {"id": DATASOURCE}))
    router.on("GET", STATUS, (200, status()), (200, status("SUSPENDED", suspended=True)))
    publishing, done = ([{**TASK, "statusCode": code}] for code in ("RUNNING", "SUCCESS"))
    router.on("GET", TASKS, (200, publishing), (200, done))
    router.on("POST", SQL, (200, [{"segment_id": "s"}]), (200, []))
    assert run(suspend(deferrable=deferrable))["supervisor"] == DATASOURCE
    looks = [router.times(*call) for call in (("GET", STATUS), ("GET", TASKS), ("POST", SQL))]
    assert looks == [4, 3, 2]


@pytest.mark.parametrize("deferrable", [True, False])
def test_suspend_does_nothing_while_another_run_ingests(router: Router, deferrable: bool) -> None:
    context: Any = {"ti": Airflow({BACKFILL: {"theirs": ("success", "success", None)}})}
    left = suspend(shared_by=SHARERS, deferrable=deferrable).execute(context)
    assert left["used_by"] == ["sales_backfill/theirs"]
    assert router.asked == []


def test_suspend_does_not_rely_on_a_run_that_is_closing(router: Router) -> None:
    """The other run may have left the ingestion to this run just before."""
    router.on("POST", SUSPEND, (404, {"error": "does not exist"}))
    context: Any = {"ti": Airflow({BACKFILL: {"theirs": ("success", "success", "running")}})}
    suspend(shared_by=SHARERS).execute(context)
    assert router.times("POST", SUSPEND) == 1


def test_suspend_succeeds_without_a_supervisor(router: Router) -> None:
    """The teardown of a run whose VM never had a supervisor must not fail it once more."""
    router.on("POST", SUSPEND, (404, {"error": "does not exist"}))
    assert run(suspend())["supervisor"] == DATASOURCE


def test_time_out_message_has_the_state_and_the_recent_errors(submitted: Router) -> None:
    lost = status("LOST_CONTACT_WITH_STREAM", errors=("Timeout expired while fetching metadata",))
    submitted.on("GET", STATUS, (200, lost))
    with pytest.raises(AirflowException) as late:
        run(submit(timeout=0.05))
    said = str(late.value)
    assert said.startswith(
        f"Timed out after 0.05 s: supervisor {DATASOURCE} is UNHEALTHY_SUPERVISOR (LOST_CONTACT"
    )
    assert "Timeout expired while fetching metadata" in said
    assert "/status" in said


def test_supervisor_that_disappears_during_the_wait_fails_at_once(submitted: Router) -> None:
    submitted.on("GET", STATUS, (200, status("PENDING")), (404, {"error": "gone"}))
    with pytest.raises(AirflowException, match=f"has no supervisor '{DATASOURCE}'"):
        run(submit(timeout=300))
    assert submitted.times("GET", STATUS) == 2


def test_spec_refused_by_druid_fails_at_once_with_its_message(
    router: Router,
) -> None:
    router.on("POST", SUPERVISORS, (400, {"error": "Cannot construct instance of KafkaIOConfig"}))
    with pytest.raises(druid_client.DruidError, match="Cannot construct instance"):
        run(submit())
    assert router.times("GET", STATUS) == 0


@pytest.mark.parametrize("deferrable", [True, False])
def test_restarting_druid_is_polled_until_the_deadline(submitted: Router, deferrable: bool) -> None:
    """The restart takes longer than the client's own retries: the task's deadline counts."""
    submitted.on("GET", STATUS, *[(503, b"no overlord leader")] * 20, (200, status("RUNNING")))
    assert run(submit(deferrable=deferrable))["supervisor"] == DATASOURCE


def test_short_wait_ends_in_the_tasks_own_process(submitted: Router, clock: Clock) -> None:
    submitted.on("GET", STATUS, *[(200, status("PENDING"))] * 5, (200, status("RUNNING")))
    assert submit(poll_interval=1).execute(Context)["seconds"] == pytest.approx(5)


def test_long_wait_is_deferred_with_its_deadline_and_no_secret(
    submitted: Router, clock: Clock
) -> None:
    submitted.on("GET", STATUS, (200, status("PENDING")))
    with pytest.raises(TaskDeferred) as deferred:
        submit(timeout=120, poll_interval=1).execute(Context)
    assert clock.passed == pytest.approx(BRIEF)
    stored = deferred.value.trigger.serialize()[1]
    assert stored["druid_conn_id"] == "druid_ingest_default"
    assert stored["deadline"] == clock.began + 120
    assert "s3cr3t" not in json.dumps(stored)
    # The trigger reports the deadline itself; Airflow's time-out is for a lost triggerer.
    assert deferred.value.timeout is not None
    seconds = deferred.value.timeout.total_seconds()
    assert seconds == pytest.approx(120 - BRIEF + TRIGGERER_GRACE)


def test_log_has_neither_secrets_nor_the_spec(
    submitted: Router, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    submitted.on("GET", STATUS, (200, status()))
    run(submit(deferrable=False))
    # Airflow's own logger writes to standard output, which `caplog` does not see.
    said = capsys.readouterr().out + caplog.text
    assert f"Submitted supervisor {DATASOURCE} of topic {TOPIC}" in said
    assert "s3cr3t" not in said
    assert "u53r" not in said
    assert "consumerProperties" not in said


@pytest.mark.parametrize("operator", [submit, suspend])
def test_unreachable_druid_is_named_with_its_address_at_the_deadline(
    submitted: Router, operator: Callable[..., SupervisorOperator]
) -> None:
    submitted.on("POST", SUSPEND, (200, {"id": DATASOURCE}))
    submitted.on("GET", STATUS, (504, b"gateway time-out"))
    with pytest.raises(
        AirflowException,
        match=rf"Timed out after 0.1 s: Druid at {submitted.url} is not available \(HTTP 504\)",
    ):
        run(operator(timeout=0.1))


SUSPENDED = (200, status("SUSPENDED", suspended=True))
FAILED = {**TASK, "statusCode": "FAILED", "createdTime": "2026", "errorMsg": "out of memory"}
NO_SEGMENT_LEFT: tuple[int, Any] = (200, [])


def rows(found: int) -> tuple[int, Any]:
    return 200, [{"row_count": found}]


@pytest.fixture
def failing(router: Router) -> Router:
    """Router of a Druid whose task ends without publishing the rows that it read."""
    router.on("POST", SUSPEND, (200, {"id": DATASOURCE}))
    router.on("POST", RESUME, (200, {"id": DATASOURCE}))
    router.on("GET", TASKS, (200, [FAILED]))
    return router


@pytest.mark.parametrize("deferrable", [True, False])
def test_rows_of_a_failed_task_are_read_again_before_suspend_succeeds(
    failing: Router, deferrable: bool
) -> None:
    failing.on("GET", STATUS, SUSPENDED, (200, status()), (200, status()), SUSPENDED)
    suspended = [NO_SEGMENT_LEFT, rows(280)]
    resumed = [rows(290), rows(300)]
    failing.on("POST", SQL, *suspended, *resumed, NO_SEGMENT_LEFT, rows(300))
    published = [{"run": "una", "committed": 100}, {"run": "otra", "committed": 200}]
    run(suspend(published=published, deferrable=deferrable))
    assert [failing.times("POST", path) for path in (SUSPEND, RESUME)] == [2, 1]
    asked = [it.body["parameters"] for it in failing.asked if it.path == SQL]
    assert {"type": "VARCHAR", "value": "otra\nuna"} in asked[1]


def test_rows_that_no_task_can_publish_fail_with_their_count_and_reason(
    failing: Router,
) -> None:
    again = [(200, status()), SUSPENDED]
    failing.on("GET", STATUS, SUSPENDED, *again, *again, *again)
    lacking = [NO_SEGMENT_LEFT, rows(280)]
    failing.on("POST", SQL, *lacking, *[rows(300), *lacking] * 3)
    with pytest.raises(AirflowFailException, match=r"lacks 20 of 300 rows .*out of memory"):
        run(suspend(published={"run": "una", "committed": 300}))
    assert [failing.times("POST", path) for path in (SUSPEND, RESUME)] == [4, 3]


def test_rows_missing_at_the_deadline_leave_the_ingestion_suspended(failing: Router) -> None:
    """The VM is stopped next in any case, so the existing rows must be handed off."""
    failing.on("GET", STATUS, SUSPENDED, (200, status()))
    failing.on("POST", SQL, NO_SEGMENT_LEFT, rows(280))
    with pytest.raises(AirflowException, match=r"after 0\.2 s: Druid lacks 20 of 300"):
        run(suspend(published={"run": "una", "committed": 300}, timeout=0.2))
    assert failing.times("POST", SUSPEND) == 2


@pytest.mark.parametrize(
    ("shards", "ids"),
    [
        (None, ["sales_window/una"]),
        ([], ["sales_window/una"]),
        (
            [{"start": 0, "stop": 5}, {"start": 5, "stop": 9}],
            ["sales_window/una/0", "sales_window/una/5"],
        ),
    ],
)
def test_every_publisher_of_the_run_is_fenced_before_its_rows_are_counted(
    router: Router, monkeypatch: pytest.MonkeyPatch, shards: list[Shard] | None, ids: list[str]
) -> None:
    done: list[str] = []

    def counted(*_: object, **__: object) -> dict[str, object]:
        done.append("counted")
        return {}

    monkeypatch.setattr(transactions, "fence", lambda _, name, **__: done.append(name))
    monkeypatch.setattr(ledger, "read_sums", counted)
    monkeypatch.setattr(SuspendSupervisorOperator, "_until", lambda *_: {})
    router.on("POST", SUSPEND, (200, {"id": DATASOURCE}))
    with DAG("sales_window", schedule=None):
        operator = suspend(published=None, shards=shards)
    dag_run = SimpleNamespace(run_id="una", run_after=datetime.now(UTC))
    context: Any = {"ti": None, "dag_run": dag_run}
    operator.execute(context)
    assert done == [*ids, "counted"]
