"""The ACLs of include/stream/acls.csv in a Confluent cluster, by its REST API."""

from dataclasses import dataclass
from typing import Any

from include.cloud.cloud import Cloud
from include.cloud.resources import Look, Simple, needs_of
from include.stream.acls import Acl, load_acls


@dataclass(frozen=True)
class KafkaAcl(Simple):
    """One operation that a user may do."""

    acl: Acl
    operation: str
    keep: bool = True
    kind: str = "acl"

    @property
    def name(self) -> str:
        """The principal, the operation and the resource of the ACL."""
        acl = self.acl
        prefix = "…" if acl.pattern == "prefixed" else ""
        resource = acl.resource.replace("_", " ")
        return f"{acl.user} {self.operation} {resource} {acl.name}{prefix}"

    @property
    def needs(self) -> tuple[str, ...]:
        """The cluster, once it is up, and the account."""
        return needs_of("confluent", "cluster_up", f"confluent_account ventas-{self.acl.user}")

    def look(self, cloud: Cloud) -> Look:
        """Find the ACL in the list of all ACLs."""
        if "cluster" not in cloud.values or f"sa_{self.acl.user}" not in cloud.values:
            return Look(missing=True)
        wanted = self._wanted(cloud)
        return Look(missing=not any(wanted.items() <= it.items() for it in listed(cloud)))

    def make(self, cloud: Cloud) -> None:
        """Create the ACL."""
        cloud.kafka.ask("POST", _path(cloud), self._wanted(cloud))

    def _wanted(self, cloud: Cloud) -> dict[str, str]:
        return {
            "resource_type": self.acl.resource.upper(),
            "resource_name": self.acl.name,
            "pattern_type": self.acl.pattern.upper(),
            "principal": f"User:{cloud.values[f'sa_{self.acl.user}']}",
            "host": "*",
            "operation": self.operation.upper(),
            "permission": "ALLOW",
        }


def all_acls() -> list[KafkaAcl]:
    """Return one ACL for each operation of each row."""
    return [KafkaAcl(acl, operation) for acl in load_acls() for operation in acl.operations.split()]


def listed(cloud: Cloud) -> list[dict[str, Any]]:
    """Return the cluster's ACLs; they are read once."""
    if "acls" not in cloud.found:
        cloud.found["acls"] = cloud.kafka.ask("GET", _path(cloud))["data"]
    acls: list[dict[str, Any]] = cloud.found["acls"]
    return acls


def _path(cloud: Cloud) -> str:
    return f"kafka/v3/clusters/{cloud.values['cluster']}/acls"
