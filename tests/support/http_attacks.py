"""Requests that the stack must refuse, as bytes: no client library would send most of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from include.stack.airflow import PROJECT_ID, VM_NAME, ZONE
from include.stack.security import KEY_HEADER
from include.stack.settings import HOST, Settings
from tests.support.server import answer_to

EVIL: Final = "https://evil.example"
VM: Final = f"/compute/v1/projects/{PROJECT_ID}/zones/{ZONE}/instances/{VM_NAME}"

#: Druid's processes behind the proxy; the coordinator also acts as the overlord.
INNER: Final = ("router", "broker", "coordinator", "historical", "indexer")

#: Headers that a browser sends with a request from a page of another site, by kind of page.
PAGES: Final[dict[str, dict[str, str]]] = {
    "a rebound name": {"Host": "evil.example"},
    "a rebound name with a port": {"Host": "evil.example:{port}"},
    "a form of another site": {
        "Origin": EVIL,
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    },
    "a script of another site": {
        "Origin": EVIL,
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "no-cors",
    },
    "an older browser's page": {"Origin": EVIL},
    "a page without an origin": {"Origin": "null"},
    "a page of another port": {"Origin": f"http://{HOST}:3000", "Sec-Fetch-Site": "same-site"},
    "an image of another site": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"},
}


class Attack(NamedTuple):
    """A request to a service (its name in `Settings.ports`), and the statuses that refuse it."""

    name: str
    service: str
    target: str
    method: str = "POST"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    refused: tuple[int, ...] = (403, 421)

    def send(self, settings: Settings, token: str = "") -> int:
        """Return the status, or 0 if the connection was closed without an answer.

        `token` is a session of Airflow, for the attacks that use its cookie.
        """
        port = settings.ports[self.service]
        headers = [(name, value.format(port=port, token=token)) for name, value in self.headers]
        if not any(name == "Host" for name, _ in headers):
            headers.insert(0, ("Host", f"{HOST}:{port}"))
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{n}: {v}" for n, v in headers)]
        head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
        words = answer_to(f"{HOST}:{port}", head + self.body, seconds=20).split(None, 2)
        return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") else 0


def cross_site(supervisor: str) -> Iterator[Attack]:
    """Yield requests from pages of other sites that would change something, without bodies."""
    druid = f"/druid/indexer/v1/supervisor/{supervisor}"
    targets = {
        "suspend": ("druid", "POST", f"{druid}/suspend"),
        "terminate": ("druid", "POST", f"{druid}/terminate"),
        "stop of the VM": ("compute", "POST", f"{VM}/stop"),
        "deletion of the VM": ("compute", "DELETE", VM),
        "login": ("airflow", "POST", "/auth/token"),
        "resume by the page": ("airflow", "POST", "/ventas/api/supervisor/resume"),
    }
    for what, (service, method, target) in targets.items():
        for page, headers in PAGES.items():
            length = () if method == "DELETE" else (("Content-Length", "0"),)
            yield Attack(f"{what}: {page}", service, target, method, (*headers.items(), *length))


def reads() -> Iterator[Attack]:
    """Yield requests with a rebound name, to read the answers, or with the cookie of a session."""
    for service, target in (
        ("druid", "/druid/indexer/v1/supervisor?full"),
        ("druid", "/"),
        ("compute", VM),
        ("airflow", "/api/v2/dags"),
        ("airflow", "/execution/health"),
        ("airflow", "/ventas/api/live"),
    ):
        for page in ("a rebound name", "a script of another site", "an image of another site"):
            headers = (*PAGES[page].items(), ("Cookie", "_token={token}"))
            yield Attack(f"{service} {target}: {page}", service, target, "GET", headers)
    pause = b'{"is_paused": true}'
    for page in ("a script of another site", "a page of another port"):
        headers = (
            *PAGES[page].items(),
            ("Cookie", "_token={token}"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(pause))),
        )
        target = "/api/v2/dags/sales_window"
        yield Attack(f"a DAG is paused: {page}", "airflow", target, "PATCH", headers, pause)


def around_the_proxy(supervisor: str) -> Iterator[Attack]:
    """Yield requests that go directly to Druid's processes, which require the key."""
    for service in INNER:
        for target in ("/status", "/status/health", "/status/properties", "/", "//status"):
            yield Attack(f"{service} {target} without the key", service, target, "GET")
    druid = f"/druid/indexer/v1/supervisor/{supervisor}"
    for service in ("router", "coordinator"):
        for target in (f"{druid}/suspend", f"{druid}/terminate", f"/%64ruid{druid[6:]}/suspend"):
            for name, value in (("X-None", ""), (KEY_HEADER, ""), (KEY_HEADER, "wrong")):
                headers = ((name, value), ("Content-Length", "0"))
                yield Attack(
                    f"{service} {target} {name}: {value}", service, target, "POST", headers
                )
    sql = b'{"query": "SELECT 1"}'
    asked = (("Content-Type", "application/json"), ("Content-Length", str(len(sql))))
    for service in ("router", "broker"):
        yield Attack(f"SQL of the {service}", service, "/druid/v2/sql", "POST", asked, sql)
    yield Attack("a task is pushed", "indexer", "/druid/worker/v1/assignTask", "POST", asked, sql)
    for page, sent in PAGES.items():
        yield Attack(f"router: {page}", "router", f"{druid}/suspend", "POST", (*sent.items(),))


def odd(supervisor: str) -> Iterator[Attack]:
    """Yield requests that are too large, or that proxy and server may parse differently."""
    suspend = f"/druid/indexer/v1/supervisor/{supervisor}/suspend"
    none = ("Content-Length", "0")
    evil = ("Origin", EVIL)
    bad = (400,)

    def proxy(
        name: str,
        target: str = suspend,
        *headers: tuple[str, str],
        method: str = "POST",
        body: bytes = b"",
        refused: Sequence[int] = bad,
    ) -> Attack:
        return Attack(name, "druid", target, method, headers, body, tuple(refused))

    yield proxy("two hosts", suspend, ("Host", HOST), ("Host", "evil.example"), refused=(400, 421))
    yield proxy("a host with a path", suspend, ("Host", f"{HOST}/x"), refused=(400, 421))
    yield proxy("an empty host", suspend, ("Host", ""), refused=(400, 421))
    yield proxy("a host of digits", suspend, ("Host", "2130706433"), refused=(421,))
    yield proxy("an address of evil", f"{EVIL}{suspend}", evil, none, refused=(403,))
    yield proxy("an address of evil as Host", f"{EVIL}/", ("Host", "evil.example"), refused=(421,))
    for target in (
        f"/{suspend}",
        f"//evil.example{suspend}",
        suspend.replace("/druid", "/druid/..;/druid"),
        suspend.replace("/suspend", "%2fsuspend"),
        suspend.replace("/suspend", "%2f..%2fsuspend"),
        suspend.replace("/suspend", "/suspend%00"),
        f"{suspend}/..",
    ):
        # Without headers of a page: these paths lead to no route that changes something.
        yield proxy(f"the path {target}", target, none, refused=(400, 404, 405))
    yield proxy("a NUL in the path", "/druid\0/v2")
    yield proxy("a NUL in a header", suspend, ("X-A", "\0"))
    yield proxy("a line break in a header", suspend, ("X-A", "b\r\n folded"), refused=(400, 405))
    chunked = ("Transfer-Encoding", "chunked")
    inner = f"POST {suspend} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 0\r\n\r\n".encode()
    smuggled = b"0\r\n\r\n" + inner
    sql = "/druid/v2/sql"
    yield proxy("two lengths of one body", sql, ("Content-Length", "4"), chunked, body=smuggled)
    yield proxy("the same, the other way", sql, chunked, ("Content-Length", "4"), body=smuggled)
    yield proxy("different lengths", sql, ("Content-Length", "0"), ("Content-Length", "9"))
    yield proxy("a length that is none", sql, ("Content-Length", "-1"))
    yield proxy("an encoding that is none", sql, ("Transfer-Encoding", "xchunked"), body=smuggled)
    yield proxy("a space before the colon", sql, ("Content-Length ", "0"))
    yield proxy("a key of the client's", suspend, (KEY_HEADER, "x"), evil, none, refused=(403,))
    yield proxy("TRACE", "/status", method="TRACE", refused=(400, 405))
    yield proxy("CONNECT", f"{HOST}:1", method="CONNECT", refused=(400, 403, 404, 405))
    yield proxy("a method that is none", "/status", method="SUSPEND", refused=(400, 405))
    for service, target in (
        ("druid", sql),
        ("compute", VM.rpartition("/")[0]),
        ("airflow", "/ventas/api/sql"),
    ):
        large = 64 << 20
        length = (("Content-Length", str(large)), ("Content-Type", "application/json"))
        yield Attack(
            f"{service}: a declared body of 64 MiB", service, target, "POST", length, b"", (413,)
        )
        part = b"%x\r\n" % (1 << 20) + b"x" * (1 << 20) + b"\r\n"
        more = (chunked, ("Content-Type", "application/json"))
        yield Attack(
            f"{service}: a chunked body of 20 MiB",
            service,
            target,
            "POST",
            more,
            part * 20 + b"0\r\n\r\n",
            (413, 0),
        )
