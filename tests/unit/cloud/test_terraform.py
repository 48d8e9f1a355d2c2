"""What `up` makes is what Terraform makes: names, services, permissions, roles and conditions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import hcl2
import msgspec
import pytest
from hcl2.utils import SerializationOptions

from include.cloud.cloud import WANTED
from include.cloud.deployment import TERRAFORM, Deployment, variables

#: Everything below `terraform/`, its modules included.
PARSED: dict[Path, dict[str, Any]] = {
    file: hcl2.loads(
        file.read_text(encoding="utf-8"),
        serialization_options=SerializationOptions(strip_string_quotes=True, explicit_blocks=False),
    )
    for file in sorted(TERRAFORM.rglob("*.tf"))
}

TEXT = "\n".join(file.read_text(encoding="utf-8") for file in sorted(TERRAFORM.rglob("*.tf")))


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return Terraform's resources of a kind, by their names in Terraform."""
    return {
        name: body
        for parsed in PARSED.values()
        for block in parsed.get("resource", [])
        for found, named in block.items()
        if found == kind
        for name, body in named.items()
    }


def made(section: str, kind: str) -> list[dict[str, Any]]:
    return [row for row in WANTED[section] if row["kind"] == kind]


def each(rows: list[dict[str, Any]]) -> set[str]:
    return {it if isinstance(it, str) else it["id"] for row in rows for it in row["each"]}


def test_services_are_those_of_terraform_and_the_ones_of_this_command() -> None:
    (needed,) = resources("google_project_service").values()
    always = re.findall(r"\[(.*?)\]", str(needed["for_each"]), re.DOTALL)[0]
    # The first two are asked by the command only: whether a service is on, and who pays.
    own = {"serviceusage.googleapis.com", "cloudbilling.googleapis.com"}
    services = each(made("services", "service"))
    assert services - own == set(re.findall(r"\w+\.googleapis\.com", always))
    assert own <= services


def test_accounts_and_role_are_those_of_terraform() -> None:
    accounts = {
        it["account_id"]: it["display_name"] for it in resources("google_service_account").values()
    }
    (rows,) = made("google", "account")
    assert {it["id"]: it["title"] for it in rows["each"]} == accounts
    (role,) = resources("google_project_iam_custom_role").values()
    wanted = WANTED["role"]
    assert wanted["includedPermissions"] == role["permissions"]
    assert (wanted["title"], wanted["description"]) == (role["title"], role["description"])
    (row,) = made("google", "role")
    assert row["name"] == role["role_id"]


def test_secrets_are_those_of_terraform() -> None:
    names = set(re.findall(r'"(airflow-connections-\w+)"', TEXT))
    vm = dict(re.findall(r'(secret_\w+)\s*= "(ventas-[\w-]+)"', TEXT))
    assert vm == {name: it for name, it in WANTED["vm_settings"].items() if "secret" in name}
    # Only Cloud SQL, which this command does not make, has a password of the metadata store.
    names |= set(vm.values()) - {vm["secret_metadata"]}
    assert each(made("google", "secret")) == names
    bound = {it for row in WANTED["bindings"] if "secret" in row["resource"] for it in row["each"]}
    assert bound == names


def test_network_is_that_of_terraform() -> None:
    (network,) = resources("google_compute_network").values()
    (subnetwork,) = resources("google_compute_subnetwork").values()
    (nat,) = resources("google_compute_router_nat").values()
    (row,) = made("google", "network")
    body = {"name": network["name"], "autoCreateSubnetworks": network["auto_create_subnetworks"]}
    assert row["body"] == body
    (row,) = made("google", "subnetwork")
    assert row["body"]["name"] == subnetwork["name"]
    assert row["body"]["privateIpGoogleAccess"] == subnetwork["private_ip_google_access"]
    (row,) = made("google", "router")
    (wanted,) = row["body"]["nats"]
    assert wanted["name"] == nat["name"]
    assert wanted["natIpAllocateOption"] == nat["nat_ip_allocate_option"]
    assert wanted["sourceSubnetworkIpRangesToNat"] == nat["source_subnetwork_ip_ranges_to_nat"]
    (ranges,) = wanted["subnetworks"]
    assert ranges["sourceIpRangesToNat"] == nat["subnetwork"][0]["source_ip_ranges_to_nat"]
    assert wanted["logConfig"] == nat["log_config"][0]


@pytest.mark.parametrize("name", sorted(set(resources("google_compute_firewall")) - {"iap"}))
def test_firewall_rules_are_those_of_terraform(name: str) -> None:
    rule = resources("google_compute_firewall")[name]
    (body,) = [it["body"] for it in made("google", "firewall") if it["name"] == rule["name"]]
    assert body["description"] == rule["description"]
    ports = [it.replace("{router_port}", "${var.druid_port}") for it in body["allowed"][0]["ports"]]
    assert ports == rule["allow"][0]["ports"]


def test_bucket_is_that_of_terraform() -> None:
    (bucket,) = resources("google_storage_bucket").values()
    (row,) = made("google", "bucket")
    body = row["body"]
    access = body["iamConfiguration"]
    assert access["publicAccessPrevention"] == bucket["public_access_prevention"]
    assert access["uniformBucketLevelAccess"]["enabled"] == bucket["uniform_bucket_level_access"]
    soft = bucket["soft_delete_policy"][0]["retention_duration_seconds"]
    assert body["softDeletePolicy"] == {"retentionDurationSeconds": str(soft)}
    rules = [
        {
            "action": it["action"][0],
            "condition": {
                {"matches_prefix": "matchesPrefix"}.get(name, name): value
                for name, value in it["condition"][0].items()
            },
        }
        for it in bucket["lifecycle_rule"]
    ]
    assert body["lifecycle"]["rule"] == rules


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("google_project_iam_member", "project"),
        ("google_compute_subnetwork_iam_member", "subnetwork"),
        ("google_storage_bucket_iam_member", "bucket"),
        ("google_secret_manager_secret_iam_member", "secret {each}"),
    ],
)
def test_roles_are_those_of_terraform(kind: str, resource: str) -> None:
    roles = {
        role
        for body in resources(kind).values()
        for role in (
            re.findall(r"roles/[\w.]+", f"{body['role']} {body.get('for_each', '')}") or ["own"]
        )
    }
    wanted = {row["role"] for row in WANTED["bindings"] if row["resource"] == resource}
    assert {"own" if "ventasVmOperator" in role else role for role in wanted} == roles


def test_conditions_are_those_of_terraform() -> None:
    operator = resources("google_project_iam_member")["airflow_vm"]["condition"][0]
    (row,) = [it for it in WANTED["bindings"] if "condition" in it]
    terms = re.findall(r'"(\(.+?\))"', operator["expression"])
    expression = re.sub(r"\$\{var\.\w+\}", "{instance}", " || ".join(terms))
    assert row["condition"]["expression"] == expression
    assert row["condition"]["title"] == operator["title"]
    tunnel = resources("google_iap_tunnel_instance_iam_member")["router"]
    (wanted,) = WANTED["tunnel_bindings"]
    assert wanted["role"] == tunnel["role"]
    assert wanted["condition"] == tunnel["condition"][0]


def test_role_in_the_registry_is_that_of_terraform() -> None:
    role = resources("confluent_role_binding")["subject"]
    (row,) = made("registry", "registry_role")
    assert row["body"]["role_name"] == role["role_name"]
    assert each([row]) == set(re.findall(r'\["([\w-]+)"\]', role["for_each"]))
    crn = re.sub(r"\$\{data\S+?resource_name\}", "{registry_crn}", role["crn_pattern"])
    assert row["body"]["crn_pattern"] == crn.replace("${each.key}", "{each}")


def test_kafkas_connection_has_the_settings_of_terraform() -> None:
    stored = resources("google_secret_manager_secret_version")["airflow"]["secret_data"]
    extra = WANTED["connections"]["kafka_default"]["extra"] | WANTED["registry_extra"]
    assert set(re.findall(r'"([a-z.]+)" = ', stored)) == set(extra)


def test_settings_have_the_defaults_of_terraform() -> None:
    root = {
        name: body.get("default")
        for file, parsed in PARSED.items()
        if file.parent == TERRAFORM
        for block in parsed.get("variable", [])
        for name, body in block.items()
    }
    assert set(root) == variables()
    settings = Deployment(project="p")
    mine = json.loads(msgspec.json.encode(settings)) | {"project": None, "disk_type": settings.disk}
    # Terraform's own default follows from the machine type, too.
    theirs = root | {"disk_type": root["disk_type"] or settings.disk}
    common = mine.keys() & theirs.keys()
    assert len(common) > 14
    assert {name: mine[name] for name in common} == {name: theirs[name] for name in common}
