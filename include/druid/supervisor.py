"""The Kafka supervisor of a sales datasource: build its spec, and interpret its status."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from include.druid.client import (
    DatasourceMissingError,
    DruidClient,
    DruidError,
    SupervisorMissingError,
)
from include.druid.queries import SQL, read_query
from include.sales.event import FIELDS

TIMESTAMP = "ts"

#: librdkafka's name of each property, and the name that Kafka's Java client uses.
_CONSUMER_PROPERTIES = {
    "bootstrap.servers": "bootstrap.servers",
    "security.protocol": "security.protocol",
    "sasl.mechanism": "sasl.mechanism",
    "sasl.mechanisms": "sasl.mechanism",
    # Without a CA, librdkafka trusts the system's authorities, and Druid trusts its JVM's.
    "ssl.ca.location": "ssl.truststore.location",
    "ssl.ca.pem": "ssl.truststore.certificates",
}

#: Environment variable of Druid's overlord and indexer that holds the JAAS line with the secret.
JAAS_VARIABLE = "KAFKA_JAAS_CONFIG"

#: Why Kafka refuses Druid and what to do, by the exception of Kafka's Java client.
_REFUSALS = {
    "SaslAuthenticationException": (
        f"Kafka refuses Druid's login: correct the key in {JAAS_VARIABLE} of Druid's overlord and "
        "indexer, then restart both"
    ),
    "SslAuthenticationException": (
        "Druid does not trust Kafka's certificate: it has expired, is for another host, or was "
        "issued by an unknown authority. If the Kafka connection has ssl.ca.location, that file "
        "must also exist on Druid's machine; ssl.ca.pem needs no file"
    ),
    "TopicAuthorizationException": (
        "Kafka does not allow Druid's user to read the topic: give that user the ACLs of "
        "docs/acls.md"
    ),
    "GroupAuthorizationException": (
        "Kafka does not allow Druid's user to use the supervisor's consumer group: give that user "
        "the ACLs of docs/acls.md"
    ),
}

#: Columns without a bitmap index: almost every value is unique and no query filters by it, but the
#: index would be a third of a segment.
_UNINDEXED = ("id_evento", "id_venta")

#: Index spec of the intermediate files that a task merges into segments at its end: uncompressed.
#: A back-fill's days have many such files, and the merge needs a buffer for each compressed column
#: of each file. That would exceed the direct memory, and the task would fail. The files are deleted
#: after the merge.
INTERMEDIATE_PERSISTS = {"dimensionCompression": "uncompressed", "metricCompression": "none"}

_REASON = 300
"""Most characters of a task's error that are shown."""

_UNSETTLED_SQL = """
SELECT segment_id FROM sys.segments
WHERE datasource = ? AND is_active = 1 AND (is_realtime = 1 OR is_available = 0)
"""


def dimensions() -> list[dict[str, Any]]:
    """Return Druid's dimensions: every field of the event except the timestamp, with its type."""
    return [
        {"type": field.kind, "name": field.name}
        | ({"createBitmapIndex": False} if field.name in _UNINDEXED else {})
        for field in FIELDS
        if field.name != TIMESTAMP
    ]


def supervisor_spec(
    kafka_config: Mapping[str, Any], *, topic: str, datasource: str, task_count: int = 1
) -> dict[str, Any]:
    """Return the spec of the supervisor that ingests `topic` into `datasource`.

    `kafka_config` is the librdkafka configuration of the connection. Its secrets stay out of the
    spec: with SASL, Druid reads the JAAS line from its own environment (`JAAS_VARIABLE`).
    """
    return {
        "type": "kafka",
        "spec": {
            "dataSchema": {
                "dataSource": datasource,
                "timestampSpec": {"column": TIMESTAMP, "format": "iso"},
                "dimensionsSpec": {"dimensions": dimensions()},
                "granularitySpec": {
                    # A sale a second is little: smaller segments would only make queries slower.
                    "segmentGranularity": "DAY",
                    "queryGranularity": "NONE",
                    "rollup": False,
                },
            },
            "ioConfig": {
                "topic": topic,
                "inputFormat": {"type": "json"},
                "consumerProperties": _consumer_properties(kafka_config, datasource),
                "useEarliestOffset": True,
                "taskCount": task_count,
                # More replicas would ingest everything twice on the same VM.
                "replicas": 1,
                "taskDuration": "PT1H",
                "startDelay": "PT1S",
                # How soon the supervisor replaces a lost task.
                "period": "PT3S",
            },
            "tuningConfig": {
                "type": "kafka",
                # If offsets are out of range, a person must decide; Druid must not skip them.
                "resetOffsetAutomatically": False,
                # With 0, Druid answers 500 when asked for the malformed records.
                "maxSavedParseExceptions": 20,
                "logParseExceptions": False,
                "indexSpecForIntermediatePersists": INTERMEDIATE_PERSISTS,
            },
        },
    }


def is_running(status: Mapping[str, Any]) -> bool:
    """Return whether tasks read the topic, by a status report."""
    return bool(status["detailedState"] == "RUNNING")


def describe(status: Mapping[str, Any]) -> str:
    """Return the state and the latest errors of a status report, in one line."""
    errors = [
        _refusal(error) or str(error.get("message", error))
        for error in status.get("recentErrors", [])
    ]
    text = f"{status.get('state')} ({status.get('detailedState')})"
    return text + (f", recent errors: {'; '.join(errors[-3:])}" if errors else "")


def kafka_refusal(status: Mapping[str, Any], since: datetime) -> str:
    """Return a sentence about why Kafka refuses Druid and what to do; "" if there is no refusal.

    Errors of the status report before `since` are ignored.
    """
    for error in reversed(status["recentErrors"]):
        if datetime.fromisoformat(error["timestamp"]) >= since and (sentence := _refusal(error)):
            return sentence
    return ""


def _refusal(error: Mapping[str, Any]) -> str:
    text = f"{error.get('exceptionClass')} {error.get('message')}"
    return next((sentence for name, sentence in _REFUSALS.items() if name in text), "")


def unread_partitions(status: Mapping[str, Any]) -> list[int]:
    """Return the topic's partitions that no running task reads: they were added after its start.

    Druid assigns them to the next task, which may start an hour later.
    """
    active = status.get("activeTasks") or []
    read = {partition for task in active for partition in task.get("startingOffsets") or {}}
    all_partitions = set(status.get("latestOffsets") or {})
    return sorted(map(int, all_partitions - read)) if read else []


def assign_unread_partitions(client: DruidClient, status: Mapping[str, Any]) -> list[int]:
    """Make new tasks read the partitions that no task reads yet; return these partitions.

    No rows are lost: the running tasks are handed off and publish their rows.

    Raises:
        DruidError: Druid does not answer, or refuses.
    """
    unread = unread_partitions(status)
    if unread:
        # Our supervisors have the name of their datasource.
        supervisor = str(status["dataSource"])
        tasks = client.supervisor_spec(supervisor)["spec"]["ioConfig"]["taskCount"]
        client.hand_off(supervisor, range(tasks))
    return unread


class NotPublishedError(DruidError):
    """Druid lacks committed rows after all tasks ended: a task failed to publish what it read."""


class Expected(NamedTuple):
    """Rows that Druid must hold before it may be stopped.

    Attributes:
        runs: names of runs.
        rows: rows of all these runs together, as counted from Kafka's acknowledgements.
    """

    runs: Sequence[str] = ()
    rows: int = 0


def unsettled(client: DruidClient, supervisor: str, expected: Expected) -> str:
    """Return what must still happen before Druid may be stopped; "" if nothing.

    The supervisor must be suspended, its tasks must have ended, and a historical must have loaded
    every segment.

    Raises:
        NotPublishedError: after all that, rows are missing. Druid does not always report that a
            task failed, or why, so the rows are counted.
    """
    try:
        status = client.supervisor_status(supervisor)
    except SupervisorMissingError:
        return ""
    if not status["suspended"]:
        return "the supervisor is not suspended yet"
    datasource = str(status["dataSource"])
    # A compaction need not end: after Druid's next start it continues, or starts again.
    tasks = [task for task in client.tasks(datasource) if task["type"] == "index_kafka"]
    if unfinished := unfinished_tasks(tasks):
        return f"{len(unfinished)} tasks still publish their segments"
    segments = client.sql(_UNSETTLED_SQL, [datasource])
    if segments:
        return f"{len(segments)} segments are not on a historical yet"
    if lacking := missing_rows(client, datasource, expected):
        raise NotPublishedError(
            f"{lacking} after its tasks ended ({_latest_failure(tasks)}): resume supervisor "
            f"{supervisor!r}, which then reads these rows from Kafka again"
        )
    return ""


def missing_rows(client: DruidClient, datasource: str, expected: Expected) -> str:
    """Return a sentence about the rows of `expected` that Druid lacks; "" if it has all."""
    if not expected.rows:
        return ""
    query = read_query(SQL / "reconcile" / "rows.sql", datasource)
    try:
        [found] = client.sql(query, ["\n".join(expected.runs)])
        rows = int(found["row_count"])
    except DatasourceMissingError:
        rows = 0
    short = expected.rows - rows
    return f"Druid lacks {short} of {expected.rows} rows" if short > 0 else ""


def _latest_failure(tasks: Iterable[Mapping[str, Any]]) -> str:
    failed = [task for task in tasks if task["statusCode"] == "FAILED"]
    if not failed:
        return "none failed"
    last = max(failed, key=lambda task: str(task["createdTime"]))
    return f"{last['id']} failed: {(last.get('errorMsg') or 'no reason given')[:_REASON]}"


def unfinished_tasks(tasks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the ids of the tasks that wait or run."""
    return [task["id"] for task in tasks if task["statusCode"] == "RUNNING"]


def _consumer_properties(kafka_config: Mapping[str, Any], datasource: str) -> dict[str, Any]:
    properties: dict[str, Any] = {
        java: kafka_config[name]
        for name, java in _CONSUMER_PROPERTIES.items()
        if name in kafka_config
    }
    if any(name.startswith("ssl.truststore.") for name in properties):
        properties["ssl.truststore.type"] = "PEM"
    # A fixed consumer group, because the ACLs of Confluent Cloud name it.
    properties["group.id"] = f"druid-{datasource}"
    properties["isolation.level"] = "read_committed"
    if "sasl.password" in kafka_config:
        properties["druid.dynamic.config.provider"] = {
            "type": "environment",
            "variables": {"sasl.jaas.config": JAAS_VARIABLE},
        }
    return properties
