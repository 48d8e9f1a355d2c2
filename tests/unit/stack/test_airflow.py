"""The settings, secrets and connections of the embedded Airflow, read by Airflow's own hooks."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from airflow.sdk import Connection
from requests.auth import HTTPBasicAuth

from include.stack import airflow, security
from include.stack.settings import Settings
from ventas_airflow.hooks.compute import VentasComputeEngineHook
from ventas_airflow.hooks.druid import DruidBrokerHook, DruidSupervisorHook
from ventas_airflow.hooks.kafka import KafkaConfigHook

SECRETS = ("CORE__FERNET_KEY", "API__SECRET_KEY", "API_AUTH__JWT_SECRET")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings.from_environment({"VENTAS_PORT_OFFSET": "20000"}), home=tmp_path / "a")


@pytest.fixture
def variables(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    variables = airflow.environment(settings)
    for name, value in variables.items():
        if name.startswith("AIRFLOW_CONN_"):
            monkeypatch.setenv(name, value)
    return variables


def test_secrets_stay_the_same_between_starts_and_differ_between_stacks(settings: Settings) -> None:
    def secrets(of: Settings) -> set[str]:
        variables = airflow.environment(of)
        passwords = {airflow.password(of), airflow.password(of, airflow.VIEWER)}
        return passwords | {variables[f"AIRFLOW__{name}"] for name in SECRETS}

    first = secrets(settings)
    assert len(first) == 5
    assert secrets(settings) == first
    assert secrets(replace(settings, home=settings.home.with_name("b"))).isdisjoint(first)


def test_only_the_user_may_read_the_secrets(settings: Settings, variables: dict[str, str]) -> None:
    passwords = Path(variables["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    for file in (passwords, settings.home / "airflow" / "secrets.json"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(passwords.read_text()) == {
        user: airflow.password(settings, user) for user in (airflow.USER, airflow.VIEWER)
    }


def test_a_secret_that_an_older_version_did_not_have_is_added(settings: Settings) -> None:
    before = airflow.password(settings)
    file = settings.home / "airflow" / "secrets.json"
    kept = json.loads(file.read_text())
    del kept["viewer_password"]
    file.write_text(json.dumps(kept))
    assert airflow.password(settings, airflow.VIEWER)
    assert airflow.password(settings) == before


def test_changed_airflow_port_appears_in_every_setting_that_names_it(
    variables: dict[str, str],
) -> None:
    """`CORE__EXECUTION_API_SERVER_URL` is easily forgotten, and without it no task runs."""
    naming = {name for name, value in variables.items() if "28080" in value}
    assert naming == {
        "AIRFLOW__API__PORT",
        "AIRFLOW__API__BASE_URL",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
    }
    assert not [name for name, value in variables.items() if "8080" in value.replace("28080", "")]


def test_airflow_parses_each_connection(settings: Settings, variables: dict[str, str]) -> None:
    for conn_id, connection in airflow.connections(settings).items():
        read = Connection.from_json(variables[f"AIRFLOW_CONN_{conn_id.upper()}"], conn_id)
        assert (read.conn_type, read.extra_dejson) == (connection["conn_type"], connection["extra"])


@pytest.mark.usefixtures("variables")
def test_each_hook_uses_the_address_of_its_service(settings: Settings) -> None:
    assert DruidSupervisorHook().get_client().url == settings.url("druid")
    assert DruidBrokerHook().get_client().url == settings.url("druid")
    assert KafkaConfigHook().get_conn == {"bootstrap.servers": settings.address("kafka")}
    compute = VentasComputeEngineHook()
    assert compute._get_field("api_endpoint") == settings.url("compute")
    assert compute.project_id == airflow.PROJECT_ID


def test_each_hook_uses_login_and_certificate_of_a_secured_stack(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    secured = replace(settings, secure=True)
    for name, connection in airflow.connections(secured).items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))
    ca = str(security.authority(secured).certificate)
    login, password = security.druid_login(secured) or ("", "")

    for client in (DruidSupervisorHook().get_client(), DruidBrokerHook().get_client()):
        assert client.url == security.druid_url(secured)
        assert (client._session.auth, client._verify) == (HTTPBasicAuth(login, password), ca)
    assert KafkaConfigHook().get_conn == security.kafka_config(secured, "airflow")


@pytest.mark.parametrize(
    ("extra", "url"),
    [
        ({}, "http://d"),
        ({"schema": "https", "endpoint": "/druid/v2/sql/"}, "https://d"),
        ({"endpoint": "behind/a/proxy/druid/v2/sql"}, "http://d/behind/a/proxy"),
    ],
)
def test_broker_connection_is_read_as_the_provider_does(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, str], url: str
) -> None:
    connection = {"conn_type": "druid", "host": "d", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_BROKER_DEFAULT", json.dumps(connection))
    client = DruidBrokerHook().get_client()
    assert (client.url, client._session.auth, client._verify) == (url, None, True)


@pytest.mark.parametrize(("extra", "verify"), [({}, True), ({"ca_bundle_path": "/ca"}, "/ca")])
def test_certificate_of_druid_is_always_verified(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, str], verify: bool | str
) -> None:
    """The provider's own hook reads the CA only if the verification is off."""
    connection = {"conn_type": "druid", "host": "d", "schema": "https", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(connection))
    assert DruidSupervisorHook().get_verify() == verify


def test_import_path_and_folders_are_absolute_paths_of_the_project(
    variables: dict[str, str],
) -> None:
    root, plugins = map(Path, variables["PYTHONPATH"].split(":"))
    assert (root / "include" / "sales" / "event.py").is_file()
    assert (plugins / "ventas_plugin.py").is_file()
    assert variables["AIRFLOW__CORE__PLUGINS_FOLDER"] == str(plugins)
    assert variables["AIRFLOW__CORE__DAGS_FOLDER"] == str(root / "dags")


def test_metrics_are_on_only_if_a_collector_is_configured(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert "AIRFLOW__METRICS__OTEL_ON" not in airflow.environment(settings)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert airflow.environment(settings)["AIRFLOW__METRICS__OTEL_ON"] == "True"
