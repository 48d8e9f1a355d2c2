"""A small HTTP server on loopback that answers each request with a function's result."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    """A request as it arrived; `target` is its path with the query."""

    method: str
    target: str
    headers: Message
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content) if self.content else None


class Answer(NamedTuple):
    """An answer; bytes are sent as they are, any other body as JSON."""

    status: int
    body: Any = b""
    headers: Mapping[str, str] = {}


@contextmanager
def serving(
    answer: Callable[[Request], Answer], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve in a thread, and yield the server's URL."""

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = answer(Request(self.command, self.path, self.headers, content))
            body = found.body if isinstance(found.body, bytes) else json.dumps(found.body).encode()
            # The client may have given up meanwhile, which is not an error of the server.
            with suppress(ConnectionError):
                self.send_response(found.status)
                for name, value in {"Content-Length": str(len(body)), **found.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_DELETE = reply  # noqa: N815 - the names of the base class

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
