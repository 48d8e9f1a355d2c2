"""Offsets that Kafka does not have: reported with numbers, and reset only if nothing is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.druid.client import DruidClient
from include.druid.offsets import (
    OffsetsError,
    Positions,
    beyond,
    check_offsets,
    deleted,
    positions,
    reset,
)
from tests.unit.druid.support import SUPERVISORS, TASKS, Router, reading, status

UNAVAILABLE = (
    "org.apache.druid.java.util.common.ISE: Previous sequenceNumber [100] is no longer available "
    "for partition [KafkaTopicPartition{partition=0, topic='null', multiTopicPartition=false}]. "
    "You can clear the previous sequenceNumber and start reading from a valid message by using the "
    "supervisor's reset API."
)
RESET = f"{SUPERVISORS}/ventas/reset"
RESET_OFFSETS = f"{SUPERVISORS}/ventas/resetOffsets"


def report(detailed: str = "RUNNING", **changes: Any) -> dict[str, Any]:
    return {**status(detailed)["payload"], **changes}


def test_positions_have_the_begun_and_next_offsets_of_tasks(router: Router) -> None:
    reading(router, p0=100, p1=80)
    active = {"currentOffsets": {"0": 130}}
    found = positions(DruidClient(router.url), report(activeTasks=[active]), datetime.now(UTC))
    assert found == Positions(begun={0: 100, 1: 80}, next={0: 130})


def test_positions_ignore_tasks_that_do_not_read_the_topic(router: Router) -> None:
    compaction = {"id": "c", "type": "compact", "statusCode": "RUNNING"}
    ended = {"id": "e", "type": "index_kafka", "statusCode": "SUCCESS"}
    router.on("GET", TASKS, (200, [compaction, ended]))
    found = positions(DruidClient(router.url), report(), datetime.now(UTC))
    assert found == Positions({}, {})


def test_offset_that_druid_did_not_find_is_a_position_unless_the_error_is_old(
    router: Router,
) -> None:
    router.on("GET", TASKS, (200, []))
    before = datetime.now(UTC)
    told = status("CREATING_TASKS", errors=("Timeout expired", UNAVAILABLE))["payload"]
    client = DruidClient(router.url)
    assert positions(client, told, before) == Positions({}, {0: 100})
    assert positions(client, told, before + timedelta(hours=1)) == Positions({}, {})


HELD = {0: (0, 10), 1: (0, 90)}


def test_offsets_up_to_the_end_are_accepted() -> None:
    check_offsets(Positions({0: 0, 1: 5}, {0: 10, 1: 90}), "ventas", HELD)


def test_topic_created_again_is_reported_with_its_partitions() -> None:
    with pytest.raises(OffsetsError) as told:
        check_offsets(Positions({0: 100, 1: 80}, {}), "ventas", HELD)
    said = str(told.value)
    assert "beyond the end of topic 'ventas' (partition 0 at 100 of 10): " in said
    assert "deleted and created again" in said
    assert "reset_offsets" in said


def test_topic_created_again_with_fewer_partitions_is_detected() -> None:
    assert beyond(Positions({0: 3, 7: 4}, {}), HELD) == {7: 4}
    assert beyond(Positions({7: 0}, {}), HELD) == {}


def test_records_deleted_unread_are_counted_by_partition() -> None:
    held = {0: (130, 150), 1: (80, 80)}
    at = Positions({}, {0: 100, 1: 80})
    assert deleted(at, held) == {0: range(100, 130)}
    with pytest.raises(
        OffsetsError, match=r"before Druid read them: 30 of partition 0 \(100 to 129\)\..*reset_"
    ):
        check_offsets(at, "ventas", held)


def test_begun_offset_below_the_start_does_not_count_as_deleted() -> None:
    assert deleted(Positions({0: 0}, {}), {0: (130, 150)}) == {}
    assert deleted(Positions({0: 0}, {0: 140}), {0: (130, 150)}) == {}


def test_reset_of_a_topic_created_again_begins_at_its_start(router: Router) -> None:
    router.on("POST", RESET, (200, {"id": "ventas"}))
    at = Positions({0: 100, 1: 80}, {0: 100, 1: 90})
    told = reset(DruidClient(router.url), "ventas", at, "ventas", HELD)
    assert "from its beginning" in told
    assert [asked.path for asked in router.asked] == [RESET]


def test_reset_waits_until_it_cannot_lose_rows(router: Router) -> None:
    """A task may hold rows of the deleted topic, which cannot be read from Kafka again."""
    client = DruidClient(router.url)
    assert "not reported yet" in reset(client, "ventas", Positions({0: 100}, {}), "ventas", HELD)
    with pytest.raises(OffsetsError, match=r"suspend supervisor 'ventas' first"):
        reset(client, "ventas", Positions({0: 50}, {0: 100}), "ventas", HELD)
    assert router.asked == []


def test_reset_skips_only_deleted_offsets(router: Router) -> None:
    """The other partition would be read twice if its offset were reset, too."""
    router.on("POST", RESET_OFFSETS, (200, {"id": "ventas"}))
    at = Positions({}, {0: 100, 1: 85})
    told = reset(DruidClient(router.url), "ventas", at, "topico", {0: (130, 150), 1: (80, 90)})
    assert "{0: 130}" in told
    [asked] = router.asked
    assert asked.body == {
        "type": "kafka",
        "partitions": {"type": "end", "stream": "topico", "partitionOffsetMap": {"0": 130}},
    }


def test_reset_of_valid_offsets_does_nothing(router: Router) -> None:
    at = Positions({0: 0}, {0: 10})
    assert reset(DruidClient(router.url), "ventas", at, "ventas", HELD) == ""
    assert router.asked == []
