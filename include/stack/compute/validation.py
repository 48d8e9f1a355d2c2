"""Checks of a request's content; `discovery` checks its form first."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from include.gcp.disks import disk_types
from include.stack.compute.errors import ApiError, invalid

_ZONE = r"[a-z]+-[a-z]+[0-9]+-[a-z]"
_MACHINE_TYPE = (
    r"(?:https?://[^/]+/compute/v1/)?(?:projects/[^/]+/)?zones/([^/]+)/machineTypes/[^/]+"
)
_DISK = r"(?:https?://[^/]+/compute/v1/)?(?:projects/[^/]+/)?zones/([^/]+)/disks/[^/]+"


def check_zone(zone: str) -> None:
    """Refuse a zone that Compute Engine could not have."""
    if not re.fullmatch(_ZONE, zone):
        raise invalid("zone", zone, "Must be a zone such as southamerica-east1-a")


def check_request_id(request_id: str) -> None:
    """Refuse a ``requestId`` that is not a UUID or is the zero UUID."""
    try:
        known = UUID(request_id).int
    except ValueError:
        known = 0
    if not known:
        raise invalid("requestId", request_id, "Must be a UUID other than zero")


def check_instance(body: dict[str, Any], zone: str) -> None:
    """Refuse an instance without a machine type of its zone, a boot disk or a network interface."""
    machine_type = body.get("machineType", "")
    match = re.fullmatch(_MACHINE_TYPE, machine_type)
    if match is None:
        raise invalid("resource.machineType", machine_type, "Must be the URL of a machine type")
    if match[1] != zone:
        raise invalid("resource.machineType", machine_type, f"Must be in zone '{zone}'")
    disks = body.get("disks")
    if not disks:
        raise invalid("resource.disks", "", "At least one disk is required")
    if not disks[0].get("boot"):
        raise invalid("resource.disks[0].boot", "false", "The first disk must be a boot disk")
    if not body.get("networkInterfaces"):
        problem = "At least one network interface is required"
        raise invalid("resource.networkInterfaces", "", problem)
    for index, disk in enumerate(disks):
        _check_disk(disk, machine_type, zone, f"resource.disks[{index}]")


def check_pair(machine_type: str, disk_type: str) -> None:
    """Refuse a disk whose type the machine type does not take; both may be URLs."""
    machine, disk = machine_type.rpartition("/")[2], disk_type.rpartition("/")[2]
    try:
        taken = disk_types(machine)
    except ValueError:
        problem = "The referenced resource does not exist"
        raise invalid("resource.machineType", machine_type, problem) from None
    if disk not in taken:
        message = f"{disk} disk type cannot be used by {machine} machine type."
        raise ApiError(400, "badRequest", message)


def _check_disk(disk: dict[str, Any], machine_type: str, zone: str, field: str) -> None:
    """Refuse a disk that is both new and existing, of another zone, or of a type that is not taken.

    A disk without a type gets Compute Engine's own default.
    """
    created = disk.get("initializeParams", {})
    source = disk.get("source")
    if source is not None:
        match = re.fullmatch(_DISK, source)
        if match is None or match[1] != zone:
            problem = f"Must be the URL of a disk in zone '{zone}'"
            raise invalid(f"{field}.source", source, problem)
        if created:
            raise invalid(f"{field}.source", source, "It excludes initializeParams")
    if "diskType" in created:
        check_pair(machine_type, created["diskType"])
