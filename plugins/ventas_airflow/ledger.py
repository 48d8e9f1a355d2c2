"""Reads the sums of the same minutes from the ledger and from Druid, to compare them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from include.druid.client import DruidClient
    from include.sales.sums import Cell, Sums


class Sides(NamedTuple):
    """Sums of some minutes by the ledger and by Druid; `in_flight`: see `ledger.compare`."""

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
    """Read the minutes from `start` up to `end` from both; a missing topic is an empty ledger.

    `time_limit`: seconds for Druid's answer, and again for reading the ledger.

    Raises:
        DruidError: Druid does not answer, or refuses.
        StreamError: Kafka does not answer, or the topic holds records that are no ledger entries.
    """
    from include.druid.ledger import GRACE, druid_minutes
    from include.stream.ledger import LedgerMinutes, read_minutes
    from include.stream.topics import TopicMissingError

    # Druid first: each of its rows was committed together with its ledger entry, so the end of the
    # ledger, which is read later, is after those entries.
    queried_at = datetime.now(UTC)
    druid = druid_minutes(client, datasource, start, end, timeout=time_limit or 60.0)
    try:
        ledger = read_minutes(
            kafka_config,
            ledger_topic,
            start,
            end,
            settled=queried_at - GRACE,
            time_limit=time_limit,
        )
    except TopicMissingError:
        ledger = LedgerMinutes({}, set())
    return Sides(ledger.sums, druid, ledger.in_flight)
