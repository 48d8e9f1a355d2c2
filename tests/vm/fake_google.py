"""Stand-in for Google's metadata server, Secret Manager, Cloud Storage, and Druid's download site.

`python fake_google.py PORT STATE` answers on loopback from the JSON file STATE, which it reads
again for each request: ``{"metadata": {path: value}, "secrets": {name: value or status},
"buckets": {name: [permission]}, "archive": file}``.
"""

from __future__ import annotations

import base64
import json
import shutil
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

TOKEN = "test-token"
METADATA = "/computeMetadata/v1/"


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of the VM as Google does."""

    def do_GET(self) -> None:
        state = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
        path = urlsplit(self.path).path
        if path.startswith(METADATA):
            self._metadata(state["metadata"], path.removeprefix(METADATA))
        elif path.startswith("/druid/"):
            self._archive(Path(state["archive"]))
        elif self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401)
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

    def _archive(self, file: Path) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(file.stat().st_size))
        self.end_headers()
        with file.open("rb") as content:
            shutil.copyfileobj(content, self.wfile)

    def _answer(self, status: int, body: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
