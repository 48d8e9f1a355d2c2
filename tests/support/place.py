"""A test's own topics and run, and the sales that it publishes there."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from confluent_kafka import Producer

from include.sales.content import SaleSource
from include.sales.event import Venta, decode
from include.sales.market import load_market
from include.stream.publisher import SalePublisher
from include.stream.reader import read_committed
from include.stream.topics import ensure_topic

SEED = 7

PATIENCE = 120.0
"""Seconds that a test waits for something that takes only a moment unless the machine is busy."""


class CountingPublisher(SalePublisher):
    """Publisher that calls `committed` with the number of transactions that Kafka acknowledged."""

    committed: Callable[[int], object] = staticmethod(lambda _: None)
    transactions = 0

    def commit_encoded(self, *arguments: Any, **options: Any) -> None:
        super().commit_encoded(*arguments, **options)
        self.transactions += 1
        self.committed(self.transactions)


class Place(NamedTuple):
    """A broker's client configuration, two topics and a run, for one test."""

    config: dict[str, str]
    topic: str
    ledger_topic: str
    corrida: str

    def publisher(
        self,
        *,
        seed: int = SEED,
        delivery_timeout: float = 120,
        tuning: Mapping[str, Any] = MappingProxyType({}),
        stopped: Callable[[], bool] = bool,
        transactional_id: str = "",
        committed: Callable[[int], object] = lambda _: None,
    ) -> CountingPublisher:
        publisher = CountingPublisher(
            self.config,
            self.corrida,
            seed=seed,
            transactional_id=transactional_id or self.corrida,
            delivery_timeout=delivery_timeout,
            topic=self.topic,
            ledger_topic=self.ledger_topic,
            tuning=tuning,
            stopped=stopped,
        )
        publisher.committed = committed
        return publisher

    def holder(self, transactional_id: str = "holder") -> Producer:
        """Return a producer whose open transaction the broker does not abort during a test."""
        own = {"transactional.id": transactional_id, "transaction.timeout.ms": 600_000}
        return Producer({**self.config, "acks": "all", **own})

    def source(self) -> SaleSource:
        return SaleSource(load_market(), SEED, self.corrida)

    def sales(self, start: int, end: int) -> list[Venta]:
        """Return the first event of each sale."""
        source = self.source()
        return [source.chain(n, datetime.now(UTC))[0] for n in range(start, end)]

    def events(self) -> list[Venta]:
        """Return the committed events, partition by partition; every record must be an event."""
        return [decode(record.value or b"") for record in read_committed(self.config, self.topic)]


def make_place(config: dict[str, str], suffix: str) -> Place:
    place = Place(config, f"ventas-{suffix}", f"ventas.ledger-{suffix}", f"corrida {suffix}")
    ensure_topic(config, place.topic, partitions=3, timeout=PATIENCE)
    ensure_topic(config, place.ledger_topic, partitions=2, timeout=PATIENCE)
    return place
