"""The publishing session: event by event as they are due, until the window ends or is stopped."""

import heapq
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from include.sales import wall
from include.sales.content import SaleSource
from include.sales.event import Venta
from include.sales.faults import Faults
from include.sales.lifecycle import is_return
from include.sales.pace import Pace
from include.sales.ticker import money, sale_line
from include.stream.errors import StreamError
from include.stream.ledger import RunProgress
from include.stream.publisher import NotAcknowledgedError, SalePublisher

log = logging.getLogger(__name__)

SESSION_CONFIG: Final[Mapping[str, Any]] = {"compression.type": "gzip"}
"""Of the producer: each event is a batch of its own, of which gzip leaves the least, a third less.

The sales and the ledger of months are kept in such batches.
"""

_SUMMARY_EVERY = 60.0

LONGEST_WAIT: Final = 1.0
"""Seconds of one wait for the next event or transaction.

Python runs a signal's handler between two of its own steps. A signal that arrives just before the
thread falls asleep is handled after the wait, however long it is: the stop would come too late.
"""

_MOST_AT_ONCE = 2000
"""Events in a transaction: so many are due at once after an outage only, or at a high rate."""

_MOST_TOLD = 5
"""Of a transaction's events, in the log."""


class Published(msgspec.Struct, frozen=True):
    """What a run has published, over all its tries; the field names are those of the XCom."""

    corrida: str
    ventas: int
    """Sales begun; the events of all their steps are counted by the next two."""
    enviadas: int
    """Events handed to Kafka: those acknowledged and, after a stop, those not acknowledged."""
    confirmadas: int
    """Events acknowledged by Kafka, and what Druid will hold beside them of the faults."""
    desde: int | None
    """First acknowledged `secuencia`; None, as the next three, if there is none."""
    hasta: int | None
    primera_ts: str | None
    ultima_ts: str | None
    facturado_centavos: int
    """Sum over the approved sales, less those given back."""
    fallas: dict[str, int]
    """Faults on purpose by kind, as in the ledger."""
    reanudada_en: int
    """The `secuencia` at which this try began: 0 for the first one."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return msgspec.structs.asdict(self)


class WindowStoppedError(StreamError):
    """A stop was asked for before the window's end; `published` is what is there by then."""

    def __init__(self, published: Published) -> None:
        super().__init__(
            f"run {published.corrida!r} was stopped: {published.confirmadas} events are "
            f"acknowledged and {published.enviadas - published.confirmadas} are not"
        )
        self.published = published


def publish_window(
    publisher: SalePublisher,
    source: SaleSource,
    *,
    until: datetime | timedelta,
    pace: Callable[[datetime], Pace],
    stop: threading.Event,
    begins: datetime | None = None,
    since: datetime | None = None,
    faults: Faults | None = None,
) -> Published:
    """Publish the run's events as they are due, and return what is published.

    Sales begin until the window's end: `until` is a moment, or the time from the run's first sale
    (so a resumed run keeps its end). Those that have begun are still decided, which takes some
    seconds; a return that is due after the end is left out. A run that was begun before is resumed
    after its last committed event. `pace` is made of the moment that the run begins at: `begins`
    or else its first sale. `since` is as in `SalePublisher.open`. `faults` are put in on purpose.
    For size, `SESSION_CONFIG` is the publisher's tuning.

    Raises `WindowStoppedError` once `stop` is set, and whatever the publisher raises.
    """

    def publish() -> None:
        publisher.open(since=since)
        chains = publisher.chains(since=since) if publisher.resumed_at else {}
        # By its own moment: a later sale may have been made to begin before the first.
        first = begins or (chains[0][0] if chains else wall.now())
        session = _Session(publisher, source, pace(first), _end(first, until), faults)
        session.take_up(chains)
        session.run(stop)

    return concluded(publisher, publish, stop)


def concluded(
    publisher: SalePublisher, publish: Callable[[], None], stop: threading.Event
) -> Published:
    """Run what publishes until it ends or is stopped, and return what is published by then.

    Raises `WindowStoppedError` once `stop` is set, and whatever `publish` raises.
    """
    unacknowledged = 0
    try:
        publish()
    except StreamError as error:
        if not stop.is_set():
            raise
        log.warning("%s", error)
        unacknowledged = error.unacknowledged if isinstance(error, NotAcknowledgedError) else 0
    published = _published(publisher, unacknowledged)
    if stop.is_set():
        raise WindowStoppedError(published)
    return published


class _Session:
    """What is still to come of a run: the next sale, and the steps of those that have begun."""

    def __init__(
        self,
        publisher: SalePublisher,
        source: SaleSource,
        pace: Pace,
        end: datetime,
        faults: Faults | None,
    ) -> None:
        self._publisher = publisher
        self._source = source
        self._pace = pace
        self._end = end
        self._faults = faults
        self._next = publisher.progress.last + 1
        self._open = True
        """Whether sales may still begin."""
        self._steps: list[tuple[float, str, Venta]] = []
        """A heap by when they are due, in seconds since the epoch."""

    def take_up(self, chains: Mapping[int, tuple[datetime, int]]) -> None:
        """Find the steps that earlier tries left undone, from the events that they committed."""
        for n, (ts, steps) in chains.items():
            self._await(self._source.chain(n, ts)[steps:])

    def run(self, stop: threading.Event) -> None:
        """Publish until nothing is to come, or `stop` is set."""
        log.info(
            "Corrida %s: desde la venta #%d, hasta %s",
            self._source.corrida,
            self._next,
            self._end.isoformat(timespec="seconds"),
        )
        summary = _Summary(self._publisher.progress)
        while self._open or self._steps:
            if (left := self._left()) > 0:
                stop.wait(min(left, LONGEST_WAIT))
            if stop.is_set():
                return
            if events := self._due():
                self._publisher.commit(events, self._faults)
                _tell(events)
            summary.log_when_due(self._publisher.progress)

    def _left(self) -> float:
        """Seconds until something is due or the window ends."""
        now = wall.seconds()
        lefts = [self._steps[0][0] - now] if self._steps else []
        if self._open:
            lefts += [self._pace.left(self._next), self._end.timestamp() - now]
        return min(lefts, default=0.0)

    def _due(self) -> list[Venta]:
        """Take what is due, in the order in which it is."""
        events: list[Venta] = []
        while len(events) < _MOST_AT_ONCE:
            sale_left = self._sale_left()
            step_left = self._steps[0][0] - wall.seconds() if self._steps else float("inf")
            if min(sale_left, step_left) > 0:
                break
            if step_left <= sale_left:
                events.append(heapq.heappop(self._steps)[2])
            else:
                first, *steps = self._source.chain(self._next, self._begins(self._next))
                events.append(first)
                self._await(steps)
                self._next += 1
        return events

    def _begins(self, n: int) -> datetime:
        """`ts` of sale n, which is due: before that for one that is late on purpose."""
        moment = self._pace.moment(n)
        return moment - timedelta(milliseconds=self._faults.shift(n)) if self._faults else moment

    def _sale_left(self) -> float:
        """Seconds until the next sale; infinite once the window has ended."""
        if not self._open:
            return float("inf")
        left = self._pace.left(self._next)
        if left <= 0:
            self._open = self._pace.moment(self._next) < self._end
        else:
            self._open = wall.now() < self._end
        return left if self._open else float("inf")

    def _await(self, steps: Sequence[Venta]) -> None:
        for step in steps:
            due = datetime.fromisoformat(step.ts)
            if due < self._end or not is_return(step.estado):
                heapq.heappush(self._steps, (due.timestamp(), step.id_evento, step))


def _tell(events: Sequence[Venta]) -> None:
    for event in events[:_MOST_TOLD]:
        log.info(sale_line(event))
    if len(events) > _MOST_TOLD:
        log.info("… y %d más", len(events) - _MOST_TOLD)


def _end(begins: datetime, until: datetime | timedelta) -> datetime:
    return until if isinstance(until, datetime) else begins + until


def _published(publisher: SalePublisher, unacknowledged: int) -> Published:
    """Return what a run's progress comes to, with the events of a batch that is in doubt."""
    progress = publisher.progress
    total = progress.total
    return Published(
        corrida=progress.corrida,
        ventas=progress.sales,
        enviadas=progress.rows + unacknowledged,
        confirmadas=progress.rows,
        desde=progress.first if total.eventos else None,
        hasta=progress.last if total.eventos else None,
        primera_ts=progress.first_ts,
        ultima_ts=progress.last_ts,
        facturado_centavos=progress.revenue_centavos,
        fallas=progress.faults,
        reanudada_en=publisher.resumed_at,
    )


class _Summary:
    """Logs each minute what it brought."""

    def __init__(self, progress: RunProgress) -> None:
        self._before = progress
        self._due = time.monotonic() + _SUMMARY_EVERY

    def log_when_due(self, progress: RunProgress) -> None:
        if time.monotonic() < self._due:
            return
        log.info(
            "Último minuto: %d ventas, facturado %s · corrida: %d ventas, facturado %s",
            progress.sales - self._before.sales,
            money(progress.revenue_centavos - self._before.revenue_centavos),
            progress.sales,
            money(progress.revenue_centavos),
        )
        self._before = progress
        self._due += _SUMMARY_EVERY
