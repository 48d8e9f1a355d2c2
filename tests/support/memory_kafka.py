"""Windows without a broker: topics in memory, a simulated clock, and given moments of the sales."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.names import LEDGER_TOPIC, TOPIC
from include.sales import steady_clock
from include.sales.content import SaleSource
from include.sales.event import Venta, decode
from include.sales.faults import Faults
from include.sales.incidents import Incident
from include.sales.local_time import moment_of
from include.sales.random_numbers import Ints
from include.stream import ledger, publisher, reader
from include.stream.ledger import RunProgress, read_run
from include.stream.publisher import SalePublisher
from include.stream.reader import Record
from include.stream.session import publish_window
from tests.support.clock import Clock, Stop

NOON = datetime(2025, 11, 24, 15, tzinfo=UTC)


class MemoryKafka:
    """Topics in memory, instead of a broker."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes, bytes]] = []
        self.aborted = self.replaced = 0

    def send(self, records: Sequence[Any], **_: Any) -> None:
        self.records += [
            (topic, key.encode() if isinstance(key, str) else key, value)
            for topic, key, value in records
        ]

    def init(self) -> None:
        """Nothing is to be fenced."""

    close = ends = init

    def read(self, _: Any, topic: str, **__: Any) -> Iterator[Record]:
        found = [record for record in self.records if record[0] == topic]
        return iter(Record(0, n, 0, key, value) for n, (_, key, value) in enumerate(found))

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let the project's readers read these topics."""
        monkeypatch.setattr(ledger, "read_committed", self.read)
        monkeypatch.setattr(reader, "read_committed", self.read)

    def events(self) -> list[Venta]:
        """Return the events, without those that injected faults added."""
        found: dict[str, Venta] = {}
        for topic, _, value in self.records:
            if topic == TOPIC and b'"importe_centavos":' in value:
                try:
                    event = decode(value)
                except ValueError:  # a garbled copy
                    continue
                found.setdefault(event.id_evento, event)
        return [event for id_, event in found.items() if id_.count("-") == 2 and id_[-1].isdigit()]


class Replay:
    """Sales at given moments; those before the present are due at once."""

    def __init__(self, moments: Ints) -> None:
        self._moments: list[int] = moments.tolist()

    def left(self, n: int) -> float:
        if n >= len(self._moments):
            return float("inf")
        return self._moments[n] / 1000 - steady_clock.seconds()

    def moment(self, n: int) -> datetime:
        return moment_of(self._moments[n])


def publisher_of(
    kafka: MemoryKafka, source: SaleSource, monkeypatch: pytest.MonkeyPatch
) -> SalePublisher:
    """Return a publisher to the topics in memory, which the project's readers then read."""
    monkeypatch.setattr(publisher, "TransactionalProducer", lambda *_, **__: kafka)
    kafka.install(monkeypatch)
    return SalePublisher(
        {},
        source.corrida,
        seed=source.seed,
        choices=source.choices,
        transactional_id="x",
        delivery_timeout=1,
    )


def publish(
    kafka: MemoryKafka,
    source: SaleSource,
    moments: Ints,
    until: datetime,
    incidents: Sequence[Incident],
    monkeypatch: pytest.MonkeyPatch,
    faults: Faults | None = None,
    stop_at: int | None = None,
) -> RunProgress:
    """Publish a live window that begins at `NOON`, and return what its ledger holds.

    The window's sales begin at `moments`; those of its first half minute are published at once.
    `stop_at`: number of the wait in which it is stopped.
    """
    clock = Clock(NOON + timedelta(seconds=30))
    monkeypatch.setattr(steady_clock, "seconds", clock.seconds)
    sales = publisher_of(kafka, source, monkeypatch)
    publish_window(
        sales,
        source,
        until=until,
        pace=lambda _: Replay(moments),
        stop=Stop(clock, at_wait=stop_at),
        begins=NOON,
        faults=faults,
        incidents=lambda _: incidents,
    )
    return read_run({}, LEDGER_TOPIC, source.corrida)
