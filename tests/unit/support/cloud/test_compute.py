"""Compute Engine's stand-in: operations, links, disks and the VM of this project."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from include.gcp.definition import VmSettings, instance, kept_disks, with_existing_disks
from tests.support.cloud.google import Google
from tests.unit.support.cloud.asking import (
    ALL_APIS,
    COMPUTE,
    REGION,
    ZONE,
    ask,
    done,
    make,
    make_network,
    message,
)

INSTANCES = f"{COMPUTE}/zones/{ZONE}/instances"
DISKS = f"{COMPUTE}/zones/{ZONE}/disks"


def vm(machine_type: str = "n2-standard-4", disk_type: str = "pd-ssd") -> dict[str, Any]:
    """Return the body of this project's VM."""
    settings = dict.fromkeys((f.name for f in dataclasses.fields(VmSettings)), "x") | {
        "zone": ZONE,
        "instance": "druid-ventas",
        "machine_type": machine_type,
        "disk_type": disk_type,
        "data_disk_gb": "100",
        "max_run_seconds": "3600",
        "service_account": "ventas-druid@my-project.iam.gserviceaccount.com",
        "subnetwork": f"regions/{REGION}/subnetworks/ventas",
    }
    return {**instance(VmSettings(**settings)), "name": "druid-ventas"}


@pytest.fixture
def ready(google: Google) -> Google:
    make_network(google)
    return google


def test_resource_is_not_ready_until_its_operation_is_done(google: Google) -> None:
    google.enable_api(*ALL_APIS)
    operation = ask(google, "POST", f"{COMPUTE}/global/networks", {"name": "ventas"})
    assert operation["status"] == "RUNNING"
    body = {"name": "v", "network": "global/networks/ventas", "ipCidrRange": "10.80.0.0/24"}
    path = f"{COMPUTE}/regions/{REGION}/subnetworks"
    assert "is not ready" in message(ask(google, "POST", path, body, status=400))
    assert done(google, operation)["status"] == "DONE"
    ask(google, "POST", path, body)
    assert "already exists" in message(ask(google, "POST", path, body, status=409))


def test_operation_that_nobody_reads_ends(google: Google) -> None:
    google.enable_api(*ALL_APIS)
    ask(google, "POST", f"{COMPUTE}/global/networks", {"name": "ventas"})
    ask(google, "DELETE", f"{COMPUTE}/global/networks/ventas", status=400)
    ask(google, "DELETE", f"{COMPUTE}/global/networks/ventas")


def test_link_to_a_missing_resource_is_refused(google: Google) -> None:
    google.enable_api(*ALL_APIS)
    firewall = {"name": "f", "network": "global/networks/other", "allowed": [{"IPProtocol": "tcp"}]}
    refused = ask(google, "POST", f"{COMPUTE}/global/firewalls", firewall, status=404)
    assert "global/networks/other' was not found" in message(refused)


def test_network_in_use_is_not_deleted(ready: Google) -> None:
    refused = ask(ready, "DELETE", f"{COMPUTE}/global/networks/ventas", status=400)
    assert f"already being used by 'projects/my-project/regions/{REGION}/sub" in message(refused)
    for path in (f"regions/{REGION}/subnetworks/ventas", "global/networks/ventas"):
        done(ready, ask(ready, "DELETE", f"{COMPUTE}/{path}"))
        ask(ready, "GET", f"{COMPUTE}/{path}", status=404)


def test_router_takes_a_change_of_its_nat(ready: Google) -> None:
    router = {"name": "ventas", "network": "global/networks/ventas"}
    make(ready, f"regions/{REGION}/routers", router)
    nat = {
        "name": "ventas",
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS",
        "subnetworks": [{"name": f"regions/{REGION}/subnetworks/ventas"}],
    }
    path = f"{COMPUTE}/regions/{REGION}/routers/ventas"
    done(ready, ask(ready, "PATCH", path, {"nats": [nat]}))
    link = ask(ready, "GET", path)["nats"][0]["subnetworks"][0]["name"]
    assert link.endswith(f"/compute/v1/projects/my-project/regions/{REGION}/subnetworks/ventas")


def test_vm_is_restored_from_a_snapshot_of_its_data_disk(ready: Google) -> None:
    make(ready, f"zones/{ZONE}/instances", vm())
    shown = ask(ready, "GET", f"{INSTANCES}/druid-ventas")
    assert (shown["status"], len(shown["disks"])) == ("RUNNING", 2)
    snapshot = ask(ready, "POST", f"{DISKS}/druid-ventas-data/createSnapshot", {"name": "s"})
    done(ready, snapshot)
    refused = message(ask(ready, "DELETE", f"{DISKS}/druid-ventas-data", status=400))
    assert "is already being used by" in refused
    done(ready, ask(ready, "DELETE", f"{INSTANCES}/druid-ventas"))
    ask(ready, "GET", f"{DISKS}/druid-ventas", status=404)
    taken = message(ask(ready, "POST", INSTANCES, vm(), status=409))
    assert "disks/druid-ventas-data' already exists" in taken

    done(ready, ask(ready, "DELETE", f"{DISKS}/druid-ventas-data"))
    kind = f"zones/{ZONE}/diskTypes/hyperdisk-balanced"
    disk = {"name": "druid-ventas-data", "sourceSnapshot": "global/snapshots/s", "type": kind}
    make(ready, f"zones/{ZONE}/disks", disk)
    assert ask(ready, "GET", f"{DISKS}/druid-ventas-data")["sizeGb"] == "100"
    body = with_existing_disks(vm(), ZONE, kept_disks(vm()))
    words = "hyperdisk-balanced disk type cannot be used by n2-standard-4 machine type."
    assert message(ask(ready, "POST", INSTANCES, body, status=400)) == words
    body["machineType"] = f"zones/{ZONE}/machineTypes/c3-standard-4"
    make(ready, f"zones/{ZONE}/instances", body)
    data = ask(ready, "GET", f"{INSTANCES}/druid-ventas")["disks"][1]
    assert (data["deviceName"], data["source"].rpartition("/")[2]) == (
        "druid-data",
        "druid-ventas-data",
    )


def test_vm_without_room_in_the_zone_fails_in_its_operation(ready: Google) -> None:
    ready.full_zone(ZONE)
    (error,) = make(ready, f"zones/{ZONE}/instances", vm())["error"]["errors"]
    assert error["code"] == "ZONE_RESOURCE_POOL_EXHAUSTED"
    ask(ready, "GET", f"{DISKS}/druid-ventas-data", status=404)


@pytest.mark.parametrize(
    ("metric", "limit", "path", "body"),
    [
        ("N2_CPUS", 2, "instances", vm()),
        ("SSD_TOTAL_GB", 100, "instances", vm()),
        ("HDB_TOTAL_GB", 0, "instances", vm("c4-standard-4", "hyperdisk-balanced")),
        (
            "SSD_TOTAL_GB",
            9,
            "disks",
            {"name": "d", "sizeGb": "10", "type": f"zones/{ZONE}/diskTypes/pd-ssd"},
        ),
    ],
)
def test_exceeded_quota_fails_the_operation_and_is_shown(
    ready: Google, metric: str, limit: int, path: str, body: Any
) -> None:
    ready.quota(metric, limit=limit)
    (error,) = make(ready, f"zones/{ZONE}/{path}", body)["error"]["errors"]
    assert error["message"] == f"Quota '{metric}' exceeded.  Limit: {limit} in region {REGION}."
    quotas = ask(ready, "GET", f"{COMPUTE}/regions/{REGION}")["quotas"]
    assert {"metric": metric, "limit": limit, "usage": 0.0} in quotas


def test_used_quota_counts_disks_and_machines(ready: Google) -> None:
    make(ready, f"zones/{ZONE}/instances", vm())
    quotas = ask(ready, "GET", f"{COMPUTE}/regions/{REGION}")["quotas"]
    used = {quota["metric"]: quota["usage"] for quota in quotas if quota["usage"]}
    assert used == {"CPUS": 4, "N2_CPUS": 4, "INSTANCES": 1, "SSD_TOTAL_GB": 120}


def test_stopped_vm_starts_again_and_changes_its_machine_type(ready: Google) -> None:
    make(ready, f"zones/{ZONE}/instances", vm())
    path = f"{INSTANCES}/druid-ventas"
    larger = {"machineType": f"zones/{ZONE}/machineTypes/n2-standard-8"}
    ask(ready, "POST", f"{path}/setMachineType", larger, status=400)
    done(ready, ask(ready, "POST", f"{path}/stop"))
    done(ready, ask(ready, "POST", f"{path}/setMachineType", larger))
    done(ready, ask(ready, "POST", f"{path}/start"))
    shown = ask(ready, "GET", path)
    assert shown["lastStopTimestamp"] < shown["lastStartTimestamp"]
    assert (shown["status"], shown["machineType"].rpartition("/")[2]) == (
        "RUNNING",
        "n2-standard-8",
    )


def test_disk_goes_from_one_vm_to_another(ready: Google) -> None:
    make(ready, f"zones/{ZONE}/instances", vm())
    boot = {**vm(), "name": "other", "disks": [{"boot": True}]}
    make(ready, f"zones/{ZONE}/instances", boot)
    disk = {"source": f"zones/{ZONE}/disks/druid-ventas-data", "deviceName": "druid-data"}
    refused = ask(ready, "POST", f"{INSTANCES}/other/attachDisk", disk, status=400)
    assert message(refused).endswith("instances/druid-ventas'")
    path = f"{INSTANCES}/druid-ventas/detachDisk?deviceName=druid-data"
    done(ready, ask(ready, "POST", path))
    done(ready, ask(ready, "POST", f"{INSTANCES}/other/attachDisk", disk))
    assert len(ask(ready, "GET", f"{INSTANCES}/other")["disks"]) == 2
    (user,) = ask(ready, "GET", f"{DISKS}/druid-ventas-data")["users"]
    assert user.endswith("/instances/other")


def test_machine_type_of_another_zone_is_not_found(ready: Google) -> None:
    path = f"{COMPUTE}/zones/{ZONE}/machineTypes/n2-standard-4"
    assert ask(ready, "GET", path)["guestCpus"] == 4
    ready.not_in_zone("n2-standard-4")
    ask(ready, "GET", path, status=404)
    ask(ready, "POST", INSTANCES, vm(), status=400)
    ask(ready, "GET", f"{COMPUTE}/zones/{REGION}-x", status=404)
