"""Compute Engine's disks and their snapshots."""

from __future__ import annotations

from typing import Final

from include.stack.compute.errors import already_exists, invalid
from tests.support.cloud.googleapis import operations, quotas, resources
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.http import Json


def complete(call: Call, disk: Json) -> Json:
    """Return a new disk with the links of its type and snapshot, and with its size.

    Raises the API's 409 if its name is taken, and its 400 if the snapshot is larger than the disk.
    """
    place = f"projects/{call.google.project}/zones/{call.params['zone']}"
    if f"{call.service}/{place}/disks/{disk['name']}" in call.google.resources:
        raise already_exists(f"{place}/disks/{disk['name']}")
    disk = resources.linked(call, {"type": f"{place}/diskTypes/pd-standard", **disk})
    if "sourceSnapshot" not in disk:
        return {"sizeGb": "500", **disk}
    path = disk["sourceSnapshot"].removeprefix(operations.COMPUTE)
    least = call.resource(f"{call.service}/{path}")["diskSizeGb"]
    disk = {"sizeGb": least, **disk}
    if int(disk["sizeGb"]) < int(least):
        problem = f"Disk size cannot be smaller than the snapshot's {least} GB"
        raise invalid("resource.sizeGb", disk["sizeGb"], problem)
    return disk


def _get(call: Call) -> Json:
    """Return a disk, with the instances that have it attached."""
    link = operations.COMPUTE + call.path
    users = [
        operations.COMPUTE + key.partition("/")[2]
        for key, resource in call.google.resources.items()
        if link in [disk.get("source") for disk in resource.get("disks", [])]
    ]
    return {**call.resource(), **({"users": users} if users else {})}


def _insert(call: Call) -> Json:
    disk = complete(call, call.body)
    if failed := quotas.exceeded(call, [disk]):
        return operations.begin(call, f"{call.key}/{disk['name']}", failure=failed)
    return resources.store(call, disk, disk["name"])


def _snapshot(call: Call) -> Json:
    """Create a snapshot of a disk: ``disks.createSnapshot`` and ``snapshots.insert``."""
    source = resources.linked(call, call.body.get("sourceDisk") or call.path)
    size = call.resource(f"{call.service}/{source.removeprefix(operations.COMPUTE)}")["sizeGb"]
    path = f"projects/{call.google.project}/global/snapshots/{call.body['name']}"
    key = f"{call.service}/{path}"
    if key in call.google.resources:
        raise already_exists(path)
    made = {**call.body, "sourceDisk": source, "diskSizeGb": size}
    resources.fill(call, made, "Snapshot", key)
    call.google.resources[key] = made
    return operations.begin(call, key)


def _resize(call: Call) -> Json:
    size = call.body["sizeGb"]
    if int(size) <= int(call.resource()["sizeGb"]):
        raise invalid("sizeGb", size, "New disk size must be larger than the existing size")
    return resources.change(call, call.body)


def _policies(call: Call) -> Json:
    """Add resource policies to a disk, such as a snapshot schedule, or remove them."""
    held = call.resource().get("resourcePolicies", [])
    named = resources.linked(call, call.body["resourcePolicies"])
    left = [link for link in held if link not in named]
    added = named if call.verb == "addResourcePolicies" else []
    return resources.change(call, {"resourcePolicies": [*left, *added]})


HANDLERS: Final = {
    "compute.disks.addResourcePolicies": _policies,
    "compute.disks.createSnapshot": _snapshot,
    "compute.disks.get": _get,
    "compute.disks.insert": _insert,
    "compute.disks.removeResourcePolicies": _policies,
    "compute.disks.resize": _resize,
    "compute.snapshots.insert": _snapshot,
}
