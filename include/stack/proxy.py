"""The proxy before a server of this machine: ``python -m include.stack.proxy``.

It refuses requests from web pages of other sites. Before the embedded Druid's router, it also adds
the key that every Druid process requires (`include/stack/extension`). On a secured stack, it speaks
TLS and asks for a login: Maven Central does not have version 33.0.0 of Druid's own extension for
logins, druid-basic-security.
"""

import argparse
import html
import os
import secrets
import sys
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from string import Template
from typing import Final

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from include.stack.security import KEY_HEADER, PROXY_VARIABLES
from include.texts import languages, requested_language, text
from include.web_guard import BodyLimit, WebGuard

_METHODS: Final = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_PAGE: Final = Path(__file__).with_name("proxy.html")
_PAGE_TEXTS: Final = ("title", "api", "terminal", "supervisors", "version", "sites")
_VIEWS: Final = {"live": "vivo", "queries": "consultas", "health": "salud"}
_PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}

#: Most bytes of a request's body; the project's largest is a supervisor's spec of 10 kB.
_MAX_BODY: Final = 16 * 1024 * 1024

#: Headers that describe one connection and are not forwarded (RFC 9110, 7.6.1).
_OF_CONNECTION: Final = frozenset(
    ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)

#: Request headers that the proxy does not forward. It computes the body's length itself; the login
#: is for the proxy, and the key is added by it; a cookie is Airflow's, since browsers send cookies
#: to every port of a host.
_OF_CLIENT: Final = frozenset(
    ("authorization", "content-length", "cookie", "expect", "host", KEY_HEADER.lower())
)


def create_app(
    upstream: str,
    *,
    key: str = "",
    pages: Mapping[str, str] | None = None,
    login: tuple[str, str] | None = None,
) -> ASGIApp:
    """Return the proxy of `upstream`, a base URL.

    Args:
        upstream: the server's base URL.
        key: the key that Druid's processes require in each request; "" adds no key.
        pages: HTML of the proxy's own first page, at ``/``, by language; None shows the server's.
        login: user and password that each request needs; None asks for no login.
    """
    # The client has its own time-out; only the connection to the router has a limit here.
    client = httpx.AsyncClient(
        base_url=upstream, timeout=httpx.Timeout(None, connect=5), trust_env=False
    )

    async def forward(request: Request) -> Response:
        if login and not _may_enter(request, login):
            challenge = {"WWW-Authenticate": 'Basic realm="Druid"'}
            return PlainTextResponse("This server requires a login.", 401, challenge)
        if pages and request.url.path == "/" and request.method in ("GET", "HEAD"):
            language = requested_language(request.headers.get("accept-language", ""))
            return HTMLResponse(pages[language], headers=_PAGE_HEADERS)
        try:
            target = _target(client.base_url, request)
        except httpx.InvalidURL as error:
            return PlainTextResponse(f"The proxy cannot forward this address: {error}.", 400)
        forwarded = client.build_request(
            request.method,
            target,
            headers=[
                *_without(request.headers.raw, _OF_CONNECTION | _OF_CLIENT),
                *([(KEY_HEADER.encode(), key.encode())] if key else []),
            ],
            content=await request.body(),
        )
        try:
            answer = await client.send(forwarded, stream=True)
        except httpx.TransportError as error:
            problem = f"The server at {upstream} does not answer ({type(error).__name__})."
            return PlainTextResponse(problem, 502)
        response = StreamingResponse(_body(answer), answer.status_code)
        response.raw_headers = [
            # The server redirects to its own base URL, which the browser may not reach.
            (name, value.removeprefix(upstream.encode()) if name.lower() == b"location" else value)
            for name, value in _without(answer.headers.raw, _OF_CONNECTION)
        ]
        return response

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await client.aclose()

    routes = [Route("/{path:path}", forward, methods=_METHODS)]
    return WebGuard(BodyLimit(Starlette(routes=routes, lifespan=lifespan), most=_MAX_BODY))


def _may_enter(request: Request, login: tuple[str, str]) -> bool:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = b64decode(credentials, validate=True)
    except ValueError:
        return False
    return secrets.compare_digest(given, ":".join(login).encode())


def _target(upstream: httpx.URL, request: Request) -> httpx.URL:
    """Return the address at the server, with the raw path and query.

    Decoding would turn an escaped slash into a separator, and a path that begins with two slashes
    into another host.
    """
    path, query = request.scope["raw_path"], request.scope["query_string"]
    return upstream.copy_with(raw_path=path + (b"?" + query if query else b""))


def _without(
    headers: list[tuple[bytes, bytes]], names: frozenset[str]
) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if name.decode("latin-1").lower() not in names]


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    """Yield the raw chunks of the answer, still compressed."""
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal arrives; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m include.stack.proxy",
        description="Forward requests of this machine's programs to a server.",
        epilog="With --certificate, the proxy speaks TLS and asks for the login that the "
        f"environment variables {' and '.join(PROXY_VARIABLES)} hold.",
    )
    parser.add_argument("--host", required=True, help="address to listen on")
    parser.add_argument("--port", type=int, required=True, help="port to listen on")
    parser.add_argument("--to", required=True, metavar="URL", help="base URL of the server")
    parser.add_argument(
        "--key", type=Path, metavar="FILE", help="file with the key that the proxy adds for Druid"
    )
    parser.add_argument(
        "--airflow",
        metavar="URL",
        help="base URL of Airflow; the proxy then shows its own first page, with a link to it",
    )
    parser.add_argument(
        "--certificate",
        type=Path,
        metavar="FILE",
        help="PEM file with a TLS key and its certificate",
    )
    options = parser.parse_args(arguments)
    login = None
    if options.certificate:
        user, password = (os.environ.get(name, "") for name in PROXY_VARIABLES)
        if not user or not password:
            print(
                f"--certificate needs a login: set {' and '.join(PROXY_VARIABLES)}.",
                file=sys.stderr,
            )
            return 1
        login = (user, password)
    pages = {code: _page(options, login, code) for code in languages()} if options.airflow else None
    key = options.key.read_text(encoding="utf-8").strip() if options.key else ""
    uvicorn.run(
        create_app(options.to.rstrip("/"), key=key, pages=pages, login=login),
        host=options.host,
        port=options.port,
        ssl_certfile=options.certificate,
        log_level="warning",
        # Like Druid's router (`druid.server.http.maxIdleTime`), instead of uvicorn's 5 s.
        timeout_keep_alive=300,
        timeout_graceful_shutdown=3,
    )
    return 0


def _page(options: argparse.Namespace, login: tuple[str, str] | None, language: str) -> str:
    texts = {name: text(f"cli.druid_page.{name}", language) for name in _PAGE_TEXTS}
    texts |= {name: text(f"page.shell.views.{view}", language) for name, view in _VIEWS.items()}
    return Template(_PAGE.read_text(encoding="utf-8")).substitute(
        {name: html.escape(found) for name, found in texts.items()},
        language=language,
        airflow=options.airflow,
        druid=f"{'https' if login else 'http'}://{options.host}:{options.port}",
        curl=f"curl --cacert security/ca.pem -u {login[0]}" if login else "curl",
    )


if __name__ == "__main__":
    sys.exit(main())
