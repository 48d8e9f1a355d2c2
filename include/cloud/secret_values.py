"""Values in Secret Manager: Druid's passwords, Kafka's keys and Airflow's connections.

A value goes from memory into Secret Manager, and never to a disk, an argument or a log.
"""

import base64
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from include.cloud.cloud import WANTED, Cloud
from include.cloud.errors import CloudError, RefusedError
from include.cloud.matching import difference, filled, merged
from include.cloud.resources import Look, Simple, needs_of

#: Values of a secret that shell commands leave behind when a variable is not set.
EMPTY: Final = ("", "null", '""')

ADMIN: Final = "ventas-druid-admin"
INTERNAL: Final = "ventas-druid-internal"
JAAS: Final = "ventas-kafka-jaas"
PREFIX: Final = "airflow-connections-"

_JAAS: Final = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    ' username="{key}" password="{secret}";'
)


class Value(NamedTuple):
    """The latest version of a secret: its text, None without a version; or that it is disabled."""

    text: str | None = None
    disabled: bool = False

    @property
    def usable(self) -> bool:
        """Whether there is a value, and it is not empty or null."""
        return self.text is not None and self.text.strip() not in EMPTY


def read(cloud: Cloud, name: str) -> Value:
    """Return the latest version of a secret."""
    try:
        found = cloud.google.find(f"secretmanager/v1/{_secret(cloud, name)}/versions/latest:access")
    except RefusedError as error:
        # Google's FAILED_PRECONDITION: the latest version is disabled or destroyed.
        if error.status != 400:
            raise
        return Value(disabled=True)
    return Value(base64.b64decode(found["payload"]["data"]).decode()) if found else Value()


def write(cloud: Cloud, name: str, text: str) -> None:
    """Add a version to a secret.

    Raises:
        CloudError: the value is empty or null.
    """
    if not Value(text).usable:
        raise CloudError("empty_secret", name=name)
    payload = {"data": base64.b64encode(text.encode()).decode()}
    path = f"secretmanager/v1/{_secret(cloud, name)}:addVersion"
    cloud.send(f"POST {path}", {"payload": payload})


def new_password() -> str:
    """Return a password that needs no escaping anywhere."""
    return secrets.token_hex(24)


def _secret(cloud: Cloud, name: str) -> str:
    return f"projects/{cloud.deployment.project}/secrets/{name}"


@dataclass(frozen=True)
class _InSecret(Simple):
    """A value in a secret: the secret itself is a resource of its own."""

    name: str
    keep: bool = True

    @property
    def secret(self) -> str:
        """Name of the secret."""
        return self.name

    @property
    def needs(self) -> tuple[str, ...]:
        """The secret, and its value."""
        return needs_of("secretmanager", f"secret {self.secret}", f"value {self.secret}")


@dataclass(frozen=True)
class Password(_InSecret):
    """A password of Druid, which is generated once."""

    kind: str = "password"

    def look(self, cloud: Cloud) -> Look:
        """Return whether there is a password.

        Raises:
            CloudError: it is disabled; a new one would lock Druid's users out.
        """
        value = read(cloud, self.name)
        if value.disabled:
            raise CloudError("secret_disabled", name=self.name)
        return Look(missing=not value.usable)

    def make(self, cloud: Cloud) -> None:
        """Generate the password."""
        write(cloud, self.name, new_password())


@dataclass(frozen=True)
class KafkaKey(_InSecret):
    """The key of a service account in Kafka, and the secret that holds it.

    Confluent answers a key's secret only once. So a key whose secret is not stored is deleted.

    Attributes:
        user: ``airflow`` or ``druid``.
        of: ``cluster``; ``registry`` for a key of the Schema Registry.
    """

    keep: bool = False
    kind: str = "kafka_key"
    user: str = ""
    of: str = "cluster"

    @property
    def secret(self) -> str:
        """Name of the secret."""
        return JAAS if self.user == "druid" else f"{PREFIX}kafka_default"

    @property
    def needs(self) -> tuple[str, ...]:
        """The secret, the cluster or registry, and the account in Confluent."""
        owner = f"confluent_account ventas-{self.user}"
        return (*super().needs, "confluent_login", f"{self.of} ventas", owner)

    def look(self, cloud: Cloud) -> Look:
        """Return whether the stored key exists in Confluent."""
        if f"sa_{self.user}" not in cloud.values or self.of not in cloud.values:
            return Look(missing=True)
        stored, _ = stored_key(cloud, self.user if self.of == "cluster" else self.of)
        return Look(missing=stored not in self._keys(cloud))

    def make(self, cloud: Cloud) -> None:
        """Delete keys whose secret was lost, create a key and store it at once."""
        for key in self._keys(cloud):
            cloud.delete_key(key)
        owner = cloud.values[f"sa_{self.user}"]
        self._store(cloud, *cloud.make_key(owner, f"ventas-{self.user}", self.of))

    def _store(self, cloud: Cloud, key: str, secret: str) -> None:
        """Store a new key, and wait until the cluster knows it."""
        if self.user == "druid":
            write(cloud, JAAS, _JAAS.format(key=key, secret=secret))
        else:
            bootstrap = bootstrap_of(cloud.found["cluster"])
            new = {"kafka_key": key, "kafka_secret": secret, "bootstrap": bootstrap}
            write_connection(cloud, "kafka_default", new)
        kafka = cloud.confluent.at(cloud.found["cluster"]["spec"]["http_endpoint"], key, secret)
        kafka.ask("GET", f"kafka/v3/clusters/{cloud.values['cluster']}/topics")

    def remove(self, cloud: Cloud) -> bool:
        """Delete the user's keys."""
        if f"sa_{self.user}" not in cloud.values or self.of not in cloud.values:
            return False
        keys = self._keys(cloud)
        for key in keys:
            cloud.delete_key(key)
        return bool(keys)

    def _keys(self, cloud: Cloud) -> list[str]:
        return cloud.keys(cloud.values[f"sa_{self.user}"], f"ventas-{self.user}", self.of)


@dataclass(frozen=True)
class Connection(_InSecret):
    """A connection of Airflow, as JSON. Keys that a person added to it stay."""

    kind: str = "connection"

    @property
    def secret(self) -> str:
        """Name of the secret."""
        return PREFIX + self.name

    @property
    def needs(self) -> tuple[str, ...]:
        """The secret, and what its values come from."""
        if self.name == "kafka_default":
            return (*super().needs, "kafka_key ventas-airflow", "registry_key ventas-airflow")
        password = (f"value {ADMIN}",) if "druid" in self.name else ()
        return (*super().needs, *password)

    def look(self, cloud: Cloud) -> Look:
        """Compare the stored connection with the wanted one."""
        try:
            wanted = _wanted(cloud, self.name, known(cloud))
        except KeyError:
            return Look(missing=True)
        value = read(cloud, self.secret)
        if not value.usable:
            return Look(missing=True)
        found = parsed(value)
        told = difference(wanted, found)
        # A password may be in a difference.
        return Look(difference=told.partition(":")[0], found=found)

    def make(self, cloud: Cloud) -> None:
        """Write the connection."""
        write_connection(cloud, self.name, known(cloud))

    def mend(self, cloud: Cloud, look: Look) -> None:  # noqa: ARG002 - the values are read again
        """Write the connection; fields that a person added stay."""
        self.make(cloud)


def write_connection(cloud: Cloud, name: str, values: Mapping[str, Any]) -> None:
    """Store a connection; keys of the stored one that are not wanted by this project stay."""
    wanted = _wanted(cloud, name, values)
    found = parsed(read(cloud, PREFIX + name))
    write(cloud, PREFIX + name, json.dumps(merged(wanted, found)))


def _wanted(cloud: Cloud, name: str, values: Mapping[str, Any]) -> Any:
    """Return a connection; one of Kafka with the registry only if its key is among the values."""
    wanted = WANTED["connections"][name]
    if name == "kafka_default" and "registry_key" in values:
        wanted = {**wanted, "extra": wanted["extra"] | WANTED["registry_extra"]}
    return filled(wanted, {**cloud.values, **values})


def parsed(value: Value) -> Any:
    """Return the JSON of a value; None if it is none."""
    try:
        return json.loads(value.text or "")
    except ValueError:
        return None


def known(cloud: Cloud) -> dict[str, Any]:
    """Return the values of the connections that only the clouds know; some may be missing."""
    router = cloud.deployment.druid_router
    found: dict[str, Any] = {"druid_schema": router.scheme, "druid_port": router.port}
    found["druid_host"] = druid_host(cloud)
    if (password := read(cloud, ADMIN)).usable:
        found["druid_password"] = password.text
    if "cluster" in cloud.found:
        found["bootstrap"] = bootstrap_of(cloud.found["cluster"])
    registry_key, registry_secret = stored_key(cloud, "registry")
    if cloud.deployment.schema_registry and registry_key and "registry" in cloud.found:
        found["registry_url"] = cloud.found["registry"]["spec"]["http_endpoint"]
        found |= {"registry_key": registry_key, "registry_secret": registry_secret}
    key, secret = stored_key(cloud, "airflow")
    return {**found, "kafka_key": key, "kafka_secret": secret} if key else found


def druid_host(cloud: Cloud) -> str:
    """Return the host at which Airflow reaches Druid; by default its IP, if `up` made the VM."""
    deployment = cloud.deployment
    host = str(deployment.druid_router.hostname)
    if deployment.create_vm and not deployment.druid_address and host != "127.0.0.1":
        path = "compute/compute/v1/projects/{project}/zones/{zone}/instances/{instance}"
        if vm := cloud.google.find(filled(path, cloud.values)):
            return str(vm["networkInterfaces"][0]["networkIP"])
    return host


def bootstrap_of(cluster: Mapping[str, Any]) -> str:
    """Return a cluster's `bootstrap.servers`."""
    return str(cluster["spec"]["kafka_bootstrap_endpoint"]).removeprefix("SASL_SSL://")


def stored_key(cloud: Cloud, user: str) -> tuple[str, str]:
    """Return a stored key and its secret; "" for both if none is stored.

    `user` is ``airflow`` or ``druid`` for their keys of Kafka, or ``registry`` for Airflow's key of
    the Schema Registry.
    """
    if user == "druid":
        text = read(cloud, JAAS).text or ""
        found = re.search(r'username="([^"]+)" password="([^"]+)"', text)
        return (found[1], found[2]) if found else ("", "")
    connection = parsed(read(cloud, f"{PREFIX}kafka_default"))
    extra = (connection or {}).get("extra") or {} if isinstance(connection, dict) else {}
    # Airflow also reads an extra that is text with JSON in it.
    extra = parsed(Value(extra)) or {} if isinstance(extra, str) else extra
    key, secret = extra.get("sasl.username"), extra.get("sasl.password")
    if user == "registry":
        key, _, secret = str(extra.get("schema.registry.basic.auth.user.info", "")).partition(":")
    return (key, secret) if key and secret else ("", "")
