"""The Terraform module: its firewall and roles, and that its VM is the same as the DAG's."""

from __future__ import annotations

import csv
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hcl2
import pytest
from airflow.providers.google.cloud.secrets.secret_manager import CloudSecretManagerBackend
from airflow.sdk.definitions._internal.templater import SandboxedEnvironment
from hcl2.utils import SerializationOptions

from include.cloud.deploy import up
from include.gcp.definition import VmSettings, instance
from include.names import ALERTS_CONNECTION
from include.stack.airflow import connections
from include.stack.settings import ROOT, Settings
from include.stream.acls import load_acls
from tests.support.cloud.place import place
from tests.support.terraform_provider import stand_ins
from tests.support.terraform_schema import EXTRACT

ROOT_MODULE = ROOT / "terraform"
MODULES = {"": ROOT_MODULE, **{each.name: each for each in ROOT_MODULE.glob("modules/*")}}
CODE = {
    name: re.sub(
        r"^\s*#.*$",
        "",
        "\n".join(file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.tf"))),
        flags=re.MULTILINE,
    )
    for name, folder in MODULES.items()
}
ALL_CODE = "\n".join(CODE.values())
PARSED: dict[str, dict[str, list[Any]]] = {
    name: hcl2.loads(
        code,
        serialization_options=SerializationOptions(strip_string_quotes=True, explicit_blocks=False),
    )
    for name, code in CODE.items()
}


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of one kind in all modules, by name."""
    return {
        name: body
        for parsed in PARSED.values()
        for block in parsed.get("resource", [])
        for found, named in block.items()
        if found == kind
        for name, body in named.items()
    }


def variables(module: str = "") -> dict[str, dict[str, Any]]:
    return {name: body for block in PARSED[module]["variable"] for name, body in block.items()}


#: First is the default.
DISK_TYPES: dict[str, list[str]] = json.loads(
    (ROOT / "include/gcp/disk_types.json").read_text(encoding="utf-8")
)


def terraform_locals(module: str) -> dict[str, Any]:
    return {name: value for block in PARSED[module]["locals"] for name, value in block.items()}


def settings(**values: str) -> dict[str, str]:
    """Return a value for each of the VM's settings."""
    return {field.name: values.get(field.name, f"<{field.name}>") for field in fields(VmSettings)}


@pytest.mark.parametrize("module", MODULES)
def test_every_variable_is_declared_and_used(module: str) -> None:
    assert set(re.findall(r"\bvar\.(\w+)", CODE[module])) == set(variables(module))


@pytest.mark.parametrize("module", MODULES)
def test_every_variable_has_a_description(module: str) -> None:
    assert [name for name, body in variables(module).items() if not body.get("description")] == []


def test_most_variables_have_a_validation() -> None:
    unchecked = {name for name, body in variables().items() if "validation" not in body}
    switches = {name for name, body in variables().items() if body["type"] == "bool"}
    assert unchecked == {"bucket", "cloud_sql_tier"} | switches


def test_root_only_joins_the_modules() -> None:
    modules = {name: body for block in PARSED[""]["module"] for name, body in block.items()}
    assert {body["source"].removeprefix("./modules/") for body in modules.values()} == {
        name for name in MODULES if name
    }
    for name, body in modules.items():
        assert set(body) - {"source", "count"} == set(variables(name))


def test_example_of_the_settings_is_a_json_file_of_variables() -> None:
    example = json.loads((ROOT_MODULE / "terraform.tfvars.json.example").read_text("utf-8"))
    assert example.keys() <= variables().keys()
    required = {name for name, body in variables().items() if "default" not in body}
    assert required <= example.keys()


def test_firewall_admits_only_iap_and_airflow() -> None:
    assert "0.0.0.0/0" not in ALL_CODE
    assert "access_config" not in ALL_CODE
    druid, airflow = "${local.iap.targetTags}", ["${var.airflow_tag}"]
    assert {
        name: (rule["source_ranges"], rule.get("source_tags"), rule["target_tags"])
        for name, rule in rules().items()
    } == {
        "iap": ("${local.iap.sourceRanges}", None, druid),
        "airflow": ("${var.airflow_ranges}", "${var.airflow_vm ? [var.airflow_tag] : []}", druid),
        "airflow_iap": ("${local.iap.sourceRanges}", None, airflow),
    }
    assert terraform_locals("network")["iap"].endswith('/include/gcp/firewall.json"))}')


def rules() -> dict[str, dict[str, Any]]:
    return resources("google_compute_firewall")


def test_airflow_may_reach_only_the_port_of_the_router() -> None:
    (allowed,) = rules()["airflow"]["allow"]
    assert allowed["ports"] == ["${var.druid_port}"]


def test_vm_of_airflow_is_made_only_if_asked_for_and_runs_as_airflow() -> None:
    vm = resources("google_compute_instance")["airflow"]
    assert vm["count"] == "${var.vm ? 1 : 0}"
    assert vm["boot_disk"][0]["initialize_params"][0]["image"].endswith("/debian-12")
    assert vm["tags"] == ["${var.tag}"]
    assert vm["service_account"] == [
        {
            "email": "${google_service_account.airflow.email}",
            "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        }
    ]
    (allowed,) = rules()["airflow_iap"]["allow"]
    assert allowed["ports"] == ["22", "8080"]
    tunnel = resources("google_iap_tunnel_instance_iam_member")["airflow"]
    ports = re.findall(r"destination\.port == (\d+)", tunnel["condition"][0]["expression"])
    assert ports == allowed["ports"]


def test_bucket_is_private_and_deletes_old_task_logs() -> None:
    (bucket,) = resources("google_storage_bucket").values()
    assert bucket["public_access_prevention"] == "enforced"
    assert bucket["uniform_bucket_level_access"] is True
    assert bucket["versioning"] == [{"enabled": False}]
    assert bucket["lifecycle_rule"][0]["condition"][0]["matches_prefix"] == ["druid/task-logs/"]


def test_only_the_listed_roles_are_granted() -> None:
    granted = {
        (kind.removeprefix("google_").removesuffix("_iam_member"), str(role))
        for parsed in PARSED.values()
        for block in parsed.get("resource", [])
        for kind, named in block.items()
        if kind.endswith("_iam_member")
        for body in named.values()
        for role in ([body["role"]] if body["role"] != "${each.key}" else roles_of(body))
    }
    assert granted == {
        ("project", "roles/logging.logWriter"),
        ("project", "roles/monitoring.metricWriter"),
        ("project", "${google_project_iam_custom_role.vm_operator.name}"),
        ("compute_subnetwork", "roles/compute.networkUser"),
        ("compute_instance", "roles/compute.osAdminLogin"),
        ("service_account", "roles/iam.serviceAccountUser"),
        ("service_account", "roles/iam.serviceAccountTokenCreator"),
        ("iap_tunnel_instance", "roles/iap.tunnelResourceAccessor"),
        ("storage_bucket", "roles/storage.objectAdmin"),
        ("secret_manager_secret", "roles/secretmanager.secretAccessor"),
    }


@pytest.mark.parametrize(
    ("kind", "name", "may"),
    [
        ("Instance", "zones/southamerica-east1-a/instances/druid-ventas", True),
        ("Instance", "zones/southamerica-east1-b/instances/druid-ventas", True),
        ("Instance", "zones/southamerica-east1-a/instances/payroll", False),
        ("Instance", "zones/southamerica-east1-a/instances/druid-ventas-2", False),
        ("Instance", "zones/southamerica-east1-a/instances/not-druid-ventas", False),
        ("Disk", "zones/southamerica-east1-a/disks/druid-ventas", True),
        ("Disk", "zones/southamerica-east1-a/disks/druid-ventas-data", True),
        ("Disk", "zones/southamerica-east1-a/disks/payroll-data", False),
        ("ZoneOperation", "zones/southamerica-east1-a/operations/operation-1", True),
    ],
)
def test_airflow_may_operate_only_the_vm_of_the_module(kind: str, name: str, may: bool) -> None:
    (binding,) = [
        body
        for body in resources("google_project_iam_member").values()
        if body["role"] == "${google_project_iam_custom_role.vm_operator.name}"
    ]
    terms = re.findall(r'"(\(.+?\))"', binding["condition"][0]["expression"])
    assert len(terms) == 4
    cel = " || ".join(terms).replace("${var.druid_instance}", variables()["instance"]["default"])
    python = cel.replace("&&", "and").replace("||", "or").replace("endsWith", "endswith")
    assert not re.search(r"[${}!](?!=)", python)
    resource = SimpleNamespace(type=f"compute.googleapis.com/{kind}", name=f"projects/p/{name}")
    assert eval(python, {"__builtins__": {}}, {"resource": resource}) is may  # noqa: S307


def test_disks_of_the_vm_have_the_names_that_airflow_may_use() -> None:
    boot, data = instance(VmSettings(**settings(instance="druid-ventas")))["disks"]
    # A boot disk without a name gets the VM's name (`instances.insert`).
    assert "diskName" not in boot["initializeParams"]
    assert data["initializeParams"]["diskName"] == "druid-ventas-data"


def test_tunnel_is_allowed_only_to_the_router_of_this_vm() -> None:
    assert "google_iap_tunnel_iam_member" not in ALL_CODE
    binding = resources("google_iap_tunnel_instance_iam_member")["router"]
    assert binding["instance"] == "${google_compute_instance.druid[0].name}"
    assert binding["zone"] == "${google_compute_instance.druid[0].zone}"
    assert binding["condition"][0]["expression"] == "destination.port == 8888"
    refusals = [rule["condition"] for rule in variables()["tunnel_members"]["validation"]]
    assert "${var.create_vm || length(var.tunnel_members) == 0}" in refusals


def test_cloud_sql_requires_tls_and_the_vm_gets_its_authority() -> None:
    (store,) = resources("google_sql_database_instance").values()
    (network,) = store["settings"][0]["ip_configuration"]
    assert (network["ssl_mode"], network["ipv4_enabled"]) == ("ENCRYPTED_ONLY", False)
    assert "sslmode" not in ALL_CODE
    assert ".server_ca_cert[0].cert" in terraform_locals("druid")["metadata_ca"]


def test_destroy_does_not_wait_for_the_peering_of_cloud_sql() -> None:
    (connection,) = resources("google_service_networking_connection").values()
    assert connection["deletion_policy"] == "ABANDON"


def test_changed_run_time_and_newer_image_do_not_create_the_vm_again() -> None:
    vm = resources("google_compute_instance")["druid"]
    (lifecycle,) = vm["lifecycle"]
    assert "${scheduling[0].max_run_duration}" in lifecycle["ignore_changes"]
    assert "${boot_disk[0].initialize_params}" in lifecycle["ignore_changes"]


def test_disk_and_cluster_with_data_are_not_destroyed() -> None:
    for kind in ("google_compute_disk", "confluent_kafka_cluster"):
        (kept,) = resources(kind).values()
        assert kept["lifecycle"][0]["prevent_destroy"] is True


def test_data_disk_has_the_name_and_labels_that_the_dag_gives_it() -> None:
    (disk,) = resources("google_compute_disk").values()
    body = instance(VmSettings(**settings(instance="druid-ventas")))["disks"][1]
    assert terraform_locals("druid")["data_disk"] == "${local.vm.disks[1]}"
    raw = json.loads((ROOT / "include/gcp/vm.json").read_text(encoding="utf-8"))["disks"][1]
    assert raw["deviceName"] == body["deviceName"]
    assert 'replace(local.data_disk.initializeParams.diskName, "{instance}"' in disk["name"]
    name = raw["initializeParams"]["diskName"].replace("{instance}", "druid-ventas")
    assert name == body["initializeParams"]["diskName"]


def test_lock_file_of_the_providers_is_not_ignored_by_git() -> None:
    # `terraform init` or `terraform providers lock` writes it, and it must be committed.
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "terraform/.terraform.lock.hcl"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")


def roles_of(body: dict[str, Any]) -> list[str]:
    return re.findall(r"roles/[\w.]+", str(body["for_each"]))


def test_role_of_airflow_covers_the_calls_of_its_hook_and_no_delete() -> None:
    hook = (ROOT / "plugins/ventas_airflow/hooks/compute.py").read_text(encoding="utf-8")
    calls = re.findall(r"\._methods\(\"(\w+)\"\)\s*\.(\w+)\(", hook)
    assert {"get", "insert", "start", "stop"} <= {verb for _, verb in calls}
    needed = {f"compute.{kind}.{verb.replace('insert', 'create')}" for kind, verb in calls}
    (role,) = resources("google_project_iam_custom_role").values()
    assert needed <= set(role["permissions"])
    assert [name for name in role["permissions"] if name.endswith("delete")] == []


def test_state_of_terraform_contains_no_secret_values_without_confluent() -> None:
    assert PARSED[""]["module"][-1]["confluent"]["count"] == "${var.confluent ? 1 : 0}"
    for name, parsed in PARSED.items():
        kinds = {kind for block in parsed["resource"] for kind in block}
        assert "google_sql_user" not in kinds
        if name != "confluent":
            assert "google_secret_manager_secret_version" not in kinds
            assert "password" not in re.sub(r'description = ".*"', "", CODE[name])


def test_acls_on_confluent_cloud_are_those_of_the_list() -> None:
    given = terraform_locals("confluent")["names"]
    rows = list(csv.DictReader((ROOT / "include/stream/acls.csv").open(encoding="utf-8")))
    named = [
        "".join(given.get(part, part) for part in re.findall("[^{}]+", row["name"])) for row in rows
    ]
    assert named == [acl.name for acl in load_acls()]
    accounts = terraform_locals("confluent")["accounts"]
    assert {row["user"] for row in rows} <= accounts.keys()


def test_vm_settings_are_the_fields_of_the_definition() -> None:
    assert set(terraform_locals("druid")["settings"]) == {f.name for f in fields(VmSettings)}


def test_defaults_equal_those_of_the_definition() -> None:
    extra = {"project": "p", "zone": "southamerica-east1-a", "instance": "druid-ventas"}
    context = {"conn": SimpleNamespace(google_cloud_default=SimpleNamespace(extra_dejson=extra))}
    environment = SandboxedEnvironment()  # type: ignore[no-untyped-call]
    of_definition = {
        name: environment.from_string(value).render(context)
        for name, value in asdict(VmSettings(zone=extra["zone"])).items()
    }
    written = terraform_locals("druid")["settings"]
    of_module = {
        name: str(variables()[found[1]]["default"])
        if (found := re.fullmatch(r"\$\{(?:tostring\()?var\.vm\.(\w+)\)?\}", value))
        else value
        for name, value in written.items()
    }
    made_here = {"service_account", "subnetwork", "bucket", "metadata_uri", "metadata_ca"}
    assert {name for name, value in of_module.items() if "${" in value} == {
        *made_here,
        "druid_properties",
    }
    assert variables()["druid_properties"]["default"] == []
    assert variables()["disk_type"]["default"] in (None, "null", "${null}")
    series = str(variables()["machine_type"]["default"]).partition("-")[0]
    of_module["disk_type"] = DISK_TYPES[series][0]
    of_module["druid_properties"] = ""
    assert {name: of_module[name] for name in of_module if name not in made_here} == {
        name: value for name, value in of_definition.items() if name not in made_here
    }
    account = resources("google_service_account")["druid"]["account_id"]
    assert of_definition["service_account"] == f"{account}@p.iam.gserviceaccount.com"


def test_secrets_have_the_names_that_the_backend_of_airflow_looks_up(tmp_path: Path) -> None:
    default = inspect.signature(CloudSecretManagerBackend).parameters
    prefix = default["connections_prefix"].default + default["sep"].default
    written = terraform_locals("airflow")["connections"]
    assert prefix == "airflow-connections-"
    embedded = Settings.from_environment({"VENTAS_HOME": str(tmp_path)})
    names = {prefix + name for name in (*connections(embedded), ALERTS_CONNECTION)}
    assert set(re.findall(r"airflow-connections-\w+", str(written))) == names


def test_body_of_the_vm_equals_that_of_the_dag() -> None:
    values = settings(zone="southamerica-east1-a")
    done = run_vm_body(values)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"body"}
    assert json.loads(answer["body"]) == instance(VmSettings(**values))


def test_setting_unknown_to_the_definition_is_named() -> None:
    values = settings()
    done = run_vm_body({**values, "disk_speed": "1"})
    assert (done.returncode, done.stdout) == (1, "")
    assert "'disk_speed'" in done.stderr
    assert "Traceback" not in done.stderr


def run_vm_body(query: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, MODULES["druid"] / "vm_body.py"],
        input=json.dumps(query),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        # Terraform runs it without the project on the path.
        env={"PATH": os.environ["PATH"]},
    )


TERRAFORM = shutil.which("terraform") or shutil.which("tofu")
needs_terraform = pytest.mark.skipif(
    not TERRAFORM, reason="neither terraform nor tofu is installed"
)
PROVIDERS: dict[str, Any] = json.loads(EXTRACT.read_text(encoding="utf-8"))


def run_terraform(
    *command: str, folder: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    assert TERRAFORM
    return subprocess.run(
        [TERRAFORM, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1", **environment},
    )


@needs_terraform
def test_module_is_formatted() -> None:
    done = run_terraform("fmt", "-check", "-recursive", "-diff", folder=ROOT_MODULE, environment={})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def module(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """Copy of the module, and the environment in which Terraform finds stand-ins of providers."""
    folder = tmp_path / "terraform"
    shutil.copytree(ROOT_MODULE, folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    (tmp_path / "include").symlink_to(ROOT / "include")
    is_tofu = str(TERRAFORM).endswith("tofu")
    registry = "registry.opentofu.org" if is_tofu else "registry.terraform.io"
    with stand_ins(PROVIDERS, folder, registry) as environment:
        made = run_terraform("init", "-no-color", folder=folder, environment=environment)
        assert made.returncode == 0, made.stdout + made.stderr
        yield folder, environment


#: Settings that decide how Airflow reaches Druid.
REACHES: tuple[dict[str, Any], ...] = (
    {"airflow_vm": True},
    {"create_vm": True, "tunnel_members": ["user:ana@example.com"]},
    {"druid_address": "https://druid.example.com:9088", "airflow_vm": True},
)


def same_connections(settings: dict[str, Any]) -> str:
    """Return a test for Terraform: its connections to Druid are those that `up` writes."""
    with place() as clouds:
        up(clouds.cloud(**settings))
        written = {
            name: json.loads(clouds.google.secret_value(f"airflow-connections-{name}") or "")
            for name in ("druid_ingest_default", "druid_broker_default")
        }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    for name, connection in written.items():
        assert connection.pop("password")
        wanted = json.dumps(json.dumps(connection))
        condition = f"jsondecode(output.{name}) == jsondecode({wanted})"
        lines.append(f'assert {{\ncondition = {condition}\nerror_message = "{name}"\n}}')
    variables, asserts = "\n".join(lines[:-2]), "\n".join(lines[-2:])
    return f"command = plan\nvariables {{\n{variables}\n}}\n{asserts}"


@needs_terraform
def test_module_is_valid_and_its_own_tests_pass(module: tuple[Path, dict[str, str]]) -> None:
    folder, environment = module
    with (folder / "tests/root.tftest.hcl").open("a", encoding="utf-8") as tests:
        for number, settings in enumerate(REACHES):
            tests.write(f'run "as_up_{number}" {{\n{same_connections(settings)}\n}}\n')
    for command in ("validate", "test"):
        done = run_terraform(command, "-no-color", folder=folder, environment=environment)
        assert done.returncode == 0, done.stdout + done.stderr


@needs_terraform
def test_terraform_itself_refuses_an_unknown_argument(module: tuple[Path, dict[str, str]]) -> None:
    folder, environment = module
    file = folder / "modules/druid/bucket.tf"
    file.write_text(file.read_text(encoding="utf-8").replace("location =", "region ="))
    done = run_terraform("validate", "-no-color", folder=folder, environment=environment)
    assert done.returncode == 1
    assert 'An argument named "region" is not expected here' in done.stderr
    assert 'The argument "location" is required' in done.stderr
