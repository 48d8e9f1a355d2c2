"""A check without an answer of Druid: it fails while the VM is on, and is skipped otherwise."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from tests.unit.plugins.validation.support import IN_ZONE, VM, Pushed, execute
from tests.unit.stack.compute.support import eventually
from ventas_airflow.hooks.compute import VentasComputeEngineHook
from ventas_airflow.operators.validation import RunCheckOperator
from ventas_airflow.preconditions import vm_is_off

OPEN = {"abierta": True, "motivo": "es una prueba"}
CLOSED = {"abierta": False, "motivo": "la ingesta está suspendida"}


def check(name: str = "duplicates", window: dict[str, object] = OPEN) -> RunCheckOperator:
    return RunCheckOperator(task_id="run_check", check=name, window=window, vm=VM)


def test_every_try_stores_its_result_before_it_fails(
    vm: VentasComputeEngineHook, no_druid: str
) -> None:
    for _ in range(3):  # any try may be the last one
        ti = Pushed()
        with pytest.raises(AirflowException, match="Druid no responde") as error:
            execute(check(), ti)
        assert not isinstance(error.value, AirflowFailException), "it is worth a retry"
        assert (ti.value["name"], ti.value["status"]) == ("duplicates", "error")
        assert no_druid.split(":")[1] in ti.value["message"]


def test_check_is_skipped_if_the_vm_stopped_before_it(
    vm: VentasComputeEngineHook, no_druid: str
) -> None:
    assert vm_is_off(VM) == "", "what the first task of the run saw"
    vm.begin_stop(**IN_ZONE)
    eventually(lambda: vm_is_off(VM) == "la VM druid está TERMINATED")

    ti = Pushed()
    with pytest.raises(AirflowSkipException, match="la VM druid está TERMINATED"):
        execute(check(), ti)
    assert (ti.value["status"], ti.value["message"]) == ("skipped", "la VM druid está TERMINATED")


def test_open_window_check_is_skipped_while_no_sales_are_expected(no_druid: str) -> None:
    ti = Pushed()
    with pytest.raises(AirflowSkipException, match="la ingesta está suspendida"):
        execute(check("freshness", CLOSED), ti)
    assert ti.value["status"] == "skipped"
