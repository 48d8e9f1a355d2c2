"""The state of Confluent's stand-in, and the ways in which a test breaks it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Final

from tests.support.cloud.http import Cloud, Json

#: A user's Cloud API key, which may do everything.
API_KEY: Final = "CLOUDKEY00000000"
API_SECRET: Final = "cloud-secret"
ORGANIZATION: Final = "9bb441c4-edef-46ac-8a41-c49e44a3fd9a"
USER: Final = "u-111aaa"


@dataclass
class Kafka:
    """The inside of a Kafka cluster: its topics by name, and its ACLs."""

    topics: dict[str, Json] = field(default_factory=dict)
    acls: list[Json] = field(default_factory=list)


class ConfluentState(Cloud):
    """Resources of one organization.

    Attributes:
        resources: each resource as its API shows it, by collection and id:
            ``cmk/v2/clusters/lkc-1``.
        secrets: the secrets of all API keys by key; they are shown at the keys' creation only.
        kafka: the inside of each Kafka cluster by its id.
        bootstrap: host and port of every cluster's bootstrap endpoint.
        cluster_polls: times that a new cluster is shown as PROVISIONING.
        registry_polls: lists in which a new environment's Schema Registry is missing.
        key_polls: requests that a new cluster's key must wait for until the cluster knows it.
        partition_limit: most partitions of a cluster, all topics together.
        page_size: most resources of a page, whatever the request asks for; 0 for no such limit.
        limits: quotas that are exceeded at this number: ``{"kafka_clusters_per_environment": 0}``.
        unauthorized: collections that the Cloud API key may not use.
    """

    def __init__(self) -> None:
        super().__init__()
        key = {"id": API_KEY, "spec": {"owner": {"id": USER}, "resource": {"id": "cloud"}}}
        self.resources: dict[str, Json] = {f"iam/v2/api-keys/{API_KEY}": key}
        self.secrets = {API_KEY: API_SECRET}
        self.kafka: dict[str, Kafka] = {}
        self.bootstrap = "pkc-00000.southamerica-east1.gcp.confluent.cloud:9092"
        self.cluster_polls = 2
        self.registry_polls = 2
        self.key_polls = 1
        self.partition_limit = 4096
        self.page_size = 0
        self.limits: dict[str, int] = {}
        self.unauthorized: set[str] = set()
        self.waits: dict[str, int] = {}
        self._numbers = itertools.count(1)

    # -- what a test breaks ----------------------------------------------------------------------

    def revoke(self, key: str) -> None:
        """Let an API key be wrong from now on, although it is still listed."""
        self.secrets.pop(key)

    def remove(self, key: str) -> None:
        """Remove a resource, as somebody else would have done, and the keys that belong to it."""
        identifier = key.rpartition("/")[2]
        del self.resources[key]
        self.kafka.pop(identifier, None)
        self.secrets.pop(identifier, None)
        for name, resource in list(self.resources.items()):
            if name.startswith("iam/v2/api-keys/"):
                spec = resource["spec"]
                if identifier in (spec["owner"]["id"], spec.get("resource", {}).get("id")):
                    self.remove(name)

    def fail_cluster(self, identifier: str) -> None:
        """Let the provisioning of a cluster have failed."""
        self.waits.pop(identifier, None)
        self.resources[f"cmk/v2/clusters/{identifier}"]["status"]["phase"] = "FAILED"

    # -- what a test looks at --------------------------------------------------------------------

    def named(self, collection: str, display_name: str) -> Json:
        """Return the only resource of this name in a collection: ``cmk/v2/clusters``."""
        (found,) = [
            resource
            for key, resource in self.resources.items()
            if key.startswith(f"{collection}/") and name_of(resource) == display_name
        ]
        return found

    # -- for the handlers ------------------------------------------------------------------------

    def settle(self) -> None:
        """Let time pass: clusters are provisioned, and they know the new keys."""
        for identifier in list(self.waits):
            self.wait_over(identifier)

    def wait_over(self, identifier: str) -> None:
        """End the wait for a cluster or a key."""
        self.waits.pop(identifier, None)
        if cluster := self.resources.get(f"cmk/v2/clusters/{identifier}"):
            cluster["status"]["phase"] = "PROVISIONED"
            http = f"{self.endpoint}/{identifier}"
            shown = {
                "kafka_bootstrap_endpoint": f"SASL_SSL://{self.bootstrap}",
                "http_endpoint": http,
            }
            cluster["spec"] |= shown
            cluster["spec"]["endpoints"] = {"PUBLIC": {**shown, "connection_type": "PUBLIC"}}

    def waited(self, identifier: str) -> bool:
        """Count one look at something new; return whether the wait for it is over."""
        left = self.waits.get(identifier, 0) - 1
        if left < 0:
            return True
        self.waits[identifier] = left
        if not left:
            self.wait_over(identifier)
        return False

    def number(self) -> int:
        """Return a number that the stand-in has not given before."""
        return next(self._numbers)


def name_of(resource: Json) -> str:
    """Return a resource's display name."""
    return str(resource.get("display_name") or resource.get("spec", {}).get("display_name", ""))
