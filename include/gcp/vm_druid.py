"""The configuration files of the VM's Druid, for a machine type and the user's choices.

Druid's processes and ZooKeeper listen on loopback; only the router listens on the VM's address.
Airflow and the browser reach it through Identity-Aware Proxy's TCP forwarding, or from within the
VPC, with a firewall rule that the user adds. Identity-Aware Proxy encrypts the traffic, so Druid
needs no TLS and no certificate. `druid-basic-security` asks every client for a password.

This runs on the VM: it may import only the standard library and `include.druid`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from include.druid import container, runtime
from include.gcp.sizing import ZOOKEEPER

HOST: Final = "127.0.0.1"
CONF: Final = PurePath("/etc/druid")
HOME: Final = PurePath("/opt/druid")
DATA: Final = PurePath("/var/lib/druid")
METADATA_CA: Final = "metadata/ca.pem"
LOG4J: Final = PurePath("/opt/ventas/include/druid/log4j2.xml")

PORTS: Final = {
    **{service: container.PORTS[service] for service in ("coordinator", "broker", "historical")},
    "middleManager": 8091,
    "router": container.PORTS["router"],
    "peon": 8100,
    "derby": container.PORTS["derby"],
    "zookeeper": 2181,
}

#: Druid's user for its processes' calls to each other.
INTERNAL_USER: Final = "druid_system"

#: Environment variables from which Druid reads its secrets, which no file may have.
KAFKA_JAAS_VARIABLE: Final = "KAFKA_JAAS_CONFIG"
ADMIN_VARIABLE: Final = "DRUID_ADMIN_PASSWORD"
INTERNAL_VARIABLE: Final = "DRUID_INTERNAL_PASSWORD"

#: Keys that a user may not set: logins, extensions, the metadata store and the addresses on which
#: Druid listens. A secret would be readable in the VM's metadata.
_OWN_KEYS: Final = re.compile(
    r"(druid\.indexer\.fork\.property\.)?druid\.("
    r"(auth|escalator|extensions|javascript|metadata|zk)\.|(host|bindOnHost|\w*plaintextPort)$)"
    r"|.*(password|secret|token|credential|basicAuthentication)",
    re.IGNORECASE,
)
_PROPERTY: Final = re.compile(r"(?P<service>\*|\w+)/(?P<key>druid\.[\w.]+)=(?P<value>.*)")

_EXTENSIONS: Final = (*container.EXTENSIONS, "druid-basic-security")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The settings of Druid that differ between VMs.

    Attributes:
        sizes: memory and threads of each process, for the machine type.
        segment_cache: disk for the historical's segments, GiB.
        bucket: Cloud Storage bucket for segments and task logs; "" for the data disk.
        metadata_uri: JDBC address of the PostgreSQL metadata store, without parameters; "" for
            Derby.
        metadata_ca: PEM of the authority that signed the store's certificate.
        metadata_user: user of the metadata store.
        properties: settings of the user, by service and key, which replace the project's.
    """

    sizes: Mapping[str, runtime.Size]
    segment_cache: int
    bucket: str = ""
    metadata_uri: str = ""
    metadata_ca: str = ""
    metadata_user: str = ""
    properties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def parse_properties(lines: str) -> dict[str, dict[str, str]]:
    """Return settings by service and key, from lines ``SERVICE/KEY=VALUE``.

    SERVICE is one of `runtime.VM_SERVICES`, or ``*`` for all of them. A later line replaces an
    earlier one. Raises ValueError, with one sentence, for a line that the VM must not apply.
    """
    found: dict[str, dict[str, str]] = {service: {} for service in runtime.VM_SERVICES}
    for line in filter(None, map(str.strip, lines.splitlines())):
        match = _PROPERTY.fullmatch(line)
        if not match or match["service"] not in ("*", *found):
            raise ValueError(
                f"'{line}' must be SERVICE/KEY=VALUE, such as */druid.emitter=logging, with a"
                f" service of {', '.join(found)}, or * for all"
            )
        if _OWN_KEYS.match(match["key"]):
            raise ValueError(
                f"remove {match['key']}: the VM itself sets logins, addresses, extensions and the"
                " metadata store, and a secret must not be in its metadata"
            )
        for service in found if match["service"] == "*" else (match["service"],):
            found[service][match["key"]] = match["value"]
    return found


def files(choices: Choices) -> dict[str, str]:
    """Return the files' texts, by path below `/etc/druid`.

    Each process has a folder with its configuration and its JVM arguments. With a PostgreSQL store,
    there is also the certificate of its authority.
    """
    deployment = runtime.Deployment(
        host=HOST,
        ports=PORTS,
        zookeeper=f"{HOST}:{PORTS['zookeeper']}",
        folder=DATA,
        sizes=choices.sizes,
        jvm_flags=(*runtime.VM_JVM_FLAGS, f"-Dlog4j.configurationFile={LOG4J}"),
        segment_cache=choices.segment_cache,
    )
    found = {
        "zookeeper/zoo.cfg": runtime.render(_ZOO),
        "zookeeper/java.args": _arguments(
            [f"-Xmx{ZOOKEEPER // 2}m", f"-Dlog4j.configurationFile={LOG4J}"],
            class_path=f"{HOME}/lib/*",
            run=["org.apache.zookeeper.server.quorum.QuorumPeerMain", f"{CONF}/zookeeper/zoo.cfg"],
        ),
    }
    if choices.metadata_uri:
        found[METADATA_CA] = choices.metadata_ca
    for service in runtime.VM_SERVICES:
        settings = {
            **runtime.properties(service, deployment),
            **_differences(service, choices),
            **choices.properties.get(service, {}),
        }
        found[f"{service}/runtime.properties"] = runtime.render(settings)
        found[f"{service}/java.args"] = _arguments(
            runtime.jvm_options(service, deployment),
            class_path=f"{CONF}/{service}:{HOME}/lib/*",
            run=["org.apache.druid.cli.Main", "server", service],
        )
    return found


def _arguments(options: list[str], *, class_path: str, run: list[str]) -> str:
    return "".join(f'"{argument}"\n' for argument in (*options, "-cp", class_path, *run))


_ZOO: Final = {
    "dataDir": str(DATA / "zookeeper"),
    "clientPort": str(PORTS["zookeeper"]),
    "clientPortAddress": HOST,
    "admin.enableServer": "false",
    "tickTime": "2000",
    "maxClientCnxns": "0",
    "autopurge.purgeInterval": "1",
}


def _differences(service: str, choices: Choices) -> dict[str, str]:
    settings = {
        "druid.extensions.directory": str(HOME / "extensions"),
        **_security(),
        **(_postgresql(choices) if choices.metadata_uri else {}),
        **(_cloud_storage(choices.bucket) if choices.bucket else {}),
        "druid.extensions.loadList": json.dumps(
            [*_EXTENSIONS, *(["druid-google-extensions"] if choices.bucket else [])]
        ),
    }
    if service == "router":
        # Only the router can be reached from outside, if the firewall allows it.
        settings["druid.bindOnHost"] = "false"
    return settings


def _security() -> dict[str, str]:
    """Return settings for logins, with users in the metadata store (Druid 33, "Basic Security")."""
    return {
        "druid.auth.authenticatorChain": '["basic"]',
        "druid.auth.authenticator.basic.type": "basic",
        "druid.auth.authenticator.basic.credentialsValidator.type": "metadata",
        "druid.auth.authenticator.basic.skipOnFailure": "false",
        "druid.auth.authenticator.basic.authorizerName": "basic",
        # Druid uses the initial passwords only while the metadata store is empty.
        "druid.auth.authenticator.basic.initialAdminPassword": _variable(ADMIN_VARIABLE),
        "druid.auth.authenticator.basic.initialInternalClientPassword": _variable(
            INTERNAL_VARIABLE
        ),
        "druid.auth.authorizers": '["basic"]',
        "druid.auth.authorizer.basic.type": "basic",
        "druid.escalator.type": "basic",
        "druid.escalator.internalClientUsername": INTERNAL_USER,
        "druid.escalator.internalClientPassword": _variable(INTERNAL_VARIABLE),
        "druid.escalator.authorizerName": "basic",
    }


def _postgresql(choices: Choices) -> dict[str, str]:
    return {
        "druid.metadata.storage.type": "postgresql",
        # `verify-full` would require the address in Cloud SQL's certificate, but it has the
        # instance's name. `verify-ca` is enough: the authority signs only for that instance.
        "druid.metadata.storage.connector.connectURI": (
            f"{choices.metadata_uri}?sslmode=verify-ca&sslrootcert={CONF / METADATA_CA}"
        ),
        "druid.metadata.storage.connector.user": choices.metadata_user,
        "druid.metadata.storage.connector.password": _variable(container.PASSWORD_VARIABLE),
    }


def _cloud_storage(bucket: str) -> dict[str, str]:
    """Return settings for segments and task logs on a bucket (Druid 33, "Google Cloud Storage")."""
    return {
        "druid.storage.type": "google",
        "druid.google.bucket": bucket,
        "druid.google.prefix": "druid/segments",
        "druid.indexer.logs.type": "google",
        "druid.indexer.logs.bucket": bucket,
        "druid.indexer.logs.prefix": "druid/task-logs",
    }


def _variable(name: str) -> str:
    return json.dumps({"type": "environment", "variable": name})
