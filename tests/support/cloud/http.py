"""The HTTP server of a cloud's stand-in: it records requests, and breaks off where a test says."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, TypeVar
from urllib.parse import parse_qsl, urlsplit

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A request as it came. ``path`` is escaped and begins with a slash."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    data: bytes = field(repr=False)

    @property
    def body(self) -> Any:
        """The body as JSON; None if there is none."""
        return json.loads(self.data) if self.data else None


@dataclass(frozen=True)
class Answer:
    """An answer; a body of bytes is sent as it is, another one as JSON, and None not at all."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Cloud:
    """A stand-in of a cloud. A subclass answers the requests, one at a time.

    Attributes:
        endpoint: base URL, without a slash at its end.
        requests: all requests, oldest first, those that were broken off included.
        errors: what a stand-in must not do, such as an answer that the cloud's description does
            not have. They fail the test at its end.
    """

    def __init__(self) -> None:
        self.endpoint = ""
        self.requests: list[Request] = []
        self.errors: list[Exception] = []
        self.lock = threading.Lock()
        self._skew = timedelta()
        self._interruption: tuple[int, Literal["before", "after"]] | None = None

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        raise NotImplementedError

    def settle(self) -> None:
        """Let time pass: whatever the cloud has begun is done."""

    def clock_skew(self, seconds: float) -> None:
        """Set the cloud's clock, which its answers' ``Date`` shows, forward by so many seconds."""
        self._skew = timedelta(seconds=seconds)

    def fail_after(self, requests: int, *, effect: bool = False) -> None:
        """Close the connection at the request after so many more, once.

        With ``effect`` the request has its effect, and only its answer is lost. Time passes after
        it (`settle`), since the caller is run again later.
        """
        self._interruption = (len(self.requests) + requests, "after" if effect else "before")

    @property
    def now(self) -> datetime:
        """The time of the cloud's clock."""
        return datetime.now(UTC) + self._skew

    def take(self, request: Request) -> Answer | None:
        """Record a request and return its answer, or None if the connection is to be closed."""
        with self.lock:
            due, self._interruption = self._interruption, None
            if due and due[0] > len(self.requests):
                self._interruption, due = due, None
            self.requests.append(request)
            answer = None if due and due[1] == "before" else self._safe(request)
            if due:
                self.settle()
            return None if due else answer

    def _safe(self, request: Request) -> Answer:
        try:
            return self.answer(request)
        except Exception as error:  # noqa: BLE001 - the test's thread raises it
            self.errors.append(error)
            return Answer(500, {"error": {"code": 500, "message": repr(error)}})


C = TypeVar("C", bound=Cloud)


@contextmanager
def serving(cloud: C) -> Iterator[C]:
    """Serve a stand-in on a free port of 127.0.0.1; at the end, raise its errors."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The head and the body of an answer in one packet: the next would wait for the client.
        wbufsize = -1

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            if "Transfer-Encoding" in self.headers:
                self.send_error(411)
                return
            length = int(self.headers.get("Content-Length") or 0)
            url = urlsplit(self.path)
            query = parse_qsl(url.query, keep_blank_values=True)
            request = Request(
                self.command, url.path, query, dict(self.headers), self.rfile.read(length)
            )
            answer = cloud.take(request)
            if answer is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
            else:
                self._send(answer)

        def _send(self, answer: Answer) -> None:
            body = answer.body
            data = body if isinstance(body, bytes) else b"" if body is None else _json(body)
            self.send_response(answer.status)
            if not isinstance(body, bytes) and body is not None:
                self.send_header("Content-Type", "application/json; charset=UTF-8")
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

        def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002
            return format_datetime(cloud.now, usegmt=True)

        def log_message(self, *_: object) -> None:
            """Log nothing: the tests read `requests`."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        cloud.endpoint = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield cloud
        finally:
            server.shutdown()
            thread.join()
    if cloud.errors:
        raise ExceptionGroup("the stand-in was asked or answered wrongly", cloud.errors)


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
