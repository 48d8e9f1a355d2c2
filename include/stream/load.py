"""Load mode: publish a run's sales in large transactions, at a rate or as fast as possible."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final, Self

import msgspec
import numpy as np

from include.sales.bulk import BulkEncoder, Encoded, Schedule
from include.sales.content import SaleSource
from include.sales.event import ESTADOS, format_ts
from include.sales.faults import Faults
from include.sales.local_time import moment_of
from include.sales.random_numbers import BLOCK
from include.sales.sums import Sums
from include.stream.injection import Columns, Transaction, inject
from include.stream.ledger import LedgerEntry, minute_of
from include.stream.publisher import SalePublisher
from include.stream.session import LONGEST_WAIT, Published, concluded

log = logging.getLogger(__name__)

LOAD_CONFIG: Final[Mapping[str, Any]] = {
    "linger.ms": 20,
    "batch.size": 1_000_000,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 131_072,
}
"""Producer settings: large compressed batches, and a queue that bounds the memory."""

TRANSACTION_SALES: Final = 6 * BLOCK
"""Greatest number of sales in a transaction: some 50,000 events."""

TRANSACTION_SECONDS: Final = 0.5
"""With a rate, a transaction holds the events of about this many seconds."""

_REPORT_EVERY = 5.0
_MINUTE_MS = 60_000


class Progress(msgspec.Struct, frozen=True):
    """Progress of a load; the field names are those of the XCom."""

    sales: int
    """Sales whose events were all acknowledged in this try."""
    total: int
    """Number of sales that this try has to publish."""
    committed: int
    """Events acknowledged in this try."""
    in_flight: int
    """Events handed to Kafka and not acknowledged yet."""
    retries: int
    """Transactions that were aborted and retried."""
    per_second: float
    """Events acknowledged per second since the last report."""
    seconds_left: float | None
    """Estimated seconds left; None while nothing is acknowledged."""

    def to_dict(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)


def publish_load(
    publisher: SalePublisher,
    source: SaleSource,
    *,
    sales: range,
    schedule: Schedule,
    until: datetime | None = None,
    catch_up: bool = False,
    rate: float | None = None,
    stop: threading.Event,
    since: datetime | None = None,
    report: Callable[[Progress], None] = lambda _: None,
    faults: Faults | None = None,
) -> Published:
    """Publish the events of some sales of the run and return the totals of these sales.

    Args:
        publisher: a publisher that is not open yet; for speed, give it the tuning `LOAD_CONFIG`.
        source: the run's sales, with its incidents. A run with events keeps those of its earlier
            tries, as `RunProgress.planted` says.
        sales: numbers of the sales to publish. If an earlier try committed some of them, this try
            resumes after its last committed sale.
        schedule: gives the moment at which each sale begins.
        until: events from this moment on are left out.
        catch_up: whether an earlier try may have had an earlier `until`. Then the events that it
            left out are published first, in one transaction: decisions and returns of its sales.
        rate: events per second; None for as many as Kafka accepts.
        stop: set it to stop.
        since: as in `SalePublisher.open`.
        report: receives the progress every few seconds.
        faults: faults to inject; `Progress` does not count the records that they add.

    While Kafka acknowledges a transaction, only the next one is prepared: that is the
    back-pressure.

    Raises `WindowStoppedError` once `stop` is set, and the publisher's errors.
    """
    if rate is not None and not 0 < rate < float("inf"):
        raise ValueError(f"the rate must be above 0 events per second, not {rate:g}")

    def publish() -> None:
        progress = publisher.open(since=since, shard=sales)
        publisher.incidents = progress.planted(source.incidents)
        planted = source.with_incidents(publisher.incidents)
        left = range(publisher.resumed_at, sales.stop)
        begins = faults.shifted(schedule) if faults else schedule
        if catch_up and progress.last_ts:
            # All events up to the last one are committed: each transaction has, of its sales, all
            # events before its `until`.
            last = datetime.fromisoformat(progress.last_ts)
            earlier = range(sales.start, left.start)
            encoder = BulkEncoder(planted, until, after=last)
            for batch in _transactions(encoder, earlier, begins, len(earlier)):
                if batch.values:
                    publisher.commit_encoded(*_transaction(batch, planted, faults))
        batches = _transactions(BulkEncoder(planted, until), left, begins, _size(rate))
        reporter = _Reporter(publisher, left, report)
        _publish(publisher, planted, batches, rate, stop, reporter, faults)

    return concluded(publisher, publish, stop)


def _publish(
    publisher: SalePublisher,
    source: SaleSource,
    batches: Iterator[Encoded],
    rate: float | None,
    stop: threading.Event,
    reporter: "_Reporter",
    faults: Faults | None,
) -> None:
    due = time.monotonic()
    # Preparing the next transaction starts only once this one waits for Kafka. Producing the
    # records needs the interpreter's lock too, and sharing it costs a third of the rate.
    with _Prepared(batches) as prepared:
        while (batch := prepared.take()) is not None:
            if rate is not None:
                due += len(batch.values) / rate
                while (left := due - time.monotonic()) > 0 and not stop.is_set():
                    stop.wait(min(left, LONGEST_WAIT))
            if stop.is_set():
                return
            reporter.sends(batch)
            transaction = _transaction(batch, source, faults)
            publisher.commit_encoded(*transaction, queued=prepared.start)
            reporter.acknowledged(batch)


class _Prepared:
    """Prepare the next item of an iterator in a thread."""

    def __init__(self, batches: Iterator[Encoded]) -> None:
        self._batches = batches
        self._pool = ThreadPoolExecutor(1)
        self._next: Future[Encoded | None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def start(self) -> None:
        """Start to prepare the next item, unless this has already started."""
        if self._next is None:
            self._next = self._pool.submit(next, self._batches, None)

    def take(self) -> Encoded | None:
        """Wait for the next item and return it; None after the last one."""
        self.start()
        assert self._next is not None  # noqa: S101 - started above
        batch, self._next = self._next.result(), None
        return batch


def _transaction(batch: Encoded, source: SaleSource, faults: Faults | None) -> Transaction:
    clean = Transaction(batch.keys, batch.values, entries_of(batch, source))
    if faults is None:
        return clean
    return inject(faults, Columns(batch.secuencia, batch.ts, batch.state), clean)


def _size(rate: float | None) -> int:
    """Return the number of sales in a transaction; a sale has about two events."""
    if rate is None:
        return TRANSACTION_SALES
    return max(1, min(TRANSACTION_SALES, int(rate * TRANSACTION_SECONDS / 2)))


def _transactions(
    encoder: BulkEncoder, sales: range, schedule: Schedule, size: int
) -> Iterator[Encoded]:
    for first in range(sales.start, sales.stop, size):
        numbers = range(first, min(first + size, sales.stop))
        blocks = list(encoder.blocks(numbers, schedule))
        yield (
            blocks[0]
            if len(blocks) == 1
            else Encoded(
                numbers,
                [key for block in blocks for key in block.keys],
                [value for block in blocks for value in block.values],
                *(
                    np.concatenate(columns)
                    for columns in zip(*(b[3:] for b in blocks), strict=True)
                ),
            )
        )


def entries_of(batch: Encoded, source: SaleSource) -> list[LedgerEntry]:
    """Sum the events as `ledger.entries_for` does, column by column instead of event by event."""
    minute = batch.ts // _MINUTE_MS
    cell = minute * len(ESTADOS) + batch.state
    order = np.argsort(cell, kind="stable")
    cells, starts = np.unique(cell[order], return_index=True)
    ends = np.append(starts[1:], len(order))
    sums = [
        np.add.reduceat(column[order], starts).tolist()
        for column in (
            batch.cantidad,
            batch.importe_centavos,
            batch.iva_centavos,
            batch.descuento_centavos,
        )
    ]
    by_minute: dict[int, dict[str, Sums]] = {}
    rows = zip(cells.tolist(), (ends - starts).tolist(), *sums, strict=True)
    for number, *totals in rows:
        of_minute, state = divmod(number, len(ESTADOS))
        by_minute.setdefault(of_minute, {})[ESTADOS[state]] = Sums(*totals)

    omitted = Counter((batch.omitted_ts // _MINUTE_MS).tolist())
    numbers = np.append(batch.secuencia, batch.omitted)
    moments = np.append(batch.ts, batch.omitted_ts)
    minute = moments // _MINUTE_MS
    by_time = np.argsort(minute, kind="stable")
    minutes, starts = np.unique(minute[by_time], return_index=True)
    first_n, last_n, first_ts, last_ts = (
        extreme.reduceat(column[by_time], starts)
        for column in (numbers, moments)
        for extreme in (np.minimum, np.maximum)
    )
    return [
        LedgerEntry(
            corrida=source.corrida,
            semilla=source.seed,
            desde=int(first_n[i]),
            hasta=int(last_n[i]),
            minuto=minute_of(format_ts(moment_of(of_minute * _MINUTE_MS))),
            primera_ts=format_ts(moment_of(int(first_ts[i]))),
            ultima_ts=format_ts(moment_of(int(last_ts[i]))),
            estados=by_minute.get(of_minute, {}),
            omitidas=omitted[of_minute],
        )
        for i, of_minute in enumerate(minutes.tolist())
    ]


class _Reporter:
    """Report the progress of a load every few seconds."""

    def __init__(
        self, publisher: SalePublisher, sales: range, report: Callable[[Progress], None]
    ) -> None:
        self._publisher = publisher
        self._sales = sales
        self._send = report
        self._events = 0
        self._reported = (time.monotonic(), 0)

    def sends(self, batch: Encoded) -> None:
        """Report before a transaction, if a report is due."""
        if time.monotonic() - self._reported[0] >= _REPORT_EVERY:
            self._report(batch.sales.start, len(batch.values))

    def acknowledged(self, batch: Encoded) -> None:
        """Count a transaction's events, and report after the last transaction."""
        self._events += len(batch.values)
        if batch.sales.stop == self._sales.stop:
            self._report(batch.sales.stop, 0)

    def _report(self, reached: int, in_flight: int) -> None:
        now = time.monotonic()
        since, before = self._reported
        self._reported = (now, self._events)
        done = reached - self._sales.start
        rate = (self._events - before) / max(now - since, 1e-9)
        per_sale = self._events / done if done else 1.0
        progress = Progress(
            sales=done,
            total=len(self._sales),
            committed=self._events,
            in_flight=in_flight,
            retries=self._publisher.aborted,
            per_second=round(rate, 1),
            seconds_left=(round((len(self._sales) - done) * per_sale / rate, 1) if rate else None),
        )
        log.info(
            "%d of %d sales · %d events acknowledged, %d in flight, %d transactions retried "
            "· %.0f events per second · %s s left",
            progress.sales,
            progress.total,
            progress.committed,
            progress.in_flight,
            progress.retries,
            progress.per_second,
            progress.seconds_left,
        )
        self._send(progress)
