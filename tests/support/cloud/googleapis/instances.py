"""Compute Engine's instances, by the same rules as the emulator's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from include.gcp.sizing import machines
from include.stack.compute.errors import ApiError, already_exists, invalid, not_found, not_ready
from include.stack.compute.injected_errors import failure
from include.stack.compute.state import Zone
from include.stack.compute.validation import (
    check_instance,
    check_pair,
    check_request_id,
    check_zone,
)
from tests.support.cloud.googleapis import disks, operations, quotas, resources
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.operations import COMPUTE
from tests.support.cloud.http import Json

_STOCKOUT: Final = "ZONE_RESOURCE_POOL_EXHAUSTED"


def _insert(call: Call) -> Json:
    google, zone = call.google, Zone(call.google.project, call.params["zone"])
    check_zone(zone.name)
    check_instance(call.body, zone.name)
    if identifier := call.query.get("requestId"):
        check_request_id(identifier)
    key = f"{call.key}/{call.body['name']}"
    if key in google.resources:
        raise already_exists(key.partition("/")[2])
    body = resources.linked(call, call.body)
    _check_parts(call, body)
    made = [_new_disk(call, body, index) for index in range(len(body["disks"]))]
    new = [disk for disk in made if disk]
    failed = quotas.exceeded(call, [body, *new])
    if zone.name in google.full_zones:
        failed = failure(_STOCKOUT, zone)
    if body.get("serviceAccounts") and not google.may("iam.serviceAccounts.actAs"):
        failed = failure("SERVICE_ACCOUNT_ACCESS_DENIED", zone)
    if failed:
        return operations.begin(call, key, failure=failed)
    for index, (attached, disk) in enumerate(zip(body["disks"], made, strict=True)):
        if disk:
            path = f"{zone.path}/disks/{disk['name']}"
            resources.fill(call, disk, "Disk", f"{call.service}/{path}")
            google.resources[f"{call.service}/{path}"] = disk
            del attached["initializeParams"]
            attached["source"] = COMPUTE + path
        body["disks"][index] = _shown_disk(attached, index)
    for index, interface in enumerate(body["networkInterfaces"]):
        interface |= {"name": f"nic{index}", "networkIP": f"10.80.0.{google.number() % 250 + 2}"}
    resources.fill(call, body, "Instance", key)
    google.resources[key] = {**body, "status": "PROVISIONING"}
    return operations.begin(call, key, _become(call, key, "RUNNING"))


def _check_parts(call: Call, body: Json) -> None:
    """Refuse a machine type or a service account that does not exist."""
    machine = body["machineType"].rpartition("/")[2]
    if machine not in machines() or machine in call.google.unavailable:
        problem = "The referenced resource does not exist"
        raise invalid("resource.machineType", body["machineType"], problem)
    for account in body.get("serviceAccounts", []):
        path = f"projects/{call.google.project}/serviceAccounts/{account['email']}"
        if f"iam.googleapis.com/{path}" not in call.google.resources:
            raise not_found(path)


def _new_disk(call: Call, body: Json, index: int) -> Json | None:
    """Return the disk to be created as an instance's disk, or None for one that exists."""
    attached = body["disks"][index]
    if "source" in attached:
        _check_free(call, body, attached["source"])
        return None
    asked = attached.setdefault("initializeParams", {})
    name = asked.get("diskName") or (f"{body['name']}-{index}" if index else body["name"])
    disk = {
        "name": name,
        "sizeGb": asked.get("diskSizeGb", "10"),
        "labels": asked.get("labels", {}),
    }
    return disks.complete(call, disk | ({"type": asked["diskType"]} if "diskType" in asked else {}))


def _check_free(call: Call, body: Json, link: str) -> None:
    """Refuse a disk that another instance has, or that the machine type does not take."""
    path = link.removeprefix(COMPUTE)
    for key, resource in call.google.resources.items():
        if link in [disk.get("source") for disk in resource.get("disks", [])]:
            user = key.partition("/")[2]
            message = f"The disk resource '{path}' is already being used by '{user}'"
            raise ApiError(400, "resourceInUseByAnotherResource", message)
    check_pair(body["machineType"], call.resource(f"{call.service}/{path}")["type"])


def _shown_disk(attached: Json, index: int) -> Json:
    shown = {"kind": "compute#attachedDisk", "type": "PERSISTENT", "mode": "READ_WRITE"}
    return {**shown, "index": index, **attached}


def _become(call: Call, key: str, status: str) -> Callable[[], None]:
    stamp = {"RUNNING": "lastStartTimestamp", "TERMINATED": "lastStopTimestamp"}[status]

    def become() -> None:
        call.google.resources[key] |= {"status": status, stamp: call.google.stamp()}

    return become


def _start(call: Call) -> Json:
    resources.ready(call)
    call.resource()
    zone = Zone(call.google.project, call.params["zone"])
    if zone.name in call.google.full_zones:
        return operations.begin(call, failure=failure(_STOCKOUT, zone))
    return operations.begin(call, effect=_become(call, call.key, "RUNNING"))


def _stop(call: Call) -> Json:
    resources.ready(call)
    call.resource()["status"] = "STOPPING"
    return operations.begin(call, effect=_become(call, call.key, "TERMINATED"))


def _delete(call: Call) -> Json:
    instance = call.resource()
    resources.ready(call)

    def gone() -> None:
        call.google.remove(call.key)
        for disk in instance["disks"]:
            if disk.get("autoDelete"):
                call.google.remove(f"{call.service}/{disk['source'].removeprefix(COMPUTE)}")

    return operations.begin(call, effect=gone)


def _attach(call: Call) -> Json:
    instance, disk = call.resource(), resources.linked(call, call.body)
    _check_free(call, instance, disk["source"])
    added = _shown_disk(disk, len(instance["disks"]))
    return resources.change(call, {"disks": [*instance["disks"], added]})


def _detach(call: Call) -> Json:
    name = call.query["deviceName"]
    left = [disk for disk in call.resource()["disks"] if disk.get("deviceName") != name]
    return resources.change(call, {"disks": left})


def _set_machine_type(call: Call) -> Json:
    if call.resource()["status"] != "TERMINATED":
        raise not_ready(call.path)
    return resources.change(call, call.body)


def _console(call: Call) -> Json:
    call.resource()
    return {
        "kind": "compute#serialPortOutput",
        "contents": "",
        "start": "0",
        "next": "0",
        "selfLink": f"{COMPUTE}{call.path}/serialPort",
    }


HANDLERS: Final = {
    "compute.instances.attachDisk": _attach,
    "compute.instances.delete": _delete,
    "compute.instances.detachDisk": _detach,
    "compute.instances.getSerialPortOutput": _console,
    "compute.instances.insert": _insert,
    "compute.instances.setMachineType": _set_machine_type,
    "compute.instances.start": _start,
    "compute.instances.stop": _stop,
}
