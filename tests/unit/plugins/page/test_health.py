"""Routes of «Salud del flujo»: each part while a service is away, and the permission to resume."""

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

from include.stack.ports import free_ports
from include.stream import ledger
from include.stream.errors import KafkaUnreachableError
from include.stream.ledger import LedgerMinutes, RunProgress, Totals
from include.stream.reader import Offsets, offsets_of
from include.stream.topics import TopicMissingError
from tests.unit.druid.support import SQL, SUPERVISORS, Router, serving, status
from tests.unit.stack.compute.support import PROJECT, ZONE, MemoryPower, eventually, vm_body
from tests.unit.stack.compute.support import serving as serving_compute
from ventas_airflow.hooks.compute import VentasComputeEngineHook
from ventas_airflow.page import access, health
from ventas_airflow.page.access import can_run, may_run
from ventas_airflow.page.answer_cache import AnswerCache

STATUS, RESUME = (f"{SUPERVISORS}/ventas/{action}" for action in ("status", "resume"))
KAFKA = {"bootstrap.servers": "127.0.0.1:1"}
AWAY = KafkaUnreachableError(KAFKA, 4.0)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_shared", AnswerCache())
    monkeypatch.setattr(health, "_differed", set())
    connection = {"conn_type": "kafka", "extra": KAFKA}
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", json.dumps(connection))


@pytest.fixture
def router(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Router]:
    """A stand-in for Druid's router; without this fixture Druid is away."""
    with serving() as router:
        address = urlsplit(router.url)
        druid = {"conn_type": "druid", "host": address.hostname, "port": address.port}
        monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(druid))
        yield router


def part(client: TestClient, name: str, **parameters: str) -> dict[str, Any]:
    answer = client.get(f"/api/health/{name}", params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_unreachable_druid_answers_503_for_the_parts_that_query_it(reader: TestClient) -> None:
    for name in ("sales", "supervisor", "ledger"):
        answer = reader.get(f"/api/health/{name}")
        assert (answer.status_code, answer.json()["code"]) == (503, "unreachable"), name


def test_parts_say_so_before_anything_is_ingested(reader: TestClient, router: Router) -> None:
    router.on("POST", SQL, (400, {"errorMessage": "Object 'ventas' not found"}))
    assert reader.get("/api/health/sales").json()["code"] == "empty"
    assert part(reader, "supervisor")["reason"] == "no_supervisor"


def test_repeated_requests_share_one_request_to_druid(reader: TestClient, router: Router) -> None:
    router.on("GET", STATUS, (200, status()))
    with reader:
        for _ in range(5):
            assert part(reader, "supervisor")["numbers"]["detalle"] == "RUNNING"
    assert router.times("GET", STATUS) == 1


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
        {"ventas": {1: Offsets(0, 9), 0: Offsets(2, 5)}, "ventas.ledger": {0: Offsets(0, 7)}},
    )
    found = part(reader, "kafka")
    assert found["state"] == "good"
    assert [
        (it["topico"], it["particion"], it["start"], it["end"])
        for it in found["numbers"]["particiones"]
    ] == [
        ("ventas", 0, 2, 5),
        ("ventas", 1, 0, 9),
        ("ventas.ledger", 0, 0, 7),
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
    assert found["numbers"]["direccion"] == "127.0.0.1:1"


def test_unreachable_kafka_is_given_up_after_four_seconds(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def recorded(config: dict[str, Any], topic: str, *, timeout: float) -> dict[int, Offsets]:
        waited.append(timeout)
        return offsets_of(config, topic, timeout=timeout)

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


MINUTE = "2026-11-24T12:00:00Z"
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
    minutes_of(monkeypatch, LedgerMinutes({("r1", MINUTE, "aprobada"): (2, 3, 5, 1, 0)}, set()))
    router.on("POST", SQL, (200, [ROW]), (200, []), (200, []), (200, [ROW]))
    states = []
    for _ in range(4):
        monkeypatch.setattr(health, "_shared", AnswerCache())
        states.append(part(reader, "ledger")["state"])
    assert states == ["good", "attention", "bad", "good"]
    assert router.asked[0].body["context"]["timeout"] < 10_000


def test_unreadable_ledger_gives_no_data(
    reader: TestClient, router: Router, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes_of(monkeypatch, AWAY)
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


def test_window_part_has_the_committed_sales(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = {"pendiente": Totals(3, 3, 300), "aprobada": Totals(2, 2, 200)}
    first = "2026-11-24T12:00:01.000Z"
    asked = run_is(monkeypatch, RunProgress("r1", 7, 0, 2, first, first, states))
    found = part(reader, "window", run="r1", since="2026-11-24T12:00:00Z")
    assert (found["reason"], found["since"]) == ("selling", "2026-11-24T12:00:01.000+00:00")
    assert {
        name: found["numbers"][name] for name in ("ventas", "eventos", "facturado_centavos")
    } == {
        "ventas": 3,
        "eventos": 5,
        "facturado_centavos": 200,
    }
    [once] = asked
    assert (once["topic"], once["corrida"]) == ("ventas.ledger", "r1")
    assert once["since"] < datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert once["time_limit"] < 10


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (RunProgress("r1"), "no_sales"),
        (AWAY, "ledger_unread"),
        (TopicMissingError("no topic"), "no_topic"),
    ],
)
def test_window_without_known_sales_gives_no_data(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, found: RunProgress | Exception, reason: str
) -> None:
    run_is(monkeypatch, found)
    told = part(reader, "window", run="r1", since="2026-11-24T12:00:00Z")
    assert (told["state"], told["reason"]) == ("none", reason)


def test_requests_since_the_same_minute_read_the_ledger_once(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[datetime] = []

    def read_run(*_: object, since: datetime, **__: object) -> RunProgress:
        asked.append(since)
        raise AWAY

    monkeypatch.setattr(health, "read_run", read_run)
    with reader:
        for second in ("00", "00.000001", "59.999999"):
            part(reader, "window", run="r1", since=f"2026-11-24T12:00:{second}Z")
        part(reader, "window", run="r1", since="2026-11-24T09:00:30-03:00")
    assert asked == [datetime(2026, 11, 24, 12, tzinfo=UTC) - health._CLOCK_SKEW]


@pytest.mark.parametrize("since", ["2026-11-24T12:00:00", "ayer", ""])
def test_moment_without_a_time_zone_is_refused(reader: TestClient, since: str) -> None:
    assert reader.get("/api/health/window", params={"run": "r1", "since": since}).status_code == 422


@pytest.fixture
def compute(tmp_path: Path) -> Iterator[str]:
    """Address of a running Compute Engine emulator."""
    with serving_compute(MemoryPower(), tmp_path / "compute.json") as address:
        yield address


def place(monkeypatch: pytest.MonkeyPatch, address: str, **more: Any) -> None:
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
    monkeypatch.setattr(health, "_shared", AnswerCache())

    found = part(reader, "vm")

    assert (found["state"], found["reason"]) == ("good", "vm_on")
    assert found["numbers"]["costo_usd"] == pytest.approx(found["numbers"]["segundos"])
    assert (found["numbers"]["tipo"], found["numbers"]["emulada"]) == ("n2-standard-4", True)


def test_vm_in_another_of_its_zones_is_found(
    reader: TestClient, compute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "southamerica-west1-b"
    place(monkeypatch, compute, zones=f"southamerica-east1-c, {other}")
    vm = {"project_id": PROJECT, "zone": other, "resource_id": "druid"}
    VentasComputeEngineHook().begin_insert(**vm, body=vm_body(zone=other))
    assert part(reader, "vm")["numbers"]["zona"] == other


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
    router.on("POST", RESUME, (200, {"id": "ventas"}))
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
