"""Describe a Kafka topic, or make sure that it exists as the project needs it."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import (
    AdminClient,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicDescription,
)

from include.stream.confluent import check_topic, is_confluent_cloud
from include.stream.errors import (
    Complaints,
    KafkaRefusedError,
    KafkaUnreachableError,
    StreamError,
)
from include.waiting import Polling

log = logging.getLogger(__name__)

ADMIN_TIMEOUT = 30.0
"""Time limit of one administrative request, in seconds."""

_BROKER_DEFAULT = -1
_LOOK = 0.2
"""Seconds between checks of the client's complaints while there is no answer."""

_PAUSE = 0.1
"""Seconds between two requests about a topic that the brokers do not serve yet."""

_UNREACHABLE = (KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN)

T = TypeVar("T")


class Admin(AdminClient):
    """An administrative client whose requests fail with the project's errors."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config
        self._complaints = Complaints(config)
        complaining: dict[str, Any] = {**config, "error_cb": self._complaints}
        super().__init__(complaining)

    def wait_for(self, future: "Future[T]", what: str, timeout: float = ADMIN_TIMEOUT) -> T:
        """Return a request's result; `what` describes the request in an error message.

        `timeout` is the request's time-out, in seconds. Raises `KafkaUnreachableError`,
        `KafkaEntryError` or `KafkaRefusedError`.
        """
        # One second more than the request: its own time-out comes first, and gives the reason.
        for _ in Polling(timeout + 1, interval=_LOOK, sleep=partial(wait, [future])):
            if future.done():
                break
            self.poll(0)
            self._complaints.raise_if_hopeless()
        try:
            return future.result(0)
        except TimeoutError as error:
            raise self._unreachable(timeout) from error
        except KafkaException as error:
            if error.args[0].code() in _UNREACHABLE:
                raise self._unreachable(timeout) from error
            raise KafkaRefusedError(self.config, what, error.args[0]) from error

    def reach(self, timeout: float) -> None:
        """Return once a broker answers; raise `KafkaUnreachableError` or `KafkaEntryError`."""
        try:
            self.list_topics(timeout=timeout)
        except KafkaException as error:
            self.poll(0)
            self._complaints.raise_if_hopeless()
            raise self._unreachable(timeout) from error

    def _unreachable(self, waited: float) -> KafkaUnreachableError:
        self.poll(0)
        return KafkaUnreachableError(self.config, waited, self._complaints.latest)


class TopicMissingError(StreamError):
    """The topic does not exist."""


class TopicNotReadyError(KafkaUnreachableError):
    """The topic exists, but its brokers do not serve it yet; trying again later may help."""

    def __init__(self, config: Mapping[str, Any], name: str, waited: float, reason: str) -> None:
        StreamError.__init__(
            self,
            f"Kafka at {config['bootstrap.servers']} does not serve topic {name!r} after "
            f"{waited:.1f} s ({reason}): check that all brokers run",
        )


class TopicMismatchError(StreamError):
    """The topic exists, but with fewer partitions than are needed."""


def ensure_topic(
    config: Mapping[str, Any],
    name: str,
    *,
    partitions: int,
    replication_factor: int | None = None,
    topic_config: Mapping[str, str] | None = None,
    timeout: float = ADMIN_TIMEOUT,
) -> bool:
    """Create the topic if it is missing; return whether it was created.

    The function returns once each partition of the topic has a leader. With a `replication_factor`
    of None, the broker's default applies. An existing topic keeps its settings: more partitions are
    fine, fewer raise `TopicMismatchError`, and each setting that differs from `topic_config` is
    logged as a warning. `timeout` is in seconds, for each request and for the wait for leaders.

    Raises `KafkaUnreachableError` if no broker answers, its subclass `TopicNotReadyError` if a
    partition has no leader in time, `KafkaEntryError` if Kafka does not accept the client's login
    or TLS settings, `KafkaRefusedError` if Kafka refuses a request, and `TopicNotAllowedError`,
    before any request, if Confluent Cloud would not accept the topic.
    """
    if is_confluent_cloud(config):
        check_topic(name, replication_factor, topic_config or {})
    admin = Admin(config)
    new = NewTopic(
        name,
        num_partitions=partitions,
        replication_factor=replication_factor or _BROKER_DEFAULT,
        config=dict(topic_config or {}),
    )
    created = _create(admin, new, timeout)
    existing = _partitions_with_leaders(admin, name, timeout)
    if created:
        return True
    if existing < partitions:
        raise TopicMismatchError(
            f"topic {name!r} has {existing} partitions, but {partitions} are needed: add "
            "partitions to the topic, or request fewer"
        )
    _warn_of_other_settings(admin, name, topic_config or {}, timeout)
    return False


def describe_topic(admin: Admin, name: str, timeout: float = ADMIN_TIMEOUT) -> TopicDescription:
    """Return the topic's description, also of a topic that was created a moment ago.

    The controller creates a topic, and the brokers learn of it later. So if a broker does not know
    the topic, the function asks the controller: it waits for a topic that exists, and raises an
    error at once for one that does not. `timeout` is in seconds, for each request and for the wait.

    Raises `TopicMissingError`, or `TopicNotReadyError` after the wait.
    """
    for _ in Polling(timeout, interval=_PAUSE):
        if description := _known(admin, name, timeout):
            return description
        if not _exists(admin, name, timeout):
            raise TopicMissingError(
                f"Kafka at {admin.config['bootstrap.servers']} has no topic {name!r}: create it "
                "first"
            )
    reason = "the topic exists, but the broker does not know it yet"
    raise TopicNotReadyError(admin.config, name, timeout, reason)


def _known(admin: Admin, name: str, timeout: float) -> TopicDescription | None:
    """Return a broker's description of the topic; None if that broker does not know it."""
    described = admin.describe_topics(TopicCollection([name]), request_timeout=timeout)
    try:
        description: TopicDescription = admin.wait_for(
            described[name], f"describe the topic {name!r}", timeout
        )
    except KafkaRefusedError as error:
        if error.code != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise
        return None
    return description


def _exists(admin: Admin, name: str, timeout: float) -> bool:
    """Ask the controller whether the topic exists: send a creation that it only validates."""
    checked = admin.create_topics([NewTopic(name)], request_timeout=timeout, validate_only=True)
    try:
        admin.wait_for(checked[name], f"look for the topic {name!r}", timeout)
    except KafkaRefusedError as error:
        # A user without the ACL to create topics is refused, and the topic counts as missing.
        return error.code == KafkaError.TOPIC_ALREADY_EXISTS
    return False


def _create(admin: Admin, new: NewTopic, timeout: float) -> bool:
    """Create the topic; return False if it exists."""
    created = admin.create_topics([new], operation_timeout=timeout, request_timeout=timeout)
    try:
        admin.wait_for(created[new.topic], f"create the topic {new.topic!r}", timeout)
    except KafkaRefusedError as error:
        if error.code != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        return False
    return True


def _partitions_with_leaders(admin: Admin, name: str, timeout: float) -> int:
    """Return the number of the topic's partitions once each has a leader."""
    for _ in Polling(timeout, interval=_PAUSE):
        partitions = describe_topic(admin, name, timeout).partitions
        leaderless = [each.id for each in partitions if each.leader is None]
        if not leaderless:
            return len(partitions)
    raise TopicNotReadyError(admin.config, name, timeout, f"partitions {leaderless} have no leader")


def _warn_of_other_settings(
    admin: Admin,
    name: str,
    wanted: Mapping[str, str],
    timeout: float,
) -> None:
    resource = ConfigResource(ResourceType.TOPIC, name)
    described = admin.describe_configs([resource], request_timeout=timeout)
    kept = admin.wait_for(described[resource], f"read the settings of the topic {name!r}", timeout)
    for setting, value in wanted.items():
        found = kept[setting].value if setting in kept else None
        if found != value:
            log.warning(
                "topic %r keeps its setting %s=%s, although %s is configured",
                name,
                setting,
                found,
                value,
            )
