"""Every block and argument of `terraform/` exists in the providers' own schemas."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.terraform_schema import EXTRACT, MODULE, problems, used

PROVIDERS: dict[str, Any] = json.loads(EXTRACT.read_text(encoding="utf-8"))
FILES = {str(f.relative_to(MODULE)): f.read_text("utf-8") for f in sorted(MODULE.rglob("*.tf"))}


@pytest.mark.parametrize("name", FILES)
def test_file_uses_only_what_the_providers_schemas_have(name: str) -> None:
    assert list(problems(FILES[name], PROVIDERS)) == []


@pytest.mark.parametrize(
    ("file", "found", "planted", "problem"),
    [
        (
            "modules/network/main.tf",
            "source_subnetwork_ip_ranges_to_nat = ",
            "ranges = ",
            [
                "google_compute_router_nat.ventas.ranges: there is no such argument or block",
                "google_compute_router_nat.ventas.source_subnetwork_ip_ranges_to_nat: is missing",
            ],
        ),
        (
            "modules/druid/vm.tf",
            "max_run_duration {",
            "run_duration {",
            [
                "google_compute_instance.druid.scheduling.run_duration:"
                " there is no such argument or block"
            ],
        ),
        (
            "modules/druid/vm.tf",
            "shielded_instance_config {",
            "shielded_instance_config = {",
            ["google_compute_instance.druid.shielded_instance_config: is a block, not an argument"],
        ),
        (
            "modules/airflow/vm.tf",
            "metadata = {",
            "metadata {",
            ["google_compute_instance.airflow.metadata: is an argument, not a block"],
        ),
        (
            "modules/druid/metadata_store.tf",
            'name     = "druid"',
            'name     = "druid"\n  self_link = "x"',
            ["google_sql_database.metadata.self_link: only the provider sets it"],
        ),
        (
            "modules/druid/bucket.tf",
            "  versioning {",
            "  versioning {\n    enabled = true\n  }\n\n  versioning {",
            [
                "google_storage_bucket.druid.versioning: 2 blocks, and at most 1 are allowed",
            ],
        ),
        (
            "modules/network/firewall.tf",
            "protocol = allow.value.IPProtocol",
            "ip_protocol = allow.value.IPProtocol",
            [
                "google_compute_firewall.iap.allow.ip_protocol: there is no such argument or block",
                "google_compute_firewall.iap.allow.protocol: is missing",
            ],
        ),
        (
            "modules/confluent/main.tf",
            "crn_pattern = confluent_kafka_cluster.ventas.rbac_crn",
            "",
            ["confluent_role_binding.terraform.crn_pattern: is missing"],
        ),
        (
            "modules/druid/secrets.tf",
            "replication {\n    auto {}\n  }",
            "",
            ["google_secret_manager_secret.druid.replication: is missing"],
        ),
        (
            "main.tf",
            'data "google_project" "ventas"',
            'data "google_projekt" "ventas"',
            ["google_projekt.ventas: the extract has no such data"],
        ),
        (
            "versions.tf",
            "user_project_override",
            "project_override",
            ["provider google.project_override: there is no such argument or block"],
        ),
    ],
)
def test_planted_mistake_is_found(file: str, found: str, planted: str, problem: list[str]) -> None:
    assert FILES[file].count(found) == 1
    assert list(problems(FILES[file].replace(found, planted), PROVIDERS)) == problem


def test_extract_has_no_type_that_is_not_used() -> None:
    for kind, part in (("resource", "resource_schemas"), ("data", "data_source_schemas")):
        assert {name for each in PROVIDERS.values() for name in each.get(part, {})} == used(kind)


def test_schemas_are_of_versions_that_the_module_admits() -> None:
    admitted = re.findall(r'source  = "(.+)"\n +version = "~> (\d+)\.(\d+)"', FILES["versions.tf"])
    assert len(admitted) == len(PROVIDERS)
    for source, major, minor in admitted:
        provider = PROVIDERS[source.rpartition("/")[-1]]
        assert provider["source"] == f"registry.terraform.io/{source}"
        version = [int(number) for number in provider["version"].split(".")]
        assert version[0] == int(major)
        assert version[1] >= int(minor)
