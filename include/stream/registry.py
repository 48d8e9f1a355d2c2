"""Publish the event's JSON Schema to a Schema Registry, if the connection names one.

The schema documents the topic, and shows its fields to Confluent's console and other readers. The
records stay plain JSON, which Druid reads: they do not carry the schema id that a registry's
serializers would add.
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
    """Register the schema of a topic's values under ``<topic>-value`` and return the schema's id.

    Registering the same schema again returns the same id. `registry` is the configuration of
    `SchemaRegistryClient`: ``url``, and ``basic.auth.user.info`` (``key:secret``) if the registry
    requires a login.

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
            f"{where} cannot be used: correct the connection's schema.registry.* keys"
        ) from error
    except Exception as error:  # the errors of its HTTP client are not part of its interface
        raise RegistryError(
            f"{where} does not answer ({type(error).__name__}): correct schema.registry.url, or "
            "remove the connection's schema.registry.* keys to work without a registry"
        ) from error


def _advice(error: SchemaRegistryError, subject: str) -> str:
    if error.http_status_code in (401, 403):
        return (
            f"does not allow the connection to register {subject!r} "
            f"(HTTP {error.http_status_code}): correct schema.registry.basic.auth.user.info (an "
            "API key of the registry and its secret), and let that key write the subject"
        )
    if error.http_status_code == 409:
        return (
            f"refused the schema: it is not compatible with an earlier one of {subject!r}. Set the "
            "subject's compatibility to NONE, or use another topic"
        )
    return f"refused the schema of {subject!r} (HTTP {error.http_status_code})"
