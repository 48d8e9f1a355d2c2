"""Routes of «Salud»: the parts while a service is away, and the permission to resume."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from include.names import CLOCK_SKEW, DATASOURCE, LEDGER_TOPIC, TOPIC
from include.page.flow_health import Part
from include.sales.sums import Cell, Sums
from include.stack.ports import free_ports
from include.stream import ledger
from include.stream.errors import KafkaUnreachableError
from include.stream.ledger import LedgerMinutes, RunProgress
from include.stream.reader import Offsets, offsets_of
from include.stream.topics import TopicMissingError
from tests.unit.druid.support import SQL, SUPERVISORS, Router, serving, status
from tests.unit.stack.compute.support import PROJECT, ZONE, MemoryPower, eventually, vm_body
from tests.unit.stack.compute.support import serving as serving_compute
from ventas_airflow.hooks import compute as compute_hook
from ventas_airflow.hooks.compute import VentasComputeEngineHook
from ventas_airflow.page import access, fair_threads, health
from ventas_airflow.page.access import can_run, may_run
from ventas_airflow.page.answer_cache import AnswerCache
from ventas_airflow.page.fair_threads import FairThreads

BEGAN = "2026-11-24T12:00:00Z"
STATUS, RESUME = (f"{SUPERVISORS}/{DATASOURCE}/{action}" for action in ("status", "resume"))
VM_PART = health._vm
KAFKA = {"bootstrap.servers": "127.0.0.1:1"}
AWAY = KafkaUnreachableError(KAFKA, 4.0)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer is kept, Kafka refuses at once, and the VM has run for an hour."""
    monkeypatch.setattr(health, "_shared", AnswerCache(clock=lambda: 0.0))
    monkeypatch.setattr(health, "_differed", set())
    connection = {"conn_type": "kafka", "extra": KAFKA}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))
    holds(monkeypatch, AWAY)
    minutes_of(monkeypatch, AWAY)
    run_is(monkeypatch, AWAY)
    vm = Part("good", "vm_on", numbers={"seconds": 3600.0})
    monkeypatch.setattr(health, "_vm", lambda: vm)


@pytest.fixture
def router(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    """A stand-in for Druid's router; without this fixture Druid is away."""
    with serving() as router:
        address = urlsplit(router.url)
        druid = {"conn_type": "druid", "host": address.hostname, "port": address.port}
        monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(druid))
        yield router


def look(client: TestClient, **asked: Any) -> dict[str, Any]:
    """Return the answer for what the browser read in Airflow: no run, unless `asked` has some."""
    answer = client.post("/api/health", json={"runs": [], "validations": [], **asked})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def part(client: TestClient, name: str, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = look(client, **asked)["parts"][name]
    return found


def run(**changes: Any) -> dict[str, Any]:
    """Return a window that publishes, as the browser sends it; Airflow's answer has more fields."""
    task = {"task_id": "publish_sales", "state": "running", "start_date": BEGAN}
    names = {"dag_id": "sales_window", "dag_run_id": "r1", "run_type": "manual", "note": None}
    moments = {"run_after": BEGAN, "queued_at": BEGAN, "start_date": BEGAN}
    return {**names, **moments, "state": "running", "conf": {}, "tasks": [task], **changes}


PARTS = {"cadence", "freshness", "ledger", "supervisor", "kafka", "vm", "windows", "validation"}


def test_every_part_has_a_state_while_all_services_are_away(reader: TestClient) -> None:
    found = look(reader)
    assert found["parts"].keys() == PARTS
    for name in ("cadence", "freshness", "supervisor", "ledger"):
        assert found["parts"][name]["numbers"]["code"] == "unreachable", name
    assert found["parts"]["kafka"]["reason"] == "kafka_unreachable"
    assert (found["state"], found["can_resume"]) == ("bad", False)


def test_parts_say_so_before_anything_is_ingested(reader: TestClient, router: Router) -> None:
    router.on("POST", SQL, (400, {"errorMessage": f"Object '{DATASOURCE}' not found"}))
    found = look(reader)["parts"]
    for name in ("cadence", "freshness"):
        assert (found[name]["reason"], found[name]["numbers"]["code"]) == ("trouble", "empty")
    assert found["supervisor"]["reason"] == "no_supervisor"


def test_part_with_an_unexpected_error_says_so_and_the_others_are_shown(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("for a test")

    monkeypatch.setattr(health, "offsets_of", broken)
    found = look(reader)["parts"]
    assert (found["kafka"]["state"], found["kafka"]["reason"]) == ("none", "trouble")
    assert found["kafka"]["numbers"] == {"code": "unexpected", "told": "health/kafka"}
    assert "ZeroDivisionError" in caplog.text
    assert found["supervisor"]["numbers"]["code"] == "unreachable"


def test_parts_that_the_browser_could_not_read_are_left_out(reader: TestClient) -> None:
    found = look(reader, runs=None, validations=None)
    assert found["parts"].keys() == PARTS - {"windows", "validation"}
    assert (found["windows"], found["validations"]) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b'{"runs": 1}',
        b"[" * 10_000,
        b'{"defaults": %s}' % (b'{"a":' * 10_000),
        json.dumps({"runs": [run(run_after="2026-11-24T12:00:00")]}).encode(),
        json.dumps({"runs": [run(dag_run_id="r" * 251)]}).encode(),
        json.dumps({"runs": [run(dag_run_id="")]}).encode(),
        json.dumps({"runs": [run(tasks=[], conf=None)] * 101}).encode(),
    ],
)
def test_malformed_request_is_refused(reader: TestClient, body: bytes) -> None:
    assert reader.post("/api/health", content=body).status_code == 422


def test_viewer_with_too_many_requests_gets_429_for_all_parts(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fair_threads, "WAITING_OF_ONE", 0)
    monkeypatch.setattr(health, "_shared", AnswerCache(turns=FairThreads(1, "test")))
    assert reader.post("/api/health", json={}).status_code == 429


def test_vm_is_idle_unless_a_run_of_a_dag_that_needs_it_is_active(reader: TestClient) -> None:
    for dag, reason in (("other", "vm_idle"), ("sales_backfill", "vm_on")):
        assert part(reader, "vm", runs=[run(dag_id=dag)])["reason"] == reason
    assert look(reader, runs=[run(dag_id="other")])["windows"] == []


def test_validations_have_their_states(reader: TestClient) -> None:
    ended = {"state": "failed", "run_after": BEGAN, "end_date": BEGAN}
    totals = {"error": 1, "warning": 0, "ok": 9, "skipped": 0}
    runs = [{**ended, "state": "running", "end_date": None}, {**ended, "totals": totals}]
    found = look(reader, validations=runs)
    assert found["validations"] == ["running", "bad"]
    assert found["parts"]["validation"]["reason"] == "validation_bad"
    assert found["parts"]["validation"]["numbers"] == totals


def test_repeated_requests_share_one_request_to_druid(reader: TestClient, router: Router) -> None:
    router.on("GET", STATUS, (200, status()))
    with reader:
        for _ in range(5):
            assert part(reader, "supervisor")["numbers"]["detailed_state"] == "RUNNING"
    assert router.times("GET", STATUS) == 1


def test_suspended_supervisor_can_be_resumed(reader: TestClient, router: Router) -> None:
    router.on("GET", STATUS, (200, status(suspended=True)))
    found = look(reader, runs=[run()])
    assert found["parts"]["supervisor"]["reason"] == "suspended_selling"
    assert found["can_resume"]


def holds(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, dict[int, Offsets]] | Exception
) -> None:
    def offsets_of(config: object, topic: str, *, timeout: float) -> dict[int, Offsets]:
        assert (config, timeout < 10) == (KAFKA, True)
        if isinstance(found, Exception):
            raise found
        return found[topic]

    monkeypatch.setattr(health, "offsets_of", offsets_of)


def test_kafka_part_has_the_offsets_of_both_topics(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(
        monkeypatch,
        {TOPIC: {1: Offsets(0, 9), 0: Offsets(2, 5)}, LEDGER_TOPIC: {0: Offsets(0, 7)}},
    )
    found = part(reader, "kafka")
    assert found["state"] == "good"
    assert [
        (it["topic"], it["partition"], it["start"], it["end"])
        for it in found["numbers"]["partitions"]
    ] == [
        (TOPIC, 0, 2, 5),
        (TOPIC, 1, 0, 9),
        (LEDGER_TOPIC, 0, 0, 7),
    ]


@pytest.mark.parametrize(
    ("fault", "state", "reason"),
    [
        (AWAY, "bad", "kafka_unreachable"),
        (TopicMissingError("no topic 'ventas'"), "none", "no_topic"),
    ],
)
def test_kafka_part_says_if_kafka_is_away_or_has_no_topics(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, fault: Exception, state: str, reason: str
) -> None:
    holds(monkeypatch, fault)
    found = part(reader, "kafka")
    assert (found["state"], found["reason"]) == (state, reason)
    assert found["numbers"]["address"] == "127.0.0.1:1"


def test_unreachable_kafka_is_given_up_after_four_seconds(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def recorded(config: dict[str, Any], topic: str, *, timeout: float) -> dict[int, Offsets]:
        waited.append(timeout)
        return offsets_of(config, topic, timeout=0.3)

    monkeypatch.setattr(health, "offsets_of", recorded)
    assert part(reader, "kafka")["reason"] == "kafka_unreachable"
    assert waited == [4.0]


def minutes_of(monkeypatch: pytest.MonkeyPatch, found: LedgerMinutes | Exception) -> None:
    def read_minutes(*_: object, time_limit: float, **__: object) -> LedgerMinutes:
        assert time_limit < 10
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(ledger, "read_minutes", read_minutes)


MINUTE = BEGAN
SUMS = {
    "eventos": 2,
    "unidades": 3,
    "importe_centavos": 5,
    "iva_centavos": 1,
    "descuento_centavos": 0,
}
ROW = {"corrida": "r1", "minuto": MINUTE, "estado": "aprobada", **SUMS}


def test_minute_that_differs_twice_in_a_row_is_bad(
    reader: TestClient, router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_sales", dict)
    minutes_of(
        monkeypatch, LedgerMinutes({Cell("r1", MINUTE, "aprobada"): Sums(2, 3, 5, 1, 0)}, set())
    )
    router.on("POST", SQL, (200, [ROW]), (200, []), (200, []), (200, [ROW]))
    states = []
    for _ in range(4):
        monkeypatch.setattr(health, "_shared", AnswerCache(clock=lambda: 0.0))
        states.append(part(reader, "ledger")["state"])
    assert states == ["good", "attention", "bad", "good"]
    # The supervisor's status is requested at the same time, and may come first.
    query = next(request for request in router.asked if request.path == SQL)
    assert query.body["context"]["timeout"] < 10_000


def test_unreadable_ledger_gives_no_data(
    reader: TestClient, router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_sales", dict)
    router.on("POST", SQL, (200, [ROW]))
    found = part(reader, "ledger")
    assert (found["state"], found["reason"]) == ("none", "ledger_unread")


def run_is(monkeypatch: pytest.MonkeyPatch, found: RunProgress | Exception) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = []

    def read_run(config: object, topic: str, corrida: str, **named: Any) -> RunProgress:
        asked.append({"topic": topic, "corrida": corrida, **named})
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(health, "read_run", read_run)
    return asked


FIRST = "2026-11-24T12:00:01.000Z"


def test_window_has_its_committed_sales_its_end_and_the_task_to_stop(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"pendiente": Sums(3, 3, 300), "aprobada": Sums(2, 2, 200)}
    asked = run_is(monkeypatch, RunProgress("r1", 7, 0, 2, FIRST, FIRST, states))
    [found] = look(reader, runs=[run()], defaults={"duration_minutes": 10.0})["windows"]
    committed = found.pop("committed")
    assert found == {
        "run": "r1",
        "stage": "publishing",
        "ends": "2026-11-24T12:10:01Z",
        "publisher": "publish_sales",
        "can_stop": True,
    }
    assert (committed["reason"], committed["since"]) == ("selling", "2026-11-24T12:00:01.000+00:00")
    assert {
        name: committed["numbers"][name] for name in ("sales", "events", "revenue_centavos")
    } == {
        "sales": 3,
        "events": 5,
        "revenue_centavos": 200,
    }
    [once] = asked
    assert (once["topic"], once["corrida"]) == (LEDGER_TOPIC, "r1")
    assert once["since"] < datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert once["time_limit"] < 10


@pytest.mark.parametrize(
    ("state", "can_stop"), [("running", True), ("up_for_retry", True), ("success", False)]
)
def test_window_can_be_stopped_until_it_has_published(
    reader: TestClient, state: str, can_stop: bool
) -> None:
    timetable = {"run_type": "scheduled", "data_interval_end": "2026-11-25T00:00:00Z"}
    tasks = [{"task_id": "load_sales", "state": state}]
    [found] = look(reader, runs=[run(tasks=tasks, **timetable)])["windows"]
    assert (found["can_stop"], found["publisher"]) == (can_stop, "load_sales")
    assert (found["ends"] is not None) == can_stop
    opening = run(tasks=[], start_date=None)
    [found] = look(reader, runs=[opening])["windows"]
    assert (found["stage"], found["can_stop"], found["publisher"]) == (
        "opening",
        True,
        "publish_sales",
    )


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (RunProgress("r1"), "no_sales"),
        (AWAY, "ledger_unread"),
        (TopicMissingError("no topic"), "no_topic"),
        (ZeroDivisionError("for a test"), "trouble"),
    ],
)
def test_window_without_known_sales_gives_no_data(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, found: RunProgress | Exception, reason: str
) -> None:
    run_is(monkeypatch, found)
    [window] = look(reader, runs=[run()])["windows"]
    assert (window["committed"]["state"], window["committed"]["reason"]) == ("none", reason)


def test_ledger_is_read_once_for_runs_since_the_same_minute_and_not_before_a_run_begins(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = run_is(monkeypatch, AWAY)
    with reader:
        for second in ("00", "00.000001", "59.999999"):
            look(reader, runs=[run(run_after=f"2026-11-24T12:00:{second}Z")])
        look(reader, runs=[run(run_after="2026-11-24T09:00:30-03:00")])
        look(reader, runs=[run(dag_run_id="r2", state="queued", start_date=None)])
    since = datetime(2026, 11, 24, 12, tzinfo=UTC) - CLOCK_SKEW
    assert [(each["corrida"], each["since"]) for each in asked] == [("r1", since)]


@pytest.fixture
def compute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a running Compute Engine emulator, which may answer as slowly as it must."""
    monkeypatch.setattr(compute_hook, "HTTP_TIMEOUT", 300.0)
    with serving_compute(MemoryPower(), tmp_path / "compute.json") as address:
        yield address


def place(monkeypatch: pytest.MonkeyPatch, address: str, **more: Any) -> None:
    monkeypatch.setattr(health, "_vm", VM_PART)
    extra = {"api_endpoint": address, "is_anonymous": True, "num_retries": 5}
    named = {"project": PROJECT, "zone": ZONE, "instance": "druid"}
    connection = {"conn_type": "google_cloud_platform", "extra": {**extra, **named, **more}}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))


def test_vm_part_has_the_connections_vm_and_its_cost_until_now(
    reader: TestClient, compute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, compute, usd_per_hour=3600)
    assert part(reader, "vm")["reason"] == "vm_missing"
    hook = VentasComputeEngineHook()
    vm = {"project_id": PROJECT, "zone": ZONE, "resource_id": "druid"}
    hook.begin_insert(**vm, body=vm_body())
    eventually(lambda: hook.vm_status(**vm) == "RUNNING")
    monkeypatch.setattr(health, "_shared", AnswerCache(clock=lambda: 0.0))

    found = part(reader, "vm", runs=[run()])

    assert (found["state"], found["reason"]) == ("good", "vm_on")
    assert found["numbers"]["cost_usd"] == pytest.approx(found["numbers"]["seconds"])
    assert (found["numbers"]["machine_type"], found["numbers"]["emulated"]) == (
        "n2-standard-4",
        True,
    )


def test_vm_in_another_of_its_zones_is_found(
    reader: TestClient, compute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "southamerica-west1-b"
    place(monkeypatch, compute, zones=f"southamerica-east1-c, {other}")
    vm = {"project_id": PROJECT, "zone": other, "resource_id": "druid"}
    VentasComputeEngineHook().begin_insert(**vm, body=vm_body(zone=other))
    assert part(reader, "vm")["numbers"]["zone"] == other


def test_unreachable_compute_engine_is_reported_without_retries(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    [port] = free_ports(1)
    place(monkeypatch, f"http://127.0.0.1:{port}")
    began = datetime.now(UTC)
    assert part(reader, "vm")["reason"] == "compute_unreachable"
    assert datetime.now(UTC) - began < timedelta(seconds=60), "the page asks again by itself"


def test_user_without_permission_cannot_resume_the_supervisor(app: FastAPI, router: Router) -> None:
    def refuse() -> None:
        raise HTTPException(403, "Forbidden")

    app.dependency_overrides |= {can_run: refuse, may_run: lambda: False}
    viewer = TestClient(app)
    assert viewer.get("/api/permissions").json() == {"run": False}
    assert viewer.post("/api/supervisor/resume").status_code == 403
    assert router.times("POST", RESUME) == 0


def test_user_who_may_run_windows_can_resume_the_supervisor(app: FastAPI, router: Router) -> None:
    app.dependency_overrides |= {can_run: lambda: None, may_run: lambda: True}
    user = TestClient(app)
    assert user.get("/api/permissions").json() == {"run": True}
    assert user.post("/api/supervisor/resume").json()["code"] == "no_supervisor"
    router.on("POST", RESUME, (200, {"id": DATASOURCE}))
    assert user.post("/api/supervisor/resume").json() == {"resumed": True}
    assert router.times("POST", RESUME) == 2


@pytest.mark.parametrize(("refused", "may"), [(None, True), (403, False)])
def test_may_run_follows_the_permission_of_the_buttons_routes(
    monkeypatch: pytest.MonkeyPatch, refused: int | None, may: bool
) -> None:
    def can_run(*_: object) -> None:
        if refused:
            raise HTTPException(refused)

    monkeypatch.setattr(access, "can_run", can_run)
    nobody: Any = None
    assert may_run(nobody, nobody) is may


def test_may_run_raises_errors_other_than_403(monkeypatch: pytest.MonkeyPatch) -> None:
    def can_run(*_: object) -> None:
        raise HTTPException(401)

    monkeypatch.setattr(access, "can_run", can_run)
    nobody: Any = None
    with pytest.raises(HTTPException):
        may_run(nobody, nobody)
