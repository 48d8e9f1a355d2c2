"""A small HTTP server that answers as Druid's router does, from a script."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SQL = "/druid/v2/sql"
SUPERVISORS = "/druid/indexer/v1/supervisor"
TASKS = "/druid/indexer/v1/tasks"
COORDINATOR = "/druid/coordinator/v1/config"
COMPACTION = f"{COORDINATOR}/compaction"
RULES = "/druid/coordinator/v1/rules"


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: str
    body: Any
    headers: dict[str, str]


@dataclass
class Router:
    """Answers by method and path, one after another and the last for ever; 404 for the others.

    An answer is a status and a body: bytes as they are, anything else as JSON.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[tuple[str, str], list[tuple[int, Any]]] = field(default_factory=dict)
    #: Set by the test that wants the router to hang, and unset to let it go on.
    awake: threading.Event = field(default_factory=threading.Event)

    def on(self, method: str, path: str, *answers: tuple[int, Any]) -> None:
        self.answers[method, path] = list(answers)

    def times(self, method: str, path: str) -> int:
        return sum((a.method, a.path) == (method, path) for a in self.asked)

    def answer(self, asked: Asked) -> tuple[int, Any]:
        self.asked.append(asked)
        scripted = self.answers.get((asked.method, asked.path), [(404, {"error": "no such path"})])
        return scripted.pop(0) if len(scripted) > 1 else scripted[0]


def status(
    detailed: str = "RUNNING", *, suspended: bool = False, errors: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A supervisor's status report, with the fields that are looked at."""
    state = detailed if detailed in {"RUNNING", "SUSPENDED", "PENDING"} else "UNHEALTHY_SUPERVISOR"
    payload = {
        "dataSource": "ventas",
        "suspended": suspended,
        "state": state,
        "detailedState": detailed,
        "recentErrors": [{"exceptionClass": "KafkaException", "message": e} for e in errors],
    }
    return {"id": "ventas", "payload": payload}


@contextmanager
def serving() -> Iterator[Router]:
    """A router on a port of its own."""
    router = Router()
    router.awake.set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply("GET")

        def do_POST(self) -> None:
            self.reply("POST")

        def reply(self, method: str) -> None:
            parts = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(
                method,
                parts.path,
                parts.query,
                json.loads(text) if text else None,
                dict(self.headers),
            )
            code, body = router.answer(asked)
            router.awake.wait()
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            # A client that has given up meanwhile is no fault of the server's.
            with suppress(ConnectionError):
                self.send_response(code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    router.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield router
    finally:
        router.awake.set()
        server.shutdown()
        server.server_close()
        thread.join()
