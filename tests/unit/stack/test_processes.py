"""The configuration of the processes, read in the formats of supervisord, Kafka and Druid."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from supervisor.options import ProcessGroupConfig, ServerOptions

from include.druid.runtime import SERVICES
from include.stack import airflow, extension, kafka, security, zookeeper
from include.stack.java import JavaProduct
from include.stack.processes import (
    VM_GROUPS,
    Process,
    all_processes,
    druid_deployment,
    write_supervisord_configuration,
)
from include.stack.settings import HOST, Settings

PRODUCTS = {
    name: JavaProduct(name, (Path(f"/jars/{name}.jar"),), Path(f"/jars/{name}.jsa"))
    for name in ("kafka", "druid")
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A stack whose folder's name has characters that are special in the file formats."""
    home = tmp_path / "José's 100%(name)s lab"
    # Kafka's folder counts as formatted, so that no JVM is needed.
    (home / "kafka").mkdir(parents=True)
    (home / "kafka" / "meta.properties").touch()
    return replace(Settings.from_environment({}), home=home)


@pytest.fixture
def processes(settings: Settings) -> list[Process]:
    return all_processes(settings, PRODUCTS)


@pytest.fixture
def configuration(settings: Settings, processes: list[Process]) -> Path:
    return write_supervisord_configuration(settings, processes)


@pytest.fixture
def groups(configuration: Path) -> dict[str, ProcessGroupConfig]:
    """The groups, as supervisord itself parses the file."""
    options = ServerOptions()
    options.realize(["-c", str(configuration)])
    return {group.name: group for group in options.process_group_configs}


def properties(file: Path) -> dict[str, str]:
    """Parse a `.properties` file as Kafka and ZooKeeper do: Latin-1 with escapes."""
    text = re.sub(
        r"\\(?:u([0-9a-f]{4})|(.))",
        lambda found: chr(int(found[1], 16)) if found[1] else found[2],
        file.read_text(encoding="latin-1"),
    )
    return dict(line.split("=", 1) for line in text.splitlines())


def test_each_group_has_its_priority_and_its_processes(
    groups: Mapping[str, ProcessGroupConfig],
) -> None:
    order = sorted(groups.values(), key=lambda group: group.priority)
    assert [group.name for group in order] == ["kafka", "compute", "zookeeper", "druid", "airflow"]
    assert len({group.priority for group in order}) == len(order)
    assert [p.name for p in groups["druid"].process_configs] == [*SERVICES, "proxy"]
    assert {p.name for p in groups["airflow"].process_configs} == set(airflow.COMPONENTS)


def test_groups_of_the_vm_are_started_only_by_the_emulator(
    groups: Mapping[str, ProcessGroupConfig],
) -> None:
    started = {name: {p.autostart for p in group.process_configs} for name, group in groups.items()}
    assert started == {name: {name not in VM_GROUPS} for name in groups}
    command = groups["compute"].process_configs[0].command
    assert all(f'"--group" "{group}"' in command for group in VM_GROUPS)


def test_each_process_restarts_rotates_its_log_and_stops_its_children(
    settings: Settings, groups: Mapping[str, ProcessGroupConfig]
) -> None:
    for process in (p for group in groups.values() for p in group.process_configs):
        assert process.autorestart
        assert process.stopasgroup
        assert process.killasgroup
        assert process.stdout_logfile == str(settings.logs / f"{process.name}.log")
        assert 0 < process.stdout_logfile_maxbytes <= 10 * 1024 * 1024
        assert 0 < process.stdout_logfile_backups <= 3


def test_special_characters_of_the_folder_reach_every_file_unchanged(
    settings: Settings, groups: Mapping[str, ProcessGroupConfig]
) -> None:
    conf = settings.home / "conf"
    assert f"@{conf / 'kafka.args'}" in groups["kafka"].process_configs[0].command
    assert properties(conf / "kafka.properties")["log.dirs"] == str(settings.home / "kafka")
    assert properties(conf / "zoo.cfg")["dataDir"] == str(settings.home / "zookeeper")
    assert f'"{conf / "kafka.properties"}"' in (conf / "kafka.args").read_text(encoding="utf-8")
    for service in SERVICES:
        assert (conf / service / "runtime.properties").is_file()
        assert str(conf / service) in (conf / f"{service}.args").read_text(encoding="utf-8")


def test_kafka_and_zookeeper_listen_on_loopback_only(settings: Settings) -> None:
    broker = kafka.server_properties(settings)
    listeners = broker["listeners"].split(",") + broker["advertised.listeners"].split(",")
    assert {listener.split("://")[1].split(":")[0] for listener in listeners} == {HOST}
    assert broker["controller.quorum.voters"] == f"1@{HOST}:9093"
    server = zookeeper.configuration(settings)
    assert server["clientPortAddress"] == HOST
    assert server["admin.enableServer"] == "false"


def test_druid_airflow_and_the_emulator_listen_on_loopback_only(
    settings: Settings, processes: list[Process]
) -> None:
    assert druid_deployment(settings).host == HOST
    for service in SERVICES:
        rendered = properties(settings.home / "conf" / service / "runtime.properties")
        assert rendered["druid.host"] == HOST
        assert rendered["druid.bindOnHost"] == "true"
        assert rendered["druid.zk.service.host"] == f"{HOST}:2181"
    variables = airflow.environment(settings)
    assert variables["AIRFLOW__API__HOST"] == HOST
    by_name = {process.name: process.command for process in processes}
    # Their log servers would listen on every interface.
    assert all("--skip-serve-logs" in by_name[name] for name in ("scheduler", "triggerer"))
    compute = list(by_name["compute"])
    assert compute[compute.index("--host") + 1] == HOST


def test_secrets_of_airflow_are_only_in_its_own_files(
    settings: Settings, configuration: Path
) -> None:
    variables = airflow.environment(settings)
    secrets = {
        variables["AIRFLOW__CORE__FERNET_KEY"],
        variables["AIRFLOW__API__SECRET_KEY"],
        variables["AIRFLOW__API_AUTH__JWT_SECRET"],
        airflow.password(settings),
    }
    holding = {
        file.relative_to(settings.home).as_posix()
        for file in settings.home.rglob("*")
        if file.is_file() and any(s in file.read_text(encoding="utf-8") for s in secrets)
    }
    assert holding == {"airflow/secrets.json", "airflow/passwords.json"}


#: Files with a secret of `security.inner`: its own file, and the files that programs read.
INNER = {
    "security/inner.json",
    "security/druid.key",
    "security/derby/derby.properties",
    "security/zookeeper-client.jaas",
    "security/zookeeper-server.jaas",
    *(f"conf/{service}/runtime.properties" for service in SERVICES),
}


@pytest.mark.parametrize("secure", [False, True])
def test_inner_secrets_are_only_in_private_files(settings: Settings, secure: bool) -> None:
    settings = replace(settings, secure=secure)
    processes = all_processes(settings, PRODUCTS)
    write_supervisord_configuration(settings, processes)
    secrets = security.inner(settings).values()
    holding = {
        file.relative_to(settings.home).as_posix(): stat.S_IMODE(file.stat().st_mode)
        for file in settings.home.rglob("*")
        if file.is_file() and any(s in file.read_text(encoding="utf-8") for s in secrets)
    }
    assert holding == dict.fromkeys(INNER, 0o600)
    told = [
        *security.variables(settings).values(),
        *(part for p in processes for part in p.command),
    ]
    assert not any(secret in part for secret in secrets for part in told)


def test_proxy_listens_on_the_address_shown_for_druid(
    settings: Settings, processes: list[Process]
) -> None:
    command = list(next(p.command for p in processes if p.name == "proxy"))
    assert command[command.index("--host") + 1] == HOST
    assert command[command.index("--port") + 1] == str(settings.ports["druid"])
    assert command[command.index("--to") + 1] == f"http://{HOST}:8889"
    assert security.druid_url(settings) == f"http://{HOST}:8888"


def test_zookeeper_requires_a_login_for_a_session(
    settings: Settings, processes: list[Process]
) -> None:
    server = properties(settings.home / "conf" / "zoo.cfg")
    assert server["sessionRequireClientSASLAuth"] == "true"
    assert server["authProvider.sasl"].endswith(".SASLAuthenticationProvider")
    options = (settings.home / "conf" / "zookeeper.args").read_text(encoding="utf-8")
    assert "zookeeper-server.jaas" in options


@pytest.mark.parametrize("service", SERVICES)
def test_each_druid_process_gets_the_extension_the_key_and_its_logins(
    settings: Settings, processes: list[Process], service: str
) -> None:
    options = (settings.home / "conf" / f"{service}.args").read_text(encoding="utf-8")
    assert str(extension.folder(settings.cache)) in options
    assert f"-Dventas.druid.key={settings.home / 'security' / 'druid.key'}" in options
    assert f"-Dderby.system.home={settings.home / 'security' / 'derby'}" in options
    assert "zookeeper-client.jaas" in options
    rendered = properties(settings.home / "conf" / service / "runtime.properties")
    assert rendered["druid.escalator.type"] == "ventas"
    login = "druid.metadata.storage.connector.{}".format
    assert rendered[login("user")] == "APP"
    assert rendered[login("password")] == security.inner(settings)["derby"]


def test_formatted_folder_of_kafka_is_not_formatted_again(settings: Settings) -> None:
    broken = replace(PRODUCTS["kafka"], archive=Path("/none"))
    kafka.format_storage(broken, settings, settings.home / "kafka.properties", "id")
    assert not (settings.home / "kafka-format.args").exists()


def test_secured_stack_has_a_proxy_and_secrets_only_in_private_files(
    settings: Settings,
) -> None:
    secured = replace(settings, secure=True)
    processes = all_processes(secured, PRODUCTS)
    write_supervisord_configuration(secured, processes)
    assert [p.name for p in processes if p.group == "druid"] == [*SERVICES, "proxy"]

    secrets = {*security.passwords(secured).values(), "PRIVATE KEY"}
    holding = {
        file.relative_to(secured.home).as_posix(): stat.S_IMODE(file.stat().st_mode)
        for file in secured.home.rglob("*")
        if file.is_file() and any(s in file.read_text(encoding="utf-8") for s in secrets)
    }
    names = ("passwords.json", "ca.key", "kafka.pem", "druid.pem")
    assert holding == {f"security/{name}": 0o600 for name in names}
