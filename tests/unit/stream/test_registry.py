"""Publishing the schema to a stand-in for the Schema Registry."""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from include.sales.event import json_schema
from include.stream.registry import RegistryError, publish_schema

USER = "key:s3cret"


class Registry(ThreadingHTTPServer):
    """Answers as Confluent's Schema Registry does to `POST /subjects/{subject}/versions`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.subjects: dict[str, list[dict[str, Any]]] = {}
        self.status = 200

    @property
    def config(self) -> dict[str, str]:
        return {
            "url": f"http://127.0.0.1:{self.server_port}",
            "basic.auth.user.info": USER,
        }


class Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        login = f"Basic {b64encode(USER.encode()).decode()}"
        status = self.server.status if self.headers["Authorization"] == login else 401
        subject = self.path.split("?")[0].split("/")[2]
        versions = self.server.subjects.setdefault(subject, [])
        if status == 200 and body not in versions:
            versions.append(body)
        answer = {"error_code": status * 100, "message": "no"} if status != 200 else {"id": 1}
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_schema_published_twice_is_registered_once(
    registry: Registry,
) -> None:
    ids = {publish_schema(registry.config, "ventas", json_schema()) for _ in range(2)}
    assert ids == {1}
    [version] = registry.subjects["ventas-value"]
    assert version["schemaType"] == "JSON"
    assert json.loads(version["schema"]) == json_schema()


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "correct schema.registry.basic.auth.user.info"),
        (403, "let that key write the subject"),
        (409, "not compatible .* Set the subject's compatibility"),
        (422, r"refused the schema of 'ventas-value' \(HTTP 422\)"),
    ],
)
def test_refusal_says_what_to_do_and_shows_no_secret(
    registry: Registry, status: int, told: str
) -> None:
    registry.status = status
    with pytest.raises(RegistryError, match=told) as refused:
        publish_schema(registry.config, "ventas", json_schema())
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"url": "http://127.0.0.1:1"}, "127.0.0.1:1 does not answer .*: correct schema.registry"),
        ({"url": "ftp://none"}, "cannot be used: correct the connection"),
        ({"url": "http://x", "unknown": "1"}, "cannot be used: correct the connection"),
    ],
)
def test_address_or_settings_of_no_registry_are_reported(config: dict[str, str], told: str) -> None:
    with pytest.raises(RegistryError, match=told):
        publish_schema({**config, "max.retries": 0}, "ventas", json_schema())
