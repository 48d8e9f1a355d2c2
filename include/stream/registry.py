"""The event's JSON Schema, published with its topic to a Schema Registry, if there is one.

It documents the topic, and lets Confluent's console and other readers know its fields. The records
stay plain JSON, which Druid reads: they carry no schema id, as a registry's serializers would add.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from include.stream.errors import StreamError

_TIMEOUT: Final = 15
_RETRIES: Final = 2


class RegistryError(StreamError):
    """The Schema Registry did not take the schema; the message says what to do."""


def publish_schema(registry: Mapping[str, Any], topic: str, schema: Mapping[str, Any]) -> int:
    """Register the schema of a topic's values, under ``<topic>-value``; returns its id.

    The same schema again has the same id. `registry` is `SchemaRegistryClient`'s configuration:
    ``url``, and ``basic.auth.user.info`` (``key:secret``) if it asks for one.

    Raises `RegistryError`.
    """
    subject = f"{topic}-value"
    where = f"The Schema Registry at {registry.get('url')}"
    settings = {"timeout": _TIMEOUT, "max.retries": _RETRIES, **registry}
    try:
        client = SchemaRegistryClient(settings)
        return int(client.register_schema(subject, Schema(json.dumps(schema), "JSON")))
    except SchemaRegistryError as error:
        raise RegistryError(f"{where} {_advice(error, subject)}") from error
    except (ValueError, TypeError) as error:
        raise RegistryError(
            f"{where} cannot be used as the connection has it: correct its schema.registry.* keys"
        ) from error
    except Exception as error:  # its HTTP client is not the project's to know
        raise RegistryError(
            f"{where} does not answer ({type(error).__name__}): correct schema.registry.url, or "
            "remove the connection's schema.registry.* keys to do without"
        ) from error


def _advice(error: SchemaRegistryError, subject: str) -> str:
    if error.http_status_code in (401, 403):
        return (
            f"does not let the connection register {subject!r} (HTTP {error.http_status_code}): "
            "correct schema.registry.basic.auth.user.info, a key of the registry's own and its "
            "secret, and give that key the right to write the subject"
        )
    if error.http_status_code == 409:
        return (
            f"has an earlier schema under {subject!r} that the new one is not compatible with: "
            "set the subject's compatibility to NONE, or use another topic"
        )
    return f"did not take the schema of {subject!r} (HTTP {error.http_status_code})"
