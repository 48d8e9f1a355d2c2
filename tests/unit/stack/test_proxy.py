"""The proxy before Druid: which requests it refuses, and that it forwards the others unchanged."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from include.stack import proxy
from include.stack.security import PROXY_VARIABLES
from include.stack.settings import HOST
from tests.support.server import answer_to, serving_app

KEY = "the key"
LOGIN = ("airflow", "pa:ss wörd")
ROUTER = f"http://{HOST}:8889"
SUSPEND = "/druid/indexer/v1/supervisor/ventas/suspend"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """Requests that arrive at a fake router, which answers each with a gzipped text."""
    requests: list[httpx.Request] = []

    def router(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/away":
            raise httpx.ConnectError("refused")
        requests.append(request)
        return httpx.Response(
            404 if request.url.path == "/none" else 200,
            headers={"Content-Encoding": "gzip", "X-Druid-Query-Id": "7", "Keep-Alive": "1"},
            stream=httpx.ByteStream(gzip.compress(request.content or b"nothing")),
        )

    made = httpx.AsyncClient
    monkeypatch.setattr(
        httpx,
        "AsyncClient",
        lambda **options: made(transport=httpx.MockTransport(router), **options),
    )
    return requests


def made(login: tuple[str, str] | None = None) -> ASGIApp:
    return proxy.create_app(
        ROUTER, key=KEY, pages={"es": "<h1>Druid</h1>", "en": "<h1>English</h1>"}, login=login
    )


@pytest.fixture
def client(asked: list[httpx.Request]) -> Iterator[TestClient]:
    """A client of an open stack's proxy."""
    with TestClient(made(), base_url=f"http://{HOST}:8888") as client:
        yield client


@pytest.fixture
def secured(asked: list[httpx.Request]) -> Iterator[TestClient]:
    """A client of a secured stack's proxy, without a login."""
    with TestClient(made(LOGIN), base_url=f"https://{HOST}:9088") as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
@pytest.mark.parametrize("fixture", ["client", "secured"])
def test_request_is_forwarded_unchanged_with_the_key_added(
    request: pytest.FixtureRequest, asked: list[httpx.Request], method: str, fixture: str
) -> None:
    client: TestClient = request.getfixturevalue(fixture)
    path = "/druid/v2/sql/a%2Fb?skip=1&name=%C3%B1"
    answer = client.request(method, path, auth=LOGIN, content=b'{"query": "SELECT 1"}')
    assert (answer.status_code, answer.text) == (200, '{"query": "SELECT 1"}')
    assert answer.headers["x-druid-query-id"] == "7"
    assert answer.headers["content-encoding"] == "gzip"
    assert "keep-alive" not in answer.headers
    assert asked[0].method == method
    assert str(asked[0].url) == f"{ROUTER}{path}"
    assert asked[0].headers.get_list("x-ventas-key") == [KEY]
    assert "authorization" not in asked[0].headers


@pytest.mark.parametrize("name", ["X-Ventas-Key", "x-ventas-key", "X-VENTAS-KEY"])
def test_key_and_cookies_of_the_client_are_not_forwarded(
    client: TestClient, asked: list[httpx.Request], name: str
) -> None:
    client.get("/status", headers={name: "another", "Cookie": "_token=1", "TE": "trailers"})
    assert asked[0].headers.get_list("x-ventas-key") == [KEY]
    assert not {"cookie", "te"} & set(asked[0].headers)
    assert asked[0].headers["host"] == f"{HOST}:8889"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8888"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://{HOST}:8080"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"},
    ],
)
@pytest.mark.parametrize("fixture", ["client", "secured"])
def test_request_from_a_page_of_another_site_is_refused(
    request: pytest.FixtureRequest,
    asked: list[httpx.Request],
    fixture: str,
    headers: dict[str, str],
) -> None:
    client: TestClient = request.getfixturevalue(fixture)
    for path in (SUSPEND, "/druid/v2/sql", "/"):
        assert client.post(path, headers=headers, auth=LOGIN).status_code in (403, 421)
        assert client.get(path, headers=headers, auth=LOGIN).status_code in (403, 421)
    assert asked == []


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("//evil.example/druid", "//evil.example/druid"),
        ("//evil.example@x/", "//evil.example@x/"),
        ("http://evil.example/status", "/status"),
        ("http://evil.example:80//status", "//status"),
        ("/%2f/evil.example", "/%2f/evil.example"),
        ("/a/../%2e%2e/b", "/%2e%2e/b"),
        ("/a\x00b", None),
        ("/%00", "/%00"),
        ("*", None),
        ("evil.example:80", None),
    ],
)
def test_every_path_is_forwarded_to_the_router_or_refused(
    asked: list[httpx.Request], target: str, path: str | None
) -> None:
    with serving_app(made()) as url:
        host = url.rpartition("/")[2]
        head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        status = answer_to(url, head.encode()).split()[1]
    assert status in ([b"200"] if path else [b"400", b"404"])
    arrived = [(it.url.netloc, it.url.raw_path.decode()) for it in asked]
    assert arrived == ([(f"{HOST}:8889".encode(), path)] if path else [])


def test_too_large_body_is_refused_and_not_forwarded(
    client: TestClient, asked: list[httpx.Request], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = b"x" * (1 << 20)
    parts = proxy._MAX_BODY // len(part) + 1
    assert client.post("/druid/v2/sql", content=part * parts).status_code == 413
    assert client.post("/druid/v2/sql", content=(part for _ in range(parts))).status_code == 413
    assert asked == []


@pytest.mark.parametrize(
    "smuggled",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
        b"Content-Length: 4\r\nContent-Length: 40\r\n\r\nabcd",
        b"Content-Length: +4\r\n\r\nabcd",
        b"Content-Length : 4\r\n\r\nabcd",
        b"X-Ventas-Key\x00: a\r\n\r\n",
    ],
)
def test_ambiguous_request_is_refused_and_not_forwarded(
    asked: list[httpx.Request], smuggled: bytes
) -> None:
    with serving_app(made()) as url:
        head = f"POST /druid/v2/sql HTTP/1.1\r\nHost: {url.rpartition('/')[2]}\r\n".encode()
        answer = answer_to(url, head + smuggled)
    assert answer.startswith(b"HTTP/1.1 400")
    assert asked == []


def test_forwarded_content_length_is_computed_from_the_body(
    client: TestClient, asked: list[httpx.Request]
) -> None:
    client.post("/druid/v2/sql", content=iter([b"ab", b"cd"]), headers={"Expect": "100-continue"})
    assert asked[0].headers.get_list("content-length") == ["4"]
    assert not {"transfer-encoding", "expect"} & set(asked[0].headers)


def test_error_status_of_druid_is_passed_on(client: TestClient) -> None:
    assert client.get("/none").status_code == 404


def test_unreachable_router_gives_a_502(client: TestClient) -> None:
    answer = client.get("/away")
    assert (answer.status_code, "ConnectError" in answer.text) == (502, True)


@pytest.mark.parametrize(
    "authorization",
    [None, "Basic", "Basic ???", "Basic YWlyZmxvdzp4", "Bearer YWlyZmxvdzp4", "Basic w7E="],
)
@pytest.mark.parametrize("path", ["/", "/druid/v2/sql", "/status/health"])
def test_secured_proxy_refuses_requests_without_the_login(
    secured: TestClient, asked: list[httpx.Request], authorization: str | None, path: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = secured.post(path, headers=headers, content=b"{}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Basic realm="Druid"'
    assert asked == []


def test_root_path_shows_the_own_page_of_the_proxy(
    client: TestClient, asked: list[httpx.Request]
) -> None:
    answer = client.get("/", headers={"Sec-Fetch-Site": "none"})
    assert (answer.status_code, answer.text) == (200, "<h1>Druid</h1>")
    assert client.get("/", headers={"Accept-Language": "en-US,es"}).text == "<h1>English</h1>"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert asked == []


def test_secured_proxy_does_not_start_without_a_configured_login(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in PROXY_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert proxy.main([*options(tmp_path), "--certificate", "none.pem"]) == 1
    assert "set VENTAS_DRUID_LOGIN and VENTAS_DRUID_PASSWORD" in capsys.readouterr().err


def options(folder: Path) -> list[str]:
    key = folder / "druid.key"
    key.write_text(f"{KEY}\n")
    own = ["--host", HOST, "--port", "8888", "--to", ROUTER, "--key", str(key)]
    return [*own, "--airflow", f"http://{HOST}:8080"]


@pytest.mark.parametrize("certificate", [None, "druid.pem"])
def test_own_page_links_to_airflow_and_shows_a_curl_command(
    asked: list[httpx.Request],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    certificate: str | None,
) -> None:
    served: list[tuple[ASGIApp, dict[str, object]]] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **how: served.append((app, how)))
    for name, value in zip(PROXY_VARIABLES, LOGIN, strict=True):
        monkeypatch.setenv(name, value)
    more = ["--certificate", str(tmp_path / certificate)] if certificate else []
    assert proxy.main([*options(tmp_path), *more]) == 0
    [(app, how)] = served
    assert (how["host"], how["port"]) == (HOST, 8888)
    with TestClient(app, base_url=f"http://{HOST}:8888") as client:
        page = client.get("/", auth=LOGIN).text
        client.get("/status", auth=LOGIN)
    assert f'href="http://{HOST}:8080/plugin/ventas-vivo"' in page
    scheme = "https" if certificate else "http"
    assert f"{scheme}://{HOST}:8888/druid/v2/sql</pre>" in page
    assert ("--cacert" in page) == bool(certificate)
    assert "$" not in page
    assert LOGIN[1] not in page
    assert asked[0].headers["x-ventas-key"] == KEY
