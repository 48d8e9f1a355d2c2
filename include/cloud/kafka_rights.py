"""What Kafka itself says that a login may do, compared with include/stream/acls.csv."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient

from include.stream.acls import Acl, load_acls

_REFUSED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)


def missing_rights(config: Mapping[str, Any], user: str, seconds: float) -> list[str]:
    """Return the operations of the user's ACLs that the login may not do, such as ``read topic x``.

    Kafka answers the authorized operations of a topic or a consumer group, and changes nothing. It
    has no such answer for a transactional id, nor for a topic that does not exist: these are left
    out.

    Raises:
        KafkaException: Kafka did not answer within `seconds`, or refused the login.
    """
    admin = AdminClient(dict(config))
    missing = []
    for acl in load_acls():
        if acl.user != user or acl.resource == "transactional_id":
            continue
        allowed = _allowed(admin, acl, seconds)
        missing += [
            f"{operation} {acl.resource} {acl.name}"
            for operation in acl.operations.split()
            if allowed is not None and AclOperation[operation.upper()] not in allowed
        ]
    return missing


def _allowed(admin: AdminClient, acl: Acl, seconds: float) -> list[AclOperation] | None:
    """Return the authorized operations of a topic or group; None if Kafka does not say."""
    options: dict[str, Any] = {"include_authorized_operations": True, "request_timeout": seconds}
    described: dict[str, Future[Any]] = (
        admin.describe_topics(TopicCollection([acl.name]), **options)
        if acl.resource == "topic"
        else admin.describe_consumer_groups([acl.name], **options)
    )
    try:
        found: list[AclOperation] | None = described[acl.name].result().authorized_operations
    except KafkaException as error:
        if error.args[0].code() in _REFUSED:
            return []
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise
    return found
