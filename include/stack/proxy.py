"""A TLS proxy before Druid's router that asks for a login: ``python -m include.stack.proxy``.

Druid's own extension for it, druid-basic-security, is not on Maven Central at 33.0.0. What is
proved by it is the other side: that all of the project gets through TLS and a login.
"""

import argparse
import os
import secrets
import sys
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from include.stack.security import PROXY_VARIABLES

_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

#: They are of one connection (RFC 9110, 7.6.1), and the login is the proxy's own.
_OWN: Final = frozenset(
    ("authorization", "connection", "host", "keep-alive", "te", "transfer-encoding", "upgrade")
)


def create_app(upstream: str, login: str, password: str) -> Starlette:
    """The proxy of `upstream`, a base URL, for who has the login."""
    # How long an answer may take is its client's matter; whether there is a router shows at once.
    client = httpx.AsyncClient(base_url=upstream, timeout=httpx.Timeout(None, connect=5))

    async def forward(request: Request) -> Response:
        if not _may_enter(request, login, password):
            challenge = {"WWW-Authenticate": 'Basic realm="Druid"'}
            return PlainTextResponse("A login is needed.", 401, challenge)
        asked = client.build_request(
            request.method,
            _target(request),
            headers=_passed_on(request.headers.raw),
            content=await request.body(),
        )
        try:
            answer = await client.send(asked, stream=True)
        except httpx.TransportError as error:
            return PlainTextResponse(f"Druid's router is away ({type(error).__name__}).", 502)
        response = StreamingResponse(_body(answer), answer.status_code)
        response.raw_headers = _passed_on(answer.headers.raw)
        return response

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    return Starlette(routes=[Route("/{path:path}", forward, methods=_METHODS)], lifespan=lifespan)


def _may_enter(request: Request, login: str, password: str) -> bool:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = b64decode(credentials, validate=True)
    except Base64Error:
        return False
    return secrets.compare_digest(given, f"{login}:{password}".encode())


def _target(request: Request) -> httpx.URL:
    """Path and query as they came: a slash within a segment is none between two."""
    path, query = request.scope["raw_path"], request.scope["query_string"]
    return httpx.URL(raw_path=path + (b"?" + query if query else b""))


def _passed_on(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.decode().lower() not in _OWN]


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    """As it comes, and compressed as it came."""
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal arrives; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m include.stack.proxy",
        description="A TLS proxy that asks for a login before Druid's router.",
        epilog=f"The login is in the environment: {' and '.join(PROXY_VARIABLES)}.",
    )
    parser.add_argument("--host", required=True, help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    parser.add_argument("--to", required=True, metavar="URL", help="base URL of Druid's router")
    parser.add_argument(
        "--certificate", type=Path, required=True, metavar="FILE", help="PEM of key and certificate"
    )
    options = parser.parse_args(arguments)
    login, password = (os.environ.get(name, "") for name in PROXY_VARIABLES)
    if not login or not password:
        print(f"Set {' and '.join(PROXY_VARIABLES)} to a login.", file=sys.stderr)
        return 1
    uvicorn.run(
        create_app(options.to, login, password),
        host=options.host,
        port=options.port,
        ssl_certfile=options.certificate,
        log_level="warning",
        timeout_graceful_shutdown=3,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
