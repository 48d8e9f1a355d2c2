"""Requests that a server on loopback answers or refuses."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocket

from include.web_guard import BodyLimit, WebGuard
from tests.support.server import answer_to, serving_app

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
HERE = "127.0.0.1:8888"
LINK = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


async def _echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())}")


async def _socket(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("open")
    await socket.close()


def _app() -> Starlette:
    routes = [Route("/{path:path}", _echo, methods=list(METHODS)), WebSocketRoute("/ws", _socket)]
    return Starlette(routes=routes)


@pytest.fixture
def client() -> TestClient:
    return TestClient(WebGuard(_app(), names=["Compute"]), base_url=f"http://{HERE}")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", HERE, "localhost:8888", "LocalHost", "[::1]", "[::1]:8888", "compute:8085"],
)
@pytest.mark.parametrize("method", METHODS)
def test_request_without_page_headers_is_answered_for_each_server_name(
    client: TestClient, host: str, method: str
) -> None:
    assert client.request(method, "/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8888", "127.0.0.1.evil.example", "localhost.evil.example"),
        *("evil.example#127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1,evil.example"),
        *("127.0.0.1:8888:8888", "127.0.0.1:x", "127.0.0.1 ", "127.0.0.2", "0", "2130706433"),
        *("[::1", "[::2]", "[::ffff:127.0.0.1]", "::1", "localhost.", "", ":8888", "127.0.0.1\xe9"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_host_names_are_refused(client: TestClient, host: str, method: str) -> None:
    answer = client.request(method, "/", headers={b"Host": host.encode("latin-1")})
    assert answer.status_code == 421
    assert "loopback" in answer.text


@pytest.mark.parametrize(
    "request_line", [b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example", b"GET / HTTP/1.0"]
)
def test_request_with_two_hosts_or_none_is_refused(request_line: bytes) -> None:
    with serving_app(WebGuard(_app())) as url:
        answer = answer_to(url, request_line + b"\r\nConnection: close\r\n\r\n")
    assert answer.split()[1] in (b"400", b"421")


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "http://127.0.0.1", "http://127.0.0.1:8080", "null", ""),
        *("http://localhost:8888", "file://", f"http://{HERE}.evil.example", f"ftp://{HERE}"),
        *(f"http://{HERE}/", f"http://{HERE} https://evil.example", f"http://{HERE},null"),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_page_of_another_origin_is_refused_for_every_method(
    client: TestClient, origin: str, method: str
) -> None:
    answer = client.request(method, "/", headers={"Origin": origin})
    assert answer.status_code == 403


def test_second_origin_does_not_hide_the_first(client: TestClient) -> None:
    origins = [("Origin", f"http://{HERE}"), ("Origin", "https://evil.example")]
    assert client.post("/", headers=origins).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything", ""])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "navigate"},
    ],
)
def test_request_of_another_site_is_refused_even_without_an_origin(
    client: TestClient, site: str, method: str, how: dict[str, str]
) -> None:
    answer = client.request(method, "/", headers={"Sec-Fetch-Site": site, **how})
    assert answer.status_code == 403


@pytest.mark.parametrize("method", METHODS)
def test_link_on_another_site_may_only_read(client: TestClient, method: str) -> None:
    answer = client.request(method, "/", headers={"Sec-Fetch-Site": "cross-site", **LINK})
    assert answer.status_code == (200 if method in ("GET", "HEAD", "OPTIONS") else 403)


@pytest.mark.parametrize("method", METHODS)
def test_own_page_and_address_bar_are_answered(client: TestClient, method: str) -> None:
    own = {"Origin": f"http://{HERE}", "Sec-Fetch-Site": "same-origin"}
    assert client.request(method, "/", headers=own).status_code == 200
    assert client.request(method, "/", headers={"Sec-Fetch-Site": "none"}).status_code == 200


def test_page_on_the_ipv6_loopback_is_an_own_page(client: TestClient) -> None:
    own = {"Host": "[::1]:8888", "Origin": "http://[::1]:8888", "Sec-Fetch-Site": "same-origin"}
    assert client.post("/", headers=own).status_code == 200
    assert client.post("/", headers={**own, "Origin": f"http://{HERE}"}).status_code == 403


def test_websocket_opens_for_the_own_page_and_for_programs(client: TestClient) -> None:
    for headers in ({}, {"Origin": f"http://{HERE}"}):
        with client.websocket_connect(f"ws://{HERE}/ws", headers=headers) as socket:
            assert socket.receive_text() == "open"


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "same-site"}],
)
def test_websocket_of_another_page_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    opening = client.websocket_connect(f"ws://{HERE}/ws", headers=headers)
    with pytest.raises(WebSocketDenialResponse), opening:
        pass


def test_lifespan_events_reach_the_app(client: TestClient) -> None:
    with client:
        assert client.get("/").status_code == 200


def _parts(size: int) -> Iterator[bytes]:
    for start in range(0, size, 100):
        yield b"x" * min(100, size - start)


@pytest.mark.parametrize("chunked", [False, True])
def test_body_up_to_the_limit_is_answered_and_a_larger_one_refused(chunked: bool) -> None:
    client = TestClient(BodyLimit(_app(), most=1000))

    def status(size: int) -> int:
        content = _parts(size) if chunked else b"x" * size
        return client.post("/", content=content).status_code

    assert [status(size) for size in (0, 1000, 1001, 10_000)] == [200, 200, 413, 413]


def test_refused_body_answers_413_even_if_the_app_answers_another_error() -> None:
    app = FastAPI()

    @app.post("/")
    def parsed(body: dict[str, str]) -> None:
        pytest.fail("the body was parsed")

    app.add_middleware(BodyLimit, most=1000)
    answer = TestClient(app).post("/", content=_parts(2000))
    assert (answer.status_code, answer.text) == (
        413,
        "The body of a request may have at most 1000 bytes.\n",
    )


@pytest.mark.parametrize("size", ["1001", "9" * 5000, "x", "-1", "1e3", "²"])
def test_too_large_or_invalid_length_is_refused_before_the_body_is_sent(size: str) -> None:
    client = TestClient(BodyLimit(_app(), most=1000))
    headers = {"Content-Length": size.encode("latin-1")}
    assert client.post("/", headers=headers).status_code == 413  # type: ignore[arg-type]
