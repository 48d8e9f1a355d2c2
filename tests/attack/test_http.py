"""Hostile requests to every port of a running stack: they are refused and change nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import pytest

from include.druid.client import DruidClient
from include.druid.queries import SQL, for_datasource, read_query
from include.druid.supervisor import is_running
from include.names import DATASOURCE, WINDOW_DAG
from include.stack import security, supervision
from include.stack.airflow import PAGE, PROJECT_ID, VM_NAME, ZONE
from include.stack.settings import HOST
from tests.support.http_attacks import Attack, around_the_proxy, cross_site, odd, reads
from tests.support.inner_ports import SESSION_CLOSED, derby_login, derby_shutdown, zookeeper_error
from tests.support.lab import Lab
from tests.support.sold import sell

ATTACKS = [
    *cross_site(DATASOURCE),
    *reads(),
    *around_the_proxy(DATASOURCE),
    *odd(DATASOURCE),
]
VM = f"/compute/v1/projects/{PROJECT_ID}/zones/{ZONE}/instances/{VM_NAME}"


class State(NamedTuple):
    """State of the stack that an attack would change."""

    supervisors: list[dict[str, Any]]
    vm: tuple[str, str]
    window_is_paused: bool
    processes: dict[str, tuple[int, str]]


class Target(NamedTuple):
    """A stack with sales in Druid."""

    lab: Lab
    druid: DruidClient
    corrida: str
    events: int

    def state(self) -> State:
        settings = self.lab.settings
        vm = httpx.get(settings.url("compute") + VM, timeout=300).json()
        return State(
            self.druid.sql("SELECT supervisor_id, state, suspended FROM sys.supervisors"),
            (vm["status"], vm["lastStartTimestamp"]),
            self.lab.api.dag(WINDOW_DAG)["is_paused"],
            {
                state["name"]: (state["pid"], state["statename"])
                for state in supervision.process_states(settings)
            },
        )

    def rows(self) -> int:
        query = read_query(SQL / "reconcile" / "rows.sql", DATASOURCE)
        return int(self.druid.sql(query, [self.corrida])[0]["row_count"])


@pytest.fixture(scope="module")
def target(kafka_config: dict[str, str], druid: DruidClient, lab: Lab) -> Iterator[Target]:
    corrida = f"ataque {uuid.uuid4().hex[:8]}"
    target = Target(lab, druid, corrida, sell(kafka_config, druid, corrida, 200))
    lab.wait(lambda: is_running(druid.supervisor_status(DATASOURCE)), "the supervisor", 120)
    before = target.state()
    yield target
    assert target.state() == before


def test_attacks_cover_every_listening_service() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 40
    listening = {"druid", "router", "broker", "coordinator", "historical", "indexer"}
    assert {attack.service for attack in ATTACKS} == {*listening, "compute", "airflow"}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_request_is_refused(target: Target, attack: Attack) -> None:
    status = attack.send(target.lab.settings, target.lab.api.token)
    assert status in attack.refused


def test_all_attacks_together_change_no_state_and_no_sales(
    target: Target,
) -> None:
    before = target.state()
    [ours] = [it for it in before.supervisors if it["supervisor_id"] == DATASOURCE]
    assert ours["suspended"] == 0
    for attack in ATTACKS:
        attack.send(target.lab.settings, target.lab.api.token)
    assert target.state() == before
    assert target.rows() == target.events


def test_zookeeper_closes_a_session_without_a_login(target: Target) -> None:
    assert zookeeper_error(target.lab.settings) == SESSION_CLOSED


def test_derby_accepts_only_the_stacks_login(target: Target, tmp_path: Path) -> None:
    settings = target.lab.settings
    own = security.inner(settings)["derby"]
    for user, password in (("APP", "APP"), ("APP", f"{own}x"), ("sa", own), ("sa", "sa")):
        assert "refused: 08004" in derby_login(settings, tmp_path, user, password)
    assert "in as APP" in derby_login(settings, tmp_path, "APP", own)


@pytest.mark.parametrize("login", [(), ("-user", "APP", "-password", "APP")])
def test_derby_refuses_a_shutdown_without_the_stacks_login(
    target: Target, tmp_path: Path, login: tuple[str, ...]
) -> None:
    told = derby_shutdown(target.lab.settings, tmp_path, *login)
    assert "uthentication" in told, told
    own = security.inner(target.lab.settings)["derby"]
    assert "in as APP" in derby_login(target.lab.settings, tmp_path, "APP", own)


def test_derby_and_zookeeper_do_not_answer_http(target: Target) -> None:
    for service in ("derby", "zookeeper"):
        attack = Attack("a page", service, "/", "POST", (("Content-Length", "0"),))
        assert attack.send(target.lab.settings) == 0


@pytest.mark.parametrize(
    ("service", "path", "headers"),
    [
        ("druid", "/", {}),
        ("druid", "/status/health", {}),
        ("druid", "/status/health", {"Host": "localhost:{port}"}),
        ("druid", "/status/health", {"Origin": "{url}", "Sec-Fetch-Site": "same-origin"}),
        ("druid", "/druid/indexer/v1/supervisor?state=true", {"Sec-Fetch-Site": "none"}),
        ("compute", VM, {}),
        ("airflow", "/", {"Sec-Fetch-Site": "none"}),
        ("airflow", PAGE, {}),
        ("airflow", "/execution/health", {}),
        ("airflow", "/api/v2/monitor/health", {"Origin": "{url}", "Sec-Fetch-Site": "same-origin"}),
        (
            "airflow",
            "/ventas/vivo",
            {
                "Sec-Fetch-Site": "same-origin",
                "Sec-Fetch-Dest": "iframe",
                "Cookie": "_token={token}",
            },
        ),
        (
            "airflow",
            "/ventas/vivo",
            {
                "Sec-Fetch-Site": "cross-site",
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
                "Cookie": "_token={token}",
            },
        ),
    ],
)
def test_legitimate_requests_are_answered(
    target: Target, service: str, path: str, headers: dict[str, str]
) -> None:
    settings = target.lab.settings
    words = {
        "port": settings.ports[service],
        "url": settings.url(service),
        "token": target.lab.api.token,
    }
    sent = {name: value.format(**words) for name, value in headers.items()}
    answer = httpx.get(settings.url(service) + path, headers=sent, timeout=300)
    assert answer.status_code == 200, answer.text


def test_druids_address_opens_a_page_whose_query_command_works(target: Target) -> None:
    url = target.lab.settings.url("druid")
    page = httpx.get(
        url, headers={"Accept": "text/html", "Sec-Fetch-Site": "none"}, timeout=300
    ).text
    assert f"{target.lab.settings.url('airflow')}{PAGE}" in page
    assert f"{url}/druid/v2/sql" in page
    asked = {"query": for_datasource('SELECT COUNT(*) AS ventas FROM "{datasource}"', DATASOURCE)}
    [found] = httpx.post(f"{url}/druid/v2/sql", json=asked, timeout=300).json()
    assert found["ventas"] >= target.events


def test_processes_listen_only_on_loopback(target: Target) -> None:
    listening = set()
    for process in supervision.marked_processes(target.lab.settings):
        with suppress(psutil.NoSuchProcess):  # a task of Airflow that has ended since
            listening |= {
                (connection.laddr.ip, connection.laddr.port)
                for connection in process.net_connections("inet")
                if connection.status == "LISTEN"
            }
    assert len(listening) >= 10
    assert {ip for ip, _ in listening} <= {HOST, f"::ffff:{HOST}", "::1"}
    told = set(target.lab.settings.ports.values())
    assert {port for _, port in listening} <= told
