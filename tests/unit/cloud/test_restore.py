"""`restore` makes the data disk again, in a type that the machine takes."""

from __future__ import annotations

from typing import Any

import pytest

from include.cloud import deploy
from include.cloud.errors import CloudError
from include.cloud.restore import restore
from tests.support.cloud.place import Place

ZONE = "compute.googleapis.com/projects/my-project/zones/southamerica-east1-a"
SNAPSHOTS = "compute.googleapis.com/projects/my-project/global/snapshots"


@pytest.fixture
def backed_up(empty: Place) -> Place:
    """A deployment with a VM, and a snapshot of its data disk."""
    cloud = empty.cloud(create_vm=True)
    deploy.up(cloud)
    body = {"name": "monday", "sourceDisk": "zones/southamerica-east1-a/disks/druid-ventas-data"}
    cloud.send("POST compute/compute/v1/projects/my-project/global/snapshots", body)
    empty.google.settle()
    return empty


def disk(made: Place) -> dict[str, Any]:
    return made.google.resources[f"{ZONE}/disks/druid-ventas-data"]


def delete_vm(made: Place) -> None:
    made.google.remove(f"{ZONE}/instances/druid-ventas")


def test_attached_disk_is_not_replaced(backed_up: Place) -> None:
    with pytest.raises(CloudError) as error:
        restore(backed_up.cloud(), "monday", replace=True)
    assert "gcloud compute instances delete druid-ventas" in error.value.text("en")


def test_present_disk_is_replaced_only_if_asked(backed_up: Place) -> None:
    delete_vm(backed_up)
    with pytest.raises(CloudError) as error:
        restore(backed_up.cloud(), "monday", replace=False)
    assert error.value.problem == "disk_exists"
    assert restore(backed_up.cloud(), "monday", replace=True) == "pd-ssd"
    assert disk(backed_up)["sourceSnapshot"].endswith("/snapshots/monday")
    # An interrupted call may be repeated.
    restore(backed_up.cloud(), "monday", replace=False)


def test_disk_gets_a_type_that_the_machine_takes_and_is_never_smaller(backed_up: Place) -> None:
    delete_vm(backed_up)
    backed_up.google.remove(f"{ZONE}/disks/druid-ventas-data")
    backed_up.google.resources[f"{SNAPSHOTS}/monday"]["diskSizeGb"] = "300"
    cloud = backed_up.cloud(machine_type="c4-highmem-8")
    assert restore(cloud, "monday", replace=False) == "hyperdisk-balanced"
    assert disk(backed_up)["sizeGb"] == "300"


def test_missing_snapshot_is_named(backed_up: Place) -> None:
    delete_vm(backed_up)
    with pytest.raises(CloudError) as error:
        restore(backed_up.cloud(), "sunday", replace=True)
    assert "sunday" in error.value.text("en")
    assert f"{ZONE}/disks/druid-ventas-data" in backed_up.google.resources
