"""The supervisor's spec (from the event's schema, without secrets), its status, and hand-off."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.druid.client import DruidClient
from include.druid.supervisor import (
    JAAS_VARIABLE,
    Expected,
    NotPublishedError,
    assign_unread_partitions,
    describe,
    dimensions,
    is_running,
    missing_rows,
    supervisor_spec,
    unfinished_tasks,
    unread_partitions,
    unsettled,
)
from include.sales.event import FIELDS
from tests.unit.druid.support import SQL, SUPERVISORS, TASKS, Router, status

PLAIN = {"bootstrap.servers": "broker:9092"}


def consumer(config: dict[str, Any]) -> dict[str, Any]:
    spec = supervisor_spec(config, topic="ventas", datasource="ventas")
    properties: dict[str, Any] = spec["spec"]["ioConfig"]["consumerProperties"]
    return properties


def test_every_field_except_the_timestamp_is_a_dimension() -> None:
    made = [(d["name"], d["type"]) for d in dimensions()]
    assert made == [(field.name, field.kind) for field in FIELDS if field.name != "ts"]
    assert ("importe_centavos", "long") in made
    assert ("id_evento", "string") in made


def test_only_ids_are_without_an_index() -> None:
    found = [d["name"] for d in dimensions() if d.get("createBitmapIndex") is False]
    assert found == ["id_evento", "id_venta"]


def test_spec_has_no_rollup_and_keeps_milliseconds() -> None:
    schema = supervisor_spec(PLAIN, topic="t", datasource="d")["spec"]["dataSchema"]
    assert schema["dataSource"] == "d"
    assert schema["timestampSpec"] == {"column": "ts", "format": "iso"}
    # With rollup, two events with equal dimensions would become one row.
    assert schema["granularitySpec"]["rollup"] is False
    assert schema["granularitySpec"]["queryGranularity"] == "NONE"


def test_spec_reads_the_whole_topic_and_only_committed_records() -> None:
    spec = supervisor_spec(PLAIN, topic="t", datasource="d", task_count=2)["spec"]
    assert spec["ioConfig"]["topic"] == "t"
    assert spec["ioConfig"]["useEarliestOffset"] is True
    assert spec["tuningConfig"]["resetOffsetAutomatically"] is False
    assert (spec["ioConfig"]["taskCount"], spec["ioConfig"]["replicas"]) == (2, 1)
    assert spec["ioConfig"]["consumerProperties"] == {
        "bootstrap.servers": "broker:9092",
        "group.id": "druid-d",
        "isolation.level": "read_committed",
    }


def test_connection_cannot_change_consumer_group_or_isolation_level() -> None:
    asked = {**PLAIN, "group.id": "mine", "isolation.level": "read_uncommitted"}
    assert consumer(asked) == consumer(PLAIN)


#: Long enough that no other part of the spec contains it by chance.
SECRET = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=8)


@given(user=SECRET, password=SECRET, key=SECRET)
def test_no_secret_of_a_connection_is_in_the_spec(user: str, password: str, key: str) -> None:
    config = {
        **PLAIN,
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "PLAIN",
        "sasl.username": f"<{user}>",
        "sasl.password": f"<{password}>",
        "ssl.key.password": f"<{key}>",
        "ssl.key.pem": f"<{key}>",
        "sasl.oauthbearer.client.secret": f"<{key}>",
    }
    spec = supervisor_spec(config, topic="ventas", datasource="ventas")
    text = json.dumps(spec, ensure_ascii=False)
    for secret in (user, password, key):
        assert f"<{secret}>" not in text
        assert json.dumps(f"<{secret}>", ensure_ascii=False) not in text
    assert spec["spec"]["ioConfig"]["consumerProperties"] == {
        "bootstrap.servers": "broker:9092",
        "security.protocol": "SASL_SSL",
        # Kafka's Java client has the name in the singular.
        "sasl.mechanism": "PLAIN",
        "group.id": "druid-ventas",
        "isolation.level": "read_committed",
        "druid.dynamic.config.provider": {
            "type": "environment",
            "variables": {"sasl.jaas.config": JAAS_VARIABLE},
        },
    }


@pytest.mark.parametrize(
    ("librdkafka", "java"),
    [
        ({"ssl.ca.location": "/ca.pem"}, {"ssl.truststore.location": "/ca.pem"}),
        ({"ssl.ca.pem": "-----BEGIN"}, {"ssl.truststore.certificates": "-----BEGIN"}),
    ],
)
def test_druid_gets_the_connections_certificate_authority(
    librdkafka: dict[str, str], java: dict[str, str]
) -> None:
    added = {**java, "ssl.truststore.type": "PEM"}
    assert consumer({**PLAIN, **librdkafka}) == {**consumer(PLAIN), **added}


def test_spec_is_identical_each_time() -> None:
    first, again = (supervisor_spec(PLAIN, topic="t", datasource="d") for _ in range(2))
    assert json.dumps(first) == json.dumps(again)


def test_only_reading_tasks_count_as_running() -> None:
    detailed = (
        "RUNNING",
        "CREATING_TASKS",
        "DISCOVERING_INITIAL_TASKS",
        "LOST_CONTACT_WITH_STREAM",
    )
    assert [is_running(status(state)["payload"]) for state in detailed] == [True, *[False] * 3]


def test_description_has_the_latest_errors() -> None:
    errors = tuple(f"error {n}" for n in range(5))
    told = describe(status("LOST_CONTACT_WITH_STREAM", errors=errors)["payload"])
    assert told == (
        "UNHEALTHY_SUPERVISOR (LOST_CONTACT_WITH_STREAM), recent errors: error 2; error 3; error 4"
    )
    assert describe(status("RUNNING")["payload"]) == "RUNNING (RUNNING)"


RUNS = Expected(["one run", "another"], rows=300)


def rows(found: int) -> tuple[int, object]:
    return 200, [{"row_count": found}]


def ingestion(name: str, code: str) -> dict[str, Any]:
    """Return a task that reads the topic."""
    return {"id": name, "type": "index_kafka", "statusCode": code}


def test_druid_may_be_stopped_after_suspension_tasks_and_segments(router: Router) -> None:
    """Awaited in this order: suspension, end of tasks, segments on a historical."""
    client = DruidClient(router.url)
    path = f"{SUPERVISORS}/ventas/status"
    # A compaction may continue after Druid's next start.
    compaction = {"id": "c", "type": "compact", "statusCode": "RUNNING"}
    router.on("GET", path, (200, status("RUNNING")))
    assert unsettled(client, "ventas", RUNS) == "the supervisor is not suspended yet"
    router.on("GET", path, (200, status("SUSPENDED", suspended=True)))
    router.on("GET", TASKS, (200, [ingestion("one", "RUNNING"), compaction]))
    assert unsettled(client, "ventas", RUNS) == "1 tasks still publish their segments"
    router.on("GET", TASKS, (200, [ingestion("one", "SUCCESS"), compaction]))
    router.on("POST", SQL, (200, [{"segment_id": "s"}, {"segment_id": "t"}]))
    assert unsettled(client, "ventas", RUNS) == "2 segments are not on a historical yet"
    router.on("POST", SQL, (200, []), rows(300))
    assert unsettled(client, "ventas", RUNS) == ""


def test_unpublished_rows_raise_with_the_failed_task(router: Router) -> None:
    """No task and no segment is pending, so all looks well. Druid reports no duration for a killed
    task, so the time of its failure is unknown.
    """
    failed = {
        **ingestion("index_kafka_1", "FAILED"),
        "createdTime": "2026-11-24T12:00:00.000Z",
        "duration": -1,
        "errorMsg": "failed to change its status from [READING] to [PAUSED]",
    }
    router.on("GET", f"{SUPERVISORS}/ventas/status", (200, status("SUSPENDED", suspended=True)))
    router.on("GET", TASKS, (200, [failed]))
    router.on("POST", SQL, (200, []), rows(280))
    told = r"lacks 20 of 300 rows .*index_kafka_1 failed: failed to change .*: resume"
    with pytest.raises(NotPublishedError, match=told):
        unsettled(DruidClient(router.url), "ventas", RUNS)


def test_failed_task_is_settled_if_no_rows_are_missing(router: Router) -> None:
    router.on("GET", f"{SUPERVISORS}/ventas/status", (200, status("SUSPENDED", suspended=True)))
    router.on("GET", TASKS, (200, [ingestion("t", "FAILED")]))
    router.on("POST", SQL, (200, []), rows(300))
    assert unsettled(DruidClient(router.url), "ventas", RUNS) == ""


def test_missing_datasource_lacks_all_rows(router: Router) -> None:
    router.on("POST", SQL, (400, {"errorMessage": "Object 'ventas' not found"}))
    lacking = missing_rows(DruidClient(router.url), "ventas", RUNS)
    assert lacking == "Druid lacks 300 of 300 rows"


def test_only_tasks_that_wait_or_run_are_unfinished() -> None:
    codes = {"one": "RUNNING", "two": "SUCCESS", "three": "FAILED", "four": "RUNNING"}
    tasks = [{"id": name, "statusCode": code} for name, code in codes.items()]
    assert unfinished_tasks(tasks) == ["one", "four"]


def test_missing_supervisor_is_settled(router: Router) -> None:
    router.on("GET", f"{SUPERVISORS}/ventas/status", (404, {"error": "does not exist"}))
    assert unsettled(DruidClient(router.url), "ventas", RUNS) == ""


READING = {
    "dataSource": "ventas",
    "latestOffsets": {"0": 10, "1": 12, "2": 3},
    "activeTasks": [{"startingOffsets": {"0": 0, "1": 0}}],
}


def test_added_partitions_are_read_after_an_immediate_hand_off(router: Router) -> None:
    router.on("GET", f"{SUPERVISORS}/ventas", (200, {"spec": {"ioConfig": {"taskCount": 2}}}))
    router.on("POST", f"{SUPERVISORS}/ventas/taskGroups/handoff", (200, b""))
    assert assign_unread_partitions(DruidClient(router.url), READING) == [2]
    assert router.asked[-1].body == {"taskGroupIds": [0, 1]}


@pytest.mark.parametrize(
    "status",
    [
        {**READING, "activeTasks": [{"startingOffsets": {"0": 0, "1": 0, "2": 0}}]},
        {**READING, "activeTasks": []},  # between two tasks; the next ones will read all partitions
        {**READING, "latestOffsets": None},
    ],
)
def test_topic_without_unread_partitions_is_left_alone(
    router: Router, status: dict[str, Any]
) -> None:
    assert unread_partitions(status) == []
    assert assign_unread_partitions(DruidClient(router.url), status) == []
    assert not router.asked
