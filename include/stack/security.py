"""Who may what in a stack, and how its clients get in.

On every stack, Druid's processes, Derby and ZooKeeper answer only to the stack's own processes. An
open stack asks nobody else for a login.

The logins stand for what production has: an API key of Confluent Cloud for Airflow, another for
Druid, and a login of Druid's for Airflow. Each process has its own by its environment; on disk they
are in one file of mode 0600.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from requests.auth import HTTPBasicAuth

from include.druid.client import DruidClient
from include.druid.supervisor import JAAS_VARIABLE
from include.stack import private
from include.stack.certificates import Authority
from include.stack.settings import Settings

#: The super user of the stack itself and of its tests, and the two that have ACLs alone.
ADMIN: Final = "admin"
AIRFLOW: Final = "airflow"
DRUID: Final = "druid"

#: What Kafka principals the users of `include/stream/acls.csv` are here.
PRINCIPALS: Final = {user: f"User:{user}" for user in (AIRFLOW, DRUID)}

#: Environment variables of the broker and of the proxy before Druid.
BROKER_JAAS_VARIABLE: Final = "VENTAS_BROKER_JAAS_CONFIG"
PROXY_VARIABLES: Final = ("VENTAS_DRUID_LOGIN", "VENTAS_DRUID_PASSWORD")

#: The header with the key that Druid's processes ask for (`extension/StackKey.java`).
KEY_HEADER: Final = "X-Ventas-Key"

#: ZooKeeper's settings by which only who logs in has a session: requests with the stack's key would
#: be sent to a process that another user announced as a Druid service.
ZOOKEEPER_LOGIN: Final = {
    "authProvider.sasl": "org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
    "sessionRequireClientSASLAuth": "true",
}

#: Derby's user: its name is the schema of the tables, and Derby's default is this one.
_DERBY_USER: Final = "APP"

_DRUID_LOGIN: Final = "druid_login"
_CONFIG_PROVIDERS: Final = "org.apache.kafka.common.config.provider"
_PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def passwords(settings: Settings) -> dict[str, str]:
    """Kafka's passwords by user, and that of Druid's login as `druid_login`; made at first use."""
    names = (ADMIN, AIRFLOW, DRUID, _DRUID_LOGIN)
    makers = dict.fromkeys(names, lambda: secrets.token_urlsafe(24))
    return private.kept(_folder(settings) / "passwords.json", makers)


def inner(settings: Settings) -> dict[str, str]:
    """What Druid's processes, Derby and ZooKeeper ask of each other; made at first use."""
    makers = dict.fromkeys(("druid", "derby", "zookeeper"), lambda: secrets.token_urlsafe(24))
    return private.kept(_folder(settings) / "inner.json", makers)


def druid_key(settings: Settings) -> Path:
    """The file with the key that each request to a process of Druid needs."""
    return _private(settings, "druid.key", inner(settings)["druid"])


def druid_properties(settings: Settings) -> dict[str, str]:
    """What each Druid process's `runtime.properties` has of the inner secrets, beside the rest."""
    return {
        "druid.escalator.type": "ventas",
        "druid.metadata.storage.connector.user": _DERBY_USER,
        "druid.metadata.storage.connector.password": inner(settings)["derby"],
    }


def druid_jvm_options(settings: Settings) -> list[str]:
    """JVM options of each Druid process: its key, its login at ZooKeeper, Derby's settings."""
    # The folder of `derby.properties`: on a command line the password would be there to read.
    derby = _private(
        settings,
        "derby/derby.properties",
        "derby.connection.requireAuthentication=true\n"
        "derby.authentication.provider=BUILTIN\n"
        f"derby.user.{_DERBY_USER}={inner(settings)['derby']}\n",
    )
    login = _jaas_section("Client", username=DRUID, password=inner(settings)["zookeeper"])
    return [
        _jaas_option(_private(settings, "zookeeper-client.jaas", login)),
        f"-Dventas.druid.key={druid_key(settings)}",
        f"-Dderby.system.home={derby.parent}",
    ]


def zookeeper_jvm_options(settings: Settings) -> list[str]:
    """JVM options of ZooKeeper: the one login that it takes."""
    users = _jaas_section("Server", **{f"user_{DRUID}": inner(settings)["zookeeper"]})
    return [_jaas_option(_private(settings, "zookeeper-server.jaas", users))]


def authority(settings: Settings) -> Authority:
    """The authority whose certificates Kafka and the proxy before Druid show."""
    return Authority(_folder(settings))


def variables(settings: Settings) -> dict[str, str]:
    """What the secured stack's processes are told by their environment."""
    if not settings.secure:
        return {}
    own = passwords(settings)
    login, password = PROXY_VARIABLES
    users = " ".join(f'user_{user}="{own[user]}"' for user in (ADMIN, AIRFLOW, DRUID))
    return {
        BROKER_JAAS_VARIABLE: jaas(ADMIN, own[ADMIN], users),
        JAAS_VARIABLE: jaas(DRUID, own[DRUID]),
        login: AIRFLOW,
        password: own[_DRUID_LOGIN],
    }


def kafka_config(settings: Settings, user: str = ADMIN) -> dict[str, Any]:
    """librdkafka's configuration of a client of the stack's Kafka."""
    config: dict[str, Any] = {"bootstrap.servers": settings.address("kafka")}
    if not settings.secure:
        return config
    return {
        **config,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": user,
        "sasl.password": passwords(settings)[user],
        "ssl.ca.location": str(authority(settings).certificate),
    }


def druid_url(settings: Settings) -> str:
    """Where Druid is reached: the proxy before its router."""
    return f"https://{settings.address('druid-tls')}" if settings.secure else settings.url("druid")


def druid_login(settings: Settings) -> tuple[str, str] | None:
    """Login and password of Druid, if it asks for them."""
    return (AIRFLOW, passwords(settings)[_DRUID_LOGIN]) if settings.secure else None


def druid_client(settings: Settings, **options: Any) -> DruidClient:
    """A client of the stack's Druid; `options` are `DruidClient`'s."""
    login = druid_login(settings)
    return DruidClient(
        druid_url(settings),
        auth=HTTPBasicAuth(*login) if login else None,
        verify=str(authority(settings).certificate) if settings.secure else True,
        **options,
    )


def broker_properties(settings: Settings) -> Mapping[str, str]:
    """What `server.properties` has of security, of a broker that is its own controller.

    The controller's listener takes no password: only who has the broker's own key gets in.
    """
    own = authority(settings)
    certificate = own.server("kafka")
    return {
        "listener.security.protocol.map": "SASL_SSL:SASL_SSL,CONTROLLER:SSL",
        "inter.broker.listener.name": "SASL_SSL",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificate),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(own.certificate),
        "listener.name.controller.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        # In the file, the passwords would be there to read.
        "config.providers": "env",
        "config.providers.env.class": f"{_CONFIG_PROVIDERS}.EnvVarConfigProvider",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f"${{env:{BROKER_JAAS_VARIABLE}}}",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{ADMIN};User:CN=kafka",
    }


def jaas(user: str, password: str, more: str = "") -> str:
    """`sasl.jaas.config` of Kafka's Java clients, and with `more` of its broker."""
    options = f'username="{user}" password="{password}" {more}'.rstrip()
    return f"{_PLAIN} {options};"


def _folder(settings: Settings) -> Path:
    return settings.home / "security"


def _private(settings: Settings, name: str, text: str) -> Path:
    file = _folder(settings) / name
    private.write(file, text)
    return file


def _jaas_section(section: str, **options: str) -> str:
    own = " ".join(f'{name}="{value}"' for name, value in options.items())
    return f"{section} {{ org.apache.zookeeper.server.auth.DigestLoginModule required {own}; }};\n"


def _jaas_option(file: Path) -> str:
    return f"-Djava.security.auth.login.config={file}"
