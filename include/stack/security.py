"""Logins, keys and certificates of a stack, and the configuration of its clients.

On every stack, Druid's processes, Derby and ZooKeeper answer only to the stack's own processes. On
a stack that is not secured, Kafka and the proxy before Druid ask for no login.

The logins of a secured stack stand for those of production: an API key of Confluent Cloud for
Airflow, another for Druid, and a Druid login for Airflow. Each process gets its login in its
environment. On disk, the passwords are in one file of mode 0600.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from requests.auth import HTTPBasicAuth

from include.druid.client import DruidClient
from include.druid.supervisor import JAAS_VARIABLE
from include.stack import secret_files
from include.stack.certificates import Authority
from include.stack.settings import Settings

#: Kafka users: the super user, for the stack itself and its tests, and two users limited by ACLs.
ADMIN: Final = "admin"
AIRFLOW: Final = "airflow"
DRUID: Final = "druid"

#: Kafka principal of each user of `include/stream/acls.csv`.
PRINCIPALS: Final = {user: f"User:{user}" for user in (AIRFLOW, DRUID)}

#: Environment variables with the logins of the broker and of the proxy before Druid.
BROKER_JAAS_VARIABLE: Final = "VENTAS_BROKER_JAAS_CONFIG"
PROXY_VARIABLES: Final = ("VENTAS_DRUID_LOGIN", "VENTAS_DRUID_PASSWORD")

#: HTTP header with the key that Druid's processes require (`extension/StackKey.java`).
KEY_HEADER: Final = "X-Ventas-Key"

#: Settings with which ZooKeeper opens sessions only after a login. Without it, another user of the
#: machine could announce a process as a Druid service and receive requests with the stack's key.
ZOOKEEPER_LOGIN: Final = {
    "authProvider.sasl": "org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
    "sessionRequireClientSASLAuth": "true",
}

#: Derby's user. Its name is also the schema of the tables, and APP is Derby's default schema.
_DERBY_USER: Final = "APP"

_DRUID_LOGIN: Final = "druid_login"
_CONFIG_PROVIDERS: Final = "org.apache.kafka.common.config.provider"
_PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def passwords(settings: Settings) -> dict[str, str]:
    """Return Kafka's passwords by user, and Druid's as `druid_login`; made at the first use."""
    names = (ADMIN, AIRFLOW, DRUID, _DRUID_LOGIN)
    makers = dict.fromkeys(names, lambda: secrets.token_urlsafe(24))
    return secret_files.kept(_folder(settings) / "passwords.json", makers)


def inner(settings: Settings) -> dict[str, str]:
    """Return the secrets between the stack's own processes; they are made at first use.

    `druid` is the key of Druid's processes; `derby` and `zookeeper` are the passwords of both.
    """
    makers = dict.fromkeys(("druid", "derby", "zookeeper"), lambda: secrets.token_urlsafe(24))
    return secret_files.kept(_folder(settings) / "inner.json", makers)


def druid_key(settings: Settings) -> Path:
    """Write the file with the key that each request to a Druid process needs; return its path."""
    return _private(settings, "druid.key", inner(settings)["druid"])


def druid_properties(settings: Settings) -> dict[str, str]:
    """Return the `runtime.properties` of every Druid process that depend on the inner secrets."""
    return {
        "druid.escalator.type": "ventas",
        "druid.metadata.storage.connector.user": _DERBY_USER,
        "druid.metadata.storage.connector.password": inner(settings)["derby"],
    }


def druid_jvm_options(settings: Settings) -> list[str]:
    """Return the JVM options of each Druid process: key, ZooKeeper login, Derby's settings."""
    # The password is in Derby's own file: every user of the machine can read a command line.
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
    """Return the JVM options of ZooKeeper, with the only login that it accepts."""
    users = _jaas_section("Server", **{f"user_{DRUID}": inner(settings)["zookeeper"]})
    return [_jaas_option(_private(settings, "zookeeper-server.jaas", users))]


def authority(settings: Settings) -> Authority:
    """Return the authority that signs the certificates of Kafka and of the proxy before Druid."""
    return Authority(_folder(settings))


def variables(settings: Settings) -> dict[str, str]:
    """Return the environment variables with the logins of a secured stack; else nothing."""
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
    """Return the URL of Druid: that of the proxy before its router."""
    return f"https://{settings.address('druid-tls')}" if settings.secure else settings.url("druid")


def druid_login(settings: Settings) -> tuple[str, str] | None:
    """Return Druid's user and password; None if the stack is not secured."""
    return (AIRFLOW, passwords(settings)[_DRUID_LOGIN]) if settings.secure else None


def druid_client(settings: Settings, **options: Any) -> DruidClient:
    """Return a client of the stack's Druid; `options` go to `DruidClient`."""
    login = druid_login(settings)
    return DruidClient(
        druid_url(settings),
        auth=HTTPBasicAuth(*login) if login else None,
        verify=str(authority(settings).certificate) if settings.secure else True,
        **options,
    )


def broker_properties(settings: Settings) -> Mapping[str, str]:
    """Return the security part of `server.properties`, for a broker that is also the controller.

    The controller's listener asks for no password: it accepts only a client with the broker's own
    TLS key.
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
        # The passwords come from the environment, so that the file does not have them.
        "config.providers": "env",
        "config.providers.env.class": f"{_CONFIG_PROVIDERS}.EnvVarConfigProvider",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f"${{env:{BROKER_JAAS_VARIABLE}}}",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{ADMIN};User:CN=kafka",
    }


def jaas(user: str, password: str, more: str = "") -> str:
    """Return `sasl.jaas.config` for a Java client of Kafka; `more` adds options for the broker."""
    options = f'username="{user}" password="{password}" {more}'.rstrip()
    return f"{_PLAIN} {options};"


def _folder(settings: Settings) -> Path:
    return settings.home / "security"


def _private(settings: Settings, name: str, text: str) -> Path:
    file = _folder(settings) / name
    secret_files.write(file, text)
    return file


def _jaas_section(section: str, **options: str) -> str:
    own = " ".join(f'{name}="{value}"' for name, value in options.items())
    return f"{section} {{ org.apache.zookeeper.server.auth.DigestLoginModule required {own}; }};\n"


def _jaas_option(file: Path) -> str:
    return f"-Djava.security.auth.login.config={file}"
