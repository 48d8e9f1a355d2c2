"""Checks of Google Cloud that are no comparison of a resource: login, quotas, open firewalls."""

import shutil
import subprocess
from collections.abc import Callable
from typing import Any, Final

import msgspec

from include.cloud.checks.check import Check, NotCheckedError
from include.cloud.cloud import WANTED, Cloud
from include.cloud.errors import CloudError, RefusedError
from include.cloud.rest import is_off
from include.cloud.secret_values import PREFIX, parsed, read
from include.gcp.disks import disk_types
from include.gcp.estimate import BOOT_DISK
from include.gcp.sizing import SizingError, machines, size

#: Seconds by which the clocks may differ; Google refuses tokens from a clock that differs by more.
MOST_SKEW: Final = 60

_PROJECT: Final = "cloudresourcemanager/v3/projects/{project}"
_COMPUTE: Final = "compute/compute/v1/projects/{project}"

#: Name of Druid's metadata store in Cloud SQL.
_STORE: Final = "ventas-druid-metadata"

#: Quotas of the region, by disk type.
_DISK_QUOTA: Final = {
    "pd-ssd": "SSD_TOTAL_GB",
    "pd-balanced": "SSD_TOTAL_GB",
    "hyperdisk-balanced": "HDB_TOTAL_GB",
}


def settings(cloud: Cloud) -> None:
    """Check that machine type, rate and disk type fit each other."""
    deployment = cloud.deployment
    try:
        size(deployment.machine_type, deployment.rate)
    except SizingError as error:
        raise CloudError("machine_too_small", reason=error) from None
    types = disk_types(deployment.machine_type)
    if deployment.disk not in types:
        raise CloudError(
            "disk_pair",
            machine_type=deployment.machine_type,
            disk_type=deployment.disk,
            types=", ".join(types),
        )


def terraform(_: Cloud) -> None:
    """Check Terraform's version, if it is there."""
    program = shutil.which("terraform") or shutil.which("tofu")
    if not program:
        raise NotCheckedError("no_terraform")
    done = subprocess.run(
        [program, "version", "-json"], capture_output=True, text=True, check=False, timeout=30
    )
    try:
        version = str(msgspec.json.decode(done.stdout)["terraform_version"])
    except (msgspec.DecodeError, KeyError):
        raise CloudError("old_terraform", version=done.stdout[:40]) from None
    if tuple(int(part) for part in version.split("-")[0].split(".")[:2]) < (1, 9):
        raise CloudError("old_terraform", version=version)


def login(cloud: Cloud) -> None:
    """Check that Google accepts the login."""
    try:
        cloud.google.call("GET", _path(_PROJECT, cloud))
    except RefusedError as error:
        if error.status == 401:
            raise CloudError("no_google_login", reason=error.reason) from None
        if not error.status:
            raise


def clock(cloud: Cloud) -> None:
    """Compare this machine's clock with Google's."""
    if abs(skew := cloud.google.skew) > MOST_SKEW:
        raise CloudError("clock", seconds=round(abs(skew)), limit=MOST_SKEW)


def project(cloud: Cloud) -> None:
    """Check that the project exists and is active."""
    try:
        found = cloud.google.call("GET", _path(_PROJECT, cloud))
    except RefusedError as error:
        if is_off(error):
            return
        if error.status not in (403, 404):
            raise
        raise CloudError("project_missing", project=cloud.deployment.project) from None
    if found.get("state") != "ACTIVE":
        raise CloudError("project_missing", project=cloud.deployment.project)


def billing(cloud: Cloud) -> None:
    """Check that the project has a billing account."""
    name = cloud.deployment.project
    found = cloud.google.call("GET", f"cloudbilling/v1/projects/{name}/billingInfo")
    if not found.get("billingEnabled"):
        raise CloudError("no_billing", project=name)


def permissions(cloud: Cloud) -> None:
    """Check that the person may do what `up` does."""
    path = f"{_path(_PROJECT, cloud)}:testIamPermissions"
    wanted = WANTED["permissions"]
    found = cloud.google.call("POST", path, {"permissions": wanted})
    if missing := [name for name in wanted if name not in found.get("permissions", [])]:
        raise CloudError(
            "permissions", missing=", ".join(missing), project=cloud.deployment.project
        )


def zone(cloud: Cloud) -> None:
    """Check that the zone exists and is up."""
    found = cloud.google.find(f"{_path(_COMPUTE, cloud)}/zones/{cloud.deployment.zone}")
    if not found or found.get("status") != "UP":
        raise CloudError("zone", zone=cloud.deployment.zone)


def room(cloud: Cloud) -> None:
    """Check that the zone had room for the VM when somebody last tried to create or start it."""
    path = f"{_path(_COMPUTE, cloud)}/zones/{cloud.deployment.zone}/operations"
    operations = (cloud.google.find(path) or {}).get("items", [])
    tried = [
        it
        for it in operations
        if it.get("operationType") in ("insert", "start")
        and str(it.get("targetLink")).endswith(f"/instances/{cloud.deployment.instance}")
    ]
    last: dict[str, Any] = max(tried, key=lambda it: str(it.get("insertTime")), default={})
    errors = (last.get("error") or {}).get("errors", [])
    if any("RESOURCE_POOL_EXHAUSTED" in str(it.get("code")) for it in errors):
        raise CloudError("zone_full", zone=cloud.deployment.zone)


def machine_type(cloud: Cloud) -> None:
    """Check that the zone has the machine type."""
    name, where = cloud.deployment.machine_type, cloud.deployment.zone
    if not cloud.google.find(f"{_path(_COMPUTE, cloud)}/zones/{where}/machineTypes/{name}"):
        raise CloudError("machine_type", name=name, zone=where)


def disk_type(cloud: Cloud) -> None:
    """Check that the zone has the disk type."""
    name, where = cloud.deployment.disk, cloud.deployment.zone
    if not cloud.google.find(f"{_path(_COMPUTE, cloud)}/zones/{where}/diskTypes/{name}"):
        raise CloudError("disk_type", name=name, zone=where)


def cpu_quota(cloud: Cloud) -> None:
    """Check that the region's quotas have room for the machine's vCPUs."""
    machine = machines()[cloud.deployment.machine_type]
    for metric in ("CPUS", f"{machine.series.upper()}_CPUS"):
        _check_quota(cloud, metric, machine.vcpus)


def disk_quota(cloud: Cloud) -> None:
    """Check that the region's quota has room for both disks."""
    metric = _DISK_QUOTA[cloud.deployment.disk]
    _check_quota(cloud, metric, BOOT_DISK + cloud.deployment.data_disk_gb)


def _check_quota(cloud: Cloud, metric: str, needed: int) -> None:
    """Raise an error if a quota lacks room; while the VM exists, its part is in use already."""
    where, deployment = _path(_COMPUTE, cloud), cloud.deployment
    found = cloud.google.call("GET", f"{where}/regions/{deployment.region}")
    quota: dict[str, Any] = next(
        (it for it in found.get("quotas", []) if it["metric"] == metric), {}
    )
    vm = cloud.google.find(f"{where}/zones/{deployment.zone}/instances/{deployment.instance}")
    used = 0 if vm else quota.get("usage", 0)
    if quota and quota["limit"] - used < needed:
        left = max(0, int(quota["limit"] - used))
        region = deployment.region
        raise CloudError("quota", metric=metric, region=region, needed=needed, left=left)


def metadata_store(cloud: Cloud) -> None:
    """Check that Cloud SQL runs, and that `google_cloud_default` has its address."""
    if not cloud.deployment.cloud_sql:
        raise NotCheckedError("derby")
    path = f"sqladmin/v1/projects/{cloud.deployment.project}/instances/{_STORE}"
    found = cloud.google.find(path)
    if not found or found.get("state") != "RUNNABLE":
        raise CloudError("metadata_store", name=_STORE)
    connection = parsed(read(cloud, f"{PREFIX}google_cloud_default")) or {}
    uri = str((connection.get("extra") or {}).get("metadata_uri"))
    addresses = [it["ipAddress"] for it in found.get("ipAddresses", [])]
    if not any(f"//{address}:" in uri for address in addresses):
        raise CloudError("metadata_uri", name=_STORE)


def open_firewall(cloud: Cloud) -> None:
    """Check that no firewall rule lets the internet reach Druid's router."""
    rules = cloud.google.pages(
        f"{_path(_COMPUTE, cloud)}/global/firewalls", "items", lambda it: _next(cloud, it)
    )
    ports = {8888, int(cloud.values["router_port"])}
    for rule in rules:
        for port in ports:
            if _opens(port, rule):
                raise CloudError("open_firewall", name=rule["name"], port=port)


def _next(cloud: Cloud, answer: Any) -> str:
    token = answer.get("nextPageToken")
    return f"{_path(_COMPUTE, cloud)}/global/firewalls?pageToken={token}" if token else ""


def _opens(port: int, rule: dict[str, Any]) -> bool:
    tags = rule.get("targetTags")
    return (
        str(rule.get("network")).endswith("/networks/ventas")
        and rule.get("direction", "INGRESS") == "INGRESS"
        and not rule.get("disabled")
        and (not tags or "ventas-druid" in tags)
        and bool({"0.0.0.0/0", "::/0"} & set(rule.get("sourceRanges", [])))
        and any(_has_port(allowed, port) for allowed in rule.get("allowed", []))
    )


def _has_port(allowed: dict[str, Any], port: int) -> bool:
    if allowed["IPProtocol"] not in ("tcp", "all", "6"):
        return False
    ranges = [str(it).partition("-") for it in allowed.get("ports", [f"{port}"])]
    return any(int(first) <= port <= int(last or first) for first, _, last in ranges)


def _path(path: str, cloud: Cloud) -> str:
    return path.format_map(cloud.values)


def _check(run: Callable[[Cloud], None], *needs: str) -> Check:
    return Check(run.__name__, run, needs=needs)


#: Before the comparison of the resources, except the services.
FIRST: Final = (
    _check(settings),
    _check(terraform),
    _check(login),
    _check(clock, "login"),
    _check(project, "login"),
)

_COMPUTE_ON: Final = ("login", "project", "service compute.googleapis.com")

#: At the end.
LAST: Final = (_check(metadata_store, "connection google_cloud_default"),)

#: After the services.
SECOND: Final = (
    _check(billing, "login", "project", "service cloudbilling.googleapis.com"),
    _check(permissions, "login", "project", "service cloudresourcemanager.googleapis.com"),
    _check(zone, *_COMPUTE_ON),
    _check(room, "zone", *_COMPUTE_ON),
    _check(machine_type, "zone", "settings", *_COMPUTE_ON),
    _check(disk_type, "zone", "settings", *_COMPUTE_ON),
    _check(cpu_quota, "settings", *_COMPUTE_ON),
    _check(disk_quota, "settings", *_COMPUTE_ON),
    _check(open_firewall, *_COMPUTE_ON),
)
