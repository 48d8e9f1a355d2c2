"""A webhook on loopback that keeps the messages sent to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Webhook:
    """The posted bodies and paths, and the status to answer."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.status = 200
        self.port = 0

    @property
    def texts(self) -> list[str]:
        return [json.loads(body)["text"] for body in self.bodies]

    def connection(self) -> dict[str, Any]:
        """Return the Airflow connection, whose password is the secret part of the address."""
        return {
            "conn_type": "slackwebhook",
            "schema": "http",
            "host": "127.0.0.1",
            "port": self.port,
            "password": "services/T0/B0/s3cret",
        }


@contextmanager
def listening() -> Iterator[Webhook]:
    webhook = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            webhook.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            webhook.paths.append(self.path)
            self.send_response(webhook.status)
            if 300 <= webhook.status < 400:
                self.send_header("Location", f"http://127.0.0.1:{webhook.port}/elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Log nothing: the tests check the kept messages."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        webhook.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield webhook
        server.shutdown()
        thread.join()
