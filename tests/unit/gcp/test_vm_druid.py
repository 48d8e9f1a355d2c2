"""The configuration files of the VM's Druid."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from include.druid import runtime
from include.druid.supervisor import JAAS_VARIABLE
from include.gcp import vm_druid
from include.gcp.sizing import size
from include.gcp.vm_druid import Choices, files


def of(**choices: Any) -> dict[str, str]:
    return files(Choices(sizes=size("n2-standard-4", 1000).sizes, segment_cache=40, **choices))


def properties(service: str, **choices: Any) -> dict[str, str]:
    lines = of(**choices)[f"{service}/runtime.properties"].splitlines()
    return dict(line.split("=", 1) for line in lines)


def extensions(**choices: Any) -> set[str]:
    return set(json.loads(properties("broker", **choices)["druid.extensions.loadList"]))


def test_each_process_has_an_argument_file_for_its_jvm() -> None:
    found = of()
    for service in ("zookeeper", *runtime.VM_SERVICES):
        arguments = found[f"{service}/java.args"].splitlines()
        assert all(a.startswith('"') and a.endswith('"') for a in arguments)
    broker = found["broker/java.args"].splitlines()
    assert broker[-3:] == ['"org.apache.druid.cli.Main"', '"server"', '"broker"']
    assert '"/etc/druid/broker:/opt/druid/lib/*"' in broker
    assert '"-XX:+UseG1GC"' in broker


def test_only_the_router_listens_on_the_address_of_the_vm() -> None:
    bound = {s: properties(s)["druid.bindOnHost"] for s in runtime.VM_SERVICES}
    assert {service for service, value in bound.items() if value != "true"} == {"router"}
    assert {properties(s)["druid.host"] for s in runtime.VM_SERVICES} == {"127.0.0.1"}


@pytest.mark.parametrize("service", runtime.VM_SERVICES)
def test_every_process_requires_passwords_that_come_from_the_environment(service: str) -> None:
    found = properties(service, metadata_uri="jdbc:postgresql://10.0.0.3/druid", metadata_user="d")
    assert found["druid.auth.authenticatorChain"] == '["basic"]'
    assert found["druid.auth.authorizers"] == '["basic"]'
    assert found["druid.escalator.type"] == "basic"
    passwords = [value for name, value in found.items() if name.lower().endswith("password")]
    assert len(passwords) == 4
    for password in passwords:
        assert json.loads(password)["type"] == "environment"
    assert "druid-basic-security" in extensions()


def test_processes_use_the_initial_password_of_the_internal_user() -> None:
    found = properties("router")
    assert (
        found["druid.escalator.internalClientPassword"]
        == found["druid.auth.authenticator.basic.initialInternalClientPassword"]
    )


def test_variable_of_the_kafka_login_is_that_of_the_supervisor_spec() -> None:
    assert vm_druid.KAFKA_JAAS_VARIABLE == JAAS_VARIABLE


def test_segments_and_task_logs_go_to_the_bucket() -> None:
    found = properties("middleManager", bucket="tienda-druid")
    assert (found["druid.storage.type"], found["druid.indexer.logs.type"]) == ("google", "google")
    assert {found["druid.google.bucket"], found["druid.indexer.logs.bucket"]} == {"tienda-druid"}
    assert found["druid.google.prefix"] != found["druid.indexer.logs.prefix"]
    assert "druid-google-extensions" in extensions(bucket="tienda-druid")


def test_without_a_bucket_segments_stay_on_the_data_disk() -> None:
    found = properties("middleManager")
    assert found["druid.storage.type"] == "local"
    assert found["druid.storage.storageDirectory"] == "/var/lib/druid/segments"
    assert "druid-google-extensions" not in extensions()


def test_metadata_goes_to_cloud_sql_if_its_address_is_given() -> None:
    found = properties("coordinator", metadata_uri="jdbc:postgresql://10.0.0.3/druid")
    assert found["druid.metadata.storage.type"] == "postgresql"
    uri = found["druid.metadata.storage.connector.connectURI"]
    assert uri.startswith("jdbc:postgresql://10.0.0.3/druid?")
    assert properties("coordinator")["druid.metadata.storage.type"] == "derby"


def test_certificate_of_cloud_sql_is_verified_by_the_given_authority() -> None:
    made = of(metadata_uri="jdbc:postgresql://10.0.0.3/druid", metadata_ca="the authority")
    for service in runtime.VM_SERVICES:
        uri = next(
            line.split("=", 1)[1]
            for line in made[f"{service}/runtime.properties"].splitlines()
            if line.startswith("druid.metadata.storage.connector.connectURI=")
        )
        parameters = dict(parse_qsl(urlsplit(uri.removeprefix("jdbc:")).query))
        assert parameters["sslmode"] == "verify-ca"
        file = PurePath(parameters["sslrootcert"]).relative_to(vm_druid.CONF)
        assert made[str(file)] == "the authority"
    assert vm_druid.METADATA_CA not in of()


def test_jvm_and_segment_cache_have_the_chosen_sizes() -> None:
    heap = size("n2-standard-4", 1000).sizes["historical"].heap
    assert f'"-Xmx{heap}m"' in of()["historical/java.args"].splitlines()
    locations = properties("historical")["druid.segmentCache.locations"]
    assert json.loads(locations.replace("\\", ""))[0]["maxSize"] == "40g"


def test_settings_of_the_user_replace_those_of_the_project() -> None:
    chosen = vm_druid.parse_properties(
        """
        */druid.emitter=logging
        broker/druid.server.http.numThreads=60
        broker/druid.server.http.numThreads=61
        historical/druid.query.groupBy.context={"a": "b=c"}
        """
    )
    assert properties("broker")["druid.server.http.numThreads"] != "61"
    assert properties("broker", properties=chosen)["druid.server.http.numThreads"] == "61"
    assert {properties(s, properties=chosen)["druid.emitter"] for s in runtime.VM_SERVICES} == {
        "logging"
    }
    historical = properties("historical", properties=chosen)
    assert historical["druid.query.groupBy.context"] == '{"a": "b=c"}'
    assert historical["druid.server.http.numThreads"] != "61"


@pytest.mark.parametrize(
    "line",
    [
        "druid.emitter=logging",
        "overlord/druid.emitter=logging",
        "broker/druid.emitter",
        "broker/user.timezone=UTC",
        "broker/druid.a b=1",
    ],
)
def test_malformed_setting_is_refused_with_the_form_that_it_must_have(line: str) -> None:
    with pytest.raises(ValueError, match="must be SERVICE/KEY=VALUE") as refused:
        vm_druid.parse_properties(f"broker/druid.emitter=noop\n{line}")
    assert str(refused.value).startswith(f"'{line}'")


@pytest.mark.parametrize(
    "key",
    [
        "druid.auth.authenticatorChain",
        "druid.escalator.type",
        "druid.extensions.loadList",
        "druid.metadata.storage.connector.user",
        "druid.host",
        "druid.bindOnHost",
        "druid.plaintextPort",
        "druid.zk.service.host",
        "druid.emitter.http.basicAuthentication",
        "druid.client.https.keyStorePassword",
        "druid.s3.secretKey",
        "druid.indexer.fork.property.druid.auth.authorizers",
    ],
)
def test_settings_of_logins_addresses_and_secrets_belong_to_the_project(key: str) -> None:
    with pytest.raises(ValueError, match=f"^remove {key}: the VM itself sets logins"):
        vm_druid.parse_properties(f"*/{key}=x")


def test_project_owns_every_key_of_its_logins() -> None:
    for key in vm_druid._security():
        with pytest.raises(ValueError, match="remove"):
            vm_druid.parse_properties(f"*/{key}=x")
