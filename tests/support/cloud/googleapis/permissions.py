"""The IAM permissions that a request needs, as in the references of Google's APIs."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.googleapis.resources import data
from tests.support.cloud.http import Json


def permission(method: str) -> str:
    """Return the permission of a method itself: ``compute.instances.create``."""
    known = data("permissions")
    if method in known["methods"]:
        return str(known["methods"][method])
    service, *_, kind, verb = method.split(".")
    service = known["services"].get(service, service)
    return f"{service}.{kind}.{known['verbs'].get(verb, verb)}"


def needed(call: Call) -> Iterator[str]:
    """Yield the permissions of a request: its method's, and those that its body needs too."""
    yield permission(call.method.id)
    for field, name in data("permissions")["fields"].get(call.method.id, {}).items():
        if field in call.body:
            yield name
    if call.method.id == "compute.instances.insert":
        yield from _of_parts(call.body)


def _of_parts(instance: Json) -> Iterator[str]:
    """Yield the permissions of an instance's disks and network interfaces."""
    for disk in instance.get("disks", []):
        if "source" in disk:
            yield "compute.disks.use"
            continue
        yield "compute.disks.create"
        if "labels" in disk.get("initializeParams", {}):
            yield "compute.disks.setLabels"
    for interface in instance.get("networkInterfaces", []):
        yield "compute.subnetworks.use"
        if "accessConfigs" in interface:
            yield "compute.subnetworks.useExternalIp"
