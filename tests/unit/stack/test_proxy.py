"""The proxy before Druid: who gets through, and that what gets through stays as it is."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

import httpx
import pytest
from starlette.testclient import TestClient

from include.stack import proxy
from include.stack.settings import HOST

LOGIN = ("airflow", "pa:ss wörd")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """What arrives at a router that answers every request with a gzipped text."""
    requests: list[httpx.Request] = []

    def router(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/away":
            raise httpx.ConnectError("refused")
        requests.append(request)
        return httpx.Response(
            404 if request.url.path == "/none" else 200,
            headers={"Content-Encoding": "gzip", "X-Druid-Query-Id": "7"},
            stream=httpx.ByteStream(gzip.compress(request.content or b"nothing")),
        )

    made = httpx.AsyncClient
    monkeypatch.setattr(
        proxy.httpx,
        "AsyncClient",
        lambda **options: made(transport=httpx.MockTransport(router), **options),
    )
    return requests


@pytest.fixture
def client(asked: list[httpx.Request]) -> Iterator[TestClient]:
    with TestClient(proxy.create_app(f"http://{HOST}:8888", *LOGIN)) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
def test_with_the_login_a_request_arrives_as_it_is(
    client: TestClient, asked: list[httpx.Request], method: str
) -> None:
    path = "/druid/v2/sql/a%2Fb?skip=1&name=%C3%B1"
    answer = client.request(method, path, auth=LOGIN, content=b'{"query": "SELECT 1"}')
    assert (answer.status_code, answer.text) == (200, '{"query": "SELECT 1"}')
    assert answer.headers["x-druid-query-id"] == "7"
    assert answer.headers["content-encoding"] == "gzip"
    assert asked[0].method == method
    assert str(asked[0].url) == f"http://{HOST}:8888{path}"
    assert "authorization" not in asked[0].headers


def test_an_error_of_druids_stays_one(client: TestClient) -> None:
    assert client.get("/none", auth=LOGIN).status_code == 404


def test_a_router_that_is_away_is_a_502_as_druid_client_waits_for(client: TestClient) -> None:
    answer = client.get("/away", auth=LOGIN)
    assert (answer.status_code, "ConnectError" in answer.text) == (502, True)


@pytest.mark.parametrize(
    "authorization",
    [None, "Basic", "Basic ???", "Basic YWlyZmxvdzp4", "Bearer YWlyZmxvdzp4", "Basic w7E="],
)
def test_without_the_login_nothing_arrives(
    client: TestClient, asked: list[httpx.Request], authorization: str | None
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = client.post("/druid/v2/sql", headers=headers, content=b"{}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="Druid"'
    assert asked == []


def test_without_a_login_to_ask_for_it_does_not_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in proxy.PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    options = ["--host", HOST, "--port", "1", "--to", "http://x", "--certificate", "none.pem"]
    assert proxy.main(options) == 1
    assert "Set VENTAS_DRUID_LOGIN and VENTAS_DRUID_PASSWORD" in capsys.readouterr().err
