"""Schema Registry of the Confluent environment: Airflow's key, which may write one subject."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from include.cloud.cloud import Cloud
from include.cloud.errors import CloudError, RefusedError
from include.cloud.resources import Look, Resource, Simple, needs_of, plain, title
from include.cloud.rest import NEW_ROLE, Kafka
from include.cloud.secret_values import KafkaKey, known, write_connection
from include.names import TOPIC

#: The subject of the sales' schema, and the check of the right to write it.
SUBJECT: Final = f"{TOPIC}-value"
ROLE: Final = f"registry_role ventas-airflow → DeveloperWrite ({SUBJECT})"

#: Seconds for Confluent to make the registry.
_READY: Final = 600.0

#: A registry's answer about a subject that has no schema yet.
_NO_SCHEMA: Final = re.compile("(Subject|Version|Schema).* not found")


def registry(cloud: Cloud) -> list[Resource]:
    """Return the registry, Airflow's role and its key, if the settings ask for them."""
    if not cloud.deployment.schema_registry:
        return []
    return [Registry(), *plain("registry", cloud), RegistryKey("ventas-airflow", user="airflow")]


def try_subject(client: Kafka, not_yet: re.Pattern[str] | None = None) -> None:
    """Ask the registry whether a schema would be compatible, which needs the right to write.

    Nothing is registered.

    Raises:
        RefusedError: the registry does not answer, or refuses the key.
    """
    path = f"compatibility/subjects/{SUBJECT}/versions/latest"
    body = {"schemaType": "JSON", "schema": json.dumps({"type": "object"})}
    try:
        client.call("POST", path, body, not_yet=not_yet)
    except RefusedError as error:
        if error.status != 404 or not _NO_SCHEMA.search(error.reason):
            raise


@dataclass(frozen=True)
class Registry(Simple):
    """The environment's only Schema Registry; it goes with the environment."""

    name: str = "ventas"
    keep: bool = True
    kind: str = "registry"

    @property
    def needs(self) -> tuple[str, ...]:
        """The cluster: Confluent makes the registry in the region of the first one."""
        return needs_of("confluent", "cluster_up")

    def look(self, cloud: Cloud) -> Look:
        """Find the registry, and remember the name that roles use for it."""
        if "environment" not in cloud.values:
            return Look(missing=True)
        path = f"srcm/v3/clusters?environment={cloud.values['environment']}"
        found: list[Any] = cloud.confluent.items(path)
        if not found:
            return Look(missing=True)
        cloud.keep("registry", found[0])
        cloud.values["registry_crn"] = found[0]["metadata"]["resource_name"]
        return Look(found=found[0])

    def make(self, cloud: Cloud) -> None:
        """Give the environment the package with a registry, Stream Governance Essentials."""
        path = f"confluent/org/v2/environments/{cloud.values['environment']}"
        cloud.send(f"PATCH {path}", {"stream_governance_config": {"package": "ESSENTIALS"}})

    def wait(self, cloud: Cloud) -> None:
        """Wait until the registry is provisioned.

        Raises:
            CloudError: the deadline passed.
        """
        told = False
        for _ in cloud.clock.polling(_READY, interval=5):
            found = self.look(cloud).found
            if found and found["status"]["phase"] == "PROVISIONED":
                return
            if not told:
                cloud.tell("waiting", kind=self.kind, name=self.name)
                told = True
        raise CloudError(
            "slow_resource", kind=title(self.kind), name=self.name, seconds=int(_READY)
        )


@dataclass(frozen=True)
class RegistryKey(KafkaKey):
    """Airflow's key of the registry, which is stored in `kafka_default`."""

    kind: str = "registry_key"
    of: str = "registry"

    def _store(self, cloud: Cloud, key: str, secret: str) -> None:
        """Store a new key, and wait until the registry knows it and its owner's role."""
        url = cloud.found["registry"]["spec"]["http_endpoint"]
        new = {"registry_url": url, "registry_key": key, "registry_secret": secret}
        write_connection(cloud, "kafka_default", {**known(cloud), **new})
        try_subject(cloud.confluent.at(url, key, secret), NEW_ROLE)
