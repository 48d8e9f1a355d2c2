"""The publishing session: sale by sale, at its pace, until the window ends or is stopped."""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec

from include.sales.content import SaleSource
from include.sales.pace import Pacer
from include.sales.ticker import money, sale_line
from include.stream.errors import StreamError
from include.stream.ledger import RunProgress
from include.stream.publisher import NotAcknowledgedError, SalePublisher

log = logging.getLogger(__name__)

_SUMMARY_EVERY = 60.0


class Published(msgspec.Struct, frozen=True):
    """What a run has published, over all its tries; the field names are those of the XCom."""

    corrida: str
    enviadas: int
    """Sales handed to Kafka: those acknowledged and, after a stop, those not acknowledged."""
    confirmadas: int
    """Sales acknowledged by Kafka."""
    desde: int | None
    """First acknowledged `secuencia`; None, as the next three, if there is none."""
    hasta: int | None
    primera_ts: str | None
    ultima_ts: str | None
    importe_centavos: int
    """Sum over the acknowledged sales of all states."""
    reanudada_en: int
    """The `secuencia` at which this try began: 0 for the first one."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return msgspec.structs.asdict(self)


class WindowStoppedError(StreamError):
    """A stop was asked for before the window's end; `published` is what is there by then."""

    def __init__(self, published: Published) -> None:
        super().__init__(
            f"run {published.corrida!r} was stopped: {published.confirmadas} sales are "
            f"acknowledged and {published.enviadas - published.confirmadas} are not"
        )
        self.published = published


def publish_window(
    publisher: SalePublisher,
    source: SaleSource,
    *,
    until: datetime | timedelta,
    minimum_gap: float,
    maximum_gap: float,
    stop: threading.Event,
    since: datetime | None = None,
) -> Published:
    """Publish the run's sales one by one, each in a transaction, and return what is published.

    A run that was begun before is resumed after its last committed sale. `until` is a moment, or
    the time from the run's first sale (so a resumed run keeps its end); the last sale's `ts` is
    before it, and the call returns at most one gap after it. Gaps are in seconds. `since` is as in
    `SalePublisher.open`.

    Raises `WindowStoppedError` once `stop` is set, whatever the publisher raises, and `ValueError`
    for impossible gaps before anything is sent.
    """
    pacer = Pacer(source.seed, minimum_gap, maximum_gap)
    resumed_at = unacknowledged = 0
    try:
        resumed_at = publisher.open(since=since).last + 1
        _publish(publisher, source, pacer, until, stop)
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
    pacer: Pacer,
    until: datetime | timedelta,
    stop: threading.Event,
) -> None:
    end = _end(publisher.progress, until)
    first = publisher.progress.last + 1
    log.info(
        "Corrida %s: desde la venta #%d, hasta %s",
        source.corrida,
        first,
        end.isoformat(timespec="seconds"),
    )
    summary = _Summary(publisher.progress)
    for n in count(first):
        if not pacer.wait(n, stop) or (now := datetime.now(UTC)) >= end:
            return
        sale = source.sale(n, now)
        publisher.commit([sale])
        log.info(sale_line(sale))
        summary.log_when_due(publisher.progress)


def _end(progress: RunProgress, until: datetime | timedelta) -> datetime:
    if isinstance(until, datetime):
        return until
    first = datetime.fromisoformat(progress.first_ts) if progress.first_ts else datetime.now(UTC)
    return first + until


def published_of(progress: RunProgress, resumed_at: int, unacknowledged: int) -> Published:
    """Return what a run's progress comes to, with the sales of a batch that is in doubt."""
    total = progress.total
    return Published(
        corrida=progress.corrida,
        enviadas=total.eventos + unacknowledged,
        confirmadas=total.eventos,
        desde=0 if total.eventos else None,
        hasta=progress.last if total.eventos else None,
        primera_ts=progress.first_ts,
        ultima_ts=progress.last_ts,
        importe_centavos=total.importe_centavos,
        reanudada_en=resumed_at,
    )


class _Summary:
    """Logs each minute what it brought."""

    def __init__(self, progress: RunProgress) -> None:
        self._before = progress.total
        self._due = time.monotonic() + _SUMMARY_EVERY

    def log_when_due(self, progress: RunProgress) -> None:
        if time.monotonic() < self._due:
            return
        total = progress.total
        log.info(
            "Último minuto: %d ventas por %s · corrida: %d ventas confirmadas por %s",
            total.eventos - self._before.eventos,
            money(total.importe_centavos - self._before.importe_centavos),
            total.eventos,
            money(total.importe_centavos),
        )
        self._before = total
        self._due += _SUMMARY_EVERY
