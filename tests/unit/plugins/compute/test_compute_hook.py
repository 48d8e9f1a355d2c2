"""The hook's own and inherited methods, against the emulator."""

from __future__ import annotations

import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException

from tests.unit.stack.compute.support import PROJECT, ZONE, MemoryPower, eventually, vm_body
from ventas_airflow.hooks.compute import VentasComputeEngineHook, VmState
from ventas_airflow.hooks.compute_errors import ComputeEngineUnavailable

VM = {"project_id": PROJECT, "zone": ZONE, "resource_id": "druid"}
PLACE: dict[str, Any] = {"project_id": PROJECT, "zones": ZONE, "resource_id": "druid"}


@pytest.fixture
def hook(endpoint: str) -> VentasComputeEngineHook:
    return VentasComputeEngineHook()


def test_create_stop_and_start_return_without_waiting(
    hook: VentasComputeEngineHook, power: MemoryPower
) -> None:
    assert hook.vm_status(**VM) is None
    power.held = True
    operation = hook.begin_insert(**VM, body={**vm_body(), "name": "set-by-the-hook"})
    eventually(lambda: hook.vm_status(**VM) == "STAGING")
    assert hook.look(**VM, operation=operation) == VmState("STAGING", settled=False)
    power.free()
    eventually(lambda: hook.look(**VM, operation=operation) == VmState("RUNNING", settled=True))
    stopped = hook.begin_stop(**VM)
    eventually(lambda: hook.look(**VM, operation=stopped) == VmState("TERMINATED", settled=True))
    hook.begin_start(**VM)
    eventually(lambda: hook.vm_status(**VM) == "RUNNING")


def test_find_returns_the_apis_instance_resource(hook: VentasComputeEngineHook) -> None:
    assert hook.find(**PLACE) is None
    hook.begin_insert(**VM, body=vm_body())
    eventually(lambda: hook.vm_status(**VM) == "RUNNING")
    described = hook.find(**PLACE) or {}
    assert described["machineType"].endswith(f"{ZONE}/machineTypes/n2-standard-4")
    assert described["lastStartTimestamp"]


def test_console_of_the_emulated_vm_is_empty(hook: VentasComputeEngineHook) -> None:
    with pytest.raises(AirflowException, match=r"getSerialPortOutput: 404"):
        hook.console(**VM)
    hook.begin_insert(**VM, body=vm_body())
    assert hook.console(**VM) == ""


def test_providers_own_methods_use_the_endpoint_too(hook: VentasComputeEngineHook) -> None:
    hook.insert_instance(
        project_id=PROJECT,
        zone=ZONE,
        body={
            "name": "druid",
            "machine_type": f"zones/{ZONE}/machineTypes/n2-standard-4",
            "disks": [{"boot": True}],
            "network_interfaces": [{"network": "global/networks/default"}],
        },
    )
    assert hook.get_instance(**VM).status == "RUNNING"
    hook.stop_instance(**VM)
    hook.start_instance(**VM)
    hook.delete_instance(**VM)
    assert hook.vm_status(**VM) is None


def test_refused_request_raises_with_compute_engines_message(hook: VentasComputeEngineHook) -> None:
    with pytest.raises(AirflowException, match=r"instances\.start: 404 .* was not found"):
        hook.begin_start(**VM)
    with pytest.raises(AirflowException, match=r"instances\.insert: 400 .*resource\.disks"):
        hook.begin_insert(**VM, body={**vm_body(), "disks": []})


def test_failed_operation_raises_with_its_code(hook: VentasComputeEngineHook) -> None:
    hook.begin_insert(**VM, body=vm_body())
    other = {**VM, "resource_id": "otra"}
    operation = hook.begin_insert(**other, body=vm_body())
    with pytest.raises(
        AirflowException, match="could not insert otra in southamerica-east1-a: QUOTA_EXC"
    ):
        hook.look(**other, operation=operation)


def test_ended_by_ignores_operations_on_other_vms(hook: VentasComputeEngineHook) -> None:
    hook.begin_insert(**VM, body=vm_body())
    eventually(lambda: hook.vm_status(**VM) == "RUNNING")
    hook.stop_instance(**VM)
    hook.begin_insert(**{**VM, "resource_id": "otra"}, body=vm_body())
    vm = hook.find(**PLACE)
    assert vm is not None
    assert hook.ended_by(vm) == "stop"


def test_unreachable_endpoint_raises_with_its_address_but_look_only_reports_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extra = {"api_endpoint": "http://127.0.0.1:9", "is_anonymous": True, "num_retries": 0}
    monkeypatch.setenv(
        "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT",
        json.dumps({"conn_type": "google_cloud_platform", "extra": extra}),
    )
    hook = VentasComputeEngineHook()
    with pytest.raises(ComputeEngineUnavailable, match=r"does not answer at http://127\.0\.0\.1:9"):
        hook.vm_status(**VM)
    assert "does not answer" in hook.look(**VM, operation=None).trouble


def test_without_an_endpoint_requests_go_to_google(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT",
        json.dumps({"conn_type": "google_cloud_platform", "extra": {"is_anonymous": True}}),
    )
    hook = VentasComputeEngineHook()
    uri = hook.get_conn().instances().list(project=PROJECT, zone=ZONE).uri
    assert uri.startswith("https://compute.googleapis.com/compute/v1/projects/")
