"""The operator that keeps the VM on, with the emulator, a small router, and given task states."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

from include.druid.client import DruidClient, DruidError
from tests.unit.plugins.clock import Clock
from tests.unit.plugins.compute.conftest import EVERY_SERVER, Druid
from tests.unit.plugins.compute.test_compute_operators import ensure, run
from tests.unit.stack.compute.support import (
    PROJECT,
    ZONE,
    MemoryPower,
    eventually,
    go_well,
    go_wrong,
    interrupt,
    vm_body,
)
from ventas_airflow.hooks.compute import VentasComputeEngineHook
from ventas_airflow.operators import compute
from ventas_airflow.operators.watch import WatchDruidVmOperator

VM = {"project_id": PROJECT, "zone": ZONE, "resource_id": "druid"}
RUN: Any = {"ti": SimpleNamespace(dag_id="sales_window", run_id="r1")}


class Tasks:
    """The states of the run's tasks, in the form of Airflow's API."""

    def __init__(self) -> None:
        self.states: dict[str, str | None] = {"publish_sales": None, "load_sales": None}
        self.asked = 0

    def get_task_states(self, **asked: Any) -> dict[str, Any]:
        assert asked == {
            "dag_id": "sales_window",
            "task_ids": ["publish_sales", "load_sales"],
            "run_ids": ["r1"],
        }
        self.asked += 1
        return {"r1": dict(self.states)}

    def end(self) -> None:
        self.states = {"publish_sales": "skipped", "load_sales_0": "success"}


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Tasks:
    tasks = Tasks()
    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", tasks.get_task_states)
    return tasks


@pytest.fixture
def running(endpoint: str, druid: Druid) -> VentasComputeEngineHook:
    """Hook of a VM that runs, with Druid on it."""
    run(ensure())
    return VentasComputeEngineHook()


class Watch:
    """The task in a thread, so that a test can act on the VM meanwhile."""

    def __init__(self, **changes: Any) -> None:
        arguments = {
            "task_id": "cuidar",
            "body": vm_body(),
            "zones": ZONE,
            "project_id": PROJECT,
            "resource_id": "druid",
            "while_running": ["publish_sales", "load_sales"],
            "poll_interval": 0.05,
            **changes,
        }
        self.result: Any = None
        self.error: BaseException | None = None
        self._operator = WatchDruidVmOperator(**arguments)
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = run(self._operator, RUN)
        except AirflowException as error:
            self.error = error

    @property
    def goes_on(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> Any:
        self._thread.join(60)
        assert not self.goes_on
        if self.error:
            raise self.error
        return self.result


@pytest.mark.parametrize("deferrable", [True, False])
def test_watch_ends_with_the_tasks_and_does_not_touch_a_running_vm(
    running: VentasComputeEngineHook, tasks: Tasks, power: MemoryPower, deferrable: bool
) -> None:

    def looked_more_often(looks: int) -> bool:
        return tasks.asked > looks

    watch = Watch(deferrable=deferrable)
    for state in ("running", "up_for_retry"):
        tasks.states = {"publish_sales": state, "load_sales": "skipped"}
        # The first of these looks may have begun with the earlier states.
        eventually(partial(looked_more_often, tasks.asked + 2))
        assert watch.goes_on, f"with a task that is {state}"
    tasks.end()
    assert watch.end() | {"seconds": 0} == {
        "vm": "druid",
        "zone": ZONE,
        "action": "watched",
        "seconds": 0,
        "restarts": 0,
    }
    assert power.commands == ["start"]


@pytest.mark.parametrize("deferrable", [True, False])
def test_vm_that_compute_engine_ends_is_started_again_each_time(
    running: VentasComputeEngineHook,
    tasks: Tasks,
    endpoint: str,
    druid: Druid,
    power: MemoryPower,
    deferrable: bool,
) -> None:
    watch = Watch(deferrable=deferrable)
    for _ in range(2):
        druid.asked.clear()
        interrupt(endpoint).raise_for_status()
        eventually(lambda: druid.asked)
    tasks.end()
    assert watch.end()["restarts"] == 2
    assert power.commands.count("start") == 3


@pytest.mark.parametrize("deferrable", [True, False])
def test_task_that_druid_has_lost_is_ended_and_the_watch_goes_on(
    running: VentasComputeEngineHook,
    tasks: Tasks,
    druid: Druid,
    power: MemoryPower,
    capsys: pytest.CaptureFixture[str],
    deferrable: bool,
) -> None:
    druid.believed, druid.run = ["index_kafka_1", "index_kafka_2"], ["index_kafka_2"]
    watch = Watch(deferrable=deferrable, poll_interval=2)
    eventually(lambda: druid.believed == ["index_kafka_2"])
    looks = druid.looks
    eventually(lambda: druid.looks > looks + 2)
    assert watch.goes_on
    tasks.end()
    assert watch.end()["restarts"] == 0
    assert druid.believed == ["index_kafka_2"]
    assert power.commands == ["start"]
    assert (
        "task index_kafka_1 as running, but no worker ran it: the task was ended"
        in capsys.readouterr().out
    )


def test_watch_goes_on_if_druid_refuses_to_end_a_lost_task(
    running: VentasComputeEngineHook,
    tasks: Tasks,
    druid: Druid,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refusals: list[str] = []

    def refuse(_: DruidClient, task: str) -> None:
        refusals.append(task)
        raise DruidError("no permission")

    monkeypatch.setattr(DruidClient, "shut_down_task", refuse)
    druid.believed = ["index_kafka_1"]
    watch = Watch(poll_interval=2)
    eventually(lambda: len(refusals) > 1)
    tasks.end()
    assert watch.end()["action"] == "watched"
    assert (
        "lost task index_kafka_1 of Druid could not be ended: no permission"
        in capsys.readouterr().out
    )


def test_watch_goes_on_while_compute_engine_does_not_know_the_status(
    running: VentasComputeEngineHook, tasks: Tasks, endpoint: str, power: MemoryPower
) -> None:
    watch = Watch()
    eventually(lambda: tasks.asked > 2)
    go_wrong(endpoint, "backendError", methods=["instances.get"])
    asked = tasks.asked
    eventually(lambda: tasks.asked > asked + 2)
    go_well(endpoint)
    tasks.end()
    assert watch.end()["restarts"] == 0
    assert power.commands == ["start"]


def test_vm_that_is_off_after_the_tasks_is_started_to_read_their_events(
    running: VentasComputeEngineHook, tasks: Tasks, endpoint: str
) -> None:
    interrupt(endpoint).raise_for_status()
    eventually(lambda: running.vm_status(**VM) == "TERMINATED")
    tasks.end()
    assert Watch().end()["restarts"] == 1
    assert running.vm_status(**VM) == "RUNNING"


def test_without_capacity_the_start_is_retried_as_long_as_tasks_publish(
    running: VentasComputeEngineHook,
    tasks: Tasks,
    endpoint: str,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[float] = []
    start = VentasComputeEngineHook.begin_start

    def begin_start(self: VentasComputeEngineHook, **vm: str) -> str:
        tried.append(clock.now)
        return start(self, **vm)

    monkeypatch.setattr(VentasComputeEngineHook, "begin_start", begin_start)
    go_wrong(endpoint, "ZONE_RESOURCE_POOL_EXHAUSTED")
    interrupt(endpoint).raise_for_status()
    watch = Watch(timeout=150, poll_interval=2)
    eventually(lambda: len(tried) > 3)
    assert all(
        later - earlier >= compute.CAPACITY_INTERVAL for earlier, later in pairwise(tried[:4])
    ), "not as fast as it can"
    go_well(endpoint)
    eventually(lambda: running.vm_status(**VM) == "RUNNING")
    tasks.end()
    assert watch.end()["restarts"] == 1


def test_without_capacity_after_the_tasks_the_watch_fails_at_the_deadline(
    running: VentasComputeEngineHook,
    tasks: Tasks,
    endpoint: str,
) -> None:
    go_wrong(endpoint, "ZONE_RESOURCE_POOL_EXHAUSTED")
    interrupt(endpoint).raise_for_status()
    eventually(lambda: running.vm_status(**VM) == "TERMINATED")
    tasks.end()
    with pytest.raises(AirflowException, match="its disk is in "):
        Watch(timeout=30, poll_interval=10).end()


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("forbidden", r"lacks the permission compute\.instances\.start"),
        ("QUOTA_EXCEEDED", r"Request a higher quota of compute\.googleapis\.com/n2_cpus"),
    ],
)
def test_missing_permission_or_quota_ends_the_watch(
    running: VentasComputeEngineHook, tasks: Tasks, endpoint: str, code: str, told: str
) -> None:
    go_wrong(endpoint, code, methods=["instances.start"], times=1)
    interrupt(endpoint).raise_for_status()
    with pytest.raises(AirflowFailException, match=told):
        Watch().end()


def test_vm_is_restarted_if_druid_does_not_come_up_on_it(
    running: VentasComputeEngineHook,
    tasks: Tasks,
    endpoint: str,
    druid: Druid,
    power: MemoryPower,
) -> None:
    watch = Watch(timeout=5, poll_interval=0.5)
    druid.servers = ()
    interrupt(endpoint).raise_for_status()
    eventually(lambda: power.commands.count("start") == 3)
    druid.servers = ("coordinator", "broker", "historical", "router", "indexer")
    eventually(lambda: running.vm_status(**VM) == "RUNNING")
    tasks.end()
    assert watch.end()["zone"] == ZONE


def test_vm_that_still_installs_druid_is_not_restarted(
    running: VentasComputeEngineHook,
    tasks: Tasks,
    endpoint: str,
    druid: Druid,
    power: MemoryPower,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads: list[dict[str, str]] = []

    def console(_: VentasComputeEngineHook, **vm: str) -> str:
        reads.append(vm)
        return "ventas: installing Druid: 120 of 630 MB fetched"

    monkeypatch.setattr(VentasComputeEngineHook, "console", console)
    watch = Watch(timeout=5, poll_interval=0.5)
    druid.servers = ()
    interrupt(endpoint).raise_for_status()
    eventually(lambda: len(reads) > 3)
    druid.servers = EVERY_SERVER
    tasks.end()
    assert watch.end()["restarts"] == 1
    assert power.commands.count("start") == 2
