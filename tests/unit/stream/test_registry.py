"""Publishing the schema to a stand-in for the Schema Registry."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest

from include.sales.event import json_schema
from include.stream.registry import RegistryError, publish_schema
from tests.support.http_server import Answer, Request, serving

USER = "key:s3cret"


class Registry:
    """Answers as Confluent's Schema Registry does to `POST /subjects/{subject}/versions`."""

    def __init__(self) -> None:
        self.subjects: dict[str, list[dict[str, Any]]] = {}
        self.status = 200
        self.url = ""

    @property
    def config(self) -> dict[str, str]:
        return {"url": self.url, "basic.auth.user.info": USER}

    def answer(self, request: Request) -> Answer:
        login = f"Basic {b64encode(USER.encode()).decode()}"
        status = self.status if request.headers["Authorization"] == login else 401
        subject = request.target.split("?")[0].split("/")[2]
        versions = self.subjects.setdefault(subject, [])
        if status == 200 and request.body not in versions:
            versions.append(request.body)
        answer = {"error_code": status * 100, "message": "no"} if status != 200 else {"id": 1}
        kind = {"Content-Type": "application/vnd.schemaregistry.v1+json"}
        return Answer(status, answer, kind)


@pytest.fixture
def registry() -> Iterator[Registry]:
    found = Registry()
    with serving(found.answer) as found.url:
        yield found


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
