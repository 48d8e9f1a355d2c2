"""The Compose file's settings equal those of the embedded stack, with the listed differences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from airflow.configuration import retrieve_configuration_description

from include.druid import container, runtime
from include.druid.supervisor import JAAS_VARIABLE
from include.stack import airflow, kafka, processes, security, zookeeper
from include.stack.java import LOG4J
from include.stack.settings import HOST, ROOT, Settings
from tests.unit.compose.projects import LOAD, SECURE, project

LOG_CONFIGURATION = f"./{LOG4J.relative_to(ROOT)}"
#: File that the entry point of Druid's image copies, with its folder, before each start.
IMAGE_LOG_CONFIGURATION = "/opt/druid/conf/druid/cluster/_common/log4j2.xml"

DRUID_DIFFERENCES = {
    "druid.host",
    # For the router: in the embedded stack, the proxy before it has the default port.
    "druid.plaintextPort",
    "druid.zk.service.host",
    "druid.extensions.loadList",
    "druid.metadata.storage.type",
    "druid.metadata.storage.connector.connectURI",
    "druid.metadata.storage.connector.host",
    "druid.metadata.storage.connector.port",
    "druid.metadata.storage.connector.user",
    "druid.metadata.storage.connector.password",
    "druid.storage.storageDirectory",
    "druid.indexer.logs.directory",
    "druid.segmentCache.locations",
    "druid.indexer.task.baseTaskDir",
}
KAFKA_DIFFERENCES = {
    "listeners",
    "advertised.listeners",
    # A listener for programs on the host, which in the embedded stack is the network of all.
    "listener.security.protocol.map",
    "log.dirs",
}
HOST_JAAS = "listener.name.host.plain.sasl.jaas.config"
SECURE_DIFFERENCES = {
    "inter.broker.listener.name",
    "super.users",
}
AIRFLOW_DIFFERENCES = {
    "PYTHONPATH",
    "VENTAS_LANGUAGE",
    "VENTAS_REPORTS",
    "AIRFLOW_HOME",
    "AIRFLOW__CORE__DAGS_FOLDER",
    "AIRFLOW__CORE__PLUGINS_FOLDER",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    "AIRFLOW__CORE__FERNET_KEY",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__API__HOST",
    "AIRFLOW__API__BASE_URL",
    "AIRFLOW__API__SECRET_KEY",
    "AIRFLOW__API_AUTH__JWT_SECRET",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
}
ZOOKEEPER_VARIABLES = {
    "ZOO_TICK_TIME": "tickTime",
    "ZOO_ADMINSERVER_ENABLED": "admin.enableServer",
    "ZOO_MAX_CLIENT_CNXNS": "maxClientCnxns",
    "ZOO_AUTOPURGE_PURGEINTERVAL": "autopurge.purgeInterval",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.from_environment({"VENTAS_HOME": str(tmp_path)})


def differing(ours: dict[str, str], embedded: dict[str, str]) -> set[str]:
    return {name for name in ours | embedded if ours.get(name) != embedded.get(name)}


def druid_properties(service: str) -> dict[str, str]:
    return {
        name.replace("_", "."): value
        for name, value in container.environment(service).items()
        if name.startswith("druid_")
    }


@pytest.mark.parametrize("service", runtime.SERVICES)
@pytest.mark.parametrize(
    ("overrides", "sizes"),
    [((), runtime.EMBEDDED_SIZES), ((LOAD,), container.LOAD_SIZES)],
    ids=["small", "load"],
)
def test_druid_services_have_the_rendered_settings(
    overrides: tuple[str, ...], sizes: Mapping[str, runtime.Size], service: str
) -> None:
    ours = project(*overrides)["services"][f"druid-{service}"]
    written = dict(ours["environment"])
    assert written.pop(container.PASSWORD_VARIABLE).startswith("${DRUID_DATABASE_PASSWORD:?")
    assert written == container.environment(service, sizes)
    assert ours["mem_limit"] == container.memory_limit(sizes[service])
    assert ours["hostname"] == written["druid_host"]
    assert ours["command"] == [service]
    assert ours["healthcheck"]["test"][-1] == (
        f"http://{written['druid_host']}:{written['druid_plaintextPort']}/status/health"
    )


def test_druid_differs_from_the_embedded_one_only_as_listed(settings: Settings) -> None:
    found = set()
    for service in runtime.SERVICES:
        embedded = runtime.properties(service, processes.druid_deployment(settings))
        found |= differing(druid_properties(service), embedded)
    assert found == DRUID_DIFFERENCES


def mounted(service: dict[str, Any], option: str) -> str:
    """Return the file of the project to which a service's option points."""
    file = option.split("=")[1]
    mounts: list[str] = service["volumes"]
    return next(mount.split(":")[0] for mount in mounts if mount.split(":")[1] == file)


def test_druid_logs_with_the_configuration_of_the_embedded_stack(services: dict[str, Any]) -> None:
    for service in runtime.SERVICES:
        mounts = services[f"druid-{service}"]["volumes"]
        assert f"{LOG_CONFIGURATION}:{IMAGE_LOG_CONFIGURATION}:ro" in mounts


@pytest.mark.parametrize("service", runtime.SERVICES)
def test_no_druid_property_erases_another(service: str) -> None:
    # The image's entry point deletes every line that matches `property=` before it adds one.
    lines = [f"{name}={value}" for name, value in druid_properties(service).items()]
    for line in lines:
        pattern = line.split("=")[0] + "="
        assert [other for other in lines if re.search(pattern, other)] == [line]


def variable(property_name: str) -> str:
    """Return the variable of a property in Kafka's image (KafkaDockerWrapper)."""
    return f"KAFKA_{property_name.replace('_', '__').replace('.', '_').upper()}"


def kafka_variables(service: dict[str, Any]) -> dict[str, str]:
    """Return the variables of a service that are broker properties."""
    ours = dict(service["environment"])
    assert set(ours.pop("KAFKA_HEAP_OPTS").split()) <= set(kafka.JVM_OPTIONS)
    assert mounted(service, ours.pop("KAFKA_LOG4J_OPTS")) == LOG_CONFIGURATION
    ours.pop("KAFKA_OPTS", "")
    return {name: value for name, value in ours.items() if name.startswith("KAFKA_")}


def test_kafka_differs_from_the_embedded_one_only_as_listed(
    services: dict[str, Any], settings: Settings
) -> None:
    ours = kafka_variables(services["kafka"])
    properties = kafka.server_properties(settings).items()
    embedded = {variable(name): value for name, value in properties}
    assert set(ours) - set(embedded) == {variable("listener.security.protocol.map")}
    assert set(embedded) <= set(ours)
    assert differing(ours, embedded) == {variable(name) for name in KAFKA_DIFFERENCES}


def test_secured_kafka_equals_the_embedded_one_without_tls(settings: Settings) -> None:
    service = project(SECURE)["services"]["kafka"]
    properties = kafka.server_properties(replace(settings, secure=True)).items()
    embedded = {
        variable(name.replace("sasl_ssl", "sasl_plaintext")): value
        for name, value in properties
        if not re.search(r"(^|\.)ssl\.", name)
    }
    jaas = variable("listener.name.sasl_plaintext.plain.sasl.jaas.config")
    ours = kafka_variables(service)
    assert ours.pop(variable(HOST_JAAS)) == ours[jaas]
    assert set(ours) == set(embedded)
    assert ours[jaas].replace("$$", "$") == embedded[jaas]
    assert differing(ours, embedded) == {
        *(variable(name) for name in (*KAFKA_DIFFERENCES, *SECURE_DIFFERENCES)),
        jaas,
    }


def test_each_user_of_the_secured_kafka_has_one_password_everywhere(settings: Settings) -> None:
    services = project(SECURE)["services"]
    secure = replace(settings, secure=True)
    values = security.passwords(secure)

    def with_passwords(text: str) -> str:
        names = [security.ADMIN, security.AIRFLOW, security.DRUID]
        made = {f"KAFKA_{name.upper()}_PASSWORD": values[name] for name in names}
        return re.sub(r"\$\{(\w+):\?[^}]+\}", lambda found: made[found[1]], text)

    expected = security.variables(secure)
    for service, name in [
        ("kafka", security.BROKER_JAAS_VARIABLE),
        ("druid-coordinator", JAAS_VARIABLE),
        ("druid-indexer", JAAS_VARIABLE),
    ]:
        assert with_passwords(services[service]["environment"][name]) == expected[name]
    for component in airflow.COMPONENTS:
        connection = services[f"airflow-{component}"]["environment"]["AIRFLOW_CONN_KAFKA_DEFAULT"]
        embedded = airflow.connections(secure)["kafka_default"]["extra"]
        assert isinstance(embedded, dict)
        assert json.loads(with_passwords(connection))["extra"] == {
            **{name: value for name, value in embedded.items() if name != "ssl.ca.location"},
            "bootstrap.servers": "kafka:9092",
            "security.protocol": "SASL_PLAINTEXT",
        }


def test_zookeeper_has_the_settings_of_the_embedded_one(
    services: dict[str, Any], settings: Settings
) -> None:
    ours = dict(services["zookeeper"]["environment"])
    assert f"-Xmx{ours.pop('ZK_SERVER_HEAP')}m" in zookeeper.JVM_OPTIONS
    embedded = zookeeper.configuration(settings)
    assert ours == {name: embedded[key] for name, key in ZOOKEEPER_VARIABLES.items()}
    # The rest of zoo.cfg is the place: folder, address and port.
    assert set(embedded) - set(ZOOKEEPER_VARIABLES.values()) == {
        "dataDir",
        "clientPort",
        "clientPortAddress",
    }


def test_airflow_differs_from_the_embedded_one_only_as_listed(
    services: dict[str, Any], settings: Settings
) -> None:
    def plain(environment: dict[str, str]) -> dict[str, str]:
        return {k: v for k, v in environment.items() if not k.startswith("AIRFLOW_CONN_")}

    ours = plain(services["airflow-scheduler"]["environment"])
    embedded = plain(airflow.environment(settings))
    assert set(ours) == set(embedded)
    assert differing(ours, embedded) == AIRFLOW_DIFFERENCES


def test_every_airflow_setting_exists_in_airflow(services: dict[str, Any]) -> None:
    known = retrieve_configuration_description(include_providers=False)
    for service in services.values():
        for name in service.get("environment", {}):
            if name.startswith("AIRFLOW__"):
                _, section, option = name.lower().split("__")
                assert option in known[section]["options"], name


def test_connections_differ_only_in_addresses(services: dict[str, Any], settings: Settings) -> None:
    embedded = json.dumps(airflow.connections(settings))
    for service, name in [("kafka", "kafka"), ("compute", "compute")]:
        port = settings.ports[service]
        embedded = embedded.replace(settings.address(service), f"{name}:{port}")
    expected = json.loads(embedded.replace(f'"{HOST}"', '"druid-router"'))
    environment = services["airflow-scheduler"]["environment"]
    ours = {
        name.removeprefix("AIRFLOW_CONN_").lower(): json.loads(value)
        for name, value in environment.items()
        if name.startswith("AIRFLOW_CONN_")
    }
    assert ours == expected


@pytest.mark.parametrize("component", airflow.COMPONENTS)
def test_every_airflow_component_runs_with_the_same_settings(
    services: dict[str, Any], component: str
) -> None:
    service = services[f"airflow-{component}"]
    shared = services["airflow-init"]
    assert shared["environment"].items() <= service["environment"].items()
    for key in ("image", "volumes"):
        assert service[key] == shared[key]
    if component == "api-server":
        assert service["command"][-1].splitlines()[-1] == f"exec airflow {component}"
    else:
        assert service["command"] == list(airflow.COMPONENTS[component])
