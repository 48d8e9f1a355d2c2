"""The settings in terraform.tfvars.json, and their equality with Terraform's variables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from include.cloud import deployment
from include.cloud.deployment import Deployment
from include.cloud.errors import CloudError


def test_written_settings_are_read_and_others_stay(tmp_path: Path) -> None:
    file = tmp_path / "terraform.tfvars.json"
    file.write_text('{"cloud_sql_tier": "db-custom-2"}', encoding="utf-8")
    given = ["project=my-project", "create_vm=true", 'airflow_ranges=["10.80.0.0/24"]', "rate=50"]
    deployment.change(deployment.parse(given), file)
    found = deployment.load(file)
    assert (found.project, found.create_vm, found.rate) == ("my-project", True, 50)
    assert found.airflow_ranges == ("10.80.0.0/24",)
    assert json.loads(file.read_text(encoding="utf-8"))["cloud_sql_tier"] == "db-custom-2"


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ("machine=n2-standard-4", "no variable machine"),
        ("create_vm=maybe", "Expected `bool`"),
        ("create_vm", "is not NAME=VALUE"),
    ],
)
def test_wrong_setting_is_refused_and_nothing_written(
    tmp_path: Path, given: str, part: str
) -> None:
    file = tmp_path / "terraform.tfvars.json"
    with pytest.raises(CloudError) as error:
        deployment.change(deployment.parse([given]), file)
    assert part in error.value.text("en")
    assert not file.exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"project": 1}', '{"project": "p", "zone": null}']
)
def test_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "terraform.tfvars.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(CloudError) as error:
        deployment.load(file)
    assert error.value.problem == "bad_settings"


def test_missing_file_asks_for_the_project(tmp_path: Path) -> None:
    with pytest.raises(CloudError) as error:
        deployment.load(tmp_path / "terraform.tfvars.json")
    assert "--project" in error.value.text("en")


def test_airflow_reaches_druid_through_the_tunnel_or_in_the_vpc() -> None:
    tunnel = ("user:ana@example.com",)
    through = Deployment(project="p", tunnel_members=tunnel)
    assert through.druid_router.geturl() == "http://127.0.0.1:8888"
    inside = Deployment(project="p", tunnel_members=tunnel, airflow_ranges=("10.0.0.0/8",))
    assert inside.druid_router.hostname == "druid-ventas.southamerica-east1-a.c.p.internal"


@pytest.mark.parametrize("address", ["druid:9088", "https://druid", "https://druid:9088/"])
def test_address_of_druid_has_protocol_host_and_port(tmp_path: Path, address: str) -> None:
    with pytest.raises(CloudError, match=r"\$\.druid_address"):
        deployment.change({"druid_address": address}, tmp_path / "terraform.tfvars.json")
