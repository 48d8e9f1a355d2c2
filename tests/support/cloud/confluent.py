"""A stand-in of Confluent Cloud's REST APIs, and of its clusters' Kafka REST API.

    with confluent_cloud() as confluent:
        requests.get(f"{confluent.endpoint}/org/v2/environments", auth=(API_KEY, API_SECRET))

Paths, fields, status codes and errors are those of Confluent's OpenAPI documents, in the repository
of its Go SDK (github.com/confluentinc/ccloud-sdk-go-v2). A cluster's ``http_endpoint`` is this
server's, with the cluster's id.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from tests.support.cloud.confluentapis.errors import ConfluentError
from tests.support.cloud.confluentapis.kafka import KafkaRest
from tests.support.cloud.confluentapis.state import (
    API_KEY,
    API_SECRET,
    ORGANIZATION,
    USER,
    ConfluentState,
    Kafka,
    name_of,
)
from tests.support.cloud.http import Answer, Json, Request, serving

__all__ = ["API_KEY", "API_SECRET", "Confluent", "confluent_cloud"]

_KINDS: Final[dict[str, Json]] = json.loads(
    (Path(__file__).parent / "confluentapis" / "kinds.json").read_text(encoding="utf-8")
)
_CRN: Final = f"crn://confluent.cloud/organization={ORGANIZATION}"


class Confluent(ConfluentState):
    """The stand-in: its state, and the way from a request to an answer."""

    def answer(self, request: Request) -> Answer:
        """Answer a request, with Confluent's JSON for an error."""
        try:
            return self._answer(request)
        except ConfluentError as error:
            return error.answer()
        except json.JSONDecodeError as error:
            return ConfluentError(400, str(error)).answer()

    def _answer(self, request: Request) -> Answer:
        first, _, rest = request.path[1:].partition("/")
        if first in self.kafka and rest.startswith("kafka/v3/"):
            return KafkaRest(self, first, self._principal(request, first)).answer(request)
        if first.startswith("lsrc-"):
            return self._ask_registry(request, first, rest)
        key, secret = _credentials(request)
        if key != API_KEY or self.secrets.get(key) != secret:
            raise ConfluentError(401, "Valid authentication credentials must be provided")
        parts = request.path[1:].split("/")
        collection, identifier = "/".join(parts[:3]), "/".join(parts[3:])
        if collection not in _KINDS:
            raise ConfluentError(404, "Not Found")
        if collection in self.unauthorized:
            message = f"The user '{USER}' is not allowed to access '{collection}'."
            raise ConfluentError(403, message)
        verbs = {
            ("GET", False): self._list,
            ("POST", False): self._create,
            ("GET", True): self._get,
            ("PATCH", True): self._patch,
            ("DELETE", True): self._delete,
        }
        verb = verbs.get((request.method, bool(identifier)))
        if verb is None:
            raise ConfluentError(404, "Not Found")
        return verb(request, collection, identifier)

    def _principal(self, request: Request, resource: str) -> str:
        """Return the owner of the request's key, which must be a key of this cluster."""
        key, secret = _credentials(request)
        known = self.resources.get(f"iam/v2/api-keys/{key}", {"spec": {}})["spec"]
        if known.get("resource", {}).get("id") != resource or self.secrets.get(key) != secret:
            raise ConfluentError(401, "Authentication failed", kafka=40101)
        if not self.waited(key):
            raise ConfluentError(401, "Authentication failed", kafka=40101)
        return str(known["owner"]["id"])

    def _ask_registry(self, request: Request, identifier: str, path: str) -> Answer:
        """Answer as a Schema Registry that has no schema yet, with the errors of its API."""
        principal = self._principal(request, identifier)
        asked = re.fullmatch(r"compatibility/subjects/([\w.-]+)/versions/latest", path)
        if request.method != "POST" or not asked:
            raise ConfluentError(404, "HTTP 404 Not Found", kafka=404)
        registry = self.resources[f"srcm/v3/clusters/{identifier}"]
        wanted = {
            "principal": f"User:{principal}",
            "role_name": "DeveloperWrite",
            "crn_pattern": f"{registry['metadata']['resource_name']}/subject={asked[1]}",
        }
        if not _same(list(self.resources.values()), wanted):
            message = f"User is denied operation Write on Subject: {asked[1]}"
            raise ConfluentError(403, message, kafka=40301)
        raise ConfluentError(404, f"Subject '{asked[1]}' not found.", kafka=40401)

    # -- resources -------------------------------------------------------------------------------

    def _list(self, request: Request, collection: str, _: str) -> Answer:
        kind, query = _KINDS[collection], dict(request.query)
        self._check_query(collection, query)
        wanted = {n: v for n, v in query.items() if n not in ("page_size", "page_token")}
        found = [
            resource
            for key, resource in self.resources.items()
            if key.startswith(f"{collection}/")
            and (collection != "srcm/v3/clusters" or self.waited(resource["id"]))
            and all(_matches(resource, name, value) for name, value in wanted.items())
        ]
        most = min(int(query.get("page_size", 10)), self.page_size or 100)
        start = int(query.get("page_token", 0))
        address = f"{self.endpoint}{request.path}"
        metadata: Json = {"first": address, "total_size": len(found)}
        if start + most < len(found):
            given = "".join(f"{name}={value}&" for name, value in wanted.items())
            metadata["next"] = f"{address}?{given}page_size={most}&page_token={start + most}"
        return Answer(
            body={
                "api_version": "/".join(collection.split("/")[:2]),
                "kind": f"{kind['kind']}List",
                "metadata": metadata,
                "data": found[start : start + most],
            }
        )

    def _create(self, request: Request, collection: str, _: str) -> Answer:
        kind, body = _KINDS[collection], request.body
        if "created" not in kind:
            raise ConfluentError(404, "Not Found")
        _check_body(kind, body)
        name = name_of(body)
        mine = [r for key, r in self.resources.items() if key.startswith(f"{collection}/")]
        if kind.get("unique") and name in map(name_of, mine):
            raise ConfluentError(409, f"The {kind['kind']} '{name}' already exists.")
        limit = f"{collection.rpartition('/')[2]}"
        for quota, most in self.limits.items():
            if limit.replace("-", "_") in quota and len(mine) >= most:
                raise ConfluentError(402, f"The request would exceed the quota: {quota}")
        if collection == "iam/v2/role-bindings" and (same := _same(mine, body)):
            return Answer(kind["created"], same)
        number = self.number()
        identifier = f"{kind['prefix']}-{number:05}"
        if collection == "iam/v2/api-keys":
            identifier = f"{kind['prefix']}{number:013}"
        resource = self.keep(collection, identifier, deepcopy(body))
        shown = deepcopy(resource)
        if collection == "cmk/v2/clusters":
            self._begin_cluster(resource)
            shown = deepcopy(resource)
        if collection == "iam/v2/api-keys":
            shown["spec"]["secret"] = self._new_key(resource)
        return Answer(kind["created"], shown)

    def _get(self, request: Request, collection: str, identifier: str) -> Answer:
        resource = self._held(request, collection, identifier)
        if collection == "cmk/v2/clusters":
            self.waited(identifier)
        return Answer(body=resource)

    def _patch(self, request: Request, collection: str, identifier: str) -> Answer:
        resource, body = self._held(request, collection, identifier), request.body
        _check_fields(_KINDS[collection], body)
        spec = {**resource.get("spec", {}), **body.get("spec", {})}
        resource |= {**body, **({"spec": spec} if spec else {})}
        return Answer(body=resource)

    def _delete(self, request: Request, collection: str, identifier: str) -> Answer:
        self._held(request, collection, identifier)
        if collection == "org/v2/environments" and any(
            key.startswith("cmk/v2/clusters/") and r["spec"]["environment"]["id"] == identifier
            for key, r in self.resources.items()
        ):
            raise ConfluentError(409, f"Environment {identifier} still has clusters.")
        self.remove(f"{collection}/{identifier}")
        return Answer(204)

    def _held(self, request: Request, collection: str, identifier: str) -> Json:
        found = self.resources.get(f"{collection}/{identifier}")
        scope = _KINDS[collection].get("scope")
        if found and scope == "environment":
            # A change names the environment in its body.
            patch = request.method == "PATCH"
            environment = request.body["spec"]["environment"]["id"] if patch else None
            environment = environment or dict(request.query).get("environment")
            if environment != found["spec"]["environment"]["id"]:
                found = None
        if found is None:
            # Confluent answers 403 for a cluster that does not exist or is not the caller's.
            status = 403 if collection.endswith("/clusters") else 404
            raise ConfluentError(status, f"Resource {identifier} was not found or is forbidden")
        return found

    def keep(self, collection: str, identifier: str, body: Json) -> Json:
        """Keep a new resource, with the fields that Confluent fills in, and return it."""
        kind = _KINDS[collection]
        now = self.now.isoformat()
        crn = f"{_CRN}/{kind['crn']}={identifier}"
        if environment := body.get("spec", {}).get("environment"):
            self._known(f"org/v2/environments/{environment['id']}")
            crn = f"{_CRN}/environment={environment['id']}/{kind['crn']}={identifier}"
        resource = {
            "api_version": "/".join(collection.split("/")[:2]),
            "kind": kind["kind"],
            "id": identifier,
            "metadata": {
                "self": f"{self.endpoint}/{collection}/{identifier}",
                "resource_name": crn,
                "created_at": now,
                "updated_at": now,
            },
            **body,
        }
        self.resources[f"{collection}/{identifier}"] = resource
        return resource

    def _known(self, key: str) -> Json:
        if key not in self.resources:
            raise ConfluentError(404, f"{key} does not exist")
        return self.resources[key]

    def _begin_cluster(self, cluster: Json) -> None:
        environment = cluster["spec"]["environment"]
        cluster["status"] = {"phase": "PROVISIONING"}
        self.kafka[cluster["id"]] = Kafka()
        self.waits[cluster["id"]] = self.cluster_polls
        if not self.cluster_polls:
            self.wait_over(cluster["id"])
        registries = [key for key in self.resources if key.startswith("srcm/v3/clusters/")]
        if not any(self.resources[k]["spec"]["environment"] == environment for k in registries):
            # An environment gets its Schema Registry with its first cluster.
            identifier = f"lsrc-{self.number():05}"
            spec = {
                "display_name": "Stream Governance package",
                "package": "ESSENTIALS",
                "cloud": cluster["spec"]["cloud"],
                "region": cluster["spec"]["region"],
                "environment": environment,
                "http_endpoint": f"{self.endpoint}/{identifier}",
            }
            registry = self.keep("srcm/v3/clusters", identifier, {"spec": spec})
            self.waits[identifier] = self.registry_polls
            registry["status"] = {"phase": "PROVISIONED"}

    def _new_key(self, key: Json) -> str:
        """Make a key's secret, which only the answer to its creation has."""
        spec = key["spec"]
        owner = spec["owner"]["id"]
        if owner != USER:
            self._known(f"iam/v2/service-accounts/{owner}")
        if resource := spec.get("resource", {}).get("id"):
            collection = "srcm/v3" if resource.startswith("lsrc-") else "cmk/v2"
            cluster = self._known(f"{collection}/clusters/{resource}")
            if cluster["status"]["phase"] != "PROVISIONED":
                del self.resources[f"iam/v2/api-keys/{key['id']}"]
                raise ConfluentError(400, f"Cluster {resource} is not provisioned yet")
        secret = base64.b64encode(f"secret of {key['id']}".encode()).decode()
        self.secrets[key["id"]] = secret
        if self.key_polls:
            self.waits[key["id"]] = self.key_polls
        return secret

    def _check_query(self, collection: str, query: dict[str, str]) -> None:
        kind = _KINDS[collection]
        scope = kind.get("scope")
        if scope and scope not in query:
            raise ConfluentError(400, f"The parameter '{scope}' is required")
        allowed = {*kind["filters"], "page_size", "page_token", scope}
        if unknown := query.keys() - allowed:
            raise ConfluentError(400, f"The resource can't be filtered by '{min(unknown)}'")
        if int(query.get("page_size", 10)) > 100:
            raise ConfluentError(400, "The parameter 'page_size' is at most 100")


def _credentials(request: Request) -> tuple[str, str]:
    header = {name.lower(): v for name, v in request.headers.items()}.get("authorization", "")
    if not header.startswith("Basic "):
        return "", ""
    key, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return key, secret


def _matches(resource: Json, name: str, value: str) -> bool:
    if name == "crn_pattern":
        return str(resource["crn_pattern"]).startswith(value)
    found: Any = resource["spec"].get(name) if name == "environment" else resource
    if name != "environment":
        for part in name.split("."):
            found = found.get(part, {})
    return bool((found.get("id") if isinstance(found, dict) else found) == value)


def _same(held: list[Json], body: Json) -> Json | None:
    return next((resource for resource in held if body.items() <= resource.items()), None)


def _check_body(kind: Json, body: Any) -> None:
    _check_fields(kind, body)
    for name in kind["required"]:
        found = body
        for part in name.split("."):
            found = found.get(part) or {}
        if not found:
            raise ConfluentError(422, f"The property '{name}' is required")


def _check_fields(kind: Json, body: Any) -> None:
    if not isinstance(body, dict):
        raise ConfluentError(400, "The body must be a JSON object")
    unknown = [name for name in body if name not in kind["fields"]]
    unknown += [name for name in body.get("spec", {}) if name not in kind.get("spec", [])]
    if unknown:
        raise ConfluentError(422, f"The property '{unknown[0]}' is unknown or read only")


@contextmanager
def confluent_cloud() -> Iterator[Confluent]:
    """Serve a new organization, whose administrator has the Cloud API key `API_KEY`."""
    with serving(Confluent()) as confluent:
        confluent.keep("org/v2/organizations", ORGANIZATION, {"display_name": "My organization"})
        yield confluent
