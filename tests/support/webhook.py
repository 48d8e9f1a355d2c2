"""A webhook on loopback that keeps the messages sent to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.http_server import Answer, Request, serving


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

    def answer(request: Request) -> Answer:
        webhook.bodies.append(request.content)
        webhook.paths.append(request.target)
        is_redirect = 300 <= webhook.status < 400
        elsewhere = {"Location": f"http://127.0.0.1:{webhook.port}/elsewhere"}
        return Answer(webhook.status, b"", elsewhere if is_redirect else {})

    with serving(answer) as url:
        webhook.port = int(url.rpartition(":")[2])
        yield webhook
