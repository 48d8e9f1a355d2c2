"""Make Druid's data disk again from a snapshot."""

from typing import Final

from include.cloud.cloud import Cloud
from include.cloud.errors import CloudError
from include.cloud.matching import filled
from include.gcp.disks import disk_types

_DISKS: Final = "compute/compute/v1/projects/{project}/zones/{zone}/disks"
_SNAPSHOTS: Final = "compute/compute/v1/projects/{project}/global/snapshots"


def restore(cloud: Cloud, snapshot: str, *, replace: bool) -> str:
    """Create the data disk from a snapshot, and return its type.

    The type is one that the machine type takes, whatever type the disk of the snapshot had.

    Args:
        cloud: the deployment's clouds.
        snapshot: name of the snapshot.
        replace: delete a disk of that name, which no VM has attached.

    Raises:
        CloudError: the snapshot is missing or not ready, or a VM has the disk attached, or there is
            a disk and `replace` is false.
    """
    deployment = cloud.deployment
    name = f"{deployment.instance}-data"
    all_disks, snapshots = filled(_DISKS, cloud.values), filled(_SNAPSHOTS, cloud.values)
    found = cloud.google.find(f"{snapshots}/{snapshot}")
    if not found or found.get("status") != "READY":
        raise CloudError("no_snapshot", name=snapshot)
    disk = cloud.google.find(f"{all_disks}/{name}")
    if disk and disk.get("users"):
        vm = str(disk["users"][0]).rpartition("/")[2]
        raise CloudError("disk_attached", name=name, vm=vm, zone=deployment.zone)
    source = f"projects/{deployment.project}/global/snapshots/{snapshot}"
    if disk and str(disk.get("sourceSnapshot")).endswith(f"/global/snapshots/{snapshot}"):
        # An earlier call made it.
        return str(disk["type"]).rpartition("/")[2]
    if disk and not replace:
        raise CloudError("disk_exists", name=name)
    if disk:
        cloud.send(f"DELETE {all_disks}/{name}")
        cloud.tell("removed", kind="disk", name=name)
    types = disk_types(deployment.machine_type)
    kind = deployment.disk if deployment.disk in types else types[0]
    body = {
        "name": name,
        "sourceSnapshot": source,
        "type": f"projects/{deployment.project}/zones/{deployment.zone}/diskTypes/{kind}",
        "sizeGb": str(max(deployment.data_disk_gb, int(found["diskSizeGb"]))),
        "labels": cloud.values["labels"],
    }
    cloud.tell("making", kind="disk", name=name)
    cloud.send(f"POST {all_disks}", body)
    return kind
