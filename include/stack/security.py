"""Who may what in a secured stack, and how its clients get in; an open stack asks nobody.

The logins stand for what production has: an API key of Confluent Cloud for Airflow, another for
Druid, and a login of Druid's for Airflow. Each process has its own by its environment; on disk they
are in one file of mode 0600.
"""

import secrets
from collections.abc import Mapping
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

_DRUID_LOGIN: Final = "druid_login"
_CONFIG_PROVIDERS: Final = "org.apache.kafka.common.config.provider"
_PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule required"


def passwords(settings: Settings) -> dict[str, str]:
    """Kafka's passwords by user, and that of Druid's login as `druid_login`; made at first use."""
    names = (ADMIN, AIRFLOW, DRUID, _DRUID_LOGIN)
    makers = dict.fromkeys(names, lambda: secrets.token_urlsafe(24))
    return private.kept(settings.home / "security" / "passwords.json", makers)


def authority(settings: Settings) -> Authority:
    """The authority whose certificates Kafka and the proxy before Druid show."""
    return Authority(settings.home / "security")


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
    """Where Druid is reached: its router, or the proxy before it."""
    return (
        f"https://{settings.address('router-tls')}" if settings.secure else settings.url("router")
    )


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
