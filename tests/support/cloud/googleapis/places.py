"""Compute Engine's own resources: zones, regions, machine types, disk types and images."""

from __future__ import annotations

from typing import Final

from include.gcp.disks import disk_types
from include.gcp.sizing import machines
from include.stack.compute.errors import not_found
from tests.support.cloud.googleapis import quotas, resources
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.operations import COMPUTE
from tests.support.cloud.googleapis.state import NUMBER
from tests.support.cloud.http import Json


def _machine_type(call: Call) -> Json:
    name = call.params["machineType"]
    if name not in machines() or name in call.google.unavailable:
        raise not_found(call.path)
    return _shown_machine_type(call, name)


def _machine_types(call: Call) -> Json:
    names = [name for name in machines() if name not in call.google.unavailable]
    return resources.page(call, [_shown_machine_type(call, name) for name in names])


def _shown_machine_type(call: Call, name: str) -> Json:
    zone, machine = call.params["zone"], machines()[name]
    return {
        "kind": "compute#machineType",
        "name": name,
        "guestCpus": machine.vcpus,
        "memoryMb": machine.memory,
        "zone": zone,
        "selfLink": f"{_project_link(call)}/zones/{zone}/machineTypes/{name}",
    }


def _disk_type(call: Call) -> Json:
    name = call.params["diskType"]
    known = any(name in disk_types(machine) for machine in machines())
    if not known or name in call.google.unavailable:
        raise not_found(call.path)
    return {
        "kind": "compute#diskType",
        "name": name,
        "zone": COMPUTE + call.path.rpartition("/diskTypes/")[0],
        "selfLink": COMPUTE + call.path,
        "validDiskSize": "10GB-65536GB",
    }


def _zone(call: Call) -> Json:
    name = call.params["zone"]
    region = name.rpartition("-")[0]
    if name[-1] not in resources.data("regions").get(region, ""):
        raise not_found(call.path)
    return {
        "kind": "compute#zone",
        "name": name,
        "status": "UP",
        "region": f"{_project_link(call)}/regions/{region}",
        "selfLink": COMPUTE + call.path,
    }


def _region(call: Call) -> Json:
    name = call.params["region"]
    letters = resources.data("regions").get(name)
    if letters is None:
        raise not_found(call.path)
    return {
        "kind": "compute#region",
        "name": name,
        "status": "UP",
        "zones": [f"{_project_link(call)}/zones/{name}-{letter}" for letter in letters],
        "quotas": quotas.shown(call, name),
        "selfLink": COMPUTE + call.path,
    }


def _project(call: Call) -> Json:
    return {
        "kind": "compute#project",
        "id": NUMBER,
        "name": call.google.project,
        "selfLink": COMPUTE + call.path,
    }


def _image(call: Call) -> Json:
    name = f"{call.params['family']}-v20261110"
    return {
        "kind": "compute#image",
        "name": name,
        "family": call.params["family"],
        "status": "READY",
        "diskSizeGb": "10",
        "selfLink": f"{COMPUTE}projects/{call.params['project']}/global/images/{name}",
    }


def _project_link(call: Call) -> str:
    return f"{COMPUTE}projects/{call.google.project}"


HANDLERS: Final = {
    "compute.diskTypes.get": _disk_type,
    "compute.images.getFromFamily": _image,
    "compute.machineTypes.get": _machine_type,
    "compute.machineTypes.list": _machine_types,
    "compute.projects.get": _project,
    "compute.regions.get": _region,
    "compute.zones.get": _zone,
}
