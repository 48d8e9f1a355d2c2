"""Publish past days as the back-fill does, but one after the other, at a compressed clock."""

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from include.sales.backfill import Day, day_arrivals
from include.sales.content import SaleSource
from include.sales.demand import Demand
from include.sales.market import load_market
from include.stream.errors import StreamError
from include.stream.load import LOAD_CONFIG, publish_load
from include.stream.publisher import SalePublisher
from include.stream.session import Published, WindowStoppedError

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
        published = publish_day(
            self._config,
            source,
            demand,
            day,
            topic=self._topic,
            scale=SCALE,
            until=day.end,
            seconds=DAY_SECONDS,
            stop=self._stop_asked,
        )
        self.events += published.committed
        self.closed += 1


def publish_day(
    config: Mapping[str, Any],
    source: SaleSource,
    demand: Demand,
    day: Day,
    *,
    topic: str,
    scale: float,
    until: datetime,
    seconds: float | None = None,
    stop: threading.Event,
) -> Published:
    """Publish the sales of a day before `until` that the ledger lacks; return the run's totals.

    Args:
        config: configuration of a librdkafka client.
        source: the run's sales.
        demand: the market's demand.
        day: the day.
        topic: topic of the sales; the ledger's topic is ``<topic>.ledger``.
        scale: sales per second, as the mean over a year.
        until: no event is from this moment on.
        seconds: time that the day takes; None for as fast as Kafka accepts.
        stop: set it to stop.

    Raises `WindowStoppedError` once `stop` is set, and the publisher's errors.
    """
    begins = day_arrivals(demand, source.seed, day, scale, until)
    with SalePublisher(
        config,
        source.corrida,
        seed=source.seed,
        transactional_id=f"{topic}/{source.corrida}",
        delivery_timeout=60,
        topic=topic,
        ledger_topic=f"{topic}.ledger",
        tuning=LOAD_CONFIG,
        stopped=stop.is_set,
    ) as publisher:
        return publish_load(
            publisher,
            source,
            sales=range(len(begins)),
            schedule=lambda first, last: begins[first:last],
            until=until,
            # Slightly too fast, so that the next day begins on time.
            rate=1.05 * _EVENTS_PER_SALE * len(begins) / seconds if seconds else None,
            stop=stop,
        )
