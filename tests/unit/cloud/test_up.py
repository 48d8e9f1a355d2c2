"""`up`: everything once, whatever interrupts it, and every difference mended or named."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from include.cloud import deploy
from include.cloud.errors import CloudError
from tests.support.cloud.confluentapis.state import USER
from tests.support.cloud.in_process import Interrupted
from tests.support.cloud.place import Place, place


def changes(made: Place) -> list[str]:
    """Return the requests that changed something; the temporary key for the ACLs does not count."""
    asked = [*made.google.requests, *made.confluent.requests]
    return [
        f"{it.method} {it.path}"
        for it in asked
        if it.method != "GET" and not re.search(r":getIamPolicy|/api-keys", it.path)
    ]


def outcome(made: Place) -> dict[str, Any]:
    """Return what exists, without ids, times and values that differ between two deployments."""
    ids = {
        str(it["id"]): f"<{key.rpartition('/')[0]} {it.get('display_name')}>"
        for key, it in made.confluent.resources.items()
    }
    secrets = {
        name: made.google.secret_value(name)
        for key in made.google.resources
        if re.fullmatch(r"secretmanager\.googleapis\.com/projects/[^/]+/secrets/[^/]+", key)
        and (name := key.rpartition("/")[2])
    }
    (cluster,) = made.confluent.kafka.values()
    return {
        "google": sorted(
            key for key in made.google.resources if not re.search("/operations/|/versions/", key)
        ),
        "services": sorted(made.google.services),
        "policies": {
            key: sorted(json.dumps(it, sort_keys=True) for it in policy["bindings"])
            for key, policy in made.google.policies.items()
        },
        "secrets": {name: bool(value) for name, value in secrets.items()},
        "confluent": sorted(ids.values()),
        "acls": sorted(
            json.dumps({**acl, "principal": ids[acl["principal"].partition(":")[2]]})
            for acl in cluster.acls
        ),
    }


def check_keys(made: Place) -> None:
    """Each key of the cluster is stored with its secret, and no other key is left."""
    keys = {
        key: it["spec"]["owner"]["id"]
        for key, it in made.confluent.resources.items()
        if key.startswith("iam/v2/api-keys/") and it["spec"]["owner"]["id"] != USER
    }
    kafka = json.loads(made.google.secret_value("airflow-connections-kafka_default") or "")
    extra = kafka["extra"]
    stored = {extra["sasl.username"]: extra["sasl.password"]}
    jaas = made.google.secret_value("ventas-kafka-jaas") or ""
    found = re.search('username="(.+)" password="(.+)"', jaas)
    assert found
    stored[found[1]] = found[2]
    if login := extra.get("schema.registry.basic.auth.user.info"):
        key, _, secret = login.partition(":")
        stored[key] = secret
    assert {f"iam/v2/api-keys/{key}" for key in stored} == set(keys)
    assert stored.items() <= made.confluent.secrets.items()


#: With everything that is optional in Confluent.
SETTINGS: dict[str, Any] = {"schema_registry": True}


@pytest.fixture(scope="module")
def uninterrupted() -> dict[str, Any]:
    with place() as made:
        deploy.up(made.cloud(**SETTINGS))
        return outcome(made)


def test_second_up_changes_nothing(ready: Place) -> None:
    before = len(changes(ready))
    ready.told.clear()
    deploy.up(ready.cloud())
    assert ready.told == []
    assert changes(ready)[before:] == []
    check_keys(ready)


@pytest.mark.parametrize("effect", [False, True])
def test_up_that_dies_at_every_change_ends_like_an_uninterrupted_one(
    empty: Place, uninterrupted: dict[str, Any], *, effect: bool
) -> None:
    """Each run dies at the first changing request that no run has sent before."""
    died: set[str] = set()
    while True:
        transport = empty.transport()
        transport.die_at_new_change(died, effect=effect)
        try:
            deploy.up(empty.cloud(transport, **SETTINGS))
            break
        except Interrupted:
            continue
    assert len(died) > 60
    assert outcome(empty) == uninterrupted
    check_keys(empty)


def test_up_that_loses_the_answer_of_every_change_makes_nothing_twice(
    empty: Place, uninterrupted: dict[str, Any]
) -> None:
    transport = empty.transport()
    transport.lose_answers()
    deploy.up(empty.cloud(transport, **SETTINGS))
    assert outcome(empty) == uninterrupted
    check_keys(empty)


def test_up_waits_for_what_spreads_slowly_and_keeps_the_rights_of_others(
    empty: Place, uninterrupted: dict[str, Any]
) -> None:
    """New accounts, APIs and keys are known after a while; lists come in pages of one."""
    empty.google.propagation = 3
    empty.confluent.key_polls = 9
    empty.confluent.page_size = 1
    empty.confluent.registry_polls = 5
    deploy.up(empty.cloud(**SETTINGS))
    assert outcome(empty) == uninterrupted
    check_keys(empty)
    told = "\n".join(empty.told)
    assert "waiting registry ventas" in told
    # What is waited for, and for how long at most.
    assert re.search(r"^not_yet GET kafka/\S+/topics Authentication failed 300$", told, re.M)
    project = "cloudresourcemanager.googleapis.com/projects/my-project"
    assert empty.google.members(project, "roles/owner") == {"user:you@example.com"}


def test_passwords_are_neither_null_nor_told(ready: Place) -> None:
    for name in ("ventas-druid-admin", "ventas-druid-internal"):
        value = ready.google.secret_value(name)
        assert value
        assert re.fullmatch("[0-9a-f]{48}", value)
        assert value not in str(ready.told)
    assert ready.google.secret_value("airflow-connections-ventas_alerts") is None


def test_null_password_is_replaced_before_it_gets_into_a_connection(ready: Place) -> None:
    ready.google.secret("ventas-druid-admin", "null")
    deploy.up(ready.cloud())
    password = ready.google.secret_value("ventas-druid-admin")
    connection = ready.google.secret_value("airflow-connections-druid_ingest_default") or ""
    assert password != "null"
    assert json.loads(connection)["password"] == password


def test_disabled_password_is_not_replaced(ready: Place) -> None:
    secrets = "secretmanager.googleapis.com/projects/my-project/secrets"
    ready.google.resources[f"{secrets}/ventas-druid-admin/versions/1"]["state"] = "DISABLED"
    with pytest.raises(CloudError) as error:
        deploy.up(ready.cloud())
    assert error.value.problem == "secret_disabled"


def test_registry_is_added_to_a_deployment_with_a_key_that_writes_one_subject(
    ready: Place,
) -> None:
    deploy.up(ready.cloud(**SETTINGS))
    check_keys(ready)
    (role,) = [
        it for key, it in ready.confluent.resources.items() if key.startswith("iam/v2/role-")
    ]
    account = ready.confluent.named("iam/v2/service-accounts", "ventas-airflow")
    assert (role["principal"], role["role_name"]) == (f"User:{account['id']}", "DeveloperWrite")
    assert role["crn_pattern"].endswith("/subject=ventas-value")
    connection = ready.google.secret_value("airflow-connections-kafka_default") or ""
    registry = httpx.URL(json.loads(connection)["extra"]["schema.registry.url"])
    assert registry.path.startswith("/lsrc-")
    before = len(changes(ready))
    deploy.up(ready.cloud(**SETTINGS))
    assert changes(ready)[before:] == []


def test_keys_that_a_person_added_to_a_connection_stay(ready: Place) -> None:
    name = "airflow-connections-kafka_default"
    connection = json.loads(ready.google.secret_value(name) or "")
    wanted = dict(connection["extra"])
    connection["extra"] |= {"schema.registry.url": "https://registry", "bootstrap.servers": "x:1"}
    ready.google.secret(name, json.dumps(connection))
    deploy.up(ready.cloud())
    found = json.loads(ready.google.secret_value(name) or "")["extra"]
    assert found == wanted | {"schema.registry.url": "https://registry"}


def test_address_of_druid_is_a_setting_that_its_rule_follows(empty: Place) -> None:
    settings: dict[str, Any] = {"airflow_ranges": ("10.80.0.0/24",)}
    deploy.up(empty.cloud(**settings))
    names = [f"airflow-connections-druid_{name}_default" for name in ("ingest", "broker")]
    for name in names:
        connection = json.loads(empty.google.secret_value(name) or "")
        connection["extra"]["ca_bundle_path"] = "/etc/ventas/druid-ca.pem"
        empty.google.secret(name, json.dumps(connection))
    deploy.up(empty.cloud(**settings, druid_address="https://druid.example.com:9088"))
    ingest, broker = (json.loads(empty.google.secret_value(name) or "") for name in names)
    assert (ingest["schema"], ingest["host"], ingest["port"]) == (
        "https",
        "druid.example.com",
        9088,
    )
    assert (broker["extra"]["schema"], broker["port"]) == ("https", 9088)
    # What a person added stays.
    assert ingest["extra"]["ca_bundle_path"] == broker["extra"]["ca_bundle_path"]
    rules = "compute.googleapis.com/projects/my-project/global/firewalls"
    rule = empty.google.resources[f"{rules}/ventas-druid-airflow"]
    assert rule["allowed"] == [{"IPProtocol": "tcp", "ports": ["9088"]}]


def test_changed_role_and_router_are_mended(ready: Place) -> None:
    role = ready.google.resources["iam.googleapis.com/projects/my-project/roles/ventasVmOperator"]
    router = ready.google.resources[
        "compute.googleapis.com/projects/my-project/regions/southamerica-east1/routers/ventas"
    ]
    permission = role["includedPermissions"].pop()
    del router["nats"]
    deploy.up(ready.cloud())
    assert permission in role["includedPermissions"]
    assert router["nats"][0]["natIpAllocateOption"] == "AUTO_ONLY"


def test_network_that_differs_is_named_and_left(ready: Place) -> None:
    key = "compute.googleapis.com/projects/my-project/global/networks/ventas"
    ready.google.resources[key]["autoCreateSubnetworks"] = True
    with pytest.raises(CloudError) as error:
        deploy.up(ready.cloud())
    assert "autoCreateSubnetworks: True → False" in error.value.text("en")


def test_cluster_that_failed_is_named(empty: Place) -> None:
    empty.confluent.cluster_polls = 99
    cloud = empty.cloud()

    def tell(key: str, **_: object) -> None:
        if key == "waiting":
            empty.confluent.fail_cluster(cloud.values["cluster"])

    cloud.tell = tell
    with pytest.raises(CloudError) as error:
        deploy.up(cloud)
    assert error.value.problem == "failed_resource"


def test_without_a_key_of_confluent_nothing_is_made(empty: Place) -> None:
    del empty.environment["CONFLUENT_CLOUD_API_SECRET"]
    with pytest.raises(CloudError) as error:
        deploy.up(empty.cloud())
    assert error.value.problem == "no_confluent_key"
    assert changes(empty) == []


def test_cloud_sql_is_left_to_terraform(empty: Place) -> None:
    for action in (deploy.up, lambda it: deploy.down(it, delete_data=False)):
        with pytest.raises(CloudError) as error:
            action(empty.cloud(cloud_sql=True))
        assert error.value.problem == "no_cloud_sql"
    assert changes(empty) == []


def test_vm_gets_its_disk_and_the_tunnel_its_members(empty: Place) -> None:
    deploy.up(empty.cloud(create_vm=True, tunnel_members=("user:ana@example.com",)))
    root = "projects/my-project/zones/southamerica-east1-a"
    vm = empty.google.resources[f"compute.googleapis.com/{root}/instances/druid-ventas"]
    assert vm["status"] == "RUNNING"
    assert vm["disks"][1]["source"].endswith(f"{root}/disks/druid-ventas-data")
    tunnel = "iap.googleapis.com/projects/my-project/iap_tunnel/zones/southamerica-east1-a"
    members = empty.google.members(
        f"{tunnel}/instances/druid-ventas", "roles/iap.tunnelResourceAccessor"
    )
    assert members == {"user:ana@example.com"}
    for name in ("druid_ingest_default", "druid_broker_default"):
        connection = empty.google.secret_value(f"airflow-connections-{name}") or ""
        assert json.loads(connection)["host"] == "127.0.0.1"


def test_vm_of_airflow_runs_as_its_account_and_is_the_only_one_let_in(empty: Place) -> None:
    settings: dict[str, Any] = {
        "airflow_vm": True,
        # The stand-in has the machine types of Druid's VM only.
        "airflow_vm_members": ("user:ana@example.com",),
    }
    deploy.up(empty.cloud(**settings))
    compute = "compute.googleapis.com/projects/my-project"
    vm = empty.google.resources[f"{compute}/zones/southamerica-east1-a/instances/airflow-ventas"]
    assert vm["serviceAccounts"] == [
        {
            "email": "ventas-airflow@my-project.iam.gserviceaccount.com",
            "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        }
    ]
    assert "accessConfigs" not in vm["networkInterfaces"][0]
    rule = empty.google.resources[f"{compute}/global/firewalls/ventas-druid-airflow"]
    assert rule["sourceTags"] == vm["tags"]["items"]
    assert not rule.get("sourceRanges")
    members = empty.google.members(
        f"{compute}/zones/southamerica-east1-a/instances/airflow-ventas",
        "roles/compute.osAdminLogin",
    )
    assert members == {"user:ana@example.com"}
    assert empty.told
    empty.told.clear()
    deploy.up(empty.cloud(**settings))
    assert empty.told == []


def test_plan_changes_nothing_and_tells_what_exists(empty: Place) -> None:
    planned = list(deploy.plan(empty.cloud()))
    assert changes(empty) == []
    missing = [it for it in planned if it.look and it.look.missing]
    # A new project has four of the services.
    assert len(planned) - len(missing) == 4
    deploy.up(empty.cloud())
    before = len(changes(empty)), len(empty.confluent.resources)
    looks = {it.resource.kind: it.look for it in deploy.plan(empty.cloud())}
    assert (len(changes(empty)), len(empty.confluent.resources)) == before
    # To list the ACLs needs a key.
    assert looks.pop("acl") is None
    assert all(look and not look.missing and not look.difference for look in looks.values())
