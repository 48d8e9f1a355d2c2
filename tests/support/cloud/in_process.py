"""A transport for httpx that hands requests to the stand-ins without a socket."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import format_datetime
from urllib.parse import parse_qsl

import httpx

from tests.support.cloud.http import Answer, Cloud, Request


class Interrupted(BaseException):
    """The process was killed. Not an `Exception`, so that no code under test handles it."""


class InProcess(httpx.BaseTransport):
    """Hands each request to the stand-in of its host.

    Args:
        clouds: stand-ins by the host of their URL.
    """

    def __init__(self, clouds: Mapping[str, Cloud]) -> None:
        self.clouds = clouds
        self._dead = False
        self._died: set[str] | None = None
        self._lost: set[str] | None = None
        self._effect = False

    def die_at_new_change(self, died: set[str], *, effect: bool) -> None:
        """Die at the first change that is not in `died`, before or after its effect; stay dead."""
        self._died, self._effect = died, effect

    def lose_answers(self) -> None:
        """Let every change have its effect, and lose the answer to its first request."""
        self._lost = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the stand-in's answer."""
        change = "" if _only_reads(request) else _change(request)
        due = self._died is not None and bool(change) and change not in self._died
        if self._died is not None and due:
            self._died.add(change)
        self._dead |= due and not self._effect
        if self._dead:
            raise Interrupted
        cloud = self.clouds.get(request.url.host)
        if cloud is None:
            raise httpx.ConnectError("unknown host", request=request)
        answer = self._answer(request, cloud)
        if due:
            cloud.settle()
            self._dead = True
            raise Interrupted
        if self._lost is not None and change and change not in self._lost:
            self._lost.add(change)
            answer = None
        if answer is None:
            raise httpx.RemoteProtocolError("the server closed the connection", request=request)
        date = {"Date": format_datetime(cloud.now, usegmt=True), **answer.headers}
        if isinstance(answer.body, bytes):
            return httpx.Response(answer.status, headers=date, content=answer.body)
        if answer.body is None:
            return httpx.Response(answer.status, headers=date)
        return httpx.Response(answer.status, headers=date, json=answer.body)

    def _answer(self, request: httpx.Request, cloud: Cloud) -> Answer | None:
        url, headers = request.url, dict(request.headers)
        path = url.raw_path.decode().partition("?")[0]
        query = parse_qsl(url.query.decode(), keep_blank_values=True)
        return cloud.take(Request(request.method, path, query, headers, request.read()))


def _change(request: httpx.Request) -> str:
    """Return what a request changes, without passwords, etags and keys, which are always new."""
    secret = request.url.path.endswith((":addVersion", "/credentials"))
    body = "" if secret else request.read().decode()
    told = f"{request.method} {request.url} {body}"
    return re.sub(r'"etag":"[^"]*"|/KEY\d+|"\w+":"KEY\d+"', "", told)


def _only_reads(request: httpx.Request) -> bool:
    return request.method == "GET" or request.url.path.endswith(
        (":getIamPolicy", ":testIamPermissions")
    )
