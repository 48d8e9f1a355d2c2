"""The Kafka supervisor of a sales datasource: its spec, and what its status means."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from include.druid.client import (
    DatasourceMissingError,
    DruidClient,
    DruidError,
    SupervisorMissingError,
)
from include.druid.queries import read_query
from include.sales.event import FIELDS

TIMESTAMP = "ts"

#: librdkafka's name of a property, and that of Kafka's Java client where it differs.
_CONSUMER_PROPERTIES = {
    "bootstrap.servers": "bootstrap.servers",
    "security.protocol": "security.protocol",
    "sasl.mechanism": "sasl.mechanism",
    "sasl.mechanisms": "sasl.mechanism",
    # Without one, librdkafka trusts whom the system trusts, and Druid whom its JVM does.
    "ssl.ca.location": "ssl.truststore.location",
    "ssl.ca.pem": "ssl.truststore.certificates",
}

#: Environment variable of Druid's overlord and indexer that holds the JAAS line with the secret.
JAAS_VARIABLE = "KAFKA_JAAS_CONFIG"

#: What Kafka refuses Druid, by its Java client's exceptions.
_REFUSALS = {
    "SaslAuthenticationException": (
        f"Kafka refuses Druid's login: correct the key in {JAAS_VARIABLE} of its overlord and "
        "indexer, and start them again"
    ),
    "SslAuthenticationException": (
        "Druid does not trust Kafka's certificate: it has expired, is for another host, or is of "
        "an authority that Druid does not know (ssl.ca.location of the Kafka connection is a file "
        "on Druid's machine, too; ssl.ca.pem needs none)"
    ),
    "TopicAuthorizationException": (
        "Kafka does not let Druid's user read the topic: give it the ACLs of docs/acls.md"
    ),
    "GroupAuthorizationException": (
        "Kafka does not let Druid's user use the supervisor's consumer group: give it the ACLs of "
        "docs/acls.md"
    ),
}

#: Hardly a value is there twice, and no query looks for one: their index would be a third of a
#: segment.
_UNINDEXED = ("id_evento", "id_venta")

#: How a task that writes segments stores the pieces that it merges at its end. There are many of a
#: back-fill's days. To merge them a buffer is needed for each of their columns that is compressed,
#: which overruns the direct memory, and the task fails; these pieces are gone once merged.
INTERMEDIATE_PERSISTS = {"dimensionCompression": "uncompressed", "metricCompression": "none"}

_REASON = 300
"""Characters of a task's error that a person reads."""

_UNSETTLED_SQL = """
SELECT segment_id FROM sys.segments
WHERE datasource = ? AND is_active = 1 AND (is_realtime = 1 OR is_available = 0)
"""


def dimensions() -> list[dict[str, Any]]:
    """Druid's dimensions, derived from the event: every field but the timestamp, typed."""
    return [
        {"type": field.kind, "name": field.name}
        | ({"createBitmapIndex": False} if field.name in _UNINDEXED else {})
        for field in FIELDS
        if field.name != TIMESTAMP
    ]


def supervisor_spec(
    kafka_config: Mapping[str, Any], *, topic: str, datasource: str, task_count: int = 1
) -> dict[str, Any]:
    """Spec of the supervisor that ingests `topic` into `datasource`.

    `kafka_config` is the librdkafka configuration of the connection. No secret of it goes into
    the spec: with SASL, Druid reads the JAAS line from its own environment (`JAAS_VARIABLE`).
    """
    return {
        "type": "kafka",
        "spec": {
            "dataSchema": {
                "dataSource": datasource,
                "timestampSpec": {"column": TIMESTAMP, "format": "iso"},
                "dimensionsSpec": {"dimensions": dimensions()},
                "granularitySpec": {
                    # A sale a second is small: more segments a day would only cost look-ups.
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
                # More would ingest everything twice on the same VM.
                "replicas": 1,
                "taskDuration": "PT1H",
                "startDelay": "PT1S",
                # How soon it replaces a task that was lost.
                "period": "PT3S",
            },
            "tuningConfig": {
                "type": "kafka",
                # Offsets out of range must be seen and decided on, not skipped.
                "resetOffsetAutomatically": False,
                # With 0, the report of malformed events answers 500.
                "maxSavedParseExceptions": 20,
                "logParseExceptions": False,
                "indexSpecForIntermediatePersists": INTERMEDIATE_PERSISTS,
            },
        },
    }


def is_running(status: Mapping[str, Any]) -> bool:
    """Whether a status report says that tasks read the topic."""
    return bool(status["detailedState"] == "RUNNING")


def describe(status: Mapping[str, Any]) -> str:
    """State and the latest errors of a status report, in one line."""
    errors = [
        _refusal(error) or str(error.get("message", error))
        for error in status.get("recentErrors", [])
    ]
    text = f"{status.get('state')} ({status.get('detailedState')})"
    return text + (f", recent errors: {'; '.join(errors[-3:])}" if errors else "")


def kafka_refusal(status: Mapping[str, Any], since: datetime) -> str:
    """Why Kafka does not let Druid in, as a sentence with what to do; "" if it does, or may yet.

    Errors of a status report before `since` are settled.
    """
    for error in reversed(status["recentErrors"]):
        if datetime.fromisoformat(error["timestamp"]) >= since and (told := _refusal(error)):
            return told
    return ""


def _refusal(error: Mapping[str, Any]) -> str:
    text = f"{error.get('exceptionClass')} {error.get('message')}"
    return next((told for name, told in _REFUSALS.items() if name in text), "")


def unread_partitions(status: Mapping[str, Any]) -> list[int]:
    """Partitions of the topic that no running task reads: they were added after it began.

    Druid gives them to the task that comes next, which may be an hour later.
    """
    active = status.get("activeTasks") or []
    read = {partition for task in active for partition in task.get("startingOffsets") or {}}
    there = set(status.get("latestOffsets") or {})
    return sorted(map(int, there - read)) if read else []


def take_up_partitions(client: DruidClient, status: Mapping[str, Any]) -> list[int]:
    """Have partitions that no task reads read at once, by tasks that follow; returns which.

    Nothing is lost by that: the running tasks publish what they have.

    Raises:
        DruidError: Druid does not answer, or refuses.
    """
    unread = unread_partitions(status)
    if unread:
        # A supervisor of ours has its datasource's name.
        supervisor = str(status["dataSource"])
        tasks = client.supervisor_spec(supervisor)["spec"]["ioConfig"]["taskCount"]
        client.hand_off(supervisor, range(tasks))
    return unread


class NotPublishedError(DruidError):
    """Druid lacks rows that it showed before: a task that had read them failed to publish them."""


class Expected(NamedTuple):
    """What Druid has to hold before it may be stopped.

    Attributes:
        runs: names of runs.
        rows: how many rows they have together, by what Kafka acknowledged.
    """

    runs: Sequence[str] = ()
    rows: int = 0


def unsettled(client: DruidClient, supervisor: str, expected: Expected) -> str:
    """What is still to happen before Druid may be stopped; "" when nothing is.

    The supervisor is to be suspended, its tasks ended, and every segment loaded by a historical.

    Raises `NotPublishedError` if rows are missing then: whether a task failed, and why, Druid does
    not always tell.
    """
    try:
        status = client.supervisor_status(supervisor)
    except SupervisorMissingError:
        return ""
    if not status["suspended"]:
        return "the supervisor is not suspended yet"
    datasource = str(status["dataSource"])
    # A compaction goes on after Druid's next start, or begins anew: nothing waits for it.
    tasks = [task for task in client.tasks(datasource) if task["type"] == "index_kafka"]
    if unfinished := unfinished_tasks(tasks):
        return f"{len(unfinished)} tasks publish their segments"
    segments = client.sql(_UNSETTLED_SQL, [datasource])
    if segments:
        return f"{len(segments)} segments are not on a historical yet"
    if lacking := missing_rows(client, datasource, expected):
        raise NotPublishedError(
            f"{lacking} after the tasks have ended, {_latest_failure(tasks)}: they are read from "
            f"Kafka again once supervisor {supervisor!r} is resumed"
        )
    return ""


def missing_rows(client: DruidClient, datasource: str, expected: Expected) -> str:
    """What Druid lacks of the rows of some runs, in words; "" when nothing."""
    if not expected.rows:
        return ""
    query = read_query("reconcile/rows", datasource)
    try:
        [found] = client.sql(query, ["\n".join(expected.runs)])
        rows = int(found["filas"])
    except DatasourceMissingError:
        rows = 0
    short = expected.rows - rows
    return f"Druid lacks {short} of {expected.rows} rows" if short > 0 else ""


def _latest_failure(tasks: Iterable[Mapping[str, Any]]) -> str:
    failed = [task for task in tasks if task["statusCode"] == "FAILED"]
    if not failed:
        return "none of which failed"
    last = max(failed, key=lambda task: str(task["createdTime"]))
    return f"of which {last['id']} failed ({(last.get('errorMsg') or 'no reason given')[:_REASON]})"


def unfinished_tasks(tasks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Ids of the tasks that wait or run."""
    return [task["id"] for task in tasks if task["statusCode"] == "RUNNING"]


def _consumer_properties(kafka_config: Mapping[str, Any], datasource: str) -> dict[str, Any]:
    properties: dict[str, Any] = {
        java: kafka_config[name]
        for name, java in _CONSUMER_PROPERTIES.items()
        if name in kafka_config
    }
    if any(name.startswith("ssl.truststore.") for name in properties):
        properties["ssl.truststore.type"] = "PEM"
    # A fixed group: Confluent Cloud's ACLs name it.
    properties["group.id"] = f"druid-{datasource}"
    properties["isolation.level"] = "read_committed"
    if "sasl.password" in kafka_config:
        properties["druid.dynamic.config.provider"] = {
            "type": "environment",
            "variables": {"sasl.jaas.config": JAAS_VARIABLE},
        }
    return properties
