"""Injected faults: they look like those of a cloud, and happen only on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from include.stack.compute.app import create_app
from include.stack.compute.emulator import Emulator
from tests.unit.stack.compute.support import (
    PROJECT,
    ZONE,
    MemoryPower,
    client,
    eventually,
    go_well,
    go_wrong,
    interrupt,
    vm_body,
)

OTHER_ZONE = "southamerica-east1-b"


class Api:
    """A plain HTTP client of the emulator's routes for one zone."""

    def __init__(self, endpoint: str, zone: str = ZONE) -> None:
        self.zone = zone
        self.url = f"{endpoint}/compute/v1/projects/{PROJECT}/zones/{zone}"

    def insert(self) -> httpx.Response:
        return client().post(f"{self.url}/instances", json=vm_body(zone=self.zone))

    def ask(self, what: str) -> httpx.Response:
        return client().post(f"{self.url}/instances/druid/{what}")

    def status(self) -> Any:
        return client().get(f"{self.url}/instances/druid").json().get("status")

    def operation(self, begun: httpx.Response) -> dict[str, Any]:
        begun.raise_for_status()
        found: dict[str, Any] = client().get(f"{self.url}/operations/{begun.json()['name']}").json()
        return found


@pytest.fixture
def api(endpoint: str) -> Api:
    return Api(endpoint)


@pytest.fixture
def running(api: Api) -> Api:
    api.insert().raise_for_status()
    eventually(lambda: api.status() == "RUNNING")
    return api


@pytest.mark.parametrize(
    ("code", "status", "reason", "message"),
    [
        ("forbidden", 403, "forbidden", "Required 'compute.instances.create' permission for 'pro"),
        ("quotaExceeded", 403, "quotaExceeded", "Quota 'N2_CPUS' exceeded.  Limit: 2.0 in region"),
        ("rateLimitExceeded", 403, "rateLimitExceeded", "Quota exceeded for quota metric"),
        ("RESOURCE_EXHAUSTED", 429, "rateLimitExceeded", "Quota exceeded for quota metric"),
        ("backendError", 503, "backendError", "Backend Error"),
    ],
)
def test_refusal_applies_the_requested_number_of_times_and_changes_nothing(
    api: Api, endpoint: str, code: str, status: int, reason: str, message: str
) -> None:
    go_wrong(endpoint, code, times=2)
    for _ in range(2):
        refused = api.insert()
        error = refused.json()["error"]
        assert (refused.status_code, error["errors"][0]["reason"]) == (status, reason)
        assert error["message"].startswith(message)
        assert api.status() is None
    assert api.insert().status_code == 200


@pytest.mark.parametrize(
    "code", ["ZONE_RESOURCE_POOL_EXHAUSTED", "ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS"]
)
def test_operation_fails_in_a_zone_without_capacity_but_not_in_another(
    endpoint: str, api: Api, code: str
) -> None:
    go_wrong(endpoint, code, zones=[ZONE])
    failed = api.operation(api.insert())
    assert (failed["status"], failed["httpErrorStatusCode"]) == ("DONE", 503)
    [error] = failed["error"]["errors"]
    assert error["code"] == code
    assert "does not have enough resources available" in error["message"]
    assert error["errorDetails"][1]["errorInfo"]["metadatas"]["zone"] == ZONE
    assert api.status() is None
    elsewhere = Api(endpoint, OTHER_ZONE)
    elsewhere.insert()
    eventually(lambda: elsewhere.status() == "RUNNING")


def test_stopped_vm_stays_off_while_its_zone_has_no_capacity(endpoint: str, running: Api) -> None:
    running.ask("stop")
    eventually(lambda: running.status() == "TERMINATED")
    go_wrong(endpoint, "ZONE_RESOURCE_POOL_EXHAUSTED", methods=["instances.start"])
    assert "error" in running.operation(running.ask("start"))
    assert running.status() == "TERMINATED"
    go_well(endpoint)
    assert "error" not in running.operation(running.ask("start"))
    eventually(lambda: running.status() == "RUNNING")


def test_exceeded_quota_has_name_limit_and_region(endpoint: str, api: Api) -> None:
    go_wrong(endpoint, "QUOTA_EXCEEDED")
    [error] = api.operation(api.insert())["error"]["errors"]
    assert error["errorDetails"][0]["quotaInfo"] == {
        "metricName": "compute.googleapis.com/n2_cpus",
        "limitName": "N2-CPUS-per-project-region",
        "dimensions": {"region": "southamerica-east1"},
        "limit": 2.0,
    }


@pytest.mark.parametrize(("method", "status"), [("start", "PROVISIONING"), ("stop", "STOPPING")])
def test_endless_operation_ends_when_the_faults_are_removed(
    endpoint: str, running: Api, power: MemoryPower, method: str, status: str
) -> None:
    if method == "start":
        running.ask("stop")
        eventually(lambda: running.status() == "TERMINATED")
    before = list(power.commands)
    go_wrong(endpoint, "endless", methods=[f"instances.{method}"])
    begun = running.ask(method)
    looks = power.looks
    eventually(lambda: power.looks > looks + 3)
    assert (running.operation(begun)["status"], running.status()) == ("RUNNING", status)
    assert power.commands == before
    go_well(endpoint)
    eventually(lambda: running.operation(begun)["status"] == "DONE")
    assert power.commands == [*before, method]


def test_host_error_ends_the_vm_with_a_system_operation(endpoint: str, running: Api) -> None:
    ended = interrupt(endpoint).json()
    assert ended["name"].startswith("systemevent-")
    assert (ended["operationType"], ended["user"]) == ("compute.instances.hostError", "system")
    assert (ended["status"], ended["statusMessage"]) == (
        "DONE",
        "Instance terminated by Compute Engine.",
    )
    eventually(lambda: running.status() == "TERMINATED")
    assert interrupt(endpoint).status_code == 400, "it is off already"


def test_preemption_is_refused_unless_the_vm_is_spot(endpoint: str, running: Api) -> None:
    refused = interrupt(endpoint, "compute.instances.preempted")
    assert "is not a Spot VM" in refused.json()["error"]["message"]
    assert running.status() == "RUNNING"
    client().delete(f"{running.url}/instances/druid")
    eventually(lambda: running.status() is None)
    spot = {**vm_body(), "scheduling": {"provisioningModel": "SPOT"}}
    client().post(f"{running.url}/instances", json=spot).raise_for_status()
    eventually(lambda: running.status() == "RUNNING")
    assert interrupt(endpoint, "compute.instances.preempted").json()["statusMessage"] == (
        "Instance was preempted."
    )
    eventually(lambda: running.status() == "TERMINATED")


def test_invalid_fault_is_refused(endpoint: str) -> None:
    assert client().post(f"{endpoint}/faults", json={"code": "fire"}).status_code == 400
    misspelt = {"code": "forbidden", "zone": ZONE}
    assert client().post(f"{endpoint}/faults", json=misspelt).status_code == 400


def test_without_the_faults_option_there_are_no_fault_routes(tmp_path: Path) -> None:
    application = create_app(Emulator(MemoryPower(), tmp_path / "compute.json"))
    with TestClient(application, "http://127.0.0.1") as client:
        assert client.post("/faults", json={"code": "forbidden"}).status_code == 404
        assert client.post("/interruptions", json={}).status_code == 404
