"""Keep the web pages of other sites away from a server that listens on loopback.

A page in the user's browser can send requests to 127.0.0.1, and a page whose host name is pointed
at 127.0.0.1 while it is open (DNS rebinding) can read the answers too. The browser names the page
in the headers Host, Origin and Sec-Fetch-Site, which no script can change. Programs such as curl
send no Origin and no Sec-Fetch-Site, and are not affected.
"""

import re
from collections.abc import Iterable
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_HOST: Final = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9._-]+)(?::\d{1,5})?")

#: Methods that change nothing: a link on another site may lead to an address with one of them.
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


class WebGuard:
    """ASGI middleware that refuses a foreign Host (421), a request of another site (403) and a
    body that is too large (413).

    Args:
        app: the server.
        names: host names by which the server is called, besides those of the loopback interface.
        max_body: bytes that the body of a request may have; None for no limit.
    """

    def __init__(
        self, app: ASGIApp, *, names: Iterable[str] = (), max_body: int | None = None
    ) -> None:
        self._app = app
        self._names = {*_LOOPBACK, *(name.lower() for name in names)}
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refusal(scope)
        if refused:
            await PlainTextResponse(f"{refused[1]}\n", refused[0])(scope, receive, send)
            return
        await self._app(scope, self._limited(receive), send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason, or None for a request that may pass."""
        hosts = _values(scope, b"host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        name = _HOST.fullmatch(host)
        if not name or name[1] not in self._names:
            return 421, "This server is called by its loopback address only: correct the Host."
        own = {f"http://{host}", f"https://{host}"}
        if any(origin.lower() not in own for origin in _values(scope, b"origin")):
            return 403, "A page of another origin may not use this server."
        if not set(_values(scope, b"sec-fetch-site")) <= {"same-origin", "none"} and not (
            _is_link(scope)
        ):
            return 403, "A page of another site may not use this server; open its address instead."
        size = _values(scope, b"content-length")
        if self._max_body is not None and any(
            not number.isdecimal() or int(number) > self._max_body for number in size
        ):
            return 413, f"The body of a request may have {self._max_body} bytes."
        return None

    def _limited(self, receive: Receive) -> Receive:
        """Count what arrives: a chunked body does not tell its size in advance."""
        if self._max_body is None:
            return receive
        limit, taken = self._max_body, 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise HTTPException(413, f"The body of a request may have {limit} bytes.")
            return message

        return counted


def _is_link(scope: Scope) -> bool:
    """Whether the browser opens the address itself, as for a link or a bookmark."""
    return (
        scope.get("method") in _SAFE
        and _values(scope, b"sec-fetch-mode") == ["navigate"]
        and _values(scope, b"sec-fetch-dest") == ["document"]
    )


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
