"""What Kafka itself says that a login may do, compared with include/stream/acls.csv."""

from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaError, TopicCollection
from confluent_kafka.admin import AclOperation

from include.stream.acls import Acl, load_acls
from include.stream.errors import NOT_ALLOWED, KafkaRefusedError
from include.stream.topics import Admin
from include.stream.transactions import fence

#: End of the doctor's own transactional ids. No run has it, so no run's producer is fenced.
_OWN_ID = "ventas-cloud-doctor"


def missing_rights(config: Mapping[str, Any], user: str, seconds: float) -> list[str]:
    """Return the operations of the user's ACLs that the login may not do, such as ``read topic x``.

    Kafka answers the authorized operations of a topic or a consumer group; a topic that does not
    exist is left out. A transactional id is tried. No record is written.

    Raises:
        KafkaException: a setting of the client is wrong.
        StreamError: Kafka did not answer within `seconds`, or refused the login.
    """
    admin = Admin(config)
    missing = []
    for acl in load_acls():
        if acl.user != user:
            continue
        tried = acl.resource == "transactional_id"
        allowed = _tried(config, acl, seconds) if tried else _allowed(admin, acl, seconds)
        missing += [
            f"{operation} {acl.resource} {acl.name}"
            for operation in acl.operations.split()
            if allowed is not None and AclOperation[operation.upper()] not in allowed
        ]
    return missing


def _tried(config: Mapping[str, Any], acl: Acl, seconds: float) -> list[AclOperation]:
    """Return the operations that a producer with an id of its own below the prefix may do.

    Describe is refused only if Write is: Write includes it.
    """
    own_id = f"{acl.name}{_OWN_ID}"
    try:
        fence(config, own_id, seconds=seconds)
    except KafkaRefusedError as error:
        if error.code not in NOT_ALLOWED:
            raise
        return [AclOperation.DESCRIBE]
    return [AclOperation.DESCRIBE, AclOperation.WRITE]


def _allowed(admin: Admin, acl: Acl, seconds: float) -> list[AclOperation] | None:
    """Return the authorized operations of a topic or group; None if Kafka does not say."""
    options: dict[str, Any] = {"include_authorized_operations": True, "request_timeout": seconds}
    described: dict[str, Future[Any]] = (
        admin.describe_topics(TopicCollection([acl.name]), **options)
        if acl.resource == "topic"
        else admin.describe_consumer_groups([acl.name], **options)
    )
    try:
        answer = admin.wait_for(described[acl.name], f"describe {acl.name}", seconds)
    except KafkaRefusedError as error:
        if error.code in NOT_ALLOWED:
            return []
        if error.code == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise
    found: list[AclOperation] | None = answer.authorized_operations
    return found
