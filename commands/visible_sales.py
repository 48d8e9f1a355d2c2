"""Follow the events of a run as they become visible in Druid, and measure their freshness."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from include.druid.client import DruidClient, DruidError
from include.druid.queries import for_datasource
from include.names import DATASOURCE
from include.sales.event import Venta

_SQL = Path(__file__).with_name("visible_sales.sql").read_text(encoding="utf-8")

#: Seconds between two queries; the measured freshness may be too high by this much.
_INTERVAL = 0.03

#: Milliseconds that each query goes back before the newest `ts` seen: an event may become visible
#: after an event of another partition that has a later `ts`.
_BEHIND = 3000

#: Seconds between two queries while Druid does not answer.
_PATIENCE = 0.25


class VisibleSales(threading.Thread):
    """A thread that polls Druid for the new rows of a run until `stop` is called.

    `freshness` has the seconds from each event's `ts` to the moment when an SQL answer first showed
    it. The producer sets `ts` just before it sends the event to Kafka, so before the
    acknowledgement.
    """

    def __init__(
        self, client: DruidClient, corrida: str, on_event: Callable[[Venta, float], None]
    ) -> None:
        super().__init__(daemon=True, name="live-sales")
        self._client = client
        self._corrida = corrida
        self._on_event = on_event
        self._query = for_datasource(_SQL, DATASOURCE)
        self._since = 0
        self._seen: set[str] = set()
        self._stop_asked = threading.Event()
        self.freshness: list[float] = []

    def run(self) -> None:
        """Poll until `stop` is called, also while Druid starts, restarts or fails."""
        interval = _PATIENCE
        while not self._stop_asked.wait(interval):
            try:
                rows = self._client.sql(self._query, [self._corrida, self._since], timeout=5)
            except DruidError:
                interval = _PATIENCE
                continue
            interval = _INTERVAL
            seen = datetime.now(UTC)
            for row in rows:
                event = msgspec.convert(row, Venta)
                if event.id_evento in self._seen:
                    continue
                self._seen.add(event.id_evento)
                ts = datetime.fromisoformat(event.ts)
                self._since = max(self._since, int(ts.timestamp() * 1000) - _BEHIND)
                age = (seen - ts).total_seconds()
                self.freshness.append(age)
                self._on_event(event, age)

    def stop(self) -> None:
        """End the thread after its current query."""
        self._stop_asked.set()
        self.join(10)
