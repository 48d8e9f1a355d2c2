"""A window and a validation on the secured stack, and then a search for every secret.

If the end-to-end suite ran before, the search covers its files and answers too.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from include.druid.runtime import SERVICES
from include.names import VALIDATION_DAG, WINDOW_DAG
from include.stack import airflow, security, supervision
from include.stack.airflow_api import AirflowApi
from tests.support.lab import Lab
from tests.support.scan import names_in, scan_files, secrets_of
from ventas_airflow.page.app import create_app

#: Files that must hold secrets, and that only their user may read.
PRIVATE = {
    "airflow/passwords.json",
    "airflow/secrets.json",
    *(f"conf/{service}/runtime.properties" for service in SERVICES),
    "security/ca.key",
    "security/derby/derby.properties",
    "security/druid.key",
    "security/druid.pem",
    "security/inner.json",
    "security/kafka.pem",
    "security/passwords.json",
    "security/zookeeper-client.jaas",
    "security/zookeeper-server.jaas",
}

#: Paths at which Druid shows its state to a client with the login.
DRUID = (
    "/druid/indexer/v1/supervisor?full",
    "/druid/indexer/v1/supervisor/history",
    "/druid/indexer/v1/supervisor/ventas",
    "/druid/indexer/v1/supervisor/ventas/status",
    "/druid/indexer/v1/tasks",
    "/druid/indexer/v1/worker",
    "/druid/coordinator/v1/config",
    "/status/properties",
)


@pytest.fixture(scope="module")
def window(lab: Lab) -> str:
    """Id of a window's run that succeeded and was validated while its VM is on."""
    run = lab.open_window(duration_minutes=0.25, keep_vm=True)
    assert lab.end_of(WINDOW_DAG, run) == "success"
    validation = lab.validate()
    assert lab.end_of(VALIDATION_DAG, validation) == "success"
    return run


@pytest.fixture(scope="module")
def secrets(lab: Lab) -> dict[str, bytes]:
    return secrets_of(lab.settings)


def trusting(lab: Lab) -> ssl.SSLContext:
    """Return a TLS context that trusts the stack's own authority."""
    return ssl.create_default_context(cafile=security.authority(lab.settings).certificate)


def test_window_is_reconciled(lab: Lab, window: str) -> None:
    found = lab.api.xcom(WINDOW_DAG, window, "reconcile")
    assert found["equal"]
    assert found["committed"] == found["in_kafka"] == found["in_druid"] > 5


@pytest.mark.parametrize("url", [security.druid_url, lambda settings: settings.url("airflow")])
def test_druid_and_page_answer_401_without_a_login(lab: Lab, window: str, url: object) -> None:
    assert callable(url)
    base = url(lab.settings)
    path = "/druid/v2/sql" if base.startswith("https") else "/ventas/api/live"
    assert httpx.get(base + path, verify=trusting(lab)).status_code == 401


@pytest.mark.usefixtures("window")
def test_secrets_are_only_in_private_files(lab: Lab, secrets: dict[str, bytes]) -> None:
    """The scan covers logs, configuration, Airflow's database, and Kafka's and Druid's data."""
    found = scan_files(lab.settings.home, secrets)
    assert {(file.path, file.names) for file in found if file.path not in PRIVATE} == set()
    assert {file.path for file in found if file.private} == PRIVATE


@pytest.mark.usefixtures("window")
def test_no_secret_is_on_a_command_line(lab: Lab, secrets: dict[str, bytes]) -> None:
    lines = {
        process.pid: " ".join(process.cmdline()).encode()
        for process in supervision.marked_processes(lab.settings)
    }
    assert len(lines) > 10
    assert {pid for pid, line in lines.items() if names_in([line], secrets)} == set()


@pytest.mark.usefixtures("window")
def test_druid_shows_no_secret_to_a_client_with_its_login(
    lab: Lab, secrets: dict[str, bytes]
) -> None:
    tasks = [task["id"] for task in lab.druid.tasks("ventas")]
    assert tasks
    paths = [
        *DRUID,
        *(f"/druid/indexer/v1/task/{task}{part}" for task in tasks for part in ("", "/log")),
    ]
    with httpx.Client(
        base_url=lab.druid.url,
        auth=security.druid_login(lab.settings),
        verify=trusting(lab),
        timeout=20,
    ) as client:
        answers = {path: client.get(path) for path in paths}
    below = {
        f"{service}/status/properties": httpx.get(f"{lab.settings.url(service)}/status/properties")
        for service in ("coordinator", "broker", "historical", "indexer")
    }
    spec = answers["/druid/indexer/v1/supervisor/ventas"].text
    assert "KAFKA_JAAS_CONFIG" in spec, "the supervisor reads no secret, so none could leak"
    everything = {**answers, **below}
    told = {path: names_in([answer.content], secrets) for path, answer in everything.items()}
    assert {path: names for path, names in told.items() if names} == {}


@pytest.mark.parametrize("user", [airflow.USER, airflow.VIEWER])
def test_airflow_and_page_show_no_secret(
    lab: Lab, window: str, secrets: dict[str, bytes], user: str
) -> None:
    url, password = lab.settings.url("airflow"), airflow.password(lab.settings, user)
    token = AirflowApi(url, user, password).token
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        answers = {path: client.get(path) for path in [*_airflow(lab, window), *_page(window)]}
    read = [path for path, answer in answers.items() if answer.is_success]
    assert len(read) > 20, {path: answer.status_code for path, answer in answers.items()}
    told = {path: names_in([answer.content], secrets) for path, answer in answers.items()}
    assert {path: names for path, names in told.items() if names} == {}


def _airflow(lab: Lab, window: str) -> Iterator[str]:
    yield from ("/api/v2/config", "/api/v2/connections", "/api/v2/variables", "/api/v2/eventLogs")
    yield from ("/api/v2/importErrors", "/api/v2/plugins", "/api/v2/providers")
    run = f"/api/v2/dags/{WINDOW_DAG}/dagRuns/{window}"
    yield run
    for task in lab.api.tasks(WINDOW_DAG, window):
        instance = f"{run}/taskInstances/{task['task_id']}"
        yield instance  # with its rendered templates and its trigger's arguments
        yield f"{instance}/logs/{task['try_number']}?full_content=true"
        yield f"{instance}/xcomEntries/return_value?deserialize=false"


def _page(window: str) -> Iterator[str]:
    for route in create_app().routes:
        path, methods = getattr(route, "path", ""), getattr(route, "methods", None) or ()
        if "GET" in methods and path.startswith("/api/") and "{" not in path:
            yield f"/ventas{path}?run={quote(window)}&since=2020-01-01T00:00:00Z"
