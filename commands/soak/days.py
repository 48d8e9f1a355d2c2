"""Publish past days as the back-fill does, but one after the other, at a compressed clock."""

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from include.sales.backfill import Day, day_arrivals
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.market import load_market
from include.stream.errors import StreamError
from include.stream.load import LOAD_CONFIG, publish_load
from include.stream.publisher import SalePublisher
from include.stream.session import WindowStoppedError

DAY_SECONDS: Final = 120.0
"""Seconds that a simulated day lasts; so a month takes an hour."""

SCALE: Final = 1 / 1.5
"""Mean sales per second of a year: one sale every 1-2 s."""

SEED: Final = 2026
_EVENTS_PER_SALE = 2


class DayPublisher(threading.Thread):
    """A thread that publishes days until all are published or `stop` is called."""

    def __init__(self, config: Mapping[str, Any], topic: str, days: Sequence[Day]) -> None:
        super().__init__(name="days")
        self._config = config
        self._topic = topic
        self._days = days
        self._stop_asked = threading.Event()
        self.closed = 0
        """Number of days that are published completely."""
        self.events = 0
        """Number of acknowledged events of those days."""
        self.error: StreamError | None = None
        """The error that ended the thread early; None without one."""

    def run(self) -> None:
        """Publish the days in turn, one per `DAY_SECONDS`, or slower if Kafka is too slow."""
        market = load_market()
        demand = Demand(market)
        began = time.monotonic()
        try:
            for number, day in enumerate(self._days, start=1):
                self._publish(
                    SaleSource(market, SEED, day.corrida(SEED, SCALE), seconds_per_day=60),
                    demand,
                    day,
                )
                self._stop_asked.wait(began + number * DAY_SECONDS - time.monotonic())
                if self._stop_asked.is_set():
                    return
        except WindowStoppedError:
            pass
        except StreamError as error:
            self.error = error

    def stop(self) -> None:
        """Abandon the current day and end the thread within seconds."""
        self._stop_asked.set()
        if self.ident is not None:
            self.join()

    def _publish(self, source: SaleSource, demand: Demand, day: Day) -> None:
        begins = day_arrivals(demand, SEED, day, SCALE, day.end)
        with SalePublisher(
            self._config,
            source.corrida,
            seed=SEED,
            transactional_id=f"{self._topic}/{source.corrida}",
            delivery_timeout=60,
            topic=self._topic,
            ledger_topic=f"{self._topic}.ledger",
            tuning=LOAD_CONFIG,
            stopped=self._stop_asked.is_set,
        ) as publisher:
            published = publish_load(
                publisher,
                source,
                sales=range(len(begins)),
                schedule=lambda first, stop: begins[first:stop],
                until=day.end,
                # Slightly too fast, so that the next day begins on time.
                rate=1.05 * _EVENTS_PER_SALE * len(begins) / DAY_SECONDS,
                stop=self._stop_asked,
            )
        self.events += published.committed
        self.closed += 1
