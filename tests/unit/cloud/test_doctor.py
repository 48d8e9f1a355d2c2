"""`doctor` names each thing that is broken in one sentence, with what to do, and nothing else."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any

import google.auth
import google.auth.exceptions
import pytest
from confluent_kafka.admin import AdminClient

from include.cloud import deploy, doctor
from include.cloud.checks import kafka as kafka_checks
from include.cloud.checks.check import Result
from include.cloud.checks.kafka import kafka_reachable
from include.cloud.errors import CloudError
from include.cloud.resources import bindings
from include.cloud.rest import Google
from include.stream import diagnosis as stream_diagnosis
from tests.support.cloud.place import Place, place

PROJECT = "projects/my-project"
COMPUTE = f"compute.googleapis.com/{PROJECT}"
REGION = f"{COMPUTE}/regions/southamerica-east1"
SECRETS = f"secretmanager.googleapis.com/{PROJECT}/secrets"
CONNECTION = "airflow-connections-"
MEMBER = "user:ana@example.com"

#: The VM is on, and this machine has the tunnel's local end.
SETTINGS: dict[str, Any] = {
    "create_vm": True,
    "tunnel_members": (MEMBER,),
    "impersonators": (MEMBER,),
    "schema_registry": True,
}


@pytest.fixture(scope="module")
def made() -> Iterator[Place]:
    with place() as it:
        deploy.up(it.cloud(**SETTINGS))
        (cluster,) = it.confluent.kafka.values()
        for name in ("ventas", "ventas.ledger"):
            cluster.topics[name] = {"topic_name": name, "replication_factor": 3, "configs": []}
        yield it


@pytest.fixture
def ready(made: Place) -> Iterator[Place]:
    """The same deployment for each test, with what the test broke mended."""
    saved = made.save()
    yield made
    made.restore(saved)


def diagnosis(made: Place, **settings: Any) -> list[Result]:
    return list(doctor.diagnose(made.cloud(**{**SETTINGS, **settings})))


def edit(name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Place], None]:
    """Return the breaking of a stored connection."""

    def broken(made: Place) -> None:
        connection = json.loads(made.google.secret_value(CONNECTION + name) or "")
        change(connection)
        made.google.secret(CONNECTION + name, json.dumps(connection))

    return broken


def unbind(part: str) -> Callable[[Place], None]:
    """Return the removal of the binding whose name has this part."""

    def broken(made: Place) -> None:
        cloud = made.cloud(**SETTINGS)
        (binding,) = [it for it in bindings("bindings", cloud) if part in it.name]
        assert binding.remove(cloud)

    return broken


def open_to_all(made: Place) -> None:
    rule = {
        "name": "let-me-in",
        "network": f"{PROJECT}/global/networks/ventas",
        "sourceRanges": ["0.0.0.0/0"],
        "allowed": [{"IPProtocol": "tcp", "ports": ["8000-9000"]}],
    }
    made.cloud().send(f"POST compute/compute/v1/{PROJECT}/global/firewalls", rule)


def full_zone(made: Place) -> None:
    """The VM is gone, and the attempt to make it again found no room."""
    made.google.full_zone("southamerica-east1-a")
    for part in ("instances", "disks"):
        made.google.remove(f"{COMPUTE}/zones/southamerica-east1-a/{part}/druid-ventas")
    with pytest.raises(CloudError):
        deploy.up(made.cloud(**SETTINGS))
    made.google.full_zones.clear()


def locked_out(made: Place) -> None:
    """The VM booted with another password of Druid's processes than the metadata store has."""
    made.druid.users["druid_system"] = "other"
    vm = made.google.resources[f"{COMPUTE}/zones/southamerica-east1-a/instances/druid-ventas"]
    vm["lastStartTimestamp"] = "2026-12-01T00:00:00Z"


def set_topic(field: str, value: Any) -> Callable[[Place], None]:
    def broken(made: Place) -> None:
        (cluster,) = made.confluent.kafka.values()
        cluster.topics["ventas"][field] = value

    return broken


def stored_key(made: Place) -> str:
    connection = json.loads(made.google.secret_value(f"{CONNECTION}kafka_default") or "")
    return str(connection["extra"]["sasl.username"])


def remove_acl(made: Place) -> None:
    (cluster,) = made.confluent.kafka.values()
    cluster.acls.remove(
        next(
            it
            for it in cluster.acls
            if (it["operation"], it["resource_name"]) == ("CREATE", "ventas")
        )
    )


def provisioning(made: Place) -> None:
    cluster = made.confluent.named("cmk/v2/clusters", "ventas")
    cluster["status"]["phase"] = "PROVISIONING"


def set_field(key: str, field: str, value: Any) -> Callable[[Place], None]:
    def broken(made: Place) -> None:
        made.google.resources[key][field] = value

    return broken


def of_registry(made: Place, collection: str) -> str:
    """Return the path of the only key or role of Airflow in the registry."""
    (found,) = [
        key
        for key, it in made.confluent.resources.items()
        if key.startswith(f"iam/v2/{collection}/") and "lsrc-" in json.dumps(it)
    ]
    return found


#: What is broken, the check that must name it, and parts of its sentence: the thing, the mend.
BROKEN: dict[str, tuple[Callable[[Place], object], str, tuple[str, ...]]] = {
    "API off": (
        lambda it: it.google.disable_api("compute.googleapis.com"),
        "service compute.googleapis.com",
        ("compute.googleapis.com does not exist in the project", "`./ventas cloud up`"),
    ),
    "API of the secrets off": (
        lambda it: it.google.disable_api("secretmanager.googleapis.com"),
        "service secretmanager.googleapis.com",
        ("secretmanager.googleapis.com", "`./ventas cloud up`"),
    ),
    "no billing": (
        lambda it: it.google.no_billing(),
        "billing",
        ("no billing account", "gcloud billing projects link my-project"),
    ),
    "quota of vCPUs": (
        lambda it: it.google.quota("N2_CPUS", limit=0),
        "cpu_quota",
        ("N2_CPUS", "0 left, and 4 are needed", "ask for more"),
    ),
    "quota of disk": (
        lambda it: it.google.quota("SSD_TOTAL_GB", limit=50),
        "disk_quota",
        ("SSD_TOTAL_GB", "50 left, and 120 are needed", "ask for more"),
    ),
    "clock ten minutes slow": (
        lambda it: setattr(it, "skew", -600.0),
        "clock",
        ("clock differs from Google's by", "synchronise"),
    ),
    "login too old": (
        lambda it: it.google.no_login(),
        "login",
        ("invalid authentication credentials", "gcloud auth application-default login"),
    ),
    "no such machine type in the zone": (
        lambda it: it.google.not_in_zone("n2-standard-4"),
        "machine_type",
        ("southamerica-east1-a has no machine type n2-standard-4", "--set machine_type"),
    ),
    "no such disk type in the zone": (
        lambda it: it.google.not_in_zone("pd-ssd"),
        "disk_type",
        ("southamerica-east1-a has no disk type pd-ssd", "--set disk_type"),
    ),
    "person lacks a permission": (
        lambda it: it.google.deny("compute.firewalls.create"),
        "permissions",
        ("compute.firewalls.create", "Owner"),
    ),
    "full zone": (full_zone, "room", ("southamerica-east1-a had no room", "--zone ZONE")),
    "no account": (
        lambda it: it.google.remove(
            f"iam.googleapis.com/{PROJECT}/serviceAccounts/"
            "ventas-druid@my-project.iam.gserviceaccount.com"
        ),
        "account ventas-druid",
        ("service account ventas-druid does not exist", "`./ventas cloud up`"),
    ),
    "role lacks a permission": (
        set_field(
            f"iam.googleapis.com/{PROJECT}/roles/ventasVmOperator",
            "includedPermissions",
            ["compute.disks.create"],
        ),
        "role ventasVmOperator",
        ("includedPermissions", "`./ventas cloud up`"),
    ),
    "no NAT": (
        lambda it: it.google.resources[f"{REGION}/routers/ventas"].pop("nats"),
        "router ventas",
        ("router with NAT ventas differs (nats", "`./ventas cloud up`"),
    ),
    "subnetwork without Google's private access": (
        set_field(f"{REGION}/subnetworks/ventas", "privateIpGoogleAccess", value=False),
        "subnetwork ventas",
        ("privateIpGoogleAccess: False → True",),
    ),
    "no rule for the tunnel": (
        lambda it: it.google.remove(f"{COMPUTE}/global/firewalls/ventas-druid-iap"),
        "firewall ventas-druid-iap",
        ("firewall rule ventas-druid-iap does not exist", "`./ventas cloud up`"),
    ),
    "firewall open to the internet": (
        open_to_all,
        "open_firewall",
        ("let-me-in opens Druid's port 8888", "gcloud compute firewall-rules delete let-me-in"),
    ),
    "bucket elsewhere": (
        set_field("storage.googleapis.com/b/my-project-ventas-druid", "location", "US"),
        "bucket my-project-ventas-druid",
        ("location: US → SOUTHAMERICA-EAST1",),
    ),
    "VM may not write the bucket": (
        unbind("storage.objectAdmin"),
        "binding ventas-druid@my-project.iam.gserviceaccount.com → storage.objectAdmin (bucket)",
        ("storage.objectAdmin (bucket) does not exist", "`./ventas cloud up`"),
    ),
    "Airflow may not use the VM": (
        unbind("ventasVmOperator"),
        "binding ventas-airflow@my-project.iam.gserviceaccount.com → ventasVmOperator (project)",
        ("ventasVmOperator (project) does not exist", "`./ventas cloud up`"),
    ),
    "no secret": (
        lambda it: it.google.remove(f"{SECRETS}/ventas-druid-internal"),
        "secret ventas-druid-internal",
        ("secret ventas-druid-internal does not exist", "`./ventas cloud up`"),
    ),
    "secret without a value": (
        lambda it: it.google.secret("ventas-kafka-jaas", None),
        "value ventas-kafka-jaas",
        ("ventas-kafka-jaas has no value", "`./ventas cloud up`"),
    ),
    "null secret": (
        lambda it: it.google.secret("ventas-druid-internal", "null"),
        "value ventas-druid-internal",
        ("ventas-druid-internal is empty or null", "`./ventas cloud up`"),
    ),
    "disabled secret": (
        set_field(f"{SECRETS}/ventas-druid-admin/versions/1", "state", "DISABLED"),
        "value ventas-druid-admin",
        ("ventas-druid-admin is disabled", "gcloud secrets versions enable"),
    ),
    "connection is no JSON": (
        lambda it: it.google.secret(f"{CONNECTION}google_cloud_default", "project=my-project"),
        f"value {CONNECTION}google_cloud_default",
        ("is no connection of Airflow as JSON", "`./ventas cloud up`"),
    ),
    "null password in a connection": (
        edit("druid_ingest_default", lambda it: it.update(password=None)),
        f"value {CONNECTION}druid_ingest_default",
        ("password in the secret airflow-connections-druid_ingest_default is empty or null",),
    ),
    "connection to another host": (
        edit("druid_broker_default", lambda it: it.update(host="10.0.0.9")),
        "connection druid_broker_default",
        ("druid_broker_default differs (host)", "`./ventas cloud up`"),
    ),
    "connection without the VM's zone": (
        edit("google_cloud_default", lambda it: it["extra"].pop("zone")),
        "connection google_cloud_default",
        ("google_cloud_default differs (extra.zone)", "`./ventas cloud up`"),
    ),
    "wrong bootstrap": (
        edit("kafka_default", lambda it: it["extra"].update({"bootstrap.servers": "x:9092"})),
        "connection kafka_default",
        ("kafka_default differs (extra.bootstrap.servers)", "`./ventas cloud up`"),
    ),
    "no key of Confluent": (
        lambda it: it.environment.pop("CONFLUENT_CLOUD_API_KEY"),
        "confluent_login",
        ("key of Confluent Cloud is missing", "CONFLUENT_CLOUD_API_KEY"),
    ),
    "wrong key of Confluent": (
        lambda it: it.environment.update(CONFLUENT_CLOUD_API_SECRET="wrong"),
        "confluent_login",
        ("does not accept the key CLOUDKEY00000000", "create one"),
    ),
    "no cluster": (
        lambda it: it.confluent.remove(
            f"cmk/v2/clusters/{it.confluent.named('cmk/v2/clusters', 'ventas')['id']}"
        ),
        "cluster ventas",
        ("cluster of Confluent ventas does not exist", "`./ventas cloud up`"),
    ),
    "cluster not up": (provisioning, "cluster_up", ("PROVISIONING", "`./ventas cloud up`")),
    "missing ACL": (
        remove_acl,
        "acl airflow create topic ventas",
        ("ACL airflow create topic ventas does not exist", "`./ventas cloud up`"),
    ),
    "deleted key of Kafka": (
        lambda it: it.confluent.remove(f"iam/v2/api-keys/{stored_key(it)}"),
        "kafka_key ventas-airflow",
        ("key of Kafka ventas-airflow does not exist", "`./ventas cloud up`"),
    ),
    "wrong key of Kafka": (
        lambda it: it.confluent.revoke(stored_key(it)),
        "kafka_login airflow",
        ("stored for airflow", "confluent api-key delete KEY"),
    ),
    "topic with one replica": (
        set_topic("replication_factor", 1),
        "topic ventas",
        ("ventas has 1 replicas and must have 3", "delete it"),
    ),
    "topic with small records": (
        set_topic("configs", [{"name": "max.message.bytes", "value": "1000"}]),
        "topic ventas",
        ("up to 1000 bytes", "confluent kafka topic update ventas"),
    ),
    "no Schema Registry": (
        lambda it: it.confluent.remove(
            next(key for key in it.confluent.resources if key.startswith("srcm/v3/clusters/"))
        ),
        "registry ventas",
        ("registry of Confluent ventas does not exist", "`./ventas cloud up`"),
    ),
    "no role in the Schema Registry": (
        lambda it: it.confluent.remove(of_registry(it, "role-bindings")),
        "registry_role ventas-airflow → DeveloperWrite (ventas-value)",
        ("DeveloperWrite (ventas-value) does not exist", "`./ventas cloud up`"),
    ),
    "deleted key of the Schema Registry": (
        lambda it: it.confluent.remove(of_registry(it, "api-keys")),
        "registry_key ventas-airflow",
        ("key of the registry ventas-airflow does not exist", "`./ventas cloud up`"),
    ),
    "wrong key of the Schema Registry": (
        lambda it: it.confluent.revoke(of_registry(it, "api-keys").rpartition("/")[2]),
        "schema_registry",
        ("does not accept the key KEY", "confluent api-key delete KEY", "`./ventas cloud up`"),
    ),
    "connection to another Schema Registry": (
        edit("kafka_default", lambda it: it["extra"].update({"schema.registry.url": "https://x"})),
        "connection kafka_default",
        ("kafka_default differs (extra.schema.registry.url)", "`./ventas cloud up`"),
    ),
    "unfinished rotation": (
        lambda it: it.google.secret("ventas-druid-internal-next", "new"),
        "rotation",
        ("did not end", "`./ventas cloud rotate`"),
    ),
    "Druid's processes do not let each other in": (
        locked_out,
        "druid_login",
        ("Druid at http://druid.test answers 500", "journalctl"),
    ),
    "other password in Druid": (
        lambda it: it.druid.users.update(admin="other"),
        "druid_login",
        ("does not accept the stored password of admin",),
    ),
}

#: Settings that are wrong, the check that must name them, and parts of its sentence.
WRONG: dict[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "another project": (
        {"project": "not-my-project"},
        "project",
        ("not-my-project does not exist", "--project PROJECT"),
    ),
    "no such zone": ({"zone": "southamerica-east1-z"}, "zone", ("southamerica-east1-z", "--zone")),
    "disk that the machine does not take": (
        {"disk_type": "hyperdisk-balanced"},
        "settings",
        ("n2-standard-4 takes no hyperdisk-balanced disks", "--set disk_type"),
    ),
    "machine too small": (
        {"machine_type": "n2-highcpu-2"},
        "settings",
        ("n2-highcpu-2", "--set machine_type"),
    ),
}


def errors(results: list[Result]) -> list[Result]:
    return [it for it in results if it.error and it.checked]


def test_healthy_deployment_has_no_error(ready: Place) -> None:
    results = diagnosis(ready)
    assert errors(results) == []
    unchecked = {it.check.id for it in results if not it.checked}
    assert unchecked <= {
        *("terraform", "metadata_store"),
        *("kafka_reachable", "kafka_rights airflow", "kafka_rights druid"),
    }
    assert len(results) > 90


def test_doctor_leaves_no_key(ready: Place) -> None:
    before = set(ready.confluent.resources)
    diagnosis(ready)
    assert set(ready.confluent.resources) == before


@pytest.mark.parametrize("what", BROKEN)
def test_broken_thing_is_the_only_one_named(ready: Place, what: str) -> None:
    break_it, check, parts = BROKEN[what]
    break_it(ready)
    check_named(diagnosis(ready), check, parts)


@pytest.mark.parametrize("what", WRONG)
def test_wrong_setting_is_named(ready: Place, what: str) -> None:
    settings, check, parts = WRONG[what]
    results = diagnosis(ready, **settings, create_vm=False, tunnel_members=())
    named = [it for it in errors(results) if it.check.id == check]
    check_named(named, check, parts)
    # Nothing that comes before is blamed.
    assert errors(results)[0].check.id == check


def check_named(results: list[Result], check: str, parts: tuple[str, ...]) -> None:
    (found,) = errors(results)
    assert found.check.id == check
    assert found.error
    for language in ("es", "en"):
        text = found.error.text(language)
        assert text.endswith(".")
        assert "\n" not in text
    assert [part for part in parts if part not in found.error.text("en")] == []


def test_check_that_needs_a_failed_one_says_so(ready: Place) -> None:
    ready.google.disable_api("compute.googleapis.com")
    results = {it.check.id: it for it in diagnosis(ready)}
    subnetwork = results["subnetwork ventas"]
    assert subnetwork.error
    assert not subnetwork.checked
    assert subnetwork.error.text("en") == "first mend: API compute.googleapis.com"


def test_missing_login_at_google_is_named(ready: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise google.auth.exceptions.DefaultCredentialsError("no credentials")

    monkeypatch.setattr(google.auth, "default", refuse)
    cloud = ready.cloud(**SETTINGS)
    cloud.google = Google(cloud.clock, environment={}, transport=ready.transport())
    first = errors(list(doctor.diagnose(cloud)))[0]
    check_named([first], "login", ("gcloud auth application-default login",))


def test_server_of_tokens_that_does_not_answer_is_no_refused_login(
    ready: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise google.auth.exceptions.TransportError("no route")

    monkeypatch.setattr(google.auth, "default", refuse)
    cloud = ready.cloud(**SETTINGS)
    cloud.google = Google(cloud.clock, environment={}, transport=ready.transport())
    first = errors(list(doctor.diagnose(cloud)))[0]
    check_named([first], "login", ("No answer to GET https://cloudresourcemanager", "(no route)"))


@pytest.mark.parametrize(
    ("versions", "parts"),
    [
        ({"apache-airflow-core": "3.1.7"}, ("Airflow is 3.1.7", "install 3.3")),
        ({"apache-airflow-core": "3.3.2"}, ("apache-druid is missing", "pip install")),
    ],
)
def test_other_airflow_is_named(
    ready: Place,
    monkeypatch: pytest.MonkeyPatch,
    versions: dict[str, str],
    parts: tuple[str, ...],
) -> None:
    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    check_named(diagnosis(ready), "airflow", parts)


@pytest.mark.parametrize(
    ("state", "uri", "part"),
    [
        ("RUNNABLE", "jdbc:postgresql://10.90.0.3:5432/druid", ""),
        ("RUNNABLE", "", "does not have the address of Cloud SQL"),
        ("SUSPENDED", "jdbc:postgresql://10.90.0.3:5432/druid", "does not run"),
    ],
)
def test_cloud_sql_of_terraform_is_checked(ready: Place, state: str, uri: str, part: str) -> None:
    edit("google_cloud_default", lambda it: it["extra"].update(metadata_uri=uri))(ready)
    ready.google.enable_api("sqladmin.googleapis.com")
    ready.google.resources[f"sqladmin.googleapis.com/{PROJECT}/instances/ventas-druid-metadata"] = {
        "kind": "sql#instance",
        "name": "ventas-druid-metadata",
        "state": state,
        "ipAddresses": [{"type": "PRIVATE", "ipAddress": "10.90.0.3"}],
    }
    results = diagnosis(ready, cloud_sql=True)
    if part:
        check_named(results, "metadata_store", (part, "erraform"))
    else:
        assert errors(results) == []


@pytest.fixture
def brokers() -> Iterator[str]:
    """The address of librdkafka's own stand-in of a broker."""
    admin = AdminClient({"test.mock.num.brokers": 1})
    (broker,) = admin.list_topics(timeout=10).brokers.values()
    yield f"{broker.host}:{broker.port}"
    del admin


@pytest.mark.parametrize(
    ("protocol", "error"),
    [("PLAINTEXT", ""), ("nonsense", "Kafka does not accept the connection kafka_default")],
)
def test_kafka_is_asked_with_the_settings_of_the_connection(
    ready: Place, brokers: str, protocol: str, error: str
) -> None:
    ready.confluent.named("cmk/v2/clusters", "ventas")["spec"]["kafka_bootstrap_endpoint"] = brokers
    deploy.up(ready.cloud(**SETTINGS))
    cloud = ready.cloud(**SETTINGS)
    wanted = {"bootstrap.servers": brokers, "security.protocol": protocol}
    edit("kafka_default", lambda it: it.update(extra=wanted))(ready)
    told = ""
    try:
        kafka_reachable(cloud)
    except CloudError as refusal:
        told = refusal.text("en")
    assert told.startswith(error)
    assert bool(told) == bool(error)


def closed(_: tuple[str, int], __: float) -> socket.socket:
    raise OSError("Connection refused")


def unknown_name(_: tuple[str, int], __: float) -> socket.socket:
    raise socket.gaierror(-2, "Name or service not known")


@pytest.mark.parametrize("connect", [closed, unknown_name])
def test_address_of_kafka_that_this_machine_does_not_reach_is_named_and_no_error(
    ready: Place, connect: Callable[[tuple[str, int], float], socket.socket]
) -> None:
    cloud = ready.cloud(**SETTINGS)
    cloud.connect = connect
    results = list(doctor.diagnose(cloud))
    assert errors(results) == []
    (found,) = [it for it in results if it.check.id == "kafka_reachable"]
    assert found.error
    assert not found.checked
    address = f"Kafka's address {ready.confluent.bootstrap} does not answer this machine"
    assert address in found.error.text("en")
    assert "firewall" in found.error.text("en")


def test_port_that_is_open_but_does_not_speak_kafka_is_no_refused_login(
    ready: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_checks, "_REACH", 0.2)
    monkeypatch.setattr(stream_diagnosis, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        edit("kafka_default", lambda it: it["extra"].update({"bootstrap.servers": address}))(ready)
        with pytest.raises(CloudError) as error:
            kafka_reachable(ready.cloud(**SETTINGS))
    assert f"does not answer at {address}, although the port is open" in error.value.text("en")


@pytest.mark.parametrize(
    ("break_it", "answer"),
    [
        (
            edit(
                "kafka_default",
                lambda it: it["extra"].update({"schema.registry.basic.auth.user.info": "no:key"}),
            ),
            "answered 401 (Authentication failed)",
        ),
        (
            lambda it: it.confluent.remove(of_registry(it, "role-bindings")),
            "answered 403 (User is denied operation Write on Subject: ventas-value)",
        ),
    ],
)
def test_registry_that_a_person_added_to_the_connection_is_tried_too(
    ready: Place, break_it: Callable[[Place], object], answer: str
) -> None:
    break_it(ready)
    results = diagnosis(ready, schema_registry=False)
    check_named(results, "schema_registry", (answer, "let its key write the subject ventas-value"))


def test_registry_that_does_not_answer_is_no_refused_key(ready: Place) -> None:
    url = "http://nowhere.test"
    edit("kafka_default", lambda it: it["extra"].update({"schema.registry.url": url}))(ready)
    results = diagnosis(ready, schema_registry=False)
    check_named(results, "schema_registry", (f"No answer to POST {url}/", "(unknown host)"))


def test_port_of_another_address_of_druid_may_not_be_open_either(ready: Place) -> None:
    open_to_all(ready)
    ready.google.resources[f"{COMPUTE}/global/firewalls/let-me-in"]["allowed"][0]["ports"] = [
        "9088"
    ]
    results = diagnosis(ready, druid_address="https://druid.example.com:9088")
    (found,) = [it for it in results if it.check.id == "open_firewall"]
    assert found.error
    assert "let-me-in opens Druid's port 9088" in found.error.text("en")
    assert "open_firewall" not in [it.check.id for it in errors(diagnosis(ready))]


def test_closed_tunnel_is_no_error(ready: Place) -> None:
    ready.druid.connected = False
    results = {it.check.id: it for it in diagnosis(ready)}
    assert results["druid_login"].error
    assert not results["druid_login"].checked
    assert errors(list(results.values())) == []
