"""The triggers, run against the emulator and a small router."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from airflow.sdk import Connection
from airflow.serialization.serialized_objects import BaseSerialization

from tests.unit.plugins.clock import Clock
from tests.unit.plugins.compute.conftest import EVERY_SERVER, Druid
from tests.unit.stack.compute.support import PROJECT, ZONE, MemoryPower, eventually, vm_body
from ventas_airflow.hooks.compute import VentasComputeEngineHook, VmState
from ventas_airflow.hooks.druid import router_url
from ventas_airflow.triggers import druid_health
from ventas_airflow.triggers.druid_health import (
    LOST_INTERVAL,
    DruidHealthTrigger,
    VmStatusTrigger,
    VmTrigger,
    VmWatchTrigger,
)

VM = {"project_id": PROJECT, "zone": ZONE, "resource_id": "druid"}


def common(**changes: Any) -> dict[str, Any]:
    return {
        "vm": VM,
        "gcp_conn_id": "google_cloud_default",
        "operation": None,
        "deadline": time.time() + 600,
        "poll_interval": 0.05,
        "carry": {"action": "created"},
        **changes,
    }


def health(**changes: Any) -> DruidHealthTrigger:
    return DruidHealthTrigger(druid_conn_id="druid_ingest_default", **common(**changes))


def watch(**changes: Any) -> VmWatchTrigger:
    return VmWatchTrigger(
        run={"dag_id": "d", "run_id": "r"},
        task_ids=["publish_sales"],
        druid_conn_id="druid_ingest_default",
        datasource="ventas",
        **common(**changes),
    )


def test_watch_that_was_stored_without_druid_can_be_made() -> None:
    _, stored = watch().serialize()
    del stored["druid_conn_id"], stored["datasource"]
    _, made = VmWatchTrigger(**stored).serialize()
    assert (made["druid_conn_id"], made["datasource"]) == ("druid_ingest_default", "ventas")


async def first_event(trigger: VmTrigger) -> Any:
    async for event in trigger.run():
        return event.payload
    return None


@pytest.fixture
def hook(endpoint: str) -> VentasComputeEngineHook:
    return VentasComputeEngineHook()


@pytest.fixture
def running(hook: VentasComputeEngineHook) -> VentasComputeEngineHook:
    hook.begin_insert(**VM, body=vm_body())
    eventually(lambda: hook.vm_status(**VM) == "RUNNING")
    return hook


def test_druid_is_healthy_if_the_router_lists_every_needed_server(
    running: VentasComputeEngineHook, druid: Druid
) -> None:
    assert asyncio.run(first_event(health()))["status"] == "success"
    assert druid.asked[0]["path"] == "/druid/v2/sql"
    assert "sys.servers" in druid.asked[0]["query"]
    assert druid.logins == [None]


def test_trigger_waits_until_the_last_server_is_listed(
    running: VentasComputeEngineHook, druid: Druid
) -> None:
    async def come_late() -> Any:
        druid.servers = EVERY_SERVER[:-1]
        waiting = asyncio.create_task(first_event(health()))
        while len(druid.asked) < 3:
            await asyncio.sleep(0.02)
        assert not waiting.done()
        druid.servers = EVERY_SERVER
        return await waiting

    assert asyncio.run(come_late())["status"] == "success"


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (503, b"starting", "Druid at {url} is not available (HTTP 503): starting"),
        (500, b"broken", "Druid at {url} answered 500: broken"),
        (200, b"<html>", "Druid at {url} sent an incomplete answer, which ends in: <html>"),
        (200, b'{"error": "x"}', 'What answers at {url} is not Druid: {{"error": "x"}}'),
        (200, b"[]", "Druid at {url} lacks coordinator or overlord, broker, historical, router"),
    ],
)
def test_event_at_the_deadline_says_what_is_missing(
    running: VentasComputeEngineHook,
    druid: Druid,
    clock: Clock,
    status: int,
    body: bytes,
    told: str,
) -> None:
    druid.status, druid.body = status, body
    event = asyncio.run(first_event(health(deadline=clock.now + 0.2)))
    assert len(druid.asked) > 1
    assert event["status"] == "timeout"
    assert f"VM druid is RUNNING. {told.format(url=druid.url)}" in event["message"]


def test_unreachable_router_is_polled_until_the_deadline(
    running: VentasComputeEngineHook, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = {"conn_type": "druid", "host": "127.0.0.1", "port": 9, "schema": "http"}
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(connection))
    event = asyncio.run(first_event(health(deadline=clock.now + 0.2)))
    assert event["status"] == "timeout"
    assert clock.passed > 0
    assert "Druid at http://127.0.0.1:9 does not answer (ConnectionError)" in event["message"]


@pytest.mark.parametrize("status", [401, 403])
def test_refused_login_ends_the_wait_without_showing_the_password(
    running: VentasComputeEngineHook, druid: Druid, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    connection = {
        "conn_type": "druid",
        "host": "127.0.0.1",
        "port": druid.server.server_port,
        "schema": "http",
        "login": "airflow",
        "password": "s3creto",
    }
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(connection))
    druid.status = status
    trigger = health()
    event = asyncio.run(first_event(trigger))
    assert druid.logins[0] is not None
    assert druid.logins[0].startswith("Basic ")
    assert event["status"] == "error"
    told = f"'druid_ingest_default': Druid at {druid.url} refused the login (HTTP {status})"
    assert told in event["message"]
    assert "s3creto" not in json.dumps([event, trigger.serialize()])


def test_vm_that_stops_meanwhile_ends_the_wait_at_once(
    running: VentasComputeEngineHook, druid: Druid
) -> None:
    async def turn_off() -> Any:
        druid.servers = ()
        waiting = asyncio.create_task(first_event(health()))
        while not druid.asked:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(running.begin_stop, **VM)
        return await waiting

    event = asyncio.run(turn_off())
    assert event["status"] == "error"
    assert "so Druid at" in event["message"]


def test_missing_vm_ends_the_wait_at_once(hook: VentasComputeEngineHook, druid: Druid) -> None:
    event = asyncio.run(first_event(health()))
    assert event["status"] == "error"
    assert "VM druid is missing" in event["message"]


def test_unreachable_compute_engine_is_polled_until_the_deadline(
    endpoint: str, druid: Druid, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    extra = {"api_endpoint": "http://127.0.0.1:9", "is_anonymous": True}
    connection = {"conn_type": "google_cloud_platform", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))
    event = asyncio.run(first_event(health(deadline=clock.now + 0.2)))
    assert event["status"] == "timeout"
    assert clock.passed > 0
    assert "Compute Engine does not answer at http://127.0.0.1:9" in event["message"]


def test_hopeless_status_ends_the_wait_with_an_error(
    running: VentasComputeEngineHook,
) -> None:
    wanted = VmStatusTrigger(statuses=["TERMINATED", None], hopeless=["RUNNING"], **common())
    event = asyncio.run(first_event(wanted))
    assert event == {
        "status": "error",
        "message": "VM druid is RUNNING and does not become TERMINATED or missing: "
        "somebody else changed it",
        "carry": {"action": "created"},
    }


def test_hopeless_status_does_not_end_the_wait_during_the_operation(
    running: VentasComputeEngineHook, power: MemoryPower, clock: Clock
) -> None:
    power.held = True
    operation = running.begin_stop(**VM)
    wanted = VmStatusTrigger(
        statuses=["TERMINATED"],
        hopeless=["STOPPING"],
        **common(operation=operation, deadline=clock.now + 0.2),
    )
    event = asyncio.run(first_event(wanted))
    assert event["status"] == "timeout"
    assert f"operation {operation} is in progress" in event["message"]


@pytest.fixture
def publishing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run's tasks publish for ever."""
    monkeypatch.setattr(druid_health, "have_ended", lambda **_: False)


@pytest.mark.usefixtures("publishing")
def test_task_that_no_worker_runs_at_two_looks_is_reported_as_lost(
    running: VentasComputeEngineHook, druid: Druid, clock: Clock
) -> None:
    druid.believed, druid.run = ["lost", "alive"], ["alive"]
    event = asyncio.run(first_event(watch(poll_interval=2)))
    assert event == {
        "status": "lost",
        "message": "Druid has lost the tasks lost",
        "lost": ["lost"],
        "carry": {"action": "created"},
    }
    assert druid.looks == 2
    assert clock.passed == 2 * LOST_INTERVAL


@pytest.mark.usefixtures("publishing")
@pytest.mark.parametrize("status", [401, 404, 503])
def test_watch_goes_on_if_druid_does_not_list_its_tasks(
    running: VentasComputeEngineHook,
    druid: Druid,
    clock: Clock,
    status: int,
) -> None:
    druid.believed, druid.status = ["lost"], status
    event = asyncio.run(first_event(watch(poll_interval=2, deadline=clock.now + 60)))
    assert event["status"] == "timeout"
    told = "publish_sales still run; whether Druid has lost tasks is not known: Druid at"
    assert told in event["message"]


@pytest.mark.usefixtures("publishing")
def test_druid_is_not_asked_while_its_vm_starts(
    running: VentasComputeEngineHook, druid: Druid, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting = VmState(status="STAGING", settled=True, trouble="")
    monkeypatch.setattr(VentasComputeEngineHook, "look", lambda *_, **__: starting)
    event = asyncio.run(first_event(watch(poll_interval=2, deadline=clock.now + 60)))
    assert event["status"] == "timeout"
    assert druid.looks == 0


@pytest.mark.parametrize(
    "trigger",
    [
        health(),
        VmStatusTrigger(statuses=["TERMINATED", None], hopeless=["RUNNING"], **common()),
        watch(),
    ],
)
def test_serialised_trigger_is_read_back_equal(trigger: VmTrigger) -> None:
    path, arguments = trigger.serialize()
    assert path == f"ventas_airflow.triggers.druid_health.{type(trigger).__name__}"
    carried = BaseSerialization.deserialize(BaseSerialization.serialize(arguments))
    assert type(trigger)(**carried).serialize() == (path, arguments)


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        ({"host": "10.0.0.5", "port": 8888, "schema": "https"}, "https://10.0.0.5:8888"),
        ({"host": "druid.tienda.ar"}, "http://druid.tienda.ar"),
    ],
)
def test_router_url_comes_from_the_ingest_connection(connection: dict[str, Any], url: str) -> None:
    assert router_url(Connection(conn_id="druid", conn_type="druid", **connection)) == url
