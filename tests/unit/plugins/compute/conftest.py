from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# Airflow reads it once, at its first import.
os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow"))

import pytest

from tests.unit.druid.support import RUNNING_TASKS, TASK, WORKERS, running_task, worker
from tests.unit.plugins.clock import Clock
from tests.unit.stack.compute.support import MemoryPower, serving

INDEXER = "127.0.0.1:8091"

EVERY_SERVER = ("coordinator", "broker", "historical", "router", "indexer")


class Druid:
    """A stand-in for Druid's router, which lists `servers` and records the logins.

    The overlord believes that the tasks `believed` run on an indexer, which runs the tasks `run`.
    """

    def __init__(self) -> None:
        self.servers: tuple[str, ...] = EVERY_SERVER
        self.status = 200
        self.body: bytes | None = None
        self.asked: list[dict[str, Any]] = []
        self.logins: list[str | None] = []
        self.believed: list[str] = []
        self.run: list[str] = []
        self.looks = 0
        druid = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if urlsplit(self.path).path == RUNNING_TASKS:
                    answer = [running_task(task, INDEXER) for task in druid.believed]
                else:
                    assert self.path == WORKERS
                    answer = [worker(INDEXER, *druid.run)]
                    druid.looks += 1
                self._send(json.dumps(answer).encode())

            def do_POST(self) -> None:
                if self.path.startswith(TASK):
                    druid.believed.remove(self.path.split("/")[-2])
                    self._send(b"{}")
                    return
                length = int(self.headers["Content-Length"])
                druid.asked.append({"path": self.path, **json.loads(self.rfile.read(length))})
                druid.logins.append(self.headers.get("Authorization"))
                rows = [{"server_type": kind, "n": 1} for kind in druid.servers]
                body = json.dumps(rows).encode() if druid.body is None else druid.body
                self._send(body)

            def _send(self, body: bytes) -> None:
                self.send_response(druid.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def druid(monkeypatch: pytest.MonkeyPatch) -> Iterator[Druid]:
    druid = Druid()
    address = urlsplit(druid.url)
    connection = {
        "conn_type": "druid",
        "host": address.hostname,
        "port": address.port,
        "schema": "http",
        "extra": {"endpoint": "druid/indexer/v1/task"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_DRUID_INGEST_DEFAULT", json.dumps(connection))
    thread = threading.Thread(target=druid.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield druid
    druid.server.shutdown()
    druid.server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _by_the_clock(clock: Clock) -> None:
    """No test here waits in real time."""


@pytest.fixture
def power() -> MemoryPower:
    return MemoryPower()


@pytest.fixture
def endpoint(power: MemoryPower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with serving(power, tmp_path / "compute.json") as address:
        extra = {"api_endpoint": address, "is_anonymous": True, "num_retries": 0}
        connection = {"conn_type": "google_cloud_platform", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT", json.dumps(connection))
        yield address
