"""Check that the offsets at which a supervisor continues still exist in Kafka.

Druid keeps its offsets when a topic is deleted and created again, or when retention has deleted
records that Druid has not read. If an offset is above a partition's end, Druid's tasks wait without
an error; if it is below the start, Druid starts no task at all.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from include.druid.client import DruidClient, DruidError

_UNAVAILABLE = re.compile(
    r"sequenceNumber \[(\d+)\] is no longer available for partition "
    r"\[KafkaTopicPartition\{partition=(\d+)"
)

Held = Mapping[int, tuple[int, int]]
"""By partition, the offset of Kafka's first record, and the offset after its last record."""


class Positions(NamedTuple):
    """Offsets by partition at which a supervisor reads, as far as Druid reports them.

    Attributes:
        begun: offsets at which the running tasks began.
        next: next offsets of these tasks, which Druid reports half a minute later, and offsets that
            Druid did not find in Kafka.
    """

    begun: dict[int, int]
    next: dict[int, int]


class OffsetsError(DruidError):
    """The offsets stored in Druid do not exist in Kafka any more."""


def positions(client: DruidClient, status: Mapping[str, Any], since: datetime) -> Positions:
    """Return the positions of a status report's supervisor; errors before `since` are ignored.

    Raises:
        DruidError: Druid does not answer, or refuses.
    """
    begun: dict[int, int] = {}
    following: dict[int, int] = {}
    for error in status["recentErrors"]:
        found = _UNAVAILABLE.search(str(error["message"]))
        if found and datetime.fromisoformat(error["timestamp"]) >= since:
            following[int(found[2])] = int(found[1])
    for task in client.tasks(status["dataSource"]):
        if task["statusCode"] == "RUNNING" and task["type"] == "index_kafka":
            numbers = client.task(task["id"])["ioConfig"]["startSequenceNumbers"]
            begun |= _by_partition(numbers["partitionSequenceNumberMap"])
    for active in status["activeTasks"]:
        following |= _by_partition(active["currentOffsets"])
    return Positions(begun, following)


def beyond(at: Positions, held: Held) -> dict[int, int]:
    """Return offsets above the end of their partition: the topic is not the one Druid read."""
    ends = {partition: end for partition, (_, end) in held.items()}
    return {
        partition: offset
        for partition, offset in sorted({**at.begun, **at.next}.items())
        if offset > ends.get(partition, 0)
    }


def deleted(at: Positions, held: Held) -> dict[int, range]:
    """Return, by partition, the offsets that Kafka deleted before Druid read them."""
    return {
        partition: range(offset, held[partition][0])
        for partition, offset in sorted(at.next.items())
        if partition in held and offset < held[partition][0]
    }


def counts(at: Positions, held: Held) -> dict[str, int]:
    """Return, for a check: partitions, partitions read above their end, offsets deleted unread."""
    return {
        "particiones": len(held),
        "encima_del_final": len(beyond(at, held)),
        "borradas_sin_leer": sum(map(len, deleted(at, held).values())),
    }


def check_offsets(at: Positions, topic: str, held: Held) -> None:
    """Raise an error if Kafka does not have the positions.

    Raises:
        OffsetsError: the message has the partitions, the loss, and the solution.
    """
    if above := beyond(at, held):
        where = ", ".join(
            f"partition {partition} at {offset} of {held.get(partition, (0, 0))[1]}"
            for partition, offset in above.items()
        )
        raise OffsetsError(
            f"Druid's offsets are beyond the end of topic {topic!r} ({where}): the topic was "
            "deleted and created again. Without a reset, Druid would skip every record before "
            "these offsets. Run again with reset_offsets: Druid keeps its rows and reads the topic "
            "from its beginning"
        )
    if gone := deleted(at, held):
        where = ", ".join(
            f"{len(offsets)} of partition {partition} ({offsets.start} to {offsets.stop - 1})"
            for partition, offsets in gone.items()
        )
        raise OffsetsError(
            f"Kafka deleted records of topic {topic!r} before Druid read them: {where}. Druid will "
            "never have these records: the topic's retention.ms is shorter than the time that "
            "Druid was off. Run again with reset_offsets: Druid continues at Kafka's oldest record"
        )


def reset(client: DruidClient, supervisor: str, at: Positions, topic: str, held: Held) -> str:
    """Make Druid continue at Kafka's oldest records, where Kafka does not have those of `at`.

    If the topic was created again, Druid reads all of it. Returns a sentence about what was done or
    is still awaited; "" if nothing has to be done.

    Raises:
        OffsetsError: tasks hold rows of the deleted topic that they have not published yet.
        DruidError: Druid does not answer, or refuses.
    """
    if above := beyond(at, held):
        if at.begun.keys() & above.keys() - at.next.keys():
            return "Druid has not reported yet how far its tasks have read"
        if any(at.begun.get(partition, offset) < offset for partition, offset in above.items()):
            raise OffsetsError(
                f"Druid's tasks hold rows of the deleted topic {topic!r} that they have not "
                "published yet, and a reset would lose these rows: suspend supervisor "
                f"{supervisor!r} first, so that its tasks publish them"
            )
        client.reset_supervisor(supervisor)
        return f"Druid reads topic {topic!r} from its beginning, because it was created again"
    if gone := deleted(at, held):
        oldest = {partition: offsets.stop for partition, offsets in gone.items()}
        client.reset_offsets(supervisor, topic, oldest)
        return f"Druid continues at the oldest offsets of topic {topic!r}: {oldest}"
    return ""


def _by_partition(offsets: Mapping[str, int]) -> dict[int, int]:
    return {int(partition): offset for partition, offset in offsets.items()}
