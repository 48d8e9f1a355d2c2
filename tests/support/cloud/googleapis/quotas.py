"""Compute Engine's quotas of a region: their limits, and how much of them is used."""

from __future__ import annotations

from typing import Final

from include.gcp.sizing import machines
from include.stack.compute.injected_errors import quota_exceeded
from include.stack.compute.state import Failure, Zone
from tests.support.cloud.googleapis.call import Call
from tests.support.cloud.http import Json

#: Limits in a new project.
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


def shown(call: Call, region: str) -> list[Json]:
    """Return a region's quotas, as `regions.get` shows them."""
    return [
        {"metric": metric, "limit": limit, "usage": _usage(call, metric, region)}
        for metric, limit in {**_LIMITS, **call.google.limits}.items()
    ]


def exceeded(call: Call, made: list[Json]) -> Failure | None:
    """Return the failure of an operation that makes more disks or instances than a quota allows."""
    zone = Zone(call.google.project, call.params["zone"])
    for quota in shown(call, zone.name.rpartition("-")[0]):
        metric, limit = quota["metric"], quota["limit"]
        more = sum(_share(metric, resource) for resource in made)
        if more and quota["usage"] + more > limit:
            return quota_exceeded(metric, limit, zone)
    return None


def _usage(call: Call, metric: str, region: str) -> float:
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
        kind = resource["type"].rpartition("/")[2]
        return int(resource["sizeGb"]) if kind in _SIZES.get(metric, ()) else 0
    machine = resource["machineType"].rpartition("/")[2]
    if metric == "INSTANCES":
        return 1
    if metric in ("CPUS", f"{machine.partition('-')[0].upper()}_CPUS"):
        return machines()[machine].vcpus
    return 0
