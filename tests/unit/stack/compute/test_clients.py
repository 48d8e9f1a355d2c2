"""Google's own clients against the emulator."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.unit.stack.compute.support import (
    PROJECT,
    ZONE,
    MemoryPower,
    client,
    eventually,
    finished,
    vm_body,
)

VM: dict[str, Any] = {"project": PROJECT, "zone": ZONE, "instance": "druid"}


class Google:
    """google-cloud-compute's clients for one endpoint.

    It uses the ``*_unary`` calls and a client for operations, because the operation that ``insert``
    returns always polls compute.googleapis.com, whatever the endpoint.
    """

    def __init__(self, endpoint: str) -> None:
        access: dict[str, Any] = {
            "credentials": AnonymousCredentials(),
            "client_options": ClientOptions(api_endpoint=endpoint),
        }
        self.instances = compute_v1.InstancesClient(**access)
        self._operations = compute_v1.ZoneOperationsClient(**access)

    def insert(self, **changes: Any) -> compute_v1.Operation:
        body = compute_v1.Instance.from_json(json.dumps({**vm_body(), **changes}))
        return self.instances.insert_unary(project=PROJECT, zone=ZONE, instance_resource=body)

    def finish(self, operation: compute_v1.Operation) -> compute_v1.Operation:
        finished(operation.self_link)
        return self._operations.get(project=PROJECT, zone=ZONE, operation=operation.name)


class Discovery:
    """googleapiclient's methods for one endpoint."""

    def __init__(self, endpoint: str) -> None:
        api = build(
            "compute",
            "v1",
            static_discovery=True,
            credentials=AnonymousCredentials(),
            client_options=ClientOptions(api_endpoint=f"{endpoint}/compute/v1/"),
        )
        self.instances = api.instances()
        self.operations = api.zoneOperations()


#: Clients are made once for each endpoint, because making one takes longer than its requests.
google_of = cache(Google)
discovery_of = cache(Discovery)


@pytest.fixture
def google(endpoint: str) -> Google:
    return google_of(endpoint)


@pytest.fixture
def discovery(endpoint: str) -> Discovery:
    return discovery_of(endpoint)


def test_google_cloud_compute_inserts_stops_starts_and_deletes(
    google: Google, power: MemoryPower
) -> None:
    google.finish(google.insert())
    vm = google.instances.get(**VM)
    assert vm.status == "RUNNING"
    assert vm.labels == {"rol": "druid"}
    assert vm.machine_type.endswith(f"/zones/{ZONE}/machineTypes/n2-standard-4")
    assert vm.last_start_timestamp
    google.finish(google.instances.stop_unary(**VM))
    assert google.instances.get(**VM).status == "TERMINATED"
    google.finish(google.instances.start_unary(**VM))
    assert [i.name for i in google.instances.list(project=PROJECT, zone=ZONE)] == ["druid"]
    google.finish(google.instances.delete_unary(**VM))
    assert list(google.instances.list(project=PROJECT, zone=ZONE)) == []
    assert power.commands == ["start", "stop", "start", "stop"]


def test_discovery_client_inserts_stops_starts_and_deletes(discovery: Discovery) -> None:
    def finish(operation: dict[str, Any]) -> dict[str, Any]:
        done = finished(operation["selfLink"])
        assert done["progress"] == 100
        return done

    inserted = discovery.instances.insert(project=PROJECT, zone=ZONE, body=vm_body()).execute()
    assert (inserted["kind"], inserted["operationType"]) == ("compute#operation", "insert")
    done = finish(inserted)
    assert done["targetLink"] == discovery.instances.get(**VM).execute()["selfLink"]
    assert done["insertTime"] <= done["startTime"] <= done["endTime"]
    finish(discovery.instances.stop(**VM).execute())
    finish(discovery.instances.start(**VM).execute())
    finish(discovery.instances.delete(**VM).execute())
    listed = discovery.operations.list(project=PROJECT, zone=ZONE).execute()["items"]
    assert [o["operationType"] for o in listed] == ["insert", "stop", "start", "delete"]


def test_every_status_is_visible_while_the_processes_change(
    google: Google, power: MemoryPower
) -> None:
    power.held = True
    starting = google.insert()
    assert starting.status == compute_v1.Operation.Status.PENDING
    eventually(lambda: google.instances.get(**VM).status == "STAGING")
    power.free()
    google.finish(starting)
    power.held = True
    stopping = google.instances.stop_unary(**VM)
    assert google.instances.get(**VM).status == "STOPPING"
    with pytest.raises(BadRequest, match="is not ready"):
        google.instances.start_unary(**VM)
    power.free()
    google.finish(stopping)


def test_missing_existing_and_second_instance_raise_the_errors_of_google(
    google: Google, discovery: Discovery
) -> None:
    with pytest.raises(NotFound, match=f"projects/{PROJECT}/zones/{ZONE}/instances/druid"):
        google.instances.get(**VM)
    with pytest.raises(HttpError, match="was not found") as missing:
        discovery.instances.start(**VM).execute()
    assert missing.value.status_code == 404
    assert missing.value.error_details[0]["reason"] == "notFound"
    google.finish(google.insert())
    with pytest.raises(Conflict, match="already exists"):
        google.insert()
    refused = google.finish(google.insert(name="otra"))
    assert [error.code for error in refused.error.errors] == ["QUOTA_EXCEEDED"]
    assert (refused.http_error_status_code, refused.http_error_message) == (403, "FORBIDDEN")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Druid"}, "resource.name"),
        ({"name": "druid-"}, "resource.name"),
        ({"name": 7}, "resource.name"),
        ({"machineType": ""}, "resource.machineType"),
        ({"machineType": "n2-standard-4"}, "resource.machineType"),
        ({"machineType": "zones/us-east1-b/machineTypes/n2-standard-4"}, "resource.machineType"),
        ({"disks": []}, "resource.disks"),
        ({"disks": ["boot"]}, "resource.disks"),
        ({"disks": [{"boot": False}]}, "resource.disks"),
        ({"disks": [{"boot": True, "source": "druid-data"}]}, "resource.disks[0].source"),
        (
            {"disks": [{"boot": True, "source": "zones/us-east1-b/disks/druid-data"}]},
            "resource.disks[0].source",
        ),
        (
            {
                "disks": [
                    {
                        "boot": True,
                        "source": f"zones/{ZONE}/disks/druid-data",
                        "initializeParams": {"diskSizeGb": "10"},
                    }
                ]
            },
            "resource.disks[0].source",
        ),
        ({"networkInterfaces": []}, "resource.networkInterfaces"),
    ],
)
def test_invalid_body_is_refused_with_the_field(
    discovery: Discovery, changes: dict[str, Any], field: str
) -> None:
    body = {**vm_body(), **changes}
    with pytest.raises(HttpError) as refused:
        discovery.instances.insert(project=PROJECT, zone=ZONE, body=body).execute()
    assert refused.value.status_code == 400
    assert f"Invalid value for field '{field}" in refused.value.reason


@pytest.mark.parametrize(
    ("machine_type", "disk_type", "taken"),
    [
        ("n2-standard-4", "pd-balanced", True),
        ("n2-standard-4", "hyperdisk-balanced", False),
        ("c3-standard-4", "hyperdisk-balanced", True),
        ("c4-standard-4", "pd-ssd", False),
        ("n4-standard-4", "pd-balanced", False),
    ],
)
def test_machine_type_refuses_a_disk_type_in_the_words_of_google(
    discovery: Discovery, machine_type: str, disk_type: str, taken: bool
) -> None:
    boot = {"diskType": f"zones/{ZONE}/diskTypes/{disk_type}"}
    body = {
        **vm_body(),
        "machineType": f"zones/{ZONE}/machineTypes/{machine_type}",
        "disks": [{"boot": True, "initializeParams": boot}],
    }
    insert = discovery.instances.insert(project=PROJECT, zone=ZONE, body=body)
    if taken:
        assert insert.execute()["operationType"] == "insert"
        return
    with pytest.raises(HttpError) as refused:
        insert.execute()
    assert refused.value.status_code == 400
    assert f"{disk_type} disk type cannot be used by {machine_type} machine type." in str(
        refused.value
    )


@pytest.mark.parametrize(
    ("method", "path", "code", "reason"),
    [
        ("GET", "projects/tienda/zones/luna/instances", 400, "invalid"),
        ("GET", "projects/Tienda!/zones/us-east1-b/instances", 400, "invalid"),
        ("GET", "projects/tienda/zones/us-east1-b/operations/operation-1", 404, "notFound"),
        ("GET", "projects/tienda/zones/us-east1-b/disks", 404, "notFound"),
        ("GET", "projects/tienda/zones/us-east1-b/disks/druid-data", 404, "notFound"),
        ("POST", "projects/tienda/zones/us-east1-b/instances?requestId=7", 400, "invalid"),
        ("POST", "projects/tienda/zones/us-east1-b/instances", 400, "parseError"),
    ],
)
def test_invalid_request_gets_an_error_in_the_shape_of_google(
    endpoint: str, method: str, path: str, code: int, reason: str
) -> None:
    answer = client().request(method, f"{endpoint}/compute/v1/{path}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["errors"][0]["reason"]) == (code, code, reason)
    assert error["message"]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("name = druid", ["druid"]),
        ('(status = "RUNNING")', ["druid"]),
        ("name != druid", []),
        ("name eq dr.*", ["druid"]),
        ("name ne dr.*", []),
        ("name = dr", []),
    ],
)
def test_list_is_filtered_by_one_field(
    discovery: Discovery, google: Google, condition: str, names: list[str]
) -> None:
    google.finish(google.insert())
    listed = discovery.instances.list(project=PROJECT, zone=ZONE, filter=condition).execute()
    assert [item["name"] for item in listed["items"]] == names


def test_filter_with_two_conditions_is_refused(discovery: Discovery) -> None:
    with pytest.raises(HttpError, match="one condition"):
        discovery.instances.list(
            project=PROJECT, zone=ZONE, filter="(name = a) OR (name = b)"
        ).execute()


def test_request_for_another_host_name_is_refused(endpoint: str) -> None:
    path = f"{endpoint}/compute/v1/projects/{PROJECT}/zones/{ZONE}/instances"
    assert client().get(path, headers={"Host": "rebound.example"}).status_code == 421
