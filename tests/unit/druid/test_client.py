"""Druid's client against a small HTTP server: its requests, and its errors for each failure."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from requests.auth import HTTPBasicAuth

from include.druid import client as module
from include.druid.client import (
    DruidClient,
    DruidError,
    DruidUnreachableError,
    SupervisorMissingError,
)
from include.stack.certificates import Authority
from include.stack.ports import free_ports
from include.waiting import wait_until
from tests.support.http_server import Answer, serving
from tests.unit.druid.support import (
    RUNNING_TASKS,
    SQL,
    SUPERVISORS,
    TASK,
    TASKS,
    WORKERS,
    Router,
    running_task,
    status,
    worker,
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RETRY", module._RETRY.new(backoff_factor=0))


@pytest.fixture
def client(router: Router) -> DruidClient:
    return DruidClient(router.url)


def test_sql_sends_typed_parameters_and_a_time_out_for_druid(
    router: Router, client: DruidClient
) -> None:
    router.on("POST", SQL, (200, [{"n": 1}]))
    rows = client.sql("SELECT ?", ["a", 1, 1.5, True], timeout=2, context={"sqlTimeZone": "UTC"})
    assert rows == [{"n": 1}]
    assert router.asked[0].body == {
        "query": "SELECT ?",
        "parameters": [
            {"type": "VARCHAR", "value": "a"},
            {"type": "BIGINT", "value": 1},
            {"type": "DOUBLE", "value": 1.5},
            {"type": "BOOLEAN", "value": True},
        ],
        "context": {"timeout": 2000, "noProjections": True, "sqlTimeZone": "UTC"},
    }


@pytest.mark.parametrize(
    "value",
    [None, float("nan"), float("-inf"), 2**63, -(2**63) - 1, Decimal(1), [1], b"a", np.int64(1)],
    ids=repr,
)
def test_parameter_of_unsupported_type_is_refused_without_a_request(
    router: Router, client: DruidClient, value: Any
) -> None:
    with pytest.raises(
        DruidError, match="A parameter of an SQL query must be a text, a boolean or"
    ) as refused:
        client.sql("SELECT ?", [value])
    assert not isinstance(refused.value, DruidUnreachableError)
    assert router.asked == []


@pytest.mark.parametrize("text", [b'[{"n": 1}, {"n": ', b"", b'[{"n": 1},'])
def test_truncated_answer_raises_and_returns_no_rows(
    router: Router, client: DruidClient, text: bytes
) -> None:
    router.on("POST", SQL, (200, text))
    with pytest.raises(DruidError, match="sent an incomplete answer"):
        client.sql("SELECT 1")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(
            {"error": "druidException", "errorMessage": "Object 'ventas' not found"},
            r"answered 400: Object 'ventas' not found$",
            id="SQL error",
        ),
        pytest.param({"error": "Supervisor already exists"}, "already exists$", id="overlord"),
        pytest.param(["a", "list"], r"\['a', 'list'\]", id="unknown JSON"),
        pytest.param(b"<html>Bad request</html>", "<html>Bad request", id="a proxy's page"),
    ],
)
def test_refusal_has_druids_message_and_is_not_retried(
    router: Router, client: DruidClient, body: Any, words: str
) -> None:
    router.on("POST", SQL, (400, body))
    with pytest.raises(DruidError, match=words):
        client.sql("SELECT 1")
    assert router.times("POST", SQL) == 1


@pytest.mark.parametrize("passing", [502, 503, 504])
def test_temporary_status_is_retried_until_it_succeeds(
    router: Router, client: DruidClient, passing: int
) -> None:
    router.on("POST", SQL, (passing, b"starting"), (passing, b"starting"), (200, []))
    assert client.sql("SELECT 1") == []
    assert router.times("POST", SQL) == 3


CONFIG = "/druid/coordinator/v1/config"


def test_lasting_503_raises_unreachable_with_the_servers_message(
    router: Router, client: DruidClient
) -> None:
    router.on("GET", CONFIG, (503, b"no overlord leader"))
    with pytest.raises(
        DruidUnreachableError, match=r"not available \(HTTP 503\): no overlord leader"
    ):
        client.coordinator_config()
    assert router.times("GET", CONFIG) == 8
    with pytest.raises(DruidUnreachableError):
        DruidClient(router.url, retries=0).coordinator_config()
    assert router.times("GET", CONFIG) == 9


def test_refused_connection_raises_unreachable_with_the_address() -> None:
    [closed] = free_ports(1)
    url = f"http://127.0.0.1:{closed}"
    with pytest.raises(DruidUnreachableError, match=f"{url} does not answer .*VM is on"):
        DruidClient(url).coordinator_config()


def test_hanging_server_is_tried_only_twice(router: Router) -> None:
    router.on("GET", CONFIG, (200, {}))
    router.awake.clear()
    with pytest.raises(DruidUnreachableError, match=r"ConnectionError|ReadTimeout"):
        DruidClient(router.url, timeout=0.1).coordinator_config()
    # The server reads a request even after its client has left.
    assert wait_until(lambda: router.times("GET", CONFIG) >= 2, "both tries", 60)
    assert router.times("GET", CONFIG) == 2


def test_authentication_is_sent_with_the_request(router: Router) -> None:
    router.on("POST", SQL, (200, []))
    DruidClient(f"{router.url}/", auth=HTTPBasicAuth("druid", "secret")).sql("SELECT 1")
    assert router.asked[0].headers["Authorization"].startswith("Basic ")
    assert router.asked[0].path == SQL


def test_submitted_spec_asks_druid_to_skip_restart_if_unmodified(
    router: Router, client: DruidClient
) -> None:
    router.on("POST", SUPERVISORS, (200, {"id": "ventas"}))
    assert client.submit_supervisor({"type": "kafka"}) == "ventas"
    assert router.asked[0].query == "skipRestartIfUnmodified=true"
    assert router.asked[0].body == {"type": "kafka"}


def test_supervisor_calls_quote_its_name_in_the_path(router: Router, client: DruidClient) -> None:
    own = f"{SUPERVISORS}/ventas%2F1"
    for action in ("suspend", "resume"):
        router.on("POST", f"{own}/{action}", (200, {"id": "ventas/1"}))
    router.on("GET", own, (200, {"spec": {}}))
    router.on("GET", f"{own}/status", (200, status("RUNNING")))
    client.suspend_supervisor("ventas/1")
    client.resume_supervisor("ventas/1")
    assert client.supervisor_spec("ventas/1") == {"spec": {}}
    assert client.supervisor_status("ventas/1")["detailedState"] == "RUNNING"


def test_missing_supervisor_raises_its_own_error(router: Router, client: DruidClient) -> None:
    router.on("GET", f"{SUPERVISORS}/ventas/status", (404, {"error": "[ventas] does not exist"}))
    with pytest.raises(SupervisorMissingError, match=f"{router.url} has no supervisor 'ventas'"):
        client.supervisor_status("ventas")
    router.on("POST", f"{SUPERVISORS}/ventas/suspend", (500, {"error": "metadata store"}))
    with pytest.raises(DruidError, match="500: metadata store") as refused:
        client.suspend_supervisor("ventas")
    assert not isinstance(refused.value, SupervisorMissingError)


def test_tasks_are_requested_by_quoted_datasource(router: Router, client: DruidClient) -> None:
    router.on("GET", TASKS, (200, [{"id": "one"}]))
    assert client.tasks("ventas&más") == [{"id": "one"}]
    assert router.asked[0].query == "datasource=ventas%26m%C3%A1s"


def test_running_tasks_are_requested_by_quoted_datasource(
    router: Router, client: DruidClient
) -> None:
    router.on("GET", RUNNING_TASKS, (200, [running_task("one", "127.0.0.1:8091")]))
    [found] = client.running_tasks("ventas&más")
    assert found["location"] == {"host": "127.0.0.1", "port": 8091, "tlsPort": -1}
    assert router.asked[0].query == "datasource=ventas%26m%C3%A1s"


def test_workers_are_listed_with_their_tasks(router: Router, client: DruidClient) -> None:
    router.on("GET", WORKERS, (200, [worker("127.0.0.1:8091", "one", "two")]))
    [found] = client.workers()
    assert (found["worker"]["host"], found["runningTasks"]) == ("127.0.0.1:8091", ["one", "two"])


def test_task_to_shut_down_is_quoted_in_the_path(router: Router, client: DruidClient) -> None:
    router.on("POST", f"{TASK}/one%2Ftwo/shutdown", (200, {"task": "one/two"}))
    client.shut_down_task("one/two")
    assert router.times("POST", f"{TASK}/one%2Ftwo/shutdown") == 1


def test_refused_login_raises_with_the_solution(router: Router, client: DruidClient) -> None:
    router.on("POST", SQL, (401, {"error": "Unauthorized"}))
    with pytest.raises(DruidError, match=f"{router.url} refused the login \\(HTTP 401\\): correct"):
        client.sql("SELECT 1")


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[tuple[str, Authority]]:
    """URL of a TLS server that answers every query with no rows, and its certificate authority."""
    authority = Authority(tmp_path / "security")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server("druid"))
    with serving(lambda _: Answer(200, []), context) as url:
        yield url, authority


def test_connections_ca_bundle_overrides_the_environments(
    secured: tuple[str, Authority], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, authority = secured
    other = Authority(tmp_path / "other")
    other.server("any")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other.certificate))
    assert DruidClient(url, verify=str(authority.certificate)).sql("SELECT 1") == []


def test_untrusted_certificate_raises_with_the_solution(
    secured: tuple[str, Authority], tmp_path: Path
) -> None:
    url, _ = secured
    other = Authority(tmp_path / "other")
    other.server("any")
    with pytest.raises(DruidError, match=f"Druid at {url} is not trusted .*set ca_bundle_path"):
        DruidClient(url, verify=str(other.certificate)).sql("SELECT 1")
