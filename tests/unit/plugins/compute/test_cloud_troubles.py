"""Errors of a cloud, and the operators' answers to them, against the emulator."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from tests.unit.plugins.clock import Clock
from tests.unit.plugins.compute.conftest import Druid
from tests.unit.plugins.compute.test_compute_operators import ensure, run, stop
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
from ventas_airflow.hooks.compute_errors import ComputeEngineRefused, ComputeEngineUnavailable
from ventas_airflow.operators import compute

NEXT = "southamerica-east1-b"
ZONES = [ZONE, NEXT]
BODY = {**vm_body(), "machineType": "zones/{zone}/machineTypes/n2-standard-4"}
EXHAUSTED = "ZONE_RESOURCE_POOL_EXHAUSTED"


def vm_in(zone: str) -> dict[str, str]:
    return {"project_id": PROJECT, "zone": zone, "resource_id": "druid"}


def ensured(**changes: Any) -> Any:
    return run(ensure(zones=ZONES, body=BODY, **changes))


@pytest.fixture
def hook(endpoint: str) -> VentasComputeEngineHook:
    return VentasComputeEngineHook()


@pytest.fixture
def off(hook: VentasComputeEngineHook, druid: Druid) -> VentasComputeEngineHook:
    """Hook of a VM that exists and is off."""
    ensured()
    run(stop(zones=ZONES))
    return hook


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("code", [EXHAUSTED, "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"])
def test_new_vm_is_created_in_the_next_zone_if_the_first_has_no_capacity(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str, code: str, deferrable: bool
) -> None:
    go_wrong(endpoint, code, zones=[ZONE])
    made = ensured(deferrable=deferrable)
    assert (made["action"], made["zone"]) == ("created", NEXT)
    assert (hook.vm_status(**vm_in(ZONE)), hook.vm_status(**vm_in(NEXT))) == (None, "RUNNING")


def test_existing_vm_is_found_in_its_zone_and_not_created_again(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str
) -> None:
    go_wrong(endpoint, EXHAUSTED, zones=[ZONE])
    ensured()
    go_well(endpoint)
    assert run(stop(zones=ZONES))["zone"] == NEXT
    again = ensured()
    assert (again["action"], again["zone"]) == ("started", NEXT)
    assert hook.vm_status(**vm_in(ZONE)) is None


def test_without_capacity_in_any_zone_all_zones_are_tried_again(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str, clock: Clock
) -> None:
    go_wrong(endpoint, EXHAUSTED, zones=[NEXT])
    go_wrong(endpoint, EXHAUSTED, times=2)
    assert ensured(poll_interval=10)["zone"] == ZONE
    assert clock.passed >= 2 * compute.CAPACITY_INTERVAL - 10


def test_error_without_capacity_until_the_deadline_names_zones_and_remedy(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str
) -> None:
    go_wrong(endpoint, EXHAUSTED)
    with pytest.raises(AirflowException) as given_up:
        ensured(timeout=50, poll_interval=10)
    assert not isinstance(given_up.value, AirflowFailException), "a retry may well find some"
    assert (
        f"none of its zones ({ZONE}, {NEXT}) has capacity: add zones to `zones` in the extra of "
        "connection 'google_cloud_default', or try later"
    ) in str(given_up.value)


def test_existing_vm_waits_for_capacity_in_its_own_zone(
    off: VentasComputeEngineHook, endpoint: str
) -> None:
    go_wrong(endpoint, EXHAUSTED, times=2)
    assert ensured(poll_interval=10)["action"] == "started"
    run(stop(zones=ZONES))
    go_wrong(endpoint, EXHAUSTED)
    with pytest.raises(AirflowException, match=f"its disk is in {ZONE}, so it cannot start in an"):
        ensured(timeout=50, poll_interval=10)
    assert off.vm_status(**vm_in(NEXT)) is None


def test_new_vm_is_created_in_the_zone_of_the_kept_data_disk(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str
) -> None:
    """In another zone, Druid would start without its segments and offsets."""
    data = {"autoDelete": False, "initializeParams": {"diskName": "druid-data"}}
    body = {**BODY, "disks": [{"boot": True, "autoDelete": True}, data]}
    go_wrong(endpoint, EXHAUSTED, zones=[ZONE])
    assert run(ensure(zones=ZONES, body=body))["zone"] == NEXT
    go_well(endpoint)
    hook.delete_instance(**vm_in(NEXT))
    go_wrong(endpoint, EXHAUSTED, zones=[NEXT])
    with pytest.raises(AirflowException, match=f"its disk is in {NEXT}, so it cannot start in an"):
        run(ensure(zones=ZONES, body=body, timeout=50, poll_interval=10))
    assert hook.vm_status(**vm_in(ZONE)) is None
    go_well(endpoint)
    made = run(ensure(zones=ZONES, body=body))
    assert (made["action"], made["zone"]) == ("created", NEXT)
    vm = hook.find(project_id=PROJECT, zones=NEXT, resource_id="druid")
    assert vm
    assert vm["disks"][1]["source"].endswith(f"zones/{NEXT}/disks/druid-data")


def test_exceeded_quota_fails_at_once_with_its_name_limit_and_console_address(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str
) -> None:
    go_wrong(endpoint, "QUOTA_EXCEEDED")
    with pytest.raises(AirflowFailException) as refused:
        ensured()
    assert str(refused.value) == (
        f"Compute Engine could not insert druid in {ZONE}: QUOTA_EXCEEDED: Quota 'N2_CPUS' "
        "exceeded.  Limit: 2.0 in region southamerica-east1. Request a higher quota of "
        "compute.googleapis.com/n2_cpus (N2-CPUS-per-project-region, now 2 in region "
        "southamerica-east1) at https://console.cloud.google.com/iam-admin/quotas?project="
        f"{PROJECT}, or choose a smaller machine type."
    )
    go_well(endpoint)
    go_wrong(endpoint, "quotaExceeded")
    with pytest.raises(ComputeEngineRefused, match=r"iam-admin/quotas\?project=tienda"):
        ensured()


@pytest.mark.parametrize(
    ("method", "permission"),
    [
        ("instances.get", "compute.instances.get"),
        ("instances.insert", "compute.instances.create"),
        ("zoneOperations.get", "compute.zoneOperations.get"),
    ],
)
def test_missing_permission_fails_with_its_name_and_the_role_to_grant(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str, method: str, permission: str
) -> None:
    go_wrong(endpoint, "forbidden", methods=[method])
    with pytest.raises(AirflowFailException) as refused:
        ensured()
    assert str(refused.value).endswith(
        f"Connection 'google_cloud_default' lacks the permission {permission}: grant its account "
        f"the role roles/compute.instanceAdmin.v1 on project {PROJECT}"
    )


def test_denied_service_account_fails_with_its_name_and_the_role_to_grant(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str
) -> None:
    go_wrong(endpoint, "SERVICE_ACCOUNT_ACCESS_DENIED")
    with pytest.raises(AirflowFailException) as refused:
        ensured()
    assert str(refused.value).endswith(
        "grant its account the role roles/iam.serviceAccountUser on "
        f"druid@{PROJECT}.iam.gserviceaccount.com"
    )


@pytest.mark.parametrize("code", ["rateLimitExceeded", "RESOURCE_EXHAUSTED", "backendError"])
def test_transient_error_is_retryable_before_the_wait_and_ignored_during_it(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str, code: str
) -> None:
    go_wrong(endpoint, code, methods=["zoneOperations.get", "instances.get"], times=1)
    with pytest.raises(
        ComputeEngineUnavailable, match=r"cannot do this now: compute\.instances\.get"
    ):
        ensured()
    go_wrong(endpoint, code, methods=["zoneOperations.get"], times=3)
    assert ensured()["action"] == "created"


def test_request_sent_twice_takes_effect_once(hook: VentasComputeEngineHook, druid: Druid) -> None:
    """`execute` sends the same request again, as googleapiclient does after a 503."""
    sent: list[Any] = []

    class Twice:
        def __init__(self, request: Any) -> None:
            self._request = request

        def execute(self, **how: Any) -> Any:
            sent[:] = [self._request.execute(**how) for _ in range(2)]
            return sent[1]

    ask = hook._ask
    hook._ask = lambda request, *a, **k: ask(Twice(request), *a, **k)  # type: ignore[method-assign]
    hook.begin_insert(**vm_in(ZONE), body=vm_body())
    assert sent[0]["name"] == sent[1]["name"]


@pytest.mark.parametrize("doing", ["insert", "stop"])
def test_operation_that_never_ends_fails_at_the_deadline_with_its_name(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str, doing: str
) -> None:
    if doing == "stop":
        ensured()
    go_wrong(endpoint, "endless", methods=[f"instances.{doing}"])
    with pytest.raises(AirflowException) as given_up:
        run(stop(zones=ZONES, timeout=1) if doing == "stop" else ensure(timeout=1))
    assert f"zone {ZONE})" in str(given_up.value)
    [operation] = [
        o["name"]
        for o in hook.get_conn()
        .zoneOperations()
        .list(project=PROJECT, zone=ZONE)
        .execute()["items"]
        if o["operationType"] == doing
    ]
    assert (
        f"operation {operation} is in progress (gcloud compute operations describe {operation} "
        f"--zone={ZONE} --project={PROJECT})"
    ) in str(given_up.value)


def test_vm_ended_while_druid_starts_fails_with_the_cause_and_a_retry_starts_it(
    hook: VentasComputeEngineHook, druid: Druid, endpoint: str
) -> None:
    druid.servers = ()
    task = ensure()

    def end_it() -> None:
        eventually(lambda: hook.vm_status(**vm_in(ZONE)) == "RUNNING")
        interrupt(endpoint).raise_for_status()

    thread = Thread(target=end_it)
    thread.start()
    with pytest.raises(AirflowException) as ended:
        run(task)
    thread.join()
    assert (
        "the VM's last operation: compute.instances.hostError, Instance terminated by Compute "
        "Engine., system"
    ) in str(ended.value)
    druid.servers = ("coordinator", "broker", "historical", "router", "indexer")
    eventually(lambda: hook.vm_status(**vm_in(ZONE)) == "TERMINATED")
    assert run(ensure())["action"] == "started"


def test_of_two_vms_with_one_name_the_running_one_is_used(
    off: VentasComputeEngineHook, power: MemoryPower
) -> None:
    """The case of a VM that was moved by hand while the old one still exists."""
    off.begin_insert(**vm_in(NEXT), body=vm_body(zone=NEXT))
    eventually(lambda: off.vm_status(**vm_in(NEXT)) == "RUNNING")
    found = off.find(project_id=PROJECT, zones=ZONES, resource_id="druid")
    assert found is not None
    assert found["zone"].endswith(NEXT)
    assert run(stop(zones=f"{ZONE},{NEXT}"))["zone"] == NEXT
