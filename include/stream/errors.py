"""The errors that the Kafka side of the project raises; each message is one sentence to act on."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError

from include.stream.diagnosis import diagnose

#: The kind of resource that the connection's user lacks an ACL for, by Kafka's error code.
_ACL_FOR: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "consumer group",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "transactional.id",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "cluster",
}

NOT_ALLOWED: Final = frozenset(_ACL_FOR)
"""Kafka's error codes for a missing ACL: a retry cannot help."""

_LOGIN_REFUSED: Final = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)


class StreamError(RuntimeError):
    """Kafka's data or Kafka's answer does not let the project go on."""


class KafkaUnreachableError(StreamError):
    """No broker answered in time; trying again later may help."""

    def __init__(self, config: Mapping[str, Any], waited: float, reason: str = "") -> None:
        super().__init__(
            f"Kafka at {config['bootstrap.servers']} did not answer within {waited:.1f} s"
            f"{f' ({reason})' if reason else ''}: "
            + (
                diagnose(config)
                or "check that the broker runs, and the address and credentials of the Airflow "
                "connection"
            )
        )


class KafkaEntryError(StreamError):
    """Kafka does not accept the client's login or TLS settings; a retry does not help."""


class KafkaLoginError(KafkaEntryError):
    """Kafka refuses the client's login."""


class KafkaRefusedError(StreamError):
    """The broker, or the client on its behalf, refused a request; `code` is Kafka's error code."""

    def __init__(self, config: Mapping[str, Any], what: str, error: KafkaError) -> None:
        kafka = f"Kafka at {config['bootstrap.servers']}"
        if kind := _ACL_FOR.get(error.code()):
            message = (
                f"{kafka} does not allow the connection's user to {what}: give that user the "
                f"ACLs of docs/acls.md, because one on the {kind} is missing"
            )
        else:
            message = f"{kafka} cannot {what}: {error.str()}"
        super().__init__(message)
        self.code = error.code()


class Complaints:
    """librdkafka's ``error_cb``, the only place where it reports why there is no answer."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self.latest = ""
        """The latest complaint, in librdkafka's words."""
        self._hopeless: KafkaEntryError | None = None

    def __call__(self, error: KafkaError) -> None:
        self.latest = error.str()
        if self._hopeless:
            return
        kafka = f"Kafka at {self._config['bootstrap.servers']}"
        if error.code() in _LOGIN_REFUSED:
            self._hopeless = KafkaLoginError(
                f"{kafka} refuses the connection's login: correct sasl.username and sasl.password "
                "(on Confluent Cloud, an API key of this cluster and its secret) and sasl.mechanism"
            )
        # A broker that stops during a handshake also gives an SSL error, but it may come back.
        elif error.code() == KafkaError._SSL and (found := diagnose(self._config)):
            self._hopeless = KafkaEntryError(f"{kafka} cannot be reached over TLS: {found}")

    def raise_if_hopeless(self) -> None:
        """Raise `KafkaEntryError` if Kafka will never accept the client as it is configured."""
        if self._hopeless:
            raise self._hopeless
