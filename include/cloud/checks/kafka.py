"""Checks of Confluent: login, the stored keys by a login with each, topics and Schema Registry."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaException

from include.cloud.checks.check import Check, NotCheckedError
from include.cloud.cloud import Cloud
from include.cloud.errors import CloudError, RefusedError
from include.cloud.kafka_rights import missing_rights
from include.cloud.registry import ROLE, SUBJECT, try_subject
from include.cloud.rest import Kafka
from include.cloud.secret_values import PREFIX, parsed, read, stored_key
from include.names import LEDGER_TOPIC, TOPIC
from include.stream.confluent import REPLICATION_FACTOR
from include.stream.errors import KafkaLoginError, KafkaUnreachableError, StreamError
from include.stream.topics import Admin
from include.texts import TextKey

#: Least `max.message.bytes` of a topic: Kafka's default, for which the publisher makes its batches.
LEAST_MESSAGE: Final = 1_048_588

#: Seconds for Kafka to answer.
_REACH: Final = 10.0


def login(cloud: Cloud) -> None:
    """Check that Confluent accepts the person's key."""
    try:
        cloud.confluent.call("GET", "org/v2/environments?page_size=1")
    except RefusedError as error:
        if error.status in (401, 403):
            raise CloudError("confluent_login", api_key=cloud.confluent.key) from None
        raise


def cluster_up(cloud: Cloud) -> None:
    """Check that the cluster is provisioned."""
    phase = cloud.found["cluster"]["status"]["phase"]
    if phase == "FAILED":
        title = TextKey("cli.cloud.kinds.cluster")
        raise CloudError("failed_resource", kind=title, name="ventas")
    if phase != "PROVISIONED":
        raise CloudError("cluster_not_up", phase=phase)


def kafka_login(user: str, cloud: Cloud) -> None:
    """Check that the cluster accepts a user's stored key."""
    key, _ = stored_key(cloud, user)
    try:
        client(cloud, user).call("GET", _topics(cloud))
    except RefusedError as error:
        if error.status == 401:
            raise CloudError("kafka_login", api_key=key, user=user) from None
        if error.status != 403:
            raise


def kafka_reachable(cloud: Cloud) -> None:
    """Log in to Kafka itself with the connection's own settings, if its port can be reached."""
    config = _config(cloud)
    server = str(config["bootstrap.servers"]).split(",")[0]
    host, _, port = server.rpartition(":")
    try:
        cloud.connect((host, int(port)), _REACH).close()
    except OSError as error:
        raise NotCheckedError("kafka_not_here", server=server, reason=error) from None
    with _one_sentence(config, "airflow"):
        Admin(config).reach(_REACH)


def kafka_rights(user: str, cloud: Cloud) -> None:
    """Ask Kafka itself what a user's stored key may do; no record is written."""
    key, secret = stored_key(cloud, user)
    config = {**_config(cloud), "sasl.username": key, "sasl.password": secret}
    with _one_sentence(config, user):
        missing = missing_rights(config, user, _REACH)
    if missing:
        raise CloudError("kafka_rights", user=user, missing=", ".join(missing))


@contextmanager
def _one_sentence(config: Mapping[str, Any], user: str) -> Iterator[None]:
    """Turn an error of Kafka's client into the sentence about the login, address or settings."""
    try:
        yield
    except KafkaLoginError:
        key = config.get("sasl.username", "")
        raise CloudError("kafka_login", api_key=key, user=user) from None
    except KafkaUnreachableError:
        raise CloudError("kafka_silent", server=config["bootstrap.servers"]) from None
    except KafkaException as error:
        raise CloudError("kafka_refuses", reason=error.args[0].str()) from None
    except StreamError as error:
        raise CloudError("kafka_refuses", reason=error) from None


def _config(cloud: Cloud) -> dict[str, Any]:
    """Return the connection's settings of Kafka's client."""
    extra = _extra(cloud).items()
    return {name: str(it) for name, it in extra if not name.startswith("schema.registry.")}


def _extra(cloud: Cloud) -> dict[str, Any]:
    connection: dict[str, Any] = parsed(read(cloud, f"{PREFIX}kafka_default")) or {}
    return connection.get("extra") or {}


def topic(name: str, cloud: Cloud) -> None:
    """Check an existing topic's replicas and its largest message; the DAG creates a missing one."""
    kafka, path = client(cloud, "airflow"), f"{_topics(cloud)}/{name}"
    found = kafka.find(path)
    if found is None:
        raise NotCheckedError("no_topic", name=name)
    if found["replication_factor"] != REPLICATION_FACTOR:
        factor = found["replication_factor"]
        raise CloudError("replication", name=name, found=factor, wanted=REPLICATION_FACTOR)
    configs = {it["name"]: it["value"] for it in kafka.call("GET", f"{path}/configs")["data"]}
    largest = int(configs.get("max.message.bytes", LEAST_MESSAGE))
    if largest < LEAST_MESSAGE:
        raise CloudError("max_message", name=name, found=largest, least=LEAST_MESSAGE)


def schema_registry(cloud: Cloud) -> None:
    """Check that the connection's key may write the sales' schema, if it names a registry."""
    if not (url := _extra(cloud).get("schema.registry.url")):
        raise NotCheckedError("no_registry")
    key, secret = stored_key(cloud, "registry")
    try:
        try_subject(cloud.confluent.at(url, key, secret))
    except RefusedError as error:
        if not error.status:
            raise
        # The key of `up` needs no person's correction.
        if error.status == 401 and cloud.deployment.schema_registry:
            raise CloudError("registry_key_refused", api_key=key) from None
        raise CloudError(
            "registry", url=url, status=error.status, reason=error.reason, subject=SUBJECT
        ) from None


def client(cloud: Cloud, user: str) -> Kafka:
    """Return a client of the cluster with a user's stored key."""
    return cloud.confluent.at(
        cloud.found["cluster"]["spec"]["http_endpoint"], *stored_key(cloud, user)
    )


def _topics(cloud: Cloud) -> str:
    return f"kafka/v3/clusters/{cloud.values['cluster']}/topics"


#: Before the comparison of Confluent's resources.
FIRST: Final = (Check("confluent_login", login),)

#: Before the comparison of the ACLs.
UP: Final = (Check("cluster_up", cluster_up, needs=("confluent_login", "cluster ventas")),)

#: At the end.
LAST: Final = (
    *(
        Check(
            "kafka_login",
            partial(kafka_login, user),
            user,
            ("cluster_up", f"kafka_key ventas-{user}"),
        )
        for user in ("airflow", "druid")
    ),
    *(
        Check("topic", partial(topic, name), name, ("kafka_login airflow",))
        for name in (TOPIC, LEDGER_TOPIC)
    ),
    Check("kafka_reachable", kafka_reachable, needs=("connection kafka_default",)),
    *(
        Check(
            "kafka_rights",
            partial(kafka_rights, user),
            user,
            ("kafka_reachable", f"kafka_login {user}"),
        )
        for user in ("airflow", "druid")
    ),
    Check("schema_registry", schema_registry, needs=("connection kafka_default", ROLE)),
)
