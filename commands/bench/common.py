"""Helpers of the parts: topics, publishers, sales, arguments, and the report of a part.

All parts use the same sales and the same kind of topic. Only this module constructs the project's
own classes.
"""

import argparse
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from include.names import SALES_RETENTION
from include.sales.bulk import BulkEncoder, Encoded, evenly
from include.sales.content import SaleSource
from include.sales.market import load_market
from include.sales.pace import Cadence
from include.stream.ledger import LedgerEntry
from include.stream.load import LOAD_CONFIG, publish_load
from include.stream.publisher import SalePublisher
from include.stream.session import SESSION_CONFIG, Published, publish_window
from include.stream.topics import ensure_topic

SEED: Final = 2026

_START: Final = datetime(2026, 3, 4, 12, tzinfo=UTC)
_SCHEDULE: Final = evenly(_START, 1000)
"""Simulated times of the load's sales: a few hours of one day, so that Druid has few segments."""

_TOPIC: Final[Mapping[str, Any]] = {
    "partitions": 2,
    "topic_config": {"retention.ms": str(SALES_RETENTION // timedelta(milliseconds=1))},
}
"""Settings of a topic, as the DAG has them."""


class Target(NamedTuple):
    """The target of a part's events: the broker's address, and a topic that only this part uses."""

    address: str
    topic: str

    @property
    def config(self) -> dict[str, Any]:
        """Configuration of a librdkafka client, which logs only errors."""
        return {"bootstrap.servers": self.address, "log_level": 3}

    @property
    def ledger_topic(self) -> str:
        return f"{self.topic}.ledger"

    def make_topics(self) -> None:
        for name in (self.topic, self.ledger_topic):
            ensure_topic(self.config, name, **_TOPIC)


class Acknowledged(NamedTuple):
    """State of a run just after one of its transactions was acknowledged."""

    at: float
    """`time.monotonic()`."""
    events: int
    """Events of the run that are acknowledged so far."""
    cpu: float
    """CPU seconds of this process so far, all threads."""


class ClockedPublisher(SalePublisher):
    """A publisher that records when Kafka acknowledges each transaction."""

    def __init__(
        self,
        target: Target,
        corrida: str,
        tuning: Mapping[str, Any],
        stop: threading.Event,
        shard: str = "",
    ) -> None:
        super().__init__(
            target.config,
            corrida,
            seed=SEED,
            transactional_id=f"{target.topic}-{corrida}{shard}",
            delivery_timeout=60,
            topic=target.topic,
            ledger_topic=target.ledger_topic,
            tuning=tuning,
            stopped=stop.is_set,
        )
        self.acknowledged: list[Acknowledged] = []

    def commit_encoded(
        self,
        keys: Sequence[str],
        values: Sequence[bytes],
        entries: Sequence[LedgerEntry],
        *,
        queued: Callable[[], None] = lambda: None,
    ) -> None:
        super().commit_encoded(keys, values, entries, queued=queued)
        self.acknowledged.append(
            Acknowledged(time.monotonic(), self.progress.total.eventos, time.process_time())
        )


def load_publisher(
    target: Target, corrida: str, stop: threading.Event, shard: str = ""
) -> ClockedPublisher:
    return ClockedPublisher(target, corrida, LOAD_CONFIG, stop, shard)


def load(
    publisher: ClockedPublisher, sales: range, stop: threading.Event, rate: float | None = None
) -> Published:
    """Publish sales in the load mode; `rate` is in events per second, None for no limit."""
    return publish_load(
        publisher,
        _source(publisher.progress.run),
        sales=sales,
        schedule=_SCHEDULE,
        rate=rate,
        stop=stop,
    )


def window_publisher(target: Target, corrida: str) -> ClockedPublisher:
    return ClockedPublisher(target, corrida, SESSION_CONFIG, threading.Event())


def window(
    publisher: ClockedPublisher, length: timedelta, minimum_gap: float, maximum_gap: float
) -> Published:
    """Publish sale by sale at their pace, as the DAG does; the gaps are in seconds."""
    return publish_window(
        publisher,
        _source(publisher.progress.run),
        until=length,
        pace=lambda _: Cadence(SEED, minimum_gap, maximum_gap),
        stop=threading.Event(),
    )


def encoded(total: int) -> Iterator[Encoded]:
    """Yield about `total` encoded events of the load, block by block, without publishing them."""
    return BulkEncoder(_source("bench")).blocks(sales_of(total), _SCHEDULE)


def sales_of(events: int) -> range:
    """Return a range of sales that have about `events` events, two per sale."""
    return range(events // 2)


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of a part's arguments that already has the broker and the topic."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument(
        "--kafka", required=True, metavar="HOST:PORT", help="address of the broker"
    )
    arguments.add_argument(
        "--topic", required=True, help="topic of the sales, which this part creates"
    )
    return arguments


def report(**measured: float | str | bool | Mapping[str, Any]) -> None:
    """Print the measurements of a part, as its only line of output."""
    print(json.dumps(measured), flush=True)


def _source(corrida: str) -> SaleSource:
    return SaleSource(load_market(), SEED, corrida)
