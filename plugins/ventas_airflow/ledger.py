"""The ledger and Druid beside each other, for the same minutes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from include.druid.client import DruidClient
    from include.druid.ledger import Cell, Sums


class Sides(NamedTuple):
    """What each says of some minutes; `in_flight` as in `include.druid.ledger.compare`."""

    ledger: dict[Cell, Sums]
    druid: dict[Cell, Sums]
    in_flight: set[tuple[str, str]]


def read_sides(
    client: DruidClient,
    kafka_config: Mapping[str, Any],
    datasource: str,
    ledger_topic: str,
    start: datetime,
    end: datetime,
    *,
    time_limit: float | None = None,
) -> Sides:
    """Ask both for the minutes from `start` up to `end`; without a topic the ledger says nothing.

    `time_limit`: seconds that each of them has.

    Raises:
        DruidError: Druid does not answer, or refuses.
        StreamError: Kafka does not answer, or holds what is no ledger.
    """
    from include.druid.ledger import GRACE, Cell, Sums, druid_minutes
    from include.stream.ledger import LedgerMinutes, read_minutes
    from include.stream.topics import TopicMissingError

    # Druid first: what it has was committed with its entry, so the ledger's end is past that.
    asked = datetime.now(UTC)
    druid = druid_minutes(client, datasource, start, end, timeout=time_limit or 60.0)
    try:
        ledger = read_minutes(
            kafka_config, ledger_topic, start, end, settled=asked - GRACE, time_limit=time_limit
        )
    except TopicMissingError:
        ledger = LedgerMinutes({}, set())
    sums = {Cell(*cell): Sums(*totals) for cell, totals in ledger.sums.items()}
    return Sides(sums, druid, ledger.in_flight)
