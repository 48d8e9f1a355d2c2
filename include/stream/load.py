"""Load mode: a run's sales as fast as Kafka takes them, or at a rate, in large transactions."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from include.sales.bulk import BulkEncoder, Encoded, Schedule
from include.sales.content import SaleSource
from include.sales.event import ESTADOS
from include.stream.errors import StreamError
from include.stream.ledger import LedgerEntry, Totals
from include.stream.publisher import NotAcknowledgedError, SalePublisher
from include.stream.session import Published, WindowStoppedError, published_of

log = logging.getLogger(__name__)

LOAD_CONFIG: Final[Mapping[str, Any]] = {
    "linger.ms": 20,
    "batch.size": 1_000_000,
    "compression.type": "lz4",
    "queue.buffering.max.messages": 100_000,
    "queue.buffering.max.kbytes": 131_072,
}
"""Of the producer: large compressed batches, and a queue that bounds its memory."""

TRANSACTION_EVENTS: Final = 49_152
"""At most, in a transaction: 12 blocks."""

TRANSACTION_SECONDS: Final = 0.5
"""At a rate, a transaction holds as many events as fall into so long."""

_TELL_EVERY = 5.0
_MINUTE_MS = 60_000


def publish_load(
    publisher: SalePublisher,
    source: SaleSource,
    *,
    total: int,
    schedule: Schedule,
    rate: float | None = None,
    stop: threading.Event,
    since: datetime | None = None,
) -> Published:
    """Publish events 0 … `total` − 1 of the run and return what is published.

    `schedule` says each event's `ts`. `rate`: events a second, None for as many as Kafka takes. A
    run that was begun before is resumed after its last committed event. While Kafka acknowledges
    a transaction, the next one is prepared; no more is: that is the back-pressure. For speed, the
    publisher's configuration includes `LOAD_CONFIG`. `since` is as in `SalePublisher.open`.

    Raises `WindowStoppedError` once `stop` is set, and whatever the publisher raises.
    """
    if rate is not None and not 0 < rate < float("inf"):
        raise ValueError(f"the events a second must be more than 0, and they are {rate:g}")
    resumed_at = unacknowledged = 0
    try:
        resumed_at = publisher.open(since=since).last + 1
        _publish(publisher, source, range(resumed_at, total), schedule, rate, stop)
    except StreamError as error:
        if not stop.is_set():
            raise
        log.warning("%s", error)
        unacknowledged = error.unacknowledged if isinstance(error, NotAcknowledgedError) else 0
    published = published_of(publisher.progress, resumed_at, unacknowledged)
    if stop.is_set():
        raise WindowStoppedError(published)
    return published


def _publish(
    publisher: SalePublisher,
    source: SaleSource,
    events: range,
    schedule: Schedule,
    rate: float | None,
    stop: threading.Event,
) -> None:
    size = TRANSACTION_EVENTS
    if rate is not None:
        size = max(1, min(size, int(rate * TRANSACTION_SECONDS)))
    batches = _transactions(BulkEncoder(source), events, schedule, size)
    telling = _Telling(len(events))
    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        ready = pool.submit(next, batches, None)
        while (batch := ready.result()) is not None:
            if rate is not None:
                due = began + (batch.first + len(batch.values) - events.start) / rate
                stop.wait(max(0.0, due - time.monotonic()))
            if stop.is_set():
                return
            ready = pool.submit(next, batches, None)
            publisher.commit_encoded(batch.keys, batch.values, entries_of(batch, source))
            telling.add(len(batch.values))


def _transactions(
    encoder: BulkEncoder, events: range, schedule: Schedule, size: int
) -> Iterator[Encoded]:
    for first in range(events.start, events.stop, size):
        blocks = list(encoder.blocks(range(first, min(first + size, events.stop)), schedule))
        yield (
            blocks[0]
            if len(blocks) == 1
            else Encoded(
                first,
                [key for block in blocks for key in block.keys],
                [value for block in blocks for value in block.values],
                *(
                    np.concatenate(columns)
                    for columns in zip(*(b[3:] for b in blocks), strict=True)
                ),
            )
        )


def entries_of(batch: Encoded, source: SaleSource) -> list[LedgerEntry]:
    """Sum the events as `ledger.entries_for` does, without touching each of them."""
    minute = batch.ts // _MINUTE_MS
    cell = minute * len(ESTADOS) + batch.outcome
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
    by_minute: dict[int, dict[str, Totals]] = {}
    rows = zip(cells.tolist(), (ends - starts).tolist(), *sums, strict=True)
    for number, *totals in rows:
        of_minute, state = divmod(number, len(ESTADOS))
        by_minute.setdefault(of_minute, {})[ESTADOS[state]] = Totals(*totals)

    by_time = np.argsort(minute, kind="stable")
    minutes, starts = np.unique(minute[by_time], return_index=True)
    ts = batch.ts[by_time]
    first_n, last_n, first_ts, last_ts = (
        extreme.reduceat(column, starts)
        for column in (by_time, ts)
        for extreme in (np.minimum, np.maximum)
    )
    return [
        LedgerEntry(
            corrida=source.corrida,
            semilla=source.seed,
            desde=batch.first + int(first_n[i]),
            hasta=batch.first + int(last_n[i]),
            minuto=_iso(of_minute * _MINUTE_MS, "seconds"),
            primera_ts=_iso(int(first_ts[i]), "milliseconds"),
            ultima_ts=_iso(int(last_ts[i]), "milliseconds"),
            estados=by_minute[of_minute],
        )
        for i, of_minute in enumerate(minutes.tolist())
    ]


def _iso(milliseconds: int, timespec: str) -> str:
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    moment = moment.replace(microsecond=milliseconds % 1000 * 1000)
    return moment.isoformat(timespec=timespec).removesuffix("+00:00") + "Z"


class _Telling:
    """Logs how far it is, every few seconds."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._told = (time.monotonic(), 0)

    def add(self, events: int) -> None:
        self._done += events
        now = time.monotonic()
        since, before = self._told
        if now - since < _TELL_EVERY and self._done < self._total:
            return
        rate = (self._done - before) / max(now - since, 1e-9)
        log.info(
            "%d de %d ventas confirmadas · %.0f por segundo · faltan %.0f s",
            self._done,
            self._total,
            rate,
            (self._total - self._done) / rate,
        )
        self._told = (now, self._done)
