"""No request gets around the login of the secured stack, at inner ports or from other sites."""

from __future__ import annotations

import ssl
from pathlib import Path

import httpx
import pytest

from include.druid.client import DruidClient
from include.stack import security
from include.stack.settings import Settings
from tests.support.http_attacks import EVIL, INNER, Attack, around_the_proxy
from tests.support.inner_ports import SESSION_CLOSED, derby_login, zookeeper_error

pytestmark = pytest.mark.usefixtures("druid")

SQL = {"query": "SELECT 1"}


@pytest.fixture
def client(stack: Settings) -> httpx.Client:
    """A client that trusts the stack's authority and has no login."""
    context = ssl.create_default_context(cafile=security.authority(stack).certificate)
    return httpx.Client(base_url=security.druid_url(stack), verify=context, trust_env=False)


@pytest.mark.parametrize("attack", around_the_proxy("ventas"), ids=lambda attack: attack.name)
def test_druids_processes_refuse_requests_without_the_key(stack: Settings, attack: Attack) -> None:
    assert attack.send(stack) in attack.refused


@pytest.mark.parametrize("service", INNER)
def test_proxys_login_is_refused_at_inner_ports(stack: Settings, service: str) -> None:
    answer = httpx.get(
        f"{stack.url(service)}/status", auth=security.druid_login(stack), trust_env=False
    )
    assert answer.status_code == 403


def test_proxy_requires_the_login_on_each_path(client: httpx.Client) -> None:
    for path in ("/", "/status", "/status/health", "//status", "/druid/v2/sql"):
        assert client.get(path).status_code == 401, path
        assert client.post(path, json=SQL).status_code == 401, path


def test_page_of_another_site_is_refused_even_with_the_login(
    client: httpx.Client, stack: Settings, druid: DruidClient
) -> None:
    login = security.druid_login(stack)
    assert login is not None
    assert client.post("/druid/v2/sql", json=SQL, auth=login).status_code == 200
    for headers in ({"Origin": EVIL}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
        answer = client.post("/druid/v2/sql", json=SQL, auth=login, headers=headers)
        assert answer.status_code in (403, 421)


def test_nothing_answers_without_tls(stack: Settings) -> None:
    with pytest.raises(httpx.ConnectError):
        httpx.get(stack.url("druid"), trust_env=False)
    with pytest.raises(httpx.TransportError):
        httpx.get(stack.url("druid-tls"), trust_env=False)


def test_zookeeper_and_derby_refuse_clients_without_their_login(
    stack: Settings, tmp_path: Path
) -> None:
    assert zookeeper_error(stack) == SESSION_CLOSED
    assert "refused: 08004" in derby_login(stack, tmp_path, "APP", "APP")
