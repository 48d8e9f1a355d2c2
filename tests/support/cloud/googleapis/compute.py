"""Compute Engine: what is special about its machine types, disks, snapshots and instances."""

from __future__ import annotations

from typing import Any, Final

from include.gcp.disks import disk_types
from include.gcp.sizing import machines
from include.stack.compute.errors import ApiError, already_exists, invalid, not_found, not_ready
from include.stack.compute.injected_errors import failure, quota_exceeded
from include.stack.compute.state import Failure, Zone
from include.stack.compute.validation import (
    check_instance,
    check_pair,
    check_request_id,
    check_zone,
)
from tests.support.cloud.googleapis import operations, resources
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.errors import GoogleError
from tests.support.cloud.googleapis.state import NUMBER
from tests.support.cloud.http import Json

#: Limits of each region's quotas in a new project.
_LIMITS: Final = {
    "CPUS": 24.0,
    "N2_CPUS": 24.0,
    "C3_CPUS": 24.0,
    "INSTANCES": 24.0,
    "DISKS_TOTAL_GB": 4096.0,
    "SSD_TOTAL_GB": 500.0,
    "HDB_TOTAL_GB": 4096.0,
    "IN_USE_ADDRESSES": 8.0,
    "STATIC_ADDRESSES": 8.0,
}

#: Disk types whose sizes a quota limits.
_SIZES: Final = {
    "DISKS_TOTAL_GB": ("pd-standard",),
    "SSD_TOTAL_GB": ("pd-ssd", "pd-balanced"),
    "HDB_TOTAL_GB": ("hyperdisk-balanced",),
}


def _machine_type(call: Call) -> Json:
    name = call.params["machineType"]
    if name not in machines() or name in call.google.unavailable:
        raise not_found(call.path)
    return _shown_machine_type(call, name)


def _machine_types(call: Call) -> Json:
    return resources.page(
        call,
        [
            _shown_machine_type(call, name)
            for name in machines()
            if name not in call.google.unavailable
        ],
    )


def _shown_machine_type(call: Call, name: str) -> Json:
    machine = machines()[name]
    place = f"projects/{call.google.project}/zones/{call.params['zone']}"
    return {
        "kind": "compute#machineType",
        "name": name,
        "guestCpus": machine.vcpus,
        "memoryMb": machine.memory,
        "zone": call.params["zone"],
        "selfLink": f"{operations.COMPUTE}{place}/machineTypes/{name}",
    }


def _disk_type(call: Call) -> Json:
    name = call.params["diskType"]
    known = any(name in disk_types(machine) for machine in machines())
    if not known or name in call.google.unavailable:
        raise not_found(call.path)
    return {
        "kind": "compute#diskType",
        "name": name,
        "zone": operations.COMPUTE + call.path.rpartition("/diskTypes/")[0],
        "selfLink": operations.COMPUTE + call.path,
        "validDiskSize": "10GB-65536GB",
    }


def _zone(call: Call) -> Json:
    name = call.params["zone"]
    region = name.rpartition("-")[0]
    if name[-1] not in resources.data("regions").get(region, ""):
        raise not_found(call.path)
    project = f"{operations.COMPUTE}projects/{call.google.project}"
    return {
        "kind": "compute#zone",
        "name": name,
        "status": "UP",
        "region": f"{project}/regions/{region}",
        "selfLink": operations.COMPUTE + call.path,
    }


def _region(call: Call) -> Json:
    name = call.params["region"]
    if name not in resources.data("regions"):
        raise not_found(call.path)
    limits = {**_LIMITS, **call.google.limits}
    project = f"{operations.COMPUTE}projects/{call.google.project}"
    return {
        "kind": "compute#region",
        "name": name,
        "status": "UP",
        "zones": [f"{project}/zones/{name}-{letter}" for letter in resources.data("regions")[name]],
        "quotas": [
            {"metric": metric, "limit": limit, "usage": _usage(call, metric, name)}
            for metric, limit in limits.items()
        ],
        "selfLink": operations.COMPUTE + call.path,
    }


def _project(call: Call) -> Json:
    return {
        "kind": "compute#project",
        "id": NUMBER,
        "name": call.google.project,
        "selfLink": operations.COMPUTE + call.path,
    }


def _image(call: Call) -> Json:
    name = "debian-12-bookworm-v20261110"
    return {
        "kind": "compute#image",
        "name": name,
        "family": call.params["family"],
        "status": "READY",
        "diskSizeGb": "10",
        "selfLink": f"{operations.COMPUTE}projects/{call.params['project']}/global/images/{name}",
    }


def _usage(call: Call, metric: str, region: str) -> float:
    """Return how much of a region's quota its disks and instances use."""
    kind = "disks" if metric.endswith("_GB") else "instances"
    start = f"{call.service}/projects/{call.google.project}/zones/{region}-"
    held = [
        resource
        for key, resource in call.google.resources.items()
        if key.startswith(start) and key.split("/")[-2] == kind
    ]
    return float(sum(_share(metric, resource) for resource in held))


def _share(metric: str, resource: Json) -> int:
    """Return how much of a quota a disk or an instance uses."""
    if "sizeGb" in resource:
        return int(resource["sizeGb"]) if _name(resource["type"]) in _SIZES.get(metric, ()) else 0
    machine = _name(resource.get("machineType", ""))
    if metric == "INSTANCES":
        return 1
    if metric in ("CPUS", f"{machine.partition('-')[0].upper()}_CPUS"):
        return machines()[machine].vcpus
    return 0


def _over_quota(call: Call, made: list[Json]) -> Failure | None:
    """Return the failure of an operation that makes more than a quota allows."""
    zone = Zone(call.google.project, call.params["zone"])
    region = zone.name.rpartition("-")[0]
    for metric, limit in {**_LIMITS, **call.google.limits}.items():
        more = sum(_share(metric, resource) for resource in made)
        if more and _usage(call, metric, region) + more > limit:
            return quota_exceeded(metric, limit, zone)
    return None


def _name(link: str) -> str:
    return link.rpartition("/")[2]


# -- Disks ---------------------------------------------------------------------------------------


def _insert_disk(call: Call) -> Json:
    body = _complete_disk(call, call.body)
    key = f"{call.key}/{body['name']}"
    if key in call.google.resources:
        raise already_exists(key.partition("/")[2])
    if failure := _over_quota(call, [body]):
        return operations.begin(call, key, failure=failure)
    return resources.store(call, body, body["name"], "Disk")


def _complete_disk(call: Call, body: Json) -> Json:
    """Return a disk with its type's link and its size, which a snapshot's may not exceed."""
    place = f"projects/{call.google.project}/zones/{call.params['zone']}"
    kind = body.get("type", f"{place}/diskTypes/pd-standard")
    body = resources.linked(call, {**body, "type": kind})
    least = 10
    if "sourceSnapshot" in body:
        path = body["sourceSnapshot"].removeprefix(operations.COMPUTE)
        least = int(call.resource(f"{call.service}/{path}")["diskSizeGb"])
    size = int(body.get("sizeGb") or (least if "sourceSnapshot" in body else 500))
    if size < least:
        raise invalid("resource.sizeGb", size, f"Disk size cannot be smaller than {least} GB")
    return {**body, "sizeGb": str(size)}


def _snapshot(call: Call) -> Json:
    """Create a snapshot of a disk: ``disks.createSnapshot`` and ``snapshots.insert``."""
    project = f"{call.service}/projects/{call.google.project}"
    source = call.body.get("sourceDisk") or operations.COMPUTE + call.path
    disk = f"{call.service}/{resources.linked(call, source).removeprefix(operations.COMPUTE)}"
    size = call.resource(disk)["sizeGb"]
    key = f"{project}/global/snapshots/{call.body['name']}"
    if key in call.google.resources:
        raise already_exists(key.partition("/")[2])
    made = {**call.body, "sourceDisk": source, "diskSizeGb": size}
    resources.fill(call, made, "Snapshot", key)
    call.google.resources[key] = made
    return operations.begin(call, key)


def _resize(call: Call) -> Json:
    if int(call.body["sizeGb"]) <= int(call.resource()["sizeGb"]):
        size = call.body["sizeGb"]
        raise invalid("sizeGb", size, "New disk size must be larger than the existing size")
    return resources.change(call, call.body)


def _policies(call: Call) -> Json:
    """Add resource policies to a disk, such as a snapshot schedule, or remove them."""
    held = call.resource().get("resourcePolicies", [])
    named = resources.linked(call, call.body["resourcePolicies"])
    left = [link for link in held if link not in named]
    added = named if call.verb == "addResourcePolicies" else []
    return resources.change(call, {"resourcePolicies": [*left, *added]})


# -- Instances -----------------------------------------------------------------------------------


def _insert_instance(call: Call) -> Json:
    google, zone = call.google, Zone(call.google.project, call.params["zone"])
    check_zone(zone.name)
    check_instance(call.body, zone.name)
    if identifier := call.query.get("requestId"):
        check_request_id(identifier)
    name = call.body["name"]
    key = f"{call.key}/{name}"
    if key in google.resources:
        raise already_exists(key.partition("/")[2])
    body = resources.linked(call, call.body)
    machine = _name(body["machineType"])
    if machine not in machines() or machine in google.unavailable:
        problem = "The referenced resource does not exist"
        raise invalid("resource.machineType", body["machineType"], problem)
    _check_account(call, body)
    disks = [_attached(call, body, disk, index) for index, disk in enumerate(body["disks"])]
    made = [disk for disk in disks if isinstance(disk, dict)]
    failed = _over_quota(call, [body, *made])
    if zone.name in google.full_zones:
        failed = failure("ZONE_RESOURCE_POOL_EXHAUSTED", zone)
    if failed:
        return operations.begin(call, key, failure=failed)
    root = f"{call.service}/{zone.path}/disks"
    for disk in made:
        resources.fill(call, disk, "Disk", f"{root}/{disk['name']}")
        google.resources[f"{root}/{disk['name']}"] = disk
    links = [operations.COMPUTE + f"{zone.path}/disks/{disk['name']}" for disk in made]
    shown = iter(links)
    body["disks"] = [
        {
            "kind": "compute#attachedDisk",
            "type": "PERSISTENT",
            "mode": "READ_WRITE",
            "index": index,
            **{name: value for name, value in disk.items() if name != "initializeParams"},
            "source": disk.get("source") or next(shown),
        }
        for index, disk in enumerate(body["disks"])
    ]
    for index, interface in enumerate(body["networkInterfaces"]):
        interface |= {"name": f"nic{index}", "networkIP": f"10.80.0.{google.number() % 250 + 2}"}
    resources.fill(call, body, "Instance", key)
    google.resources[key] = {**body, "status": "PROVISIONING"}
    return operations.begin(call, key, _become(call, key, "RUNNING"))


def _attached(call: Call, body: Json, disk: Json, index: int) -> Json | None:
    """Return the disk to be created for an instance, or None for one that exists."""
    place = f"projects/{call.google.project}/zones/{call.params['zone']}"
    if source := disk.get("source"):
        key = f"{call.service}/{source.removeprefix(operations.COMPUTE)}"
        user = next(iter(_users_of(call, source)), "")
        if user:
            message = (
                f"The disk resource '{key.partition('/')[2]}' is already being used by '{user}'"
            )
            raise ApiError(400, "resourceInUseByAnotherResource", message)
        check_pair(body["machineType"], call.resource(key)["type"])
        return None
    asked = disk.get("initializeParams", {})
    name = asked.get("diskName") or (body["name"] if not index else f"{body['name']}-{index}")
    path = f"{place}/disks/{name}"
    if f"{call.service}/{path}" in call.google.resources:
        raise already_exists(path)
    return _complete_disk(
        call,
        {
            "name": name,
            "type": asked.get("diskType", f"{place}/diskTypes/pd-standard"),
            "sizeGb": asked.get("diskSizeGb", "10"),
            "labels": asked.get("labels", {}),
        },
    )


def _users_of(call: Call, disk: str) -> list[str]:
    return [
        key.partition("/")[2]
        for key, resource in call.google.resources.items()
        if key.split("/")[-2] == "instances" and "disks" in resource
        for held in resource["disks"]
        if held.get("source") == disk
    ]


def _check_account(call: Call, body: Json) -> None:
    project = call.google.project
    for account in body.get("serviceAccounts", []):
        path = f"projects/{project}/serviceAccounts/{account['email']}"
        if f"iam.googleapis.com/{path}" not in call.google.resources:
            raise GoogleError(
                404, "notFound", f"The resource '{path}' of type 'serviceAccount' was not found."
            )


def _become(call: Call, key: str, status: str) -> Any:
    def become() -> None:
        call.google.resources[key]["status"] = status

    return become


def _start(call: Call) -> Json:
    if call.resource()["status"] not in ("TERMINATED", "RUNNING"):
        raise not_ready(call.path)
    if call.params["zone"] in call.google.full_zones:
        zone = Zone(call.google.project, call.params["zone"])
        return operations.begin(call, failure=failure("ZONE_RESOURCE_POOL_EXHAUSTED", zone))
    return operations.begin(call, effect=_become(call, call.key, "RUNNING"))


def _stop(call: Call) -> Json:
    resources.ready(call)
    call.resource()["status"] = "STOPPING"
    return operations.begin(call, effect=_become(call, call.key, "TERMINATED"))


def _delete_instance(call: Call) -> Json:
    instance = call.resource()
    resources.ready(call)

    def gone() -> None:
        call.google.remove(call.key)
        for disk in instance["disks"]:
            if disk.get("autoDelete"):
                path = disk["source"].removeprefix(operations.COMPUTE)
                call.google.remove(f"{call.service}/{path}")

    return operations.begin(call, effect=gone)


def _attach(call: Call) -> Json:
    instance, disk = call.resource(), resources.linked(call, call.body)
    _attached(call, instance, disk, len(instance["disks"]))
    shown = {"kind": "compute#attachedDisk", "type": "PERSISTENT", "mode": "READ_WRITE"}
    added = {**shown, "index": len(instance["disks"]), **disk}
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
    link = f"{operations.COMPUTE}{call.path}/serialPort"
    return {
        "kind": "compute#serialPortOutput",
        "contents": "",
        "start": "0",
        "next": "0",
        "selfLink": link,
    }


HANDLERS: Final = {
    "compute.machineTypes.get": _machine_type,
    "compute.machineTypes.list": _machine_types,
    "compute.diskTypes.get": _disk_type,
    "compute.zones.get": _zone,
    "compute.regions.get": _region,
    "compute.projects.get": _project,
    "compute.images.getFromFamily": _image,
    "compute.disks.insert": _insert_disk,
    "compute.disks.createSnapshot": _snapshot,
    "compute.snapshots.insert": _snapshot,
    "compute.disks.resize": _resize,
    "compute.disks.addResourcePolicies": _policies,
    "compute.disks.removeResourcePolicies": _policies,
    "compute.instances.insert": _insert_instance,
    "compute.instances.attachDisk": _attach,
    "compute.instances.detachDisk": _detach,
    "compute.instances.start": _start,
    "compute.instances.stop": _stop,
    "compute.instances.delete": _delete_instance,
    "compute.instances.getSerialPortOutput": _console,
    "compute.instances.setMachineType": _set_machine_type,
}
