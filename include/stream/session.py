"""Live mode: publish each event when it is due, until the window ends or is stopped."""

import heapq
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from include.sales import steady_clock
from include.sales.content import SaleSource
from include.sales.event import Venta, format_ts
from include.sales.faults import Faults
from include.sales.incidents import Incident
from include.sales.lifecycle import is_return
from include.sales.pace import Pace
from include.sales.sale_line import money, sale_line
from include.stream.errors import StreamError
from include.stream.ledger import OmittedSale, RunProgress
from include.stream.publisher import NotAcknowledgedError, SalePublisher

log = logging.getLogger(__name__)

SESSION_CONFIG: Final[Mapping[str, Any]] = {"compression.type": "gzip"}
"""Producer settings. Each event is a batch of its own, and gzip makes such batches smallest.

They are a third smaller, and the topics keep months of sales and of the ledger in them.
"""

_SUMMARY_EVERY = 60.0

LONGEST_WAIT: Final = 1.0
"""Longest single wait, in seconds, for the next event or transaction.

Python runs a signal handler only between two bytecode instructions. If a signal arrives just before
the thread starts to wait, its handler runs after the wait: after a long one, the stop would be
late.
"""

_MOST_AT_ONCE = 2000
"""Greatest number of events in a transaction, reached only after an outage or at a high rate."""

_MOST_LOGGED = 5
"""Number of a transaction's events that are logged."""


class Published(msgspec.Struct, frozen=True):
    """Totals of a run over all its tries; the field names are those of the XCom."""

    run: str
    sales: int
    """Sales begun; the next two fields count the events of all their steps."""
    sent: int
    """Events handed to Kafka: the acknowledged ones and, after a stop, the unacknowledged ones."""
    committed: int
    """Events that Kafka acknowledged, plus the extra rows that Druid will hold from faults."""
    first: int | None
    """First acknowledged `secuencia`. It and the next three fields are None if there is none."""
    last: int | None
    first_ts: str | None
    last_ts: str | None
    revenue_centavos: int
    """Amount of the approved sales, less refunds and chargebacks."""
    faults: dict[str, int]
    """Injected faults by kind, as in the ledger."""
    resumed_at: int
    """The first `secuencia` of this try: 0 for a first try."""
    omitted: int = 0
    """Sales that incidents prevented."""

    def to_dict(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)


class WindowStoppedError(StreamError):
    """The run was stopped before its end; `published` holds its totals at that moment."""

    def __init__(self, published: Published) -> None:
        super().__init__(
            f"run {published.run!r} was stopped: {published.committed} records "
            f"acknowledged, {published.sent - published.committed} not"
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
    incidents: Callable[[datetime], Sequence[Incident]] = lambda _: (),
) -> Published:
    """Publish the run's events when they are due, and return the run's totals.

    New sales begin until the window's end. The sales that have begun by then are still decided,
    which takes some seconds; a return that is due after the end is left out. If earlier tries
    committed events of the run, this try continues after them.

    Args:
        publisher: a publisher that is not open yet; give it the tuning `SESSION_CONFIG`, for small
            batches.
        source: the run's sales.
        until: the window's end: a moment, or the time from the run's beginning (so a resumed run
            keeps its end).
        pace: makes the pace from the moment at which the run begins.
        stop: set it to stop.
        begins: when the run begins; None for the moment of its first sale.
        since: as in `SalePublisher.open`.
        faults: faults to inject.
        incidents: makes the run's incidents from the moment at which it begins. A resumed run keeps
            the incidents of its first try.

    Raises `WindowStoppedError` once `stop` is set, and the publisher's errors.
    """

    def publish() -> None:
        publisher.open(since=since)
        chains = publisher.chains(since=since) if publisher.resumed_at else {}
        # The first sale, not the earliest one: a fault may have dated a later sale before it.
        first = begins or (chains[min(chains)][0] if chains else steady_clock.now())
        planted = publisher.progress.incidents if publisher.resumed_at else tuple(incidents(first))
        publisher.incidents = planted
        sales = source.with_incidents(planted)
        session = _Session(publisher, sales, pace(first), _end(first, until), faults)
        session.take_up(chains)
        session.run(stop)

    return concluded(publisher, publish, stop)


def concluded(
    publisher: SalePublisher, publish: Callable[[], None], stop: threading.Event
) -> Published:
    """Run `publish` until it ends or is stopped, and return the run's totals.

    Raises `WindowStoppedError` once `stop` is set, and the errors of `publish`.
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
    """The events of a run that are still to publish: new sales and steps of the begun ones."""

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
        """A heap of (moment due in seconds since the epoch, id, event)."""

    def take_up(self, chains: Mapping[int, tuple[datetime, int]]) -> None:
        """Add the steps that earlier tries did not commit; `chains` is from `chains_of_run`."""
        for n, (ts, steps) in chains.items():
            self._await(self._source.chain(n, ts)[steps:])

    def run(self, stop: threading.Event) -> None:
        """Publish until no event is left, or `stop` is set."""
        log.info(
            "Run %s: publishing from sale #%d until %s",
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
            events, omitted = self._due()
            if events or omitted:
                self._publisher.commit(events, self._faults, omitted)
                _log_sales(events)
            summary.log_when_due(self._publisher.progress)

    def _left(self) -> float:
        """Return the seconds until an event is due or the window ends."""
        now = steady_clock.seconds()
        lefts = [self._steps[0][0] - now] if self._steps else []
        if self._open:
            lefts += [self._pace.left(self._next), self._end.timestamp() - now]
        return min(lefts, default=0.0)

    def _due(self) -> tuple[list[Venta], list[OmittedSale]]:
        """Remove the events that are due, and return them in the order of their due time.

        With them come the sales that are due, but that an incident prevents.
        """
        events: list[Venta] = []
        omitted: list[OmittedSale] = []
        while len(events) + len(omitted) < _MOST_AT_ONCE:
            sale_left = self._sale_left()
            step_left = self._steps[0][0] - steady_clock.seconds() if self._steps else float("inf")
            if min(sale_left, step_left) > 0:
                break
            if step_left <= sale_left:
                events.append(heapq.heappop(self._steps)[2])
            else:
                begins = self._begins(self._next)
                sale = self._source.chain(self._next, begins)
                events += sale[:1]
                self._await(sale[1:])
                if not sale:
                    omitted.append(OmittedSale(self._source.corrida, self._next, format_ts(begins)))
                self._next += 1
        return events, omitted

    def _begins(self, n: int) -> datetime:
        """Return the `ts` of sale n, which is due; an injected fault may date it earlier."""
        moment = self._pace.moment(n)
        return moment - timedelta(milliseconds=self._faults.shift(n)) if self._faults else moment

    def _sale_left(self) -> float:
        """Return the seconds until the next sale; infinity once the window has ended."""
        if not self._open:
            return float("inf")
        left = self._pace.left(self._next)
        if left <= 0:
            self._open = self._pace.moment(self._next) < self._end
        else:
            self._open = steady_clock.now() < self._end
        return left if self._open else float("inf")

    def _await(self, steps: Sequence[Venta]) -> None:
        for step in steps:
            due = datetime.fromisoformat(step.ts)
            if due < self._end or not is_return(step.estado):
                heapq.heappush(self._steps, (due.timestamp(), step.id_evento, step))


def _log_sales(events: Sequence[Venta]) -> None:
    for event in events[:_MOST_LOGGED]:
        log.info(sale_line(event))
    if len(events) > _MOST_LOGGED:
        log.info("… and %d more", len(events) - _MOST_LOGGED)


def _end(begins: datetime, until: datetime | timedelta) -> datetime:
    return until if isinstance(until, datetime) else begins + until


def _published(publisher: SalePublisher, unacknowledged: int) -> Published:
    """Return the totals of the publisher's progress, and count a batch without acknowledgement."""
    progress = publisher.progress
    total = progress.total
    return Published(
        run=progress.run,
        sales=progress.sales,
        sent=progress.rows + unacknowledged,
        committed=progress.rows,
        first=progress.first if total.eventos else None,
        last=progress.last if total.eventos else None,
        first_ts=progress.first_ts,
        last_ts=progress.last_ts,
        revenue_centavos=progress.revenue_centavos,
        faults=progress.faults,
        resumed_at=publisher.resumed_at,
        omitted=progress.omitted,
    )


class _Summary:
    """Log the sales and revenue of each minute."""

    def __init__(self, progress: RunProgress) -> None:
        self._before = progress
        self._due = time.monotonic() + _SUMMARY_EVERY

    def log_when_due(self, progress: RunProgress) -> None:
        if time.monotonic() < self._due:
            return
        log.info(
            "Last minute: %d sales, revenue %s · whole run: %d sales, revenue %s",
            progress.sales - self._before.sales,
            money(progress.revenue_centavos - self._before.revenue_centavos),
            progress.sales,
            money(progress.revenue_centavos),
        )
        self._before = progress
        self._due += _SUMMARY_EVERY
