"""Checks of requests against Google's discovery document, with and without the emulator."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from include.stack.compute.discovery import api
from include.stack.compute.errors import ApiError
from include.stack.settings import Settings
from tests.support.vm import rendered_body
from tests.unit.stack.compute.support import (
    PROJECT,
    ZONE,
    client,
    finished,
    go_wrong,
    vm_body,
)


def check_insert(body: dict[str, Any]) -> None:
    api("compute.v1").check_request("compute.instances.insert", body)


def changed(path: str, value: object) -> dict[str, Any]:
    """Return the smallest body with one member set; its path is like ``disks.0.boot``."""
    body: dict[str, Any] = copy.deepcopy(vm_body())
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inside: Any = body
    for step in way:
        inside = inside[step] if isinstance(step, int) else inside.setdefault(step, {})
    inside[last] = value
    return body


def test_own_vm_of_the_project_passes_the_check() -> None:
    check_insert(rendered_body(Settings.from_environment({})))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("scheduling.preemptible", True),
        ("scheduling.provisioningModel", "SPOT"),
        ("scheduling.maxRunDuration", {"seconds": "3600", "nanos": 0}),
        ("serviceAccounts", [{"email": "druid@tienda.iam.gserviceaccount.com", "scopes": ["x"]}]),
        ("metadata.items", [{"key": "startup-script", "value": "#!/bin/sh"}]),
        ("metadata.fingerprint", "zW9-_A=="),
        ("tags.items", ["druid", "iap"]),
        ("labels", {"rol": "druid", "": ""}),
        ("resourcePolicies", ["projects/p/regions/r/resourcePolicies/night"]),
        ("disks.0.initializeParams.provisionedIops", "3000"),
        ("guestAccelerators", [{"acceleratorCount": 1}]),
    ],
)
def test_field_of_the_document_is_accepted(path: str, value: object) -> None:
    check_insert(changed(path, value))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("maquina", 1, "Unknown name \"maquina\" at 'resource': Cannot find field."),
        ("disks.0.autodelete", True, "Unknown name \"autodelete\" at 'resource.disks[0]'"),
        (
            "disks.0.boot",
            "yes",
            "'resource.disks[0].boot': 'yes'. Must be of type boolean, not str",
        ),
        ("disks.0.boot", 1, "'resource.disks[0].boot': '1'. Must be of type boolean, not integer"),
        ("canIpForward", None, "'None'. Must be of type boolean, not null."),
        ("scheduling.minNodeCpus", True, "'True'. Must be of type integer, not boolean."),
        ("scheduling.minNodeCpus", 1.5, "Must be of type integer, not number."),
        ("scheduling.minNodeCpus", 2**31, "Must be from -2147483648 to 2147483647 (int32)."),
        ("disks.0.initializeParams.diskSizeGb", 100, "Must be of type string, not integer."),
        ("disks.0.initializeParams.diskSizeGb", "100 GB", "Must be a number in digits (int64)."),
        ("disks.0.initializeParams.diskSizeGb", str(2**63), "Must be from -9223372036854775808"),
        ("scheduling.onHostMaintenance", "STOP", "Must be one of MIGRATE, TERMINATE."),
        ("name", "Druid", "'resource.name': 'Druid'. Must be a match of regex '(?:[a-z]"),
        ("name", "druid\n", "Must be a match of regex"),
        ("tags.items", ["druid", "IAP"], "'resource.tags.items[1]': 'IAP'. Must be a match of re"),
        ("tags", ["druid"], "'resource.tags': '[…]'. Must be of type object, not array."),
        ("metadata.items", {"a": "b"}, "'{…}'. Must be of type array, not object."),
        ("labels", {"rol": 7}, "'resource.labels.rol': '7'. Must be of type string, not integer."),
        ("labels", {"\ud800": ""}, r"'resource.labels': '\ud800'. Must be valid Unicode text"),
        ("description", "\ud800", r"'resource.description': '\ud800'. Must be valid Unicode text"),
        ("\ud800", 1, r"Unknown name \"\ud800\" at 'resource'".replace('\\"', '"')),
        ("metadata.fingerprint", "no!", "'resource.metadata.fingerprint': 'no!'. Must be base64."),
        ("status", "RUNNING", "'resource.status': 'RUNNING'. It is output only"),
        ("disks.0.index", 0, "'resource.disks[0].index': '0'. It is output only"),
    ],
)
def test_invalid_field_is_refused_with_its_name(path: str, value: object, message: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_insert(changed(path, value))
    assert (refused.value.code, refused.value.reason) == (400, "invalid")
    assert message in refused.value.message


def test_missing_required_field_is_refused() -> None:
    body = changed("metadata.items", [{"key": "startup-script"}])
    with pytest.raises(ApiError, match=r"'resource\.metadata\.items\[0\]\.value': ''\. It is req"):
        check_insert(body)
    del body["name"]
    with pytest.raises(ApiError, match=r"'resource\.name': ''\. It is required"):
        check_insert(body)


PLACE = {"project": PROJECT, "zone": ZONE}


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("instances.insert", PLACE, {"requestId": "x", "alt": "json", "prettyPrint": "false"}),
        ("instances.list", PLACE, {"filter": "name = druid", "maxResults": "10"}),
        ("instances.stop", {**PLACE, "instance": "7"}, {"discardLocalSsd": "true"}),
        ("zoneOperations.wait", {**PLACE, "operation": "operation-1"}, {}),
    ],
)
def test_parameters_of_a_method_are_accepted(
    method: str, path: dict[str, str], query: dict[str, str]
) -> None:
    api("compute.v1").check_parameters(f"compute.{method}", path, query.items())


@pytest.mark.parametrize(
    ("method", "path", "query", "message"),
    [
        ("instances.start", {"instance": "druid-"}, {}, "Invalid value for field 'instance'"),
        ("instances.start", {"project": "Tienda!"}, {}, "Invalid value for field 'project'"),
        ("instances.start", {}, {"discardLocalSsd": "true"}, "Field 'discardLocalSsd' could not"),
        ("instances.start", {}, {"zone": ZONE}, "Field 'zone' could not be found"),
        ("instances.stop", {}, {"discardLocalSsd": "yes"}, "'yes'. Must be true or false."),
        ("instances.list", {}, {"maxResults": "ten"}, "Must be a number in digits (uint32)."),
        ("instances.list", {}, {"maxResults": "-1"}, "Must be from 0 to 4294967295 (uint32)."),
        ("instances.list", {}, {"alt": "xml"}, "Must be one of json, media, proto."),
    ],
)
def test_unknown_or_invalid_parameters_are_refused(
    method: str, path: dict[str, str], query: dict[str, str], message: str
) -> None:
    with pytest.raises(ApiError) as refused:
        api("compute.v1").check_parameters(f"compute.{method}", {**PLACE, **path}, query.items())
    assert refused.value.code == 400
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("instances/druid-/start", "instance"),
        ("instances/druid/stop?discardLocalSsd=no", "discardLocalSsd"),
        ("instances/druid/start?requestId=00000000-0000-0000-0000-000000000000", "requestId"),
    ],
)
def test_every_route_of_the_emulator_checks_its_parameters(
    endpoint: str, path: str, field: str
) -> None:
    answer = client().post(f"{endpoint}/compute/v1/projects/{PROJECT}/zones/{ZONE}/{path}")
    assert answer.status_code == 400
    assert f"Invalid value for field '{field}'" in answer.json()["error"]["message"]


def test_every_answer_of_the_emulator_is_one_of_the_document(endpoint: str) -> None:
    zone = f"{endpoint}/compute/v1/projects/{PROJECT}/zones/{ZONE}"

    def ask(http_method: str, path: str, method: str, body: Any = None) -> Any:
        answer = client().request(http_method, f"{zone}/{path}", json=body).json()
        api("compute.v1").check_answer(f"compute.{method}", answer)
        return answer

    boot = {"diskName": "druid", "diskType": f"zones/{ZONE}/diskTypes/pd-ssd"}
    body = {**vm_body(), "disks": [{"boot": True, "initializeParams": boot}]}
    operation = ask("POST", "instances", "instances.insert", body)
    finished(operation["selfLink"])
    ask("GET", f"operations/{operation['name']}", "zoneOperations.get")
    ask("GET", "operations", "zoneOperations.list")
    ask("GET", "instances", "instances.list")
    ask("GET", "instances/druid", "instances.get")
    ask("GET", "instances/druid/serialPort", "instances.getSerialPortOutput")
    ask("GET", "disks/druid", "disks.get")
    go_wrong(endpoint, "QUOTA_EXCEEDED", methods=["instances.stop"], times=1)
    failed = ask("POST", "instances/druid/stop", "instances.stop")
    assert failed["error"]["errors"][0]["errorDetails"]
    finished(ask("POST", "instances/druid/stop", "instances.stop")["selfLink"])
    ask("POST", "instances/druid/start", "instances.start")
