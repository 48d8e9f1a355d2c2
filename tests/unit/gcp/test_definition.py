"""The VM's body, rendered by Airflow's templates and parsed by Compute Engine's own client."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import BaseOperator
from google.cloud.compute_v1 import Firewall, Instance

from include.gcp import boot
from include.gcp.definition import (
    VmSettings,
    instance,
    kept_disks,
    vm_body,
    with_existing_disks,
    with_startup,
)
from include.gcp.disks import DEFAULT_TYPES, disk_types
from include.gcp.prices import price_of
from include.gcp.sizing import machines
from include.stack.settings import ROOT

ZONE = "southamerica-east1-a"
EXTRA = {"project": "tienda", "zone": ZONE, "instance": "druid-ventas"}


def rendered(**extra: Any) -> dict[str, Any]:
    """Return the body as a task sends it, for a connection with this extra."""
    connection = SimpleNamespace(extra_dejson={**EXTRA, **extra})
    context: Any = {"conn": SimpleNamespace(google_cloud_default=connection)}
    return with_startup(BaseOperator(task_id="vm").render_template(vm_body(ZONE), context))


def metadata(body: dict[str, Any]) -> dict[str, str]:
    return {item["key"]: item["value"] for item in body["metadata"]["items"]}


def test_client_of_compute_engine_parses_every_field() -> None:
    vm = Instance.from_json(json.dumps(rendered()))
    assert vm.machine_type == f"zones/{ZONE}/machineTypes/n2-standard-4"
    boot, data = vm.disks
    assert (boot.boot, boot.auto_delete) == (True, True)
    assert boot.initialize_params.disk_type == f"zones/{ZONE}/diskTypes/pd-ssd"
    assert vm.scheduling.instance_termination_action == "STOP"
    assert vm.scheduling.max_run_duration.seconds == 14 * 3600
    assert (data.boot, data.auto_delete, data.device_name) == (False, False, "druid-data")


def test_default_machine_type_has_a_price_with_source_and_date() -> None:
    price = price_of(rendered()["machineType"].rpartition("/")[-1], ZONE)
    assert price is not None
    assert price.source
    assert date.fromisoformat(price.date) < date(2026, 11, 24)


def test_data_disk_has_a_name_and_is_not_deleted_with_the_vm() -> None:
    data = rendered()["disks"][1]
    assert data["autoDelete"] is False
    assert data["initializeParams"]["diskName"] == "druid-ventas-data"


def test_vm_has_no_external_address_and_firewall_admits_only_iap() -> None:
    assert [n.get("accessConfigs") for n in rendered()["networkInterfaces"]] == [None]
    rule = Firewall.from_json((ROOT / "include/gcp/firewall.json").read_text())
    assert list(rule.source_ranges) == ["35.235.240.0/20"]
    assert list(rule.target_tags) == list(rendered()["tags"]["items"])
    assert [list(allowed.ports) for allowed in rule.allowed] == [["22", "8888"]]


def test_connection_with_only_required_keys_is_enough() -> None:
    body = rendered()
    assert "{" not in json.dumps({**body, "metadata": 0}, indent=0).replace("{\n", "")
    assert body["networkInterfaces"] == [
        {"subnetwork": "regions/southamerica-east1/subnetworks/ventas"}
    ]
    assert body["serviceAccounts"][0]["email"] == "ventas-druid@tienda.iam.gserviceaccount.com"
    items = metadata(body)
    assert items["ventas-druid-url"].endswith("/apache-druid-33.0.0-bin.tar.gz")
    assert (items["ventas-bucket"], items["ventas-metadata-uri"]) == ("", "")


@pytest.mark.parametrize(
    ("extra", "path", "expected"),
    [
        ({"machine_type": "n2-highmem-8"}, ["machineType"], "n2-highmem-8"),
        ({"data_disk_gb": 300}, ["disks", 1, "initializeParams", "diskSizeGb"], "300"),
        ({"service_account": "d@x"}, ["serviceAccounts", 0, "email"], "d@x"),
        ({"subnetwork": "a/b"}, ["networkInterfaces", 0, "subnetwork"], "a/b"),
        ({"max_run_seconds": 60}, ["scheduling", "maxRunDuration", "seconds"], "60"),
    ],
)
def test_extra_of_the_connection_overrides_the_defaults(
    extra: dict[str, Any], path: list[Any], expected: str
) -> None:
    value: Any = rendered(**extra)
    for step in path:
        value = value[step]
    assert value.rpartition("machineTypes/")[-1] == expected


@pytest.mark.parametrize(
    ("machine_type", "disk_type"),
    [
        ("n2-standard-4", "pd-ssd"),
        ("c3-standard-8", "pd-ssd"),
        ("c4-standard-8", "hyperdisk-balanced"),
        ("n4-standard-8", "hyperdisk-balanced"),
    ],
)
def test_machine_type_gets_a_disk_type_that_it_supports(machine_type: str, disk_type: str) -> None:
    for disk in rendered(machine_type=machine_type)["disks"]:
        assert disk["initializeParams"]["diskType"] == f"zones/{ZONE}/diskTypes/{disk_type}"


def test_every_series_has_a_disk_type() -> None:
    assert DEFAULT_TYPES.keys() == {machine.series for machine in machines().values()}
    with pytest.raises(ValueError, match="must be of one of the series n2, c3, n4, c4"):
        disk_types("e2-small")


def test_existing_data_disk_is_attached_with_its_device_name() -> None:
    body = rendered()
    again = with_existing_disks(body, ZONE, kept_disks(body))
    assert again["disks"] == [
        body["disks"][0],
        {
            "boot": False,
            "autoDelete": False,
            "deviceName": "druid-data",
            "source": f"zones/{ZONE}/disks/druid-ventas-data",
        },
    ]
    assert with_existing_disks(body, ZONE, []) == body


def test_every_setting_appears_in_the_body() -> None:
    names = [field.name for field in dataclasses.fields(VmSettings)]
    body = json.dumps(instance(VmSettings(**{name: f"<{name}>" for name in names})))
    assert [name for name in names if f"<{name}>" not in body] == []


def test_startup_script_and_files_fit_the_metadata_limit() -> None:
    sent = metadata(rendered())
    for key, value in boot.metadata().items():
        assert sent[key] == value
        assert len(value) < 256 * 1024


def test_body_in_a_dag_has_no_startup_files() -> None:
    assert not boot.metadata().keys() & metadata(vm_body(ZONE)).keys()
    assert len(json.dumps(vm_body(ZONE))) < 8 * 1024


def test_body_does_not_depend_on_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    body = instance(VmSettings(zone=ZONE))
    monkeypatch.setattr("time.time", lambda: 2e9)
    assert instance(VmSettings(zone=ZONE)) == body


def test_zone_may_be_a_placeholder() -> None:
    assert vm_body("{zone}")["machineType"].startswith("zones/{zone}/machineTypes/")
    assert json.dumps(vm_body("{zone}")).count("{zone}") == 3
