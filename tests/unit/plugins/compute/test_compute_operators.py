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
from tests.unit.plugins.compute.conftest import EVERY_SERVER, Druid
from tests.unit.plugins.concurrent_runs.support import BACKFILL, SHARERS, Airflow
from tests.unit.stack.compute.support import (
    PROJECT,
    ZONE,
    MemoryPower,
    eventually,
    go_wrong,
    vm_body,
)
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
    """Run a task as ``dag.test()`` does: execute, run a copy of the trigger, then resume."""
    step: Callable[[], Any] = partial(operator.execute, context)
    while True:
        try:
            return step()
        except TaskDeferred as deferred:
            trigger = type(deferred.trigger)(**deferred.trigger.serialize()[1])
            event = asyncio.run(anext(trigger.run())).payload
            step = partial(getattr(operator, deferred.method_name), context, event=event)


class Console:
    """The VM's serial console; the clock decides which line is its last."""

    def __init__(self, clock: Clock, *lines: tuple[float, str]) -> None:
        self._clock = clock
        self._lines = lines
        self.reads: list[float] = []

    def read(self, **vm: str) -> str:
        assert vm == VM
        self.reads.append(self._clock.passed)
        written = [line for since, line in self._lines if since <= self._clock.passed]
        return "".join(f"[   20.1] setup.sh[512]: {line}\r\n" for line in written) + "login: "


@pytest.fixture
def console(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Console]:
    """Return a function that gives the VM a console with these lines, each from a second on."""

    def give(*lines: tuple[float, str]) -> Console:
        made = Console(clock, *lines)
        monkeypatch.setattr(VentasComputeEngineHook, "console", made.read)
        return made

    return give


FETCHING = "ventas: installing Druid: 120 of 630 MB fetched"
STARTING_DRUID = "ventas: Druid is starting: its router will answer on port 8888"


@pytest.fixture
def hook(endpoint: str) -> VentasComputeEngineHook:
    return VentasComputeEngineHook()


@pytest.mark.parametrize("deferrable", [True, False])
def test_ensure_creates_finds_or_starts_the_vm_by_its_status(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower, deferrable: bool
) -> None:
    result = run(ensure(deferrable=deferrable))
    assert (result["vm"], result["zone"], result["action"]) == ("druid", ZONE, "created")
    assert result["seconds"] >= 0
    assert run(ensure(deferrable=deferrable))["action"] == "already_on"
    hook.stop_instance(**VM)
    assert run(ensure(deferrable=deferrable))["action"] == "started"
    assert power.commands == ["start", "stop", "start"]


def test_created_vm_gets_the_startup_script(
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


def test_sizes_in_the_body_stay_strings_in_a_dag_with_native_rendering() -> None:
    """Compute Engine requires strings for a disk's size and for the values of the metadata."""
    with DAG("ventana", schedule=None, render_template_as_native_obj=True) as dag:
        task = ensure(body=definition.vm_body("{zone}"))
    extra = {"project": "ventas", "zone": ZONE, "instance": "druid", "data_disk_gb": 250}
    rendering: Any = {"conn": {"google_cloud_default": SimpleNamespace(extra_dejson=extra)}}
    # As Airflow does when a task runs: with the DAG's template environment.
    task.render_template_fields(rendering, dag.get_template_env())
    assert [disk["initializeParams"]["diskSizeGb"] for disk in task.body["disks"]] == ["20", "250"]
    items = {item["key"]: item["value"] for item in task.body["metadata"]["items"]}
    assert items["ventas-rate"] == "1000"
    assert all(isinstance(value, str) for value in items.values())
    assert task.body["scheduling"]["maxRunDuration"]["seconds"] == "50400"


def test_ensure_waits_until_a_stopping_vm_is_off_and_starts_it(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower, clock: Clock
) -> None:
    run(ensure())
    power.held = True
    hook.begin_stop(**VM)
    with pytest.raises(TaskDeferred) as waiting:
        ensure(poll_interval=1).execute(Context)
    assert waiting.value.method_name == "decide_again"
    clock.after(0.2, power.free)
    assert run(ensure())["action"] == "started"


def test_ensure_fails_at_the_deadline_if_only_druid_is_missing(
    hook: VentasComputeEngineHook, druid: Druid
) -> None:
    druid.servers = ("router", "broker")
    hook.begin_insert(**VM, body=vm_body())
    eventually(lambda: hook.vm_status(**VM) == "RUNNING")
    with pytest.raises(AirflowException) as given_up:
        run(ensure(timeout=1.0))
    message = str(given_up.value)
    assert "Timed out after 1 s: VM druid is RUNNING" in message
    assert f"Druid at {druid.url} lacks coordinator or overlord, historical" in message
    assert "./ventas logs" in message


def test_ensure_fails_with_the_error_of_a_failed_operation(
    hook: VentasComputeEngineHook, druid: Druid
) -> None:
    run(ensure())
    with pytest.raises(
        AirflowException, match="could not insert otra in southamerica-east1-a: QUOTA_EXCEEDED"
    ):
        run(ensure(resource_id="otra"))


def test_ensure_fails_with_the_process_that_cannot_start(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower
) -> None:
    power.held = True
    power.broken = ("druid-broker is FATAL, see broker.log",)
    with pytest.raises(
        AirflowException,
        match="could not insert druid in southamerica-east1-a: INTERNAL_ERROR: druid-bro",
    ):
        run(ensure())


def test_stop_sends_one_stop_and_succeeds_if_the_vm_is_off_or_missing(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower
) -> None:
    assert run(stop())["action"] == "missing"
    run(ensure())
    assert run(stop())["action"] == "stopped"
    assert hook.vm_status(**VM) == "TERMINATED"
    assert run(stop())["action"] == "already_off"
    assert power.commands == ["start", "stop"]


def test_stop_is_skipped_while_another_run_needs_the_vm(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower
) -> None:
    run(ensure())
    hands_off = ("success", "success", "deferred")
    left: Any = {"ti": Airflow({BACKFILL: {"theirs": hands_off}})}
    with pytest.raises(
        AirflowSkipException, match="sales_backfill/theirs still needs it, and will stop it"
    ):
        stop(shared_by=SHARERS).execute(left)
    assert power.commands == ["start"]
    alone: Any = {"ti": Airflow({BACKFILL: {"theirs": ("success", "success", "success")}})}
    stop(shared_by=SHARERS, deferrable=False).execute(alone)
    assert power.commands == ["start", "stop"]


def test_stop_waits_until_a_starting_vm_runs(
    hook: VentasComputeEngineHook, druid: Druid, power: MemoryPower, clock: Clock
) -> None:
    power.held = True
    hook.begin_insert(**VM, body=vm_body())
    eventually(lambda: hook.vm_status(**VM) == "STAGING")
    clock.after(0.2, power.free)
    assert run(stop())["action"] == "stopped"


@pytest.mark.parametrize("keep_on", [True, "True", "true"])
def test_stop_is_skipped_when_the_vm_is_to_be_kept_on(
    hook: VentasComputeEngineHook, druid: Druid, keep_on: bool | str
) -> None:
    run(ensure())
    with pytest.raises(AirflowSkipException, match="stays on"):
        run(stop(keep_on=keep_on))
    assert hook.vm_status(**VM) == "RUNNING"


def test_stop_refuses_keep_on_that_is_not_a_boolean() -> None:
    with pytest.raises(AirflowException, match="keep_on must be true or false, not 'quizás'"):
        stop(keep_on="quizás").execute(Context)


@pytest.mark.parametrize("before", ["missing", "off", "on"])
def test_deadline_moves_on_while_the_console_says_that_druid_is_being_installed(
    hook: VentasComputeEngineHook,
    druid: Druid,
    clock: Clock,
    console: Callable[..., Console],
    before: str,
) -> None:
    if before != "missing":
        run(ensure())
    if before == "off":
        hook.stop_instance(**VM)
    shown = console((0, FETCHING), (3000, STARTING_DRUID))
    druid.servers = ()
    began = clock.passed

    def healthy() -> None:
        druid.servers = EVERY_SERVER

    clock.after(3100, healthy)
    assert run(ensure(poll_interval=60))["seconds"] == pytest.approx(3100, abs=90)
    assert [round(read - began, -2) for read in shown.reads] == [600, 1200, 1800, 2400, 3000]


def test_druid_gets_a_whole_timeout_to_start_after_its_installation(
    hook: VentasComputeEngineHook, druid: Druid, clock: Clock, console: Callable[..., Console]
) -> None:
    shown = console((0, FETCHING), (590, STARTING_DRUID))
    druid.servers = ()
    with pytest.raises(AirflowException, match=r"Timed out after 1200 s: .*Druid is starting"):
        run(ensure(poll_interval=60))
    assert len(shown.reads) == 2
    assert hook.vm_status(**VM) != "RUNNING"


def test_endless_installation_ends_at_its_own_deadline_with_its_progress(
    hook: VentasComputeEngineHook, druid: Druid, clock: Clock, console: Callable[..., Console]
) -> None:
    console((0, FETCHING))
    druid.servers = ()
    with pytest.raises(
        AirflowException,
        match=r"Timed out after 7200 s: VM druid is RUNNING\. .*The VM's last line on its console: "
        r"installing Druid: 120 of 630 MB fetched\. Look at the VM's serial console",
    ):
        run(ensure(poll_interval=60))


def test_failed_installation_ends_at_the_usual_deadline_with_its_error(
    hook: VentasComputeEngineHook, druid: Druid, clock: Clock, console: Callable[..., Console]
) -> None:
    console((0, FETCHING), (100, "ventas: ERROR: Druid could not be fetched"))
    druid.servers = ()
    with pytest.raises(AirflowException, match=r"after 600 s: .*ERROR: Druid could not be fetched"):
        run(ensure(poll_interval=60))


@pytest.mark.parametrize(("action", "seconds"), [("created", 7200), ("started", 600)])
def test_only_a_created_vm_gets_more_time_if_its_console_cannot_be_read(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str, action: str, seconds: int
) -> None:
    if action == "started":
        run(ensure())
        hook.stop_instance(**VM)
    go_wrong(endpoint, "forbidden", methods=["instances.getSerialPortOutput"])
    druid.servers = ()
    with pytest.raises(AirflowException, match=f"Timed out after {seconds} s: VM druid is RUNNING"):
        run(ensure(poll_interval=60))


def test_timeout_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="must be above 0 s"):
        ensure(timeout=0)
