"""ASGI middleware that protects a server from pages of other sites and from too large bodies.

A page in the user's browser can send requests to 127.0.0.1, and a page whose host name is pointed
at 127.0.0.1 while it is open (DNS rebinding) can read the answers too. The browser names the page
in the headers Host, Origin and Sec-Fetch-Site, which no script can change. Programs such as curl
send no Origin and no Sec-Fetch-Site, and are not affected. `WebGuard` is for servers that listen on
loopback; `BodyLimit` is for any server.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_HOST: Final = re.compile(r"(\[[0-9a-f:]+\]|[a-z0-9._-]+)(?::\d{1,5})?")

#: Methods that change nothing on the server: a link on another site may use one of them.
_SAFE: Final = ("GET", "HEAD", "OPTIONS")


class WebGuard:
    """ASGI middleware that refuses a foreign Host (421) and a request of another site (403).

    Args:
        app: the server.
        names: host names of the server, in addition to those of the loopback interface.
    """

    def __init__(self, app: ASGIApp, *, names: Iterable[str] = ()) -> None:
        self._app = app
        self._names = {*_LOOPBACK, *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        if refused:
            await PlainTextResponse(f"{refused[1]}\n", refused[0])(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return status and reason, or None for a request that may pass."""
        hosts = _values(scope, b"host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        name = _HOST.fullmatch(host)
        if not name or name[1] not in self._names:
            return 421, "This server answers only at its loopback address: correct the Host header."
        own = {f"http://{host}", f"https://{host}"}
        if any(origin.lower() not in own for origin in _values(scope, b"origin")):
            return 403, "A web page of another origin may not use this server."
        if not set(_values(scope, b"sec-fetch-site")) <= {"same-origin", "none"} and not (
            _is_link(scope)
        ):
            return (
                403,
                "A web page of another site may not use this server: type its address.",
            )
        return None


class BodyLimit:
    """ASGI middleware that refuses a request whose body is too large (413) before it is read.

    Args:
        app: the server.
        most: greatest number of bytes of a request's body.
    """

    def __init__(self, app: ASGIApp, *, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif any(self._is_too_large(size) for size in _values(scope, b"content-length")):
            await self._refuse(scope, receive, send)
        else:
            await self._count(scope, receive, send)

    def _is_too_large(self, size: str) -> bool:
        # int() raises an error for a text of thousands of digits.
        return not size.isdecimal() or len(size) > 19 or int(size) > self._most

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes that arrive: a chunked body does not announce its size.

        If the app turns the error of its read into an answer of its own, 413 is sent instead.
        """
        taken, is_answered = 0, False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._most:
                raise _BodyTooLargeError
            return message

        async def answer(message: Message) -> None:
            nonlocal is_answered
            if taken <= self._most or is_answered:
                is_answered = True
                await send(message)

        with suppress(_BodyTooLargeError):
            await self._app(scope, counted, answer)
        if taken > self._most and not is_answered:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = f"The body of a request may have at most {self._most} bytes.\n"
        await PlainTextResponse(refusal, 413)(scope, receive, send)


class _BodyTooLargeError(Exception):
    """The body of the request is larger than the limit."""


def _is_link(scope: Scope) -> bool:
    """Return whether the browser opens the address as a page, as for a link or a bookmark."""
    return (
        scope.get("method") in _SAFE
        and _values(scope, b"sec-fetch-mode") == ["navigate"]
        and _values(scope, b"sec-fetch-dest") == ["document"]
    )


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
