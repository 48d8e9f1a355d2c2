"""Arbitrary payloads on a real Druid: it counts each, and none stops ingestion or hand-off.

`payloads.json` groups the payloads by the count that each goes to. The placeholders `<id>` and
`<ts>` in its texts stand for an event's id and timestamp fields.
"""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from include.druid.client import DruidClient, DruidError
from include.druid.queries import for_datasource
from include.druid.row_stats import RowStats, row_stats
from include.druid.supervisor import supervisor_spec, unfinished_tasks
from include.waiting import wait_until
from tests.support.druid import remove_supervisor, suspend_supervisor
from tests.support.place import Place, make_place

CORPUS: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("payloads.json").read_text(encoding="utf-8")
)

TS = '"ts":"2026-11-24T12:00:00.000Z"'


def record(name: str, payload: Any) -> bytes | None:
    if payload is None:
        return None
    [(encoding, text)] = payload.items() if isinstance(payload, dict) else [("utf-8", payload)]
    event = text.replace("<id>", f'"id_evento":"{name}"').replace("<ts>", TS)
    return bytes(event.encode(encoding))


def objects(payload: Any) -> int:
    """Return the number of events in a record."""
    return str(payload).count("<id>")


def rows(druid: DruidClient, datasource: str) -> Counter[str]:
    query = 'SELECT id_evento, COUNT(*) AS n FROM "{datasource}" GROUP BY 1'
    found = druid.sql(for_datasource(query, datasource))
    return Counter({row["id_evento"]: row["n"] for row in found})


@pytest.fixture
def place(kafka_config: dict[str, str], topic_suffix: str, druid: DruidClient) -> Iterator[Place]:
    place = make_place(kafka_config, topic_suffix)
    spec = supervisor_spec(place.config, topic=place.topic, datasource=place.topic)
    druid.submit_supervisor(spec)
    yield place
    remove_supervisor(druid, place.topic)


def test_each_payload_goes_to_its_expected_count_and_stops_nothing(
    place: Place, druid: DruidClient
) -> None:
    began = datetime.now(UTC)
    expected_rows = Counter(
        {
            name: objects(payload)
            for fate in ("processed", "processedWithError")
            for name, payload in CORPUS[fate].items()
        }
    )
    expected = RowStats(
        **{
            fate: sum(expected_rows.get(name, 1) for name in payloads)
            for fate, payloads in CORPUS.items()
        }
    )
    producer = Producer({**place.config, "acks": "all"})
    for payloads in CORPUS.values():
        for name, payload in payloads.items():
            producer.produce(place.topic, record(name, payload))
    # Valid records after them prove that ingestion continues in each partition.
    for partition in range(3):
        producer.produce(place.topic, record("after", "{<id>,<ts>}"), partition=partition)
    assert producer.flush(20) == 0
    expected, expected_rows["after"] = expected._replace(processed=expected.processed + 3), 3

    def counted() -> bool:
        return sum(row_stats(druid, place.topic, began)) >= sum(expected)

    wait_until(counted, "the counts of all records", 300)
    assert row_stats(druid, place.topic, began) == expected
    assert rows(druid, place.topic) == expected_rows
    # One count per offset, and one more for each record with two events.
    offsets = sum(len(payloads) for payloads in CORPUS.values()) + 3
    twice = sum(times > 1 for name, times in expected_rows.items() if name != "after")
    assert sum(expected) == offsets + twice

    suspend_supervisor(druid, place.topic)
    wait_until(lambda: not unfinished_tasks(druid.tasks(place.topic)), "the tasks' end", 300)
    assert {task["statusCode"] for task in druid.tasks(place.topic)} == {"SUCCESS"}
    assert row_stats(druid, place.topic, began) == expected

    def handed_off() -> bool:
        return rows(druid, place.topic) == expected_rows

    wait_until(handed_off, "the rows on the historical", 300, errors=DruidError)
