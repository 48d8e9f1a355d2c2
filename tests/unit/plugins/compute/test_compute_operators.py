"""The operators' execute and resumptions, against the emulator and a small router."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowException, AirflowSkipException, TaskDeferred

from include.gcp import definition
from tests.unit.plugins.clock import Clock
from tests.unit.plugins.compute.conftest import Druid
from tests.unit.plugins.sharing.support import BACKFILL, SHARERS, Airflow
from tests.unit.stack.compute.support import PROJECT, ZONE, MemoryPower, eventually, vm_body
from ventas_airflow.hooks.compute import VentasComputeEngineHook
from ventas_airflow.operators.compute import EnsureDruidVmOperator, StopDruidVmOperator

VM = {"project_id": PROJECT, "zone": ZONE, "resource_id": "druid"}
PLACE = {"project_id": PROJECT, "zones": ZONE, "resource_id": "druid"}
Context: Any = {"ti": None}


def ensure(**changes: Any) -> EnsureDruidVmOperator:
    arguments = {
        "task_id": "encender",
        "body": vm_body(),
        "poll_interval": 0.05,
        **PLACE,
        **changes,
    }
    return EnsureDruidVmOperator(**arguments)


def stop(**changes: Any) -> StopDruidVmOperator:
    return StopDruidVmOperator(**{"task_id": "apagar", "poll_interval": 0.05, **PLACE, **changes})


def run(operator: EnsureDruidVmOperator | StopDruidVmOperator, context: Any = Context) -> Any:
    """Run a task as ``dag.test()`` does: execute, then the trigger elsewhere, then resume."""
    step: Callable[[], Any] = partial(operator.execute, context)
    while True:
        try:
            return step()
        except TaskDeferred as deferred:
            trigger = type(deferred.trigger)(**deferred.trigger.serialize()[1])
            event = asyncio.run(anext(trigger.run())).payload
            step = partial(getattr(operator, deferred.method_name), context, event=event)


@pytest.fixture
def hook(endpoint: str) -> VentasComputeEngineHook:
    return VentasComputeEngineHook()


@pytest.mark.parametrize("deferrable", [True, False])
def test_ensure_creates_then_finds_it_on_then_starts_it(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower, deferrable: bool
) -> None:
    result = run(ensure(deferrable=deferrable))
    assert (result["vm"], result["zona"], result["accion"]) == ("druid", ZONE, "creada")
    assert result["segundos"] >= 0
    assert run(ensure(deferrable=deferrable))["accion"] == "ya_encendida"
    hook.stop_instance(**VM)
    assert run(ensure(deferrable=deferrable))["accion"] == "iniciada"
    assert power.commands == ["start", "stop", "start"]


def test_a_vm_that_is_created_gets_what_it_boots_with(
    hook: VentasComputeEngineHook, druid: Druid, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    insert = VentasComputeEngineHook.begin_insert

    def begin_insert(self: VentasComputeEngineHook, **arguments: Any) -> Any:
        sent.append(arguments["body"])
        return insert(self, **arguments)

    monkeypatch.setattr(VentasComputeEngineHook, "begin_insert", begin_insert)
    run(ensure(body=vm_body()))
    assert sent == [definition.with_startup(vm_body())]


def test_the_body_is_text_where_the_dag_renders_natively() -> None:
    """Compute Engine takes a disk's size as text, and a number for no metadata value."""
    with DAG("ventana", schedule=None, render_template_as_native_obj=True) as dag:
        task = ensure(body=definition.vm_body("{zone}"))
    extra = {"project": "ventas", "zone": ZONE, "instance": "druid", "data_disk_gb": 250}
    rendering: Any = {"conn": {"google_cloud_default": SimpleNamespace(extra_dejson=extra)}}
    # As Airflow does where a task runs: with the DAG's environment.
    task.render_template_fields(rendering, dag.get_template_env())
    assert [disk["initializeParams"]["diskSizeGb"] for disk in task.body["disks"]] == ["20", "250"]
    items = {item["key"]: item["value"] for item in task.body["metadata"]["items"]}
    assert items["ventas-rate"] == "1000"
    assert all(isinstance(value, str) for value in items.values())
    assert task.body["scheduling"]["maxRunDuration"]["seconds"] == "50400"


def test_ensure_lets_a_stopping_vm_stop_and_starts_it(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower, clock: Clock
) -> None:
    run(ensure())
    power.held = True
    hook.begin_stop(**VM)
    with pytest.raises(TaskDeferred) as waiting:
        ensure().execute(Context)
    assert waiting.value.method_name == "decide_again"
    clock.after(0.2, power.free)
    assert run(ensure())["accion"] == "iniciada"


def test_ensure_waits_for_druid_and_not_only_for_the_vm(
    hook: VentasComputeEngineHook, druid: Druid
) -> None:
    druid.servers = ("router", "broker")
    hook.begin_insert(**VM, body=vm_body())
    eventually(lambda: hook.vm_status(**VM) == "RUNNING")
    with pytest.raises(AirflowException) as given_up:
        run(ensure(timeout=1.0))
    message = str(given_up.value)
    assert "Given up after 1 s: VM druid is RUNNING" in message
    assert f"Druid at {druid.url} lacks coordinator or overlord, historical" in message
    assert "./ventas logs" in message


def test_ensure_tells_a_refused_start(hook: VentasComputeEngineHook, druid: Druid) -> None:
    run(ensure())
    with pytest.raises(
        AirflowException, match="could not insert otra in southamerica-east1-a: QUOTA_EXCEEDED"
    ):
        run(ensure(resource_id="otra"))


def test_ensure_tells_processes_that_cannot_start(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower
) -> None:
    power.held = True
    power.broken = ("druid-broker is FATAL, see broker.log",)
    with pytest.raises(
        AirflowException,
        match="could not insert druid in southamerica-east1-a: INTERNAL_ERROR: druid-bro",
    ):
        run(ensure())


def test_stop_stops_once_and_takes_off_or_missing_as_well(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower
) -> None:
    assert run(stop())["accion"] == "no_existe"
    run(ensure())
    assert run(stop())["accion"] == "apagada"
    assert hook.vm_status(**VM) == "TERMINATED"
    assert run(stop())["accion"] == "ya_apagada"
    assert power.commands == ["start", "stop"]


def test_stop_leaves_the_vm_to_another_run_that_needs_it(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower
) -> None:
    run(ensure())
    hands_off = ("success", "success", "deferred")
    left: Any = {"ti": Airflow({BACKFILL: {"theirs": hands_off}})}
    with pytest.raises(AirflowSkipException, match="sales_backfill/theirs needs it and stops it"):
        stop(shared_by=SHARERS).execute(left)
    assert power.commands == ["start"]
    alone: Any = {"ti": Airflow({BACKFILL: {"theirs": ("success", "success", "success")}})}
    stop(shared_by=SHARERS, deferrable=False).execute(alone)
    assert power.commands == ["start", "stop"]


def test_stop_lets_a_starting_vm_start_first(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower, clock: Clock
) -> None:
    power.held = True
    hook.begin_insert(**VM, body=vm_body())
    eventually(lambda: hook.vm_status(**VM) == "STAGING")
    clock.after(0.2, power.free)
    assert run(stop())["accion"] == "apagada"


@pytest.mark.parametrize("keep_on", [True, "True", "true"])
def test_stop_is_skipped_when_the_vm_is_to_be_kept_on(
    hook: VentasComputeEngineHook, druid: Druid, keep_on: bool | str
) -> None:
    run(ensure())
    with pytest.raises(AirflowSkipException, match="kept on"):
        run(stop(keep_on=keep_on))
    assert hook.vm_status(**VM) == "RUNNING"


def test_stop_refuses_a_wish_that_it_does_not_understand() -> None:
    with pytest.raises(AirflowException, match="keep_on is true or false, not 'quizás'"):
        stop(keep_on="quizás").execute(Context)


def test_a_wait_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="seconds above 0"):
        ensure(timeout=0)
