"""Stand-in for Google's metadata server, Secret Manager, Cloud Storage, and Druid's download site.

`python fake_google.py PORT STATE` answers on loopback from the JSON file STATE, which it reads
again for each request: ``{"metadata": {path: value}, "secrets": {name: value or status},
"buckets": {name: [permission]}, "archive": file, "network": {...}}``.

Druid's archive is below ``/druid/``, and below ``/own-bucket/`` for the VM's account. It is sent at
``rate`` bytes per second of "network". A transfer that passes an offset in ``close_at`` is closed
there, and one that passes an offset in ``stall_at`` sends nothing more. With ``"ranges": false``
the server ignores ranges. The first offset of each transfer is a line of ``STATE.transfers``.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TOKEN = "test-token"
METADATA = "/computeMetadata/v1/"
CHUNK = 65_536


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of the VM as Google does."""

    def do_GET(self) -> None:
        state = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
        path = urlsplit(self.path).path
        if path.startswith(METADATA):
            self._metadata(state["metadata"], path.removeprefix(METADATA))
        elif path.startswith("/druid/"):
            self._archive(Path(state["archive"]), state["network"])
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401)
        elif path.startswith("/own-bucket/"):
            self._archive(Path(state["archive"]), state["network"])
        elif "/secrets/" in path:
            self._secret(state["secrets"], path)
        else:
            self._bucket(state["buckets"], path)

    def _metadata(self, values: dict[str, str], path: str) -> None:
        if self.headers["Metadata-Flavor"] != "Google":
            self._answer(403)
        elif path == "instance/service-accounts/default/token":
            self._answer(200, json.dumps({"access_token": TOKEN, "expires_in": 3599}))
        elif path in values:
            self._answer(200, values[path])
        else:
            self._answer(404)

    def _secret(self, secrets: dict[str, str | int], path: str) -> None:
        prefix, _, rest = path.partition("/secrets/")
        name, _, version = rest.partition("/")
        value = secrets.get(name, 404)
        if (prefix, version) != ("/v1/projects/tienda", "versions/latest:access"):
            self._answer(400)
        elif isinstance(value, int):
            self._answer(value)
        else:
            data = base64.b64encode(value.encode()).decode()
            self._answer(200, json.dumps({"payload": {"data": data}}))

    def _bucket(self, buckets: dict[str, list[str]], path: str) -> None:
        name = path.removeprefix("/storage/v1/b/").removesuffix("/iam/testPermissions")
        if name in buckets:
            self._answer(200, json.dumps({"permissions": buckets[name]}))
        else:
            self._answer(404)

    def _archive(self, file: Path, network: dict[str, Any]) -> None:
        if not file.exists():
            self._answer(404)
            return
        size, at = file.stat().st_size, 0
        if network.get("ranges", True) and (asked := self.headers["Range"]):
            at = int(asked.removeprefix("bytes=").removesuffix("-"))
        with Path(f"{sys.argv[2]}.transfers").open("a", encoding="utf-8") as transfers:
            transfers.write(f"{at}\n")
        if at >= size:
            self._answer(416)
            return
        self.send_response(206 if at else 200)
        if at:
            self.send_header("Content-Range", f"bytes {at}-{size - 1}/{size}")
        self.send_header("Content-Length", str(size - at))
        self.end_headers()
        closing = min((o for o in network.get("close_at", ()) if o > at), default=size)
        stalling = min((o for o in network.get("stall_at", ()) if o > at), default=size)
        # The machine may be turned off meanwhile.
        with suppress(ConnectionError), file.open("rb") as content:
            content.seek(at)
            while chunk := content.read(min(CHUNK, closing - at, stalling - at)):
                self.wfile.write(chunk)
                at += len(chunk)
                if "rate" in network:
                    time.sleep(len(chunk) / network["rate"])
        if at == stalling < size:
            self.connection.recv(1)  # returns when the client has given up

    def _answer(self, status: int, body: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
