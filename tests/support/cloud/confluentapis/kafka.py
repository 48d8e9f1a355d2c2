"""Kafka's REST API v3 of a cluster: topics and ACLs, for those that may use them."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

from tests.support.cloud.confluentapis.errors import ConfluentError
from tests.support.cloud.confluentapis.state import USER, ConfluentState
from tests.support.cloud.http import Answer, Json, Request

_OPERATIONS: Final = (
    *("ALL", "READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "CLUSTER_ACTION"),
    *("DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE"),
)
_ACL: Final[dict[str, tuple[str, ...]]] = {
    "resource_type": ("TOPIC", "GROUP", "CLUSTER", "TRANSACTIONAL_ID"),
    "resource_name": (),
    "pattern_type": ("LITERAL", "PREFIXED"),
    "principal": (),
    "host": ("*",),
    "operation": _OPERATIONS,
    "permission": ("ALLOW", "DENY"),
}
_REQUIRED_TO_DELETE: Final = ("resource_type", "pattern_type", "operation", "permission")
_TOPIC_FIELDS: Final = {
    "topic_name",
    "partitions_count",
    "replication_factor",
    "configs",
    "validate_only",
}

#: Settings of a topic on Confluent Cloud, as far as this project knows them.
_DEFAULTS: Final = {
    "cleanup.policy": "delete",
    "max.message.bytes": "2097164",
    "min.insync.replicas": "2",
    "retention.ms": "604800000",
}

#: Operations that contain a topic's Describe.
_DESCRIBING: Final = ("READ", "WRITE", "DELETE", "ALTER")


class KafkaRest:
    """The REST API of one cluster, for the principal of one request."""

    def __init__(self, state: ConfluentState, cluster: str, principal: str) -> None:
        self._state = state
        self._cluster = cluster
        self._kafka = state.kafka[cluster]
        self._principal = principal

    def answer(self, request: Request) -> Answer:
        """Answer a request; its path begins with ``/kafka/v3/clusters/`` and the cluster's id."""
        start = f"/kafka/v3/clusters/{self._cluster}"
        path = request.path.partition(f"/{self._cluster}")[2]
        if path == start and request.method == "GET":
            return Answer(body={"kind": "KafkaCluster", "cluster_id": self._cluster})
        match path.removeprefix(start).split("/")[1:]:
            case ["topics"] if request.method == "GET":
                return Answer(body=self._list("Topic", self._visible()))
            case ["topics"] if request.method == "POST":
                return self._create_topic(request.body)
            case ["topics", name] if request.method in ("GET", "DELETE"):
                return self._topic(request.method, unquote(name))
            case ["topics", name, "configs", *one] if request.method == "GET":
                return self._configs(unquote(name), *one)
            case ["acls"] if request.method == "POST":
                self._authorize("ALTER", "CLUSTER", "kafka-cluster")
                return self._create_acl(request.body)
            case ["acls:batch"] if request.method == "POST":
                self._authorize("ALTER", "CLUSTER", "kafka-cluster")
                for acl in request.body["data"]:
                    self._create_acl(acl)
                return Answer(201)
            case ["acls"] if request.method in ("GET", "DELETE"):
                return self._acls(request)
        raise ConfluentError(404, "HTTP 404 Not Found", kafka=404)

    # -- topics ----------------------------------------------------------------------------------

    def _create_topic(self, body: Json) -> Answer:
        if unknown := body.keys() - _TOPIC_FIELDS:
            raise ConfluentError(400, f'Unrecognized field "{min(unknown)}"', kafka=400)
        name = body["topic_name"]
        if not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", name):
            raise ConfluentError(400, f"Topic name '{name}' is illegal", kafka=40002)
        self._authorize("CREATE", "TOPIC", name)
        if name in self._kafka.topics:
            raise ConfluentError(400, f"Topic '{name}' already exists.", kafka=40002)
        if body.get("replication_factor", 3) != 3:
            message = "Topic replication factor must be 3"
            raise ConfluentError(400, message, kafka=40002)
        partitions = body.get("partitions_count", 6)
        held = sum(topic["partitions_count"] for topic in self._kafka.topics.values())
        if held + partitions > self._state.partition_limit:
            message = (
                f"Adding the requested number of partitions will exceed "
                f"{self._state.partition_limit} total partitions."
            )
            raise ConfluentError(400, message, kafka=40002)
        topic = {
            "kind": "KafkaTopic",
            "metadata": {"self": f"{self._base}/topics/{name}"},
            "cluster_id": self._cluster,
            "topic_name": name,
            "is_internal": False,
            "replication_factor": 3,
            "partitions_count": partitions,
            "configs": body.get("configs", []),
        }
        if body.get("validate_only"):
            return Answer(200, _shown(topic))
        self._kafka.topics[name] = topic
        return Answer(201, _shown(topic))

    def _topic(self, method: str, name: str) -> Answer:
        topic = self._known(name)
        self._authorize("DESCRIBE" if method == "GET" else "DELETE", "TOPIC", name)
        if method == "GET":
            return Answer(body=_shown(topic))
        del self._kafka.topics[name]
        return Answer(204)

    def _configs(self, name: str, one: str = "") -> Answer:
        given = {each["name"]: each["value"] for each in self._known(name)["configs"]}
        self._authorize("DESCRIBE_CONFIGS", "TOPIC", name)
        shown = [
            {
                "kind": "KafkaTopicConfig",
                "metadata": {"self": f"{self._base}/topics/{name}/configs/{key}"},
                "cluster_id": self._cluster,
                "topic_name": name,
                "name": key,
                "value": value,
                "is_default": key not in given,
                "is_read_only": False,
                "is_sensitive": False,
                "source": "DYNAMIC_TOPIC_CONFIG" if key in given else "DEFAULT_CONFIG",
                "synonyms": [],
            }
            for key, value in {**_DEFAULTS, **given}.items()
        ]
        if not one:
            return Answer(body=self._list("TopicConfig", shown))
        found = [config for config in shown if config["name"] == one]
        if not found:
            raise ConfluentError(404, f"Config {one} cannot be found.", kafka=404)
        return Answer(body=found[0])

    def _known(self, name: str) -> Json:
        topic = self._kafka.topics.get(name)
        if topic is None or not self._may("DESCRIBE", "TOPIC", name):
            message = "This server does not host this topic-partition."
            raise ConfluentError(404, message, kafka=40403)
        return topic

    def _visible(self) -> list[Json]:
        return [
            _shown(topic)
            for name, topic in sorted(self._kafka.topics.items())
            if self._may("DESCRIBE", "TOPIC", name)
        ]

    # -- ACLs ------------------------------------------------------------------------------------

    def _create_acl(self, acl: Json) -> Answer:
        if wrong := acl.keys() ^ _ACL.keys():
            raise ConfluentError(400, f"Field {min(wrong)} is missing or unknown", kafka=400)
        for name, values in _ACL.items():
            if values and acl[name] not in values:
                raise ConfluentError(400, f"Invalid {name}: {acl[name]}", kafka=40002)
        kind, _, identifier = acl["principal"].partition(":")
        known = f"iam/v2/service-accounts/{identifier}" in self._state.resources
        if kind != "User" or not known:
            message = f"Principal {acl['principal']} is not a service account"
            raise ConfluentError(400, message, kafka=40002)
        if acl not in self._kafka.acls:
            self._kafka.acls.append(acl)
        return Answer(201)

    def _acls(self, request: Request) -> Answer:
        self._authorize(
            "DESCRIBE" if request.method == "GET" else "ALTER", "CLUSTER", "kafka-cluster"
        )
        wanted = {name: value for name, value in request.query if value not in ("ANY", "")}
        if unknown := wanted.keys() - _ACL.keys():
            raise ConfluentError(400, f"Unknown parameter {min(unknown)}", kafka=400)
        found = [a for a in self._kafka.acls if wanted.items() <= a.items()]
        if request.method == "DELETE":
            given = dict(request.query)
            if missing := [name for name in _REQUIRED_TO_DELETE if name not in given]:
                raise ConfluentError(400, f"Parameter {missing[0]} is required", kafka=400)
            self._kafka.acls = [a for a in self._kafka.acls if a not in found]
        base = {"kind": "KafkaAcl", "metadata": {"self": f"{self._base}/acls"}}
        shown = [{**base, "cluster_id": self._cluster, **acl} for acl in found]
        if request.method == "DELETE":
            return Answer(body={"data": shown})
        return Answer(body=self._list("Acl", shown))

    # -- rights ----------------------------------------------------------------------------------

    def _authorize(self, operation: str, kind: str, name: str) -> None:
        if not self._may(operation, kind, name):
            raise ConfluentError(403, "Request is not authorized", kafka=40301)

    def _may(self, operation: str, kind: str, name: str) -> bool:
        if self._principal == USER or self._administers():
            return True
        enough = [operation, "ALL", *(_DESCRIBING if operation == "DESCRIBE" else ())]
        return any(
            acl["principal"] == f"User:{self._principal}"
            and acl["permission"] == "ALLOW"
            and acl["resource_type"] == kind
            and acl["operation"] in enough
            and (
                name.startswith(acl["resource_name"])
                if acl["pattern_type"] == "PREFIXED"
                else acl["resource_name"] in (name, "*")
            )
            for acl in self._kafka.acls
        )

    def _administers(self) -> bool:
        """Whether the principal has an administrator's role on the cluster."""
        return any(
            binding["principal"] == f"User:{self._principal}"
            and binding["role_name"] in ("CloudClusterAdmin", "EnvironmentAdmin")
            and self._covers(binding["crn_pattern"])
            for key, binding in self._state.resources.items()
            if key.startswith("iam/v2/role-bindings/")
        )

    def _covers(self, pattern: str) -> bool:
        cluster = self._state.resources[f"cmk/v2/clusters/{self._cluster}"]
        name = cluster["metadata"]["resource_name"]
        return bool(name.startswith(pattern))

    @property
    def _base(self) -> str:
        return f"{self._state.endpoint}/{self._cluster}/kafka/v3/clusters/{self._cluster}"

    def _list(self, kind: str, data: list[Json]) -> Json:
        link = f"{self._base}/{'acls' if kind == 'Acl' else 'topics'}"
        return {"kind": f"Kafka{kind}List", "metadata": {"self": link, "next": None}, "data": data}


def _shown(topic: Json) -> Json:
    return {name: value for name, value in topic.items() if name != "configs"}
