"""Simulated viewers of a fake page, and the summary of their looks."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from commands.bench.page_looks import Look, Pauses
from commands.bench.page_viewers import (
    FAILED_SECONDS,
    Seen,
    at_findings,
    at_sales,
    by_range,
    crowd,
    summary,
)

PAUSES = Pauses({"1h": 0.05, "30d": 5.0}, findings=0.2)


class Page(ThreadingHTTPServer):
    """A fake page: knows one login, takes 20 ms, has data one second old, and fails for Salta."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[tuple[str, dict[str, list[str]]]] = []


class Answer(BaseHTTPRequestHandler):
    server: Page
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path)
        asked = parse_qs(path.query)
        self.server.asked.append((path.path, asked))
        time.sleep(0.02)
        refused = "_token=secret" not in self.headers.get("Cookie", "") or "Salta" in str(asked)
        body = json.dumps({"end": (time.time() - 1) * 1000}).encode()
        self.send_response(500 if refused else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def page() -> Iterator[Page]:
    with Page() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_viewers_look_as_often_as_the_page_does(page: Page) -> None:
    url = f"http://127.0.0.1:{page.server_port}"
    looks = [Look("1h"), Look("30d", (("provincia", "Córdoba"),))]
    seen = crowd(url, "secret", PAUSES, looks, seconds=1)
    often, seldom = ([one for one in at_sales(seen) if one.look == look] for look in looks)
    assert 2 <= len(often) <= 1 / 0.07 + 1
    assert [one.kind for one in seldom] == ["first"]
    assert [one.kind for one in often[:2]] == ["first", "again"]
    filtered = {"rango": ["30d"], "provincia": ["Córdoba"]}
    assert ("/ventas/api/live", filtered) in page.asked
    assert all(one.seconds >= 0.02 and one.age >= 1 for one in at_sales(seen))
    assert 1 <= page.asked.count(("/ventas/api/findings", filtered)) <= 1 / 0.22 + 1
    assert {one.age for one in at_findings(seen)} == {0}


def test_failed_look_counts_as_the_slowest(page: Page) -> None:
    url = f"http://127.0.0.1:{page.server_port}"
    seen, *_ = crowd(url, "secret", PAUSES, [Look("1h", (("provincia", "Salta"),))], seconds=0.2)
    assert (seen.failed, seen.seconds) == (True, FAILED_SECONDS)


def test_looks_are_summarised_by_range_filter_and_kind() -> None:
    plain, filtered = Look("1h"), Look("1h", (("pago", "qr"),))
    seen = [
        Seen(plain, "first", 0.3, 1.0),
        *(Seen(plain, "again", seconds, 0.5) for seconds in (0.1, 0.2)),
        Seen(filtered, "first", 0.4, 1.0, failed=True),
    ]
    assert summary(seen[1:3]) == {
        "looks": 2,
        "failed": 0,
        "p50_ms": 150.0,
        "p95_ms": 195.0,
        "max_ms": 200.0,
        "age_p95_s": 0.5,
    }
    found = [(row["filtered"], row["kind"], row["looks"], row["failed"]) for row in by_range(seen)]
    assert found == [(False, "first", 1, 0), (False, "again", 2, 0), (True, "first", 1, 1)]
